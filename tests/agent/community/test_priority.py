from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.community.priority import (
    Act,
    Constants,
    priority_of,
    wilson_interval,
)

CONSTANTS = Constants()
ACTS = st.lists(
    st.builds(
        Act,
        person=st.sampled_from("abcdefgh"),
        weight=st.sampled_from([1.0, 1.5, 2.0, 3.0]),
        age=st.floats(0, 300),
        needs=st.booleans(),
        message=st.integers(1, 99),
    )
)


def reach(acts: list[Act]) -> float:
    return priority_of(acts, [], [], CONSTANTS).reach


def test_the_terms_are_those_of_the_formula() -> None:
    acts = [Act("ana", 3.0, 0.0, True, 1), Act("bo", 2.0, 21.0, False, 2)]
    priority = priority_of(acts, [1], [(10.0, 9), (90.0, 8)], CONSTANTS)
    assert priority.reach == pytest.approx(1.6094379)  # ln(1 + 3 + 2 / 2)
    assert priority.need == pytest.approx(0.2113249)  # Wilson's lower bound of 1 of 2 at z = 1
    assert priority.value == pytest.approx(1.6094379 * 1.2113249 * 1.5 * 0.5)
    assert (priority.people, priority.needing) == (2, 1)
    assert priority.reach_messages == (1, 2)
    assert priority.need_messages == (1,)
    assert priority.posts == (9,)


@given(ACTS, st.integers())
def test_the_order_of_messages_does_not_matter(acts: list[Act], seed: int) -> None:
    shuffled = acts[:]
    random.Random(seed).shuffle(shuffled)
    assert priority_of(shuffled, [], [], CONSTANTS) == priority_of(acts, [], [], CONSTANTS)


@given(ACTS)
def test_one_more_person_never_lowers_reach(acts: list[Act]) -> None:
    assert reach([*acts, Act("newcomer", 1.0, 5.0, False, 100)]) > reach(acts)


@given(ACTS, st.integers(1, 50))
def test_writing_again_does_not_help(acts: list[Act], times: int) -> None:
    act = Act("loud", 2.0, 3.0, True, 100)
    assert reach([*acts, *[act] * times]) == reach([*acts, act])


@given(ACTS)
def test_older_is_less(acts: list[Act]) -> None:
    older = [act._replace(age=act.age * 2 + 1) for act in acts]
    assert reach(older) <= reach(acts)


def test_three_people_outweigh_one_who_writes_thirty_times() -> None:
    spam = [Act("loud", 2.0, 0.0, True, number) for number in range(30)]
    people = [Act(name, 2.0, 0.0, False, 1) for name in ("ana", "bo", "cy")]
    assert reach(people) > reach(spam)


def test_each_recent_post_halves_the_priority() -> None:
    acts = [Act("ana", 3.0, 0.0, True, 1)]
    once = priority_of(acts, [], [(1.0, 5)], CONSTANTS).value
    assert once == pytest.approx(priority_of(acts, [], [], CONSTANTS).value / 2)


@given(st.integers(0, 500), st.integers(0, 500), st.sampled_from([1.0, 1.96]))
def test_the_interval_holds_the_share(hits: int, more: int, z: float) -> None:
    n = hits + more
    low, high = wilson_interval(hits, n, z)
    assert 0 <= low <= high <= 1
    if n:
        assert low - 1e-9 <= hits / n <= high + 1e-9
