"""The values that travel through the agent. Frozen, and without behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

Sha: TypeAlias = str
"""A full hexadecimal object id."""

LineNo: TypeAlias = int
"""A line of a source file, counted from 1."""

Arc: TypeAlias = tuple[int, int]
"""A jump between two lines; negative numbers enter or leave a code object, as in coverage.py."""

TestId: TypeAlias = str
"""A pytest node id."""

Json: TypeAlias = dict[str, Any]
"""A JSON object."""

DraftKind = Literal["test", "devlog"]
DraftState = Literal["ready", "asks", "not_run", "discarded", "accepted", "rejected", "superseded"]
"""ready: waits for the editor; asks: waits for the editor's yes to what it uses; not_run: no
sandbox to run it in; discarded: fell off the ladder.
"""

OWN_DRAFTERS = frozenset({"embedded", "behaviour"})
"""Writers of drafts whose every text was made by copydesk itself: the embedded drafter, and it of a
call that a commit made do something else.
"""

Verdict = Literal["verified", "asks", "failed", "not run"]


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work in the queue.

    `sha` is the commit that it is done for; "desk" where it is done for the desk as a whole.
    """

    id: int
    kind: str
    sha: Sha
    attempts: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The files of one commit, written from git objects.

    `files` are their paths in it, `unconverted` says why some are not as git would check them out.
    `objects` are the folders of git's objects, where tests may ask the snapshot as a repository.
    `line_ends` names what the user's configuration makes of line ends; "" for nothing.
    """

    path: Path
    sha: Sha
    files: frozenset[str] = frozenset()
    unconverted: Mapping[str, str] = field(default_factory=dict)
    objects: tuple[Path, ...] = ()
    line_ends: str = ""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """The Python that runs the user's tests.

    `extra_path` is a folder with what the user's environment lacks (pytest, coverage), or None.
    `source` says where it was found, in words.
    """

    path: Path
    version: tuple[int, int, int]
    prefix: Path
    base_prefix: Path
    source: str
    extra_path: Path | None = None


class Target(NamedTuple):
    """The lines a draft is meant to reach."""

    path: str
    function: str
    lines: tuple[LineNo, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """Uncovered lines of one function (or of a module's own statements: function "<module>").

    `path` is relative to the top of the repository, with slashes. `risk` is between 0 and 1.
    """

    commit: Sha
    path: str
    function: str
    first_line: LineNo
    last_line: LineNo
    lines: tuple[LineNo, ...]
    branches: tuple[Arc, ...] = ()
    risk: float = 0.0
    reasons: tuple[str, ...] = ()
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the verify ladder and how it went."""

    name: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was run to check a draft, and what came of it.

    verdict: "verified"; "asks" (it uses what needs a human's yes, so its word does not count before
        that); "failed" (a rung was not passed); "not run" (no sandbox that may run it).
    asks: What it asks a human for, by name, whatever came of it.
    """

    verdict: Verdict
    tier: str
    rungs: tuple[Rung, ...] = ()
    tests: tuple[str, ...] = ()
    gained_lines: tuple[LineNo, ...] = ()
    gained_branches: tuple[Arc, ...] = ()
    mutants_killed: int = 0
    mutants_total: int = 0
    survivors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    asks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A test module that a drafter proposes, before anything has vouched for it.

    `content` is a whole module; `tests` are the names of its test functions in order;
    `recorded` holds those whose expected values were observed, not predicted.
    """

    gap: Gap
    origin: str
    content: str
    tests: tuple[str, ...]
    recorded: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """Something written for the editor to accept, edit or reject.

    `path` is where an accepted draft goes (in the repository for tests, in the outbox for
    stories). `origin` names the writer: "embedded", "template", or a model's name.
    """

    id: int
    kind: DraftKind
    state: DraftState
    commit: Sha
    title: str
    origin: str
    path: str
    content: str
    target: Target | None = None
    evidence: Json = field(default_factory=dict)
    created_at: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something known about the commits, runs and coverage that a story may say.

    `values` are the numbers, names and paths a sentence may use as {F3.passed}.
    """

    id: str
    kind: str
    text: str
    values: Mapping[str, str | int | float]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a story and the facts it rests on."""

    text: str
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A call that was run in the sandbox, shown with what came back.

    `code` is what a reader would type, one line or several; `result` what it gave, as shown;
    `before` what the same call gave where the story begins, None where that was not run or is the
    same.
    """

    code: str
    result: str
    facts: tuple[str, ...]
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A plot for a story: its file name without folder and suffix, and what it shows in words.

    `png` is None where nothing that renders one is installed.
    """

    name: str
    alternative: Sentence
    svg: str
    png: bytes | None = None


@dataclass(frozen=True, slots=True)
class Poll:
    """A question to readers with the answers they may choose from."""

    question: Sentence
    answers: tuple[Sentence, ...]
    hours: int = 168


@dataclass(frozen=True, slots=True)
class Story:
    """A structured story: one source for every channel.

    `sections` are headings with their sentences. `changes` are what a changelog lists: the
    categories of Keep a Changelog (Added, Changed, Deprecated, Removed, Fixed, Security), each
    with its entries. `hook` opens a thread, `question` and `poll` end one.
    `greeting` and `sign_off` are the author's, around it all.
    """

    title: str
    date: str
    sections: tuple[tuple[str, tuple[Sentence, ...]], ...]
    origin: str
    hook: Sentence | None = None
    question: Sentence | None = None
    poll: Poll | None = None
    changes: tuple[tuple[str, tuple[Sentence, ...]], ...] = ()
    examples: tuple[Example, ...] = ()
    pictures: tuple[Picture, ...] = ()
    tags: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    greeting: Sentence | None = None
    sign_off: Sentence | None = None
