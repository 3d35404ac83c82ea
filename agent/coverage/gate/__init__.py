"""Says whether the coverage of a change is enough.

In go a request (which lines changed), the floors that hold, and what is known of those lines, from
the desk or from the coverage file of another tool; out comes one verdict: pass, fail or unknown,
with the missing lines by file.
"""

from copydesk.agent.coverage.gate.changed_configuration import remarks_on_change
from copydesk.agent.coverage.gate.changed_lines import (
    Change,
    change_between,
    merge_base,
    staged_change,
    texts,
    unknown_statuses,
)
from copydesk.agent.coverage.gate.coverage_files import CoverageFile
from copydesk.agent.coverage.gate.draft_advice import DraftAdvice, waiting_commands
from copydesk.agent.coverage.gate.line_status import measured_lines_at
from copydesk.agent.coverage.gate.measured_gate import MeasuredGate
from copydesk.agent.coverage.gate.request import (
    GateRequest,
    changed_file_reader,
    floors_for,
    judge_by_file,
    unknown_policy,
    with_files,
)
from copydesk.agent.coverage.gate.several_files import read_coverage_files
from copydesk.agent.coverage.gate.verdict import (
    NO_VERDICT,
    Floors,
    LineStatus,
    MissingRange,
    Verdict,
    judge,
    missing_ranges,
    verdict_as_json,
)

__all__ = [
    "NO_VERDICT",
    "Change",
    "CoverageFile",
    "DraftAdvice",
    "Floors",
    "GateRequest",
    "LineStatus",
    "MeasuredGate",
    "MissingRange",
    "Verdict",
    "change_between",
    "changed_file_reader",
    "floors_for",
    "judge",
    "judge_by_file",
    "measured_lines_at",
    "merge_base",
    "missing_ranges",
    "read_coverage_files",
    "remarks_on_change",
    "staged_change",
    "texts",
    "unknown_policy",
    "unknown_statuses",
    "verdict_as_json",
    "waiting_commands",
    "with_files",
]
