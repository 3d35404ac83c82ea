"""Several coverage files of one commit, read as one: parts of a suite, or several machines."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from copydesk.agent.coverage.gate.coverage_files import CoverageFile, read_coverage_file
from copydesk.agent.coverage.store import FileLines
from copydesk.agent.errors import CopydeskError
from copydesk.agent.text import clean, one_line


def read_coverage_files(
    paths: Sequence[Path],
    top: Path,
    tracked: Collection[str],
    read: Callable[[str], str] | None = None,
) -> CoverageFile:
    """What coverage files say together. One that cannot be read costs itself, and a remark.

    Args:
        paths: The files, at least one.
        top: The top folder of the worktree that they speak of.
        tracked: The paths of the files in the repository.
        read: The text of one of them; asked where a name could mean several.

    Raises:
        CopydeskError: None of them can be read, or none names a file of the repository.
    """
    readable: list[CoverageFile] = []
    errors: list[CopydeskError] = []
    for path in dict.fromkeys(paths):
        try:
            readable.append(_read(path, top, tracked, read))
        except CopydeskError as error:
            errors.append(error)
    if not readable:
        raise _none_readable(errors)
    merged = _merged(readable)
    lost = tuple(f"left out: {one_line(str(error), 300)}" for error in errors)
    return CoverageFile(merged.files, merged.foreign, merged.ambiguous, (*lost, *merged.remarks))


def _read(
    path: Path, top: Path, tracked: Collection[str], read: Callable[[str], str] | None
) -> CoverageFile:
    data = read_coverage_file(path, top, tracked, read)
    if data.foreign and not data.files:
        raise CopydeskError(
            f"{path} names no file of this repository; its first is {clean(data.foreign[0])}",
            slug="foreign-data",
            hint="Was it written for another project, or before files were moved?",
        )
    return data


def _none_readable(errors: Sequence[CopydeskError]) -> CopydeskError:
    """The error of the first file; where there are several, it names the others too."""
    first = errors[0]
    message = "\n".join(dict.fromkeys(str(error) for error in errors))
    return CopydeskError(message, slug=first.slug, hint=first.hint)


def _merged(parts: Sequence[CoverageFile]) -> CoverageFile:
    if len(parts) == 1:
        return parts[0]
    files: dict[str, FileLines] = {}
    ambiguous: dict[str, tuple[str, ...]] = {}
    for part in parts:
        ambiguous.update(part.ambiguous)
        for path, lines in part.files.items():
            files[path] = merge_lines(files[path], lines) if path in files else lines
    foreign = sorted({name for part in parts for name in part.foreign})
    remarks = dict.fromkeys(remark for part in parts for remark in part.remarks)
    return CoverageFile(files, tuple(foreign), ambiguous, tuple(remarks))


def merge_lines(one: FileLines, other: FileLines) -> FileLines:
    """What two files say of one source: a line is reached that either reaches.

    Which branch of a line was taken they do not say, only how many: one that neither takes whole
    stays partial, and of the branches no more count as taken than one of them takes.
    """
    statements = one.statements | other.statements
    reached = (one.statements - one.missing) | (other.statements - other.missing)
    whole = (one.statements - one.missing - one.partial) | (
        other.statements - other.missing - other.partial
    )
    partial = (one.partial | other.partial) & reached - whole
    fewest = min(
        (file for file in (one, other) if file.branches),
        key=lambda file: file.missing_branches,
        default=one,
    )
    return FileLines(
        statements, statements - reached, partial, fewest.branches, fewest.missing_branches
    )
