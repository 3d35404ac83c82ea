"""Carrying out what the editor decides on a draft."""

from __future__ import annotations

import dataclasses
import json
import os
import pwd
from collections.abc import Sequence, Set
from pathlib import Path
from typing import NamedTuple

from copydesk.agent.desk.connection import timestamp, transaction
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.drafts import WAITING, Decided, Decision
from copydesk.agent.errors import CopydeskError
from copydesk.agent.examples import verify_examples
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Draft, Evidence, Gap, Json
from copydesk.agent.review import file_writes
from copydesk.agent.review.placed_tests import (
    acceptance,
    check_holds_test,
    evidence_before,
    revocation,
    try_placement,
    waiting_state,
)
from copydesk.agent.stories import edited_story
from copydesk.agent.stories.outbox import (
    outbox_files,
    outbox_name,
    remove_outbox,
    write_outbox,
)
from copydesk.agent.stories.publish import accept_red, publication
from copydesk.agent.testgen.accept import (
    format_placement,
    place_draft,
    verify_edit,
)
from copydesk.agent.text import text_hash
from copydesk.hooks import failpoints


class _Written(NamedTuple):
    """The first file of a story in the outbox, and the digest of each of them."""

    path: Path
    outbox: dict[str, str]


def accept(repo: Repository, db: Database, identity: int, *, anyway: bool = False) -> Path:
    """Put a draft where it belongs: a test into the working tree, a story into the outbox.

    A test is written as the project's own formatter writes it, where that is installed, and one
    that was checked is run once more in the file it goes into: on the commit, and in the user's
    own environment in a throwaway copy of the working tree. Nothing is staged or committed.

    Args:
        repo: The repository.
        db: Its desk.
        identity: The draft's id.
        anyway: Write a test even if it does not pass where it goes.

    Returns:
        The file that was written.

    Raises:
        CopydeskError: The draft is not waiting or asks for a yes, its test fails in place or in the
            user's environment, or the file changed under it.
    """
    with file_writes.deciding(repo, db):
        draft = waiting(db, identity)
        check_answered(draft)
        if draft.kind == "test":
            return _accept_test(repo, db, draft, anyway=anyway)
        return _accept_story(repo, db, draft, anyway=anyway)


def check_answered(draft: Draft) -> None:
    """Refuse to accept a draft that asks for what nobody has said yes to.

    Raises:
        CopydeskError: It does.
    """
    if names := open_questions(draft):
        raise CopydeskError(
            f"draft {draft.id} asks: {', '.join(names)}",
            slug="needs-yes",
            hint=f"Read it (`copydesk show {draft.id}`); `copydesk accept {draft.id} --yes`"
            " allows that, checks the test and writes it.",
        )


def _accept_test(repo: Repository, db: Database, draft: Draft, *, anyway: bool) -> Path:
    check_holds_test(draft)
    placement, formatting = format_placement(repo, draft, place_draft(draft, repo.worktree))
    notes: Json = {"formatting": formatting} if formatting else {}
    if not anyway and draft.state == "ready":
        notes |= try_placement(repo, draft, placement)
    write = acceptance(repo, draft, placement, notes)
    file_writes.write(repo, db, placement, [write])
    return Path(write.written_path)


def _accept_story(repo: Repository, db: Database, draft: Draft, *, anyway: bool) -> Path:
    written = _write_story(repo, db, draft, anyway=anyway)
    failpoints.failpoint("review.written")
    accepted = {"path": str(written.path), "before": None, "after": draft.content}
    evidence = draft.evidence | {"accepted": accepted | {"outbox": written.outbox}}
    with transaction(db):
        decision = Decision("accept", "accepted", path=str(written.path))
        db.drafts.decide(waiting(db, draft.id), decision, evidence=evidence)
        if db.stories.of_draft(draft.id):
            edited_story.approve(db, draft.id)
    return written.path


def _write_story(repo: Repository, db: Database, draft: Draft, *, anyway: bool) -> _Written:
    """Put a story into the outbox: a folder with a file for each channel.

    An entry from before stories had spans is one file.

    Raises:
        CopydeskError: Sentences of it are red, and nobody takes them as they are.
    """
    if db.stories.of_draft(draft.id) is None:
        files, folder = {Path(draft.path).name: draft.content.encode()}, Path(draft.path).parent
    else:
        verified_story = verify_examples(repo, db, draft.id)
        if anyway:
            accept_red(db, verified_story)
        story = publication(repo, db, draft.id)
        files, folder = outbox_files(story), Path("outbox", outbox_name(story))
        if (repo.desk / folder).exists():  # another story of that day and title
            folder = folder.with_name(f"{folder.name}-{draft.id}")
    failpoints.failpoint("review.outbox")
    digests = write_outbox(repo.desk / folder, files)
    first = next(iter(files))
    return _Written(repo.desk / folder / first, digests)


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


