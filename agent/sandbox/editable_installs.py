"""Packages that are installed in editable mode: which folders the interpreter imports them from.

Read from what installers leave in site-packages, not from the running interpreter: nothing of the
user's is started for it.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from copydesk.agent.records import Interpreter
from copydesk.agent.source_text import split_source_lines


def editable_installs(python: Interpreter) -> list[Path]:
    """The folders of packages that are installed in editable mode, and of their projects.

    Args:
        python: The interpreter that they are installed for.
    """
    folders = list(import_folders(python))
    for packages in _site_packages(python):
        for record in sorted(packages.glob("*.dist-info/direct_url.json")):
            folders += _project(record)
    resolved = dict.fromkeys(folder.resolve() for folder in folders)
    return [folder for folder in resolved if folder.is_dir()]


def editable_roots(python: Interpreter, worktrees: Iterable[Path]) -> tuple[str, ...]:
    """The folders of a working tree, relative to it, that stand on the interpreter's import path.

    Args:
        python: The interpreter.
        worktrees: The working trees of the repository.
    """
    tops = [top.resolve() for top in worktrees]
    roots: dict[str, None] = {}
    for folder in [*import_folders(python), *_linked_folders(python)]:
        real = folder.resolve()
        for top in tops:
            if real.is_relative_to(top) and not real.is_relative_to(python.prefix.resolve()):
                roots[real.relative_to(top).as_posix()] = None
    return tuple(roots)


def import_folders(python: Interpreter) -> Iterator[Path]:
    """The folders that .pth files and editable installs put on an interpreter's import path."""
    for packages in _site_packages(python):
        for pth in sorted([*packages.glob("*.pth"), *packages.glob("*.egg-link")]):
            yield from _named_folders(pth)
        for finder in sorted(
            [*packages.glob("__editable__*.py"), *packages.glob("_*editable*.py")]
        ):
            yield from _mapped_folders(finder)


def _linked_folders(python: Interpreter) -> Iterator[Path]:
    """The folders of packages to which site-packages has links, as flit makes them."""
    for packages in _site_packages(python):
        for entry in sorted(packages.iterdir()):
            if entry.is_symlink() and entry.resolve().name == entry.name:
                yield entry.resolve().parent


def _site_packages(python: Interpreter) -> list[Path]:
    return sorted(python.prefix.glob("lib*/python*/site-packages"))


def _named_folders(pth: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        for line in split_source_lines(pth.read_text("utf-8", "replace")):
            name = line.strip()
            is_code = name.startswith(("#", "import ", "import\t"))
            if name and not is_code:
                folder = Path(os.path.normpath(pth.parent / name))
                if folder != pth.parent:
                    yield folder


def _mapped_folders(finder: Path) -> Iterator[Path]:
    """The folders of the packages that a finder knows by name, such as that of setuptools."""
    try:
        tree = ast.parse(finder.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        for name, place in _names_with_places(node):
            path = Path(place)
            if path.name in ("__init__.py", f"{name.rpartition('.')[2]}.py"):
                path = path.parent if path.name == "__init__.py" else path.with_suffix("")
            parts = name.split(".")
            if path.parts[-len(parts) :] == tuple(parts):
                yield path.parents[len(parts) - 1]


def _names_with_places(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Pairs of a module's name and a full path: in a mapping, or as the arguments of a call."""
    pairs: list[tuple[ast.expr | None, ast.expr]] = []
    if isinstance(node, ast.Dict):
        pairs = list(zip(node.keys, node.values, strict=True))
    elif isinstance(node, ast.Call) and len(node.args) == 2:
        pairs = [(node.args[0], node.args[1])]
    for key, value in pairs:
        places = value.elts if isinstance(value, ast.List) else [value]
        for place in places:
            name, path = _constant(key), _constant(place)
            if name and path.startswith("/"):
                yield name, path


def _constant(node: ast.expr | None) -> str:
    """The text of a constant; "" for anything else."""
    is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return str(node.value) if is_text and isinstance(node, ast.Constant) else ""


def _project(record: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError, ValueError):
        origin = json.loads(record.read_text("utf-8"))
        if isinstance(origin, dict) and origin.get("dir_info", {}).get("editable"):
            yield Path(unquote(urlsplit(str(origin.get("url"))).path))
