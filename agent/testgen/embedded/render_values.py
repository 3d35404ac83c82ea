"""Text of values that came out of the sandbox, taken apart and written anew.

Whatever the sandbox reports is a claim. An expression is parsed, every node of it must be on the
list below, and the text that goes into a test is written here from the nodes.
"""

from __future__ import annotations

import ast
import keyword
import math
from collections.abc import Callable, Mapping

from copydesk.agent.sandboxed.copydesk_tools.search.values.expressions import (
    PLAIN_FUNCTIONS,
    is_small_lambda,
)

MAX_TEXT = 4000
MAX_DEPTH = 20

_CALLS = frozenset(
    {
        "set",
        "frozenset",
        "bytearray",
        "range",
        "complex",
        "bytes",
        "dict",
        "float",
        "stream",
        "iter",
        "slice",
    }
)
_CALLABLES = PLAIN_FUNCTIONS | frozenset(
    {"str.upper", "written.append", "lambda value: value", "lambda *args: True"}
    | {"NoneType", "bytearray", "range", "complex", "frozenset", "type"}
)


class Refused(ValueError):
    """The text is more than a value."""


def is_name(text: object) -> bool:
    """Whether something is a plain identifier and not a keyword."""
    return isinstance(text, str) and text.isidentifier() and not keyword.iskeyword(text)


def is_module(text: object) -> bool:
    """Whether something is a dotted module name."""
    return isinstance(text, str) and all(is_name(part) for part in text.split("."))


def render(text: str, names: Mapping[str, str], own: str = "") -> str:
    """Write a value's text again, in the double-quoted style, from its checked syntax tree.

    Args:
        text: A Python expression.
        names: The classes that it may name, with their modules.
        own: The project's own package, of whose objects a public method may be called.

    Raises:
        Refused: It holds anything but literals, constructor calls of those classes, members of
            those enums and the few callables and tmp_path paths that the search offers.
    """
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise Refused("too long")
    try:
        body = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Refused("does not parse") from error
    return _Writer(names, own).write(body, 0)


