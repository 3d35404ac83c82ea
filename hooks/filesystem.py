"""What operating systems do differently with files: locks, and names that outlive a power cut."""

from __future__ import annotations

import os
import time

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


def sync_folder(folder: str) -> None:
    """Have what was made or renamed in a folder survive a power cut."""
    if os.name == "nt":  # a folder cannot be opened there; NTFS journals the rename itself
        return
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def take_lock(file: int, *, shared: bool = False) -> bool:
    """Take a file's lock without waiting; False when somebody else has it.

    The operating system drops it with its process, however that ends.
    """
    try:
        if fcntl:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        else:
            import msvcrt  # there is no shared lock there: who only looks has it for a moment

            os.lseek(file, 0, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except OSError:
        return False
    return True


def wait_for_lock(file: int) -> None:
    """Take a file's lock, however long that takes; asleep meanwhile where the system can."""
    if fcntl:
        fcntl.flock(file, fcntl.LOCK_EX)
    else:
        while not take_lock(file):
            time.sleep(1.0)


def release_lock(file: int) -> None:
    """Give a file's lock back."""
    if fcntl:
        fcntl.flock(file, fcntl.LOCK_UN)
    else:
        import msvcrt

        os.lseek(file, 0, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined]
