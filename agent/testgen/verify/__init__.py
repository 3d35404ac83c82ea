"""Decides whether a drafted test deserves to be shown.

In goes a candidate; it climbs a ladder of sandboxed runs (it passes, reaches the lines, fails when
the target is broken, passes in fresh processes). Out comes the evidence, rung by rung, or the
first rung that it does not reach.
"""

from copydesk.agent.testgen.verify import mutants
from copydesk.agent.testgen.verify.ladder import verify
from copydesk.agent.testgen.verify.mutants import choose, mutate, sites
from copydesk.agent.testgen.verify.run_report import CouldNotRun, Doubtful, Report
from copydesk.agent.testgen.verify.test_run import Bed

__all__ = [
    "Bed",
    "CouldNotRun",
    "Doubtful",
    "Report",
    "choose",
    "mutants",
    "mutate",
    "sites",
    "verify",
]
