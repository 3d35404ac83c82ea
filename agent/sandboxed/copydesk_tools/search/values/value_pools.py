"""Values worth trying for one parameter: by hint, by use, by name, by the literals beside it."""

from __future__ import annotations

import ast
import random
from typing import Any, Dict, List, NamedTuple, Set

from .command_lines import command_lines
from .everyday_values import everyday
from .expressions import Expression
from .fitting_strings import fitting_texts, matches
from .from_annotations import AnnotatedValues, Origin, alternate, kinds
from .from_docstring import described
from .from_duck_type import attributes_asked, classes_with
from .from_flow import is_only_asked_for_truth, kinds_by_flow, receives_results
from .from_iteration import item_names, lists_of
from .from_literals import (
    CARRIED,
    class_around,
    compared_with,
    literals_of,
    rounds,
    skips_the_first,
)
from .from_parameter_use import from_use, is_asked_for_its_type, kinds_by_use, raised_names
from .tables import columns_of, series, tables
from .value_kinds import (
    EVERYTHING,
    KNOWN_ATTRIBUTES,
    kind_of,
    kind_of_constant,
    kinds_by_name,
    plain,
)

MAX_LITERALS = 40
MAX_OBJECTS = 6
_TABLES = {"DataFrame", "Series", "array"}
_EXTREME = ("float('nan')", "float('inf')", "float('-inf')", "1e20")
_EXTREME_NAMES = {"isnan", "isinf", "isfinite", "nan", "inf", "NaN", "isna", "isnull", "math"}
_ARGUMENTS = ("args", "arguments")
"""Names of parameters that command lines are handed to."""
_WORDS = ("red", "Blue", "7", "2024", "x", "North", "apple")
_BETWEEN = (" ", "-", "_", ".", "/", ":", ", ", "")


class Typed(NamedTuple):
    """Values by what a parameter is declared or used as, and the kinds they are of."""

    values: List[Expression]
    kinds: Set[str]

    @classmethod
    def of(cls, values: List[Expression]) -> Typed:
        """The values with their kinds."""
        return cls(values, {kind_of(value) for value in values})

    @property
    def everyday_kinds(self) -> Set[str]:
        """The kinds whose everyday values fit: lists only where they are of texts."""
        lists = [value.text for value in self.values if value.text.startswith("[")]
        return self.kinds if not lists or "'" in "".join(lists) else self.kinds - {"list"}

    def may_be(self, *names: str) -> bool:
        """Whether a value of one of the kinds is wanted; anything is where nothing is known."""
        return not self.kinds or not self.kinds.isdisjoint(names)


