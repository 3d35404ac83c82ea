"""Coverage files that other tools wrote: coverage.py's own, its JSON, Cobertura XML, lcov."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copydesk.agent.coverage.gate.coverage_xml import (
    from_xml,
)
from copydesk.agent.coverage.gate.file_hits import FileHits
from copydesk.agent.coverage.gate.path_mapping import PathMapping
from copydesk.agent.coverage.store import FileLines
from copydesk.agent.errors import CopydeskError

MAX_BYTES = 512 * 1024 * 1024


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
    place = PathMapping(top, tracked)
    try:
        if raw.startswith(b"SQLite format 3\0"):
            return _place(_from_json(_exported(path, place)), place)
        encoding = None
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):  # PowerShell redirects so
            raw, encoding = raw.decode("utf-16").encode(), "utf-8"
        raw = raw.removeprefix(b"\xef\xbb\xbf")
        first = raw.lstrip()[:1]
        if first == b"<":
            found, roots = from_xml(raw, encoding)
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


def _from_json(report: Any) -> dict[str, FileHits]:
    """The report of `coverage json`, format 2 or 3."""
    found: dict[str, FileHits] = {}
    for name, said in report["files"].items():
        file = found.setdefault(name, FileHits())
        for line in said["executed_lines"]:
            file.add(int(line), 1)
        for line in said["missing_lines"]:
            file.add(int(line), 0)
        for key, taken in (("executed_branches", 1), ("missing_branches", 0)):
            for first, _ in said.get(key, ()):
                there, before = file.branches.get(abs(first), (0, 0))
                file.branches[abs(first)] = (there + 1, before + taken)
    return found


def _from_lcov(raw: bytes) -> dict[str, FileHits]:
    """An lcov tracefile: geninfo(1), section "TRACEFILE FORMAT"."""
    found: dict[str, FileHits] = {}
    file: FileHits | None = None
    branches: dict[int, list[int]] = {}
    for line in raw.decode("utf-8", "surrogateescape").splitlines():
        key, _, value = line.strip().partition(":")
        if key == "SF":
            file, branches = found.setdefault(value, FileHits()), {}
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


def _exported(path: Path, place: PathMapping) -> Any:
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


def _place(found: Mapping[str, FileHits], place: PathMapping, roots: Iterable[str] = ()) -> Data:
    files: dict[str, FileHits] = {}
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
