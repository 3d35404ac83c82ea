"""Tests that are accepted: how they go where they are placed, and the decision as it is kept."""

from __future__ import annotations

import os

from copydesk.agent.desk.decision_queue import PendingWrite
from copydesk.agent.desk.drafts import Decision
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Draft, DraftState, Json
from copydesk.agent.review import file_writes
from copydesk.agent.testgen.accept import Placement, run_in_copy, run_placement
from copydesk.agent.testgen.project import find_tests, parse

FAILS_HERE = "fails-in-your-environment"
"""The slug of an error: a test that fails in the user's environment only."""


def check_holds_test(draft: Draft) -> None:
    """Refuse to accept a test draft without a test.

    Raises:
        CopydeskError: It holds none.
    """
    module = parse(draft.content)
    if module is None or not find_tests(module):
        raise CopydeskError(
            f"draft {draft.id} holds no test",
            slug="no-test-in-draft",
            hint=f"`copydesk undo {draft.id}` takes an edit back;"
            f" `copydesk edit {draft.id}` changes it.",
        )


def acceptance(repo: Repository, draft: Draft, placement: Placement, notes: Json) -> PendingWrite:
    """The decision to accept a test that is written to its place.

    Args:
        repo: The repository.
        draft: The draft.
        placement: Its part of what is written.
        notes: More that the evidence is to say.
    """
    path = str(repo.worktree / placement.path)
    accepted = {"path": path, "before": placement.old_text, "after": placement.new_text}
    return file_writes.pending(
        draft,
        placement.path,
        (placement.old_text, placement.new_text),
        Decision("accept", "accepted", path=path),
        draft.evidence | {"accepted": accepted | notes},
    )


def try_placement(repo: Repository, draft: Draft, placement: Placement) -> Json:
    """Run a test in the file it goes into, at the commit and in the user's own environment.

    Returns:
        How it went, in words, for the evidence.

    Raises:
        CopydeskError: It does not pass.
    """
    return {
        "in_place": _run_in_place(repo, draft, placement),
        "in_your_environment": _run_in_copy(repo, draft, placement),
    }


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


def _run_in_copy(repo: Repository, draft: Draft, placement: Placement) -> str:
    """How the test went in the user's own environment, in words.

    Raises:
        CopydeskError: It does not pass there.
    """
    outcome = run_in_copy(repo, placement)
    if outcome.verdict == "fails":
        raise CopydeskError(
            f"the test passes at the commit, but not in your own environment, in a copy of what is"
            f" saved here: {outcome.why}",
            slug="fails-in-your-environment",
            hint=f"`copydesk edit {draft.id}` changes it; `copydesk accept --anyway {draft.id}`"
            " writes it all the same.",
        )
    return f"{outcome.verdict}: {outcome.why}" if outcome.why else outcome.verdict


def outcome_here(draft: Draft) -> str:
    """How an accepted test went in the user's own environment, in words; "" where nothing says."""
    return str(draft.evidence.get("accepted", {}).get("in_your_environment", ""))


def evidence_before(draft: Draft) -> Json:
    """The evidence of an accepted draft as it was before that."""
    return {key: value for key, value in draft.evidence.items() if key != "accepted"}


def revocation(repo: Repository, draft: Draft) -> tuple[Placement, PendingWrite]:
    """What an accepted test wrote, and the decision to take it back."""
    accepted = draft.evidence.get("accepted", {})
    path = os.path.relpath(str(accepted.get("path", "")), repo.worktree).replace(os.sep, "/")
    placement = Placement(path, str(accepted["after"]), accepted["before"])
    evidence = evidence_before(draft)
    decision = Decision("undo", waiting_state(evidence))
    texts = (placement.new_text, placement.old_text)
    return placement, file_writes.pending(draft, path, texts, decision, evidence)


def waiting_state(evidence: Json) -> DraftState:
    """The state of a draft that waits, by its evidence."""
    states: dict[str, DraftState] = {"not run": "not_run", "asks": "asks"}
    return states.get(str(evidence.get("verdict")), "ready")
