"""A draft with the annotations of tests, for a project whose tests have them."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from copydesk.agent.source_text import decode_source
from copydesk.agent.testgen.project import Function, find_tests, project_tests

_FIXTURES = {
    "tmp_path": "Path",
    "monkeypatch": "pytest.MonkeyPatch",
    "capsys": "pytest.CaptureFixture[str]",
    "caplog": "pytest.LogCaptureFixture",
}
_IMPORTS = {"Path": "from pathlib import Path", "Any": "from typing import Any"}
_PLAIN = (bool, int, float, str, bytes, type(None))
MAX_LINE = 88
MAX_MODULES = 20
"""Test modules that are looked into for the style of a project."""


def are_annotated(text: str) -> bool | None:
    """Whether most tests of a module say what they return; None where it has no tests."""
    try:
        tests = list(find_tests(ast.parse(text)).values())
    except (SyntaxError, ValueError):
        return None
    if not tests:
        return None
    return sum(test.returns is not None for test in tests) * 2 > len(tests)


def project_annotates(worktree: Path) -> bool:
    """Whether most test modules of a project have annotated tests."""
    answers = []
    for path in project_tests(worktree)[:MAX_MODULES]:
        try:
            answers.append(are_annotated(decode_source((worktree / path).read_bytes())))
        except (OSError, SyntaxError, ValueError):
            continue
    definite_answers = [answer for answer in answers if answer is not None]
    return sum(definite_answers) * 2 > len(definite_answers)


def annotate(draft: str) -> str:
    """The draft with the types of its functions' parameters, and `-> None` behind its tests.

    Fixtures of pytest get their types, parametrized values theirs where they are plain; anything
    else is Any. A draft that does not parse comes back as it is.
    """
    try:
        tree = ast.parse(draft)
    except (SyntaxError, ValueError):
        return draft
    rows = draft.split("\n")
    functions = [node for node in ast.walk(tree) if isinstance(node, Function)]
    for function in sorted(functions, key=lambda node: -node.lineno):
        if function.returns is None and function.body[0].lineno > function.lineno:
            rows[function.lineno - 1 : function.body[0].lineno - 1] = _head(function)
    return _with_imports("\n".join(rows))


def _head(function: Function) -> list[str]:
    """The lines that begin a function, annotated."""
    is_test = function.name.startswith("test")
    types = _parametrized_types(function)
    parameters = []
    for parameter in function.args.args:
        fixture_type = _FIXTURES.get(parameter.arg) if is_test else None
        parameters.append(
            parameter.arg
            if parameter.arg == "self"
            else f"{parameter.arg}: {fixture_type or types.get(parameter.arg, 'Any')}"
        )
    if function.args.vararg is not None:
        parameters.append(f"*{function.args.vararg.arg}: Any")
    prefix = "async def" if isinstance(function, ast.AsyncFunctionDef) else "def"
    result = "None" if is_test else "Any"
    indent = " " * function.col_offset
    line = f"{indent}{prefix} {function.name}({', '.join(parameters)}) -> {result}:"
    if len(line) <= MAX_LINE or not parameters:
        return [line]
    opened = [f"{indent}    {parameter}," for parameter in parameters]
    return [f"{indent}{prefix} {function.name}(", *opened, f"{indent}) -> {result}:"]


def _parametrized_types(function: Function) -> dict[str, str]:
    """The types of the values that a test is parametrized with, by parameter."""
    types: dict[str, str] = {}
    for decorator in function.decorator_list:
        if not isinstance(decorator, ast.Call) or len(decorator.args) < 2:
            continue
        names = [getattr(name, "value", "") for name in getattr(decorator.args[0], "elts", ())]
        rows = [getattr(row, "elts", ()) for row in getattr(decorator.args[1], "elts", ())]
        for index, name in enumerate(names):
            types[name] = _type_of([row[index] for row in rows if index < len(row)])
    return types


def _type_of(values: Sequence[ast.expr]) -> str:
    """What some values have in common, as an annotation."""
    kinds = set()
    for value in values:
        try:
            literal = ast.literal_eval(value)
        except (ValueError, TypeError, SyntaxError):
            return "Any"
        if type(literal) not in _PLAIN:
            return "Any"
        kinds.add("None" if literal is None else type(literal).__name__)
    if "float" in kinds:
        kinds.discard("int")
    return " | ".join(sorted(kinds, key=lambda kind: (kind == "None", kind))) or "Any"


def _with_imports(draft: str) -> str:
    """The draft with what its annotations name imported, at the top."""
    annotations = " ".join(map(ast.unparse, _annotations(ast.parse(draft))))
    lines = sorted(line for name, line in _IMPORTS.items() if name in annotations)
    lines = [line for line in lines if line not in draft]
    if "pytest." in annotations and "import pytest" not in draft:
        lines += ["", "import pytest"] if lines else ["import pytest"]
    if not lines:
        return draft
    words = draft.split(maxsplit=2)
    joins = len(words) > 1 and words[1].split(".")[0] in sys.stdlib_module_names
    return "\n".join([*lines, draft] if joins else [*lines, "", draft])


def _annotations(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.annotation is not None:
            yield node.annotation
        elif isinstance(node, Function) and node.returns is not None:
            yield node.returns
