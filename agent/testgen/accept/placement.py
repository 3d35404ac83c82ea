"""Puts an accepted test where the project keeps its tests, and takes it back again.

Working out the place is pure; writing touches one test file, never through a link, never over
text that has changed since the draft was shown.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import secrets
import stat
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from copydesk.agent.errors import CopydeskError
from copydesk.agent.records import Draft
from copydesk.agent.testgen.accept.match_style import in_style
from copydesk.agent.testgen.accept.merge_modules import merge
from copydesk.agent.testgen.accept.reexports import as_imported
from copydesk.agent.testgen.project import has_test_of_each_module, named_test, nearest_test
from copydesk.agent.text import clean

_TEST = re.compile(r"(test_.+|.+_test|tests?)\.py")
_SKIPPED = frozenset({"venv", "node_modules", "build", "dist", "site-packages", "__pycache__"})


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a draft goes: a path relative to the work tree, the file's new text and, when the
    file exists, its text now.
    """

    path: str
    new_text: str
    old_text: str | None


# -- where it goes


def place_draft(draft: Draft, worktree: Path) -> Placement:
    """Find the place of an accepted test draft; reads the work tree, writes nothing.

    Args:
        draft: A test draft; its target says which source file it is for.
        worktree: The top of the work tree.

    Returns:
        The existing test module of that source with the tests appended, or a new file beside
        its siblings when there is none, the two do not go together, or most test modules are
        named for the module that they test and that source has none.
    """
    content = draft.content.replace("\r\n", "\n")
    source = draft.target.path if draft.target else ""
    near = nearest_test(worktree, source) if source else None
    if near is not None and (named_test(worktree, source) or not has_test_of_each_module(worktree)):
        old = _read(worktree / near)
        function = draft.target.function if draft.target else ""
        new = None
        if old is not None:
            new = merge(old, in_style(old, as_imported(old, content, worktree), function))
        if new is not None and old is not None and _spells(worktree / near, new):
            return Placement(near, new, old)
    return Placement(_new_path(worktree, source or draft.path, near), content, None)


def _read(path: Path) -> str | None:
    """The text of a file exactly, line endings included; None when it cannot be kept exactly."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return _decode(data)


def _decode(data: bytes) -> str | None:
    try:
        encoding = _encoding(data)
        text = data.decode(encoding)
        return text if text.encode(encoding) == data else None
    except (SyntaxError, UnicodeError, LookupError):
        return None


def _encoding(data: bytes) -> str:
    """The encoding a file declares (PEP 263), "utf-8-sig" with a byte order mark."""
    return tokenize.detect_encoding(io.BytesIO(data).readline)[0]


def _spells(path: Path, text: str) -> bool:
    """Whether the file's encoding has all the characters of its new text."""
    try:
        data = path.read_bytes()
        return _decode(text.encode(_encoding(data))) == text
    except (OSError, UnicodeError, SyntaxError):
        return False


def _new_path(worktree: Path, source: str, near: str | None) -> str:
    """A free name in the project's style: beside the near test, in the folder of tests that
    mirrors the source's, or in tests/.
    """
    pure = PurePosixPath(source)
    stem = pure.stem if pure.stem != "__init__" else pure.parent.name or "package"
    public = stem.strip("_")
    if public and not (worktree / pure).with_name(f"{public}.py").exists():
        stem = public
    if _TEST.fullmatch(pure.name) and near is None:
        stem = re.sub(r"^test_|_test$", "", pure.stem)
    tests = _tests(worktree)
    suffixed = sum(t.stem.endswith("_test") for t in tests) * 2 > len(tests)
    folder = PurePosixPath(near).parent if near else _folder(worktree, pure, tests)
    taken = {t.name for t in tests}
    for name in _names(stem, pure.parent.name, suffixed):
        if name not in taken and not os.path.lexists(worktree / folder / name):
            return str(folder / name)
    raise AssertionError("unreachable: the names never end")


def _names(stem: str, package: str, suffixed: bool) -> Iterator[str]:
    def name(words: str) -> str:
        return f"{words}_test.py" if suffixed else f"test_{words}.py"

    stem = re.sub(r"\W", "_", stem)
    yield name(stem)
    if package:
        yield name(re.sub(r"\W", "_", f"{package}_{stem}"))
    number = 2
    while True:
        yield name(f"{stem}_{number}")
        number += 1


