"""What a drafter has to know about a project before it writes a test for one of its functions."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple, TypeAlias

from copydesk.agent.sandboxed.copydesk_tools.source import function_named

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

_SKIPPED = frozenset({"venv", "node_modules", "build", "dist", "site-packages", "__pycache__"})
_TEST_NAME = re.compile(r"(?:test_.*|.*_test)\.py$")


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
    if named := named_test(tree, path):
        return named
    module = import_name(path, tree)
    imports = re.compile(
        rf"^\s*(?:from\s+{re.escape(module)}\s+import|import\s+{re.escape(module)}\b)", re.M
    )
    tests = _test_files(tree) if module else []
    counted = [(len(imports.findall(_text(tree / t))), t) for t in tests]
    best = max(counted, key=lambda pair: (pair[0], -len(pair[1]), pair[1]), default=(0, ""))
    return best[1] if best[0] else None


def named_test(tree: Path, path: str) -> str | None:
    """The existing test module that is named for a source file, as nearest_test says it."""
    stem = PurePosixPath(path).stem
    package = PurePosixPath(path).parent.name
    wanted = stem if stem != "__init__" else package
    public = wanted.strip("_")  # test_legacy.py is for _legacy.py where there is no legacy.py
    spellings = [(f"test_{wanted}.py", f"{wanted}_test.py", f"test_{package}_{stem}.py")]
    if public != wanted and not (tree / path).with_name(f"{public}.py").exists():
        spellings.append((f"test_{public}.py", f"{public}_test.py", f"test_{package}_{public}.py"))
    tests = _test_files(tree)
    for names in spellings:
        named = [t for t in tests if PurePosixPath(t).name in names]
        if named:
            return max(named, key=lambda t: (_shared_folders(t, path), -len(t), t))
    return None


def has_test_of_each_module(tree: Path) -> bool:
    """Whether most of several test modules are named for a module of the project."""
    tests = [PurePosixPath(test) for test in _test_files(tree)]
    names = {PurePosixPath(path).stem.strip("_") for path in _files(tree)} - {t.stem for t in tests}
    named = sum(re.sub(r"^test_|_test$", "", test.stem) in names for test in tests)
    return len(tests) > 2 and named * 2 > len(tests)


def _shared_folders(one: str, other: str) -> int:
    folders = set(PurePosixPath(other).parts[:-1])
    return sum(part in folders for part in PurePosixPath(one).parts[:-1])


def fixtures(tree: Path) -> tuple[Fixture, ...]:
    """The fixtures that the project's conftest files and test modules define, by path and name."""
    found: list[Fixture] = []
    for path in _test_files(tree, conftest=True):
        try:
            module = ast.parse(_text(tree / path))
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
                _is_fixture(d) for d in node.decorator_list
            ):
                arguments = tuple(a.arg for a in (*node.args.args, *node.args.kwonlyargs))
                found.append(Fixture(node.name, arguments, path))
    return tuple(sorted(found, key=lambda f: (f.path, f.name)))


def _is_fixture(decorator: ast.expr) -> bool:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return "fixture" in (getattr(target, "attr", None), getattr(target, "id", None))


def _test_files(tree: Path, *, conftest: bool = False) -> list[str]:
    names = [(path, path.rpartition("/")[2]) for path in _files(tree)]
    return [p for p, n in names if _TEST_NAME.match(n) or (conftest and n == "conftest.py")]


def _files(tree: Path) -> list[str]:
    """The project's Python files."""
    found = []
    for file in sorted(tree.rglob("*.py")):
        parts = file.relative_to(tree).parts
        if not any(part.startswith(".") or part in _SKIPPED for part in parts[:-1]):
            found.append("/".join(parts))
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
