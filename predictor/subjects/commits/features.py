"""What is known of a function with uncovered lines, as plain numbers."""

from __future__ import annotations

import ast
import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple

_BRANCHING = frozenset(
    {
        *(ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.ExceptHandler),
        *(ast.IfExp, ast.BoolOp),
    }
)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_LEAVES = frozenset({ast.Name, ast.Constant, ast.Load, ast.Store, ast.Del, ast.alias, ast.arg})
"""What holds no call and no branch (annotations aside, which hold none that is run)."""
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class GapFeatures(NamedTuple):
    """One function (or a module's own statements) with lines that no test reaches.

    Every count may be None: not known. An unknown count weighs nothing in the score; it is not
    taken for zero.

    lines_uncovered: lines of the function that no test reaches; scales the score, is no
        part of the prior (history does not know it).
    lines_added_in_commit: lines of the function that the commit added or rewrote.
    function_lines: lines from the first decorator to the end, blank ones and comments included.
    branches: if, for, while, try, except, conditional expressions, and/or, comprehensions.
    times_changed: commits that touched the file in the 90 days before this one.
    recent_fixes: of the commits in the 180 days before this one that touched the file, those
        whose message says they fix something.
    authors: different people who have ever changed the file, before this commit. Recorded, but
        no input of the shipped prior, which it made worse.
    callers: calls of that name elsewhere in the same module.
    lines_added_elsewhere: lines of source (not of tests) the commit added outside the function.
    file_lines: lines of the whole file.
    files_changed: source files (not tests) that the commit touched.
    test_lines_added: lines of tests that the commit added.
    lines_removed: lines of the function that the commit took away (a hunk's share of them).
    arguments: positional and keyword-only ones.
    share_changed: lines added over lines of the function.
    new_function: 1 when the history knew none of that name in that file.
    function_fixes: fixing commits that touched the function before.
    days_since_function: days since a commit touched it; -1 when none did.
    lines_added_in_all: lines of source the commit added, the function's own included.
    tests_changed: test files that the commit touched.
    is_fix: 1 when the message says that the commit fixes something.
    author_recency: the author's commits before this one, each weighing less with age (180 days).
    private: 1 when the name begins with an underscore.
    churn: lines added and removed in the file before, weighing less with age (90 days).
    fixes: fixing commits of the file before, weighing less with age (180 days).
    """

    lines_uncovered: int
    lines_added_in_commit: int | None = None
    function_lines: int | None = None
    branches: int | None = None
    times_changed: int | None = None
    recent_fixes: int | None = None
    authors: int | None = None
    callers: int | None = None
    lines_added_elsewhere: int | None = None
    file_lines: int | None = None
    files_changed: int | None = None
    test_lines_added: int | None = None
    lines_removed: float | None = None
    arguments: int | None = None
    share_changed: float | None = None
    new_function: int | None = None
    function_fixes: int | None = None
    days_since_function: float | None = None
    lines_added_in_all: int | None = None
    tests_changed: int | None = None
    is_fix: int | None = None
    author_recency: float | None = None
    private: int | None = None
    churn: float | None = None
    fixes: float | None = None


class Shape(NamedTuple):
    """What the source alone says of a function; lines are counted from 1, both ends included."""

    first_line: int
    last_line: int
    function_lines: int
    branches: int
    callers: int
    arguments: int = 0


def shapes(source: str) -> dict[str, Shape]:
    """Measure every function of a module.

    Args:
        source: The module's text.

    Returns:
        Shapes by qualified name ("Class.method", "outer.inner"); of two functions with one name
        the later one. Empty when the text is not Python.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return {}
    found: dict[str, Shape] = {}
    _collect(tree, "", _survey(tree), found)
    return found


def outermost(source: str) -> list[tuple[str, Shape]]:
    """The functions that are not inside another, methods included, in order, with their shapes.

    Empty when the text is not Python (of the version that runs this).
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old escapes in old sources are not our concern
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return []
    seen = _survey(tree)
    return [(name, _measure(node, seen)) for name, node in _outer(tree, "")]


def _outer(
    node: ast.AST, prefix: str
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _FUNCTIONS):
            yield prefix + child.name, child
        elif isinstance(child, ast.ClassDef):
            yield from _outer(child, f"{prefix}{child.name}.")
        elif isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from _outer(child, prefix)


def _collect(node: ast.AST, prefix: str, seen: _Survey, found: dict[str, Shape]) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _FUNCTIONS):
            found[prefix + child.name] = _measure(child, seen)
            _collect(child, f"{prefix}{child.name}.", seen, found)
        elif isinstance(child, ast.ClassDef):
            _collect(child, f"{prefix}{child.name}.", seen, found)
        else:
            _collect(child, prefix, seen, found)


def _measure(node: ast.FunctionDef | ast.AsyncFunctionDef, seen: _Survey) -> Shape:
    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    last = node.end_lineno or node.lineno
    calls = seen.calls.get(node.name, [])
    return Shape(
        first_line=first,
        last_line=last,
        function_lines=last - first + 1,
        branches=bisect_right(seen.branches, last) - bisect_left(seen.branches, first),
        callers=sum(not first <= line <= last for line in calls),
        arguments=len(node.args.args) + len(node.args.kwonlyargs),
    )


class _Survey(NamedTuple):
    """Of a module: the line of every branch, in order, and of the calls of each bare name."""

    branches: list[int]
    calls: dict[str, list[int]]


def _survey(tree: ast.AST) -> _Survey:
    """One pass; ast.walk, a pass for each function, took half of the time of mining."""
    branches: list[int] = []
    calls: dict[str, list[int]] = {}
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        kind = type(node)
        if kind in _BRANCHING:
            branches.append(node.lineno)  # type: ignore[attr-defined]
        elif isinstance(node, _COMPREHENSIONS):
            branches += [node.lineno] * len(node.generators)
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
            if name:
                calls.setdefault(name, []).append(node.lineno)
        for field in kind._fields:
            value = getattr(node, field, None)
            if type(value) is list:
                stack += [v for v in value if isinstance(v, ast.AST) and type(v) not in _LEAVES]
            elif isinstance(value, ast.AST) and type(value) not in _LEAVES:
                stack.append(value)
    branches.sort()
    return _Survey(branches, calls)
