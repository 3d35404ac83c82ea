"""Reading a patch as `git diff -U0` writes it."""

from __future__ import annotations

from copydesk.hooks.git_files import unquoted_path

Hunk = tuple[int, int, int, int]
"""First line and number of lines, of the old side and of the new side."""


class FilePatch:
    """A file of a patch.

    `path` is that of the new side; for a deleted file, of the old one. `blob` is the id of the
    new side's content, where the patch says it.
    """

    __slots__ = ("blob", "hunks", "path")

    def __init__(self) -> None:
        self.path = ""
        self.blob = ""
        self.hunks: list[Hunk] = []

    def new_lines(self) -> list[int]:
        """The lines of the new side that were added or changed."""
        lines: list[int] = []
        for _, _, first, count in self.hunks:
            lines.extend(range(first, first + count))
        return lines

    def read_header(self, line: bytes) -> int:
        """Take a line from before or between the hunks.

        Returns:
            How many lines of a hunk follow it.
        """
        if line.startswith(b"index "):
            self.blob = line.split()[1].partition(b"..")[2].decode()
        elif line.startswith((b"--- ", b"+++ ")):
            self.path = _path(line[4:]) or self.path
        elif line.startswith(b"@@ ") and self.path:
            hunk = _hunk(line)
            self.hunks.append(hunk)
            return hunk[1] + hunk[3]
        return 0


def parse_patch(patch: bytes) -> list[FilePatch]:
    """The files of a patch that has their lines in it: no binary files, no mere renames.

    Args:
        patch: What `git diff` printed with -U0, --src-prefix=a/ and --dst-prefix=b/.
    """
    files: list[FilePatch] = []
    lines_left = 0
    for line in patch.split(b"\n"):
        if lines_left:  # a line of a hunk, whatever it looks like
            lines_left -= not line.startswith(b"\\")
        elif line.startswith(b"diff --git "):
            files.append(FilePatch())
        elif files:
            lines_left = files[-1].read_header(line)
    return [file for file in files if file.path]


def _path(side: bytes) -> str:
    """The path of one side of a file, without its prefix; "" where the file is not there."""
    if side.startswith((b"a/", b"b/", b'"a/', b'"b/')):
        return unquoted_path(side)[2:]
    return ""


def _hunk(line: bytes) -> Hunk:
    removed, added = line.split()[1:3]
    return (*_side(removed), *_side(added))


def _side(side: bytes) -> tuple[int, int]:
    first, comma, count = side[1:].partition(b",")
    return int(first), int(count) if comma else 1
