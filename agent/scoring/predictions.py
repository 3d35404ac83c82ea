"""What models said, as rows, and what came of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import transaction
from copydesk.agent.records import Json, Sha

RIPE_SECONDS = 365 * 86_400.0
"""A changed function without a fix for so long counts as one without a defect."""


class Prediction(NamedTuple):
    """One thing that was said. `model` is its SHA-256, "" for a formula."""

    subject: str
    score: float
    in_force: str
    model: str
    reasons: tuple[str, ...]
    features: Mapping[str, float | None]


def store(db: Database, kind: str, sha: Sha, said: Iterable[Prediction]) -> None:
    """Keep what was said; what was said before of the same is replaced until its outcome is in."""
    with transaction(db):
        db.executemany(
            "INSERT INTO predictions (kind, sha, subject, score, in_force, model, reasons,"
            " features, made_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (kind, sha, subject) DO UPDATE SET score = excluded.score,"
            " in_force = excluded.in_force, model = excluded.model, reasons = excluded.reasons,"
            " features = excluded.features, made_at = excluded.made_at"
            " WHERE predictions.outcome IS NULL",
            (
                (
                    *(kind, sha, p.subject, p.score, p.in_force, p.model),
                    *(json.dumps(p.reasons), json.dumps(p.features), time.time()),
                )
                for p in said
            ),
        )


def of_commit(db: Database, kind: str, sha: Sha) -> list[Json]:
    """What was said of a commit's functions, tests or drafts, the highest score first."""
    names = ("subject", "score", "in_force", "model", "reasons", "features", "outcome")
    found = db.execute(
        f"SELECT {', '.join(names)} FROM predictions WHERE kind = ? AND sha = ?"
        " ORDER BY score DESC, subject",
        (kind, sha),
    )
    return _as_json(names, found)


def latest(db: Database, limit: int) -> list[Json]:
    """What was said last, the newest first, with what came of it where that is known.

    Args:
        db: The desk.
        limit: At most so many.
    """
    names = (
        *("kind", "sha", "subject", "score", "in_force", "model", "reasons", "features"),
        *("made_at", "outcome", "outcome_why", "outcome_at"),
    )
    found = db.execute(
        f"SELECT {', '.join(names)} FROM predictions ORDER BY made_at DESC, id DESC LIMIT ?",
        (limit,),
    )
    return _as_json(names, found)


def _as_json(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[Json]:
    listed = [dict(zip(names, row, strict=True)) for row in rows]
    return [
        one | {"reasons": json.loads(one["reasons"]), "features": json.loads(one["features"])}
        for one in listed
    ]


def join_outcomes(db: Database, now: float | None = None) -> int:
    """Write the outcomes that are known by now; how many were new.

    A function: a fix was traced to it, or a year went by without one. A draft: the editor
    accepted or rejected it.
    """
    now = time.time() if now is None else now
    with transaction(db):
        fixed = db.execute(
            "UPDATE predictions SET outcome = 1, outcome_why = 'fixed by ' || f.fixed_by,"
            " outcome_at = f.fixed_at FROM changed_functions AS f"
            " WHERE predictions.kind = 'function' AND predictions.outcome IS NOT 1"
            " AND f.sha = predictions.sha AND f.path || '::' || f.function = predictions.subject"
            " AND f.fixed_at IS NOT NULL"
        ).rowcount
        quiet = db.execute(
            "UPDATE predictions SET outcome = 0, outcome_why = 'no fix in a year',"
            " outcome_at = :now FROM changed_functions AS f"
            " WHERE predictions.kind = 'function' AND predictions.outcome IS NULL"
            " AND f.sha = predictions.sha AND f.path || '::' || f.function = predictions.subject"
            " AND f.fixed_at IS NULL AND f.committed_at < :now - :ripe",
            {"now": now, "ripe": RIPE_SECONDS},
        ).rowcount
        decided = db.execute(
            "UPDATE predictions SET outcome = d.state = 'accepted', outcome_why = d.note,"
            " outcome_at = :now FROM drafts AS d"
            " WHERE predictions.kind = 'draft' AND predictions.outcome IS NULL"
            " AND d.id = CAST(predictions.subject AS INTEGER)"
            " AND d.state IN ('accepted', 'rejected')",
            {"now": now},
        ).rowcount
    return fixed + quiet + decided


def settle_tests(db: Database, sha: Sha, outcomes: Mapping[str, str]) -> None:
    """Write how the tests of a measured commit went."""
    with transaction(db):
        db.executemany(
            "UPDATE predictions SET outcome = ?, outcome_why = ?, outcome_at = ?"
            " WHERE kind = 'test' AND sha = ? AND subject = ? AND outcome IS NULL",
            (
                (float(how in ("failed", "error")), how, time.time(), sha, name)
                for name, how in outcomes.items()
            ),
        )
