"""Decisions that take long, carried out one batch after another by whoever has the time.

Accepting a test runs it twice, so a screen only asks for it. What was asked for stands on the
desk; the screen that asked carries it out, or another one, or the next one that is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.decision_queue import DECIDED, QueuedAction
from copydesk.agent.desk.drafts import WAITING
from copydesk.agent.desk.failures import costs_one_item
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import DraftState
from copydesk.agent.review import file_writes
from copydesk.agent.review.together import Outcome, accept_together, undo_together

Report = Callable[[str, Outcome], None]
"""Told the action (accept or undo) and what came of a batch."""


def carry_out_next(repo: Repository, db: Database, report: Report) -> bool:
    """Carry out the batch that waits longest.

    Returns:
        Whether there was one.
    """
    if not db.decision_queue.count_waiting():
        return False
    with file_writes.deciding(repo, db):
        batch = db.decision_queue.begin_next_batch()  # another process may have been quicker
        if not batch:
            return False
        action = batch[0].action
        outcome = _carry_out(repo, db, action, [decision.draft_id for decision in batch])
        for identity, error in outcome.failures.items():
            db.decision_queue.fail(action, identity, str(error), error.hint)
        db.decision_queue.withdraw(
            action, [d.draft_id for d in batch if d.draft_id not in outcome.failures]
        )
    report(action, outcome)
    return True


def _carry_out(
    repo: Repository, db: Database, action: QueuedAction, identities: Sequence[int]
) -> Outcome:
    """Do what was asked for, for the drafts that are still in a state for it."""
    states = WAITING if action == "accept" else DECIDED
    chosen = [identity for identity in identities if db.drafts.get(identity).state in states]
    work = accept_together if action == "accept" else undo_together
    try:
        return work(repo, db, chosen)
    except Exception as error:
        if not costs_one_item(error):
            raise
        failures = {i: _as_refusal(db, action, i, error) for i in chosen if _is_open(db, i, states)}
        return Outcome(failures=failures)


def _is_open(db: Database, identity: int, states: Sequence[DraftState]) -> bool:
    return db.drafts.get(identity).state in states


def _as_refusal(
    db: Database, action: QueuedAction, identity: int, error: Exception
) -> CopydeskError:
    """What copydesk itself failed on, kept with its traceback, as a refusal."""
    failed = db.failed_items.record(action, "", f"draft {identity}", error)
    return CopydeskError(
        f"copydesk failed on it ({failed.error})",
        slug="program-failed",
        hint="`copydesk log --failures` shows it.",
    )
