"""Modules in which nothing but constants is another one now, such as a version.

What their import executes needs no run to be known: a statement that binds a name to a constant
executes its one line, whatever the constant is, and nothing else has moved.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from copydesk.agent.coverage.source.tree_diff import Tree


def swapped(old: str, new: str) -> frozenset[int]:
    """The lines on which a name of the module is bound to another constant.

    Empty where two versions of a source differ in anything else.
    """
    before, after = old.split("\n"), new.split("\n")
    if len(before) != len(after):
        return frozenset()
    lines = [n for n, (a, b) in enumerate(zip(before, after, strict=True), 1) if a != b]
    try:
        names, now = _constants(old, lines), _constants(new, lines)
    except (SyntaxError, ValueError, RecursionError):
        return frozenset()
    return frozenset(lines) if names == now and set(names) == set(lines) else frozenset()


def swapped_in(paths: Iterable[str], old: Tree, new: Tree) -> dict[tuple[str, str], frozenset[int]]:
    """Such lines, by the context of the module's import, of those modules that have nothing else.

    Args:
        paths: The files that differ.
        old: The files as they were.
        new: The files as they are.
    """
    pairs = {p: [tree.read(tree.blobs[p]) for tree in (old, new)] for p in paths}
    found = {("import", p): swapped(*texts) for p, texts in pairs.items()}
    return {key: lines for key, lines in found.items() if lines}


def _constants(source: str, lines: list[int]) -> dict[int, str]:
    """The names that are bound to constants by statements of their own on some lines, by line."""
    texts = source.split("\n")
    found = {}
    for node in ast.parse(source).body:
        if (
            node.lineno in lines
            and isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.targets[0], ast.Name)
            and len(node.targets) == 1
            and (node.end_lineno, node.col_offset) == (node.lineno, 0)
            and len(texts[node.lineno - 1].rstrip("\r").encode()) == node.end_col_offset
        ):
            found[node.lineno] = node.targets[0].id
    return found
