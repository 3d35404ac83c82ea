"""The embedded drafter: tests for a gap without a model, the same ones every time."""

from __future__ import annotations

import ast
import contextlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copydesk.agent.records import Candidate, Gap, Json
from copydesk.agent.sandboxed.copydesk_tools.source import (
    function_named,
    is_bound,
    outermost_function,
    shape_of,
    signature_of,
)
from copydesk.agent.source_text import decode_source
from copydesk.agent.testgen.embedded.call_source import Subject
from copydesk.agent.testgen.embedded.case import Case, parse_case
from copydesk.agent.testgen.embedded.checked_texts import CheckedTexts
from copydesk.agent.testgen.embedded.conditions import with_conditions
from copydesk.agent.testgen.embedded.render_values import Refused, is_name
from copydesk.agent.testgen.embedded.rubric import Reviewed, merged
from copydesk.agent.testgen.embedded.suspicion import as_note, doubt
from copydesk.agent.testgen.embedded.test_source import module_text
from copydesk.agent.testgen.project import import_name
from copydesk.agent.text import one_line

if TYPE_CHECKING:
    from copydesk.agent.sandbox.runner import SandboxRunner

MAX_CASES = 60
MAX_SUSPECTS = 5
_CPU_SECONDS = 120
_WALL_SECONDS = 900.0
"""Of one search, which counts calls and not seconds; only what hangs comes near to these."""
_START = (
    "import os, sys\n"
    "sys.path.insert(0, os.environ['COPYDESK_TOOLS'])\n"  # before a project's module of that name
    "from copydesk_tools.search.main import main\n"
    "sys.exit(main())\n"
)
# Two processes that differ in all that a result must not hang on.
_FIRST = {"PYTHONHASHSEED": "0", "TZ": "UTC", "COLUMNS": "80"}
_SECOND = {"PYTHONHASHSEED": "4021", "TZ": "Asia/Kolkata", "COLUMNS": "117"}


@dataclass(frozen=True, slots=True)
class _Target:
    """The function of a gap: its module as it is imported, and the module's syntax tree."""

    gap: Gap
    module: str
    tree: ast.Module

    def request(self, seed: int) -> Json:
        """What the search in the sandbox is asked."""
        return {
            "path": self.gap.path,
            "module": self.module,
            "function": self.gap.function,
            "lines": list(self.gap.lines),
            "branches": [list(arc) for arc in self.gap.branches],
            "seed": seed,
        }

    def subject(self, entry: str, command: object) -> Subject | None:
        """What the tests call.

        Args:
            entry: The qualified name of the function that the search called.
            command: The group of click commands that starts it, where it is one of those.
        """
        if is_name(command):
            return Subject(self.module, "", str(command), "command", ("arguments",))
        owners, node = outermost_function(self.tree, entry, self.gap.lines)
        if node is None or len(owners) > 1:
            return None
        owner = "".join(owners)
        signature = signature_of(node, bound=is_bound(node, owner))
        names = tuple(parameter.arg for parameter, _ in signature.by_position)
        return Subject(self.module, owner, node.name, shape_of(node, owners), names)

    def reviewed(
        self, entry: str, subject: Subject, cases: Sequence[Case]
    ) -> tuple[list[Case], tuple[str, ...]]:
        """The cases that a reviewer would merge and nobody doubts, and the notes on the others."""
        _, node = outermost_function(self.tree, entry, self.gap.lines)
        if node is None:
            return list(cases), ()
        reviewed = Reviewed(node, subject.shape)
        believed, suspects = [], []
        for case in cases:
            reason = doubt(subject, case, reviewed)
            if reason:
                suspects.append(one_line(as_note(subject, case, reason)))
            else:
                believed.append(case)
        accepted, notes = merged(believed, reviewed)
        return with_conditions(node, accepted), (*suspects[:MAX_SUSPECTS], *notes)


