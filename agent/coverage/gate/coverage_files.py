"""Coverage files that other tools wrote: coverage.py's own, its JSON, Cobertura XML, lcov."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copydesk.agent.coverage.gate.coverage_xml import parse_xml, sums_of_xml
from copydesk.agent.coverage.gate.lcov import parse_lcov
from copydesk.agent.coverage.gate.line_counts import LineCounts
from copydesk.agent.coverage.gate.path_mapping import (
    Mapped,
    PathMapping,
    fits_counted,
    fits_executed,
)
from copydesk.agent.coverage.store import FileLines
from copydesk.agent.errors import CopydeskError
from copydesk.agent.text import clean

if TYPE_CHECKING:
    from coverage import Coverage

MAX_BYTES = 512 * 1024 * 1024
SQLITE = b"SQLite format 3\0"


@dataclass(frozen=True, slots=True)
class CoverageFile:
    """A coverage file in the paths of the repository.

    `foreign` are names that lie outside, `ambiguous` holds the files that a name could mean, by
    name, and `remarks` what else there is to say.
    """

    files: dict[str, FileLines]
    foreign: tuple[str, ...]
    ambiguous: dict[str, tuple[str, ...]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def unclear(self) -> frozenset[str]:
        """The files of which the report may or may not speak."""
        return frozenset(path for paths in self.ambiguous.values() for path in paths)


def read_coverage_file(
    path: Path,
    top: Path,
    tracked: Collection[str],
    read: Callable[[str], str] | None = None,
) -> CoverageFile:
    """Read a coverage file of any known format; the content says which it is.

    Args:
        path: The file.
        top: The top folder of the worktree that it speaks of.
        tracked: The paths of the files in the repository.
        read: The text of one of them; asked where a name could mean several.

    Raises:
        CopydeskError: It is not there, or of no known format, or damaged.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _unreadable(path, f"it is larger than {MAX_BYTES >> 20} MB")
        raw = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    folders = (path.absolute().parent, Path.cwd())
    try:
        if raw.startswith(SQLITE):
            return _read_data(path, PathMapping(top, tracked, folders, fits_executed(read)), top)
        mapping = PathMapping(top, tracked, folders, fits_counted(read))
        counts, sources = _parse(raw)
        mapped = mapping.map({name: file.hits.keys() for name, file in counts.items()}, sources)
        coverage = _in_repository(counts, mapped)
        sums = sums_of_xml(raw)
        if sums and sums[0] > sum(len(file.hits) for file in counts.values()):
            whole = _data_beside(path, mapping, top, sums)
            return whole or _without_rivals(coverage, path, mapped)
        return coverage
    except CopydeskError:
        raise
    except Exception as error:  # whatever a damaged file makes a parser do
        raise _unreadable(path, f"{type(error).__name__}: {error}") from error


def _parse(raw: bytes) -> tuple[dict[str, LineCounts], list[str]]:
    """What the file says by name, and the folders that names may be relative to."""
    encoding = None
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):  # PowerShell redirects so
        raw, encoding = raw.decode("utf-16").encode(), "utf-8"
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    first_byte = raw.lstrip()[:1]
    if first_byte == b"<":
        return parse_xml(raw, encoding)
    if first_byte == b"{":
        return _parse_json(json.loads(raw)), []
    return parse_lcov(raw), []


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


def _read_data(path: Path, mapping: PathMapping, top: Path) -> CoverageFile:
    """A .coverage file, by coverage.py's JSON report under the project's own configuration."""
    # coverage.py takes a twentieth of a second to import, and other formats need none of it
    import tempfile
    import warnings

    from coverage import Coverage, CoverageData
    from coverage.exceptions import CoverageException, NoDataError

    folder, config = _configuration(path.absolute().parent, top)
    with (
        tempfile.TemporaryDirectory(prefix="copydesk-") as scratch,
        contextlib.chdir(folder),
        warnings.catch_warnings(action="ignore"),  # of files that are not of the repository
    ):
        renamed = CoverageData(basename=str(Path(scratch) / "data"))
        combined = Path(scratch) / "combined"
        output = Path(scratch) / "report.json"
        try:
            data = CoverageData(basename=str(path))
            data.read()
            if data.measured_files() and _has_paths(config):
                # as in each report: names of installed copies become those of their sources
                with_paths = _without_plugins(Coverage(str(combined), config_file=config))
                with_paths.combine([str(path)], keep=True)
                with_paths.save()
                data = with_paths.get_data()
            names = {name: data.lines(name) or () for name in data.measured_files()}
            mapped = mapping.map(names)
            full = {name: str(top / where) for name, where in mapped.paths.items()}
            renamed.update(data, map_path=lambda name: full.get(name, f"{scratch}/{name}"))
            renamed.write()
            cov = _without_plugins(Coverage(renamed.data_filename(), config_file=config))
            cov.set_option("run:disable_warnings", ["no-data-collected"])
            cov.load()
            cov.json_report(outfile=str(output), ignore_errors=True)
            counts = _parse_json(json.loads(output.read_text("utf-8")))
        except NoDataError:
            counts = {}
        except CoverageException as error:
            raise _unreadable(path, str(error)) from error
    files = {}
    for where in sorted(mapped.paths.values()):
        for name in (os.path.relpath(top / where, folder), str(top / where), where):
            if name in counts:
                files[where] = counts[name].to_lines()
                break
    foreign = names.keys() - mapped.paths.keys() - mapped.ambiguous.keys()
    return CoverageFile(files, tuple(sorted(foreign)), mapped.ambiguous, _remarks(mapped.ambiguous))


