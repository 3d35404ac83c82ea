"""Lines of a test as a formatter would leave them: statements, assertions, assignments."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import NamedTuple

from copydesk.agent.testgen.embedded.render_values import expected_float, quoted

WIDTH = 88
MAX_MATCH = 44
"""Characters of an exception's message that a test asks for."""
SINGLETONS = ("None", "True", "False")
_NAMED = re.compile(r"\w+(\.\w+)*(\(\))?(\.\w+)*|\w+\(\w+\)")
"""A value that is at hand by its name: result, cart.items, dict(cart), capsys.readouterr().out."""


class _Opened(NamedTuple):
    """A text in brackets, taken apart: its head up to the bracket, its parts, its end."""

    head: str
    parts: Sequence[str]
    end: str


def indented(lines: Sequence[str]) -> list[str]:
    """The lines, one level deeper."""
    return ["    " + line for line in lines]


def assigned(name: str, text: str) -> list[str]:
    """The lines that give a value a name."""
    return statement(f"{name} = ", text)


def statement(prefix: str, text: str) -> list[str]:
    """A statement, its outermost brackets opened over several lines where it is too long."""
    line = f"    {prefix}{text}"
    if len(line) <= WIDTH:
        return [line]
    return _unfolded(f"    {prefix}", text, "    ", "")


def _unfolded(before: str, text: str, indent: str, after: str) -> list[str]:
    """An expression over as many lines as its brackets need, those in it included."""
    opened = _opened(text)
    if opened is None or len(before + text + after) <= WIDTH:
        return [f"{before}{text}{after}"]
    deeper = indent + "    "
    lines = [f"{before}{opened.head}"]
    for part in opened.parts:
        key, colon, value = part.partition(": ") if opened.head == "{" else ("", "", part)
        lines += _unfolded(f"{deeper}{key}{colon}", value, deeper, ",")
    return [*lines, f"{indent}{opened.end}{after}"]


def _opened(text: str) -> _Opened | None:
    """An expression taken apart at its outermost brackets; None for one that has none."""
    try:
        node = ast.parse(text, mode="eval").body
    except SyntaxError:  # an assignment or a deletion
        return None
    if isinstance(node, ast.Call) and not isinstance(node.func, ast.Call):
        head = text[: text.index("(", len(ast.unparse(node.func)) - 1) + 1]
        parts = [_segment(text, argument) for argument in node.args]
        parts += [f"{word.arg}={_segment(text, word.value)}" for word in node.keywords]
        return _Opened(head, parts, ")")
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return _Opened(text[0], [_segment(text, item) for item in node.elts], text[-1])
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        parts = [f"{_segment(text, key)}: {_segment(text, value)}" for key, value in pairs if key]
        return _Opened("{", parts, "}")
    return None


def _segment(text: str, node: ast.expr) -> str:
    return ast.get_source_segment(text, node) or ""


def asserted_equal(actual: str, expected: str) -> list[str]:
    """The assertion that a value is the expected one: by `is` for None, True and False."""
    how = "is" if expected in SINGLETONS else "=="
    return asserted(actual, how, approximated(expected))


def asserted(actual: str, how: str, expected: str) -> list[str]:
    """An assertion by an operator; a long one gives the actual value a name first."""
    line = f"    assert {actual} {how} {expected}".rstrip()
    if len(line) <= WIDTH or not how:
        return [line]
    if _NAMED.fullmatch(actual):
        return statement(f"assert {actual} {how} ", expected)
    return [*assigned("result", actual), *asserted("result", how, expected)]


def asserted_fields(owner: str, fields: Sequence[tuple[str, str]]) -> list[str]:
    """Assertions about an object's attributes; a name like `len()` is applied to the object."""
    lines: list[str] = []
    for name, expected in fields:
        actual = f"{name[:-2]}({owner})" if name.endswith("()") else f"{owner}.{name}"
        if name.startswith("["):  # a column of a table
            actual = f"{owner}{name}.tolist()"
        lines += asserted_equal(actual, expected)
    return lines


_NAN = 'float("nan")'
_NUMBER = r'(?:float\("nan"\)|-?[\d.]+(?:e[-+]?\d+)?)'
_NUMBERS = re.compile(rf"\[({_NUMBER}(?:, {_NUMBER})*)\]")


def approximated(expected: str) -> str:
    """An expected value; pytest.approx of a float with a long tail, and of numbers in a list
    where one has such a tail or is no number.
    """
    approximate = expected_float(expected)
    if approximate:
        return f"pytest.approx({approximate})"
    return _approximated_numbers(expected) or expected


def _approximated_numbers(expected: str) -> str:
    """The same of a list of numbers; empty for anything else, and where none needs it."""
    numbers = _NUMBERS.fullmatch(expected)
    if numbers is None:
        return ""
    items = [item.strip() for item in numbers.group(1).split(",")]
    rounded = [(expected_float(item) if "." in item else None) or item for item in items]
    has_gaps = _NAN in items
    if rounded == items and not has_gaps:
        return ""
    return f"pytest.approx([{', '.join(rounded)}]{', nan_ok=True' if has_gaps else ''})"


def pattern(message: str) -> str:
    """A regular expression that matches this message's text, or the words a line has room for."""
    if len(message) > MAX_MATCH:
        message = message[:MAX_MATCH].rpartition(" ")[0] or message[:MAX_MATCH]
    escaped = re.sub(r"([\\.^$*+?{}\[\]|()])", r"\\\1", message)
    if escaped == message or not message.isprintable() or '"' in message:
        return quoted(escaped)
    return f'r"{escaped}"'
