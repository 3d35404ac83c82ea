"""One object under several names: what packages import from their own modules and hand on."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from copydesk.agent.testgen.project import import_name, source_roots

_HOPS = 5


class ModuleName(NamedTuple):
    """A module and a name in it."""

    module: str
    name: str


def import_as_existing(old: str, draft: str, worktree: Path) -> str:
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
        old_tree, draft_tree = ast.parse(old), ast.parse(draft)
    except (SyntaxError, ValueError):
        return draft
    existing = _imported_names(old_tree)
    rows = draft.split("\n")
    for node in reversed(draft_tree.body):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            by_module = _aliases_by_module(node, node.module, existing, worktree)
            if set(by_module) != {node.module}:
                rows[node.lineno - 1 : node.end_lineno] = [
                    ast.unparse(ast.ImportFrom(module, aliases, 0))
                    for module, aliases in by_module.items()
                ]
    return "\n".join(rows)


def _imported_names(tree: ast.Module) -> dict[str, ModuleName]:
    """What a module's own statements import from others by name, by the name it is bound to.
    Relative imports are left out.
    """
    imported: dict[str, ModuleName] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                imported[alias.asname or alias.name] = ModuleName(node.module or "", alias.name)
    return imported


def _aliases_by_module(
    node: ast.ImportFrom, module: str, existing: dict[str, ModuleName], worktree: Path
) -> dict[str, list[ast.alias]]:
    """The names of an import by the module that each is to be imported from."""
    by_module: dict[str, list[ast.alias]] = {}
    for alias in node.names:
        bound = alias.asname or alias.name
        source = ModuleName(module, alias.name)
        elsewhere = existing.get(bound)
        if elsewhere is not None and _origin(elsewhere, worktree) == _origin(source, worktree):
            source = elsewhere
        asname = alias.asname
        if asname is None and alias.name != source.name:
            asname = alias.name
        by_module.setdefault(source.module, []).append(ast.alias(source.name, asname))
    return by_module


def _origin(name: ModuleName, worktree: Path) -> ModuleName:
    """Where a name is first bound, followed through the project's own modules."""
    for _ in range(_HOPS):
        source = _imported_from(name, worktree)
        if source is None:
            break
        name = source
    return name


def _imported_from(name: ModuleName, worktree: Path) -> ModuleName | None:
    """Where a module has a name from, or None where it does not import it by that name."""
    source = _read_module(name.module, worktree)
    if source is None:
        return None
    tree, package = source
    bindings = [node for node in tree.body if name.name in _bound_names(node)]
    if len(bindings) != 1 or not isinstance(bindings[0], ast.ImportFrom):
        return None  # bound twice, or made here
    node = bindings[0]
    alias = next(alias for alias in node.names if (alias.asname or alias.name) == name.name)
    if not node.level:
        return ModuleName(node.module or "", alias.name)
    parts = package[: len(package) - (node.level - 1)]
    if node.module:
        parts = [*parts, node.module]
    return ModuleName(".".join(parts), alias.name)


def _bound_names(node: ast.stmt) -> set[str]:
    """The names that a statement may bind, those inside of if and try included."""
    names: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.ImportFrom | ast.Import):
            names.update(alias.asname or alias.name.split(".")[0] for alias in part.names)
        elif isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(part.name)
        elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            names.add(part.id)
    return names


def _read_module(module: str, worktree: Path) -> tuple[ast.Module, list[str]] | None:
    """A module of the project and the package that its relative imports start from."""
    if not module:
        return None
    for path, package in _module_files(module, worktree):
        if (worktree / path).is_file() and import_name(path.as_posix(), worktree) == module:
            try:
                return ast.parse((worktree / path).read_bytes()), package
            except (OSError, SyntaxError, ValueError):
                return None
    return None


def _module_files(module: str, worktree: Path) -> Iterator[tuple[Path, list[str]]]:
    """The files that may hold a module, each with the package that it is in."""
    *parents, last = module.split(".")
    for root in source_roots(worktree):
        yield Path(root, *parents, f"{last}.py"), parents
        yield Path(root, *parents, last, "__init__.py"), [*parents, last]
