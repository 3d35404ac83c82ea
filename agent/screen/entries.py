"""What waits on the desk, as a list shows it: plain values, without the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.decision_queue import DECIDED, QueuedDecision
from copydesk.agent.desk.drafts import WAITING
from copydesk.agent.records import Draft, DraftState, Sha
from copydesk.agent.review.draft_words import draft_subject, evidence_summary
from copydesk.agent.scoring import order_drafts
from copydesk.agent.text import one_line, text_hash

EntryKind = Literal["test", "suspect", "story"]
KINDS: tuple[EntryKind, ...] = ("test", "suspect", "story")
"""test: a drafted test; suspect: one that the code seems to get wrong; story: a dev log."""

Grouping = Literal["commit", "file", "none"]
GROUPINGS: tuple[Grouping, ...] = ("commit", "file", "none")


@dataclass(frozen=True, slots=True)
class Entry:
    """A draft in the list.

    `verdict` is that of its check, or its state once it is decided on. `under_way` is what is
    being done to it, in a word; `error` why that could not be done, and `hint` the next step.
    `text` is the digest of the draft's; `question` what a story asks its author first.
    """

    id: int
    kind: EntryKind
    state: DraftState
    verdict: str
    subject: str
    summary: str
    commit: Sha
    file: str
    author: str
    killed: int = 0
    total: int = 0
    under_way: str = ""
    error: str = ""
    hint: str = ""
    text: str = ""
    question: str = ""

    @property
    def waits(self) -> bool:
        """Whether it can be decided on."""
        return self.state in WAITING and not self.under_way


def load_entries(db: Database, *, decided: bool = False) -> list[Entry]:
    """The drafts of a desk in the order in which to decide on them.

    Args:
        db: The desk.
        decided: Those that were decided on, the last one first, in place of those that wait.
    """
    queued = {one.draft_id: one for one in db.decision_queue.all()}
    if not decided:
        drafts = order_drafts.ordered(db, db.drafts.find())
        return [entry_of(draft, queued.get(draft.id)) for draft in drafts]
    last = db.drafts.last_decisions()
    drafts = db.drafts.find(DECIDED)
    drafts.sort(key=lambda draft: -last.get(draft.id, 0))
    return [entry_of(draft, queued.get(draft.id)) for draft in drafts]


def entry_of(draft: Draft, queued: QueuedDecision | None = None) -> Entry:
    """A draft as the list shows it, with the decision that is being carried out on it."""
    evidence = draft.evidence
    suspect = draft.kind == "test" and bool(evidence.get("suspect_bugs"))
    under_way = ""
    if queued is not None and not queued.error:
        under_way = "accepting" if queued.action == "accept" else "taking back"
    return Entry(
        id=draft.id,
        kind="suspect" if suspect else "test" if draft.kind == "test" else "story",
        state=draft.state,
        verdict=_verdict(draft),
        subject=draft_subject(draft),
        summary=evidence_summary(draft),
        commit=draft.commit,
        file=draft.target.path if draft.target else "",
        author=draft.origin,
        killed=int(evidence.get("mutants_killed") or 0),
        total=int(evidence.get("mutants_total") or 0),
        under_way=under_way,
        error=queued.error if queued else "",
        hint=queued.hint if queued else "",
        text=text_hash(draft.content),
        question=_question(draft),
    )


def _question(draft: Draft) -> str:
    questions = draft.evidence.get("questions") or ()
    return one_line(str(questions[0].get("question"))) if questions else ""


def _verdict(draft: Draft) -> str:
    if draft.state in DECIDED:
        return draft.state
    if draft.kind == "devlog":
        return "doubtful" if draft.evidence.get("problems") else "checked"
    return str(draft.evidence.get("verdict") or "not run")


def in_stable_order(former: Sequence[Entry], now: Sequence[Entry]) -> list[Entry]:
    """Entries in the order in which they are listed already; each new one stands behind the entry
    that it follows by its value.

    Args:
        former: What is listed.
        now: What is to be listed, by value.
    """
    entries = {entry.id: entry for entry in now}
    stable = [entries[entry.id] for entry in former if entry.id in entries]
    listed = {entry.id for entry in stable}
    before: Entry | None = None
    for entry in now:
        if entry.id not in listed:
            stable.insert(0 if before is None else stable.index(before) + 1, entry)
        before = entry
    return stable


class Row(NamedTuple):
    """A row of the list: an entry, or the heading of a group with how many there are in it."""

    entry: Entry | None
    heading: str = ""
    size: int = 0


def grouped(
    entries: Sequence[Entry], by: Grouping, subjects: Mapping[Sha, str] | None = None
) -> list[Row]:
    """Entries as rows; each group stands where its first entry does.

    Args:
        entries: The entries in order.
        by: What they are grouped by.
        subjects: The first lines of commits.
    """
    if by == "none":
        return [Row(entry) for entry in entries]
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.commit if by == "commit" else entry.file, []).append(entry)
    rows: list[Row] = []
    for name, members in groups.items():
        heading = name or "stories"
        if by == "commit":
            heading = f"{name[:8]} {(subjects or {}).get(name, '')}".rstrip()
        rows.append(Row(None, heading, len(members)))
        rows += [Row(entry) for entry in members]
    return rows


def counted(entries: Sequence[Entry]) -> str:
    """How many entries there are of each kind: "9 tests, 1 suspect, 2 stories"."""
    words = {"test": ("test", "tests"), "suspect": ("suspect", "suspects")}
    parts = []
    for kind in KINDS:
        count = sum(entry.kind == kind for entry in entries)
        one, many = words.get(kind, ("story", "stories"))
        if count:
            parts.append(f"{count} {one if count == 1 else many}")
    return ", ".join(parts) or "nothing"
