"""Maps the names that a coverage file uses to the paths of the repository.

A name may be relative to the folder in which the report was written, to one of the folders that
the report names as sources, or absolute, here or on another machine. All names of a report are
looked at together: they were written in one place. A name that could mean two files means none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from copydesk.agent.coverage.source import statement_starts
from copydesk.agent.records import LineNo
from copydesk.agent.source_text import split_source_lines

Fits = Callable[[str, Collection[LineNo]], bool]
"""Whether a file of the repository can be the one of which these lines are counted."""


class Mapped(NamedTuple):
    """The paths of names. Names that could mean several files have those in `ambiguous`.

    `rivals` are all files that a name could mean if nothing were known of their lines.
    """

    paths: dict[str, str]
    ambiguous: dict[str, tuple[str, ...]]
    rivals: dict[str, tuple[str, ...]]


class _Move(NamedTuple):
    """What leads from names to paths: one folder in place of another."""

    old: str
    new: str


class PathMapping:
    """Names of files in a coverage file, as paths of the repository.

    Args:
        top: The top folder of the worktree.
        tracked: The paths of the files in the repository.
        folders: Folders in which the report may have been written, the likeliest first.
        fits: Whether a file can be the one of which lines are counted.
    """

    def __init__(
        self,
        top: Path,
        tracked: Collection[str],
        folders: Sequence[Path] = (),
        fits: Fits = lambda _path, _lines: True,
    ) -> None:
        self.tracked = frozenset(tracked)
        self.fits = fits
        self.tops = {top.as_posix(), top.resolve().as_posix()}
        self.by_name: dict[str, list[str]] = {}
        for path in sorted(self.tracked):
            self.by_name.setdefault(path.rpartition("/")[2], []).append(path)
        self._is_windows = False
        self._by_lower_name: dict[str, list[str]] = {}
        self.bases = [base for folder in folders if (base := self._below_top(folder)) is not None]
        self._votes: Counter[_Move] = Counter()
        self._count = 0

    def _below_top(self, folder: Path) -> str | None:
        """A folder of the worktree as the repository names it: "" for the top."""
        for full in (folder.absolute().as_posix(), folder.resolve().as_posix()):
            for top in self.tops:
                if f"{full}/".startswith(f"{top}/"):
                    return full[len(top) + 1 :]
        return None

    def map(self, names: Mapping[str, Collection[LineNo]], sources: Iterable[str] = ()) -> Mapped:
        """The paths that names mean.

        Args:
            names: The names, with the lines that are counted of each.
            sources: Folders that names may be relative to.
        """
        roots = [source for source in sources if source]
        self._is_windows = any(map(self._is_of_windows, [*names, *roots]))
        choices = {name: self._choices(name, roots) for name in names}
        self._votes = Counter(move for moves in choices.values() for move in moves.values())
        self._count = sum(map(bool, choices.values()))
        mapped = Mapped({}, {}, {})
        for name, moves in choices.items():
            if len(moves) > 1:
                mapped.rivals[name] = tuple(sorted(moves))
            paths = self._fitting(moves, names[name])
            path = self._chosen(paths, moves)
            if path is not None:
                mapped.paths[name] = path
            elif paths:
                mapped.ambiguous[name] = tuple(sorted(paths))
        return mapped

    def _choices(self, name: str, roots: Sequence[str]) -> dict[str, _Move]:
        """The files that a name may mean, each with what leads there."""
        plain = self._separated(name)
        if is_absolute(plain):
            return self._here([plain]) or self._by_end([plain])
        full = [joined(self._separated(root), plain) for root in roots]
        return (
            self._here(full)
            or self._in_bases([path for path in full if not is_absolute(path)])
            or (self._by_end(full) if roots else {})
            or self._in_bases([plain])
            or self._by_end([plain])
        )

    def _separated(self, name: str) -> str:
        """A name with slashes between its folders. A backslash is part of a name where such a
        file is in the repository."""
        plain = name if self._has_own_backslash(name) else name.replace("\\", "/")
        return normalized(plain, keep_parents=True)

    def _has_own_backslash(self, name: str) -> bool:
        return "\\" in name and name.rpartition("/")[2] in self.by_name

    def _is_of_windows(self, name: str) -> bool:
        """Whether a name was written on Windows, which does not tell small letters from capital
        ones."""
        if name[1:2] == ":" and name[2:3] in ("/", "\\"):
            return True
        return "\\" in name and not self._has_own_backslash(name)

    def _here(self, names: Iterable[str]) -> dict[str, _Move]:
        """The files that full names mean on this machine."""
        choices = {}
        for name in map(normalized, names):
            for top in self.tops:
                path = name.removeprefix(f"{top}/")
                if path != name and path in self.tracked:
                    choices[path] = _Move(top, "")
        return choices

    def _in_bases(self, names: Iterable[str]) -> dict[str, _Move]:
        """The files that names mean which lead out of the folder where they were written."""
        choices = {}
        for name in names:
            for base in self.bases if name.startswith("../") else ():
                path = normalized(joined(base, name))
                if path in self.tracked:
                    choices[path] = _Move("..", base)
        return choices

    def _by_end(self, names: Iterable[str]) -> dict[str, _Move]:
        """The files whose paths end as names do."""
        choices: dict[str, _Move] = {}
        for name in map(normalized, names):
            for path in self._same_name(name):
                move = _move(name, path, any_case=self._is_windows)
                if self._may_lead(move, name):
                    former = choices.get(path, move)
                    choices[path] = min(former, move, key=lambda m: len(m.new))
        return choices

    def _same_name(self, name: str) -> list[str]:
        last = name.rpartition("/")[2]
        if not self._is_windows:
            return self.by_name.get(last, [])
        if not self._by_lower_name:
            for key, paths in self.by_name.items():
                self._by_lower_name.setdefault(key.lower(), []).extend(paths)
        return self._by_lower_name.get(last.lower(), [])

    def _may_lead(self, move: _Move, name: str) -> bool:
        """Whether a name may be written as if one folder were the other.

        A relative name is all there is of a path, unless it begins above the worktree. Of an
        absolute one at least a folder must be the same, unless it lies at the top. What is
        installed has its whole name below the folder of packages.
        """
        if not move.old or _is_of_packages(move.old):
            return True
        if is_absolute(name):
            return not move.new or "/" in name[len(move.old) + 1 :]
        return not move.new and any(f"/{top}".endswith(f"/{move.old}") for top in self.tops)

    def _fitting(self, moves: Mapping[str, _Move], lines: Collection[LineNo]) -> list[str]:
        """Those of the choices whose text has the lines that are counted.

        Where none has, all of several; but a file is not meant then by a name from elsewhere that
        shares nothing with it but its last part.
        """
        if len(moves) == 1 and not any(map(self._is_doubtful, moves, moves.values())):
            return list(moves)
        paths = [path for path in moves if self.fits(path, lines)]
        return paths or (list(moves) if len(moves) > 1 else [])

    def _is_doubtful(self, path: str, move: _Move) -> bool:
        shared = path.removeprefix(f"{move.new}/") if move.new else path
        return "/" not in shared and move.old not in ("", *self.tops)

    def _chosen(self, paths: Sequence[str], moves: Mapping[str, _Move]) -> str | None:
        """The file that is meant, if that is sure: no other place of the report explains more."""
        if len(paths) < 2:
            return paths[0] if paths else None
        votes = {path: self._votes[moves[path]] for path in paths}
        most = max(votes.values())
        usual = self._usual(paths, moves)
        if usual is not None:
            return usual if votes[usual] == most else None
        if any(_is_elsewhere(moves[path].old) for path in paths):
            return None
        best = [path for path in paths if votes[path] == most]
        return best[0] if len(best) == 1 and most == self._count else None

    def _usual(self, paths: Sequence[str], moves: Mapping[str, _Move]) -> str | None:
        """The file that is meant where the report was written where such reports are."""
        written_here = [
            path for path in paths if moves[path].new in self.bases and not moves[path].old
        ]
        if written_here:
            return written_here[0] if len(written_here) == 1 else None
        whole = [p for p in paths if is_absolute(moves[p].old) and not moves[p].new]
        if len({f"{moves[path].old}/{path}".lower() for path in whole}) > 1:
            return None  # several sources hold a file of that name
        return max(whole, key=len, default=None)


def _move(name: str, path: str, *, any_case: bool) -> _Move:
    """The folders in which a name and a path differ, in front of the longest end they share."""
    old, new = name.split("/"), path.split("/")
    while old and new and _is_same(old[-1], new[-1], any_case):
        old.pop()
        new.pop()
    return _Move("/".join(old) or ("/" if name.startswith("/") else ""), "/".join(new))


def _is_same(part: str, other: str, any_case: bool) -> bool:
    return part == other or (any_case and part.lower() == other.lower())


def _is_elsewhere(folder: str) -> bool:
    """Whether a folder is known to be none of the worktree's own."""
    return is_absolute(folder) or _is_of_packages(folder)


