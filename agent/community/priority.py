"""How much a topic is waited for: a formula whose every term can be shown.

priority = reach * (1 + need) * (1 + open / 2) * fatigue, where

- reach   = ln(1 + sum over people of their strongest act, halved every 21 days);
- need    = the lower Wilson bound (z = 1) of the share of people who ask or are displeased;
- open    = 1 if a question has no answer from the author, else 0;
- fatigue = halved for each post on the topic in the last 60 days.

One person counts once, by their strongest act, so that nobody wins by writing much.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from copydesk.agent.config import Project


class Constants(NamedTuple):
    """The numbers of the formula; times are in days."""

    question: float = 3.0
    message: float = 2.0
    vote: float = 1.5
    reaction: float = 1.0
    half_life: float = 21.0
    wilson_z: float = 1.0
    open_bonus: float = 0.5
    fatigue_days: float = 60.0
    fatigue: float = 0.5


def constants_of(project: Project) -> Constants:
    """The constants that a project has set in `[tool.copydesk]`."""
    return Constants(
        question=project.priority_question,
        message=project.priority_message,
        vote=project.priority_vote,
        reaction=project.priority_reaction,
        half_life=project.priority_half_life,
        open_bonus=project.priority_open,
        fatigue_days=project.priority_fatigue_days,
        fatigue=project.priority_fatigue,
    )


class Act(NamedTuple):
    """What one person did about a topic.

    Attributes:
        person: Anything that tells people apart; acts of the same person count once.
        weight: One of the weights of `Constants`.
        age: Days since.
        needs: Whether the person asks for something, or is displeased.
        message: The id of the message that shows it.
    """

    person: str
    weight: float
    age: float
    needs: bool
    message: int


class Priority(NamedTuple):
    """The priority of a topic with its terms, and the messages behind each.

    Attributes:
        value: The product of the terms.
        reach: ln(1 + sum of weights).
        need: Between 0 and 1.
        open: 1.0 or 0.0.
        fatigue: Between 0 and 1.
        people: How many different people took part.
        needing: How many of them ask or are displeased.
        reach_messages: The messages that count for reach, one a person, the weightiest first.
        need_messages: Messages in which people ask or are displeased.
        open_messages: Questions without an answer from the author.
        posts: The author's posts on the topic that make readers tired of it.
    """

    value: float
    reach: float
    need: float
    open: float
    fatigue: float
    people: int
    needing: int
    reach_messages: tuple[int, ...]
    need_messages: tuple[int, ...]
    open_messages: tuple[int, ...]
    posts: tuple[int, ...]


def priority_of(
    acts: Iterable[Act],
    open_messages: Sequence[int],
    posts: Sequence[tuple[float, int]],
    constants: Constants,
) -> Priority:
    """The priority of a topic.

    Args:
        acts: What readers did about it, in any order.
        open_messages: The ids of questions that the author has not answered.
        posts: Age in days and message id of each of the author's posts on it.
        constants: The numbers of the formula.

    Returns:
        The priority with all its terms. The order of the arguments' items does not matter.
    """
    strongest: dict[str, tuple[float, int]] = {}
    needing: dict[str, int] = {}
    for act in sorted(acts):
        strength = act.weight * 0.5 ** (max(0.0, act.age) / constants.half_life)
        if strength > strongest.get(act.person, (-1.0, 0))[0]:
            strongest[act.person] = (strength, act.message)
        if act.needs:
            needing.setdefault(act.person, act.message)
    ranked = sorted(strongest.values(), key=lambda pair: (-pair[0], pair[1]))
    reach = math.log1p(math.fsum(strength for strength, _ in ranked))
    need = wilson_low(len(needing), len(strongest), constants.wilson_z)
    is_open = 1.0 if open_messages else 0.0
    recent = sorted(message for age, message in posts if 0 <= age <= constants.fatigue_days)
    fatigue = constants.fatigue ** len(recent)
    return Priority(
        value=reach * (1 + need) * (1 + constants.open_bonus * is_open) * fatigue,
        reach=reach,
        need=need,
        open=is_open,
        fatigue=fatigue,
        people=len(strongest),
        needing=len(needing),
        reach_messages=tuple(message for _, message in ranked),
        need_messages=tuple(sorted(needing.values())),
        open_messages=tuple(sorted(open_messages)),
        posts=tuple(recent),
    )


def wilson_low(hits: int, n: int, z: float) -> float:
    """The lower end of the Wilson interval for hits of n; 0 for n = 0."""
    return wilson_interval(hits, n, z)[0]


def wilson_interval(hits: int, n: int, z: float) -> tuple[float, float]:
    """The Wilson score interval for a share (Wilson 1927).

    Args:
        hits: How many of the n.
        n: The number of cases.
        z: The normal quantile: 1 for 68 %, 1.96 for 95 %.

    Returns:
        Both ends, between 0 and 1; (0, 1) for n = 0 would claim nothing, but "nobody" is no need,
        so it is (0, 0) there.
    """
    if n == 0:
        return 0.0, 0.0
    share = hits / n
    denominator = 1 + z * z / n
    centre = share + z * z / (2 * n)
    margin = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, (centre - margin) / denominator), min(1.0, (centre + margin) / denominator)
