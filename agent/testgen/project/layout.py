"""What a drafter has to know about a project before it writes a test for one of its functions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypeAlias

from copydesk.agent.coverage.runner import patterns_of_test_files
from copydesk.agent.coverage.source import is_test_file
from copydesk.agent.projects import CONFIGURATION, lies_in
from copydesk.agent.sandboxed.copydesk_tools.source import function_named
from copydesk.agent.source_text import decode_source
from copydesk.agent.testgen.project.parse import parse

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

_SKIPPED = frozenset({"venv", "node_modules", "build", "dist", "site-packages", "__pycache__"})


class Fixture(NamedTuple):
    """A pytest fixture of the project: its name, its own arguments, and where it is defined."""

    name: str
    arguments: tuple[str, ...]
    path: str


def source_roots(tree: Path) -> tuple[str, ...]:
    """The folders, relative to the tree, from which the project's modules are imported.

    Returns:
        ("src", ".") when src/ holds modules or packages of its own and is none itself, else (".",).
    """
    source = tree / "src"
    if not source.is_dir() or (source / "__init__.py").is_file():
        return (".",)
    modules = any(source.glob("*.py"))
    packages = any(
        child.is_dir() and child.name.isidentifier() and any(child.rglob("*.py"))
        for child in source.iterdir()
    )
    return ("src", ".") if modules or packages else (".",)


def project_folder(path: str, tree: Path) -> str:
    """The folder of the project that a file lies in, where that is not the top ("").

    Args:
        path: The file, relative to the tree, with slashes.
        tree: The top of the repository's files.
    """
    for folder in PurePosixPath(path).parents:
        if folder.name and any((tree / folder / name).is_file() for name in CONFIGURATION):
            return str(folder)
    return ""


def import_name(path: str, tree: Path) -> str:
    """The dotted name under which a source file is imported.

    Handles src/ layouts, flat packages, namespace packages and top-level modules:
    "src/slugify/slugify.py" is "slugify.slugify", "pkg/__init__.py" is "pkg".

    Args:
        path: The file, relative to the tree, with slashes.
        tree: The top of the project.

    Returns:
        The name, or "" for a file that no import statement can name ("my-script.py").
    """
    if folder := project_folder(path, tree):
        return import_name(path.removeprefix(f"{folder}/"), tree / folder)
    pure = PurePosixPath(path)
    parts = list(pure.with_suffix("").parts)
    if pure.suffix != ".py" or not parts:
        return ""
    if parts[0] == "src" and "src" in source_roots(tree):
        parts = parts[1:]
    elif not (tree / parts[0] / "__init__.py").is_file():
        parts = parts[_nested_root(parts, tree) :]
    if parts[-1:] == ["__init__"]:
        parts = parts[:-1]
    return ".".join(parts) if parts and all(part.isidentifier() for part in parts) else ""


def _nested_root(parts: list[str], tree: Path) -> int:
    """How many leading folders to drop because their names cannot be imported ("my-app/pkg")."""
    bad = [i for i, part in enumerate(parts[:-1]) if not part.isidentifier()]
    return bad[-1] + 1 if bad and (tree / Path(*parts[: bad[-1] + 1])).is_dir() else 0


def function_node(source: str, qualname: str, lines: Sequence[int] = ()) -> FunctionNode | None:
    """The syntax tree of a function by its qualified name.

    Args:
        source: The text of the module.
        qualname: "parse", "Basket.total" or "outer.<locals>.inner" (the <locals> may be left out).
        lines: Of several definitions of the name (overloads, a property and its setter) the one
            around the first of these is meant; the last one otherwise.

    Returns:
        The node, or None when the source does not parse or holds no such function.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return None
    return function_named(tree, qualname, lines)


def nearest_test(tree: Path, path: str) -> str | None:
    """The existing test module of a source file, by name first and then by what it imports.

    Args:
        tree: The top of the project.
        path: The source file, relative, with slashes.

    Returns:
        The test module's path, relative, with slashes; None when there is none.
    """
    module = import_name(path, tree)
    folder = project_folder(path, tree)
    return named_test(tree, path) or (_importing_test(tree, module, folder) if module else None)


