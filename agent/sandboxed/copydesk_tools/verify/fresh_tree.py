"""Gives each test run the tree as it was, with one version of one file in it.

A run that changed files, or left some in the temporary folder, must not be seen by the next one.
Standard library only; Python 3.9 or later.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat

MOST_KEPT = 64 << 20
"""Bytes of the tree that are kept in memory where there is no untouched copy to read again."""

_Look = tuple[int, int, int, int]


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
        self.date = os.stat(".").st_mtime_ns
        self.seen = self._look()
        links = [path for path, look in self.seen.items() if stat.S_ISLNK(look[0])]
        self.links = {path: os.readlink(path) for path in links}
        self.kept: dict[str, bytes] = {} if originals else self._contents()
        self.as_it_was = b""
        self.times = (0, 0)
        with contextlib.suppress(OSError):
            with open(self.target, "rb") as file:
                self.as_it_was = file.read()
            status = os.stat(self.target)
            self.times = (status.st_atime_ns, status.st_mtime_ns)

    def lay(self, version: bytes) -> None:
        """Put a version of the target in its place, with the name, mode and times of the first."""
        if not self.as_it_was and not os.path.exists(self.target):
            return
        mode = stat.S_IMODE(os.stat(self.target).st_mode)
        if not os.access(self.target, os.W_OK):
            os.chmod(self.target, mode | stat.S_IWUSR)
        with open(self.target, "r+b") as file:
            file.write(version)
            file.truncate()
        os.chmod(self.target, mode)
        os.utime(self.target, ns=self.times)

    def restore(self) -> None:
        """Undo what a run did to the tree, and empty the temporary folders."""
        for folder, before in self.temporary.items():
            self._empty(folder, before)
        now = self._look()
        if now == self.seen:
            return
        for path in sorted(set(now) - set(self.seen), reverse=True):
            _remove(path)
        for path in sorted(self.seen):
            if now.get(path) != self.seen[path]:
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
            os.chmod(path, stat.S_IMODE(mode))
        elif stat.S_ISLNK(mode):
            _remove(path)
            os.symlink(self.links[path], path)
        elif stat.S_ISREG(mode):
            _remove(path)
            self._copy(path)
            os.chmod(path, stat.S_IMODE(mode))
            os.utime(path, ns=(look[2], look[2]))

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
            mode, _, modified, _ = self.seen[path]
            if stat.S_ISDIR(mode):
                with contextlib.suppress(OSError):
                    os.utime(path, ns=(modified, modified))
        os.utime(".", ns=(self.date, self.date))

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
        files = [path for path, look in self.seen.items() if stat.S_ISREG(look[0])]
        if sum(self.seen[path][1] for path in files) > MOST_KEPT:
            return {}
        contents = {}
        for path in files:
            with contextlib.suppress(OSError), open(path, "rb") as file:
                contents[path] = file.read()
        return contents


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
