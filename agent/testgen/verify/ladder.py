"""The verify ladder: what a drafted test has to show before it is offered.

Cheapest first, and the first rung that is not passed ends the climb: it asserts something about
the target; it passes, each test alone and all together; it reaches for nothing outside of the
project; it reaches a line or branch that was not covered; it fails when the target raises, and
asserts something that is not so when the target does nothing; it notices at least one mutant of the
lines it reaches; it passes again in fresh processes with other hash seeds and another order, in the
last of them with a target that does the same in other words.
Tests that fail are dropped on the way and the rest climbs anew; tests that add nothing to the
others go before the fresh processes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from copydesk.agent.records import Candidate, Evidence, Rung, Verdict
from copydesk.agent.testgen.project import keep_tests
from copydesk.agent.testgen.verify.climb import Climb
from copydesk.agent.testgen.verify.run_report import CouldNotRun
from copydesk.agent.testgen.verify.rungs import DroppedTests, RungFailed, RungName, ValuesRecorded
from copydesk.agent.testgen.verify.test_run import Runner
from copydesk.agent.text import clean

MOST_RECORDINGS = 4
"""Times a draft is run anew with observed values: a test may hold several wrong ones."""


class CheckedDraft(NamedTuple):
    """A draft that was checked: what came of it, and the draft with only the tests worth keeping
    (as it came, when it failed or was not run).
    """

    evidence: Evidence
    candidate: Candidate


def no_yes(text: str) -> Set[str]:
    """What a human said yes to in a text that nobody has been asked about: nothing."""
    return frozenset()


def verify(
    candidate: Candidate,
    tree: Path,
    sandbox: Runner,
    *,
    repeats: int = 3,
    allowed: Callable[[str], Set[str]] | None = no_yes,
    recording: bool = False,
) -> CheckedDraft:
    """Check a drafted test module on the ladder.

    Args:
        candidate: The draft.
        tree: The snapshot it was written for; only read.
        sandbox: Runs it; its tools folder is TOOLS.
        repeats: How many fresh processes it has to pass in once more.
        allowed: What a human has said yes to, by name, in a draft of exactly this text; None
            where they said yes to whatever it asks for.
        recording: Where a comparison fails, put the observed value in the predicted one's place
            and go on; the tests that were changed so are among the candidate's `recorded`.
    """
    began = time.monotonic()
    current = candidate
    notes = list(candidate.notes)
    recordings = MOST_RECORDINGS if recording else 0
    while True:
        climb = Climb(
            current, tree, sandbox, repeats=repeats, allowed=allowed, recording=recordings > 0
        )
        verdict: Verdict = "failed"
        try:
            climb.to_the_top()
        except ValuesRecorded as change:
            recordings -= 1
            notes += change.recorded.notes
            current = _with_recorded(current, change.recorded.content, change.recorded.tests)
            continue
        except DroppedTests as dropped:
            notes += dropped.notes
            current = replace(current, content=keep_tests(current.content, dropped.names))
            continue
        except RungFailed as failed:
            climb.rungs.append(Rung(failed.rung, False, clean(failed.why)))
            verdict = "asks" if failed.rung is RungName.APPROVED else "failed"
        except CouldNotRun as reason:
            notes.append(clean(str(reason)))
            verdict = "not run"
        else:
            verdict = "verified"
        evidence = climb.evidence(verdict, (*notes, *climb.notes), time.monotonic() - began)
        stands = verdict in ("verified", "asks")
        return CheckedDraft(evidence, climb.kept() if stands else candidate)


def _with_recorded(candidate: Candidate, content: str, tests: Sequence[str]) -> Candidate:
    """The candidate with observed values in these tests."""
    recorded = tuple(dict.fromkeys((*candidate.recorded, *tests)))
    return replace(candidate, content=content, recorded=recorded)
