"""Asks the sandbox what one version of a function does."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from copydesk.agent.behaviour.changed_functions import Version
from copydesk.agent.records import Json
from copydesk.agent.source_text import decode_source
from copydesk.agent.testgen.project import Workspace, import_name

CPU_SECONDS = 60
WALL_SECONDS = 300.0
"""Of one run, which counts calls and not seconds; only what hangs comes near to these."""
_START = (
    "import os, sys\n"
    "sys.path.insert(0, os.environ['COPYDESK_TOOLS'])\n"  # before a project's module of that name
    "from copydesk_tools.compare.main import main\n"
    "sys.exit(main())\n"
)
COMMAND = shlex.join(("python", "-c", _START))
# Two processes that differ in all that a result must not hang on.
_USUAL = {"PYTHONHASHSEED": "0", "TZ": "UTC", "COLUMNS": "80"}
_OTHERWISE = {"PYTHONHASHSEED": "4021", "TZ": "Asia/Kolkata", "COLUMNS": "117"}


class CannotCompare(Exception):
    """One side cannot be looked at; why, in words."""


@dataclass(frozen=True, slots=True)
class Side:
    """A function at one end of a commit, and the tree it stands in.

    Attributes:
        workspace: The tree, and the sandbox that runs it.
        version: The function.
        module: Its module as it is imported.
    """

    workspace: Workspace
    version: Version
    module: str

    @classmethod
    def of(cls, workspace: Workspace, version: Version) -> Side:
        """A version in its tree.

        Raises:
            CannotCompare: Its module has no name that can be imported.
        """
        module = import_name(version.path, workspace.tree)
        if not module:
            raise CannotCompare(f"{version.path} cannot be imported")
        return cls(workspace, version, module)

    @property
    def source(self) -> str:
        """The text of the module."""
        return decode_source((self.workspace.tree / self.version.path).read_bytes())

    def ask(
        self, request: Json, *, otherwise: bool = False, files: Mapping[str, str] | None = None
    ) -> Json:
        """Run one request in a process of its own.

        Args:
            request: What to do; see sandboxed/copydesk_tools/compare/main.py.
            otherwise: In another place, with another order of hashing.
            files: Laid over the tree.

        Raises:
            CannotCompare: It hung, died, or could not be imported.
        """
        version = self.version
        words = {
            "path": version.path,
            "module": self.module,
            "function": version.function,
            "lines": [version.line],
            "changed": list(version.changed),
            "elsewhere": otherwise,
            "seed": 0,
            **request,
        }
        sandbox = self.workspace.sandbox
        limits = replace(sandbox.limits, cpu_seconds=CPU_SECONDS, wall_seconds=WALL_SECONDS)
        outcome = sandbox.run(
            ("python", "-c", _START),
            env=_OTHERWISE if otherwise else _USUAL,
            stdin=json.dumps(words).encode(),
            limits=limits,
            files=files,
        )
        if outcome.ended != "exit" or outcome.returncode != 0:
            ending = outcome.reason or f"it ended with code {outcome.returncode}"
            raise CannotCompare(f"it could not be run: {ending}")
        return _report(outcome.report)

    def explore(self, other: Side, request: Json) -> Exploration:
        """Try calls of it.

        Args:
            other: The other version, whose constants count, too.
            request: `calls` to try first, `most` calls to make besides, the `entry` that is called
                where that is not the function itself.
        """
        values = {
            "source": other.source,
            "function": other.version.function,
            "lines": [other.version.line],
            "changed": list(other.version.changed),
        }
        report = self.ask({"do": "explore", "other": values, "calls": [], **request})
        return Exploration.read(report)

    def record(
        self, entry: str, calls: Sequence[Json], files: Mapping[str, str] | None = None
    ) -> list[Json]:
        """What calls do, each in a process of its own."""
        request = {"do": "record", "calls": list(calls), "entry": entry}
        return _records(self.ask(request, files=files), len(calls))

    def record_again(self, entry: str, calls: Sequence[Json], first: Sequence[Json]) -> list[Json]:
        """The same in another place, at another time where the first time asked for it."""
        variables = {name for record in first for name in record.get("variables") or ()}
        request = {
            "do": "record",
            "calls": list(calls),
            "entry": entry,
            "variables": sorted(variables),
            "clocked": [n for n, record in enumerate(first) if record.get("clock")],
        }
        return _records(self.ask(request, otherwise=True), len(calls))


@dataclass(frozen=True, slots=True)
class Exploration:
    """Calls that were tried at one side.

    Attributes:
        entry: The function that was called.
        tried: By the call's text as JSON: what the sandbox said of it.
        refused: What the others reached for; "" for nothing but time.
    """

    entry: str
    tried: Mapping[str, Json]
    refused: tuple[str, ...] = ()

    @classmethod
    def read(cls, report: Json) -> Exploration:
        """What a report says; it is a claim, so it is read warily."""
        tried: dict[str, Json] = {}
        for word in report.get("tried") or ():
            match word:
                case {
                    "call": dict(call),
                    "word": str(),
                    "reached": list(),
                    "path": str(),
                }:
                    tried[key_of(call)] = word
        refused = tuple(map(str, report.get("refused") or ()))
        return cls(str(report.get("entry", "")), tried, refused)

    @property
    def why_none(self) -> str:
        """Why no call came back, where none did."""
        if not self.refused:
            return "no input was found for it"
        ((reason, _),) = Counter(self.refused).most_common(1)
        if reason.startswith("inputs"):
            return "no input was found for it"
        return f"it reaches for {reason}" if reason else "it does not come to an end"


def key_of(call: Json) -> str:
    """A call's text, by which it is known; where it came from is no part of it."""
    return json.dumps({**call, "origin": ""}, sort_keys=True)


def _report(words: bytes) -> Json:
    try:
        report = json.loads(words)
    except (ValueError, RecursionError):
        raise CannotCompare("it could not be run: nothing came back") from None
    if not isinstance(report, dict):
        raise CannotCompare("it could not be run: nothing came back")
    if error := report.get("error"):
        raise CannotCompare(str(error))
    return report


def _records(report: Json, count: int) -> list[Json]:
    records: Any = report.get("records")
    if not isinstance(records, list) or len(records) != count:
        raise CannotCompare("it could not be run: an answer is missing")
    return [record if isinstance(record, dict) else {"kind": "died"} for record in records]
