"""Objects that a commit's checkout needs and the repository does not hold.

Submodules keep theirs in git folders of their own, generated files are in none. Both are reached
through one folder of objects on the desk, as git's alternates: whoever reads an object by its id
finds it, and nothing is written into the user's own repository.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
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
    partial = alternates.with_name(f"alternates.{os.getpid()}")
    partial.write_bytes(b"\n".join([*filter(None, lines), line, b""]))
    partial.replace(alternates)


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


def _made(repo: Repository) -> Path:
    objects = folder(repo)
    for name in ("info", "pack"):
        (objects / name).mkdir(parents=True, exist_ok=True)
    return objects
