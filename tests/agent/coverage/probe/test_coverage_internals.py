"""What is private to coverage.py: read as the installed version has it, or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.coverage.probe.copydesk_probe import coverage_internals as internals
from copydesk.agent.coverage.probe.copydesk_probe.coverage_internals import (
    OWN_PACKING,
    ArcPacking,
    packing_of,
)

PATH = "/tree/copydesk-two-lines.py"


@given(st.sampled_from([20, 28]), st.integers(-(2**19), 2**19), st.integers(-(2**19), 2**19))
def test_an_arc_comes_back_in_every_layout(bits: int, start: int, end: int) -> None:
    packing = ArcPacking(bits)
    assert packing.unpacked(packing.packed(start, end)) == (start, end)


ARCS = ((-1, 6), (6, 7), (7, -1))


@pytest.mark.parametrize("bits", [20, 24, 28])
def test_the_layout_is_seen_from_what_the_tracer_makes_of_two_lines(bits: int) -> None:
    live: dict[str, set[Any]] = {PATH: {ArcPacking(bits).packed(*arc) for arc in ARCS}, "b": {1}}
    assert packing_of(live, "/tree/", arcs=True) == ArcPacking(bits)
    assert live == {"b": {1}}


@pytest.mark.parametrize(
    "hits",
    [
        set(),
        {6 | 7 << 28, -5},
        {6 | 7 << 28, 999 | 6 << 28},  # no line of those that were run
        {"6-7"},
    ],
    ids=["nothing", "negative", "far away", "texts"],
)
def test_what_cannot_be_read_is_not_guessed(hits: set[Any]) -> None:
    assert packing_of({PATH: hits}, "/tree/", arcs=True) is None


def test_pairs_and_lines_need_no_layout() -> None:
    assert packing_of({PATH: set(ARCS)}, "/tree/", arcs=True) is OWN_PACKING
    assert packing_of({PATH: {6, 7}}, "/tree/", arcs=False) is OWN_PACKING
    assert packing_of({PATH: {6}}, "/tree/", arcs=False) is None
    assert packing_of({}, "/tree/", arcs=False) is None


def test_what_a_version_lacks_is_said_to_be_missing() -> None:
    assert internals.live_hits(object()) is None
    assert internals.running_collectors(object) is None
    internals.trace_again(object())  # nothing to start
