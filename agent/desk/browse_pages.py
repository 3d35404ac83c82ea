"""The desk as Datasette shows it: what each table and view is, and what an editor asks of it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from copydesk.agent.records import Json


class Question(NamedTuple):
    """Something that an editor asks of the desk: its title, what the answer holds, and the SQL."""

    title: str
    description: str
    sql: str


QUESTIONS: Mapping[str, Question] = {
    "accepted_last_week": Question(
        "What was accepted last week",
        "Drafts that you accepted in the last seven days, the newest first.",
        """SELECT r.decided_at, d.kind, d.title, d.path, d.origin
        FROM reviews AS r JOIN drafts AS d ON d.id = r.draft_id
        WHERE r.action = 'accept' AND r.decided_at >= datetime('now', '-7 days')
        ORDER BY r.decided_at DESC""",
    ),
    "losing_coverage": Question(
        "Which functions keep losing coverage",
        "Functions that a change left with lines that no test reaches, by how many commits did so.",
        """SELECT path, function, count(DISTINCT sha) AS commits,
               round(max(risk), 3) AS highest_risk
        FROM gaps WHERE changed GROUP BY path, function
        ORDER BY commits DESC, highest_risk DESC LIMIT 200""",
    ),
    "cost_of_models": Question(
        "What did the model cost",
        "Calls, tokens and seconds of each model and purpose, and how many calls were answered.",
        """SELECT model, purpose, count(*) AS calls, sum(outcome = 'ok') AS answered,
               sum(prompt_tokens) AS prompt_tokens, sum(output_tokens) AS output_tokens,
               round(sum(seconds), 1) AS seconds
        FROM model_calls GROUP BY model, purpose ORDER BY seconds DESC""",
    ),
    "waiting": Question(
        "What waits for a decision",
        "Drafts that you have not decided on, the oldest first.",
        """SELECT id, kind, title, origin, path, created_at FROM drafts_waiting
        ORDER BY created_at""",
    ),
    "riskiest_gaps": Question(
        "What to test next",
        "The gaps of the commit that was measured last, the riskiest first.",
        """SELECT path, function, lines, round(risk, 4) AS risk, reasons, changed
        FROM gaps_ranked
        WHERE sha = (SELECT sha FROM measures ORDER BY measured_at DESC LIMIT 1)""",
    ),
    "failing_tests": Question(
        "Which tests fail, and since when",
        "Tests that failed at measured commits, with the first and last of these.",
        """SELECT f.test, count(*) AS commits, min(m.measured_at) AS first_measured,
               max(m.measured_at) AS last_measured, f.error
        FROM failed_tests AS f JOIN measures AS m USING (sha)
        GROUP BY f.test ORDER BY last_measured DESC, commits DESC""",
    ),
    "slowest_tests": Question(
        "Which tests are slow",
        "The newest run of each test, the slowest first.",
        """SELECT c.name AS test, round(t.seconds, 3) AS seconds, t.outcome,
               datetime(max(t.recorded_at), 'unixepoch') AS recorded
        FROM traces AS t JOIN contexts AS c ON c.id = t.context_id
        WHERE c.kind = 'test' GROUP BY c.id ORDER BY t.seconds DESC LIMIT 200""",
    ),
    "why_rejected": Question(
        "Why drafts were rejected",
        "Your reasons, by how often you gave them.",
        """SELECT coalesce(nullif(r.why, ''), '(no reason)') AS why, d.kind, d.origin,
               count(*) AS drafts, max(r.decided_at) AS last_time
        FROM reviews AS r JOIN drafts AS d ON d.id = r.draft_id
        WHERE r.action = 'reject' GROUP BY 1, d.kind, d.origin ORDER BY drafts DESC""",
    ),
    "unanswered_questions": Question(
        "Which questions of readers are open",
        "Questions and requests that nobody has answered, the newest first.",
        """SELECT id, source, thread, url, written, kind, tone, text FROM feedback
        WHERE kind IN ('question', 'request') AND NOT answered AND NOT by_author
        ORDER BY written DESC""",
    ),
    "what_was_sent": Question(
        "What was posted, and what of it arrived",
        "Stories that were sent: parts planned and sent, by channel and round.",
        """SELECT d.title, s.channel, s.round, count(*) AS parts, sum(s.state = 'sent') AS sent,
               max(s.sent_at) AS last_sent
        FROM sent_parts AS s JOIN drafts AS d ON d.id = s.draft_id
        GROUP BY s.draft_id, s.channel, s.round ORDER BY last_sent DESC""",
    ),
    "left_out": Question(
        "What copydesk could not do",
        "Single items that a piece of work left out, with the error, the newest first.",
        "SELECT work, sha, item, error, failed_at FROM failed_items ORDER BY id DESC",
    ),
}

_FACETS: Mapping[str, tuple[str, ...]] = {
    "drafts": ("kind", "state", "origin"),
    "drafts_waiting": ("kind", "origin"),
    "reviews": ("action",),
    "jobs": ("kind", "state"),
    "model_calls": ("model", "purpose", "outcome"),
    "failed_tests": ("outcome", "before"),
    "feedback": ("source", "kind", "tone", "answered"),
    "gaps": ("changed",),
    "predictions": ("kind", "in_force", "outcome"),
    "comparisons": ("verdict", "state"),
}
_HIDDEN = ("traces", "hits", "totals", "known", "content_cache", "commit_gaps", "gap_rows")
"""Tables of packed numbers, which the views unpack."""


def descriptions(db: sqlite3.Connection) -> dict[str, str]:
    """What a row of each table and view is: the comment that its definition begins with.

    Args:
        db: An open desk.
    """
    comments = {}
    for name, sql in db.execute(
        "SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'view') AND sql LIKE '%-- %'"
    ):
        comment = sql.split("\n")[1].strip()
        if comment.startswith("-- "):
            comments[name] = comment.removeprefix("-- ")
    return comments


def browse_metadata(project: str, desk: Path) -> Json:
    """What Datasette is told of the desk: titles, facets, questions, and who may look.

    Args:
        project: What the repository is called.
        desk: The database, as this version of copydesk leaves it.
    """
    with contextlib.closing(sqlite3.connect(f"{desk.absolute().as_uri()}?mode=ro", uri=True)) as db:
        described = descriptions(db)
    tables: dict[str, Json] = {}
    for name, description in described.items():
        tables[name] = {"description": description}
        if name in _FACETS:
            tables[name]["facets"] = list(_FACETS[name])
        if name in _HIDDEN:
            tables[name]["hidden"] = True
    return {
        "title": f"The desk of {project}",
        "description": "What copydesk knows of the repository; nothing can be written here.",
        "allow": {"id": "root"},
        "databases": {
            "desk": {
                "description": "Views first: they stay when the tables behind them change.",
                "queries": {
                    name: {
                        "title": question.title,
                        "description": question.description,
                        "sql": question.sql,
                    }
                    for name, question in QUESTIONS.items()
                },
                "tables": tables,
            }
        },
    }
