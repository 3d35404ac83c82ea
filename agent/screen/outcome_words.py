"""What accepting and taking back brought, in a line."""

from __future__ import annotations

from collections import defaultdict

from copydesk.agent.desk.database import Database
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import LineNo
from copydesk.agent.review.together import Outcome
from copydesk.agent.text import plural


def accepted_words(repo: Repository, db: Database, outcome: Outcome) -> str:
    """The files that were written, the lines that tests reach with that, and what that makes of
    the commit's coverage.
    """
    gained: dict[str, set[LineNo]] = defaultdict(set)
    commit = ""
    for identity in outcome.done:
        draft = db.drafts.get(identity)
        if draft.state == "accepted" and draft.target is not None:
            gained[draft.target.path].update(draft.evidence.get("gained_lines") or ())
            commit = draft.commit
    lines = sum(map(len, gained.values()))
    words = f"{plural(len(outcome.done), 'draft')} accepted: {_places(repo, outcome)}"
    if not lines:
        return words
    words += f", {plural(lines, 'line')} more reached"
    measure = db.measures.get(commit)
    if measure is None or not measure.executable:
        return words
    after = min(measure.covered + lines, measure.executable) / measure.executable
    return f"{words} ({measure.covered / measure.executable:.1%} → {after:.1%})"


def undone_words(_repo: Repository, _db: Database, outcome: Outcome) -> str:
    """What was taken back."""
    number = len(outcome.done)
    verb = "waits" if number == 1 else "wait"
    return f"{plural(number, 'draft')} taken back; {'it' if number == 1 else 'they'} {verb} again"


def _places(repo: Repository, outcome: Outcome) -> str:
    names = []
    for path in outcome.paths:
        inside = path.is_relative_to(repo.worktree)
        names.append(str(path.relative_to(repo.worktree)) if inside else path.name)
    return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
