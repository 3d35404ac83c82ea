"""Gives each test run the tree as it was, with one version of one file in it.

A run that changed files, or left some in the temporary folder, must not be seen by the next one.
Standard library only; Python 3.9 or later.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from typing import Dict, NamedTuple

MOST_ANEW = 2000
"""Entries of a tree that is made anew as a whole when a run has changed any of it."""
AHEAD_SECONDS = 30 * 24 * 3600
"""How far ahead the date of last access lies: a file system that notes accesses at all notes none
before that date, so which file was read is not seen later.
"""
MOST_KEPT = 64 << 20
"""Bytes of the tree that are kept in memory where there is no untouched copy to read again."""

_Look = tuple[int, int, int, int]


class _Outside(NamedTuple):
    """What of a file or folder is not its contents."""

    mode: int
    modified: int
    attributes: Dict[str, bytes]


class FreshTree:
    """The tree in the current folder.

    Args:
        target: The file whose versions are tried, relative, or one that is not there.
        originals: Folders where the tree can be read untouched, the first that has a file counts;
            with none its files are kept in memory.
        temporary: Folders that are emptied.
    """

    def __init__(self, target: str, originals: list[str], temporary: list[str]) -> None:
        self.target = os.path.normpath(target)
        self.originals = originals
        self.temporary = {folder: _below(folder) for folder in temporary}
        self.device = os.lstat(".").st_dev
        self.accessed = time.time_ns() + AHEAD_SECONDS * 10**9
        self.seen = self._look()
        self.links = {path: os.readlink(path) for path in self._of_kind(stat.S_ISLNK)}
        self.kept: dict[str, bytes] = {} if originals else self._contents()
        self.as_it_was = _content(self.target)
        in_temporary = [path for before in self.temporary.values() for path in before]
        kept_paths = [".", self.target, *temporary, *in_temporary, *self._of_kind(stat.S_ISDIR)]
        self.outsides = {path: outside for path in kept_paths for outside in _outside(path)}
        self._hide_accesses()

    def _of_kind(self, is_kind: Callable[[int], bool]) -> list[str]:
        return [path for path, look in self.seen.items() if is_kind(look[0])]

    def _hide_accesses(self) -> None:
        for path, look in self.seen.items():
            with contextlib.suppress(OSError):
                os.utime(path, ns=(self.accessed, look[2]), follow_symlinks=False)
        for path in self.outsides:
            self._mend(path)
        self.seen = self._look()

    def lay(self, version: bytes) -> None:
        """Put a version of the target in its place, with the name, mode and times of the first."""
        if not self.as_it_was and not os.path.exists(self.target):
            return
        if os.path.islink(self.target) or not os.path.isfile(self.target):
            _remove(self.target)
            open(self.target, "wb").close()
        if not os.access(self.target, os.W_OK):
            os.chmod(self.target, stat.S_IRUSR | stat.S_IWUSR)
        with open(self.target, "r+b") as file:
            file.write(version)
            file.truncate()
        self._mend(self.target)

    def restore(self) -> None:
        """Undo what a run did to the tree, and empty the temporary folders."""
        for folder, before in self.temporary.items():
            self._empty(folder, before)
            for path in (*before, folder):
                self._mend(path)
        self._mend(".")
        now = self._look()
        if now == self.seen:
            return
        for path in sorted(set(now) - set(self.seen), reverse=True):
            _remove(path)
        # what alone was put back would be seen by its number and its date: a mark
        anew = len(self.seen) <= MOST_ANEW
        for path in sorted(self.seen):
            again = anew and (path in self.kept or bool(self.originals))
            if again or now.get(path) != self.seen[path]:
                with contextlib.suppress(OSError):
                    self._put_back(path, self.seen[path])
        self._date_folders()
        after = self._look()  # what was put back has new dates of change
        self.seen = {path: after.get(path, look) for path, look in self.seen.items()}

    @staticmethod
    def _empty(folder: str, before: set[str]) -> None:
        """Remove from a folder what was not there before; the home may lie in it, or the tree."""
        for path in sorted(_below(folder) - before):
            if os.path.lexists(path):
                _remove(path)
        for path in sorted(before):
            if not os.path.lexists(path):
                os.mkdir(path)

    def _put_back(self, path: str, look: _Look) -> None:
        mode = look[0]
        if stat.S_ISDIR(mode):
            if not os.path.isdir(path) or os.path.islink(path):
                _remove(path)
                os.mkdir(path)
            self._mend(path)
        elif stat.S_ISLNK(mode):
            _remove(path)
            os.symlink(self.links[path], path)
        elif stat.S_ISREG(mode):
            _remove(path)
            self._copy(path)
            os.chmod(path, stat.S_IMODE(mode))
            os.utime(path, ns=(self.accessed, look[2]))

    def _copy(self, path: str) -> None:
        if path in self.kept:
            with open(path, "wb") as file:
                file.write(self.kept[path])
            return
        for folder in self.originals:
            original = os.path.join(folder, path)
            if os.path.isfile(original):
                shutil.copyfile(original, path)
                return

    def _date_folders(self) -> None:
        """Give the folders their dates again, inner ones first."""
        for path in sorted(self.seen, reverse=True):
            if stat.S_ISDIR(self.seen[path][0]):
                self._mend(path)
        self._mend(".")

    def _mend(self, path: str) -> None:
        """Give a file or folder its mode, its attributes and its dates again."""
        before = self.outsides.get(path)
        if before is None:
            return
        with contextlib.suppress(OSError):
            os.chmod(path, before.mode)
        for name in set(_attributes(path)) - set(before.attributes):
            with contextlib.suppress(OSError):
                os.removexattr(path, name)
        for name, value in before.attributes.items():
            with contextlib.suppress(OSError):
                os.setxattr(path, name, value)
        with contextlib.suppress(OSError):
            os.utime(path, ns=(self.accessed, before.modified))

    # -- looking

    def _look(self) -> dict[str, _Look]:
        """Everything in the tree but the target: mode, size, and the dates of both changes."""
        looks: dict[str, _Look] = {}
        folders = ["."]
        while folders:
            folder = folders.pop()
            with contextlib.suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    path = os.path.normpath(entry.path)
                    status = entry.stat(follow_symlinks=False)
                    if path == self.target or status.st_dev != self.device:
                        continue
                    changes = (status.st_mtime_ns, status.st_ctime_ns)
                    is_folder = stat.S_ISDIR(status.st_mode)
                    size = 0 if is_folder else status.st_size
                    looks[path] = (status.st_mode, size, *changes)
                    if is_folder:
                        folders.append(path)
        return looks

    def _contents(self) -> dict[str, bytes]:
        """The files' contents; none where they are too much to keep."""
        files = self._of_kind(stat.S_ISREG)
        if sum(self.seen[path][1] for path in files) > MOST_KEPT:
            return {}
        return {path: _content(path) for path in files if os.access(path, os.R_OK)}


