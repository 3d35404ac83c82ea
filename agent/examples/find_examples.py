"""Find examples for what is new or has changed in a span, and run them at both of its ends."""

from __future__ import annotations

import ast
import contextlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.stories import Span
from copydesk.agent.errors import CopydeskError
from copydesk.agent.examples.candidates import (
    Call,
    Definition,
    calls_in_docstring,
    calls_in_tests,
    definition_of,
)
from copydesk.agent.examples.run_calls import COMMAND, Result, run_calls
from copydesk.agent.examples.targets import Target, targets
from copydesk.agent.examples.telling import poverty
from copydesk.agent.git.repository import Repository
from copydesk.agent.progress import Progress
from copydesk.agent.records import Fact, Gap
from copydesk.agent.sandbox.records import Tier
from copydesk.agent.source_text import decode_source
from copydesk.agent.stories.example_facts import ExampleRuns, RunExample
from copydesk.agent.testgen.embedded import draft_embedded
from copydesk.agent.testgen.project import Workspace, import_name, open_workspace
from copydesk.agent.text import plural

SECONDS = 90.0
"""What the examples of one story may take."""
SEARCH_SECONDS = 20.0
"""What each of the two runs of the drafter's search may take for one function."""
MOST_EXAMPLES, MOST_TARGETS, MOST_CALLS = 3, 12, 8
_NOTHING = poverty("None")
WIDTH, MOST_LINES = 96, 6
"""What of a result is readable."""

_IMPORT_FAILED = re.compile(r"^(ImportError|ModuleNotFoundError): ", re.MULTILINE)

AFTER_SLOT, BEFORE_SLOT = "examples", "examples-before"


@dataclass(frozen=True, slots=True)
class ExampleSearch:
    """What examples are looked for with; `is_wanted` says whether a newer commit took over."""

    repo: Repository
    db: Database
    say: Progress
    is_wanted: Callable[[], bool] = field(default=lambda: True)
    seconds: float = SECONDS


class _Ends(NamedTuple):
    """The trees of a span's two ends, and when to stop; `before` is None without the first."""

    after: Workspace
    before: Workspace | None
    until: float


def find_examples(search: ExampleSearch, facts: Sequence[Fact], span: Span) -> ExampleRuns:
    """Run examples of what is new or has changed.

    Args:
        search: What they are looked for with.
        facts: The story's facts.
        span: Its commits.

    Returns:
        At most MOST_EXAMPLES; none, and no reason, where there is nothing to show.
    """
    wanted = targets(search.repo, facts, span.since, span.last)[:MOST_TARGETS]
    if not wanted:
        return ExampleRuns()
    until = time.monotonic() + search.seconds
    with contextlib.ExitStack() as stack:
        try:
            after = stack.enter_context(open_workspace(search.repo, span.last, AFTER_SLOT))
        except CopydeskError as error:
            return ExampleRuns(hindrance=str(error))
        if after.sandbox.tier is Tier.NONE:
            return ExampleRuns(hindrance=f"there is no sandbox here: {after.sandbox.reason}")
        before = None
        if any(target.is_changed for target in wanted):
            with contextlib.suppress(CopydeskError):
                before = stack.enter_context(open_workspace(search.repo, span.since, BEFORE_SLOT))
        examples = tuple(_examples(search, _Ends(after, before, until), wanted, span))
    if not examples:
        functions = plural(len(wanted), "public function", "public functions")
        return ExampleRuns(hindrance=f"of {functions} no call gave what can be shown")
    return ExampleRuns(examples)


def _examples(
    search: ExampleSearch, ends: _Ends, wanted: Sequence[Target], span: Span
) -> Iterator[RunExample]:
    """An example of each target that has one, until there are enough or time is up; those that
    tell little only where there are not enough others.
    """
    count = 0
    poor: list[RunExample] = []
    for target in wanted:
        if count == MOST_EXAMPLES or time.monotonic() > ends.until or not search.is_wanted():
            break
        example = None
        item = f"the example of {target.name}"
        with search.db.failed_items.contained("story", span.last, item, say=search.say):
            example = _example(search, ends, target, span)
        if example is None:
            continue
        if _is_poor(example):
            poor.append(example)
            continue
        count += 1
        yield example
    yield from poor[: MOST_EXAMPLES - count]


def _is_poor(example: RunExample) -> bool:
    """Whether nothing came back from a call, and nothing else before."""
    return example.before is None and poverty(example.result) == _NOTHING


def _example(search: ExampleSearch, ends: _Ends, target: Target, span: Span) -> RunExample | None:
    """The first call of a target that gives something to show; the readable sources first, and
    one that gives nothing, such as an empty list, only where no source has another.
    """
    poor = None
    for calls in _sources(search, ends, target, span):
        example = _first_shown(ends, target, calls[:MOST_CALLS], span)
        if example is not None and not _is_poor(example):
            return example
        poor = poor or example
    return poor


