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
    imports: list[Import] = []
    _collect_imports(tree, False, imports)
    return tuple(imports)


def _collect_imports(node: ast.AST, lazy: bool, imports: list[Import]) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            imports.extend(Import(a.name, (), 0, lazy) for a in child.names)
        elif isinstance(child, ast.ImportFrom):
            names = tuple(a.name for a in child.names)
            imports.append(Import(child.module or "", names, child.level, lazy))
        else:
            is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            _collect_imports(child, lazy or is_function, imports)


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

    def _files_named(self, name: str) -> Iterable[str]:
        """The files of that dotted name."""
        if self._modules is None:
            self._modules = {}
            for path in self.sources:
                for dotted_name in self._names(path):
                    self._modules.setdefault(dotted_name, []).append(path)
        return self._modules.get(name, ())

    def _names(self, path: str) -> set[str]:
        """Every dotted name under which a file may be imported."""
        parts = path[: -len(".py")].split("/")
        if parts[-1] == "__init__":
            parts.pop()
        names = {".".join(below) for below in self._below_roots(parts) if below}
        names.add(".".join(self._in_outermost_package(parts)))
        # pytest puts the folder of a test file without __init__.py on the path
        if parts and f"{posixpath.dirname(path)}/__init__.py".lstrip("/") not in self.sources:
            names.add(parts[-1])
        return names

    def _in_outermost_package(self, parts: list[str]) -> list[str]:
        """The parts of a path from the outermost folder on that is a package without a gap."""
        first = len(parts) - 1
        while first > 0 and "/".join([*parts[:first], "__init__.py"]) in self.sources:
            first -= 1
        return parts[first:]

    def direct(self, path: str, *, lazy: bool) -> frozenset[str]:
        """The files that a file imports itself, with the packages and conftests around it.

        Args:
            path: The file.
            lazy: Count imports inside functions too.
        """
        key = (path, lazy)
        if key not in self._direct:
            files = set(self._packages_and_conftests(path))
            imports = self.imports(path) if self.imports else imports_of(self.sources[path])
            for item in imports:
                if lazy or not item.lazy:
                    files |= self._resolve(path, item)
            self._direct[key] = frozenset(files - {path})
        return self._direct[key]

    def _packages_and_conftests(self, path: str) -> Iterable[str]:
        """The files that Python and pytest load for a file, in its folder and those above it."""
        names = ["__init__.py"]
        if posixpath.basename(path) != "conftest.py":
            names.append("conftest.py")
        folder = path
        while folder:
            folder = posixpath.dirname(folder)
            for name in names:
                candidate = posixpath.join(folder, name)
                if candidate in self.sources:
                    yield candidate

    def _resolve(self, path: str, item: Import) -> set[str]:
        """The files that an import statement of a file loads, packages included."""
        files: set[str] = set()
        for module in self._modules_meant(path, item):
            names = [module, *(f"{module}.{name}" if module else name for name in item.names)]
            for name in names:
                parts = name.split(".")
                for end in range(1, len(parts) + 1):
                    files.update(self._files_named(".".join(parts[:end])))
        return files

    def _modules_meant(self, path: str, item: Import) -> list[str]:
        """The dotted names that the module of an import statement may have."""
        if not item.level:
            return [item.module]
        package = posixpath.dirname(path).split("/")
        package = package[: len(package) - (item.level - 1)]
        module = [item.module] if item.module else []
        return [".".join([*parts, *module]) for parts in self._below_roots(package)]

    def _below_roots(self, parts: list[str]) -> Iterable[list[str]]:
        """The parts of a path below each root that it lies in."""
        for root in self.roots:
            above = root.split("/") if root else []
            if parts[: len(above)] == above:
                yield parts[len(above) :]

    def closure(self, path: str, *, lazy: bool = True) -> frozenset[str]:
        """The file and all it imports, directly or through others."""
        key = (path, lazy)
        if key not in self._closures:
            self._closures[key] = self.reachable([path], lazy=lazy)
        return self._closures[key]

    def reachable(self, paths: Iterable[str], *, lazy: bool = True) -> frozenset[str]:
        """Some files and all they import, directly or through others."""
        return _reached(paths, lambda path: self.direct(path, lazy=lazy))

    def importers(self, paths: Iterable[str]) -> frozenset[str]:
        """The files, and all that import one of them, directly or through others."""
        importers: dict[str, set[str]] = {}
        for path in self.sources:
            for imported in self.direct(path, lazy=True):
                importers.setdefault(imported, set()).add(path)
        roots = [path for path in paths if path in self.sources]
        return _reached(roots, lambda path: importers.get(path, ()))


def _reached(roots: Iterable[str], neighbours: Callable[[str], Iterable[str]]) -> frozenset[str]:
    """The files that can be reached from some files, those included."""
    reached = set(roots)
    unvisited = list(reached)
    while unvisited:
        for path in neighbours(unvisited.pop()):
            if path not in reached:
                reached.add(path)
                unvisited.append(path)
    return frozenset(reached)
