"""Several drafts at once: one transaction a file, each with its own decision.

The tests of one file are placed one behind another, run together once, and written in one go.
Each draft keeps its own part of that, so that they can be taken back together, or one by one from
the last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.decision_queue import PendingWrite
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Draft, Json
from copydesk.agent.review import decisions, edits, file_writes
from copydesk.agent.review.placed_tests import (
    acceptance,
    check_holds_test,
    revocation,
    try_placement,
)
from copydesk.agent.testgen.accept import Placement, format_placement, place_behind, place_draft


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a decision on several drafts: those it was carried out for, the files that were
    written, and why it was not for others.
    """

    done: tuple[int, ...] = ()
    paths: tuple[Path, ...] = ()
    failures: Mapping[int, CopydeskError] = field(default_factory=dict)

    def __add__(self, other: Outcome) -> Outcome:
        paths = tuple(dict.fromkeys((*self.paths, *other.paths)))
        failures = {**self.failures, **other.failures}
        return Outcome((*self.done, *other.done), paths, failures)


def accept_together(repo: Repository, db: Database, identities: Sequence[int]) -> Outcome:
    """Accept drafts; those of one file are run, written and kept as one.

    Where the tests of a file do not pass together, those that do not pass alone are left out.

    Args:
        repo: The repository.
        db: Its desk.
        identities: The drafts, in the order in which their tests go into a file.
    """
    outcome = Outcome()
    with file_writes.deciding(repo, db):
        tests: list[Draft] = []
        for identity in dict.fromkeys(identities):
            try:
                draft = decisions.waiting(db, identity)
                decisions.check_answered(draft)
                if draft.kind == "test":
                    check_holds_test(draft)
                    tests.append(draft)
                else:
                    outcome += Outcome((identity,), (decisions.accept(repo, db, identity),))
            except CopydeskError as error:
                outcome += Outcome(failures={identity: error})
        while tests:
            group = _next_file(repo, tests)
            tests = _without(tests, group.drafts)
            outcome += _accept_file(repo, db, group)
    return outcome


def _without(drafts: Sequence[Draft], others: Sequence[Draft]) -> list[Draft]:
    identities = {draft.id for draft in others}
    return [draft for draft in drafts if draft.id not in identities]


@dataclass(frozen=True, slots=True)
class _FileGroup:
    """Drafts that go into one file, each with the file's text before and after it."""

    drafts: tuple[Draft, ...]
    placements: tuple[Placement, ...]
    notes: tuple[Json, ...]

    @property
    def whole(self) -> Placement:
        """The file's text before the first and after the last of them."""
        last = self.placements[-1]
        return Placement(last.path, last.new_text, self.placements[0].old_text)


def _next_file(repo: Repository, drafts: Sequence[Draft]) -> _FileGroup:
    """The first of some drafts, and those of the others that go into the same file with it."""
    group: list[tuple[Draft, Placement, Json]] = []
    for draft in drafts:
        placed = _place(repo, draft, group[-1][1] if group else None)
        if placed is not None:
            group.append((draft, *placed))
    return _FileGroup(*map(tuple, zip(*group, strict=True)))


def _place(
    repo: Repository, draft: Draft, former: Placement | None
) -> tuple[Placement, Json] | None:
    """Where a draft goes behind what is placed, formatted; None where it goes elsewhere."""

    def place(draft: Draft, worktree: Path) -> Placement | None:
        if former is None:
            return place_draft(draft, worktree)
        return place_behind(draft, worktree, former)

    placement = place(draft, repo.worktree)
    if placement is None:
        return None
    placement, formatting = format_placement(repo, draft, placement, place)
    return placement, {"formatting": formatting} if formatting else {}


def _accept_file(repo: Repository, db: Database, group: _FileGroup) -> Outcome:
    """Accept the drafts of one file."""
    try:
        return _write(repo, db, group)
    except CopydeskError as error:
        if len(group.drafts) == 1:
            return Outcome(failures={group.drafts[0].id: error})
    failures = dict(_failing_alone(repo, group.drafts))
    rest = [draft for draft in group.drafts if draft.id not in failures]
    if not failures or not rest:
        return Outcome(failures=failures) + _one_by_one(repo, db, rest)
    return Outcome(failures=failures) + _accept_file(repo, db, _next_file(repo, rest))


def _one_by_one(repo: Repository, db: Database, drafts: Sequence[Draft]) -> Outcome:
    """Accept drafts that pass alone and do not pass together, as far as that goes."""
    outcome = Outcome()
    for draft in drafts:
        try:
            outcome += Outcome((draft.id,), (decisions.accept(repo, db, draft.id),))
        except CopydeskError as error:
            outcome += Outcome(failures={draft.id: error})
    return outcome


def _failing_alone(
    repo: Repository, drafts: Sequence[Draft]
) -> Iterator[tuple[int, CopydeskError]]:
    for draft in drafts:
        try:
            placement, _ = format_placement(repo, draft, place_draft(draft, repo.worktree))
            if draft.state == "ready":
                try_placement(repo, draft, placement)
        except CopydeskError as error:
            yield draft.id, error


def _write(repo: Repository, db: Database, group: _FileGroup) -> Outcome:
    """Run the tests of a file, write it and keep the decisions, all or nothing.

    Raises:
        CopydeskError: A test does not pass, or the file cannot be written.
    """
    whole = group.whole
    outcomes: Json = {}
    if all(draft.state == "ready" for draft in group.drafts):
        outcomes = try_placement(repo, group.drafts[0], whole)
    writes = [
        acceptance(repo, draft, placement, notes | outcomes)
        for draft, placement, notes in zip(group.drafts, group.placements, group.notes, strict=True)
    ]
    file_writes.write(repo, db, whole, writes)
    identities = tuple(draft.id for draft in group.drafts)
    return Outcome(identities, (repo.worktree / whole.path,))


def undo_together(repo: Repository, db: Database, identities: Sequence[int]) -> Outcome:
    """Take back the last decisions on drafts, the one made last first.

    The tests that were written to a file one right after another are taken back in one go.
    """
    outcome = Outcome()
    with file_writes.deciding(repo, db):
        remaining = decisions.latest_first(db, identities)
        while remaining:
            chain = _chain(repo, db, remaining)
            first = remaining[: max(1, len(chain))]
            remaining = remaining[len(first) :]
            try:
                outcome += _take_back(repo, db, first, chain)
            except CopydeskError as error:
                outcome += Outcome(failures=dict.fromkeys(first, error))
    return outcome


_Link = tuple[Placement, PendingWrite]


def _chain(repo: Repository, db: Database, identities: Sequence[int]) -> list[_Link]:
    """The accepted tests at the head of some drafts whose texts join, the last one first."""
    chain: list[_Link] = []
    for identity in identities:
        draft = db.drafts.get(identity)
        if draft.state != "accepted" or draft.kind != "test":
            break
        link = revocation(repo, draft)
        if chain and not _joins(link[0], chain[-1][0]):
            break
        chain.append(link)
    return chain


def _joins(earlier: Placement, later: Placement) -> bool:
    return (earlier.path, earlier.new_text) == (later.path, later.old_text)


def _take_back(
    repo: Repository, db: Database, identities: Sequence[int], chain: Sequence[_Link]
) -> Outcome:
    if len(chain) < 2:
        edits.take_back(repo, db, identities[0])
        return Outcome(tuple(identities))
    whole = Placement(chain[0][0].path, chain[0][0].new_text, chain[-1][0].old_text)
    file_writes.take_back(repo, db, whole, [write for _, write in chain])
    return Outcome(tuple(identities), (repo.worktree / whole.path,))
