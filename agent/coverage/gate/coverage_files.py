"""Coverage files that other tools wrote: coverage.py's own, its JSON, Cobertura XML, lcov."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from copydesk.agent.coverage.store.file_lines import FileLines
from copydesk.agent.errors import CopydeskError
from copydesk.agent.records import LineNo

MAX_BYTES = 512 * 1024 * 1024

_TAKEN = rb' branch="true" condition-coverage="\d+% \(\d+/\d+\)"(?: missing-branches="[^"<&]*")?'
_LINE = rb'<line number="\d+" hits="\d+"(?:' + _TAKEN + rb")?/>"
_PLAIN = re.compile(rb"<lines>((?:\s*+" + _LINE + rb")*+)\s*+</lines>")
_HITS = re.compile(rb'<line number="(\d+)" hits="(\d+)"')
_BRANCHES = re.compile(rb'number="(\d+)" hits="\d+" branch="true" .*?\((\d+)/(\d+)\)')
_KEPT = "copydesk-kept"


@dataclass(slots=True)
class _File:
    """What a coverage file says of one source file; several records of one file add up.

    `branches` holds by line: branches there are, and branches taken.
    """

    hits: dict[LineNo, int] = field(default_factory=dict)
    branches: dict[LineNo, tuple[int, int]] = field(default_factory=dict)

    def add(self, line: LineNo, hits: int) -> None:
        self.hits[line] = self.hits.get(line, 0) + hits

    def add_branches(self, line: LineNo, there: int, taken: int) -> None:
        before = self.branches.get(line, (0, 0))
        self.branches[line] = (max(there, before[0]), max(taken, before[1]))

    def lines(self) -> FileLines:
        missing = frozenset(n for n, hits in self.hits.items() if not hits)
        partial = frozenset(n for n, (there, taken) in self.branches.items() if taken < there)
        there = sum(there for there, _ in self.branches.values())
        taken = sum(taken for _, taken in self.branches.values())
        return FileLines(frozenset(self.hits), missing, partial - missing, there, there - taken)


@dataclass(frozen=True, slots=True)
class Data:
    """A coverage file in the paths of the repository. `strangers` are names that lie outside."""

    files: dict[str, FileLines]
    strangers: tuple[str, ...]


def read(path: Path, top: Path, tracked: Collection[str]) -> Data:
    """Read a coverage file of any known format; the content says which it is.

    Args:
        path: The file.
        top: The top folder of the worktree that it speaks of.
        tracked: The paths of the files in the repository.

    Raises:
        CopydeskError: It is not there, or of no known format, or damaged.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _unreadable(path, f"it is larger than {MAX_BYTES >> 20} MB")
        raw = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    place = _Places(top, tracked)
    try:
        if raw.startswith(b"SQLite format 3\0"):
            return _place(_from_json(_exported(path, place)), place)
        encoding = None
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):  # PowerShell redirects so
            raw, encoding = raw.decode("utf-16").encode(), "utf-8"
        raw = raw.removeprefix(b"\xef\xbb\xbf")
        first = raw.lstrip()[:1]
        if first == b"<":
            found, roots = _from_xml(raw, encoding)
            return _place(found, place, roots)
        return _place(_from_json(json.loads(raw)) if first == b"{" else _from_lcov(raw), place)
    except CopydeskError:
        raise
    except Exception as error:  # whatever a damaged file makes a parser do
        raise _unreadable(path, f"{type(error).__name__}: {error}") from error


def _unreadable(path: Path, why: str) -> CopydeskError:
    return CopydeskError(
        f"{path} is no coverage file that can be read: {why}",
        slug="unreadable-data",
        hint="A .coverage file, coverage.xml, coverage.json or an lcov file can be read.",
    )


def _from_json(report: Any) -> dict[str, _File]:
    """The report of `coverage json`, format 2 or 3."""
    found: dict[str, _File] = {}
    for name, said in report["files"].items():
        file = found.setdefault(name, _File())
        for line in said["executed_lines"]:
            file.add(int(line), 1)
        for line in said["missing_lines"]:
            file.add(int(line), 0)
        for key, taken in (("executed_branches", 1), ("missing_branches", 0)):
            for first, _ in said.get(key, ()):
                there, before = file.branches.get(abs(first), (0, 0))
                file.branches[abs(first)] = (there + 1, before + taken)
    return found


def _from_xml(raw: bytes, encoding: str | None) -> tuple[dict[str, _File], list[str]]:
    """The files and roots of a Cobertura report, as coverage.py and others write it.

    https://cobertura.github.io/cobertura/. A large project has some hundred thousand lines, and
    each is two calls out of the parser. So lists of lines in the very form that coverage.py writes
    are put aside before, and read by a regular expression where the parser comes to their place.
    `encoding` is used whatever the report says of itself.
    """
    # a fortieth of a second, and other formats need none of it
    from xml.parsers import expat

    kept: list[bytes] = []

    def keep(match: re.Match[bytes]) -> bytes:
        kept.append(match[1])
        return b'<lines %b="%d"/>' % (_KEPT.encode(), len(kept) - 1)

    files: dict[str, _File] = {}
    roots: list[str] = []
    place: list[str] = []
    file = _File()
    counts = False

    def begin(tag: str, given: dict[str, str]) -> None:
        nonlocal file, counts
        if tag == "line":
            if counts:  # else a method's, which the class repeats
                _add_line(file, given)
            return
        if tag == "class":
            file = files.setdefault(given["filename"], _File())
        elif tag == "lines":
            counts = place[-1:] == ["class"]
            if counts and kept and _KEPT in given:
                _add_kept(file, kept[int(given[_KEPT])])
        elif tag == "source" and place == ["coverage", "sources"]:
            parser.CharacterDataHandler = roots.append
        elif not place and tag != "coverage":
            raise ValueError(f"its root is <{tag[:40]}>, not <coverage>")
        place.append(tag)

    def end(tag: str) -> None:
        nonlocal counts
        if tag == "line":
            return
        place.pop()
        if tag == "lines":
            counts = False
        elif tag == "source":
            parser.CharacterDataHandler = None

    def refuse(*_: object) -> None:
        # a parser expands entities, and a small file can grow to gigabytes that way
        raise ValueError("it declares entities, which no coverage file needs")

    parser = expat.ParserCreate(encoding)
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.EntityDeclHandler = refuse
    parser.Parse(raw if _KEPT.encode() in raw else _PLAIN.sub(keep, raw), True)
    return files, [root.strip() for root in roots]


