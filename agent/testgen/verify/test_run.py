"""Starts the runs of one draft in the sandbox: the command, the orders, the options."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from copydesk.agent.coverage.runner import addopts
from copydesk.agent.records import TestId
from copydesk.agent.sandbox.records import USUAL, Outcome, Surroundings, Tier
from copydesk.agent.source_text import decode_source
from copydesk.agent.testgen.project import nearest_test, project_folder
from copydesk.agent.testgen.verify.other_places import OtherPlace
from copydesk.agent.testgen.verify.run_report import (
    InconsistentReport,
    Report,
    Result,
    position,
    read_report,
)

NAME = "test_copydesk_draft.py"

_START = (
    "import gc, os, sys\n"
    "gc.disable()\n"  # a fifth of the start of pytest; on again before the first test
    "sys.path.insert(0, os.environ['COPYDESK_TOOLS'])\n"  # before a project's module of that name
    "from copydesk_tools.verify.main import main\n"
    "main(sys.argv[1:])\n"
)
_KEPT = ("--import-mode", "--asyncio-mode", "--ds", "--dc", "--confcutdir", "--pyargs", "-p", "-W")


class Runner(Protocol):
    """What runs a draft: a sandbox, or one that remembers."""

    @property
    def tier(self) -> Tier:
        """How well runs are guarded."""

    def run(
        self,
        argv: Sequence[str],
        *,
        files: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        surroundings: Surroundings = USUAL,
    ) -> Outcome:
        """Run a command on a fresh copy; see SandboxRunner.run."""


@dataclass(frozen=True, slots=True)
class DraftUnderTest:
    """A draft at the place in the tree where it is tried, against its target.

    Attributes:
        sandbox: Runs it.
        tree: The tree it is laid over.
        path: Where it lies, relative to the tree, with slashes.
        text: The test module.
        target: The source file that it tests, relative to the tree, with slashes.
        source: The text of that file.
        tests: The draft's test functions as test_modules.tests names them.
    """

    sandbox: Runner
    tree: Path
    path: str
    text: str
    target: str
    source: str
    tests: tuple[str, ...]

    @property
    def ids(self) -> tuple[TestId, ...]:
        """The node ids that pytest will give the tests."""
        return tuple(f"{self.path}::{test}" for test in self.tests)

    def function_of(self, test: TestId) -> str:
        """The test function that a node id belongs to."""
        return self.tests[position(test, self.ids)]

    def failures(self, results: Mapping[TestId, Result]) -> dict[str, str]:
        """Why which test functions failed."""
        return {
            self.function_of(test): result.why
            for test, result in results.items()
            if not result.passed
        }

    def run(
        self,
        orders: Mapping[str, Any],
        *,
        order: Sequence[TestId] = (),
        seed: int = 0,
        files: Mapping[str, str] | None = None,
        place: OtherPlace | None = None,
    ) -> tuple[Report, Outcome]:
        """Run the draft once, in a fresh process on a fresh copy of the tree.

        Args:
            orders: What the plugin is to do beside running the tests; see copydesk_tools.verify.
            order: The tests in the order to run them, with their parameters; as written when empty.
            seed: The hash seed of the process.
            files: Further files to lay over the tree.
            place: Where it runs, when not at the usual place.

        Raises:
            InconsistentReport, CouldNotRun: See run_report.read_report.
        """
        expected = tuple(order) or self.ids
        guarded = self.sandbox.tier is Tier.FULL
        all_orders = {"target": self.target, "order": expected, "guarded": guarded, **orders}
        options = pytest_options(self.tree)
        if place is not None:
            all_orders["place"] = place.number
            options = [*place.options, *(word for word in options if word != "-q")]
        outcome = self.sandbox.run(
            # a traceback then marks no columns, which tell one version of the target from another
            ["python", "-X", "no_debug_ranges", "-c", _START, *options, self.path],
            files={self.path: self.text, **(files or {})},
            env={"PYTHONHASHSEED": str(seed)},
            stdin=json.dumps(all_orders).encode(),
            surroundings=USUAL if place is None else place.surroundings,
        )
        try:
            return read_report(outcome, expected), outcome
        except InconsistentReport as error:
            error.mutated = b'"kind": "versions"' in outcome.report
            raise


def draft_path(tree: Path, target: str) -> str:
    """Where a draft for a source file is tried: beside the tests of that file, so that it sees
    the same fixtures, else in tests/.
    """
    nearest = nearest_test(tree, target)
    own = PurePosixPath(project_folder(target, tree))
    folder = PurePosixPath(nearest).parent if nearest else own / "tests"
    return str(folder / NAME)


def pytest_options(tree: Path) -> list[str]:
    """The options of pytest: the project's configuration without what would disturb a single run.

    Coverage, parallel runs, selections and strictness in `addopts` go; how modules are imported
    and which plugins are on or off stays.
    """
    return [
        *("-q", "--rootdir=.", "-p", "no:cacheprovider", "-p", "no:randomly"),
        *("-o", "addopts="),
        *_options_to_keep(addopts(tree)),
    ]


def _options_to_keep(words: Sequence[str]) -> list[str]:
    kept: list[str] = []
    for index, word in enumerate(words):
        name, _, value = word.partition("=")
        if name not in _KEPT:
            continue
        kept.append(word)
        takes_next_word = not value and name != "--pyargs"
        if takes_next_word and index + 1 < len(words):
            kept.append(words[index + 1])
    return kept


def read_source(path: Path) -> str:
    """The text of a source file as Python reads it: its encoding, and newlines as one character."""
    return decode_source(path.read_bytes())
