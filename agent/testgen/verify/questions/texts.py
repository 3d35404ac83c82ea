"""What texts an expression of a draft may stand for, found without running it."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from copydesk.agent.testgen.verify.questions.tables import NO_TEXTS

Texts = frozenset[str] | None
"""All texts that an expression may be; None: not known. Values that are no texts add none."""

PROJECTS = "\0a text of the project"
"""Stands among texts for one that the project's own code spells out, as it is."""

_NOTHING: frozenset[str] = frozenset()
_MOST_TEXTS = 200
_DEEPEST = 12
_SAME_ELEMENTS = frozenset({"sorted", "list", "tuple", "set", "frozenset", "reversed", "iter"})
_TEXT_METHODS: dict[str, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "title": str.title,
    "capitalize": str.capitalize,
    "strip": str.strip,
}


class Binding(NamedTuple):
    """What a name is bound to: a value, or an element of it (or of that, the one at a place).

    `value` is None where it is not known.
    """

    value: ast.expr | None
    element: bool = False
    place: int | None = None


class Scopes(Protocol):
    """What names are bound to; see Bindings."""

    def of(self, name: ast.Name) -> list[Binding] | None:
        """What a name is bound to where it stands; None where it is bound nowhere."""
        ...

    def may_change(self, name: str) -> bool:
        """Whether anything but reading is done with what a name is bound to."""
        ...


class TextEvaluator:
    """Follows the names of a draft to the texts that they stand for.

    Whatever is not understood is not known; where two things may be, both are said.

    Args:
        bindings: What each name is bound to.
        of_project: Whether a name is imported from the project or what it uses.
    """

    def __init__(self, bindings: Scopes, of_project: Callable[[str], bool]) -> None:
        self._bindings = bindings
        self._of_project = of_project
        self._open: list[tuple[int, str]] = []
        self._known: dict[int, Texts] = {}

    def texts(self, node: ast.expr) -> Texts:
        """The texts that an expression may be."""
        if id(node) in self._known:
            return self._known[id(node)]
        texts = self._texts(node)
        if not self._open:  # else it may lack what is being found out
            self._known[id(node)] = texts
        return texts

    def _texts(self, node: ast.expr) -> Texts:
        match node:
            case ast.Constant(str(text)):
                return frozenset({text})
            case ast.Constant() | ast.Lambda() | ast.Compare():
                return _NOTHING
            case ast.Name():
                return self._of_name(node, self.texts)
            case ast.JoinedStr(parts):
                return _joined([self._piece(part) for part in parts])
            case ast.BinOp(left, ast.Add(), right):
                return _joined([self.texts(left), self.texts(right)])
            case ast.IfExp(_, left, right):
                return _union([self.texts(left), self.texts(right)])
            case ast.NamedExpr(_, value):
                return self.texts(value)
            case ast.Call():
                return self._of_call(node)
            case ast.Attribute() | ast.Subscript():
                return self._of_part(node)
        return None

    def elements(self, node: ast.expr) -> Texts:
        """The texts that come out of iterating over an expression, or of taking its elements
        apart once more.
        """
        match node:
            case ast.List(values) | ast.Tuple(values) | ast.Set(values):
                return _union(self._element(value) for value in values)
            case ast.Dict(keys, values):
                whole = [*(key for key in keys if key is not None), *values]
                return _union(self._element(value) for value in whole)
            case ast.BinOp(left, ast.Add() | ast.BitOr(), right):
                return _union([self.elements(left), self.elements(right)])
            case ast.Constant(value):
                return frozenset(value) if isinstance(value, str) else _NOTHING
        return self._elements_behind(node)

    def _elements_behind(self, node: ast.expr) -> Texts:
        match node:
            case ast.Starred(value):
                return self.elements(value)
            case ast.Name():
                return self._of_name(node, self.elements)
            case ast.Call():
                return self._elements_of_call(node)
            case ast.Attribute() | ast.Subscript():
                return self._of_part(node)
        return None

    # -- parts of the above

    def _piece(self, part: ast.expr) -> Texts:
        if not isinstance(part, ast.FormattedValue):
            return self.texts(part)
        if part.conversion != -1 or part.format_spec is not None:
            return None
        if isinstance(part.value, ast.Constant):
            return frozenset({str(part.value.value)})
        return self.texts(part.value)

    def _element(self, value: ast.expr) -> Texts:
        """The texts in an element: what it is, or where it is a container, what it holds."""
        if isinstance(value, ast.List | ast.Tuple | ast.Set | ast.Dict | ast.Starred):
            return self.elements(value)
        texts = self.texts(value)
        if texts is None and isinstance(value, ast.Name | ast.Call):
            return self.elements(value)
        return texts

    def _of_name(self, node: ast.Name, evaluate: Callable[[ast.expr], Texts]) -> Texts:
        bindings = self._bindings.of(node)
        if self._of_project(node.id):
            return frozenset({PROJECTS}) if bindings is None else None
        if bindings is None:
            return _NOTHING if node.id in NO_TEXTS else None
        visit = (id(bindings[0]), evaluate.__name__)
        if visit in self._open:
            return _NOTHING  # adds nothing to what is being found out
        if len(self._open) > _DEEPEST:
            return None
        if evaluate == self.elements and self._may_change(node.id, bindings):
            return None
        self._open.append(visit)
        try:
            return _union(self._from_binding(binding, evaluate) for binding in bindings)
        finally:
            self._open.pop()

    def _may_change(self, name: str, bindings: Sequence[Binding]) -> bool:
        """Whether a name may hold other elements than those that it was bound to."""
        if all(isinstance(binding.value, ast.Tuple | ast.Constant) for binding in bindings):
            return False
        return self._bindings.may_change(name)

    def _from_binding(self, binding: Binding, evaluate: Callable[[ast.expr], Texts]) -> Texts:
        if binding.value is None:
            return None
        if not binding.element:
            return evaluate(binding.value)
        if binding.place is None:
            return self.elements(binding.value)
        return _union(self._element(v) for v in self._at(binding.value, binding.place))

    def _at(self, value: ast.expr, place: int) -> Iterator[ast.expr]:
        """What stands at a place of each element of a value; the whole where that is not seen."""
        rows = _rows(value)
        if rows is None:
            single = self._single_value(value)
            rows = _rows(single) if single is not None else None
        if rows is None:
            yield _starred(value)
            return
        for row in rows:
            cells = _cells(row)
            if cells is None or place >= len(cells):
                yield _starred(row)
            else:
                yield cells[place]

    def _single_value(self, node: ast.expr) -> ast.expr | None:
        """The one value that a name is bound to."""
        bindings = self._bindings.of(node) if isinstance(node, ast.Name) else None
        if bindings is None or len(bindings) != 1 or bindings[0].element:
            return None
        assert isinstance(node, ast.Name)
        return None if self._may_change(node.id, bindings) else bindings[0].value

    def _of_call(self, node: ast.Call) -> Texts:
        function = node.func
        if node.keywords:
            return None
        called = getattr(function, "attr", getattr(function, "id", ""))
        if called in ("str", "dedent", "cleandoc") and len(node.args) == 1:
            return self.texts(node.args[0]) or None
        if not isinstance(function, ast.Attribute) or node.args:
            return None
        change = _TEXT_METHODS.get(function.attr)
        texts = self.texts(function.value)
        if change is None or texts is None or PROJECTS in texts:
            return None
        return frozenset(map(change, texts))

    def _elements_of_call(self, node: ast.Call) -> Texts:
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in ("param", "zip", "enumerate", "product", "chain", *_SAME_ELEMENTS):
            return _union(self._element(argument) for argument in node.args)
        if not isinstance(node.func, ast.Attribute) or node.keywords:
            return None
        if name in ("items", "keys", "values", "copy") and not node.args:
            return self.elements(node.func.value)
        if name == "split" and all(isinstance(a, ast.Constant) for a in node.args):
            return self._split(node)
        return None

    def _split(self, node: ast.Call) -> Texts:
        assert isinstance(node.func, ast.Attribute)
        texts = self.texts(node.func.value)
        separator = _constant(node.args)
        if texts is None or PROJECTS in texts or len(node.args) > 1:
            return None
        if separator is not None and not isinstance(separator, str):
            return None
        return frozenset(word for text in texts for word in text.split(separator))

    def _of_part(self, node: ast.expr) -> Texts:
        """The texts of x.a or x[0]: known where x is the project's, or a literal."""
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            return None
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute | ast.Subscript):
            if isinstance(inner, ast.Attribute) and inner.attr in ("__dict__", "__doc__"):
                return None
            inner = inner.value
        if isinstance(inner, ast.Name) and self._of_project(inner.id):
            return frozenset({PROJECTS}) if self._bindings.of(inner) is None else None
        if isinstance(node, ast.Subscript):
            return self.elements(node.value)
        return None


