"""A test module as a syntax tree: which tests it holds, and its text with fewer of them."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence

from copydesk.agent.source_text import split_source_lines
from copydesk.agent.testgen.project.functions import Function

Rows = tuple[int, int]
"""The first row of a piece of text and the one behind its last, counted from 0."""

_Import = ast.Import | ast.ImportFrom


def find_tests(tree: ast.Module) -> dict[str, Function]:
    """The tests that pytest will find, as "test_name" or "TestClass::test_name", in order."""
    tests: dict[str, Function] = {}
    for node in tree.body:
        if isinstance(node, Function) and node.name.startswith("test"):
            tests[node.name] = node
        elif isinstance(node, ast.ClassDef) and _is_test_class(node):
            for method in _test_methods(node):
                tests[f"{node.name}::{method.name}"] = method
    return tests


def _is_test_class(node: ast.ClassDef) -> bool:
    if node.name.startswith("Test"):
        return True
    bases = (getattr(base, "attr", getattr(base, "id", "")) for base in node.bases)
    return any(base.endswith("TestCase") for base in bases)


def _test_methods(node: ast.ClassDef) -> Iterator[Function]:
    for method in node.body:
        if isinstance(method, Function) and method.name.startswith("test"):
            yield method


def keep_tests(text: str, names: Collection[str]) -> str:
    """The module with only these tests, and without imports that nothing uses any more.

    A class goes with the last of its tests.
    """
    tree = ast.parse(text)
    lines = split_source_lines(text, keepends=True)
    dropped = [node for name, node in find_tests(tree).items() if name not in names]
    pieces: list[Rows] = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and _loses_all_tests(node, dropped):
            pieces.append(_rows(node, lines))
        elif isinstance(node, ast.ClassDef):
            pieces += [_rows(method, lines) for method in _test_methods(node) if method in dropped]
        elif node in dropped:
            assert isinstance(node, Function)
            pieces.append(_rows(node, lines))
    for first, last in sorted(pieces, reverse=True):
        del lines[first:last]
    return prune_imports("".join(lines)).rstrip() + "\n"


def _loses_all_tests(node: ast.ClassDef, dropped: Sequence[Function]) -> bool:
    methods = list(_test_methods(node))
    return bool(methods) and all(method in dropped for method in methods)


def _rows(node: Function | ast.ClassDef, lines: Sequence[str]) -> Rows:
    """The rows of a definition, its decorators, the comment above and the blank lines below."""
    first = min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1
    while first and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    last = node.end_lineno or node.lineno
    while last < len(lines) and not lines[last].strip():
        last += 1
    return first, last


def prune_imports(text: str) -> str:
    """The module without imported names that it never uses; `noqa` and __future__ stay."""
    tree = ast.parse(text)
    used = _used_names(tree)
    lines = split_source_lines(text, keepends=True)
    for node in reversed(list(_imports(tree))):
        first, last = node.lineno - 1, node.end_lineno or node.lineno
        kept = [alias for alias in node.names if alias.name == "*" or _bound_name(alias) in used]
        if len(kept) == len(node.names) or not _may_be_cut("".join(lines[first:last])):
            continue
        if kept:
            node.names = kept
            lines[first:last] = [" " * node.col_offset + ast.unparse(node) + "\n"]
        else:
            del lines[first:last]
    return "".join(lines)


def _used_names(tree: ast.Module) -> set[str]:
    """The names that a module reads, those at the start of a text ("os.path") included."""
    used: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            used.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            used.update(node.value.replace(".", " ").split()[:1])
    return used


def _may_be_cut(statement: str) -> bool:
    """Whether an import stands alone on its line and is not marked to stay."""
    return "noqa" not in statement and ";" not in statement


def _imports(tree: ast.Module) -> Iterator[_Import]:
    for node in tree.body:
        if isinstance(node, ast.Import) or (
            isinstance(node, ast.ImportFrom) and node.module != "__future__"
        ):
            yield node


def _bound_name(alias: ast.alias) -> str:
    return alias.asname or alias.name.split(".")[0]
