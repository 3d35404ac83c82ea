"""Reading a patch as `git diff -U0` writes it."""

from __future__ import annotations

from copydesk.hooks.git_files import unquoted_path

Hunk = tuple[int, int, int, int]
"""First line and number of lines, of the old side and of the new side."""

LINK_MODES = ("120000", "160000")
"""The modes of a symbolic link and of a submodule."""


class FilePatch:
    """A file of a patch.

    `path` is that of the new side; for a deleted file, of the old one. `blob` is the id of the
    new side's content, where the patch says it, and `mode` what kind of file it is: "100644".
    `is_new` says that the old side has no such file. `added` holds the added lines of each hunk,
    `new_lines` the numbers of all of them.
    """

    __slots__ = ("_next_line", "added", "blob", "hunks", "is_new", "mode", "new_lines", "path")

    def __init__(self) -> None:
        self.path = ""
        self.blob = ""
        self.mode = ""
        self.is_new = False
        self.hunks: list[Hunk] = []
        self.added: list[list[bytes]] = []
        self.new_lines: list[int] = []
        self._next_line = 0

    def is_source(self) -> bool:
        """Whether its content are lines of source: neither a link's target nor a submodule."""
        return self.mode not in LINK_MODES

    def read_header(self, line: bytes) -> int:
        """Take a line from before or between the hunks.

        Returns:
            How many lines of a hunk follow it.
        """
        if line.startswith(b"index "):
            words = line.split()
            self.blob = words[1].partition(b"..")[2].decode()
            self.mode = words[2].decode() if len(words) > 2 else self.mode
        elif line.startswith((b"new file mode ", b"new mode ")):
            self.mode = line.split()[-1].decode()
            self.is_new = self.is_new or line.startswith(b"new file")
        elif line.startswith((b"--- ", b"+++ ")):
            self.path = _path(line[4:]) or self.path
        elif line.startswith(b"@@ ") and self.path:
            hunk = _hunk(line)
            self.hunks.append(hunk)
            self.added.append([])
            self._next_line = hunk[2]
            return hunk[1] + hunk[3]
        return 0

    def read_hunk_line(self, line: bytes) -> int:
        """Take a line of the hunk that was begun last.

        Returns:
            How many lines of the two sides together it is.
        """
        mark = line[:1]
        if mark == b"+":
            self.added[-1].append(line[1:])
            self.new_lines.append(self._next_line)
            self._next_line += 1
            return 1
        if mark in (b" ", b""):  # context, whatever made git show it
            self._next_line += 1
            return 2
        return int(mark == b"-")


def parse_patch(patch: bytes) -> list[FilePatch]:
    """The files of a patch that has their lines in it: no binary files, no mere renames.

    Args:
        patch: What `git diff` printed with -U0, --src-prefix=a/ and --dst-prefix=b/.
    """
    files: list[FilePatch] = []
    lines_left = 0
    for line in patch.split(b"\n"):
        if lines_left > 0:  # a line of a hunk, whatever it looks like
            lines_left -= files[-1].read_hunk_line(line)
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
