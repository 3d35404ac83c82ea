"""Files that a sandboxed run has left, read as what they are: anything.

It may have put a link to a file of the user's in the place of its report, or a pipe that nobody
ever writes to. Only regular files count, and links are not followed. The run has ended by then.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

MAX_BYTES = 1 << 30


def read_untrusted(path: Path, max_bytes: int = MAX_BYTES) -> bytes:
    """The content of a regular file.

    Args:
        path: The file; its folder is ours.
        max_bytes: How much it may hold.

    Raises:
        OSError: There is none, it is something else, or it is too big.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f"{path} is not a regular file")
        if status.st_size > max_bytes:
            raise OSError(f"{path} holds {status.st_size:,} bytes, more than {max_bytes:,}")
        return file.read(max_bytes)


def copy_untrusted(source: Path, target: Path) -> None:
    """Copy a file, or a folder with the regular files in it.

    Args:
        source: What a run left, in a folder of ours.
        target: Where to put it; files that are there are written over.

    Raises:
        OSError: There is nothing to copy, or it cannot be written.
    """
    if source.is_symlink() or not source.is_dir():
        target.write_bytes(read_untrusted(source))
        return
    for root, _, names in os.walk(source):
        folder = target / Path(root).relative_to(source)
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            if not Path(root, name).is_symlink():
                (folder / name).write_bytes(read_untrusted(Path(root, name)))