class Pools:
    """Values for the parameters of one function, from what its module says about them.

    Args:
        tree: The module's syntax tree.
        module: The module.
        function: The function in the tree.
        seed: Of the random values.

    Attributes:
        lines: Command lines that the module's own argparse parser understands.
    """

    def __init__(self, tree: ast.Module, module: Any, function: ast.AST, seed: int) -> None:
        self.tree, self.module, self.function = tree, module, function
        owner = class_around(function, tree)
        members = vars(getattr(module, getattr(owner, "name", ""), None) or object)
        scope: Dict[str, Any] = {f".{name}": value for name, value in members.items()}
        self.scope = {**scope, **vars(module)}
        self.random = random.Random(seed)
        self.literals = literals_of(function, tree, owner)
        self.texts = [Expression(repr(text)) for text in fitting_texts(function, self.scope)]
        names = {getattr(n, "attr", "") or getattr(n, "id", "") for n in ast.walk(function)}
        self.asks_for_extremes = bool(names & _EXTREME_NAMES)
        parses = any("parse_args" in getattr(node, "attr", "") for node in ast.walk(tree))
        self.lines = command_lines(tree, fitting_texts(tree, {})) if parses else []
        self.annotated = AnnotatedValues(
            Origin(tree, module, function, self.scope), self._matches, self._values_elsewhere
        )

    def _matches(self) -> List[Expression]:
        return matches(self.function, self.literals)

    def _values_elsewhere(
        self, function: Any, parameter: ast.arg, default: ast.expr | None
    ) -> List[Expression]:
        """Values for a parameter of another function of the module."""
        return Pools(self.tree, self.module, function, 0).of(parameter, default)

    def constructed(self, kind: type) -> List[Expression]:
        """Calls of a class of the user's with typed or guessed arguments, simplest first."""
        return self.annotated.constructed(kind)

    def of(self, parameter: ast.arg, default: ast.expr | None) -> List[Expression]:
        """Everything worth trying for a parameter, in order of preference.

        Args:
            parameter: The parameter in the syntax tree.
            default: Its default, or None.
        """
        name = parameter.arg
        typed = self._typed(parameter, default)
        fitting = [value for value in self.literals if typed.may_be(kind_of(value))]
        values = [
            *compared_with(self.function, name),
            *everyday(name, typed.everyday_kinds),
            *typed.values[:2],
            *self._by_use(name, typed),
            *fitting[:MAX_LITERALS],
            *typed.values,
            *self._noise(typed),
        ]
        if typed.kinds:
            values += self._misfits(name)
        return [value for value in dict.fromkeys(values) if self._is_ordinary(value)]

    def _is_ordinary(self, value: Expression) -> bool:
        """Whether a value is one that people write: no infinity where nobody asks for it."""
        return value.text not in _EXTREME or self.asks_for_extremes

    def of_each(self, parameter: ast.arg) -> List[Expression]:
        """Values for the single arguments that `*parameter` collects."""
        items = [] if parameter.annotation is not None else self._items(parameter.arg)
        return list(dict.fromkeys([*items, *self.of(parameter, None)]))

    def _by_use(self, name: str, typed: Typed) -> List[Expression]:
        """Values by what the body does with a parameter, and texts and command lines that fit."""
        if typed.kinds & _TABLES:
            values = self._tables(name, typed)
        else:
            values = self._objects(name) or from_use(self.function, name)
        if typed.may_be("str"):
            values += self.texts
        if "argv" in kinds_by_name(name) or name in _ARGUMENTS:
            values = [*self._command_lines(name), *values]
        if typed.kinds & {"int", "float"} and rounds(self.function):
            values += CARRIED
        return values

    def _tables(self, name: str, typed: Typed) -> List[Expression]:
        """Tables with the columns that the body asks for, where the parameter is one."""
        if "DataFrame" in typed.kinds:
            return tables(columns_of(self.function, name))
        if "Series" in typed.kinds:
            return series()
        return []

    def _objects(self, name: str) -> List[Expression]:
        """Objects of the project's classes that have what the body asks the parameter for."""
        attributes = attributes_asked(self.function, name)
        if not attributes or not KNOWN_ATTRIBUTES.isdisjoint(attributes):
            return []
        kinds_asked = classes_with(self.module, attributes)
        return alternate([self.constructed(kind) for kind in kinds_asked])[:MAX_OBJECTS]

    def _command_lines(self, name: str) -> List[Expression]:
        program = ["program"] if skips_the_first(self.function, name) else []
        return [Expression(repr([*program, *line])) for line in self.lines]

    def _items(self, name: str) -> List[Expression]:
        """What the items of a parameter are by what the body does with them; empty for no idea."""
        used: List[Expression] = []
        kind_names: Dict[str, None] = {}
        for item in item_names(self.function, name):
            used += from_use(self.function, item)
            kind_names.update(dict.fromkeys(kinds_by_use(self.function, item)))
            kind_names.update(dict.fromkeys(kinds_by_flow(self.tree, self.function, item)))
        return list(dict.fromkeys([*used, *kinds(kind_names)]))

    def _misfits(self, name: str) -> List[Expression]:
        """Values of other kinds, for a function that refuses some itself."""
        refusals = {"TypeError", "AttributeError"}
        if is_asked_for_its_type(self.function, name):
            refusals.add("ValueError")
        return plain("object") if refusals & raised_names(self.function) else []

    def _typed(self, parameter: ast.arg, default: ast.expr | None) -> Typed:
        """Values by the annotation; without one by use, by the default, by name."""
        if parameter.annotation is not None:
            values = self.annotated.hinted(parameter.annotation)
            if values:
                return Typed.of(values)
        if receives_results(self.tree, self.function, parameter.arg):
            return Typed.of(plain("collector"))
        if is_only_asked_for_truth(self.tree, self.function, parameter.arg):
            return Typed.of(plain("bool"))
        return Typed.of(alternate(self._pools_by_use(parameter.arg, default)))

    def _pools_by_use(self, name: str, default: ast.expr | None) -> List[List[Expression]]:
        """The values of each kind that a parameter without an annotation may be of."""
        by_use = self._kinds_by_use(name)
        pools = [plain(kind) for kind in by_use]
        if "list" in by_use:
            pools.insert(0, lists_of(self._items(name)))
        if isinstance(default, ast.Constant):
            pools.insert(0, plain(kind_of_constant(default.value)))
        says_nothing = default is None or getattr(default, "value", None) is None
        if not by_use and (says_nothing or not pools):
            pools += [plain(kind) for kind in kinds_by_name(name) or EVERYTHING]
        return pools

    def _kinds_by_use(self, name: str) -> List[str]:
        """What a parameter may be: by the docstring, by what is done with it, by where it goes."""
        by_document = described(self.function, name).kinds
        if by_document:
            return by_document
        by_use = kinds_by_use(self.function, name)
        flow = kinds_by_flow(self.tree, self.function, name)
        kind_names = list(dict.fromkeys([*by_use, *flow]))
        if kind_names and kinds_by_name(name) == ("list",):  # a row, columns
            return ["list", *(kind for kind in kind_names if kind not in ("list", "str"))]
        if "list" in kind_names and name.endswith("s"):
            return [kind for kind in kind_names if kind != "str"]
        return kind_names

    def _noise(self, typed: Typed) -> List[Expression]:
        """A few seeded random values, the last resort."""
        values: List[Any] = []
        if typed.may_be("int"):
            values += [self.random.randint(-50, 50) for _ in range(3)]
            values += [self.random.randint(1, 10**6) for _ in range(3)]
        if typed.may_be("float"):
            values += [round(self.random.uniform(-10, 1000), 2) for _ in range(3)]
        if typed.may_be("str"):
            values += [self._random_text() for _ in range(6)]
        return [Expression(repr(value)) for value in values]

    def _random_text(self) -> str:
        """Three words with something between them."""
        choose = self.random.choice
        first, second, third = choose(_WORDS), choose(_WORDS), choose(_WORDS)
        return first + "".join(choose(_BETWEEN) + word for word in (second, third))
