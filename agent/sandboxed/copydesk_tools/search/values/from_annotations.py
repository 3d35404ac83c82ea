"""Values for a parameter by its annotation, and objects of the classes that annotations name."""

from __future__ import annotations

import ast
import enum
import inspect
import itertools
import re
from collections.abc import Callable
from typing import Any, Dict, List, NamedTuple, Tuple

from ...source.functions import signature_of
from .containers import as_tuple, dicts, many
from .everyday_values import everyday
from .expressions import Expression, join, write
from .from_constructors import asks_for_truth, class_of, compared_options, constructor_of, varied
from .from_duck_type import class_named
from .tables import columns_of, is_table, table_columns, tables
from .value_kinds import DICTS, HINTS, LISTS, SETS, kind_of, kinds_by_name, plain

MAX_HINTS = 4
"""Annotations in annotations."""
MAX_CLASSES = 2
"""Classes whose constructors take objects of classes."""
MAX_ALTERNATIVES = 2
"""Classes of a union that are tried for a parameter of a constructor."""
_LEVEL = 10
"""What a class in a class adds to the depth; an annotation in an annotation adds one."""
MAX_OPTIONS = 5
MAX_TURNS = 8
MAX_ASKED = 6
MAX_MEMBERS = 8
_TRANSPARENT = ("Annotated", "Final", "ClassVar", "Required", "NotRequired")
_LAZY = ("Any", "Async", "Iterator", "Generator")
"""How the names of annotations begin whose values are not made of their items."""
_CLASSES = ("int", "str")
_GUESSES = ("int", "str")
_VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def alternate(pools: List[List[Expression]]) -> List[Expression]:
    """One of each pool in turn, so that the simplest of every kind comes early; no doubles."""
    longest = max(map(len, pools), default=0)
    mixed: List[Expression] = []
    for turn in range(longest):
        mixed += [pool[turn] for pool in pools if turn < len(pool)]
    return list(dict.fromkeys(mixed))


def kinds(names: Any) -> List[Expression]:
    """The plain values of some kinds, in turn."""
    return alternate([plain(name) for name in names])


class Origin(NamedTuple):
    """The function that values are for: its module, its scope, and its node.

    Attributes:
        tree: The module's syntax tree.
        module: The module.
        function: The function in it.
        scope: What its names mean; those of its class begin with a dot.
    """

    tree: ast.Module
    module: Any
    function: ast.AST
    scope: Dict[str, Any]


