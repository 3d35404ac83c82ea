"""Put what the code gave where a draft predicted something else.

Most of a model's failing tests fail over one wrong expected value (research/a1). The call is
worth keeping; the value is then what was observed, and says so.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Final, NamedTuple

from copydesk.agent.testgen.project import FunctionNode, parse
from copydesk.agent.testgen.verify.run_report import Comparison
from copydesk.agent.text import one_line

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SHOWN: Final = 60  # characters of a value in a comment


class RecordedValues(NamedTuple):
    """A module with observed values in it: which tests changed, and notes on what was predicted."""

    content: str
    tests: tuple[str, ...]
    notes: tuple[str, ...]


class _Expectation(NamedTuple):
    """What a test expects: the literal, and the statement that gets the comment."""

    statement: ast.stmt
    literal: ast.expr
    on_right: bool
    operator: ast.cmpop


def record_values(content: str, failed: Mapping[str, Comparison]) -> RecordedValues:
    """Put the observed value into each test that failed over a predicted one.

    The statement gets a comment with both: a wrong prediction may be a bug in the code. Floats
    are compared with pytest.approx.

    Args:
        content: The test module as it was run.
        failed: The comparison that failed, by test function. Only a literal takes its place.

    Returns:
        The changed module; without tests when nothing could be recorded.
    """
    text = content
    names: list[str] = []
    notes: list[str] = []
    # from the bottom up, so that the lines above stay where they are
    for name, comparison in sorted(failed.items(), key=lambda item: -item[1].line):
        expectation = _expectation(_test(parse(content), name), comparison.line)
        if expectation is None:
            continue
        observed = comparison.left if expectation.on_right else comparison.right
        changed = _with_observed(text, expectation, observed)
        if changed is None:
            continue
        text = changed
        names.append(name)
        predicted = one_line(ast.unparse(expectation.literal), _SHOWN)
        notes.append(f"{name}: recorded {one_line(observed, _SHOWN)}; predicted was {predicted}")
    names.reverse()
    notes.reverse()
    return RecordedValues(_with_pytest(text), tuple(names), tuple(notes))


def _test(tree: ast.Module | None, name: str) -> FunctionNode | None:
    """The test function of that name."""
    for node in tree.body if tree else ():
        if isinstance(node, _FUNCTIONS) and node.name == name:
            return node
    return None


def _with_observed(content: str, expectation: _Expectation, observed: str) -> str | None:
    """The module with an observed value in the place of the expected one; None where it cannot
    be written there.
    """
    literal = _literal(observed)
    if literal is None:
        return None
    (value,) = literal
    if isinstance(expectation.operator, ast.Is) and not (value is None or isinstance(value, bool)):
        return None
    inserted = f"pytest.approx({observed})" if isinstance(value, float) else observed
    changed = _replaced(content, expectation, inserted)
    return changed if parse(changed) is not None else None


def _replaced(content: str, expectation: _Expectation, inserted: str) -> str:
    """Replace the literal by its place (columns are bytes) and comment the end of its statement."""
    predicted = one_line(ast.unparse(expectation.literal), _SHOWN)
    comment = f"  # recorded, not predicted: the model expected {predicted}"
    literal, statement = expectation.literal, expectation.statement
    lines = [line.encode() for line in content.split("\n")]
    end_line = (statement.end_lineno or statement.lineno) - 1
    lines[end_line] += comment.encode()
    first, last = literal.lineno - 1, (literal.end_lineno or literal.lineno) - 1
    head = lines[first][: literal.col_offset]
    tail = lines[last][literal.end_col_offset or 0 :]
    lines[first : last + 1] = [head + inserted.encode() + tail]
    return b"\n".join(lines).decode()


def _with_pytest(content: str) -> str:
    """The module with the import that pytest.approx needs."""
    tree = parse(content)
    if tree is None or "pytest.approx(" not in content or _imports_pytest(tree):
        return content
    line = 0
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            line = max(line, node.end_lineno or 0)
    lines = content.split("\n")
    lines.insert(line, "import pytest")
    return "\n".join(lines)


def _imports_pytest(tree: ast.Module) -> bool:
    for node in tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if (alias.asname or alias.name) == "pytest":
                    return True
    return False


def _literal(text: str) -> tuple[object] | None:
    """The value of a literal, in a tuple; None for anything else."""
    if not text.isprintable():
        return None
    try:
        return (ast.literal_eval(text),)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _expectation(test: FunctionNode | None, line: int) -> _Expectation | None:
    """What the assert on a line compares with: a literal, or a name given one just before."""
    if test is None:
        return None
    for node in ast.walk(test):
        if not isinstance(node, ast.Assert) or not _spans(node, line):
            continue
        comparison = node.test
        if isinstance(comparison, ast.Compare) and _compares_once(comparison):
            expectation = _predicted_side(node, comparison) or _assigned_side(test, comparison)
            if expectation is not None:
                return expectation
    return None


def _spans(node: ast.stmt, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or node.lineno)


def _compares_once(comparison: ast.Compare) -> bool:
    return len(comparison.ops) == 1 and isinstance(comparison.ops[0], ast.Eq | ast.Is)


def _sides(comparison: ast.Compare) -> tuple[tuple[ast.expr, bool], ...]:
    """Both sides and whether each is the right one; that is where most tests expect."""
    return (comparison.comparators[0], True), (comparison.left, False)


def _predicted_side(statement: ast.Assert, comparison: ast.Compare) -> _Expectation | None:
    for side, on_right in _sides(comparison):
        if _is_predicted(side):
            return _Expectation(statement, side, on_right, comparison.ops[0])
    return None


def _assigned_side(test: FunctionNode, comparison: ast.Compare) -> _Expectation | None:
    for side, on_right in _sides(comparison):
        assignment = _only_assignment(test, side.id) if isinstance(side, ast.Name) else None
        if assignment is not None:
            return _Expectation(assignment, assignment.value, on_right, comparison.ops[0])
    return None


def _is_predicted(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) in ("pytest.approx", "approx")
    return _literal(ast.unparse(node).replace("\n", "")) is not None


def _only_assignment(test: FunctionNode, name: str) -> ast.Assign | None:
    """The assignment that gives a name its literal, when the name is used once and set once."""
    mentions = 0
    assignments: list[ast.Assign] = []
    for node in ast.walk(test):
        if isinstance(node, ast.Name) and node.id == name:
            mentions += 1
        elif isinstance(node, ast.Assign) and _assigns_only(node, name):
            assignments.append(node)
    if mentions != 2 or len(assignments) != 1 or not _is_predicted(assignments[0].value):
        return None
    return assignments[0]


def _assigns_only(node: ast.Assign, name: str) -> bool:
    if len(node.targets) != 1:
        return False
    (target,) = node.targets
    return isinstance(target, ast.Name) and target.id == name