def _is_of_packages(folder: str) -> bool:
    """Whether packages are installed in a folder."""
    return folder.rpartition("/")[2].lower() in ("site-packages", "dist-packages")


def is_absolute(name: str) -> bool:
    """Whether a name starts at the root of a POSIX machine or of a Windows drive."""
    return name.startswith("/") or name[1:3] == ":/"


def joined(folder: str, name: str) -> str:
    """A name below a folder, "" being the top."""
    return f"{folder}/{name}" if folder else name


def normalized(name: str, *, keep_parents: bool = False) -> str:
    """A name without what `.` and `..` undo.

    Args:
        name: The name, with slashes.
        keep_parents: Leave a `..` at its beginning, for it leads out of some folder.
    """
    rooted = name.startswith("/")
    parts: list[str] = []
    for part in name.split("/"):
        if part == ".." and (parts and parts[-1] != ".."):
            parts.pop()
        elif part == ".." and (rooted or not keep_parents):
            continue
        elif part not in ("", "."):
            parts.append(part)
    return ("/" if rooted else "") + "/".join(parts)


def fits_counted(read: Callable[[str], str] | None) -> Fits:
    """Whether a file has statements on all the lines that a report counts.

    Args:
        read: The text of a file; where left out, all fit.
    """

    def fits(path: str, lines: Collection[LineNo]) -> bool:
        return read is None or set(statement_starts(read(path)).values()).issuperset(lines)

    return fits


def fits_executed(read: Callable[[str], str] | None) -> Fits:
    """Whether a file has something on all the lines that were executed.

    Args:
        read: The text of a file; where left out, all fit.
    """

    def fits(path: str, lines: Collection[LineNo]) -> bool:
        if read is None:
            return True
        rows = split_source_lines(read(path))
        return all(line <= len(rows) and rows[line - 1].strip() for line in lines if line > 0)

    return fits
