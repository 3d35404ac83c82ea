from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.coverage.gate.several_files import merge_lines
from copydesk.agent.coverage.store import FileLines

LINES = st.frozensets(st.integers(1, 6))


@st.composite
def file_lines(draw: st.DrawFn) -> FileLines:
    """The lines of a file as one machine saw them."""
    statements = draw(LINES)
    missing = draw(LINES) & statements
    partial = draw(LINES) & (statements - missing)
    branches = 2 * len(partial)
    return FileLines(statements, missing, partial, branches, len(partial))


@given(file_lines(), file_lines())
def test_a_line_is_reached_that_one_of_them_reaches(one: FileLines, other: FileLines) -> None:
    merged = merge_lines(one, other)
    assert merged == merge_lines(other, one)._replace(
        branches=merged.branches, missing_branches=merged.missing_branches
    )
    assert merged.statements - merged.missing == (one.statements - one.missing) | (
        other.statements - other.missing
    )
    assert merged.partial <= merged.statements - merged.missing


@given(file_lines())
def test_a_file_adds_nothing_to_itself(lines: FileLines) -> None:
    assert merge_lines(lines, lines) == lines


def test_a_branch_that_neither_takes_whole_stays_partial() -> None:
    half = FileLines(frozenset({1, 2}), frozenset(), frozenset({1}), 2, 1)
    whole = FileLines(frozenset({1, 2}), frozenset(), frozenset(), 2, 0)
    assert merge_lines(half, half).missing_branches == 1
    assert merge_lines(half, whole) == whole
