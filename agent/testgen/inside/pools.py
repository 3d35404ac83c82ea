"""Values worth trying for one parameter: by hint, by use, by name, by the literals beside it."""

from __future__ import annotations

import ast
import enum
import inspect
import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from copydesk.agent.testgen.inside.displays import as_tuple, dicts, many
    from copydesk.agent.testgen.inside.expressions import Expression, join, write
    from copydesk.agent.testgen.inside.kinds import (
        ATTRIBUTES,
        DICTS,
        EVERYTHING,
        HINTS,
        LISTS,
        SETS,
        kind_of,
        kinds_by_call,
        kinds_by_name,
        neighbours,
        of_length,
        plain,
    )
    from copydesk.agent.testgen.inside.texts import MATCHING, command_lines, fitting_texts, matches
    from copydesk.agent.testgen.inside.uses import from_use
else:
    from displays import as_tuple, dicts, many
    from expressions import Expression, join, write
    from kinds import (
        ATTRIBUTES,
        DICTS,
        EVERYTHING,
        HINTS,
        LISTS,
        SETS,
        kind_of,
        kinds_by_call,
        kinds_by_name,
        neighbours,
        of_length,
        plain,
    )
    from texts import MATCHING, command_lines, fitting_texts, matches
    from uses import from_use


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
        self.tree = tree
        owner = _class_around(function, tree)
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
            before = ["program"] if _skips_the_first(self.function, parameter.arg) else []
            own = [*(Expression(repr([*before, *line])) for line in self.lines), *own]
        known = beside + typed[:2] + own + fitting[:40] + typed + self._noise(kinds)
        return list(dict.fromkeys([*known, *(self._misfits() if kinds else [])]))

    def _misfits(self) -> list[Expression]:
        """Values of other kinds, for a function that refuses some itself."""
        refused = [
            getattr(getattr(node.exc, "func", node.exc), "id", "")
            for node in ast.walk(self.function)
            if isinstance(node, ast.Raise)
        ]
        return plain("object") if {"TypeError", "AttributeError"} & set(refused) else []

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
        for parameter in parameters:
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            optional = parameter.default is not parameter.empty
            values = self._for_parameter(parameter, depth)
            if not values and not optional:
                return []
            if optional and depth == 0 and parameter.kind is not parameter.POSITIONAL_ONLY:
                options.append((parameter.name, values[:2]))
            if not optional:
                lists.append(values)
                keyword = parameter.kind is parameter.KEYWORD_ONLY
                words.append(f"{parameter.name}={{}}" if keyword else "{}")
        shape = "{}(" + ", ".join(words) + ")"
        count = 6 if lists else 1
        rows = [
            [one[(i + shift) % len(one)] for shift, one in enumerate(lists)] for i in range(count)
        ]
        made = list(dict.fromkeys(join(shape, [owner, *row]) for row in rows))
        with_option = [
            join("{}(" + ", ".join([*words, f"{name}={{}}"]) + ")", [owner, *rows[0], value])
            for name, values in options[:5]
            for value in values
        ]
        return [*made[:3], *with_option[:6], *made[3:]]

    def _for_parameter(self, parameter: inspect.Parameter, depth: int) -> list[Expression]:
        hint = parameter.annotation
        if hint is not parameter.empty:
            text = hint if isinstance(hint, str) else getattr(hint, "__name__", "") or str(hint)
            text = str(hint) if "[" in str(hint) else text
            found = self._hinted_constant(text, depth)
            if found:
                return found
            if isinstance(hint, type):
                return self.constructed(hint, depth + 1)
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


def _class_around(function: ast.AST, tree: ast.Module) -> ast.ClassDef | None:
    classes = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef)]
    return next((one for one in classes if function in one.body), None)


def literals_of(
    function: ast.AST, tree: ast.Module, owner: ast.ClassDef | None = None
) -> list[Expression]:
    """The literals of a function and of the constants of its module and class that it names; no
    docstrings.
    """
    skipped: set[int] = set()
    for node in ast.walk(function):
        if isinstance(node, (ast.Raise, ast.JoinedStr)) or (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        ):
            skipped |= {id(inner) for inner in ast.walk(node)}
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in MATCHING:
            # texts that fit a pattern are made of it elsewhere; the pattern is none
            named = getattr(getattr(node.func, "value", None), "id", "")
            skipped |= {id(first) for first in node.args[:1] if named == "re"}
    used = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    used |= {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}
    constants = [
        s.value
        for s in [*tree.body, *(owner.body if owner else ())]
        if isinstance(s, (ast.Assign, ast.AnnAssign))
        and s.value is not None
        and used & {n.id for n in ast.walk(s) if isinstance(n, ast.Name)}
    ]
    found: list[Expression] = []
    for root in [function, *constants]:
        for node in list(ast.walk(root))[:2000]:
            if isinstance(node, ast.Constant) and id(node) not in skipped:
                found += neighbours(node.value)
    return list(dict.fromkeys(found))[:120]


def _skips_the_first(function: ast.AST, name: str) -> bool:
    """Whether a function looks at name[1:], as a program does that is given all of sys.argv."""
    return any(
        isinstance(node, ast.Subscript)
        and getattr(node.value, "id", "") == name
        and isinstance(node.slice, ast.Slice)
        and getattr(node.slice.lower, "value", None) == 1
        for node in ast.walk(function)
    )
