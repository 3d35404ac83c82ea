"""Whose a file is that this user may not use, in the words of an error."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from copydesk.agent.errors import READ_ONLY_CURE, CopydeskError


def desk_not_writable(path: Path, reason: str) -> CopydeskError:
    """The error for a desk that this user cannot write, with whose it is and what to do.

    Args:
        path: A file of the desk.
        reason: What the system says of it.
    """
    hint = READ_ONLY_CURE if is_on_read_only_mount(path) else foreign_owner(path)
    if not hint:
        _, folder = _owner_of_nearest(path)
        hint = (
            f"Check the rights of {folder} and the disk it is on: copydesk keeps what it knows"
            " there, and reads nothing without writing."
        )
    return CopydeskError(f"can't open {path}: {reason}", slug="desk-not-writable", hint=hint)


def foreign_owner(path: Path) -> str:
    """Whose a path is and what to do, where it belongs to another user; else "".

    Args:
        path: What cannot be used; of one that is not there or not seen, the nearest folder counts.
    """
    owner, place = _owner_of_nearest(path)
    if owner is None or owner == os.geteuid():
        return ""
    return (
        f"{place} belongs to {_user_name(owner)}. Run copydesk as that user, or work in a clone of"
        " your own: two users cannot share one desk."
    )


def is_on_read_only_mount(path: Path) -> bool:
    """Whether the file system of a path, or of the nearest folder above it, takes no writing."""
    for place in (path, *path.parents):
        with contextlib.suppress(OSError):
            return bool(os.statvfs(place).f_flag & os.ST_RDONLY)
    return False


def is_of_desk(path: Path) -> bool:
    """Whether a path is a desk's, `<git folder>/copydesk`, or lies in one."""
    for place in (path, *path.parents):
        if place.name == "copydesk":
            with contextlib.suppress(OSError):
                return (place.parent / "HEAD").is_file()
    return False


def _owner_of_nearest(path: Path) -> tuple[int | None, Path]:
    """Whose a file is, or the nearest folder above it that can be seen; and which that is."""
    for place in (path, *path.parents):
        with contextlib.suppress(OSError):
            if not os.access(place, os.W_OK) or place == path.parents[1]:
                return place.stat().st_uid, place
    return None, path.parent


def _user_name(identity: int) -> str:
    """A user's name, or the number where there is no name."""
    try:
        import pwd

        return pwd.getpwuid(identity).pw_name
    except (ImportError, KeyError):
        return f"user {identity}"
