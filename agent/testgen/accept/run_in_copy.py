"""An accepted test in the user's own environment, in a throwaway copy of the working tree.

What a draft was checked in is a sandbox, on a commit. Here it runs as its user will run it: with
the interpreter, the configuration, the plugins and the variables of the project, on what is saved,
as `pytest PATH` from the project's folder.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from copydesk.agent import config
from copydesk.agent.coverage.probe import PROBE
from copydesk.agent.coverage.runner import Redirect
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.interpreter import ready
from copydesk.agent.git.repository import Repository
from copydesk.agent.git.worktree_copy import copy_worktree
from copydesk.agent.process import ProcessError, run, scratch_folder, scrubbed_environment
from copydesk.agent.records import Interpreter
from copydesk.agent.sandbox.own_tests import FolderAccess, OwnTestsSandbox, sandbox_for_own_tests
from copydesk.agent.testgen.accept.placement import Placement
from copydesk.agent.testgen.accept.run_in_place import InPlace
from copydesk.agent.testgen.accept.write_placement import write_placement
from copydesk.agent.testgen.project import find_tests, project_folder
from copydesk.agent.text import clean, one_line
from copydesk.agent.untrusted_files import read_untrusted

SECONDS = 120.0
"""How long the one file may take."""

_PYTEST = """
import sys
if not sys.path[0]:
    del sys.path[0]  # python -c adds the current folder, which the program `pytest` does not
