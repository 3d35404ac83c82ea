"""What can happen on the verify ladder besides getting to the top."""

from __future__ import annotations

from collections.abc import Sequence

from copydesk.agent.testgen.verify.fix_expected_values import Recorded


class Fell(Exception):
    """A rung was not passed: its name and why."""

    def __init__(self, rung: str, why: str) -> None:
        super().__init__(rung, why)
        self.rung = rung
        self.why = why


class Mended(Exception):
    """The draft goes on with observed values where it predicted wrong ones."""

    def __init__(self, mended: Recorded) -> None:
        super().__init__(mended)
        self.mended = mended


class Fewer(Exception):
    """The draft goes on with these tests only; `why` says what was dropped."""

    def __init__(self, names: Sequence[str], why: Sequence[str]) -> None:
        super().__init__(names, why)
        self.names = tuple(names)
        self.why = tuple(why)
