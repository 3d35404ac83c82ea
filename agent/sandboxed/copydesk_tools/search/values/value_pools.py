"""Values worth trying for one parameter: by hint, by use, by name, by the literals beside it."""

from __future__ import annotations

import ast
import enum
import inspect
import random
from typing import Any

from .containers import as_tuple, dicts, many
from .expressions import Expression, join, write
from .fitting_strings import command_lines, fitting_texts, matches
from .from_constructors import (
    asks_for_truth,
    class_of,
    compared_options,
    constructor_of,
    varied,
)
from .from_iteration import item_names, lists_of
from .from_literals import (
    CARRIED,
    class_around,
    literals_of,
    parameters_of,
    rounds,
    skips_the_first,
)
from .from_parameter_use import from_use
from .value_kinds import (
    ATTRIBUTES,
    DICTS,
    EVERYTHING,
    HINTS,
    LISTS,
    SETS,
    kind_of,
    kinds_by_call,
    kinds_by_name,
    kinds_by_type,
    neighbours,
    of_length,
    plain,
)


def alternate(lists: list[list[Expression]]) -> list[Expression]:
    """One of each list in turn, so that the simplest of every kind comes early; no doubles."""
    longest = max((len(one) for one in lists), default=0)
    mixed = [one[i] for i in range(longest) for one in lists if i < len(one)]
    return list(dict.fromkeys(mixed))


_WORDS = ("red", "Blue", "7", "2024", "x", "North", "apple")
_BETWEEN = (" ", "-", "_", ".", "/", ":", ", ", "")


