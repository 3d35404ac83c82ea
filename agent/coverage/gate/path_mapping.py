"""Maps the names that a coverage file uses to the paths of the repository."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path, PurePosixPath


class PathMapping:
    """Names of files in a coverage file, as paths of the repository."""

    def __init__(self, top: Path, tracked: Collection[str]) -> None:
        self.top = top
        self.tracked = frozenset(tracked)
        self.by_name: dict[str, list[str]] = {}
        for path in sorted(self.tracked):
            self.by_name.setdefault(PurePosixPath(path).name, []).append(path)
        self.tops = {top.as_posix(), top.resolve().as_posix()}

    def of(self, name: str, roots: Iterable[str] = ()) -> str | None:
        """The path in the repository, or None when the file is not part of it.

        A name may be relative to the top, to one of the roots or to a source folder, or absolute
        on the machine where it was measured: then the longest end of it that is in the
        repository is meant. A name that could mean two files means none.
        """
        plain = normal(name)
        full = [plain] if absolute(plain) else [f"{normal(root)}/{plain}" for root in roots]
        for candidate in [*full, plain]:
            for top in self.tops:
                inside = candidate.removeprefix(f"{top}/")
                if inside != candidate and inside in self.tracked:
                    return inside
        if not absolute(plain):
            relative = [plain, *(f for f in full if not absolute(f)), f"src/{plain}"]
            for candidate in relative:
                if normal(candidate) in self.tracked:
                    return normal(candidate)
        return self._by_end(full or [plain])

    def _by_end(self, names: Iterable[str]) -> str | None:
        for name in names:
            parts = PurePosixPath(name).parts
            for start in range(len(parts)):
                end = "/".join(parts[start:])
                if end in self.tracked:
                    return end
            same = self.by_name.get(parts[-1], []) if parts else []
            longer = [path for path in same if path.endswith(f"/{name}")]
            if len(longer) == 1:
                return longer[0]
        return None


def absolute(name: str) -> bool:
    """Whether a name starts at the root of a POSIX machine or of a Windows drive."""
    return name.startswith("/") or name[1:3] == ":/"


def normal(name: str) -> str:
    """A name with slashes, without what `.` and `..` undo."""
    plain = name.replace("\\", "/")
    rooted = plain.startswith("/")
    parts: list[str] = []
    for part in plain.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return ("/" if rooted else "") + "/".join(parts)