def _sources(
    search: ExampleSearch, ends: _Ends, target: Target, span: Span
) -> Iterator[list[Call]]:
    """Calls of a target: of its docstring, of its drafts on the desk, of the drafter's search."""
    tree = ends.after.tree
    source = decode_source((tree / target.path).read_bytes())
    module = import_name(target.path, tree)
    node = definition_of(ast.parse(source), target.name)
    if not module or node is None:
        return
    top = target.name.partition(".")[0]
    module, error = _public_module(ends, module, top)
    if error:
        search.say(f"no example of {target.name}: {error}")
        return
    yield calls_in_docstring(module, target.name, ast.get_docstring(node) or "")
    if target.what != "function":
        return
    for content in _drafts(search.db, target):
        yield calls_in_tests(module, target.name, content)
    seconds = min(SEARCH_SECONDS, (ends.until - time.monotonic()) / 2)  # it runs twice
    if seconds > 0:
        gap = _whole(node, target, span)
        candidate = draft_embedded(gap, tree, ends.after.sandbox, seconds=seconds)
        if candidate is not None:
            yield calls_in_tests(module, target.name, candidate.content)


def _public_module(ends: _Ends, module: str, name: str) -> tuple[str, str]:
    """The module or package that readers import a name from: the outermost that has it; and the
    error where the name cannot be imported at all.
    """
    parts = module.split(".")
    outer = [".".join(parts[:length]) for length in range(1, len(parts))]
    codes = [
        f"from {package} import {name} as here\nfrom {module} import {name} as there\nhere is there"
        for package in outer
    ]
    *results, plain = run_calls(
        ends.after.sandbox, [*codes, f"from {module} import {name}"], until=ends.until
    )
    if plain is not None and plain.raised:
        return module, plain.text.rpartition("\n")[2]
    same = (
        package
        for package, result in zip(outer, results, strict=True)
        if result is not None and result.text == "True"
    )
    return next(same, module), ""


def _drafts(db: Database, target: Target) -> list[str]:
    """The texts of the verified drafts of a function, the newest first."""
    drafts = db.drafts.find(("ready", "accepted"), kind="test")
    return [
        draft.content
        for draft in reversed(drafts)
        if draft.target is not None
        and (draft.target.path, draft.target.function) == (target.path, target.name)
        and draft.evidence.get("verdict") == "verified"
    ]


def _whole(node: Definition, target: Target, span: Span) -> Gap:
    """All lines of a function as a gap, so that any call of it will do."""
    first, last = node.lineno, node.end_lineno or node.lineno
    lines = tuple(range(first, last + 1))
    return Gap(span.last, target.path, target.name, first, last, lines)


def _first_shown(
    ends: _Ends, target: Target, calls: Sequence[Call], span: Span
) -> RunExample | None:
    """Run calls at the span's end, for what changed at its start, too; of those to show the first
    whose result tells most.
    """
    steady = _steady(calls, ends) if calls else []
    former: list[Result | None] = [None] * len(steady)
    if steady and target.is_changed and ends.before is not None:
        codes = [call.code for call, _ in steady]
        former = run_calls(ends.before.sandbox, codes, until=ends.until)
    shown = [
        _run_example(target, call, result, before, span, ends.after)
        for (call, result), before in zip(steady, former, strict=True)
    ]
    differing = [example for example in shown if example.before is not None]
    candidates = differing if target.must_differ else differing or shown
    return min(candidates, key=lambda example: poverty(example.result), default=None)


def _steady(calls: Sequence[Call], ends: _Ends) -> list[tuple[Call, Result]]:
    """The calls that give the same twice, and something to show."""
    results = run_calls(ends.after.sandbox, [call.code for call in calls], until=ends.until)
    return [
        (call, result)
        for call, result in zip(calls, results, strict=True)
        if result is not None and _can_be_shown(call, result, ends.after)
    ]


def _can_be_shown(call: Call, result: Result, workspace: Workspace) -> bool:
    """Whether a result is what a reader expects to see: something, short, of no folder here."""
    lines = result.text.split("\n")
    if not result.text or len(lines) > MOST_LINES or any(len(line) > WIDTH for line in lines):
        return False
    if result.raised and not call.raises:
        return False
    folders = (str(workspace.tree), str(workspace.sandbox.appears_at), "/tmp/")
    is_plain = all(line.isprintable() for line in lines)
    return is_plain and not any(folder in result.text for folder in folders)


def _run_example(
    target: Target,
    call: Call,
    result: Result,
    former: Result | None,
    span: Span,
    workspace: Workspace,
) -> RunExample:
    before = former.text if former is not None and _tells(former, result) else None
    return RunExample(
        path=target.path,
        name=target.name,
        code=call.code,
        result=result.text,
        before=before,
        sha=span.last,
        before_sha=span.since if before is not None else "",
        command=COMMAND,
        tier=str(workspace.sandbox.tier),
    )


def _tells(former: Result, result: Result) -> bool:
    """Whether what a call gave before is worth showing: something else, short, of the call itself
    and not of its import, which may be missing there.
    """
    if former.raised and _IMPORT_FAILED.search(former.text):
        return False
    return former.text not in ("", result.text) and len(former.text) <= WIDTH * MOST_LINES
