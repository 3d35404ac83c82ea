"""The functions of a module, measured.

A history shows a module again and again with a few lines changed. So a module is cut at its
functions and classes, a large class at its methods, each piece is parsed by itself, and pieces
that were seen before are not parsed again. Where a piece does not parse (a text with a line that
looks like a function, say) the whole is parsed instead; the answer is the same either way.
"""

from __future__ import annotations

import ast
import re
import warnings
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
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

_STARTS = r"(?:@|def |async def |class )"
_TOP = re.compile(rf"^{_STARTS}", re.MULTILINE)
_METHOD = re.compile(rf"^([ \t]+){_STARTS}", re.MULTILINE)
_CLASS = re.compile(r"^class (\w+)[^\n]*\n", re.MULTILINE)
_AFTER_CLASS = re.compile(r"^[^\s#)\]}]", re.MULTILINE)
_CUT_LINES = 60
"""A class with more lines is cut at its methods."""

_KEPT = 4096
"""Pieces remembered, the latest ones: some megabytes."""


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
    by_name: dict[str, Shape] = {}
    _collect(tree, "", _survey(tree), by_name)
    return by_name


def outermost(
    source: str, is_wanted: Callable[[int, int], bool] = lambda first, last: True
) -> list[tuple[str, Shape]]:
    """The functions that are not inside another, methods included, in order, with their shapes.

    Args:
        source: The module's text.
        is_wanted: Told the first and last line of a function, whether to measure it.

    Returns:
        Names and shapes; empty when the text is not Python (of the version that runs this).
    """
    text = source.replace("\r\n", "\n").replace("\r", "\n") if "\r" in source else source
    pieces = _pieces(text)
    functions: list[tuple[str, Shape]] = []
    above = 0
    for number, piece in enumerate(pieces):
        for name, shape in piece.functions:
            first, last = shape.first_line + above, shape.last_line + above
            if is_wanted(first, last):
                callers = shape.callers + _calls(pieces, name, leave_out=number)
                moved = shape._replace(first_line=first, last_line=last, callers=callers)
                functions.append((name, moved))
        above += piece.lines
    return functions


def _calls(pieces: list[_Piece], name: str, *, leave_out: int) -> int:
    """The calls of a function's bare name in all pieces but one."""
    bare = name.rpartition(".")[2]
    return sum(piece.calls.get(bare, 0) for i, piece in enumerate(pieces) if i != leave_out)


class _Piece(NamedTuple):
    """A part of a module: its lines, its functions (lines and callers within it), its calls."""

    lines: int
    functions: tuple[tuple[str, Shape], ...]
    calls: Counter[str]


def _pieces(text: str) -> list[_Piece]:
    """A module cut up; in one piece where it cannot be cut, in none where it is no Python."""
    pieces: list[_Piece] = []
    for part in _cut(text, _TOP):
        cut = _cut_class(part) or _all_or_none([_parsed(part)])
        if cut is None:
            return _all_or_none([_parsed(text)]) or []
        pieces += cut
    return pieces


def _cut(text: str, at: re.Pattern[str]) -> Iterator[str]:
    """A text cut where a function or class starts, decorators included; the head comes first."""
    start, decorated = 0, False
    for mark in at.finditer(text):
        if mark.start() > start and not decorated:
            yield text[start : mark.start()]
            start = mark.start()
        decorated = mark[0].endswith("@")
    yield text[start:]


def _cut_class(text: str) -> list[_Piece] | None:
    """A large class cut at its methods; None where it is none, or cannot be cut."""
    heading = _CLASS.search(text) if text.startswith(("class ", "@")) else None
    if heading is None or text.count("\n") < _CUT_LINES:
        return None
    end = _AFTER_CLASS.search(text, heading.end())
    body, after = (text[: end.start()], text[end.start() :]) if end else (text, "")
    method = _METHOD.search(body, heading.end())
    if method is None:
        return None
    indent = method[1]
    head, *methods = _cut(body, re.compile(rf"^{indent}{_STARTS}", re.MULTILINE))
    pieces = [_parsed(head, closing=f"{indent}pass\n")]
    pieces += [_parsed(part, owner=heading[1]) for part in methods]
    if after:
        pieces.append(_parsed(after))
    return _all_or_none(pieces)


def _all_or_none(pieces: list[_Piece | None]) -> list[_Piece] | None:
    """The pieces, where all of them were Python."""
    return None if None in pieces else [piece for piece in pieces if piece is not None]


@lru_cache(maxsize=_KEPT)
def _parsed(text: str, *, owner: str = "", closing: str = "") -> _Piece | None:
    """A piece measured; None where it is no Python by itself.

    Args:
        text: Whole lines.
        owner: The class whose body the lines are of.
        closing: What to add, so that a class without its methods is one.
    """
    around = 1 if owner else 0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old escapes in old sources are not our concern
            tree = ast.parse((f"class {owner}:\n" if owner else "") + text + closing)
    except (SyntaxError, ValueError, RecursionError):
        return None
    survey = _survey(tree)
    functions = []
    for name, node in _outer(tree, ""):
        shape = _measure(node, survey)
        lines = {"first_line": shape.first_line - around, "last_line": shape.last_line - around}
        functions.append((name, shape._replace(**lines)))
    calls = Counter({name: len(lines) for name, lines in survey.calls.items()})
    return _Piece(text.count("\n"), tuple(functions), calls)


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


def _collect(node: ast.AST, prefix: str, survey: _Survey, by_name: dict[str, Shape]) -> None:
    """Add the functions below a node, at whatever depth, to `by_name`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _FUNCTIONS):
            by_name[prefix + child.name] = _measure(child, survey)
            _collect(child, f"{prefix}{child.name}.", survey, by_name)
        elif isinstance(child, ast.ClassDef):
            _collect(child, f"{prefix}{child.name}.", survey, by_name)
        else:
            _collect(child, prefix, survey, by_name)


def _measure(node: ast.FunctionDef | ast.AsyncFunctionDef, survey: _Survey) -> Shape:
    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    last = node.end_lineno or node.lineno
    calls = survey.calls.get(node.name, [])
    return Shape(
        first_line=first,
        last_line=last,
        function_lines=last - first + 1,
        branches=bisect_right(survey.branches, last) - bisect_left(survey.branches, first),
        callers=sum(not first <= line <= last for line in calls),
        arguments=len(node.args.args) + len(node.args.kwonlyargs),
    )


class _Survey(NamedTuple):
    """Of a module: the line of every branch, in order, and of the calls of each bare name."""

    branches: list[int]
    calls: dict[str, list[int]]


def _survey(tree: ast.AST) -> _Survey:
    """One pass; ast.walk, a pass for each function, took half of the time of mining."""
    survey = _Survey([], {})
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        _note(node, survey)
        for field in type(node)._fields:
            value = getattr(node, field, None)
            if type(value) is list:
                stack += [v for v in value if isinstance(v, ast.AST) and type(v) not in _LEAVES]
            elif isinstance(value, ast.AST) and type(value) not in _LEAVES:
                stack.append(value)
    survey.branches.sort()
    return survey


def _note(node: ast.AST, survey: _Survey) -> None:
    """Note the branches and the call that a node makes by itself."""
    if type(node) in _BRANCHING:
        survey.branches.append(node.lineno)  # type: ignore[attr-defined]
    elif isinstance(node, _COMPREHENSIONS):
        survey.branches.extend([node.lineno] * len(node.generators))
    elif isinstance(node, ast.Call):
        name = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
        if name:
            survey.calls.setdefault(name, []).append(node.lineno)
