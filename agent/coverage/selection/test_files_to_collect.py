"""Which test files to collect, and in which order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

from copydesk.agent.coverage.selection.affected import SESSION, Selection
from copydesk.agent.coverage.selection.rerun_outcomes import FAILED
from copydesk.agent.coverage.source import DEFAULT_PATTERNS, file_of, is_test_file
from copydesk.agent.coverage.store import CoverageMap


def test_file_check(base: CoverageMap) -> Callable[[str], bool]:
    """Whether pytest would collect a file, by what the last run said of its configuration."""
    session = base.traces.get(SESSION)
    patterns = (session.needed("python_files") if session else set()) or DEFAULT_PATTERNS
    collected_before = base.test_files
    return lambda path: path in collected_before or is_test_file(path, patterns)


def to_collect(
    selection: Selection,
    old: Mapping[str, str],
    new: Mapping[str, str],
    base: CoverageMap,
) -> list[str] | None:
    """What to collect, likeliest to fail first; None for all that pytest finds.

    That is when a test file appeared where pytest might not look, and when its hooks changed.
    """
    if selection.whole:
        return None
    is_test = test_file_check(base)
    new_ones = [path for path in selection.collect if path not in old and is_test(path)]
    known = {PurePosixPath(path).parent for path in base.test_files} if new_ones else set()
    if any(PurePosixPath(path).parent not in known for path in new_ones):
        return None
    failed = {file_of(name) for name, why in selection.affected.items() if why == FAILED}
    counts = Counter(file_of(name) for name in selection.affected)

    def rank(path: str) -> tuple[bool, bool, int, str]:
        """Likeliest to fail first: what failed, what is new or changed, what is hit the most."""
        return path not in failed, old.get(path) == new.get(path), -counts[path], path

    return sorted(selection.collect, key=rank)


def in_words(selection: Selection) -> str:
    """Why the tests of a selection run."""
    if not selection.affected:
        return "new tests only" if selection.collect else "no test is affected"
    ranked = sorted(selection.why.items(), key=lambda item: (-item[1], item[0]))
    return "; ".join(f"{count} {why}" for why, count in ranked[:4])