def _importing_test(tree: Path, module: str, folder: str) -> str | None:
    """The test module that imports a module most often, in the module's own project."""
    name = re.escape(module)
    statement = re.compile(rf"^\s*(?:from\s+{name}\s+import|import\s+{name}\b)", re.M)
    counts: dict[str, int] = {}
    for test in project_tests(tree, folder):
        count = len(statement.findall(_text(tree / test)))
        if count:
            counts[test] = count
    return max(counts, key=lambda test: (counts[test], -len(test), test), default=None)


def named_test(tree: Path, path: str) -> str | None:
    """The existing test module that is named for a source file, as nearest_test says it."""
    source = PurePosixPath(path)
    package = source.parent.name
    name = source.stem if source.stem != "__init__" else package
    spellings = [(f"test_{name}.py", f"{name}_test.py", f"test_{package}_{source.stem}.py")]
    public = name.strip("_")  # test_legacy.py is for _legacy.py where there is no legacy.py
    if public != name and not (tree / path).with_name(f"{public}.py").exists():
        spellings.append((f"test_{public}.py", f"{public}_test.py", f"test_{package}_{public}.py"))
    tests = project_tests(tree, project_folder(path, tree))
    for names in spellings:
        named = [test for test in tests if PurePosixPath(test).name in names]
        if named:
            return max(named, key=lambda test: (_shared_folders(test, path), -len(test), test))
    return None


def has_test_of_each_module(tree: Path) -> bool:
    """Whether most of several test modules are named for a module of the project."""
    stems = {PurePosixPath(path).stem for path in python_files(tree)}
    test_stems = [PurePosixPath(test).stem for test in project_tests(tree)]
    modules = {stem.strip("_") for stem in stems}.difference(test_stems)
    named = sum(re.sub(r"^test_|_test$", "", stem) in modules for stem in test_stems)
    return len(test_stems) > 2 and named * 2 > len(test_stems)


def _shared_folders(test: str, source: str) -> int:
    """How many of a test's folders are named as one of the source's."""
    folders = set(PurePosixPath(source).parts[:-1])
    return sum(part in folders for part in PurePosixPath(test).parts[:-1])


def fixtures(tree: Path) -> tuple[Fixture, ...]:
    """The fixtures that the project's conftest files and test modules define, by path and name."""
    in_project: list[Fixture] = []
    patterns = patterns_of_test_files(tree)
    for path in python_files(tree):
        if is_test_file(path, patterns) or path.rpartition("/")[2] == "conftest.py":
            in_project += _fixtures_of(parse(_text(tree / path)), path)
    return tuple(sorted(in_project, key=lambda fixture: (fixture.path, fixture.name)))


def _fixtures_of(module: ast.Module | None, path: str) -> Iterator[Fixture]:
    for node in ast.walk(module) if module else ():
        if isinstance(node, FunctionNode) and any(map(_is_fixture, node.decorator_list)):
            arguments = (*node.args.args, *node.args.kwonlyargs)
            yield Fixture(node.name, tuple(argument.arg for argument in arguments), path)


def _is_fixture(decorator: ast.expr) -> bool:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return "fixture" in (getattr(target, "attr", None), getattr(target, "id", None))


def python_files(tree: Path) -> list[str]:
    """The project's Python files, relative to the tree, with slashes; environments and build
    folders are left out.
    """
    paths = []
    for file in sorted(tree.rglob("*.py")):
        parts = file.relative_to(tree).parts
        if not any(part.startswith(".") or part in _SKIPPED for part in parts[:-1]):
            paths.append("/".join(parts))
    return paths


def project_tests(tree: Path, folder: str = "") -> list[str]:
    """The test modules by the project's own `python_files`, relative to the tree.

    Args:
        tree: The top of the repository.
        folder: The project's folder in it; "" for all of the tree.
    """
    patterns = patterns_of_test_files(tree / folder)
    files = [path for path in python_files(tree) if lies_in(path, folder)]
    return [path for path in files if is_test_file(path, patterns)]


def _text(path: Path) -> str:
    try:
        return decode_source(path.read_bytes())
    except OSError:
        return ""
