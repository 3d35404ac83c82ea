"""The rungs of the verify ladder by name, and what can happen on one besides passing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from copydesk.agent.testgen.verify.fix_expected_values import RecordedValues
from copydesk.agent.text import clean


class RungName(StrEnum):
    """The rungs, as the evidence keeps them and as they are shown, in the order of the ladder."""

    ASSERTS = "asserts"
    """It parses, and each test asserts something about the target."""

    APPROVED = "approved"
    """A human allowed what it imports or touches; only kept where that was missing."""

    PASSES = "passes"
    """Each test passes alone and in the company of the others."""

    ISOLATED = "isolated"
    """It reaches for nothing outside of the project."""

    REACHES = "reaches"
    """It reaches lines or branches of the gap."""

    DEPENDS = "depends"
    """It fails when the target raises."""

    MUTANTS = "mutants"
    """It notices at least one mutant of the lines that it reaches."""

    REPEATS = "repeats"
    """It passes again in fresh processes."""

    ELSEWHERE = "elsewhere"
    """It passes for another user, on another machine, on another day, started otherwise."""

    BEHAVIOUR = "behaviour"
    """It passes when the target does the same in other words."""


class RungFailed(Exception):
    """A rung was not passed: its name and why."""

    def __init__(self, rung: RungName, why: str) -> None:
        super().__init__(rung, why)
        self.rung = rung
        self.why = why


class ValuesRecorded(Exception):
    """The draft goes on with observed values where it predicted wrong ones."""

    def __init__(self, recorded: RecordedValues) -> None:
        super().__init__(recorded)
        self.recorded = recorded


class DroppedTests(Exception):
    """The draft goes on with these tests only; `notes` say what was dropped and why.

    `rung` is the one that `fallen` tests did not pass, each with the reason.
    """

    def __init__(
        self, names: Sequence[str], notes: Sequence[str], rung: RungName, fallen: Mapping[str, str]
    ) -> None:
        super().__init__(names, notes)
        self.names = tuple(names)
        self.notes = tuple(notes)
        self.rung = rung
        self.fallen = dict(fallen)


def drop_tests(
    rung: RungName, names: Sequence[str], why: Mapping[str, str], notes: Sequence[str] = ()
) -> None:
    """Drop the tests that do not pass a rung.

    Args:
        rung: The rung.
        names: The draft's tests.
        why: Why which tests do not pass; nothing happens where there are none.
        notes: What was said before and is to be kept.

    Raises:
        DroppedTests: Some tests are left.
        RungFailed: None is left.
    """
    if not why:
        return
    remaining = [name for name in names if name not in why]
    if not remaining:
        raise RungFailed(rung, "\n".join(f"{name}: {reason}" for name, reason in why.items()))
    dropped = [f"{name} was dropped: {telling_line(reason)}" for name, reason in why.items()]
    raise DroppedTests(remaining, [*notes, *dropped], rung, why)


def telling_line(text: str) -> str:
    """The line of a failure that says most: pytest's first "E" line, else the last one."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    errors = [line[1:].strip() for line in lines if line.startswith("E ")]
    telling = errors[:1] or lines[-1:] or ["failed"]
    return clean(telling[0])[:200]