def check_reason(why: str, identity: int) -> None:
    """Refuse to reject a draft for no reason.

    Raises:
        CopydeskError: The reason is empty.
    """
    if not why.strip():
        raise CopydeskError(
            "a draft is rejected for a reason, and that is empty",
            slug="no-reason",
            hint=f'copydesk reject {identity} --why "asserts the wrong rounding"',
        )


def reject(repo: Repository, db: Database, identity: int, why: str) -> Draft:
    """Turn a draft down; the reason is kept for the next drafts.

    Raises:
        CopydeskError: The draft is not waiting, or there is no reason.
    """
    check_reason(why, identity)
    with transaction(db):
        return db.drafts.decide(waiting(db, identity), Decision("reject", "rejected", why=why))


def edit(
    repo: Repository, db: Database, identity: int, content: str, *, basis: str | None = None
) -> Draft:
    """Take the editor's version of a draft; a test climbs the verify ladder again, as it is.

    Args:
        repo: The repository.
        db: Its desk.
        identity: The draft's id.
        content: What the editor made of it.
        basis: The text that the editor began with; the draft's own when left out.

    Returns:
        The draft as it stands now. A test that fails keeps waiting, with the evidence saying so:
        the editor's word counts.

    Raises:
        CopydeskError: The draft is not waiting, or changed meanwhile; the text is empty, or an
            edited test is not valid Python.
    """
    draft = waiting(db, identity)
    if basis is not None and draft.content != basis:
        raise _edited_meanwhile(draft)
    if content == draft.content:
        return draft
    if not content.strip():
        raise emptied(draft)
    state, evidence = draft.state, draft.evidence
    if draft.kind == "test":
        evidence = _verify_edit(repo, db, draft, content)
        state = waiting_state(evidence)
    with transaction(db):
        if waiting(db, identity).content != draft.content:  # the check takes seconds
            raise _edited_meanwhile(draft)
        if db.stories.of_draft(draft.id):
            evidence = _take_story(db, draft, content) | {"edited": True}
        return db.drafts.decide(draft, Decision("edit", state), content=content, evidence=evidence)


def _take_story(db: Database, draft: Draft, content: str) -> Json:
    """Keep a story as its text has it now; the evidence of that."""
    return edited_story.evidence_of(edited_story.take_text(db, draft.id, content))


def emptied(draft: Draft) -> CopydeskError:
    """What is said of an edit that leaves nothing."""
    return CopydeskError(
        f"draft {draft.id} was emptied, and stays as it was",
        slug="draft-emptied",
        hint=f"`copydesk reject {draft.id} --why ...` turns it down.",
    )


def _edited_meanwhile(draft: Draft) -> CopydeskError:
    return CopydeskError(
        f"draft {draft.id} was changed by another edit meanwhile",
        slug="edited-meanwhile",
        hint=f"`copydesk show {draft.id}` shows it; `copydesk edit {draft.id}` opens your version.",
    )


def open_questions(draft: Draft) -> list[str]:
    """What a draft asks for that nobody has said yes to, in the text that it has now."""
    names = [str(name) for name in draft.evidence.get("asks") or ()]
    yes = draft.evidence.get("yes") or {}
    if yes.get("sha256") != text_hash(draft.content):
        return names
    return [name for name in names if name not in yes.get("names", ())]


def say_yes(repo: Repository, db: Database, identity: int, names: Sequence[str]) -> Draft:
    """Allow what a draft asks for, and check it with that.

    The yes is for the draft's text as it is and for these names; it is kept with who gave it and
    when, as a decision that undo takes back.

    Args:
        repo: The repository.
        db: Its desk.
        identity: The draft's id.
        names: What the editor was shown; see open_questions.

    Returns:
        The draft as it stands now: verified, failed, or not run.

    Raises:
        CopydeskError: The draft is not waiting, or changed meanwhile.
    """
    draft = waiting(db, identity)
    evidence = _verify_again(repo, db, draft, draft.content, allowed=frozenset(names))
    for key in ("recorded", "edited", "calls", "suspect_bugs"):
        if key in draft.evidence:
            evidence.setdefault(key, draft.evidence[key])
    evidence["yes"] = {
        "by": _user(),
        "at": timestamp(),
        "names": list(names),
        "sha256": text_hash(draft.content),
    }
    if waiting(db, identity).content != draft.content:  # the check takes seconds
        raise _edited_meanwhile(draft)
    decision = Decision("yes", waiting_state(evidence), why=", ".join(names))
    return db.drafts.decide(draft, decision, evidence=evidence)


