"""Carrying out what the editor decides on a draft."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.drafts import WAITING, Decision
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Draft, DraftState, Gap, Json
from copydesk.agent.testgen.accept import (
    Placement,
    format_placement,
    place_draft,
    revert_placement,
    run_placement,
    verify_edit,
    write_placement,
)
from copydesk.agent.testgen.pipeline import evidence_json
from copydesk.hooks import failpoints


class _Written(NamedTuple):
    """The file that an accepted draft was written to, its text before and after, and more that
    the evidence is to say.
    """

    path: Path
    before: str | None
    after: str
    notes: Json


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
    if draft.kind == "test":
        written = _write_test(repo, draft, anyway=anyway)
    else:
        written = _Written(_write_story(repo, draft), None, draft.content, {})
    failpoints.failpoint("review.written")
    accepted = {"path": str(written.path), "before": written.before, "after": written.after}
    evidence = draft.evidence | {"accepted": accepted | written.notes}
    db.drafts.decide(
        draft, Decision("accept", "accepted", path=str(written.path)), evidence=evidence
    )
    return written.path


def _write_test(repo: Repository, draft: Draft, *, anyway: bool) -> _Written:
    placement, formatting = format_placement(repo, draft, place_draft(draft, repo.worktree))
    notes: Json = {"formatting": formatting} if formatting else {}
    if not anyway and draft.state == "ready":
        notes["in_place"] = _run_in_place(repo, draft, placement)
    path = write_placement(placement, repo.worktree)
    return _Written(path, placement.old_text, placement.new_text, notes)


def _run_in_place(repo: Repository, draft: Draft, placement: Placement) -> str:
    """How the test went in its file, in words.

    Raises:
        CopydeskError: It does not pass there.
    """
    outcome = run_placement(repo, draft, placement)
    if outcome.verdict == "fails":
        raise CopydeskError(
            f"the test does not pass in {placement.path}: {outcome.why}",
            slug="fails-in-place",
            hint=f"`copydesk edit {draft.id}` changes it; `copydesk accept --anyway {draft.id}`"
            " writes it all the same.",
        )
    return f"{outcome.verdict}: {outcome.why}" if outcome.why else outcome.verdict


def _write_story(repo: Repository, draft: Draft) -> Path:
    path = repo.desk / draft.path
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    failpoints.failpoint("review.outbox")
    partial.write_text(draft.content, encoding="utf-8")
    partial.replace(path)
    return path


def verified(db: Database, min_mutants: int = 1) -> list[Draft]:
    """The waiting test drafts that were verified and notice so many mutants, oldest first."""
    return [
        draft
        for draft in db.drafts.find(("ready",), kind="test")
        if draft.evidence.get("verdict") == "verified"
        and int(draft.evidence.get("mutants_killed") or 0) >= min_mutants
    ]


def latest_first(db: Database, identities: Sequence[int]) -> list[int]:
    """Drafts in the order in which decisions on them can be taken back: the last one first."""
    last_decisions = db.drafts.last_decisions()
    unique = dict.fromkeys(identities)
    return sorted(unique, key=lambda identity: -last_decisions.get(identity, 0))


def reject(repo: Repository, db: Database, identity: int, why: str) -> Draft:
    """Turn a draft down; the reason is kept for the next drafts."""
    return db.drafts.decide(_waiting(db, identity), Decision("reject", "rejected", why=why))


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
        evidence = _verify_edit(repo, db, draft, content)
    return db.drafts.decide(
        draft, Decision("edit", draft.state), content=content, evidence=evidence
    )


def _verify_edit(repo: Repository, db: Database, draft: Draft, content: str) -> Json:
    """The evidence of an edited test."""
    evidence, candidate = verify_edit(repo, gap_of(db, draft), draft, content)
    as_json = evidence_json(evidence, candidate)
    if "basis" in draft.evidence:
        as_json["basis"] = draft.evidence["basis"]
    as_json["edited"] = True
    return as_json


def gap_of(db: Database, draft: Draft) -> Gap:
    """The gap that a test draft was written for, as it was measured."""
    assert draft.target is not None
    for gap in db.gaps.of_commit(draft.commit):
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
    draft = db.drafts.get(identity)
    if draft.state == "accepted":
        _take_back(repo, draft)
    elif draft.state != "rejected":
        raise CopydeskError(
            f"draft {identity} is {draft.state}; there is nothing to undo",
            slug="nothing-to-undo",
            hint="Only an accepted or rejected draft can be taken back.",
        )
    evidence = dict(draft.evidence)
    evidence.pop("accepted", None)
    state: DraftState = "not_run" if evidence.get("verdict") == "not run" else "ready"
    return db.drafts.decide(draft, Decision("undo", state), evidence=evidence)


def _take_back(repo: Repository, draft: Draft) -> None:
    """Undo what accepting wrote."""
    accepted = draft.evidence.get("accepted", {})
    path = Path(str(accepted.get("path", "")))
    if draft.kind == "test":
        name = os.path.relpath(path, repo.worktree).replace(os.sep, "/")
        placement = Placement(name, str(accepted["after"]), accepted["before"])
        revert_placement(placement, repo.worktree)
    elif path.is_file() and path.read_text("utf-8") == accepted.get("after"):
        path.unlink()


def _waiting(db: Database, identity: int) -> Draft:
    draft = db.drafts.get(identity)
    if draft.state not in WAITING:
        raise CopydeskError(
            f"draft {identity} is {draft.state}, not waiting for a decision",
            slug="draft-not-waiting",
            hint="`copydesk drafts` lists those that wait; `copydesk undo` takes a decision back.",
        )
    return draft
