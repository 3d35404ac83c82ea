"""Carrying out what the editor decides on a draft."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from copydesk.agent.coverage.store import gaps as gap_rows
from copydesk.agent.desk import drafts
from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Draft, DraftState, Gap, Json
from copydesk.agent.testgen.accept import Placement, formatted, in_place, placement, recheck, revert
from copydesk.agent.testgen.accept import accept as write_placed
from copydesk.agent.testgen.pipeline import evidence_json
from copydesk.hooks import failpoints

WAITING: tuple[DraftState, ...] = ("ready", "not_run")


def accept(repo: Repository, db: Database, identity: int, *, anyway: bool = False) -> Path:
    """Put a draft where it belongs: a test into the working tree, a story into the outbox.

    A test is written as the project's own formatter writes it, where that is installed, and one
    that was checked is run once more in the file it goes into. Nothing is staged or committed.

    Args:
        repo: The repository.
        db: Its desk.
        identity: The draft's id.
        anyway: Write a test even if it does not pass where it goes.

    Returns:
        The file that was written.

    Raises:
        CopydeskError: The draft is not waiting, its test fails in place, or the file changed
            under it.
    """
    draft = _waiting(db, identity)
    more: Json = {}
    if draft.kind == "test":
        place, said = formatted(repo, draft, placement(draft, repo.worktree))
        more |= {"formatting": said} if said else {}
        if not anyway and draft.state == "ready":
            more["in_place"] = _tried(repo, draft, place)
        before = place.old_text
        path = write_placed(place, repo.worktree)
        after = place.new_text
    else:
        path, before, after = _outbox(repo, draft), None, draft.content
    failpoints.failpoint("review.written")
    evidence = draft.evidence | {"accepted": {"path": str(path), "before": before, "after": after}}
    evidence["accepted"] |= more
    drafts.decide(db, draft, "accept", "accepted", path=str(path), evidence=evidence)
    return path


def _tried(repo: Repository, draft: Draft, place: Placement) -> str:
    found = in_place(repo, draft, place)
    if found.verdict == "fails":
        raise CopydeskError(
            f"the test does not pass in {place.path}: {found.why}",
            slug="fails-in-place",
            hint=f"`copydesk edit {draft.id}` changes it; `copydesk accept --anyway {draft.id}`"
            " writes it all the same.",
        )
    return f"{found.verdict}: {found.why}" if found.why else found.verdict


def verified(db: Database, min_mutants: int = 1) -> list[Draft]:
    """The waiting test drafts that were verified and notice so many mutants, oldest first."""
    return [
        draft
        for draft in drafts.listed(db, ("ready",), kind="test")
        if draft.evidence.get("verdict") == "verified"
        and int(draft.evidence.get("mutants_killed") or 0) >= min_mutants
    ]


def latest_first(db: Database, identities: Sequence[int]) -> list[int]:
    """Drafts in the order in which decisions on them can be taken back: the last one first."""
    last = dict(db.execute("SELECT draft_id, max(id) FROM reviews GROUP BY draft_id").fetchall())
    return sorted(dict.fromkeys(identities), key=lambda one: -int(last.get(one, 0)))


def _outbox(repo: Repository, draft: Draft) -> Path:
    path = repo.desk / draft.path
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    failpoints.failpoint("review.outbox")
    partial.write_text(draft.content, encoding="utf-8")
    partial.replace(path)
    return path


def reject(repo: Repository, db: Database, identity: int, why: str) -> Draft:
    """Turn a draft down; the reason is kept for the next drafts."""
    return drafts.decide(db, _waiting(db, identity), "reject", "rejected", why=why)


def edit(repo: Repository, db: Database, identity: int, content: str) -> Draft:
    """Take the editor's version of a draft; a test climbs the verify ladder again.

    Returns:
        The draft as it stands now. A test that fails keeps waiting, with the evidence saying so:
        the editor's word counts.

    Raises:
        CopydeskError: The draft is not waiting, or an edited test is not valid Python.
    """
    draft = _waiting(db, identity)
    if content == draft.content:
        return draft
    evidence = draft.evidence
    if draft.kind == "test":
        found, candidate = recheck(repo, gap_of(db, draft), draft, content)
        basis = {"basis": evidence["basis"]} if "basis" in evidence else {}
        evidence = evidence_json(found, candidate) | basis | {"edited": True}
    return drafts.decide(db, draft, "edit", draft.state, content=content, evidence=evidence)


def gap_of(db: Database, draft: Draft) -> Gap:
    """The gap that a test draft was written for, as it was measured."""
    assert draft.target is not None
    for gap in gap_rows.load(db, draft.commit):
        if (gap.path, gap.function) == (draft.target.path, draft.target.function):
            return gap
    lines = draft.target.lines or (1,)
    return Gap(
        draft.commit, draft.target.path, draft.target.function, min(lines), max(lines), lines
    )


def undo(repo: Repository, db: Database, identity: int) -> Draft:
    """Take back the last decision on a draft, and what it wrote.

    Raises:
        CopydeskError: The draft was not decided on, or its file was changed since.
    """
    draft = drafts.get(db, identity)
    if draft.state == "accepted":
        _take_back(repo, draft)
    elif draft.state != "rejected":
        raise CopydeskError(
            f"draft {identity} is {draft.state}; there is nothing to undo",
            slug="nothing-to-undo",
            hint="Only an accepted or rejected draft can be taken back.",
        )
    evidence = {k: v for k, v in draft.evidence.items() if k != "accepted"}
    state: DraftState = "not_run" if evidence.get("verdict") == "not run" else "ready"
    return drafts.decide(db, draft, "undo", state, evidence=evidence)


def _take_back(repo: Repository, draft: Draft) -> None:
    written = draft.evidence.get("accepted", {})
    path = Path(str(written.get("path", "")))
    if draft.kind == "test":
        name = os.path.relpath(path, repo.worktree).replace(os.sep, "/")
        place = Placement(name, str(written["after"]), written["before"])
        revert(place, repo.worktree)
    elif path.is_file() and path.read_text("utf-8") == written.get("after"):
        path.unlink()


def _waiting(db: Database, identity: int) -> Draft:
    draft = drafts.get(db, identity)
    if draft.state not in WAITING:
        raise CopydeskError(
            f"draft {identity} is {draft.state}, not waiting for a decision",
            slug="draft-not-waiting",
            hint="`copydesk drafts` lists those that wait; `copydesk undo` takes a decision back.",
        )
    return draft