sys.argv[0] = "pytest"
from pytest import console_main
sys.exit(console_main())
"""
_AS_PROGRAM = ("-c", _PYTEST)
_AS_MODULE = ("-m", "pytest")

_COLLECTED_NOTHING = 5
_RAN = (0, 1, 2, _COLLECTED_NOTHING)
"""The exit codes of pytest after which its report says how each test went."""


def run_in_copy(repo: Repository, placement: Placement) -> InPlace:
    """Run a test file as it will be, in the user's environment; the work tree is only read.

    Args:
        repo: The repository.
        placement: Where an accepted test goes.

    Returns:
        "fails" when one of its tests does not pass there, or one of the file's own tests that
        passes without it; "not run" when nothing could be found out.
    """
    folder = project_folder(placement.path, repo.worktree)
    try:
        python, personal = ready(repo, folder), config.load_personal(repo)[0]
        with scratch_folder() as scratch:
            tree = scratch / "tree"
            withheld = copy_worktree(repo, tree)
            guard, _ = sandbox_for_own_tests(personal, python, repo.worktree, tree)
            copy = _Copy(repo, python, guard, tree, folder)
            return _Judgement(copy, placement, withheld).judge()
    except ProcessError as error:
        return InPlace("not run", f"pytest {error.reason}")
    except (CopydeskError, OSError, SyntaxError, ValueError) as error:
        return InPlace("not run", clean(one_line(str(error), 300)))


@dataclass(frozen=True, slots=True)
class _Copy:
    """A copy of the working tree, and what runs in it.

    `folder` is the project's.
    """

    repo: Repository
    python: Interpreter
    guard: OwnTestsSandbox | None
    tree: Path
    folder: str

    @property
    def home(self) -> Path:
        return self.tree / self.folder if self.folder else self.tree

    def run(self, path: str, way: tuple[str, ...]) -> _Outcome:
        """Run the tests of one file.

        Args:
            path: The file, relative to the working tree.
            way: How the interpreter is told to start pytest.

        Raises:
            CopydeskError: They could not be run, or took too long.
        """
        relative = os.path.relpath(self.tree / path, self.home)
        results = self.tree.with_name("results")
        results.mkdir(exist_ok=True)
        report = results / "report.xml"
        report.unlink(missing_ok=True)
        argv = [str(self.python.path), *way, f"--junitxml={report}", relative]
        if self.guard is None:
            result = run(argv, cwd=self.home, env=self._environ(), timeout=SECONDS, check=False)
        else:
            result = self.guard.run(
                argv,
                folders=FolderAccess(self.tree, (results,), (PROBE,), self.home),
                env=self._environ(),
                timeout=SECONDS,
            )
        if result.returncode not in _RAN:
            lines = (result.stdout + result.stderr).decode("utf-8", "replace").strip().split("\n")
            raise CopydeskError(
                f"pytest ended with exit code {result.returncode}: {lines[-1]}",
                slug="program-failed",
            )
        return _Outcome(result.returncode, _failures(read_untrusted(report)))

    def _environ(self) -> dict[str, str]:
        """The user's environment, with imports from editable installs leading to the copy."""
        redirect = Redirect.of(self.repo, self.python)
        path = [self.python.extra_path] if self.python.extra_path else []
        own = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        folders = [*map(str, path), *(folder for folder in own if Path(folder).is_absolute())]
        variables = {"GIT_CEILING_DIRECTORIES": str(self.tree.parent)}
        if redirect.roots or folders:
            folders.insert(0, str(PROBE))  # whose sitecustomize does the redirecting
            variables |= redirect.variables(self.tree)
        if folders:
            variables["PYTHONPATH"] = os.pathsep.join(folders)
        return scrubbed_environment(variables)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How a run ended: pytest's exit code, and the error of each test that failed, by name.

    A file that could not be collected has the name "".
    """

    code: int
    failures: Mapping[str, str]


class _Judgement:
    """Runs a test file in a copy with a draft in it, and without where that is in question.

    Args:
        copy: The copy.
        placement: Where the draft goes.
        withheld: Modules of the working tree that the copy lacks.
    """

    def __init__(self, copy: _Copy, placement: Placement, withheld: list[str]) -> None:
        self.copy = copy
        self.placement = placement
        self.withheld = withheld
        old_tests = find_tests(ast.parse(placement.old_text or ""))
        self.new_tests = set(find_tests(ast.parse(placement.new_text))).difference(old_tests)

    def judge(self) -> InPlace:
        """How the file goes."""
        before = None
        if self.placement.old_text is not None:
            before = self.copy.run(self.placement.path, _AS_PROGRAM)
        write_placement(self.placement, self.copy.tree)
        outcome = self.copy.run(self.placement.path, _AS_PROGRAM)
        if "" in outcome.failures:
            return self._not_collected(outcome, before)
        if outcome.code == _COLLECTED_NOTHING:
            return InPlace("fails", f"pytest collects no test in {self.placement.path}")
        for name, error in outcome.failures.items():
            if name in self.new_tests:
                return InPlace("fails", f"{name}: {error}")
        disturbed = outcome.failures.keys() - (before.failures if before else {})
        for name in sorted(disturbed):
            return InPlace("fails", f"{name} of that file fails beside it")
        return InPlace("passes")

    def _not_collected(self, outcome: _Outcome, before: _Outcome | None) -> InPlace:
        """What a file that cannot be collected says of the draft."""
        error = outcome.failures[""]
        if before is not None and "" in before.failures:
            return InPlace("not run", f"without the draft, too, the file fails: {error}")
        for path in self.withheld:
            if Path(path).stem in error:
                return InPlace("not run", f"{path} was not copied, for its name is private")
        as_module = self.copy.run(self.placement.path, _AS_MODULE)
        if as_module.code == 0:
            return InPlace("passes", f"as `python -m pytest`; as `pytest` it fails: {error}")
        return InPlace("fails", error)


def _failures(report: bytes) -> dict[str, str]:
    """The last error line of each test that failed, from a JUnit report, by the test's name."""
    # it takes a while to import, and nothing else of accepting needs it
    from defusedxml.ElementTree import fromstring

    failures: dict[str, str] = {}
    for case in fromstring(report).iter("testcase"):
        for problem in [*case.iter("failure"), *case.iter("error")]:
            message, text = problem.get("message", ""), problem.text or ""
            is_collection = message == "collection failure"
            name = "" if is_collection else case.get("name", "").split("[")[0]
            failures.setdefault(name, _last_error_line(text) or clean(one_line(message, 300)))
    return failures


def _last_error_line(text: str) -> str:
    """What is wrong, from pytest's account of it: the last error that is marked with an E."""
    marked = [line[1:].strip() for line in text.split("\n") if line.startswith("E ")]
    errors = [line for line in marked if "Error" in line.split(":")[0]]
    chosen = errors[-1:] or marked[:1]  # a comparison's further lines only explain it
    return clean(one_line(chosen[0], 300)) if chosen else ""
