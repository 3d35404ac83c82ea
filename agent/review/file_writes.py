"""Files and decisions as one: what a decision writes is on the desk before it is in the file.

Whoever is stopped between the two, by a crash or a kill, leaves a row that says what was about to
be written. The next decision reads the file and finishes what was begun, or forgets it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import threading
from collections.abc import Iterator, Sequence

from copydesk.agent.desk.connection import transaction
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.decision_queue import PendingWrite
from copydesk.agent.desk.drafts import Decision
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Draft, Json
from copydesk.agent.testgen.accept import (
    Placement,
    read_test_file,
    revert_placement,
    write_placement,
)
from copydesk.agent.text import text_hash
from copydesk.hooks import failpoints

LOCK = "deciding.lock"

_mine = threading.local()


@contextlib.contextmanager
def deciding(repo: Repository, db: Database) -> Iterator[None]:
    """Let nobody else decide anything that writes files; inside another such block, join it.

    What a process that was stopped left half done is settled first.
    """
    if getattr(_mine, "holds", None) == repo.desk:
        yield
        return
    repo.desk.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(repo.desk / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _mine.holds = repo.desk
        settle(repo, db)
        yield
    finally:
        _mine.holds = None
        os.close(lock)


def write(
    repo: Repository, db: Database, placement: Placement, writes: Sequence[PendingWrite]
) -> None:
    """Write a file and keep the decisions that it is written for, all or nothing.

    Args:
        repo: The repository.
        db: Its desk.
        placement: The file with its text before and after all of the decisions.
        writes: The decisions, in the order in which they are made, each with its own part of that.

    Raises:
        CopydeskError: The file changed meanwhile or cannot be written, or a draft was decided on
            elsewhere; nothing is written or kept then.
    """
    with _announced(db, writes):
        write_placement(placement, repo.worktree)
        failpoints.failpoint("review.written")
        try:
            _keep(db, writes)
        except CopydeskError:
            revert_placement(placement, repo.worktree)
            raise


def take_back(
    repo: Repository, db: Database, placement: Placement, writes: Sequence[PendingWrite]
) -> None:
    """Undo `write`, and keep the decisions to do so.

    Args:
        repo: The repository.
        db: Its desk.
        placement: As `write` was given it.
        writes: The decisions to take it back.

    Raises:
        CopydeskError: The file was changed since, or cannot be written.
    """
    with _announced(db, writes):
        revert_placement(placement, repo.worktree)
        failpoints.failpoint("review.reverted")
        _keep(db, writes)


@contextlib.contextmanager
def _announced(db: Database, writes: Sequence[PendingWrite]) -> Iterator[None]:
    db.decision_queue.begin_write(writes)
    failpoints.failpoint("review.announced")
    try:
        yield
    except CopydeskError:
        db.decision_queue.end_write([write.draft_id for write in writes])
        raise


def _keep(db: Database, writes: Sequence[PendingWrite]) -> None:
    """Keep the decisions of a file that is written.

    Raises:
        CopydeskError: A draft was decided on or changed elsewhere meanwhile.
    """
    with transaction(db):
        for one in writes:
            draft = db.drafts.get(one.draft_id)
            if (draft.state, text_hash(draft.content)) != (one.state_before, one.text_before):
                raise CopydeskError(
                    f"draft {draft.id} was decided on or changed elsewhere meanwhile",
                    slug="decided-meanwhile",
                    hint=f"`copydesk show {draft.id}` shows it as it is now.",
                )
            decision = Decision(one.action, one.state, path=one.written_path)
            db.drafts.decide(draft, decision, evidence=one.evidence)
        db.decision_queue.end_write([one.draft_id for one in writes])


def pending(
    draft: Draft,
    path: str,
    texts: tuple[str | None, str | None],
    decision: Decision,
    evidence: Json,
) -> PendingWrite:
    """What is to be kept of a decision that writes a file.

    Args:
        draft: The draft.
        path: The file, relative to the top of the working tree.
        texts: The file's text before and after this decision; None where there is no file.
        decision: What the editor decided.
        evidence: The draft's evidence after that.
    """
    return PendingWrite(
        draft_id=draft.id,
        path=path,
        before=texts[0],
        after=texts[1],
        action=decision.action,
        state=decision.state,
        written_path=decision.path,
        evidence=evidence,
        state_before=draft.state,
        text_before=text_hash(draft.content),
    )


def settle(repo: Repository, db: Database) -> None:
    """Finish, or forget, what somebody was stopped at; only for whoever holds the lock."""
    writes = db.decision_queue.pending_writes()
    if not writes:
        return
    path = writes[0].path
    _remove_partial_files(repo, path)
    last = writes[-1]
    if read_test_file(repo.worktree / path) == last.after:
        with contextlib.suppress(CopydeskError):  # decided on elsewhere meanwhile
            _keep(db, writes)
    db.decision_queue.end_write([one.draft_id for one in writes])


def _remove_partial_files(repo: Repository, path: str) -> None:
    """Remove what a process that was stopped had not yet moved to its place."""
    target = repo.worktree / path
    name = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{12}}")
    with contextlib.suppress(OSError):
        for entry in target.parent.iterdir():
            if name.fullmatch(entry.name):
                entry.unlink()