def _without_plugins(cov: Coverage) -> Coverage:
    """A reader of data that runs no code of the project, and keeps full names as they are."""
    cov.set_option("run:plugins", [])
    cov.set_option("run:relative_files", False)
    return cov


def _has_paths(config: str | bool) -> bool:
    """Whether a configuration says which folders stand for each other."""
    if not isinstance(config, str):
        return False
    return "paths" in Path(config).read_text("utf-8", "replace")


def _configuration(start: Path, top: Path) -> tuple[Path, str | bool]:
    """The nearest folder of the worktree that configures coverage.py, and the file that does."""
    folders = [start, *start.parents] if start.is_relative_to(top) else [top]
    for folder in folders:
        config = coverage_configuration(folder)
        if config or folder == top:
            return folder, config
    return top, False


def coverage_configuration(folder: Path) -> str | bool:
    """The file in a folder that configures coverage.py, found as coverage.py does."""
    for name, mark in (
        (".coveragerc", ""),
        (".coveragerc.toml", ""),
        ("setup.cfg", "[coverage:"),
        ("tox.ini", "[coverage:"),
        ("pyproject.toml", "[tool.coverage"),
    ):
        file = folder / name
        if file.is_file() and mark in file.read_text("utf-8", "replace"):
            return str(file)
    return False


def _in_repository(counts: Mapping[str, LineCounts], mapped: Mapped) -> CoverageFile:
    """What the file says by the paths of the repository; several names of one file add up."""
    files: dict[str, LineCounts] = {}
    foreign = []
    for name, file in counts.items():
        path = mapped.paths.get(name)
        if path is None:
            foreign += [] if name in mapped.ambiguous else [name]
        elif path in files:
            files[path].merge(file)
        else:
            files[path] = file
    lines = {path: file.to_lines() for path, file in sorted(files.items())}
    return CoverageFile(lines, tuple(sorted(foreign)), mapped.ambiguous, _remarks(mapped.ambiguous))


def _remarks(ambiguous: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """What is to be said of names that could mean several files."""
    remarks = []
    for name, paths in sorted(ambiguous.items()):
        remarks.append(f"{clean(name, keep='')} could mean {' or '.join(paths)}, so it means none")
    return tuple(remarks)


def _data_beside(
    path: Path, mapping: PathMapping, top: Path, sums: tuple[int, int]
) -> CoverageFile | None:
    """The data of which coverage.py wrote an XML report that lacks files, where they lie beside it.

    Of two files that have one name below their sources, it writes only the last. The data are
    those that the report was made of if their sums are the report's.
    """
    for folder in (path.absolute().parent, Path.cwd(), top):
        data = folder / ".coverage"
        if not data.is_file():
            continue
        whole = _read_data(data, PathMapping(top, mapping.tracked, (folder,), mapping.fits), top)
        statements = sum(len(file.statements) for file in whole.files.values())
        missing = sum(len(file.missing) for file in whole.files.values())
        if not whole.ambiguous and sums == (statements, statements - missing):
            remark = f"{_lost(path)}; this is by the data it was written from, {data.name}"
            return replace(whole, remarks=(remark,))
    return None


def _without_rivals(coverage: CoverageFile, path: Path, mapped: Mapped) -> CoverageFile:
    """A report that lacks files, without those that may be the ones that it lacks."""
    ambiguous = dict(mapped.rivals)
    kept = {where: file for where, file in coverage.files.items()
            if all(where not in rivals for rivals in ambiguous.values())}  # fmt: skip
    remark = f"{_lost(path)}; --data .coverage, JSON and lcov have all of them"
    return replace(coverage, files=kept, ambiguous=ambiguous, remarks=(remark,))


def _lost(path: Path) -> str:
    return (
        f"{path.name} lacks files: of those with one name below their sources, coverage.py"
        " writes one"
    )
