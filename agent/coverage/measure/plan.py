"""What is run to measure a commit, and what it starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from copydesk.agent.coverage.measure.foreign_records import Context
from copydesk.agent.coverage.selection import Selection
from copydesk.agent.coverage.store import CoverageMap, Trace


@dataclass(slots=True)
class Plan:
    """What is run to measure a commit.

    `nearest` is the map of the measured commit that there is to start from, if any, `candidate`
    what of it would hold, and `audited` says that every test is run to see whether that is so.
    `sampled` are records of others that are made again to see whether they hold.
    """

    reason: str
    nearest: CoverageMap | None = None
    old_blobs: Mapping[str, str] = field(default_factory=dict)
    candidate: Selection | None = None
    files: list[str] | None = None
    conftests: Sequence[str] = ()
    run_all: bool = False
    audited: bool = False
    sampled: Mapping[Context, Trace] = field(default_factory=dict)

    @property
    def base(self) -> CoverageMap | None:
        """The map whose traces are carried over; None where every test is run."""
        return None if self.run_all else self.nearest

    @property
    def selection(self) -> Selection | None:
        """What is run and what is carried over; None where every test is run."""
        return None if self.run_all else self.candidate
