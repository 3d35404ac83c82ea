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
from collections.abc import Callable
from dataclasses import dataclass, field

_WORD = re.compile(r"[A-Za-z_]\w*")
_NAMED = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@functools.lru_cache(maxsize=4096)
def seen_of_others(source: str) -> frozenset[str] | None:
    """The names of other modules that a module can get hold of; None means any.

    Args:
        source: The source of the module.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return None
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.update(_WORD.findall(node.value))
        elif isinstance(node, ast.ImportFrom):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.MatchClass):
            found.update(node.kwd_attrs)
    return None if "*" in found else frozenset(found)


@functools.lru_cache(maxsize=4096)
def imported_only(source: str) -> frozenset[str]:
    """The names that `import` statements of a source bind, and nothing else in it."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return frozenset()
    imported, others = set[str](), set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported.update(a.asname or a.name.partition(".")[0] for a in node.names)
        elif isinstance(node, ast.ImportFrom):
            others.update(a.asname or a.name for a in node.names)
        elif isinstance(node, _NAMED):
            others.add(node.name)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            others.add(node.id)
        elif isinstance(node, ast.Global):
            others.update(node.names)
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            others.add(node.name)
    return frozenset() if "*" in others else frozenset(imported - others)


@dataclass(slots=True)
class Names:
    """Changed names by the module whose change they follow from.

    Who does not import that module, directly or through others, cannot see them.
    """

    by_origin: dict[str, set[str]] = field(default_factory=dict)
    _imported: dict[str, set[str]] = field(default_factory=dict)
    _seen: dict[tuple[frozenset[str], str | None], set[str]] = field(default_factory=dict)

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
        in_both = [imported_only(text) | (names - _words(text)) for text in (old, new)]
        self._imported[origin] = set(names & in_both[0] & in_both[1])

    def follow(self, origin: str, names: frozenset[str]) -> None:
        """Note that other modules bind these differently, too, for what the first one does."""
        self.by_origin[origin] |= names
        self._imported[origin] -= names

    def at(self, origin: str, path: str, source: str) -> set[str]:
        """The names of one module's change that mean something in a file.

        Args:
            origin: That module.
            path: The file.
            source: Its source.
        """
        names = self.by_origin[origin]
        hidden = self._imported[origin]
        if path == origin or not hidden:
            return names
        seen = seen_of_others(source)
        return names if seen is None else names - (hidden - seen)

    def within(self, around: frozenset[str]) -> set[str]:
        """All changed names that can be seen from where some modules are imported."""
        key = (around, None)
        if key not in self._seen:
            seen = (names for path, names in self.by_origin.items() if path in around)
            self._seen[key] = set().union(*seen)
        return self._seen[key]

    def visible(self, around: frozenset[str], path: str, read: Callable[[], str]) -> set[str]:
        """Those of them that mean something in one file.

        Args:
            around: Modules that are imported.
            path: The file.
            read: Its source.
        """
        if not self.within(around):
            return set()
        source = read()
        found = (self.at(o, path, source) for o in self.by_origin if o in around)
        return set().union(*found)


def _words(source: str) -> frozenset[str]:
    return frozenset(_WORD.findall(source))