def ends_of_text(node: ast.expr) -> tuple[str, str]:
    """How a text that is put together begins and ends, as far as that is spelled out."""
    match node:
        case ast.JoinedStr([first, *_] as pieces):
            return _spelled(first), _spelled(pieces[-1])
        case ast.BinOp(ast.Constant(str(mould)), ast.Mod(), ast.Name() | ast.Constant()):
            begin, found, end = mould.partition("%s")
            return ("", "") if not found or "%" in begin + end else (begin, end)
        case ast.BinOp(left, ast.Add(), right):
            return _spelled(left), _spelled(right)
    return "", ""


def _spelled(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _rows(value: ast.expr) -> Sequence[ast.expr] | None:
    """The elements of a literal, or of the items of one."""
    match value:
        case ast.List(rows) | ast.Tuple(rows) | ast.Set(rows):
            return None if any(isinstance(row, ast.Starred) for row in rows) else rows
        case ast.Call(ast.Attribute(ast.Dict(keys, values), "items"), []) if None not in keys:
            pairs = zip(keys, values, strict=True)
            return [ast.Tuple([k, v], ast.Load()) for k, v in pairs if k is not None]
        case ast.Call(ast.Name("enumerate"), [inner]):
            return [ast.Tuple([ast.Constant(0), row], ast.Load()) for row in _rows(inner) or ()]
    return None


def _constant(arguments: Sequence[ast.expr]) -> object:
    """The value of the first argument; None where there is none."""
    first = arguments[0] if arguments else None
    return first.value if isinstance(first, ast.Constant) else None


def _cells(row: ast.expr) -> Sequence[ast.expr] | None:
    match row:
        case ast.List(cells) | ast.Tuple(cells) | ast.Call(ast.Attribute(attr="param"), cells):
            return None if any(isinstance(cell, ast.Starred) for cell in cells) else cells
    return None


def _starred(value: ast.expr) -> ast.expr:
    return ast.Starred(value, ast.Load())


def _union(many: Iterable[Texts]) -> Texts:
    whole: set[str] = set()
    for texts in many:
        if texts is None:
            return None
        whole |= texts
    return frozenset(whole)


def _joined(parts: Sequence[Texts]) -> Texts:
    """All texts of one part each; not known where a part is not, or is not spelled out here."""
    known: list[frozenset[str]] = []
    for part in parts:
        if not part or PROJECTS in part:
            return None
        known.append(part)
    combinations = itertools.islice(itertools.product(*known), _MOST_TEXTS + 1)
    texts = frozenset("".join(pieces) for pieces in combinations)
    return texts if len(texts) <= _MOST_TEXTS else None
