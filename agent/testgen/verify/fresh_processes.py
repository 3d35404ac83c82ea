"""The rungs of fresh processes: other hash seeds, another order, at last other words."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from copydesk.agent.records import TestId
from copydesk.agent.testgen.project import Function
from copydesk.agent.testgen.verify.equivalent_rewrite import rewrite
from copydesk.agent.testgen.verify.run_report import Doubtful, Report
from copydesk.agent.testgen.verify.test_run import Bed

TWICE_SECONDS = 2.0
"""Tests that together take no longer pass twice in each process: first in a copy of it."""


def falls(
    bed: Bed, report: Report, functions: Sequence[Function], repeats: int
) -> tuple[str, dict[str, str]] | None:
    """Whether a draft that passed once fails in fresh processes on fresh copies of the tree.

    In the last of them the target does the same in other words; what fails only there hangs on
    the wording.

    Args:
        bed: The draft.
        report: Its first run, which may have held further tests.
        functions: The target's definitions.
        repeats: How many processes; with 0 only the one of the other words, in the first order.

    Returns:
        None, or the rung and why which test functions failed, under "" what speaks of all.

    Raises:
        CouldNotRun: See claims.read.
    """
    ids = [test for test in report.ids if test.partition("::")[2].split("[")[0] in bed.tests]
    took = sum(report.alone[test].seconds for test in ids)
    reworded = {bed.target: rewrite(bed.source, functions)}
    for turn in range(1, max(repeats, 1) + 1):
        order, last = list(ids), turn >= repeats
        if repeats:
            random.Random(turn).shuffle(order)
        why = _once(bed, order, turn if repeats else 0, took, reworded if last else {})
        if why and last and not (repeats and _once(bed, order, turn, took, {})):
            named = dict.fromkeys(filter(None, why), "it fails though the target does the same")
            return "rewrite", {**named, "": f"with the target in other words: {why.get('')}"}
        if why:
            return "repeats", {**why, "": f"in fresh process {turn}: {why.get('')}"}
    return None


def _once(
    bed: Bed, order: Sequence[TestId], seed: int, took: float, files: Mapping[str, str]
) -> dict[str, str]:
    twice: dict[str, object] = {}
    if took <= TWICE_SECONDS:
        twice = {"twice": True, "mutant_seconds": 2 + 5 * took}
    try:
        report, _ = bed.run(twice, order=order, seed=seed, files=files)
    except Doubtful as odd:
        return {"": str(odd)}
    if report.broken:
        return {"": report.broken}
    before = report.unmutated
    failed = before.failed if before is not None and before.ended == "done" else ()
    found = {bed.function_of(test): "it fails now and then" for test in failed}
    return found | bed.failing(report.together)