def _content(path: str) -> bytes:
    """What a file holds; nothing where it cannot be read."""
    with contextlib.suppress(OSError), open(path, "rb") as file:
        return file.read()
    return b""


def _outside(path: str) -> Iterator[_Outside]:
    """How something looks from outside, where it is there."""
    with contextlib.suppress(OSError):
        status = os.stat(path)
        yield _Outside(stat.S_IMODE(status.st_mode), status.st_mtime_ns, _attributes(path))


def _attributes(path: str) -> Dict[str, bytes]:
    """The extended attributes that a run could change; none where the system has none."""
    attributes: Dict[str, bytes] = {}
    if hasattr(os, "listxattr"):
        with contextlib.suppress(OSError):
            for name in os.listxattr(path):
                if name.startswith("user."):
                    attributes[name] = os.getxattr(path, name)
    return attributes


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, onerror=_open_up)
        else:
            os.unlink(path)


def _open_up(remove: object, path: str, _: object) -> None:
    """Remove what a folder without rights kept from being removed."""
    with contextlib.suppress(OSError):
        os.chmod(os.path.dirname(path), stat.S_IRWXU)
        os.chmod(path, stat.S_IRWXU)
        shutil.rmtree(path, ignore_errors=True)
        os.unlink(path)


def _below(folder: str) -> set[str]:
    """Everything in a folder, but what other disks hold that are mounted there."""
    paths: set[str] = set()
    folders = [folder]
    while folders:
        here = folders.pop()
        with contextlib.suppress(OSError), os.scandir(here) as entries:
            device = os.stat(here).st_dev
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                paths.add(entry.path)
                if stat.S_ISDIR(status.st_mode) and status.st_dev == device:
                    folders.append(entry.path)
    return paths