class AnnotatedValues:
    """Values for the annotations of a module.

    Args:
        origin: The function that the values are for.
        matches: Matches of regular expressions that the function may ask for.
        values_of: Values for a parameter (and its default) of another function.
    """

    def __init__(
        self,
        origin: Origin,
        matches: Callable[[], List[Expression]],
        values_of: Callable[[Any, ast.arg, ast.expr | None], List[Expression]],
    ) -> None:
        self.origin, self.matches, self.values_of = origin, matches, values_of

    def hinted(self, hint: ast.expr, depth: int = 0) -> List[Expression]:
        """Values for an annotation; empty when nothing is known about it."""
        if depth % _LEVEL > MAX_HINTS:
            return []
        if isinstance(hint, ast.Constant):
            return self.written(hint.value, depth)
        if isinstance(hint, ast.BinOp) and isinstance(hint.op, ast.BitOr):
            return self._union([hint.left, hint.right], depth)
        if isinstance(hint, ast.Subscript):
            return self._generic(hint, depth)
        return self._named(_last_name(hint), depth)

    def written(self, text: Any, depth: int = 0) -> List[Expression]:
        """Values for an annotation that is given as text, or as None."""
        if text is None:
            return plain("None")
        try:
            return self.hinted(ast.parse(text, mode="eval").body, depth + 1)
        except (SyntaxError, TypeError, ValueError):
            return []

    def _union(self, hints: List[ast.expr], depth: int) -> List[Expression]:
        if depth >= _LEVEL:  # an argument of a constructor: any of them will do
            pools = (self.hinted(hint, depth + 1) for hint in hints)
            return alternate(list(itertools.islice(filter(None, pools), MAX_ALTERNATIVES)))
        return alternate([self.hinted(hint, depth + 1) for hint in hints])

    def _named(self, name: str, depth: int) -> List[Expression]:
        """Values for an annotation of one name."""
        if name in HINTS:
            return kinds(HINTS[name])
        if name == "Match":
            return self.matches()
        if name in LISTS:
            return plain("list")
        if name in SETS:
            return plain("set")
        if name in DICTS:
            return plain("dict")
        if name.lower() == "tuple":
            return plain("tuple")
        return self._own(name, depth)

    def _generic(self, hint: ast.Subscript, depth: int) -> List[Expression]:
        """Values for an annotation with others in brackets."""
        name = _last_name(hint.value)
        items = _items(hint)
        if name == "Literal":
            constants = [item.value for item in items if isinstance(item, ast.Constant)]
            return [Expression(repr(value)) for value in constants]
        if name == "Union":
            return self._union(items, depth)
        if name == "Optional":
            return alternate([*(self.hinted(item, depth + 1) for item in items), plain("None")])
        if name in _TRANSPARENT:
            return self.hinted(items[0], depth + 1)
        if name in HINTS and name.startswith(_LAZY):
            return kinds(HINTS[name])
        return self._container(name, hint.value, items, depth)

    def _container(
        self, name: str, base: ast.expr, items: List[ast.expr], depth: int
    ) -> List[Expression]:
        """Values for a container by those of its items; for another class by its name alone."""
        if name in DICTS and len(items) == 2:
            return dicts(self.hinted(items[0], depth + 1), self.hinted(items[1], depth + 1))
        if name in LISTS:
            return many(self.hinted(items[0], depth + 1), "[{}]")
        if name in SETS:
            return many(self.hinted(items[0], depth + 1), "{{{}}}")
        if name in ("tuple", "Tuple"):
            return self._tuple(items, depth)
        if name in ("type", "Type"):
            return [Expression(text) for text in _CLASSES]
        return self.hinted(base, depth + 1)

    def _tuple(self, items: List[ast.expr], depth: int) -> List[Expression]:
        if len(items) == 2 and getattr(items[1], "value", None) is ...:
            return [as_tuple(row) for row in many(self.hinted(items[0], depth + 1), "[{}]")]
        pools = [self.hinted(item, depth + 1) for item in items]
        if not all(pools):
            return []
        comma = "," if len(pools) == 1 else ""
        template = "(" + ", ".join(["{}"] * len(pools)) + comma + ")"
        longest = max(map(len, pools))
        return [join(template, _row(pools, turn)) for turn in range(longest)]

    def _own(self, name: str, depth: int) -> List[Expression]:
        """A class or type alias of the module itself, or one it imports."""
        value = self.origin.scope.get(name)
        if isinstance(value, type):
            return self.constructed(value, depth)
        alias = _assigned_value(self.origin.tree, name)
        if alias is not None:
            return self.hinted(alias, depth + 1)
        if hasattr(value, "__args__"):  # an alias that another module made
            text = re.sub(r"ForwardRef\(('\w+')\)", r"\1", repr(value).replace("~", ""))
            return self.written(text, depth)
        elsewhere = class_named(self.origin.module, name)  # imported for its name alone
        return self.constructed(elsewhere, depth) if elsewhere is not None else []

    def constructed(self, kind: type, depth: int = 0) -> List[Expression]:
        """Calls of a class of the user's with typed or guessed arguments, simplest first."""
        if issubclass(kind, enum.Enum):
            members = map(write, list(kind)[:MAX_MEMBERS])
            return [member for member in members if member is not None]
        if is_table(kind):
            return self._tables(kind)
        owner, parameters = write(kind), _parameters(kind)
        level = depth // _LEVEL
        if owner is None or parameters is None or level > MAX_CLASSES:
            return []
        construction = Construction(owner)
        wishes = self._wishes(kind, depth)
        for parameter in parameters:
            values = self._for_parameter(parameter, (level + 1) * _LEVEL, wishes.constructor)
            if parameter.default is parameter.empty:
                if not values:
                    return []
                construction.add_required(parameter, values, wishes)
            elif not depth:
                construction.add_option(parameter, values, wishes)
        return construction.calls()

    def _tables(self, kind: type) -> List[Expression]:
        """Tables of a class of them, with the columns that its methods ask for."""
        function = self.origin.function
        node = class_of(self.origin.tree, kind.__name__) or function
        own, every = columns_of(function, "self"), columns_of(node, "self", "df")
        return tables(table_columns(own, every), kind.__name__, kind.__module__)

    def _wishes(self, kind: type, depth: int) -> Wishes:
        """What the function asks of an object of a class, where it is one of its methods."""
        origin = self.origin
        node = class_of(origin.tree, kind.__name__)
        is_own = kind.__module__ == origin.module.__name__
        constructor = constructor_of(node) if is_own else None
        if node is None or depth or origin.function not in node.body:
            return Wishes(constructor, {}, False)
        literals = compared_options(node, origin.function)
        return Wishes(constructor, literals, asks_for_truth(origin.function))

    def _for_parameter(
        self, parameter: inspect.Parameter, depth: int, constructor: Any
    ) -> List[Expression]:
        """Values for a parameter of a class; the constructor's node where it is in the module."""
        hint = parameter.annotation
        if hint is not parameter.empty:
            values = self.written(_hint_text(hint), depth)
            if values:
                usual = everyday(parameter.name, {kind_of(value) for value in values[:4]})
                return list(dict.fromkeys([*usual, *values]))
            if isinstance(hint, type):
                return self.constructed(hint, depth)
            if depth // _LEVEL > MAX_CLASSES:  # an object of a class, and no more of them
                return []
        if constructor is not None and constructor is not self.origin.function:
            for node, default in signature_of(constructor).named:
                if node.arg == parameter.name and node.annotation is None:
                    return self.values_of(constructor, node, default)
        return kinds(kinds_by_name(parameter.name) or _GUESSES)


