"""The tests of a measured commit that failed: what pytest said, and how they went before."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from copydesk.agent.coverage.measure.merge_traces import COLLECTION
from copydesk.agent.coverage.runner import Recording
from copydesk.agent.coverage.source import file_of
from copydesk.agent.coverage.store import CoverageMap, Trace
from copydesk.agent.desk.failures import FailedTest
from copydesk.agent.records import LineNo
from copydesk.agent.text import clean, one_line

FAILED: Final = ("failed", "error")
"""The outcomes of a test that failed."""

MAX_TESTS = 1000
"""How many failing tests are kept of a commit; their number is kept whatever it is."""

MAX_OUTPUTS = 100
"""Of how many of them the end of what pytest said is kept."""

MAX_ERROR = 300
_MAX_OUTPUT = 2000
_EXCEPTION = re.compile(r"E {3}[A-Za-z_][\w.]*(: |$)")
_PLACE = re.compile(r"^(?P<path>[^\s:][^:\n]*):(?P<line>\d+): ", re.MULTILINE)


def find_failed_tests(
    traces: Iterable[Trace],
    recording: Recording | None,
    former: CoverageMap | None,
    tree: Path,
) -> list[FailedTest]:
    """The tests that failed, those that passed before first.

    Args:
        traces: The traces that make the commit.
        recording: What was run now; whatever failed was.
        former: The map of the commit that this one is compared with, if any.
        tree: The folder that the tests ran in, which is left out of what pytest said.
    """
    history = _History(former)
    tests: list[FailedTest] = []
    for trace in traces:
        if trace.kind == COLLECTION:
            output = recording.errors.get(trace.name, "") if recording else ""
            before = history.of_file(trace.name)
            tests.append(_failed_test(trace, "collection", before, output, tree))
        elif trace.kind == "test" and trace.outcome in FAILED:
            run = recording.tests.get(trace.name) if recording else None
            output = run.message if run else ""
            before = history.of_test(trace.name)
            tests.append(_failed_test(trace, trace.outcome, before, output, tree))
    tests.sort(key=lambda test: (test.before == "failed", test.before == "", test.test))
    compared = former.sha if former else ""
    kept = []
    for number, test in enumerate(tests[:MAX_TESTS]):
        output = test.output if number < MAX_OUTPUTS else ""
        kept.append(test._replace(compared=compared, output=output))
    return kept


def _failed_test(trace: Trace, outcome: str, before: str, output: str, tree: Path) -> FailedTest:
    text = _without_tree(output, tree)
    return FailedTest(
        # a name may hold what SQLite and a terminal cannot take
        test=clean(trace.name, keep=""),
        outcome=outcome,
        before=before,
        compared="",
        line=_line_in(text, file_of(trace.name)),
        error=last_error_line(text) or "pytest gave no reason",
        output=clean(text)[-_MAX_OUTPUT:],
    )


def _without_tree(text: str, tree: Path) -> str:
    """A text in which the tree's files are named as the repository names them."""
    for folder in sorted({str(tree), str(tree.resolve())}, key=len, reverse=True):
        text = text.replace(f"{folder}/", "")
    return text


def last_error_line(output: str) -> str:
    """The line that says most of a failure: what was raised last.

    Args:
        output: What pytest said, in its short style or any other.

    Returns:
        One line, cleaned and bounded; "" for an empty output.
    """
    lines = output.rstrip().split("\n")
    block = _last_error_block(lines)
    for line in block:
        if _EXCEPTION.match(line):
            return one_line(line[1:], MAX_ERROR)
    if block and not block[0][1:].lstrip().startswith("File "):
        return one_line(block[0][1:], MAX_ERROR)
    spoken = [line for line in block or lines if line.strip()]
    return one_line(spoken[-1].removeprefix("E "), MAX_ERROR) if spoken else ""


def _last_error_block(lines: Sequence[str]) -> list[str]:
    """The last lines in a row that pytest marks as the error with an E."""
    block: list[str] = []
    for line in reversed(lines):
        if line.startswith("E ") or line == "E":
            block.append(line)
        elif block:
            break
    return [line for line in reversed(block) if line[1:].strip()]


def _line_in(output: str, path: str) -> LineNo:
    """The last line of a file that an output names; 0 where it names none."""
    lines = [int(place["line"]) for place in _PLACE.finditer(output) if place["path"] == path]
    return lines[-1] if lines else 0


class _History:
    """How tests went at the commit that this one is compared with.

    Args:
        former: Its map; None where nothing is known.
    """

    def __init__(self, former: CoverageMap | None) -> None:
        self.former = former
        self._passed_files: set[str] | None = None

    def of_test(self, name: str) -> str:
        """How a test went: passed, failed, new, or "" where that is not known."""
        if self.former is None:
            return ""
        trace = self.former.traces.get(("test", name))
        if trace is not None:
            return _before(trace.outcome)
        if (COLLECTION, file_of(name)) in self.former.traces:
            return "failed"
        return "new" if self.former.complete else ""

    def of_file(self, name: str) -> str:
        """As of_test(), for a file whose tests cannot be collected."""
        if self.former is None:
            return ""
        if (COLLECTION, name) in self.former.traces:
            return "failed"
        if self._passed_files is None:
            tests = self.former.tests().items()
            self._passed_files = {file_of(test) for test, run in tests if _before(run.outcome)}
        if file_of(name) in self._passed_files:
            return "passed"
        return "new" if self.former.complete else ""


def _before(outcome: str) -> str:
    """An outcome as passed or failed; "" for that of a test that never ended."""
    if outcome in FAILED:
        return "failed"
    return "passed" if outcome in ("passed", "xfailed", "xpassed", "skipped") else ""