def draft_embedded(
    gap: Gap, tree: Path, sandbox: SandboxRunner, *, seed: int = 0, seconds: float = _WALL_SECONDS
) -> Candidate | None:
    """Draft characterization tests for the uncovered lines of a function.

    The function is called inside the sandbox with values from its hints, defaults, literals and
    known callers; calls that reach a line of the gap become tests of what they were seen to
    return, raise, print or change. Feedback-directed random testing (Pacheco et al., ICSE 2007)
    with an input order of its own: what people wrote first, what is random last.

    Args:
        gap: The function and its lines.
        tree: The project's files, as the sandbox copies them.
        sandbox: Runs the search; its tools folder is TOOLS.
        seed: Of the random inputs.
        seconds: What each of the two runs may take; a search that is cut short drafts nothing.

    Returns:
        The tests, all of whose expected values were observed, a candidate without tests where its
        notes say why none of the calls became one; None when no call reached a line of the gap,
        or the module cannot be imported.
    """
    target = _target(gap, tree)
    if target is None:
        return None
    request = target.request(seed)
    report = _ask(sandbox, {**request, "do": "search"}, _FIRST, seconds)
    records = _list(report.get("cases"))[:MAX_CASES]
    suspects = _list(report.get("suspects"))[:MAX_SUSPECTS]
    notes = tuple(f"suspect: {one_line(str(suspect))}" for suspect in suspects)
    if not records:
        return _without_tests(gap, notes)
    entry = str(report.get("entry", gap.function))
    recording = {**request, "do": "record", "calls": records, "entry": entry}
    again = _ask(sandbox, recording, _SECOND, seconds)
    steady = _steady(records, _list(again.get("observations")))
    subject = target.subject(entry, report.get("command"))
    if subject is None or not _reaches(gap, steady):
        return None
    cases = _parsed(steady, CheckedTexts(target.module, subject.name, target.tree))
    if not cases:
        return _without_tests(gap, notes)
    cases, doubts = target.reviewed(entry, subject, cases)
    notes += doubts
    if not cases:
        return _without_tests(gap, notes)
    content, tests = module_text(subject, cases)
    return Candidate(gap, "embedded", content, tests, recorded=tests, notes=notes)


def _without_tests(gap: Gap, notes: tuple[str, ...]) -> Candidate | None:
    """What the notes are kept in where no call became a test; None without notes."""
    return Candidate(gap, "embedded", "", (), notes=notes) if notes else None


def draft_calls(
    gap: Gap, tree: Path, sandbox: SandboxRunner, calls: Sequence[Json], *, origin: str
) -> Candidate | None:
    """Draft tests of calls that are known, which expect what the calls are seen to do in a tree.

    Args:
        gap: The function that is called and the lines that the tests are meant to reach.
        tree: The project's files, as the sandbox copies them.
        sandbox: Runs the calls; its tools folder is TOOLS.
        calls: As the search writes them.
        origin: Who the draft is by.

    Returns:
        The tests; None where no call does the same twice, or what it does cannot be written down.
    """
    target = _target(gap, tree)
    if target is None:
        return None
    recording = {**target.request(0), "do": "record", "calls": list(calls), "entry": gap.function}
    first, second = (
        _list(_ask(sandbox, recording, env, _WALL_SECONDS).get("observations"))
        for env in (_FIRST, _SECOND)
    )
    records = [
        {**call, "observed": observed, "lines": []}
        for call, observed in zip(calls, first, strict=False)
        if isinstance(observed, dict) and observed.get("kind") != "suspect"
    ]
    subject = target.subject(gap.function, None)
    if subject is None:
        return None
    steady = _steady(records, [observed for observed in second if isinstance(observed, dict)])
    cases = _parsed(steady, CheckedTexts(target.module, subject.name, target.tree))
    if not cases:
        return None
    content, tests = module_text(subject, cases)
    return Candidate(gap, origin, content, tests, recorded=tests)


def _target(gap: Gap, tree: Path) -> _Target | None:
    """The function of a gap; None where its module has none, or cannot be imported."""
    try:
        module_tree = ast.parse(decode_source((tree / gap.path).read_bytes()))
    except (OSError, SyntaxError, ValueError):
        return None
    module = import_name(gap.path, tree)
    if not module or function_named(module_tree, gap.function, gap.lines) is None:
        return None
    return _Target(gap, module, module_tree)


def _steady(records: Sequence[Any], observations: Sequence[Any]) -> list[Json]:
    """The recorded calls of which a second process observed the same."""
    steady = []
    for record, observed in zip(records, observations, strict=False):
        if isinstance(record, dict) and record.get("observed") == observed:
            steady.append(record)
    return steady


def _reaches(gap: Gap, records: Sequence[Json]) -> bool:
    """Whether a call reaches a line of the gap; any will do for a gap of branches alone."""
    if not gap.lines:
        return bool(records)
    lines = {line for record in records for line in _list(record.get("lines"))}
    return bool(lines & set(gap.lines))


def _ask(sandbox: SandboxRunner, request: Json, env: Mapping[str, str], seconds: float) -> Json:
    """Run the search once; an empty answer for anything that is not a JSON object."""
    limits = replace(sandbox.limits, cpu_seconds=_CPU_SECONDS, wall_seconds=seconds)
    words = json.dumps(request).encode()
    outcome = sandbox.run(("python", "-c", _START), env=env, stdin=words, limits=limits)
    if outcome.ended != "exit" or outcome.returncode != 0:
        return {}
    try:
        report = json.loads(outcome.report)
    except (ValueError, RecursionError):
        return {}
    return report if isinstance(report, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _parsed(records: Iterable[Json], texts: CheckedTexts) -> list[Case]:
    """The cases whose every text is a value; the others are left out."""
    cases = []
    for record in records:
        with contextlib.suppress(Refused, LookupError, TypeError, ValueError, AttributeError):
            cases.append(parse_case(record, texts))
    return cases
