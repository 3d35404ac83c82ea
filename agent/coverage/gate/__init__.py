"""Says whether the coverage of a change is enough.

In go a question (which lines changed, which floors hold) and what is known of those lines, from
the desk or from the coverage file of another tool; out comes one verdict: pass, fail or unknown,
with the missing lines by file.
"""

from copydesk.agent.coverage.gate import changed_lines, coverage_files, from_desk, question, verdict
from copydesk.agent.coverage.gate.changed_lines import Change, between, merge_base, texts
from copydesk.agent.coverage.gate.from_desk import FromDesk
from copydesk.agent.coverage.gate.line_status import desk_at
from copydesk.agent.coverage.gate.question import Question, floors
from copydesk.agent.coverage.gate.verdict import Floors, Verdict, as_json, ranges

__all__ = [
    "Change",
    "Floors",
    "FromDesk",
    "Question",
    "Verdict",
    "as_json",
    "between",
    "changed_lines",
    "coverage_files",
    "desk_at",
    "floors",
    "from_desk",
    "merge_base",
    "question",
    "ranges",
    "texts",
    "verdict",
]
