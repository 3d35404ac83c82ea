"""What the sandbox offers, what a run may use up, and what came of it."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


class Tier(enum.StrEnum):
    """How strong the sandbox of this machine is.

    full: nothing it could harm. partial: nothing it could change, for the embedded drafter, and
    for what a model wrote once the user says so. none: no guard, so nothing is run. off: the user
    asked for no guard, so everything is run plainly.
    """

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Capability:
    """The tier this machine reaches, why, and the one command that raises it (or "").

    `program` is the bubblewrap that passed the probe.
    """

    tier: Tier
    reason: str
    fix: str = ""
    program: Path | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use up. Seconds, bytes and counts.

    cpu_seconds holds for each process; wall_seconds, memory, processes and output for the whole
    run. tree_size is the room on the disk of the copy; scratch space is half as large again.
    All of that disk is memory in tier full, on top of `memory`.
    """

    cpu_seconds: int = 30
    wall_seconds: float = 60.0
    memory: int = 2 << 30
    processes: int = 128
    file_size: int = 64 << 20
    tree_size: int = 512 << 20
    output: int = 1 << 20
    report: int = 16 << 20


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a run is told that it is: who the user is, on which machine, in which folder.

    `folder` is where the copy of the tree stands, the repository's own top folder when None.
    `variables` are set beside the fixed ones, and `unset` are taken away. User, host, home and
    folders are the run's only in tier full.
    """

    user: str = "sandbox"
    user_id: int = 1000
    host: str = "sandbox"
    home: Path = Path("/tmp/home")
    temporary: Path = Path("/tmp")
    folder: Path | None = None
    system_path: str = "/usr/local/bin:/usr/bin:/bin"
    variables: Mapping[str, str] = field(default_factory=dict)
    unset: tuple[str, ...] = ()


USUAL = Surroundings()
"""Where runs are unless they are told otherwise."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to run on a copy of the tree: its words, and what it is given.

    `files` are laid over the copy, by their path in it.
    """

    argv: Sequence[str]
    files: Mapping[str, str]
    stdin: bytes
    limits: Limits


Ended = Literal["exit", "timeout", "memory", "output", "not run"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a run.

    ended: "exit" (by itself); "timeout" (wall clock or CPU); "memory" (or, without a guard, too
    many processes); "output" (said or reported too much); "not run" (nothing of it was started).
    `returncode` is None unless it ended by itself, and 128 + n after signal n. `output` is what
    it printed, cut in the middle when long. `report` is what it wrote to $COPYDESK_REPORT_FD.
    """

    ended: Ended
    returncode: int | None
    output: str
    report: bytes
    seconds: float
    tier: Tier
    reason: str = ""
