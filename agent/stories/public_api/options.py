"""Options of a command line: what click's decorators and argparse's calls declare."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from copydesk.agent.stories.public_api.texts import first_sentence, shown_value

_DECLARING = ("option", "add_argument", "Option", "version_option", "password_option")


class Option(NamedTuple):
    """An option of a command.

    flag: Its longest spelling, such as `--strict`. command: the function that it belongs to ("" in
        a module's own statements). default: as written, "…" where that is long, None for none.
        help: the author's text on it.
    """

    flag: str
    command: str
    default: str | None
    help: str


def options_of(tree: ast.Module) -> Iterator[Option]:
    """The options that a module declares with literal flags, each once a command."""
    seen = set[tuple[str, str]]()
    for command, call in _calls(tree, ""):
        flags = [
            argument.value
            for argument in call.args
            if isinstance(argument, ast.Constant)
            and isinstance(argument.value, str)
            and argument.value.startswith("-")
        ]
        if not flags or _is_hidden(call):
            continue
        flag = max(flags, key=len).partition("/")[0].strip()
        if (flag, command) not in seen:
            seen.add((flag, command))
            yield Option(flag, command, _default(call), _help(call))


def _calls(node: ast.AST, command: str) -> Iterator[tuple[str, ast.Call]]:
    """The calls that declare options, with the function around or below each."""
    for child in ast.iter_child_nodes(node):
        inner = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else command
        if isinstance(child, ast.Call) and _name(child.func) in _DECLARING:
            yield inner, child
        yield from _calls(child, inner)


def _name(node: ast.expr) -> str:
    return str(getattr(node, "attr", getattr(node, "id", "")))


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _is_hidden(call: ast.Call) -> bool:
    hidden = _keyword(call, "hidden")
    if isinstance(hidden, ast.Constant) and hidden.value is True:
        return True
    help_text = _keyword(call, "help")
    return isinstance(help_text, ast.Attribute) and help_text.attr == "SUPPRESS"


def _default(call: ast.Call) -> str | None:
    default = _keyword(call, "default")
    return None if default is None else shown_value(default)


def _help(call: ast.Call) -> str:
    help_text = _keyword(call, "help")
    if isinstance(help_text, ast.Constant) and isinstance(help_text.value, str):
        return first_sentence(help_text.value)
    return ""
