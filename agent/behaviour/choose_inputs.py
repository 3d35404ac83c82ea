"""Which of the calls that were tried are made again, in fresh processes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from copydesk.agent.behaviour.one_side import Exploration
from copydesk.agent.records import Json, LineNo

MAX_DIFFERING = 24
MAX_SAME = 16
_WRITTEN = ("draft", "doctest", "test", "production")
_PER_KIND = 6
"""Differing calls of one path that are made again."""


class Tried(NamedTuple):
    """A call that both sides were given."""

    call: Json
    before: Json
    after: Json

    @property
    def differs(self) -> bool:
        """Whether it seems to do something else."""
        return bool(self.before["word"] != self.after["word"])

    @property
    def way(self) -> tuple[str, str]:
        """Which way it takes through both versions."""
        return self.before["path"], self.after["path"]

    @property
    def reached(self) -> set[tuple[str, LineNo]]:
        """The changed lines that it reaches at each end."""
        before = {("before", line) for line in self.before["reached"]}
        return before | {("after", line) for line in self.after["reached"]}

    @property
    def is_of_use(self) -> bool:
        """Whether it is more than a call that both sides refuse as wrong."""
        return not self.before["word"] == self.after["word"] == "misuse"

    @property
    def size(self) -> tuple[Any, ...]:
        """The readable ones first: right ones, short ones, written ones."""
        text = call_text(self.call, "f")
        is_wrong = "misuse" in (self.before["word"], self.after["word"])
        is_written = self.call.get("origin") in _WRITTEN
        return is_wrong, literals_in(self.call) > 3, not is_written, len(text), text


def both_tried(before: Exploration, after: Exploration) -> list[Tried]:
    """The calls that both sides were given."""
    return [
        Tried(word["call"], before.tried[key], word)
        for key, word in after.tried.items()
        if key in before.tried
    ]


def choose(tried: Sequence[Tried], before: Sequence[LineNo], after: Sequence[LineNo]) -> list[Json]:
    """The calls to make again: those that seem to differ, and those that reach what changed.

    Args:
        tried: The calls that both sides were given.
        before: The changed lines at the parent.
        after: Those at the commit.
    """
    ordered = sorted(tried, key=lambda one: one.size)
    chosen = _of_each_way([one for one in ordered if one.differs], MAX_DIFFERING)
    alike = [one for one in ordered if not one.differs and one.is_of_use]
    chosen += _reaching(alike, {*before}, {*after})
    return [one.call for one in chosen]


def _of_each_way(differing: Sequence[Tried], most: int) -> list[Tried]:
    """The smallest calls of each way through the two versions, way after way in turns."""
    by_way: dict[tuple[str, str], list[Tried]] = {}
    for one in differing:
        by_way.setdefault(one.way, []).append(one)
    chosen: list[Tried] = []
    for turn in range(_PER_KIND):
        chosen += [group[turn] for group in by_way.values() if turn < len(group)]
    return chosen[:most]


def _reaching(alike: Sequence[Tried], before: set[LineNo], after: set[LineNo]) -> list[Tried]:
    """Calls that together reach every changed line that any reaches, then one of each way."""
    remaining = {("before", line) for line in before} | {("after", line) for line in after}
    chosen = list(_needed(alike, remaining))
    near = [one for one in alike if one.reached or not remaining]
    for one in _first_of_each_way(near, {one.way for one in chosen}):
        if len(chosen) < MAX_SAME:
            chosen.append(one)
    room = MAX_SAME - len(chosen)
    if room > 0:
        others = [one for one in near if one not in chosen]
        chosen += others[:: max(1, len(others) // room)][:room]
    return chosen


def _needed(alike: Sequence[Tried], lines: set[tuple[str, LineNo]]) -> Iterator[Tried]:
    """The first calls that reach a changed line which none before them did."""
    remaining = set(lines)
    for one in alike:
        if one.reached & remaining:
            remaining -= one.reached
            yield one


def _first_of_each_way(
    alike: Sequence[Tried], ways: Collection[tuple[str, str]]
) -> Iterator[Tried]:
    seen = set(ways)
    for one in alike:
        if one.way not in seen:
            seen.add(one.way)
            yield one


def call_text(call: Json, name: str) -> str:
    """A call as Python writes it."""
    receiver = call.get("receiver")
    subject = f"{receiver[0]}.{name}" if receiver else name
    named = [f"{key}={value[0]}" for key, value in call.get("keywords") or ()]
    text = f"{subject}({', '.join([*_texts(call.get('arguments')), *named])})"
    text += "".join(f"({', '.join(_texts(row))})" for row in call.get("then") or ())
    steps = "".join(f".{step}({', '.join(_texts(row))})" for step, row in call.get("setup") or ())
    if steps:
        text += f" after {steps}"
    patches = [f"{key}={value[0]}" for key, value in call.get("patches") or ()]
    return f"{text} with {', '.join(patches)}" if patches else text


def _texts(row: Any) -> list[str]:
    """The texts of expressions."""
    return [expression[0] for expression in row or ()]


def literals_in(call: Json) -> int:
    """How many values a call is written with."""
    return len(call.get("arguments") or ()) + len(call.get("keywords") or ())
