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

    def path_of(self, name: str, sources: Iterable[str] = ()) -> str | None:
        """The path in the repository, or None when the file is not part of it.

        A name may be relative to the top, to one of the source folders that the file names, or to
        src; or absolute on the machine where it was measured: then the longest end of it that is
        in the repository is meant. A name that could mean two files means none.
        """
        plain = normalized(name)
        if is_absolute(plain):
            return self._under_top([plain]) or self._by_end([plain])
        full = [f"{normalized(source)}/{plain}" for source in sources]
        path = self._under_top([*full, plain])
        if path is not None:
            return path
        relative = [path for path in full if not is_absolute(path)]
        for candidate in map(normalized, [plain, *relative, f"src/{plain}"]):
            if candidate in self.tracked:
                return candidate
        return self._by_end(full or [plain])

    def _under_top(self, names: Iterable[str]) -> str | None:
        """The file that a full name means on this machine."""
        for name in names:
            for top in self.tops:
                path = name.removeprefix(f"{top}/")
                if path != name and path in self.tracked:
                    return path
        return None

    def _by_end(self, names: Iterable[str]) -> str | None:
        """The file whose path the longest end of a name is, or the one that ends with the name."""
        for name in names:
            parts = PurePosixPath(name).parts
            for start in range(len(parts)):
                end = "/".join(parts[start:])
                if end in self.tracked:
                    return end
            same_name = self.by_name.get(parts[-1], []) if parts else []
            longer = [path for path in same_name if path.endswith(f"/{name}")]
            if len(longer) == 1:
                return longer[0]
        return None


def is_absolute(name: str) -> bool:
    """Whether a name starts at the root of a POSIX machine or of a Windows drive."""
    return name.startswith("/") or name[1:3] == ":/"


def normalized(name: str) -> str:
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
