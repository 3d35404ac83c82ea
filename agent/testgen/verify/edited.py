"""The ladder for a draft that the editor changed: what stays in it is the editor's to say.

No test is dropped, whatever comes of it. One that does not pass makes the draft a failed one, and
is named; a comparison that fails is a *suspect bug*, for the editor has said what is right.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Iterator, Set
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from copydesk.agent.records import Candidate, Evidence, Rung, TestId, Verdict
from copydesk.agent.testgen.project import find_tests, keep_tests, parse
from copydesk.agent.testgen.verify.climb import Climb
from copydesk.agent.testgen.verify.run_report import Comparison, CouldNotRun
from copydesk.agent.testgen.verify.rungs import DroppedTests, RungFailed, RungName
from copydesk.agent.testgen.verify.test_run import Runner
from copydesk.agent.text import clean

REPEATS = 3


class SuspectBug(NamedTuple):
    """A test whose expected value the code does not give: both as Python writes them."""

    test: str
    expected: str
    observed: str


class CheckedEdit(NamedTuple):
    """What came of an edited draft."""

    evidence: Evidence
    suspects: tuple[SuspectBug, ...]


def verify_edited(
    candidate: Candidate, tree: Path, sandbox: Runner, *, allowed: Set[str] = frozenset()
) -> CheckedEdit:
    """Check an edited test module on the ladder, as it is.

    Args:
        candidate: The draft, with the editor's text.
        tree: The snapshot it was written for; only read.
        sandbox: Runs it.
        allowed: What a human said yes to in this very text, by name.
    """
    began = time.monotonic()
    module = parse(candidate.content)
    names = tuple(find_tests(module)) if module is not None else ()
    fallen: list[Rung] = []
    suspects: dict[TestId, SuspectBug] = {}
    current = candidate
    while True:
        climb = Climb(
            current, tree, sandbox, repeats=REPEATS, allowed=lambda _: allowed, recording=False
        )
        climb.whole = True
        verdict: Verdict = "failed"
        try:
            climb.to_the_top()
            verdict = "failed" if fallen else "verified"
        except DroppedTests as dropped:
            suspects |= _suspects(climb, current)
            fallen += [
                Rung(dropped.rung, False, clean(f"{name}: {why}"))
                for name, why in dropped.fallen.items()
            ]
            current = replace(current, content=keep_tests(current.content, dropped.names))
            continue
        except RungFailed as failed:
            climb.rungs.append(Rung(failed.rung, False, clean(failed.why)))
            if failed.rung is RungName.APPROVED and not fallen:
                verdict = "asks"
        except CouldNotRun as reason:
            climb.notes.append(clean(str(reason)))
            verdict = "not run"
        suspects |= _suspects(climb, current)
        seconds = time.monotonic() - began
        evidence = climb.evidence(verdict, (*candidate.notes, *climb.notes), seconds)
        evidence = replace(evidence, tests=names, rungs=(*evidence.rungs, *fallen))
        return CheckedEdit(evidence, tuple(suspects.values()))


def _suspects(climb: Climb, candidate: Candidate) -> dict[TestId, SuspectBug]:
    """What each failed comparison expected, and what the code gave."""
    found: dict[TestId, SuspectBug] = {}
    tree = parse(climb.text or candidate.content)
    for test, comparison in climb.compared.items():
        expected, observed = _sides(tree, comparison)
        found[test] = SuspectBug(clean(test.partition("::")[2]), clean(expected), clean(observed))
    return found


def _sides(tree: ast.Module | None, comparison: Comparison) -> tuple[str, str]:
    """The expected value and the observed one: that is where something is called."""
    for node in _comparisons(tree, comparison.line):
        if _calls(node.comparators[0]) and not _calls(node.left):
            return comparison.left, comparison.right
    return comparison.right, comparison.left


def _comparisons(tree: ast.Module | None, line: int) -> Iterator[ast.Compare]:
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Compare) and node.lineno <= line <= (node.end_lineno or line):
            yield node


def _calls(node: ast.expr) -> bool:
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and not ast.unparse(part.func).endswith("approx"):
            return True
    return False
