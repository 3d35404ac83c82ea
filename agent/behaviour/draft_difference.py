"""Makes a test of a difference: of the new value, or of the old one."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Literal, NamedTuple

from copydesk.agent import config
from copydesk.agent.behaviour.compare_commit import AFTER_SLOT, BEFORE_SLOT, BehaviourSearch
from copydesk.agent.desk.comparisons import ComparisonRow
from copydesk.agent.errors import CopydeskError
from copydesk.agent.records import Candidate, Draft, Gap, Json
from copydesk.agent.testgen.embedded import draft_calls
from copydesk.agent.testgen.pipeline import Budget, DraftDesk
from copydesk.agent.testgen.project import Workspace, open_workspace

Keeps = Literal["new", "old"]
"""What a test expects: what the commit's version does, or what the parent's did."""

_FILE = "test_of_a_difference.py"
_FAILS_AT_PARENT = "it fails at the parent of the commit and passes at the commit; both were run"
_FAILS_NOW = (
    "it passes at the parent of the commit and fails at the commit; both were run. It holds once"
    " the function does again what it did: `copydesk accept --anyway` writes it as it is"
)
_PASSED, _FAILED = 0, 1
"""Exit codes of pytest."""


class _End(NamedTuple):
    """A tree, the commit whose it is, and the function's form in it."""

    workspace: Workspace
    version: Json


def draft_difference(search: BehaviourSearch, row: ComparisonRow, keeps: Keeps) -> Draft:
    """Draft a test of the differences of a function, check it, and put it on the desk.

    The test passes at the end whose value it expects, and fails at the other one; both are tried.

    Args:
        search: What it is done with.
        row: The compared function.
        keeps: "new": a test of what the function does now. "old": a test of what it did, which
            fails until the function does so again.

    Returns:
        The draft, on the desk.

    Raises:
        CopydeskError: No test can be made of the differences.
    """
    calls = [d["recorded"] for d in row.detail.get("differences") or () if d.get("recorded")]
    if row.verdict != "differs" or not calls:
        raise CopydeskError(
            f"{row.name} has no difference that a test could be made of",
            slug="no-test-of-difference",
            hint=f"`copydesk behaviour {row.sha[:8]} {row.name}` shows what came of it.",
        )
    with contextlib.ExitStack() as stack:
        before = stack.enter_context(open_workspace(search.repo, row.base, BEFORE_SLOT))
        after = stack.enter_context(open_workspace(search.repo, row.sha, AFTER_SLOT))
        ends = [_End(after, row.detail["after"]), _End(before, row.detail["before"])]
        here, other = ends if keeps == "new" else reversed(ends)
        gap = _gap(row, here.version)
        candidate = _drafted(gap, here.workspace, calls)
        if candidate is None or not _tells_apart(candidate, here, other):
            raise CopydeskError(
                f"no test tells the two versions of {row.name} apart",
                slug="no-test-of-difference",
                hint="What differs cannot be written into an assertion; the calls are shown.",
            )
        draft = _checked(search, here.workspace, candidate, keeps)
    search.db.comparisons.set_state(row.id, "tested")
    return draft


def _gap(row: ComparisonRow, version: Json) -> Gap:
    """The changed lines of the function as what the test is meant to reach."""
    lines = tuple(line for line in version["changed"] if line > 0)
    first = int(version["line"])
    last = max((*lines, first))
    return Gap(row.sha, version["path"], version["function"], first, last, lines or (first,))


def _drafted(gap: Gap, workspace: Workspace, calls: list[Json]) -> Candidate | None:
    return draft_calls(gap, workspace.tree, workspace.sandbox, calls, origin="behaviour")


def _tells_apart(candidate: Candidate, here: _End, other: _End) -> bool:
    """Whether the tests pass at one end and not at the other."""
    return (
        _pytest(here.workspace, candidate.content) == _PASSED
        and _pytest(other.workspace, candidate.content) == _FAILED
    )


def _pytest(workspace: Workspace, content: str) -> int | None:
    """The exit code of pytest on a test module at one end; None where it did not end by itself."""
    command = ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", _FILE)
    return workspace.sandbox.run(command, files={_FILE: content}).returncode


def _checked(
    search: BehaviourSearch, workspace: Workspace, candidate: Candidate, keeps: Keeps
) -> Draft:
    """Take a candidate up the ladder at the end whose value it expects, and keep it."""
    sha = candidate.gap.commit
    budget = Budget.of(config.load(search.repo).personal, search.db, sha)
    desk = DraftDesk(search.db, workspace, budget, search.say)
    checked = desk.check(search.db.verifications.begin(candidate))
    note = _FAILS_AT_PARENT if keeps == "new" else _FAILS_NOW
    evidence = replace(checked.evidence, notes=(*checked.evidence.notes, note))
    return desk.keep(candidate.gap, checked._replace(evidence=evidence))
