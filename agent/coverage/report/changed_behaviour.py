"""What a report says of functions that do something else since a commit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from copydesk.agent.coverage.report.markdown_parts import code, section, text
from copydesk.agent.desk.comparisons import ComparisonRow
from copydesk.agent.desk.database import Database
from copydesk.agent.records import Json, Sha

TITLE = "What the code does otherwise"


class ChangedCall(NamedTuple):
    """A call that does something else now: the call, and what it did and does, in words."""

    call: str
    before: str
    after: str


class ChangedBehaviour(NamedTuple):
    """A function that does something else since the commit.

    Attributes:
        id: Its number on the desk.
        name: Path and function.
        says: By what the commit announces it, or that it does not; why calls are refused.
        suspect: Whether the commit does not say so.
        calls: At most five, the shortest of each kind.
    """

    id: int
    name: str
    says: str
    suspect: bool
    calls: tuple[ChangedCall, ...]

    def as_json(self) -> Json:
        """The same as plain values."""
        return {**self._asdict(), "calls": [call._asdict() for call in self.calls]}


def changed_behaviours(db: Database, sha: Sha) -> tuple[ChangedBehaviour, ...]:
    """The functions that do something else since a commit, what it does not say first."""
    rows = [r for r in db.comparisons.of_commit(sha) if r.verdict in ("differs", "signature")]
    rows.sort(key=lambda row: (not row.is_suspect, row.id))
    return tuple(map(_changed, rows))


def unannounced_behaviours(db: Database, commits: Sequence[Sha]) -> tuple[ChangedBehaviour, ...]:
    """The functions that do something else since commits which do not say so, and of which nobody
    said that this is meant.

    Args:
        db: The desk; commits that were not compared have none.
        commits: The commits, in the order in which theirs are listed.
    """
    rows = [row for sha in commits for row in db.comparisons.of_commit(sha)]
    return tuple(_changed(row) for row in rows if row.is_suspect and row.state != "fine")


def _changed(row: ComparisonRow) -> ChangedBehaviour:
    calls = tuple(
        ChangedCall(str(d["call"]), str(d["before"]), str(d["after"]))
        for d in row.detail.get("differences") or ()
    )
    says = row.announced or "the commit does not say so"
    if row.verdict == "signature":
        says = f"refuses calls that it took before: {row.detail['reason']}"
    return ChangedBehaviour(row.id, row.name, says, row.is_suspect, calls)


def behaviour_section(changed: Sequence[ChangedBehaviour], level: int = 2) -> Iterator[str]:
    """The functions and their calls as a Markdown table; nothing where there are none."""
    rows = [
        (code(one.name), code(call.call), code(call.before), code(call.after), text(one.says))
        for one in changed
        for call in one.calls or (ChangedCall("", "", ""),)
    ]
    headings = ("Function", "Call", "Before", "After", "Announced")
    yield from section(TITLE, headings, rows, level)
