"""Tests that rest on tests of other files, or of their own, run together with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from copydesk.agent.coverage.source import file_of
from copydesk.agent.coverage.store import CoverageMap, Trace

AFTER = "after"
"""The kind of a need: of a test file whose tests must have run before, in the same process."""

EVERY_FILE = "*"
"""Stands for all test files, where it could not be told which."""


def affect_companions(base: CoverageMap, reasons: dict[tuple[str, str], str]) -> None:
    """Add the tests that must run for the sake of others.

    Args:
        base: The measured commit's map.
        reasons: Why each context runs again; more are added.
    """
    resting = [trace for trace in base.tests().values() if trace.needed(AFTER)]
    if not resting:
        return
    tests_of: dict[str, list[str]] = {}
    for name in base.tests():
        tests_of.setdefault(file_of(name), []).append(name)
    groups = [(trace.name, _files_of(trace, tests_of)) for trace in resting]
    while any(_has_grown(group, tests_of, reasons) for group in groups):
        pass  # one group may be the reason for another


def _has_grown(
    group: tuple[str, set[str]],
    tests_of: Mapping[str, Sequence[str]],
    reasons: dict[tuple[str, str], str],
) -> bool:
    """Let all tests of a group run where one does; whether any was added."""
    name, files = group
    members = [("test", test) for path in files for test in tests_of.get(path, ())]
    missing = [member for member in members if member not in reasons]
    if not missing or len(missing) == len(members):
        return False
    for member in missing:
        reasons[member] = f"runs together with {name}"
    return True


def _files_of(trace: Trace, tests_of: Mapping[str, Sequence[str]]) -> set[str]:
    """The files whose tests run together for the sake of one test."""
    files = trace.needed(AFTER)
    return set(tests_of) if EVERY_FILE in files else {*files, file_of(trace.name)}


def after_predecessors(files: Iterable[str], base: CoverageMap) -> list[str]:
    """Test files in their order, but each after those that a test of it rests on."""
    ordered = list(files)
    pairs = set()
    for trace in base.tests().values():
        own = file_of(trace.name)
        pairs |= {(own, path) for path in trace.needed(AFTER) if path != own}
    if any(path == EVERY_FILE for _, path in pairs):
        return sorted(ordered)
    for own, path in sorted(pairs):
        if own in ordered and path in ordered and ordered.index(own) < ordered.index(path):
            ordered.remove(own)
            ordered.insert(ordered.index(path) + 1, own)
    return ordered
