"""An accepted test once more, in the very file it is going to stand in.

A draft was checked in a module of its own. Beside a project's other tests it can meet a fixture of
the same name, an autouse fixture, module state, or a neighbour that it disturbs.
"""

from __future__ import annotations

import ast
from typing import Literal, NamedTuple

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository, resolve
from copydesk.agent.records import Draft, TestId
from copydesk.agent.sandbox.records import Tier
from copydesk.agent.testgen.accept.placement import Placement
from copydesk.agent.testgen.project import Workspace, find_tests, open_workspace
from copydesk.agent.testgen.verify import CouldNotRun, DraftUnderTest, InconsistentReport, Report
from copydesk.agent.text import clean


class InPlace(NamedTuple):
    """How the file went with the draft in it, and why."""

    verdict: Literal["passes", "fails", "not run"]
    why: str = ""


def run_placement(repo: Repository, draft: Draft, placement: Placement) -> InPlace:
    """Run a test file as it will be, on the commit that is checked out; the work tree is only read.

    That is not always the draft's: a draft waits while the code it calls goes on.

    Args:
        repo: The repository.
        draft: A test draft.
        placement: Where it goes.

    Returns:
        "fails" when a test of the draft does not pass there, or one of the file's own tests that
        passes without it; "not run" when nothing could be found out.
    """
    try:
        with open_workspace(repo, resolve(repo, "HEAD")) as workspace:
            if workspace.sandbox.tier is Tier.NONE:
                return InPlace("not run", workspace.sandbox.reason)
            return _PlacedRun(workspace, draft, placement).judge()
    except (CopydeskError, CouldNotRun, InconsistentReport, SyntaxError, ValueError) as error:
        return InPlace("not run", clean(str(error)))


class _PlacedRun:
    """Runs a test file with and without a draft in it.

    Args:
        workspace: The tree that is checked out.
        draft: The draft.
        placement: Where it goes.

    Attributes:
        old_tests: The file's own tests.
        new_tests: The draft's, as they are called there.
    """

    def __init__(self, workspace: Workspace, draft: Draft, placement: Placement) -> None:
        self.workspace = workspace
        self.path = placement.path
        self.target = draft.target.path if draft.target else placement.path
        self.old_text = placement.old_text or ""
        self.new_text = placement.new_text
        self.old_tests = _test_names(self.old_text)
        self.new_tests = tuple(
            name for name in _test_names(self.new_text) if name not in self.old_tests
        )

    def judge(self) -> InPlace:
        """How the file goes with the draft in it, and without it where that is in question."""
        try:
            report = self._run(self.new_text, (*self.old_tests, *self.new_tests))
        except InconsistentReport:  # the file hides some of its tests from pytest
            try:
                report = self._run(self.new_text, self.new_tests)
            except InconsistentReport as error:
                return InPlace("fails", str(error))
            self.old_tests = ()
        if report.broken:
            return InPlace("fails", clean(report.broken))
        failures = {test: r.why for test, r in report.together.items() if not r.passed}
        for test, why in failures.items():
            if _function(test) in self.new_tests:
                return InPlace("fails", f"{_function(test)}: {clean(why)}")
        disturbed = self._disturbed(list(failures))
        if disturbed:
            return InPlace("fails", f"{disturbed} of that file fails beside it")
        return InPlace("passes")

    def _disturbed(self, failed: list[TestId]) -> str:
        """The first of the file's own tests that fails with the draft and passes without, or ""."""
        if not failed:
            return ""
        without_draft = self._run(self.old_text, self.old_tests).together
        for test in failed:
            if test in without_draft and without_draft[test].passed:
                return _function(test)
        return ""

    def _run(self, text: str, names: tuple[str, ...]) -> Report:
        """Run these tests of the file with some text."""
        draft = DraftUnderTest(
            sandbox=self.workspace.sandbox,
            tree=self.workspace.tree,
            path=self.path,
            text=text,
            target=self.target,
            source="",
            tests=names,
        )
        report, _ = draft.run({})
        return report


def _test_names(text: str) -> tuple[str, ...]:
    return tuple(find_tests(ast.parse(text)))


def _function(test: TestId) -> str:
    """The test function of a node id, without its parameters."""
    return test.partition("::")[2].split("[")[0]
