"""Changed names of modules, and where a change of them can be seen.

What binds a name differently concerns the module itself and those that import it, directly or
through others: there a mention of the name may mean it. One kind of name is mentioned nearly
everywhere and hardly ever means another module's: what `import os` binds. A module sees that name
of another one only as an attribute (`shop.os`), by importing it from there (`from shop import os`,
or everything), or by a text that names it (`getattr`, `monkeypatch`); its own `os` is its own.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

_WORD = re.compile(r"[A-Za-z_]\w*")
_NAMED = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@functools.lru_cache(maxsize=4096)
def accessed_names(source: str) -> frozenset[str] | None:
    """The names of other modules that a module can get hold of; None means any.

    Args:
        source: The source of the module.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return None
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.update(_WORD.findall(node.value))
        elif isinstance(node, ast.ImportFrom):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.MatchClass):
            names.update(node.kwd_attrs)
    return None if "*" in names else frozenset(names)


@functools.lru_cache(maxsize=4096)
def import_only_names(source: str) -> frozenset[str]:
    """The names that `import` statements of a source bind, and nothing else in it."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return frozenset()
    imported, otherwise_bound = set[str](), set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported.update(alias.asname or alias.name.partition(".")[0] for alias in node.names)
        else:
            otherwise_bound.update(_names_bound_by(node))
    return frozenset() if "*" in otherwise_bound else frozenset(imported - otherwise_bound)


def _names_bound_by(node: ast.AST) -> Iterable[str]:
    """The names that a node binds itself, not through the nodes in it; `import` left out."""
    if isinstance(node, ast.ImportFrom):
        return [alias.asname or alias.name for alias in node.names]
    if isinstance(node, _NAMED):
        return [node.name]
    if isinstance(node, ast.Name):
        return [] if isinstance(node.ctx, ast.Load) else [node.id]
    if isinstance(node, ast.Global):
        return node.names
    if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
        return [node.name] if node.name else []
    return []


@dataclass(slots=True)
class ChangedNames:
    """Changed names by the module whose change they follow from.

    Who does not import that module, directly or through others, cannot see them.
    """

    by_origin: dict[str, set[str]] = field(default_factory=dict)
    _import_only: dict[str, set[str]] = field(default_factory=dict)
    _of_modules: dict[frozenset[str], set[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.by_origin)

    def add(self, origin: str, names: frozenset[str], old: str, new: str) -> None:
        """Note what a module binds differently.

        Args:
            origin: Its path.
            names: The names.
            old: Its source as it was.
            new: Its source as it is.
        """
        self.by_origin[origin] = set(names)
        import_only = set(names)
        for source in (old, new):
            import_only &= import_only_names(source) | (names - _words(source))
        self._import_only[origin] = import_only

    def follow(self, origin: str, names: frozenset[str]) -> None:
        """Note that other modules bind these differently, too, for what the first one does."""
        self.by_origin[origin] |= names
        self._import_only[origin] -= names

    def in_file(self, path: str, source: str, origin: str) -> set[str]:
        """The names of one module's change that mean something in a file.

        Args:
            path: The file.
            source: Its source.
            origin: The module.
        """
        names = self.by_origin[origin]
        import_only = self._import_only[origin]
        if path == origin or not import_only:
            return names
        accessed = accessed_names(source)
        return names if accessed is None else names - (import_only - accessed)

    def of_modules(self, modules: frozenset[str]) -> set[str]:
        """All changed names that follow from a change of one of some modules."""
        if modules not in self._of_modules:
            names = set[str]()
            for origin, changed_names in self.by_origin.items():
                if origin in modules:
                    names |= changed_names
            self._of_modules[modules] = names
        return self._of_modules[modules]

    def visible_in(self, path: str, imported: frozenset[str], read: Callable[[], str]) -> set[str]:
        """The changed names that mean something in a file.

        Args:
            path: The file.
            imported: The modules that are imported there.
            read: Reads its source.
        """
        if not self.of_modules(imported):
            return set()
        source = read()
        names = set[str]()
        for origin in self.by_origin:
            if origin in imported:
                names |= self.in_file(path, source, origin)
        return names


def _words(source: str) -> frozenset[str]:
    return frozenset(_WORD.findall(source))
