"""Recordings of parts are merged alike in whatever order they come, and however often."""

from __future__ import annotations

import functools
import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copydesk.agent.coverage.runner import Recording, merge_two, merged
from copydesk.agent.coverage.runner.recording import TestRun
from copydesk.agent.coverage.store import nums_to_numbits, pack_arcs

NAMES = st.sampled_from(["a.py::one", "a.py::two", "b.py::one"])
LINES = st.frozensets(st.integers(1, 40), max_size=5).map(nums_to_numbits)
ARCS = st.frozensets(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), max_size=4).map(pack_arcs)
WORDS = st.sampled_from(["", "x", "y"])
RUNS = st.builds(
    TestRun,
    st.sampled_from(["passed", "failed"]),
    st.sampled_from([0.1, 0.2]),
    st.just(()),
    st.just(()),
    WORDS,
)
CONTEXTS = st.sampled_from(["", "test:a.py::one", "import:lib.py"])


def hits(values: st.SearchStrategy[bytes]) -> st.SearchStrategy[dict[str, dict[str, bytes]]]:
    paths = st.sampled_from(["lib.py", "main.py"])
    return st.dictionaries(CONTEXTS, st.dictionaries(paths, values, max_size=2), max_size=3)


NEEDS = st.frozensets(st.tuples(WORDS, WORDS), max_size=3)
RECORDINGS = st.builds(
    Recording,
    st.dictionaries(NAMES, RUNS, max_size=3),
    st.lists(NAMES, max_size=3).map(tuple),
    st.dictionaries(NAMES, WORDS, max_size=2),
    hits(LINES),
    hits(ARCS),
    st.dictionaries(CONTEXTS, NEEDS, max_size=3),
    st.sampled_from([1.0, 2.0]),
    WORDS,
    WORDS,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(RECORDINGS, RECORDINGS, RECORDINGS)
def test_the_merge_is_associative_commutative_and_idempotent(
    one: Recording, two: Recording, three: Recording
) -> None:
    assert merge_two(one, two) == merge_two(two, one)
    assert merge_two(merge_two(one, two), three) == merge_two(one, merge_two(two, three))
    assert merge_two(one, merge_two(one, two)) == merge_two(one, two)
    assert merged([one, one]) == merged([one])


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=30)
@given(st.lists(RECORDINGS, max_size=5), st.randoms(use_true_random=False))
def test_parts_that_come_twice_and_in_any_order_are_one_run(
    parts: list[Recording], chance: random.Random
) -> None:
    delivered = [*parts, *chance.sample(parts, len(parts) // 2)]
    chance.shuffle(delivered)
    assert merged(delivered) == merged(parts)
    assert functools.reduce(merge_two, parts, merged([])) == merged(parts)
