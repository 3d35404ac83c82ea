"""A project's history as plain records, read from text that somebody else got from git."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

SEPARATOR = b"\x01<<copydesk commit>>"
FORMAT = "%x01<<copydesk commit>>%n%H%n%P%n%ae%n%ct%n%B%n%x01<<copydesk patch>>"
"""For `git log --no-merges -p -U0 -M --format=...`. Long marks: patches hold \\x01 bytes."""

_END = b"\x01<<copydesk patch>>"
_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")

SKIPPED_FOLDERS = (
    r"tests?|testing|docs?|examples?|benchmarks?|artwork|scripts?|extra|bench|"
    r"vendor|vendored|_vendor|packages|third_party|node_modules|site-packages|\.?venv"
)
_NOT_SOURCE = re.compile(
    rf"(^|/)({SKIPPED_FOLDERS})(/|$)|(^|/)(test_[^/]*|[^/]*_test|conftest|setup)\.py$"
)
_TEST = re.compile(r"(^|/)(tests?|testing)(/|$)|(^|/)(test_[^/]*|[^/]*_test|conftest)\.py$")


class Hunk(NamedTuple):
    """Lines taken away from the old side and put in on the new one; counted from 1."""

    old_start: int
    old_count: int
    new_start: int
    new_count: int


class FilePatch(NamedTuple):
    """How a commit changed a file. `code_removed` are old lines that are no blanks or comments."""

    old: str | None
    new: str | None
    added: int
    removed: int
    hunks: tuple[Hunk, ...]
    code_removed: tuple[int, ...]

    @property
    def path(self) -> str:
        """Where it is, or was."""
        return self.new or self.old or ""


class Commit(NamedTuple):
    """One commit. `time` is when it was committed, in Unix seconds."""

    sha: str
    parent: str
    author: str
    time: int
    message: str
    files: tuple[FilePatch, ...]

    @property
    def source(self) -> list[FilePatch]:
        """The changes of source files: Python, and no tests, documents or vendored code."""
        return [f for f in self.files if is_source(f.path)]


class History(Protocol):
    """Where the text comes from. The predictor itself knows nothing of git."""

    def patches(self, after: str | None = None) -> Iterable[bytes]:
        """The lines of `git log --no-merges --reverse -p -U0 -M` in FORMAT.

        Args:
            after: The commit whose ancestors, itself included, are left out.
        """

    def texts(self, wanted: Sequence[tuple[str, str]]) -> Iterator[str | None]:
        """The texts of files, given as commit and path, in that order; None where not there."""

    def blame(self, commit: str, path: str, lines: Sequence[tuple[int, int]]) -> bytes:
        """What `git blame -w -p` says of ranges of lines, both ends included; b"" on failure."""


def is_source(path: str) -> bool:
    """Whether a path is Python source of the project itself."""
    return path.endswith(".py") and not _NOT_SOURCE.search(path)


def is_test(path: str) -> bool:
    """Whether a path is a Python test."""
    return path.endswith(".py") and bool(_TEST.search(path))


def parse(lines: Iterable[bytes]) -> Iterator[Commit]:
    """Read commits from the lines of a log in FORMAT, without their line ends."""
    block: list[bytes] | None = None
    for line in lines:
        if line == SEPARATOR:
            if block is not None:
                yield _commit(block)
            block = []
        elif block is not None:
            block.append(line)
    if block is not None:
        yield _commit(block)


def _commit(block: list[bytes]) -> Commit:
    end = block.index(_END) if _END in block else len(block)
    sha, parents, author, time = (line.decode("utf-8", "replace") for line in block[:4])
    message = b"\n".join(block[4:end]).decode("utf-8", "replace").strip()
    parent = parents.split()[0] if parents else ""
    files = tuple(_files(block[end + 1 :]))
    return Commit(sha, parent, author.lower(), int(time), message, files)


def _files(lines: list[bytes]) -> Iterator[FilePatch]:
    starts = [i for i, line in enumerate(lines) if line.startswith(b"diff --git ")]
    for start, end in pairwise([*starts, len(lines)]):
        patch = _file(lines[start:end])
        if patch.path:
            yield patch


def _file(lines: list[bytes]) -> FilePatch:
    """Read the patch of one file: its names, then its hunks."""
    old: str | None = None
    new: str | None = None
    hunks: list[Hunk] = []
    code_removed: list[int] = []
    added = removed = old_line = 0
    for line in lines:
        if match := _HUNK.match(line):
            hunks.append(_hunk(match))
            old_line = hunks[-1].old_start
        elif not hunks:
            old, new = _names(line, old, new)
        elif line.startswith(b"-"):
            removed += 1
            if _is_code(line[1:]):
                code_removed.append(old_line)
            old_line += 1
        elif line.startswith(b"+"):
            added += 1
    return FilePatch(old, new, added, removed, tuple(hunks), tuple(code_removed))


def _hunk(match: re.Match[bytes]) -> Hunk:
    return Hunk(int(match[1]), int(match[2] or b"1"), int(match[3]), int(match[4] or b"1"))


def _is_code(line: bytes) -> bool:
    text = line.strip()
    return bool(text) and not text.startswith(b"#")


def _names(line: bytes, old: str | None, new: str | None) -> tuple[str | None, str | None]:
    for mark, side in ((b"rename from ", 0), (b"rename to ", 1), (b"--- ", 0), (b"+++ ", 1)):
        if line.startswith(mark):
            name = line[len(mark) :].rstrip(b"\t")
            if mark in (b"--- ", b"+++ "):
                name = b"" if name == b"/dev/null" else name[2:]
            text = name.decode("utf-8", "surrogateescape") or None
            return (text, new) if side == 0 else (old, text)
    return old, new
