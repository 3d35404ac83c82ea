"""What a report says of readers: plain values, which whoever knows the messages fills in."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from copydesk.agent.records import Json

WIDTH, HEIGHT, BOTTOM = 360, 90, 18


class ToneWeek(NamedTuple):
    """A week of messages: those of negative tone, with the 95 % Wilson interval of their share.

    `low` and `high` are None in a week with fewer than five messages.
    """

    start: str
    messages: int
    positive: int
    negative: int
    low: float | None
    high: float | None


class TopicRow(NamedTuple):
    """A topic that people wait for."""

    name: str
    priority: float
    people: int
    needing: int
    open_questions: int


class PostRow(NamedTuple):
    """What came back on a post: different people within 7 and 28 days, and how soon."""

    title: str
    date: str
    responders_7: int
    responders_28: int
    response_rate: float | None
    returning: int
    unanswered: int
    first_answer_hours: float | None
    turnout: float | None


class PostKindRow(NamedTuple):
    """How many posts of a kind drew answers; the interval is None for fewer than eight posts."""

    kind: str
    posts: int
    drew_answers: int
    low: float | None
    high: float | None


class QuestionRow(NamedTuple):
    """A question that waits for an answer."""

    id: int
    date: str
    text: str


class CommunityFacts(NamedTuple):
    """What a report says of readers."""

    weeks: tuple[ToneWeek, ...]
    topics: tuple[TopicRow, ...]
    posts: tuple[PostRow, ...]
    kinds: tuple[PostKindRow, ...]
    questions: tuple[QuestionRow, ...]


def community_json(facts: CommunityFacts) -> Json:
    """The facts as JSON holds them."""
    return {name: [row._asdict() for row in rows] for name, rows in facts._asdict().items()}


def share_text(low: float | None, high: float | None) -> str:
    """An interval of a share in words."""
    if low is None or high is None:
        return "too few"
    return f"{100 * low:.0f} to {100 * high:.0f} %"


def tone_plot(weeks: Sequence[ToneWeek]) -> str:
    """The share of negative messages a week with its interval, as SVG; "" for fewer than two."""
    shown = [week for week in weeks if week.low is not None and week.high is not None]
    if len(shown) < 2:
        return ""
    label = f"Share of messages of negative tone in {len(shown)} weeks"
    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">']
    across = WIDTH / len(shown)
    height = HEIGHT - BOTTOM
    for number, week in enumerate(shown):
        x = (number + 0.5) * across
        share = week.negative / week.messages
        top, bottom = height * (1 - (week.high or 0)), height * (1 - (week.low or 0))
        parts.append(
            f'<line class="path" x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}"/>'
            f'<circle class="dot" cx="{x:.1f}" cy="{height * (1 - share):.1f}" r="3">'
            f"<title>{escape(week.start)}: {week.negative} of {week.messages}</title></circle>"
        )
    for week, x, anchor in ((shown[0], 0, "start"), (shown[-1], WIDTH, "end")):
        parts.append(
            f'<text x="{x}" y="{HEIGHT - 4}" text-anchor="{anchor}">{escape(week.start)}</text>'
        )
    return "".join([*parts, "</svg>"])
