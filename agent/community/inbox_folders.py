"""Where the inboxes are, and which files lie in them; loads nothing large."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

_UNFINISHED = (".part", ".crdownload", ".tmp", ".download", ".swp")
"""How browsers and editors call files that they still write."""


def inbox_folders(desk: Path, named: str) -> list[Path]:
    """The folders that are watched: the desk's own, and those that the user named.

    Args:
        desk: The desk's folder.
        named: Folders as in $PATH; "~" is the user's home. Relative ones are left out.
    """
    paths = [Path(name).expanduser() for name in named.split(":") if name]
    return [desk / "inbox", *(path for path in paths if path.is_absolute())]


def files_in(folders: Sequence[Path]) -> Iterator[Path]:
    """The files of inboxes, without hidden and unfinished ones and symbolic links."""
    for folder in folders:
        try:
            paths = sorted(folder.iterdir())
        except OSError:
            continue
        for path in paths:
            is_hidden = path.name.startswith(".") or path.suffix.lower() in _UNFINISHED
            if not is_hidden and path.is_file() and not path.is_symlink():
                yield path
