"""Decides whether a drafted test deserves to be shown.

In goes a candidate; it climbs a ladder of sandboxed runs (it passes, reaches the lines, fails when
the target is broken, passes in fresh processes). Out comes the evidence, rung by rung, or the
first rung that it does not pass.
"""

from copydesk.agent.testgen.verify import mutants
from copydesk.agent.testgen.verify.edited import CheckedEdit, SuspectBug, verify_edited
from copydesk.agent.testgen.verify.ladder import CheckedDraft, verify
from copydesk.agent.testgen.verify.mutants import choose, mutate, sites
from copydesk.agent.testgen.verify.raising_target import PROBE, with_raise
from copydesk.agent.testgen.verify.run_report import CouldNotRun, InconsistentReport, Report
from copydesk.agent.testgen.verify.rungs import RungName
from copydesk.agent.testgen.verify.test_run import DraftUnderTest

__all__ = [
    "PROBE",
    "CheckedDraft",
    "CheckedEdit",
    "CouldNotRun",
    "DraftUnderTest",
    "InconsistentReport",
    "Report",
    "RungName",
    "SuspectBug",
    "choose",
    "mutants",
    "mutate",
    "sites",
    "verify",
    "verify_edited",
    "with_raise",
]
