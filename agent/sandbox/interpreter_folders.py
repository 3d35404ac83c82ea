"""Which folders of this machine an interpreter needs, and no others."""

from __future__ import annotations

import contextlib
import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from copydesk.agent.records import Interpreter

SYSTEM = tuple(map(Path, ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32")))
"""Shown in every sandbox, read-only."""

_RESERVED = tuple(map(Path, (*map(str, SYSTEM), "/etc", "/dev", "/proc", "/tmp", "/copydesk")))


class ExposesTooMuch(Exception):
    """Raised where a folder to show contains the user's home or the repository."""


@dataclass(frozen=True, slots=True)
class InterpreterFolders:
    """Folders and files to show read-only where they are, and symbolic links to make."""

    shown: tuple[Path, ...]
    links: tuple[tuple[str, Path], ...]


def interpreter_folders(python: Interpreter, appears_at: Path) -> InterpreterFolders:
    """The folders an interpreter needs in the sandbox: its prefixes and the links to them.

    A virtual environment needs its own folder and that of the interpreter it was made from; both
    may be reached over symbolic links (venv/bin/python, pyenv's and uv's version aliases), which
    are made again instead of showing the folders they lie in.

    Args:
        python: The interpreter.
        appears_at: Where the copy of the tree will stand.

    Raises:
        ExposesTooMuch: A folder holds the home or the repository, or the tree would hide the
            system.
    """
    if any(folder.is_relative_to(appears_at) for folder in _RESERVED):
        raise ExposesTooMuch(f"a tree at {appears_at} would cover the system's own folders")
    links: dict[Path, str] = {}
    needed = {real_path(path, links) for path in (python.prefix, python.base_prefix, python.path)}
    shown: list[Path] = []
    for path in sorted(needed):  # a folder sorts before what it holds
        if not _below(path, (*SYSTEM, *shown)):
            refuse_exposing(path, appears_at)
            shown.append(path)
    hidden_links = [
        (target, at) for at, target in links.items() if not _below(at, (*SYSTEM, *shown))
    ]
    return InterpreterFolders(tuple(shown), tuple(hidden_links))


def refuse_exposing(path: Path, appears_at: Path) -> None:
    """Check that showing path shows neither a home nor the repository.

    Raises:
        ExposesTooMuch: It would.
    """
    for private in (appears_at, *home_folders()):
        if private.is_relative_to(path):
            raise ExposesTooMuch(f"the interpreter's folder {path} holds {private}")


def home_folders() -> list[Path]:
    """The user's home, by $HOME and by the user database; those of system users do not count."""
    homes = [Path.home()]
    with contextlib.suppress(KeyError):  # a container's user without an entry
        homes.append(Path(pwd.getpwuid(os.getuid()).pw_dir))
    real = dict.fromkeys(path.resolve() for path in homes)
    return [path for path in real if path != Path("/") and not _below(path, SYSTEM)]


def real_path(path: Path, links: dict[Path, str]) -> Path:
    """Path.resolve, which also notes every symbolic link on the way.

    Args:
        path: An absolute path.
        links: Where the links are noted, each with its target as it is written.

    Raises:
        OSError: The links lead in a circle.
    """
    resolved = Path("/")
    todo = list(reversed(path.parts[1:]))
    for _ in range(10_000):
        if not todo:
            return resolved
        name = todo.pop()
        step = resolved.parent if name == ".." else resolved / name
        if not step.is_symlink():
            resolved = step
            continue
        target = links[step] = str(step.readlink())
        if target.startswith("/"):
            resolved = Path("/")
        todo += reversed([part for part in Path(target).parts if part != "/"])
    raise OSError(f"symbolic links lead in a circle: {path}")


def _below(path: Path, folders: tuple[Path, ...]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)
