"""An accepted test once more, in the very file it is going to stand in.

A draft was checked in a module of its own. Beside a project's other tests it can meet a fixture of
the same name, an autouse fixture, module state, or a neighbour that it disturbs.
"""

from __future__ import annotations

import ast
from typing import Literal, NamedTuple

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository, resolve
from copydesk.agent.records import Draft
from copydesk.agent.sandbox.records import Tier
from copydesk.agent.testgen.accept.placement import Placement
from copydesk.agent.testgen.project import Workspace, open_workspace
from copydesk.agent.testgen.project import test_modules as module
from copydesk.agent.testgen.verify import Bed, CouldNotRun, Doubtful, Report
from copydesk.agent.text import clean


class InPlace(NamedTuple):
    """How the file went with the draft in it, and why."""

    verdict: Literal["passes", "fails", "not run"]
    why: str = ""


def run_placement(repo: Repository, draft: Draft, place: Placement) -> InPlace:
    """Run a test file as it will be, on the commit that is checked out; the work tree is only read.

    That is not always the draft's: a draft waits while the code it calls goes on.

    Args:
        repo: The repository.
        draft: A test draft.
        place: Where it goes.

    Returns:
        "fails" when a test of the draft does not pass there, or one of the file's own tests that
        passes without it; "not run" when nothing could be found out.
    """
    try:
        with open_workspace(repo, resolve(repo, "HEAD")) as workspace:
            if workspace.sandbox.tier is Tier.NONE:
                return InPlace("not run", workspace.sandbox.reason)
            return _judged(workspace, draft, place)
    except (CopydeskError, CouldNotRun, SyntaxError, ValueError) as error:
        return InPlace("not run", clean(str(error)))


def _judged(workspace: Workspace, draft: Draft, place: Placement) -> InPlace:
    there = _names(place.old_text or "")
    mine = tuple(name for name in _names(place.new_text) if name not in there)
    try:
        report = _run(workspace, draft, place.path, place.new_text, (*there, *mine))
    except Doubtful:  # the file holds tests that its text does not show, or hides some
        try:
            report, there = _run(workspace, draft, place.path, place.new_text, mine), ()
        except Doubtful as odd:
            return InPlace("fails", str(odd))
    if report.broken:
        return InPlace("fails", clean(report.broken))
    failed = {test: r.why for test, r in report.together.items() if not r.passed}
    ours = [t for t in failed if _function(t) in mine]
    if ours:
        return InPlace("fails", f"{_function(ours[0])}: {clean(failed[ours[0]])}")
    if failed:
        before = _run(workspace, draft, place.path, place.old_text or "", there)
        disturbed = [t for t in failed if t in before.together and before.together[t].passed]
        if disturbed:
            return InPlace("fails", f"{_function(disturbed[0])} of that file fails beside it")
    return InPlace("passes")


def _run(
    workspace: Workspace, draft: Draft, path: str, text: str, names: tuple[str, ...]
) -> Report:
    target = draft.target.path if draft.target else path
    bed = Bed(workspace.sandbox, workspace.tree, path, text, target, "", names)
    return bed.run({})[0]


def _names(text: str) -> tuple[str, ...]:
    return tuple(module.tests(ast.parse(text)))


def _function(test: str) -> str:
    return test.partition("::")[2].split("[")[0]
