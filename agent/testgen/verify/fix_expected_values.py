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


class Recorded(NamedTuple):
    """A module with observed values in it: which tests changed, and what was said instead."""

    content: str
    tests: tuple[str, ...]
    notes: tuple[str, ...]


def record(content: str, failed: Mapping[str, Comparison]) -> Recorded:
    """Put the observed value into each test that failed over a predicted one.

    The statement gets a comment with both: a wrong prediction may be a bug in the code. Floats
    are compared with pytest.approx.

    Args:
        content: The test module as it was run.
        failed: The comparison that failed, by test function. Only a literal takes its place.

    Returns:
        The changed module; without tests when nothing could be recorded.
    """
    text, names, notes = content, [], []
    for name, seen in sorted(failed.items(), key=lambda item: -item[1].line):
        place = _expectation(_test(parse(content), name), seen.line)
        if place is None:
            continue
        observed = seen.left if place.on_right else seen.right
        changed = _substituted(text, place, observed)
        if changed is None:
            continue
        text = changed
        names.append(name)
        predicted = one_line(ast.unparse(place.expected), _SHOWN)
        notes.append(f"{name}: recorded {one_line(observed, _SHOWN)}; predicted was {predicted}")
    return Recorded(_with_pytest(text), tuple(reversed(names)), tuple(reversed(notes)))


class _Place(NamedTuple):
    """An expectation in a test: the statement that ends in its comment, and the literal."""

    statement: ast.stmt
    expected: ast.expr
    on_right: bool
    operator: ast.cmpop


def _test(tree: ast.Module | None, name: str) -> FunctionNode | None:
    body = tree.body if tree else ()
    return next((n for n in body if isinstance(n, _FUNCTIONS) and n.name == name), None)


def _substituted(content: str, place: _Place, observed: str) -> str | None:
    value = _literal(observed)
    if value is None:
        return None
    if isinstance(place.operator, ast.Is) and not (value[0] is None or isinstance(value[0], bool)):
        return None
    inserted = f"pytest.approx({observed})" if isinstance(value[0], float) else observed
    said = one_line(ast.unparse(place.expected), _SHOWN)
    comment = f"  # recorded, not predicted: the model expected {said}"
    changed = _spliced(content, place.expected, inserted, place.statement, comment)
    return changed if parse(changed) is not None else None


def _with_pytest(content: str) -> str:
    """The module with the import that pytest.approx needs."""
    tree = parse(content)
    if tree is None or "pytest.approx(" not in content:
        return content
    imports = (n for n in tree.body if isinstance(n, ast.Import))
    bound = {alias.asname or alias.name for node in imports for alias in node.names}
    if "pytest" in bound:
        return content
    future = [n.end_lineno or 0 for n in tree.body if _is_future(n)]
    lines = content.split("\n")
    lines.insert(max(future, default=0), "import pytest")
    return "\n".join(lines)


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _literal(text: str) -> tuple[object] | None:
    if not text.isprintable():
        return None
    try:
        return (ast.literal_eval(text),)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _expectation(test: FunctionNode | None, line: int) -> _Place | None:
    """The assert of a test that compares with a literal, or with a name given one just before."""
    for node in ast.walk(test) if test else ():
        if not isinstance(node, ast.Assert) or not isinstance(node.test, ast.Compare):
            continue
        if not node.lineno <= line <= (node.end_lineno or node.lineno):
            continue
        compare = node.test
        if len(compare.ops) != 1 or not isinstance(compare.ops[0], ast.Eq | ast.Is):
            continue
        sides = ((compare.comparators[0], True), (compare.left, False))
        for side, on_right in sides:
            if _is_predicted(side):
                return _Place(node, side, on_right, compare.ops[0])
        for side, on_right in sides:
            if isinstance(side, ast.Name) and (assigned := _only_value(test, side.id)):
                return _Place(assigned, assigned.value, on_right, compare.ops[0])
    return None


def _is_predicted(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) in ("pytest.approx", "approx")
    return _literal(ast.unparse(node).replace("\n", "")) is not None


def _only_value(test: FunctionNode | None, name: str) -> ast.Assign | None:
    """The assignment that gives a name its literal, when the name is used once and set once."""
    nodes = list(ast.walk(test)) if test else []
    uses = [n for n in nodes if isinstance(n, ast.Name) and n.id == name]
    found = [
        n
        for n in nodes
        if isinstance(n, ast.Assign)
        and len(n.targets) == 1
        and isinstance(n.targets[0], ast.Name)
        and n.targets[0].id == name
    ]
    if len(uses) != 2 or len(found) != 1 or not _is_predicted(found[0].value):
        return None
    return found[0]


def _spliced(content: str, expected: ast.expr, inserted: str, node: ast.stmt, comment: str) -> str:
    """Replace an expression by its place (columns are bytes) and comment the end of its assert."""
    lines = [line.encode() for line in content.split("\n")]
    end_line = (node.end_lineno or node.lineno) - 1
    lines[end_line] += comment.encode()
    first, last = expected.lineno - 1, (expected.end_lineno or expected.lineno) - 1
    tail = lines[last][expected.end_col_offset or 0 :]
    lines[first : last + 1] = [lines[first][: expected.col_offset] + inserted.encode() + tail]
    return b"\n".join(lines).decode()
