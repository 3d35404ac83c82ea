"""Objects that a commit's checkout needs and the repository does not hold.

Submodules keep theirs in git folders of their own, generated files are in none. Both are reached
through one folder of objects on the desk, as git's alternates: whoever reads an object by its id
finds it, and nothing is written into the user's own repository.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Collection, Sequence
from pathlib import Path

from copydesk.agent.git.command import git
from copydesk.agent.git.locate import Repository


def folder(repo: Repository) -> Path:
    """The desk's folder of objects; it need not be there."""
    return repo.desk / "objects"


def variables(repo: Repository) -> dict[str, str]:
    """The environment variables with which git finds these objects too."""
    objects = folder(repo)
    if not objects.is_dir():
        return {}
    quoted = str(objects).replace("\\", "\\\\").replace('"', '\\"')
    return {"GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{quoted}"'}


def refer_to(repo: Repository, others: Path) -> None:
    """Let the objects of another git folder be found.

    Args:
        repo: The repository.
        others: The folder `objects` of a submodule.
    """
    line = os.fsencode(others)
    alternates = _made(repo) / "info" / "alternates"
    lines = alternates.read_bytes().split(b"\n") if alternates.is_file() else []
    if line in lines or b"\n" in line or line.startswith((b"#", b'"')):
        return
    _replace(alternates, [*filter(None, lines), line])


def add_files(repo: Repository, paths: Sequence[Path]) -> list[str]:
    """Keep the content of files, byte by byte as they stand: no filter runs.

    Returns:
        The ids, in the order of the paths.

    Raises:
        GitFailed: One of them cannot be read.
    """
    names = b"".join(os.fsencode(path) + b"\n" for path in paths)
    output = git(
        "hash-object", "-w", "--no-filters", "--stdin-paths", git_dir=repo.common_dir,
        stdin=names, extra={"GIT_OBJECT_DIRECTORY": str(_made(repo))},
    )  # fmt: skip
    return output.decode().split()


def prune(repo: Repository, needed: Collection[str], before: float) -> int:
    """Delete the objects that nothing needs, and forget other git folders that are gone.

    Args:
        repo: The repository.
        needed: The ids of those that stay.
        before: Younger ones stay as well: a measure may be about to use them. Git renews the time
            of an object that is written again. Seconds since the epoch.

    Returns:
        The bytes that are free now.
    """
    freed = 0
    for path in folder(repo).glob("[0-9a-f][0-9a-f]/*"):
        status = path.lstat()
        identity = path.parent.name + path.name
        if identity in needed or status.st_mtime >= before or not stat.S_ISREG(status.st_mode):
            continue
        with contextlib.suppress(OSError):  # one that cannot be deleted costs no other
            path.unlink()
            freed += status.st_size
    _forget_absent(folder(repo) / "info" / "alternates")
    return freed


def _forget_absent(alternates: Path) -> None:
    """Take the folders that are gone out of the list of those that are referred to."""
    if not alternates.is_file():
        return
    lines = alternates.read_bytes().split(b"\n")
    present = [line for line in lines if line and Path(os.fsdecode(line)).is_dir()]
    if len(present) < len([line for line in lines if line]):
        _replace(alternates, present)


def _replace(alternates: Path, lines: Sequence[bytes]) -> None:
    partial = alternates.with_name(f"alternates.{os.getpid()}")
    partial.write_bytes(b"\n".join([*lines, b""]))
    partial.replace(alternates)


def _made(repo: Repository) -> Path:
    objects = folder(repo)
    for name in ("info", "pack"):
        (objects / name).mkdir(parents=True, exist_ok=True)
    return objects
