"""Calls that may serve as examples: from docstrings, and from tests."""

from __future__ import annotations

import ast
import doctest
import re
from collections.abc import Iterator
from typing import NamedTuple

from copydesk.agent.examples.telling import by_arguments

WIDTH = 88
LONGEST = 4
"""Lines of an example's code."""

_DIRECTIVE = re.compile(r"[ \t]*#\s*doctest:.*$", re.MULTILINE)

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Call(NamedTuple):
    """Code that may be an example, and whether its author shows an exception as its result."""

    code: str
    raises: bool = False


def definition_of(tree: ast.AST, name: str) -> Definition | None:
    """The definition of a qualified name such as "Basket.total"; the last where there are more."""
    node: ast.AST = tree
    for part in name.split("."):
        inside = [n for n in getattr(node, "body", ()) if isinstance(n, Definition)]
        named = [n for n in inside if n.name == part]
        if not named:
            return None
        node = named[-1]
    return node if isinstance(node, Definition) else None


def calls_in_docstring(module: str, name: str, docstring: str) -> list[Call]:
    """The calls that a docstring shows at the prompt, with what they need before them.

    Args:
        module: How the module of the function is imported.
        name: The qualified name of the function, method or class.
        docstring: Its docstring.
    """
    try:
        shown = doctest.DocTestParser().get_examples(docstring)
    except ValueError:
        return []
    last = name.rpartition(".")[2]
    calls: list[Call] = []
    before: list[str] = []
    for example in shown:
        source = _DIRECTIVE.sub("", example.source.strip("\n"))
        if doctest.SKIP in example.options:  # its author does not want it run
            continue
        is_call = bool(example.want.strip()) and re.search(rf"\b{re.escape(last)}\b", source)
        if is_call:
            code = "\n".join([*_imports(module, name, [*before, source]), *before, source])
            calls.append(Call(code, example.exc_msg is not None))
        else:
            before.append(source)
    return [call for call in calls if _is_readable(call.code)]


def _imports(module: str, name: str, sources: list[str]) -> list[str]:
    """The import that a docstring's calls need, unless they make it themselves."""
    top = name.partition(".")[0]
    for node in _parsed("\n".join(sources)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound = {alias.asname or alias.name.partition(".")[0] for alias in node.names}
            if bound & {top, "*", module.partition(".")[0]}:
                return []
    return [f"from {module} import {top}"]


def calls_in_tests(module: str, name: str, content: str) -> list[Call]:
    """The calls of a function that tests compare with a value, as far as all arguments are
    written out; those that hand something over first, of these the shortest.

    Args:
        module: How the module of the function is imported.
        name: The function's name.
        content: The text of a test module.
    """
    codes = {
        f"from {module} import {name}\n{name}({arguments})"
        for assertion in _assertions(content)
        for arguments in _calls_of(assertion, name)
    }
    readable = [code for code in codes if _is_readable(code)]
    return [Call(code) for code in sorted(readable, key=by_arguments)]


def _assertions(content: str) -> Iterator[ast.Assert]:
    for node in _parsed(content):
        yield from (inner for inner in ast.walk(node) if isinstance(inner, ast.Assert))


def _calls_of(assertion: ast.Assert, name: str) -> Iterator[str]:
    """The arguments of the calls of a function in an assertion, where they are values."""
    for node in ast.walk(assertion.test):
        if not isinstance(node, ast.Call):
            continue
        if getattr(node.func, "id", getattr(node.func, "attr", "")) != name:
            continue
        values = [*node.args, *(keyword.value for keyword in node.keywords)]
        if values and all(map(_is_literal, values)) and all(k.arg for k in node.keywords):
            words = [ast.unparse(value) for value in node.args]
            words += [f"{k.arg}={ast.unparse(k.value)}" for k in node.keywords]
            yield ", ".join(words)


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _parsed(source: str) -> list[ast.stmt]:
    try:
        return ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


def _is_readable(code: str) -> bool:
    lines = code.split("\n")
    if len(lines) > LONGEST or any(len(line) > WIDTH for line in lines):
        return False
    return bool(_parsed(code)) and all(line.isprintable() for line in lines)