class Wishes(NamedTuple):
    """What a method asks of its object.

    Attributes:
        constructor: The node of the class's `__init__`, where it is in the module.
        literals: By parameter of the constructor, what the method compares it with.
        falsy: Whether the method asks if an attribute counts as true.
    """

    constructor: Any
    literals: Dict[str, List[Expression]]
    falsy: bool


class Construction:
    """The calls of one class, from the values of its constructor's parameters."""

    def __init__(self, owner: Expression) -> None:
        self.owner = owner
        self.places: List[str] = []
        self.pools: List[List[Expression]] = []
        self.options: List[Tuple[str, List[Expression]]] = []
        self.asked: List[Tuple[str, Expression]] = []

    def add_required(
        self, parameter: inspect.Parameter, values: List[Expression], wishes: Wishes
    ) -> None:
        """A parameter that every call gives."""
        by_keyword = parameter.kind is parameter.KEYWORD_ONLY
        self.places.append(f"{parameter.name}={{}}" if by_keyword else "{}")
        self.pools.append([*wishes.literals.get(parameter.name, []), *values])

    def add_option(
        self, parameter: inspect.Parameter, values: List[Expression], wishes: Wishes
    ) -> None:
        """A parameter that a call gives beside the required ones, one at a time."""
        if parameter.kind is parameter.POSITIONAL_ONLY:
            return
        literals = wishes.literals.get(parameter.name, [])
        self.asked += [(parameter.name, literal) for literal in literals]
        self.options.append((parameter.name, varied(values, parameter.default, wishes.falsy)))

    def calls(self) -> List[Expression]:
        """Three plain calls, then those with an option, then more plain ones."""
        rows = [_row(self.pools, turn, shifted=True) for turn in range(6 if self.pools else 1)]
        plain_calls = list(dict.fromkeys(self._call(row) for row in rows))
        literals = self.asked[:MAX_ASKED]
        with_option = [
            self._call([*rows[0], value], name)
            for name, value in dict.fromkeys([*literals, *self._option_turns()])
        ]
        return [*plain_calls[:3], *with_option[: MAX_TURNS + len(literals)], *plain_calls[3:]]

    def _call(self, row: List[Expression], option: str = "") -> Expression:
        places = [*self.places, f"{option}={{}}"] if option else self.places
        return join("{}(" + ", ".join(places) + ")", [self.owner, *row])

    def _option_turns(self) -> List[Tuple[str, Expression]]:
        """The first value of each option, then the second of each, and so on."""
        turns: List[Tuple[str, Expression]] = []
        for turn in range(MAX_TURNS):
            for name, values in self.options[:MAX_OPTIONS]:
                if turn < len(values):
                    turns.append((name, values[turn]))
        return turns


def _row(pools: List[List[Expression]], turn: int, shifted: bool = False) -> List[Expression]:
    """One value of each pool; where shifted, of each pool one further on than of the last."""
    return [
        pool[(turn + (index if shifted else 0)) % len(pool)] for index, pool in enumerate(pools)
    ]


def _last_name(node: ast.expr) -> str:
    return getattr(node, "attr", "") or getattr(node, "id", "")


def _parameters(kind: type) -> List[inspect.Parameter] | None:
    """The parameters of a class, without *args and **kwargs; None where they are not known."""
    try:
        parameters = inspect.signature(kind).parameters.values()
    except (TypeError, ValueError):
        return None
    return [parameter for parameter in parameters if parameter.kind not in _VARIADIC]


def _items(hint: ast.Subscript) -> List[ast.expr]:
    """What stands in the brackets of an annotation."""
    return list(hint.slice.elts) if isinstance(hint.slice, ast.Tuple) else [hint.slice]


def _hint_text(hint: Any) -> str:
    """An annotation that inspect gives, as text."""
    if isinstance(hint, str) or "[" in str(hint):
        return str(hint)
    return getattr(hint, "__name__", "") or str(hint)


def _assigned_value(tree: ast.Module, name: str) -> ast.expr | None:
    """What the module gives a name to, at its top."""
    for statement in tree.body:
        targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
        value: ast.expr | None = getattr(statement, "value", None)
        named = [getattr(target, "id", None) for target in targets]
        if value is not None and name in named:
            return value
    return None
