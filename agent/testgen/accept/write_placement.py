"""Writes an accepted test where it was placed, and takes it back again.

Touches one test file, never through a link, never over text that has changed since the draft was
shown.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from copydesk.agent.errors import CopydeskError
from copydesk.agent.testgen.accept.placement import (
    Placement,
    decode,
    is_test_module,
    source_encoding,
)
from copydesk.agent.text import clean


def write_placement(placement: Placement, worktree: Path) -> Path:
    """Write a placed draft.

    Args:
        placement: From place_draft(), perhaps with a text the editor changed.
        worktree: The top of the work tree.

    Returns:
        The file written.

    Raises:
        CopydeskError: "changed-meanwhile" when the file is not what it was; "not-a-test-file"
            for a path where no test belongs; "cannot-write" when the system says no.
    """
    with _open_folder(placement.path, worktree, create=placement.old_text is None) as (
        folder,
        name,
    ):
        if placement.old_text is None:
            _create(folder, name, placement)
        else:
            _replace(folder, name, placement, placement.old_text, placement.new_text)
    return worktree / placement.path


def revert_placement(placement: Placement, worktree: Path) -> Path:
    """Undo write_placement(), as long as the file still is what that wrote.

    Raises:
        CopydeskError: As write_placement() does.
    """
    with _open_folder(placement.path, worktree, create=False) as (folder, name):
        if placement.old_text is None:
            _check(folder, name, placement, placement.new_text)
            os.unlink(name, dir_fd=folder)  # below a folder held open
        else:
            _replace(folder, name, placement, placement.new_text, placement.old_text)
    return worktree / placement.path


@contextlib.contextmanager
def _open_folder(path: str, worktree: Path, *, create: bool) -> Iterator[tuple[int, str]]:
    """The folder of a path as an open descriptor, reached without following a link, and the
    file's name.
    """
    pure = PurePosixPath(path)
    _check_path(path, pure, worktree)
    descriptors: list[int] = []
    try:
        descriptors.append(os.open(worktree, os.O_RDONLY | os.O_DIRECTORY))
        for part in pure.parts[:-1]:
            if create:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, dir_fd=descriptors[-1])
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
            descriptors.append(os.open(part, flags, dir_fd=descriptors[-1]))
        yield descriptors[-1], pure.name
    except OSError as error:
        raise _as_refusal(path, error) from error
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _check_path(path: str, pure: PurePosixPath, worktree: Path) -> None:
    """Check that a path is one of a test module in the work tree.

    Raises:
        CopydeskError: It is not.
    """
    if pure.is_absolute() or not pure.parts or any(map(_leads_out, pure.parts)):
        raise _refused(path, "it leads out of the work tree")
    if not is_test_module(path, worktree):
        raise _refused(path, "its name is not that of a test module")


def _leads_out(part: str) -> bool:
    """Whether a part of a path leads to where no test belongs; some file systems fold names."""
    return part == ".." or "\0" in part or part.lower().rstrip(" .") in {".git", "git~1"}


def _as_refusal(path: str, error: OSError) -> CopydeskError:
    """What the system said, in words of our own."""
    if isinstance(error, NotADirectoryError):
        return _refused(path, "a folder on the way is a link or a file")
    if isinstance(error, FileNotFoundError):
        return _changed(path, "is gone")
    if error.errno == errno.ELOOP:
        return _refused(path, "it is a link")
    return CopydeskError(
        f"{clean(path)} cannot be written: {error.strerror}",
        slug="cannot-write",
        hint="make the file writable, then accept the draft again",
    )


def _create(folder: int, name: str, placement: Placement) -> None:
    temporary, fd = _temporary(folder, name, 0o666)
    try:
        _fill(fd, placement.new_text.encode())
        try:  # a link appears whole, and only where there is nothing
            os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        except FileExistsError as error:
            raise _changed(placement.path, "has appeared") from error
        except OSError:  # a file system without links
            _create_in_place(folder, name, placement)
    finally:
        os.unlink(temporary, dir_fd=folder)


def _create_in_place(folder: int, name: str, placement: Placement) -> None:
    try:
        fd = os.open(name, _NEW, 0o666, dir_fd=folder)
    except FileExistsError as error:
        raise _changed(placement.path, "has appeared") from error
    try:
        _fill(fd, placement.new_text.encode())
    except OSError:
        os.unlink(name, dir_fd=folder)
        raise


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


def _temporary(folder: int, name: str, mode: int) -> tuple[str, int]:
    """A new file beside a test module, by its name and open; `file_writes` knows such names."""
    temporary = f".{name}.{secrets.token_hex(6)}"
    return temporary, os.open(temporary, _NEW, mode, dir_fd=folder)


def _replace(folder: int, name: str, placement: Placement, old: str, new: str) -> None:
    status, data = _check(folder, name, placement, old)
    temporary, fd = _temporary(folder, name, 0o600)
    try:
        with contextlib.suppress(PermissionError):  # a group that is not ours
            os.fchown(fd, status.st_uid, status.st_gid)
        os.fchmod(fd, stat.S_IMODE(status.st_mode))
        _fill(fd, new.encode(source_encoding(data)))
        now = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if _stamp(now) != _stamp(status):
            raise _changed(placement.path, "has changed")
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
        raise


def _stamp(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _check(
    folder: int, name: str, placement: Placement, expected: str
) -> tuple[os.stat_result, bytes]:
    """The file's status and bytes, when it holds the expected text."""
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode):
        raise _refused(placement.path, "it is a link or no file")
    with open(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder), "rb") as file:  # noqa: PTH123
        data = file.read()
    if decode(data) != expected:
        raise _changed(placement.path, "has changed")
    return status, data


def _fill(fd: int, data: bytes) -> None:
    with open(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _changed(path: str, change: str) -> CopydeskError:
    return CopydeskError(
        f"{clean(path)} {change} since this draft was placed",
        slug="changed-meanwhile",
        hint="look at the draft again with `copydesk show`, then accept it once more",
    )


def _refused(path: str, why: str) -> CopydeskError:
    return CopydeskError(
        f"{clean(path)} is not where a test can be written: {why}",
        slug="not-a-test-file",
        hint="copy the test from `copydesk show` to where it belongs",
    )
