"""One object under several names: what packages import from their own modules and hand on."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from copydesk.agent.testgen.project import import_name, source_roots

_HOPS = 5
Name = tuple[str, str]
"""A module and a name in it."""


def as_imported(old: str, draft: str, worktree: Path) -> str:
    """Let a draft import a name from where an existing module has it already.

    A test module that says `from shop import Basket` and a draft that says `from shop.basket import
    Basket` mean the same class where shop/__init__.py imports it; by the text alone they clash.

    Args:
        old: The existing module.
        draft: The drafted one.
        worktree: The top of the work tree, whose sources tell who hands on what.

    Returns:
        The draft, with those imports as the existing module has them.
    """
    try:
        there, coming = ast.parse(old), ast.parse(draft)
    except (SyntaxError, ValueError):
        return draft
    bound = {
        alias.asname or alias.name: (node.module or "", alias.name) for node, alias in _names(there)
    }
    rows = draft.split("\n")
    for node in reversed(coming.body):
        if not isinstance(node, ast.ImportFrom) or node.level or not node.module:
            continue
        moved = dict[str, list[ast.alias]]()
        for alias in node.names:
            has = bound.get(alias.asname or alias.name)
            mine = (node.module, alias.name)
            same = has is not None and _origin(has, worktree) == _origin(mine, worktree)
            module, name = has if has is not None and same else mine
            other = alias.asname or (None if alias.name == name else alias.name)
            moved.setdefault(module, []).append(ast.alias(name, other))
        if set(moved) != {node.module}:
            texts = [ast.unparse(ast.ImportFrom(m, names, 0)) for m, names in moved.items()]
            rows[node.lineno - 1 : node.end_lineno] = texts
    return "\n".join(rows)


def _names(tree: ast.Module) -> Iterator[tuple[ast.ImportFrom, ast.alias]]:
    """What a module's own statements import from others by name, relative imports left out."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                yield node, alias


def _origin(name: Name, worktree: Path) -> Name:
    """Where a name is first bound, followed through the project's own modules."""
    for _ in range(_HOPS):
        handed = _handed_on(name, worktree)
        if handed is None:
            break
        name = handed
    return name


def _handed_on(name: Name, worktree: Path) -> Name | None:
    """Where a module has a name from, or None where it does not import it by that name."""
    found = _source(name[0], worktree)
    if found is None:
        return None
    tree, package = found
    bindings = [node for node in tree.body if name[1] in _bound(node)]
    if len(bindings) != 1 or not isinstance(bindings[0], ast.ImportFrom):
        return None  # bound twice, or made here
    node = bindings[0]
    alias = next(a for a in node.names if (a.asname or a.name) == name[1])
    if not node.level:
        return (node.module or "", alias.name)
    above = package[: len(package) - (node.level - 1)]
    return ".".join([*above, *([node.module] if node.module else [])]), alias.name


def _bound(node: ast.stmt) -> set[str]:
    """The names that a statement may bind, those inside of if and try included."""
    found = set()
    for part in ast.walk(node):
        if isinstance(part, ast.ImportFrom | ast.Import):
            found |= {alias.asname or alias.name.split(".")[0] for alias in part.names}
        elif isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(part.name)
        elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            found.add(part.id)
    return found


def _source(module: str, worktree: Path) -> tuple[ast.Module, list[str]] | None:
    """A module of the project and the package that its relative imports start from."""
    parts = module.split(".")
    for root in source_roots(worktree):
        for name, package in ((".py", parts[:-1]), ("/__init__.py", parts)):
            path = Path(root, *parts[:-1], parts[-1] + name)
            if (worktree / path).is_file() and import_name(path.as_posix(), worktree) == module:
                try:
                    return ast.parse((worktree / path).read_bytes()), package
                except (OSError, SyntaxError, ValueError):
                    return None
    return None
