"""Modules in which nothing but constants is another one now, such as a version.

What their import executes needs no run to be known: a statement that binds a name to a constant
executes its one line, whatever the constant is, and nothing else has moved.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from copydesk.agent.coverage.source.tree_diff import Tree


def changed_constants(old: str, new: str) -> frozenset[int]:
    """The lines on which a name of the module is bound to another constant.

    Empty where two versions of a source differ in anything else.
    """
    before, after = old.split("\n"), new.split("\n")
    if len(before) != len(after):
        return frozenset()
    lines = set()
    for number, texts in enumerate(zip(before, after, strict=True), 1):
        if texts[0] != texts[1]:
            lines.add(number)
    try:
        old_names, new_names = _constants(old, lines), _constants(new, lines)
    except (SyntaxError, ValueError, RecursionError):
        return frozenset()
    only_constants = old_names == new_names and old_names.keys() == lines
    return frozenset(lines) if only_constants else frozenset()


def modules_with_changed_constants(
    paths: Iterable[str], old: Tree, new: Tree
) -> dict[tuple[str, str], frozenset[int]]:
    """Such lines, by the context of the module's import, of those modules that have nothing else.

    Args:
        paths: The files that differ.
        old: The files as they were.
        new: The files as they are.
    """
    changed = {}
    for path in paths:
        lines = changed_constants(old.read(old.blobs[path]), new.read(new.blobs[path]))
        if lines:
            changed["import", path] = lines
    return changed


def _constants(source: str, lines: set[int]) -> dict[int, str]:
    """The names that are bound to constants by statements of their own on some lines, by line."""
    texts = source.split("\n")
    names = {}
    for node in ast.parse(source).body:
        if node.lineno in lines and isinstance(node, ast.Assign) and _is_constant(node):
            line_bytes = len(texts[node.lineno - 1].rstrip("\r").encode())
            if (node.col_offset, node.end_col_offset) == (0, line_bytes):
                names[node.lineno] = ast.unparse(node.targets[0])
    return names


def _is_constant(node: ast.Assign) -> bool:
    """Whether an assignment binds one name to a constant, on one line."""
    binds_one_name = len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
    is_constant = isinstance(node.value, ast.Constant)
    return binds_one_name and is_constant and node.end_lineno == node.lineno