def _user() -> str:
    """Who decides: the user's name on this machine, else the number."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"


def _verify_edit(repo: Repository, db: Database, draft: Draft, content: str) -> Json:
    """The evidence of an edited test; where it cannot be checked, why not.

    Raises:
        CopydeskError: It is not valid Python.
    """
    evidence = _verify_again(repo, db, draft, content)
    evidence["recorded"] = []
    evidence["edited"] = True
    return evidence


def _verify_again(
    repo: Repository,
    db: Database,
    draft: Draft,
    content: str,
    *,
    allowed: Set[str] = frozenset(),
) -> Json:
    """The evidence of a test as it is now; where it cannot be checked, why not.

    Raises:
        CopydeskError: It is not valid Python.
    """
    try:
        evidence, suspects = verify_edit(repo, gap_of(db, draft), draft, content, allowed=allowed)
    except CopydeskError as error:
        if error.slug == "draft-not-python":
            raise
        evidence, suspects = Evidence("not run", "none", notes=(str(error),)), ()
    as_json: Json = json.loads(json.dumps(dataclasses.asdict(evidence)))
    if "basis" in draft.evidence:
        as_json["basis"] = draft.evidence["basis"]
    if suspects:
        as_json["suspect_bugs"] = [suspect._asdict() for suspect in suspects]
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
    """Take back the last decision on a draft that stands, and what it wrote.

    Raises:
        CopydeskError: The draft was not decided on, or its file was changed since.
    """
    with transaction(db):
        draft = db.drafts.get(identity)
        last = db.drafts.last_standing(identity)
        if draft.state in WAITING and last is not None and last.action in ("edit", "yes"):
            return _undo_edit(db, draft, last)
        if draft.state == "rejected":
            return _undo_decision(db, draft)
    if draft.state != "accepted":
        raise CopydeskError(
            f"draft {identity} is {draft.state}; there is nothing to undo",
            slug="nothing-to-undo",
            hint="Only an accepted, rejected or edited draft can be taken back.",
        )
    with file_writes.deciding(repo, db):
        return _undo_acceptance(repo, db, db.drafts.get(identity))


def _undo_acceptance(repo: Repository, db: Database, draft: Draft) -> Draft:
    if draft.state != "accepted":  # taken back while this waited
        return draft
    if draft.kind == "test":
        placement, decision = revocation(repo, draft)
        file_writes.take_back(repo, db, placement, [decision])
        return db.drafts.get(draft.id)
    _take_story_back(draft)
    return _undo_decision(db, draft)


def _undo_decision(db: Database, draft: Draft) -> Draft:
    """Let a draft wait again, as it did before the decision."""
    evidence = evidence_before(draft)
    with transaction(db):
        if db.stories.of_draft(draft.id):
            edited_story.take_back(db, draft.id)
        decision = Decision("undo", waiting_state(evidence))
        return db.drafts.decide(draft, decision, evidence=evidence)


def _undo_edit(db: Database, draft: Draft, last: Decided) -> Draft:
    """Take back an edit of a draft that waits, or a yes to it."""
    evidence = last.evidence or {"verdict": "not run", "notes": [_EVIDENCE_GONE]}
    decision = Decision("undo", waiting_state(evidence))
    with transaction(db):
        if db.stories.of_draft(draft.id):
            evidence = _take_story(db, draft, last.content)
        return db.drafts.decide(draft, decision, content=last.content, evidence=evidence)


_EVIDENCE_GONE = "the evidence from before the edit was not kept"


def _take_story_back(draft: Draft) -> None:
    """Undo what accepting a story wrote."""
    accepted = draft.evidence.get("accepted", {})
    path = Path(str(accepted.get("path", "")))
    if digests := accepted.get("outbox"):
        remove_outbox(path.parent, digests)
    elif path.is_file() and path.read_text("utf-8") == accepted.get("after"):
        path.unlink()


def waiting(db: Database, identity: int) -> Draft:
    """A draft that waits for a decision.

    Raises:
        CopydeskError: It does not.
    """
    draft = db.drafts.get(identity)
    if draft.state not in WAITING:
        raise CopydeskError(
            f"draft {identity} is {draft.state}, not waiting for a decision",
            slug="draft-not-waiting",
            hint="`copydesk drafts` lists those that wait; `copydesk undo` takes a decision back.",
        )
    return draft