class Pools:
    """Values for the parameters of one function, from what its module says about them."""

    def __init__(self, tree: ast.Module, module: Any, function: ast.AST, seed: int) -> None:
        self.tree, self.module = tree, module
        owner = class_around(function, tree)
        own = vars(getattr(module, getattr(owner, "name", ""), None) or object)
        self.scope: dict[str, Any] = {**{f".{n}": v for n, v in own.items()}, **vars(module)}
        self.function = function
        self.random = random.Random(seed)
        self.literals = literals_of(function, tree, owner)
        self.texts = [Expression(repr(text)) for text in fitting_texts(function, self.scope)]
        parses = any("parse_args" in getattr(n, "attr", "") for n in ast.walk(tree))
        self.lines = command_lines(tree, fitting_texts(tree, {})) if parses else []

    def of(self, parameter: ast.arg, default: ast.expr | None) -> list[Expression]:
        """Everything worth trying for a parameter, in order of preference.

        Args:
            parameter: The parameter in the syntax tree.
            default: Its default, or None.
        """
        typed, kinds = self._typed(parameter, default)
        beside = self._compared_with(parameter.arg)
        fitting = [e for e in self.literals if not kinds or kind_of(e) in kinds]
        tables = kinds & {"DataFrame", "Series", "array"}
        own = [] if tables else from_use(self.function, parameter.arg)
        if not kinds or "str" in kinds:
            own += self.texts
        if "argv" in kinds_by_name(parameter.arg) or parameter.arg in ("args", "arguments"):
            before = ["program"] if skips_the_first(self.function, parameter.arg) else []
            own = [*(Expression(repr([*before, *line])) for line in self.lines), *own]
        if kinds & {"int", "float"} and rounds(self.function):
            own += CARRIED
        known = beside + typed[:2] + own + fitting[:40] + typed + self._noise(kinds)
        return list(dict.fromkeys([*known, *(self._misfits(parameter.arg) if kinds else [])]))

    def of_each(self, parameter: ast.arg) -> list[Expression]:
        """Values for the single arguments that `*parameter` collects."""
        own = [] if parameter.annotation is not None else self._items(parameter.arg)
        return list(dict.fromkeys([*own, *self.of(parameter, None)]))

    def _items(self, name: str) -> list[Expression]:
        """What the items of a parameter are by what the body does with them; empty for no idea."""
        names = item_names(self.function, name)
        kinds = dict.fromkeys(kind for one in names for kind in self._kinds_by_use(one))
        used = [value for one in names for value in from_use(self.function, one)]
        return list(dict.fromkeys([*used, *alternate([plain(kind) for kind in kinds])]))

    def _misfits(self, name: str) -> list[Expression]:
        """Values of other kinds, for a function that refuses some itself."""
        refused = [
            getattr(getattr(node.exc, "func", node.exc), "id", "")
            for node in ast.walk(self.function)
            if isinstance(node, ast.Raise)
        ]
        asks = any(
            getattr(getattr(node, "func", None), "id", "") in ("isinstance", "callable")
            and name in [getattr(a, "id", "") for a in getattr(node, "args", ())]
            for node in ast.walk(self.function)
        )
        kinds = {"TypeError", "AttributeError", *(["ValueError"] if asks else [])}
        return plain("object") if kinds & set(refused) else []

    @staticmethod
    def literal(text: str) -> Expression:
        """A value by its text."""
        return Expression(text)

    def _typed(
        self, parameter: ast.arg, default: ast.expr | None
    ) -> tuple[list[Expression], set[str]]:
        if parameter.annotation is not None:
            found = self.hinted(parameter.annotation, 0)
            if found:
                return found, {kind_of(e) for e in found}
        kinds = self._kinds_by_use(parameter.arg)
        lists = [plain(kind) for kind in kinds]
        if "list" in kinds:
            lists.insert(0, lists_of(self._items(parameter.arg)))
        if default is not None and isinstance(default, ast.Constant):
            lists.insert(0, plain(type(default.value).__name__.replace("NoneType", "None")))
        says_nothing = default is None or getattr(default, "value", None) is None
        if not kinds and (says_nothing or not lists):
            by_name = kinds_by_name(parameter.arg)
            lists += [plain(kind) for kind in by_name or EVERYTHING]
        found = alternate(lists)
        return found, {kind_of(e) for e in found}

    def hinted(self, hint: ast.expr, depth: int) -> list[Expression]:
        """Values for an annotation; empty when nothing is known about it."""
        if depth > 4:
            return []
        if isinstance(hint, ast.Constant):
            return self._hinted_constant(hint.value, depth)
        if isinstance(hint, ast.BinOp) and isinstance(hint.op, ast.BitOr):
            return alternate(
                [self.hinted(hint.left, depth + 1), self.hinted(hint.right, depth + 1)]
            )
        if isinstance(hint, ast.Subscript):
            return self._hinted_generic(hint, depth)
        name = hint.attr if isinstance(hint, ast.Attribute) else getattr(hint, "id", "")
        if name in HINTS:
            return alternate([plain(kind) for kind in HINTS[name]])
        if name == "Match":
            return matches(self.function, self.literals)
        if name in LISTS:
            return plain("list")
        if name in SETS or name in DICTS or name.lower() == "tuple":
            kind = "set" if name in SETS else "dict" if name in DICTS else "tuple"
            return plain(kind)
        return self._hinted_own(name, depth)

    def _hinted_constant(self, value: Any, depth: int) -> list[Expression]:
        if value is None:
            return plain("None")
        try:
            return self.hinted(ast.parse(value, mode="eval").body, depth + 1)
        except (SyntaxError, TypeError, ValueError):
            return []

    def _hinted_generic(self, hint: ast.Subscript, depth: int) -> list[Expression]:
        name = getattr(hint.value, "attr", "") or getattr(hint.value, "id", "")
        inner = hint.slice
        items = list(inner.elts) if isinstance(inner, ast.Tuple) else [inner]
        if name == "Literal":
            return [Expression(repr(i.value)) for i in items if isinstance(i, ast.Constant)]
        if name in ("Optional", "Union"):
            lists = [self.hinted(item, depth + 1) for item in items]
            return alternate([*lists, plain("None")] if name == "Optional" else lists)
        if name in ("Annotated", "Final", "ClassVar", "Required", "NotRequired"):
            return self.hinted(items[0], depth + 1)
        if name in ("type", "Type"):
            return [Expression("int"), Expression("str")]
        if name in DICTS and len(items) == 2:
            return dicts(self.hinted(items[0], depth + 1), self.hinted(items[1], depth + 1))
        if name.startswith(("Any", "Async", "Iterator", "Generator")) and name in HINTS:
            return alternate([plain(kind) for kind in HINTS[name]])
        if name in LISTS or name in SETS:
            return many(self.hinted(items[0], depth + 1), "{{{}}}" if name in SETS else "[{}]")
        if name in ("tuple", "Tuple"):
            return self._hinted_tuple(items, depth)
        return self.hinted(hint.value, depth + 1)

    def _hinted_tuple(self, items: list[ast.expr], depth: int) -> list[Expression]:
        if len(items) == 2 and isinstance(items[1], ast.Constant) and items[1].value is ...:
            return [as_tuple(e) for e in many(self.hinted(items[0], depth + 1), "[{}]")]
        lists = [self.hinted(item, depth + 1) for item in items]
        if not all(lists):
            return []
        longest = max(len(one) for one in lists)
        comma = "," if len(lists) == 1 else ""
        shape = "(" + ", ".join(["{}"] * len(lists)) + comma + ")"
        return [join(shape, [one[i % len(one)] for one in lists]) for i in range(longest)]

    def _hinted_own(self, name: str, depth: int) -> list[Expression]:
        """A class or type alias of the module itself, or one it imports."""
        kind = self.scope.get(name)
        if isinstance(kind, type):
            return self.constructed(kind, depth)
        if hasattr(kind, "__args__"):  # an alias that another module made
            return self._hinted_constant(repr(kind).replace("~", ""), depth)
        for statement in self.tree.body:
            targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
            value = getattr(statement, "value", None)
            if value is not None and any(getattr(t, "id", None) == name for t in targets):
                return self.hinted(value, depth + 1)
        return []

    def constructed(self, kind: type, depth: int = 0) -> list[Expression]:
        """Calls of a class of the user's with typed or guessed arguments, simplest first."""
        if issubclass(kind, enum.Enum):
            members = [write(member) for member in list(kind)[:8]]
            return [member for member in members if member is not None]
        owner = write(kind)
        if owner is None or depth > 2:
            return []
        try:
            parameters = list(inspect.signature(kind).parameters.values())
        except (TypeError, ValueError):
            return []
        lists: list[list[Expression]] = []
        words: list[str] = []
        options: list[tuple[str, list[Expression]]] = []
        node = class_of(self.tree, kind.__name__)
        own = constructor_of(node) if kind.__module__ == self.module.__name__ else None
        is_around = node is not None and self.function in node.body and not depth
        compared = compared_options(node, self.function) if is_around else {}
        falsy = is_around and asks_for_truth(self.function)
        asked: list[tuple[str, Expression]] = []
        for parameter in parameters:
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            optional = parameter.default is not parameter.empty
            values = self._for_parameter(parameter, depth, own)
            literals = compared.get(parameter.name, [])
            if not values and not optional:
                return []
            if optional and depth == 0 and parameter.kind is not parameter.POSITIONAL_ONLY:
                asked += [(parameter.name, literal) for literal in literals]
                options.append((parameter.name, varied(values, parameter.default, falsy)))
            if not optional:
                lists.append([*literals, *values])
                keyword = parameter.kind is parameter.KEYWORD_ONLY
                words.append(f"{parameter.name}={{}}" if keyword else "{}")
        shape = "{}(" + ", ".join(words) + ")"
        count = 6 if lists else 1
        rows = [
            [one[(i + shift) % len(one)] for shift, one in enumerate(lists)] for i in range(count)
        ]
        made = list(dict.fromkeys(join(shape, [owner, *row]) for row in rows))
        turns = [
            (name, values[turn])
            for turn in range(8)
            for name, values in options[:5]
            if turn < len(values)
        ]
        with_option = [
            join("{}(" + ", ".join([*words, f"{name}={{}}"]) + ")", [owner, *rows[0], value])
            for name, value in dict.fromkeys([*asked[:6], *turns])
        ]
        return [*made[:3], *with_option[: 8 + len(asked[:6])], *made[3:]]

    def _for_parameter(
        self, parameter: inspect.Parameter, depth: int, constructor: Any
    ) -> list[Expression]:
        """Values for a parameter of a class; the constructor's node where it is in the module."""
        hint = parameter.annotation
        if hint is not parameter.empty:
            text = hint if isinstance(hint, str) else getattr(hint, "__name__", "") or str(hint)
            text = str(hint) if "[" in str(hint) else text
            found = self._hinted_constant(text, depth)
            if found:
                return found
            if isinstance(hint, type):
                return self.constructed(hint, depth + 1)
        if constructor is not None and constructor is not self.function:
            for node, default in parameters_of(constructor):
                if node.arg == parameter.name and node.annotation is None:
                    return Pools(self.tree, self.module, constructor, 0).of(node, default)
        kinds = kinds_by_name(parameter.name) or ("int", "str")
        return alternate([plain(kind) for kind in kinds])

    def _kinds_by_use(self, name: str) -> list[str]:
        """What the body does with a parameter says what it may be."""
        kinds: list[str] = []
        for node in ast.walk(self.function):
            if isinstance(node, ast.Attribute) and getattr(node.value, "id", None) == name:
                kinds += [kind for kind, words in ATTRIBUTES if node.attr in words.split()]
            elif isinstance(node, ast.Call):
                kinds += kinds_by_call(node, name)
            elif isinstance(node, ast.Compare):
                kinds += kinds_by_type(node, name)
            elif isinstance(node, (ast.For, ast.comprehension, ast.AsyncFor)):
                if getattr(node.iter, "id", None) == name:
                    lazy = isinstance(node, ast.AsyncFor) or getattr(node, "is_async", False)
                    kinds += ["stream"] if lazy else ["list", "str"]
            elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mod, ast.Div, ast.Sub)):
                sides = (getattr(node.left, "id", None), getattr(node.right, "id", None))
                kinds += ["int", "float"] if name in sides else []
        return list(dict.fromkeys(kinds))

    def _compared_with(self, name: str) -> list[Expression]:
        """Literals that the parameter itself is compared with, and their neighbours."""
        found: list[Expression] = []
        for node in ast.walk(self.function):
            if not isinstance(node, ast.Compare):
                continue
            sides = [node.left, *node.comparators]
            if not any(name == getattr(n, "id", None) for s in sides for n in ast.walk(s)):
                continue
            measured = any(getattr(getattr(s, "func", None), "id", "") == "len" for s in sides)
            for constant in (n for side in sides for n in ast.walk(side)):
                if not isinstance(constant, ast.Constant):
                    continue
                if constant.value is None:
                    found.append(Expression("None"))
                else:
                    found += (of_length if measured else neighbours)(constant.value)
        return list(dict.fromkeys(found))

    def _noise(self, kinds: set[str]) -> list[Expression]:
        """A few seeded random values, the last resort."""
        made: list[Any] = []
        if not kinds or "int" in kinds:
            made += [self.random.randint(-50, 50) for _ in range(3)]
            made += [self.random.randint(1, 10**6) for _ in range(3)]
        if not kinds or "float" in kinds:
            made += [round(self.random.uniform(-10, 1000), 2) for _ in range(3)]
        if not kinds or "str" in kinds:
            for _ in range(6):
                first, *others = (self.random.choice(_WORDS) for _ in range(3))
                made.append(first + "".join(self.random.choice(_BETWEEN) + one for one in others))
        return [Expression(repr(value)) for value in made]