def _tests(worktree: Path) -> list[PurePosixPath]:
    found = []
    for file in worktree.rglob("*.py"):
        relative = PurePosixPath(file.relative_to(worktree).as_posix())
        hidden = any(p.startswith(".") or p in _SKIPPED for p in relative.parts[:-1])
        if not hidden and re.fullmatch(r"(test_.+|.+_test)\.py", relative.name):
            found.append(relative)
    return sorted(found)


def _folder(worktree: Path, source: PurePosixPath, tests: list[PurePosixPath]) -> PurePosixPath:
    """The folder of a new test file."""
    for name in ("tests", "test"):
        top = worktree / name
        if top.is_dir() and not top.is_symlink():
            folder = PurePosixPath(name)
            for part in source.parts[:-1]:
                inner = worktree / folder / part
                if inner.is_dir() and not inner.is_symlink():
                    folder = folder / part
            return folder
    folders = [t.parent for t in tests]
    if source.parent in folders:
        return source.parent
    return max(sorted(set(folders)), key=folders.count, default=PurePosixPath("tests"))


# -- writing


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
    with _place(placement.path, worktree, create=placement.old_text is None) as (folder, name):
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
    with _place(placement.path, worktree, create=False) as (folder, name):
        if placement.old_text is None:
            _check(folder, name, placement, placement.new_text)
            os.unlink(name, dir_fd=folder)  # below a folder held open
        else:
            _replace(folder, name, placement, placement.new_text, placement.old_text)
    return worktree / placement.path


@contextlib.contextmanager
def _place(path: str, worktree: Path, *, create: bool) -> Iterator[tuple[int, str]]:
    """The folder of a path as an open descriptor, reached without following a link."""
    pure = PurePosixPath(path)
    parts = pure.parts
    if (
        pure.is_absolute()
        or not parts
        or any(p == ".." or p.lower().rstrip(" .") in {".git", "git~1"} or "\0" in p for p in parts)
    ):
        raise _refused(path, "it leads out of the work tree")
    if not _TEST.fullmatch(pure.name) or pure.name == "conftest.py":
        raise _refused(path, "its name is not that of a test module")
    opened: list[int] = []
    try:
        opened.append(os.open(worktree, os.O_RDONLY | os.O_DIRECTORY))
        for part in parts[:-1]:
            if create:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, dir_fd=opened[-1])
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
            opened.append(os.open(part, flags, dir_fd=opened[-1]))
        yield opened[-1], pure.name
    except NotADirectoryError as error:
        raise _refused(path, "a folder on the way is a link or a file") from error
    except FileNotFoundError as error:
        raise _changed(path, "is gone") from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _refused(path, "it is a link") from error
        raise CopydeskError(
            f"{clean(path)} cannot be written: {error.strerror}",
            slug="cannot-write",
            hint="make the file writable, then accept the draft again",
        ) from error
    finally:
        for fd in opened:
            os.close(fd)


def _create(folder: int, name: str, placement: Placement) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    try:
        fd = os.open(name, flags, 0o666, dir_fd=folder)
    except FileExistsError as error:
        raise _changed(placement.path, "has appeared") from error
    try:
        _fill(fd, placement.new_text.encode())
    except OSError:
        os.unlink(name, dir_fd=folder)
        raise


def _replace(folder: int, name: str, placement: Placement, old: str, new: str) -> None:
    status, data = _check(folder, name, placement, old)
    temporary = f".{name}.{secrets.token_hex(6)}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    fd = os.open(temporary, flags, 0o600, dir_fd=folder)
    try:
        with contextlib.suppress(PermissionError):  # a group that is not ours
            os.fchown(fd, status.st_uid, status.st_gid)
        os.fchmod(fd, stat.S_IMODE(status.st_mode))
        _fill(fd, new.encode(_encoding(data)))
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
    if _decode(data) != expected:
        raise _changed(placement.path, "has changed")
    return status, data


def _fill(fd: int, data: bytes) -> None:
    with open(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _changed(path: str, what: str) -> CopydeskError:
    return CopydeskError(
        f"{clean(path)} {what} since this draft was placed",
        slug="changed-meanwhile",
        hint="look at the draft again with `copydesk show`, then accept it once more",
    )


def _refused(path: str, why: str) -> CopydeskError:
    return CopydeskError(
        f"{clean(path)} is no place for a test: {why}",
        slug="not-a-test-file",
        hint="copy the test from `copydesk show` to where it belongs",
    )
