"""Recordings of parts of one run, merged into that of the whole.

The merge is a union: associative, commutative and idempotent, so it counts for nothing in which
order the parts come, on which machine each ran, and whether one came twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from copydesk.agent.coverage.runner.recording import (
    Recording,
    TestRun,
    united_arcs,
    united_hits,
    united_lines,
    united_needs,
)
from copydesk.agent.records import TestId

_SEPARATOR = "\n\x1e\n"
"""Between what the processes of several parts printed."""

_Value = TypeVar("_Value")

NOTHING = Recording({}, (), {}, {}, {}, {}, 0.0, "")


def merged(fragments: Iterable[Recording]) -> Recording:
    """The recording of a whole run, given those of its parts; of none, one of nothing."""
    whole = NOTHING
    for fragment in fragments:
        whole = merge_two(whole, fragment)
    return whole


def merge_two(one: Recording, other: Recording) -> Recording:
    """The union of two recordings.

    Of two records of one test, which a part that ran twice leaves, one is taken: the same one
    whatever the order. Their lines are united. What it took is that of the longest part.
    """
    return Recording(
        _tests(one.tests, other.tests),
        tuple(sorted({*one.collected, *other.collected})),
        _least(one.errors, other.errors),
        united_hits(one.lines, other.lines, united_lines),
        united_hits(one.arcs, other.arcs, united_arcs),
        united_needs(one.needs, other.needs),
        max(one.seconds, other.seconds),
        max(one.tracer, other.tracer),
        _outputs(one.output, other.output),
    )


def _tests(one: Mapping[TestId, TestRun], other: Mapping[TestId, TestRun]) -> dict[TestId, TestRun]:
    whole = {**one, **other}
    for name in one.keys() & other.keys():
        whole[name] = min(one[name], other[name], key=_order)
    return dict(sorted(whole.items()))


def _order(test: TestRun) -> tuple[object, ...]:
    """What decides between two records of one test: one that failed comes first."""
    passed = test.outcome not in ("failed", "error")
    return (passed, test.outcome, test.seconds, test.message, test.fixtures, test.names)


def _least(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    whole = {**one, **other}
    for name in one.keys() & other.keys():
        whole[name] = min(one[name], other[name])
    return dict(sorted(whole.items()))


def _outputs(one: str, other: str) -> str:
    parts = {*one.split(_SEPARATOR), *other.split(_SEPARATOR)} - {""}
    return _SEPARATOR.join(sorted(parts))
