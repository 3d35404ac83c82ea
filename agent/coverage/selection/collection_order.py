"""In which order the chosen test files are collected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

from copydesk.agent.coverage.selection.affected import Selection
from copydesk.agent.coverage.selection.collected_files import SESSION
from copydesk.agent.coverage.selection.rerun_outcomes import FAILED
from copydesk.agent.coverage.selection.run_together import after_predecessors
from copydesk.agent.coverage.source import DEFAULT_PATTERNS, file_of, is_test_file
from copydesk.agent.coverage.store import CoverageMap

MOST_REASONS = 4
"""So many of the reasons why tests run are told."""


HOOKS_FOR_ALL = (
    *("pytest_collection_modifyitems", "pytest_collection_finish", "pytest_itemcollected"),
    *("pytest_deselected", "pytest_sessionfinish", "pytest_runtestloop", "pytest_unconfigure"),
)
"""Hooks that are called for the tests of all folders, in whichever conftest file they are."""


def test_file_check(base: CoverageMap) -> Callable[[str], bool]:
    """What tells whether pytest would collect a file, by what it was configured to in the last run.

    Args:
        base: The map of the measured commit.
    """
    session = base.traces.get(SESSION)
    patterns = (session.needed("python_files") if session else set()) or DEFAULT_PATTERNS
    collected_before = base.test_files
    return lambda path: path in collected_before or is_test_file(path, patterns)


def collection_order(
    selection: Selection,
    old: Mapping[str, str],
    new: Mapping[str, str],
    base: CoverageMap,
) -> list[str] | None:
    """The test files to collect, likeliest to fail first; None for all that pytest finds.

    That is when a test file appeared where pytest might not look, and when its hooks changed.

    Args:
        selection: What is to be run.
        old: The tree of the measured commit: blob by path.
        new: The tree of the one to measure.
        base: The measured commit's map.
    """
    if selection.all_files or _has_test_file_elsewhere(selection, old, base):
        return None
    failed = {file_of(name) for name, why in selection.affected.items() if why == FAILED}
    counts = Counter(file_of(name) for name in selection.affected)

    def rank(path: str) -> tuple[bool, bool, int, str]:
        """What failed, what is new or changed, what is hit the most."""
        return path not in failed, old.get(path) == new.get(path), -counts[path], path

    return after_predecessors(sorted(selection.collect, key=rank), base)


def _has_test_file_elsewhere(
    selection: Selection, old: Mapping[str, str], base: CoverageMap
) -> bool:
    """Whether a test file came in a folder that had none: pytest might not look there."""
    is_collected = test_file_check(base)
    new_files = [path for path in selection.collect if path not in old and is_collected(path)]
    if not new_files:
        return False
    folders = {PurePosixPath(path).parent for path in base.test_files}
    return any(PurePosixPath(path).parent not in folders for path in new_files)


def conftests_for_all(
    base: CoverageMap, blobs: Mapping[str, str], read: Callable[[str], str]
) -> list[str]:
    """The conftest files whose hooks pytest calls for the tests of other folders, too.

    Args:
        base: The map of the measured commit: those that its run loaded.
        blobs: The tree to measure: blob by path.
        read: The text of a blob.
    """
    paths = []
    for kind, path in base.traces:
        if kind == "import" and PurePosixPath(path).name == "conftest.py" and path in blobs:
            text = read(blobs[path])
            if any(name in text for name in HOOKS_FOR_ALL):
                paths.append(path)
    return sorted(paths)


def describe(selection: Selection) -> str:
    """Why the tests of a selection run, in words."""
    if not selection.affected:
        return "new tests only" if selection.collect else "no test is affected"
    ranked = sorted(selection.why.items(), key=lambda item: (-item[1], item[0]))
    return "; ".join(f"{count} {why}" for why, count in ranked[:MOST_REASONS])