class _Writer:
    def __init__(self, names: Mapping[str, str], own: str) -> None:
        self.names, self.own = names, own
        self.rules: dict[type, Callable[[ast.expr, int], str]] = {
            ast.Constant: self._constant,
            ast.List: self._sequence,
            ast.Tuple: self._sequence,
            ast.Set: self._sequence,
            ast.Dict: self._dict,
            ast.UnaryOp: self._sign,
            ast.BinOp: self._operation,
            ast.Call: self._call,
            ast.Attribute: self._attribute,
            ast.Name: self._name,
        }

    def write(self, node: ast.expr, depth: int) -> str:
        if ast.unparse(node) in _CALLABLES and not isinstance(node, ast.Constant):
            return ast.unparse(node)
        if is_small_lambda(node):
            return ast.unparse(node)
        rule = self.rules.get(type(node))
        if rule is None or depth > MAX_DEPTH:
            raise Refused(type(node).__name__)
        return rule(node, depth + 1)

    def _constant(self, node: ast.expr, _depth: int) -> str:
        assert isinstance(node, ast.Constant)
        return quoted(node.value) if isinstance(node.value, str | bytes) else repr(node.value)

    def _sequence(self, node: ast.expr, depth: int) -> str:
        assert isinstance(node, ast.List | ast.Tuple | ast.Set)
        items = ", ".join(self.write(item, depth) for item in node.elts)
        if isinstance(node, ast.List):
            return f"[{items}]"
        if isinstance(node, ast.Set):
            return f"{{{items}}}"
        return f"({items},)" if len(node.elts) == 1 else f"({items})"

    def _dict(self, node: ast.expr, depth: int) -> str:
        assert isinstance(node, ast.Dict)
        pairs = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                raise Refused("unpacking")
            pairs.append(f"{self.write(key, depth)}: {self.write(value, depth)}")
        return "{" + ", ".join(pairs) + "}"

    def _sign(self, node: ast.expr, depth: int) -> str:
        assert isinstance(node, ast.UnaryOp)
        if not isinstance(node.op, ast.USub | ast.UAdd) or not _is_number(node.operand):
            raise Refused("operator")
        sign = "-" if isinstance(node.op, ast.USub) else "+"
        return sign + self.write(node.operand, depth)

    def _operation(self, node: ast.expr, depth: int) -> str:
        """A complex number, or a path below tmp_path; nothing else is computed."""
        assert isinstance(node, ast.BinOp)
        if isinstance(node.op, ast.Div):
            return self._path(node, depth)
        mark = {ast.Add: "+", ast.Sub: "-"}.get(type(node.op), "")
        if not mark or not _is_signed(node.left) or not _is_imaginary(node.right):
            raise Refused("operator")
        return f"({self.write(node.left, depth)}{mark}{self.write(node.right, depth)})"

    def _path(self, node: ast.BinOp, depth: int) -> str:
        name = getattr(node.right, "value", None)
        if not isinstance(node.left, ast.BinOp) and not _is_folder(node.left):
            raise Refused("operator")
        if not isinstance(name, str) or not name.replace(".", "").isidentifier():
            raise Refused("operator")
        return f"{self.write(node.left, depth)} / {quoted(name)}"

    def _call(self, node: ast.expr, depth: int) -> str:
        assert isinstance(node, ast.Call)
        if _is_text_of_path(node):
            return f"str({self.write(node.args[0], depth)})"
        name = getattr(node.func, "id", "")
        if self._is_own_method(node.func):
            assert isinstance(node.func, ast.Attribute)
            name = f"{self.write(node.func.value, depth)}.{node.func.attr}"
        elif name not in self.names and name not in _CALLS:
            raise Refused(f"call of {name}")
        arguments = [self.write(argument, depth) for argument in node.args]
        for word in node.keywords:
            if not is_name(word.arg):
                raise Refused("keyword")
            arguments.append(f"{word.arg}={self.write(word.value, depth)}")
        return f"{name}({', '.join(arguments)})"

    def _is_own_method(self, called: ast.expr) -> bool:
        """Whether a public method of an object is called that a class of the project makes."""
        receiver = getattr(called, "value", None)
        if not isinstance(called, ast.Attribute) or not isinstance(receiver, ast.Call):
            return False
        module = self.names.get(getattr(receiver.func, "id", ""), "")
        is_own = bool(self.own) and module.split(".")[0] == self.own
        return is_own and is_name(called.attr) and not called.attr.startswith("_")

    def _attribute(self, node: ast.expr, _depth: int) -> str:
        assert isinstance(node, ast.Attribute)
        owner = getattr(node.value, "id", "")
        if owner not in self.names or node.attr.startswith("_") or not is_name(node.attr):
            raise Refused("attribute")
        return f"{owner}.{node.attr}"

    def _name(self, node: ast.expr, _depth: int) -> str:
        assert isinstance(node, ast.Name)
        if node.id not in self.names and not _is_folder(node):
            raise Refused(f"name {node.id}")
        return node.id


def _is_folder(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "tmp_path"


def _is_text_of_path(node: ast.Call) -> bool:
    """Whether a call is str() of a path in tmp_path."""
    if getattr(node.func, "id", "") != "str" or len(node.args) != 1:
        return False
    return isinstance(node.args[0], ast.BinOp) or _is_folder(node.args[0])


def _is_signed(node: ast.expr) -> bool:
    return isinstance(node, ast.UnaryOp) or _is_number(node)


def _is_imaginary(node: ast.expr) -> bool:
    return isinstance(getattr(node, "value", None), complex)


def _is_number(node: ast.expr) -> bool:
    value = node.value if isinstance(node, ast.Constant) else None
    return isinstance(value, int | float | complex) and not isinstance(value, bool)


def quoted(text: str | bytes) -> str:
    """A text's literal in double quotes where that needs no more escapes than repr would."""
    mark, plain = ("b", repr(text)[1:]) if isinstance(text, bytes) else ("", repr(text))
    if plain.startswith('"') or '"' in plain:
        return mark + plain
    return f'{mark}"' + plain[1:-1].replace("\\'", "'") + '"'


def expected_float(text: str) -> str | None:
    """How to compare a float result: None for exact, else the argument of pytest.approx.

    A float that a short decimal names exactly as the program prints it (2.5, 0.1) is compared
    exactly; one with a long tail (0.30000000000000004) is the trace of rounding.
    """
    try:
        value = float(text)
    except ValueError:
        return None
    if not math.isfinite(value) or len(repr(value).strip("-").replace(".", "")) <= 9:
        return None
    return repr(float(f"{value:.10g}"))