def _add_line(file: _File, given: Mapping[str, str]) -> None:
    number = int(given["number"])
    file.add(number, int(given["hits"]))
    if "condition-coverage" in given and given.get("branch", "").lower() == "true":
        taken, _, there = given["condition-coverage"].partition("(")[2].partition("/")
        if there:
            file.add_branches(number, int(there.rstrip(")")), int(taken))


def _add_kept(file: _File, lines: bytes) -> None:
    found = _HITS.findall(lines)
    hits = {int(number): int(count) for number, count in found}
    if file.hits or len(hits) < len(found):
        for number, count in found:
            file.add(int(number), int(count))
    else:
        file.hits = hits
    if b"branch" in lines:
        for number, taken, there in _BRANCHES.findall(lines):
            file.add_branches(int(number), int(there), int(taken))


def _from_lcov(raw: bytes) -> dict[str, _File]:
    """An lcov tracefile: geninfo(1), section "TRACEFILE FORMAT"."""
    found: dict[str, _File] = {}
    file: _File | None = None
    branches: dict[int, list[int]] = {}
    for line in raw.decode("utf-8", "surrogateescape").splitlines():
        key, _, value = line.strip().partition(":")
        if key == "SF":
            file, branches = found.setdefault(value, _File()), {}
        elif file is None:
            if key and key != "TN":
                raise ValueError("it does not start like an lcov file")
        elif key == "DA":
            number, hits = value.split(",")[:2]
            file.add(int(number), max(0, int(hits)))
        elif key == "BRDA":
            number, _, rest = value.partition(",")
            taken = rest.rpartition(",")[2]
            branches.setdefault(int(number), []).append(0 if taken in ("-", "0") else 1)
        elif key == "end_of_record":
            for at, all_taken in branches.items():
                file.add_branches(at, len(all_taken), sum(all_taken))
            file = None
    if not found and raw.strip():
        raise ValueError("it names no source file")
    return found


def _exported(path: Path, place: _Places) -> Any:
    """A .coverage file as coverage.py's JSON report, under the project's own configuration."""
    # coverage.py takes a twentieth of a second to import, and other formats need none of it
    import tempfile

    from coverage import Coverage, CoverageData
    from coverage.exceptions import CoverageException

    config = _configuration(place.top)
    with tempfile.TemporaryDirectory(prefix="copydesk-") as folder:
        there = CoverageData(basename=str(Path(folder) / "data"))
        try:
            given = CoverageData(basename=str(path))
            given.read()
            there.update(given, map_path=lambda name: str(place.top / (place.of(name) or name)))
            there.write()
            run = Coverage(data_file=there.data_filename(), config_file=config, messages=False)
            run.set_option("run:plugins", [])  # a tracked file may not run code in this process
            run.set_option("run:disable_warnings", ["no-data-collected"])
            run.load()
            output = Path(folder) / "report.json"
            run.json_report(outfile=str(output), ignore_errors=True)
        except CoverageException as error:
            raise _unreadable(path, str(error)) from error
        return json.loads(output.read_text("utf-8"))


def _configuration(top: Path) -> str | bool:
    """The file that configures coverage.py, found as coverage.py does, but in the worktree."""
    for name, mark in (
        (".coveragerc", ""),
        (".coveragerc.toml", ""),
        ("setup.cfg", "[coverage:"),
        ("tox.ini", "[coverage:"),
        ("pyproject.toml", "[tool.coverage"),
    ):
        file = top / name
        if file.is_file() and mark in file.read_text("utf-8", "replace"):
            return str(file)
    return False


class _Places:
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
        plain = _normal(name)
        full = [plain] if _absolute(plain) else [f"{_normal(root)}/{plain}" for root in roots]
        for candidate in [*full, plain]:
            for top in self.tops:
                inside = candidate.removeprefix(f"{top}/")
                if inside != candidate and inside in self.tracked:
                    return inside
        if not _absolute(plain):
            relative = [plain, *(f for f in full if not _absolute(f)), f"src/{plain}"]
            for candidate in relative:
                if _normal(candidate) in self.tracked:
                    return _normal(candidate)
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


def _absolute(name: str) -> bool:
    return name.startswith("/") or name[1:3] == ":/"


def _normal(name: str) -> str:
    plain = name.replace("\\", "/")
    rooted = plain.startswith("/")
    parts: list[str] = []
    for part in plain.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return ("/" if rooted else "") + "/".join(parts)


def _place(found: Mapping[str, _File], place: _Places, roots: Iterable[str] = ()) -> Data:
    files: dict[str, _File] = {}
    strangers = []
    for name, file in found.items():
        path = place.of(name, roots)
        if path is None:
            strangers.append(name)
        elif files.setdefault(path, file) is not file:  # two names of one file
            for line, hits in file.hits.items():
                files[path].add(line, hits)
            for line, (there, taken) in file.branches.items():
                files[path].add_branches(line, there, taken)
    return Data({p: f.lines() for p, f in sorted(files.items())}, tuple(sorted(strangers)))
