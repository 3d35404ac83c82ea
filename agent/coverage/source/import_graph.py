"""Which files a file imports, directly and through others, by reading the sources."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple


class Import(NamedTuple):
    """A module that a file names in an import statement.

    `level` counts the dots of a relative import; `lazy` says it stands inside a function.
    """

    module: str
    names: tuple[str, ...]
    level: int
    lazy: bool


@dataclass(frozen=True, slots=True)
class Sources(Mapping[str, str]):
    """The texts of a tree's Python files, each read when it is asked for.

    Args:
        blobs: Blob by path.
        read: The text of a blob.
    """

    blobs: Mapping[str, str]
    read: Callable[[str], str]

    def __getitem__(self, path: str) -> str:
        return self.read(self.blobs[path])

    def __iter__(self) -> Iterator[str]:
        return iter(self.blobs)

    def __len__(self) -> int:
        return len(self.blobs)

    def __contains__(self, path: object) -> bool:
        return path in self.blobs


@lru_cache(maxsize=4096)
def imports_of(source: str) -> tuple[Import, ...]:
    """The imports of a source, anywhere in it; none when it is not valid Python."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return ()
    found: list[Import] = []
    _collect(tree, False, found)
    return tuple(found)


def _collect(node: ast.AST, lazy: bool, found: list[Import]) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            found.extend(Import(a.name, (), 0, lazy) for a in child.names)
        elif isinstance(child, ast.ImportFrom):
            names = tuple(a.name for a in child.names)
            found.append(Import(child.module or "", names, child.level, lazy))
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            _collect(child, lazy or inside, found)


@dataclass(slots=True)
class ImportGraph:
    """The imports between the Python files of one tree.

    Args:
        sources: Text by path, for every Python file of the tree.
        roots: Folders that stand on the import path, such as "" and "src".
        imports: The imports of a path; read from its source when left out.
    """

    sources: Mapping[str, str]
    roots: tuple[str, ...] = ("", "src")
    imports: Callable[[str], Iterable[Import]] | None = None
    _modules: dict[str, list[str]] | None = field(init=False, default=None)
    _direct: dict[tuple[str, bool], frozenset[str]] = field(init=False, default_factory=dict)
    _closures: dict[tuple[str, bool], frozenset[str]] = field(init=False, default_factory=dict)

    def _called(self, name: str) -> Iterable[str]:
        """The files of that dotted name."""
        if self._modules is None:
            self._modules = {}
            for path in self.sources:
                for known in self._names(path):
                    self._modules.setdefault(known, []).append(path)
        return self._modules.get(name, ())

    def _names(self, path: str) -> set[str]:
        """Every dotted name under which a file may be imported."""
        parts = path[: -len(".py")].split("/")
        if parts[-1] == "__init__":
            parts.pop()
        found = set()
        for root in self.roots:
            above = root.split("/") if root else []
            if parts[: len(above)] == above and len(parts) > len(above):
                found.add(".".join(parts[len(above) :]))
        # pytest puts the folder of a test file without __init__.py on the path
        if parts and f"{posixpath.dirname(path)}/__init__.py".lstrip("/") not in self.sources:
            found.add(parts[-1])
        return found

    def direct(self, path: str, *, lazy: bool) -> frozenset[str]:
        """The files that a file imports itself, with the packages and conftests around it.

        Args:
            path: The file.
            lazy: Count imports inside functions too.
        """
        key = (path, lazy)
        if key not in self._direct:
            found = set(self._around(path))
            imports = self.imports(path) if self.imports else imports_of(self.sources[path])
            for item in imports:
                if lazy or not item.lazy:
                    found |= self._resolve(path, item)
            self._direct[key] = frozenset(found - {path})
        return self._direct[key]

    def _around(self, path: str) -> Iterable[str]:
        folder = posixpath.dirname(path)
        name = posixpath.basename(path)
        wants_conftest = name != "conftest.py"
        while True:
            for near in ("__init__.py", "conftest.py"):
                candidate = f"{folder}/{near}" if folder else near
                if candidate in self.sources and (near == "__init__.py" or wants_conftest):
                    yield candidate
            if not folder:
                return
            folder = posixpath.dirname(folder)

    def _resolve(self, path: str, item: Import) -> set[str]:
        bases = [item.module]
        if item.level:
            package = posixpath.dirname(path).split("/")
            package = package[: len(package) - (item.level - 1)]
            bases = [
                ".".join([*part, *([item.module] if item.module else [])])
                for part in self._package_names(package)
            ]
        found: set[str] = set()
        for base in bases:
            for name in (base, *(f"{base}.{n}" if base else n for n in item.names)):
                pieces = name.split(".")
                for end in range(1, len(pieces) + 1):
                    found.update(self._called(".".join(pieces[:end])))
        return found

    def _package_names(self, folders: list[str]) -> Iterable[list[str]]:
        for root in self.roots:
            above = root.split("/") if root else []
            if folders[: len(above)] == above:
                yield folders[len(above) :]

    def closure(self, path: str, *, lazy: bool = True) -> frozenset[str]:
        """The file and all it imports, directly or through others."""
        key = (path, lazy)
        if key not in self._closures:
            self._closures[key] = self.reachable([path], lazy=lazy)
        return self._closures[key]

    def reachable(self, paths: Iterable[str], *, lazy: bool = True) -> frozenset[str]:
        """Some files and all they import, directly or through others."""
        seen = set(paths)
        todo = list(seen)
        while todo:
            for near in self.direct(todo.pop(), lazy=lazy):
                if near not in seen:
                    seen.add(near)
                    todo.append(near)
        return frozenset(seen)

    def importers(self, paths: Iterable[str]) -> frozenset[str]:
        """The files, and all that import one of them, directly or through others."""
        reverse: dict[str, set[str]] = {}
        for path in self.sources:
            for near in self.direct(path, lazy=True):
                reverse.setdefault(near, set()).add(path)
        seen = {p for p in paths if p in self.sources}
        todo = list(seen)
        while todo:
            for near in reverse.get(todo.pop(), ()):
                if near not in seen:
                    seen.add(near)
                    todo.append(near)
        return frozenset(seen)
