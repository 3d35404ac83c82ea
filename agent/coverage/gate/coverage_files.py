"""Coverage files that other tools wrote: coverage.py's own, its JSON, Cobertura XML, lcov."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copydesk.agent.coverage.gate.coverage_xml import parse_xml
from copydesk.agent.coverage.gate.lcov import parse_lcov
from copydesk.agent.coverage.gate.line_counts import LineCounts
from copydesk.agent.coverage.gate.path_mapping import PathMapping
from copydesk.agent.coverage.store import FileLines
from copydesk.agent.errors import CopydeskError

MAX_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class CoverageFile:
    """A coverage file in the paths of the repository. `foreign` are names that lie outside."""

    files: dict[str, FileLines]
    foreign: tuple[str, ...]


def read_coverage_file(path: Path, top: Path, tracked: Collection[str]) -> CoverageFile:
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
    mapping = PathMapping(top, tracked)
    try:
        counts, sources = _parse(path, raw, mapping)
        return _in_repository(counts, mapping, sources)
    except CopydeskError:
        raise
    except Exception as error:  # whatever a damaged file makes a parser do
        raise _unreadable(path, f"{type(error).__name__}: {error}") from error


def _parse(
    path: Path, raw: bytes, mapping: PathMapping
) -> tuple[dict[str, LineCounts], Iterable[str]]:
    """What the file says by name, and the folders that names may be relative to."""
    if raw.startswith(b"SQLite format 3\0"):
        return _parse_json(_json_report(path, mapping)), ()
    encoding = None
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):  # PowerShell redirects so
        raw, encoding = raw.decode("utf-16").encode(), "utf-8"
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    first_byte = raw.lstrip()[:1]
    if first_byte == b"<":
        return parse_xml(raw, encoding)
    if first_byte == b"{":
        return _parse_json(json.loads(raw)), ()
    return parse_lcov(raw), ()


def _unreadable(path: Path, why: str) -> CopydeskError:
    return CopydeskError(
        f"{path} cannot be read as a coverage file: {why}",
        slug="unreadable-data",
        hint="A .coverage file, coverage.xml, coverage.json or an lcov file can be read.",
    )


def _parse_json(report: Any) -> dict[str, LineCounts]:
    """The report of `coverage json`, format 2 or 3."""
    files: dict[str, LineCounts] = {}
    for name, entry in report["files"].items():
        file = files.setdefault(name, LineCounts())
        for line in entry["executed_lines"]:
            file.add_hits(int(line), 1)
        for line in entry["missing_lines"]:
            file.add_hits(int(line), 0)
        for key, taken in (("executed_branches", 1), ("missing_branches", 0)):
            for start, _ in entry.get(key, ()):
                former_total, former_taken = file.branches.get(abs(start), (0, 0))
                file.branches[abs(start)] = (former_total + 1, former_taken + taken)
    return files


def _json_report(path: Path, mapping: PathMapping) -> Any:
    """A .coverage file as coverage.py's JSON report, under the project's own configuration."""
    # coverage.py takes a twentieth of a second to import, and other formats need none of it
    import tempfile

    from coverage import Coverage, CoverageData
    from coverage.exceptions import CoverageException

    config = _configuration(mapping.top)
    with tempfile.TemporaryDirectory(prefix="copydesk-") as folder:
        mapped = CoverageData(basename=str(Path(folder) / "data"))
        try:
            data = CoverageData(basename=str(path))
            data.read()
            mapped.update(
                data, map_path=lambda name: str(mapping.top / (mapping.path_of(name) or name))
            )
            mapped.write()
            cov = Coverage(data_file=mapped.data_filename(), config_file=config, messages=False)
            cov.set_option("run:plugins", [])  # a tracked file may not run code in this process
            cov.set_option("run:disable_warnings", ["no-data-collected"])
            cov.load()
            output = Path(folder) / "report.json"
            cov.json_report(outfile=str(output), ignore_errors=True)
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


def _in_repository(
    counts: Mapping[str, LineCounts], mapping: PathMapping, sources: Iterable[str]
) -> CoverageFile:
    """What the file says by the paths of the repository; several names of one file add up."""
    files: dict[str, LineCounts] = {}
    foreign = []
    for name, file in counts.items():
        path = mapping.path_of(name, sources)
        if path is None:
            foreign.append(name)
        elif path in files:
            files[path].merge(file)
        else:
            files[path] = file
    lines = {path: file.to_lines() for path, file in sorted(files.items())}
    return CoverageFile(lines, tuple(sorted(foreign)))
