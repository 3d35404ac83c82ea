"""The reference of a replay where a repository holds several projects.

Each runs its tests by the plainest means, in its folder and under its configuration. What they
executed is united, for a line of one project that a test of another executes is executed, and each
project's report is coverage.py's own, of its own files.
"""

from __future__ import annotations

import json
import os
import posixpath
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from copydesk.agent.coverage.runner import (
    DEFAULT_OMIT,
    NOTHING_COLLECTED,
    Engine,
    pytest_cov_options,
    pytest_options,
)
from copydesk.agent.errors import CopydeskError
from copydesk.agent.process import Result
from copydesk.agent.projects import lies_in, nearest
from copydesk.agent.records import Json, TestId
from copydesk.agent.untrusted_files import read_untrusted


@dataclass(frozen=True, slots=True)
class ProjectRun:
    """One project to run: where, what its coverage configuration says, and what pytest is told.

    `branch` says whether it counts branches itself.
    """

    engine: Engine
    answer: Json
    tests: Sequence[str]
    scratch: Path

    @property
    def folder(self) -> str:
        """Its folder in the repository."""
        return self.engine.folder

    @property
    def branch(self) -> bool:
        """Whether it counts branches."""
        return bool(self.answer["branch"]) or pytest_cov_options(self.engine.home)[1]

    @property
    def data(self) -> Path:
        """What its run measures."""
        return self.scratch / "data"


def run_each(runs: Sequence[ProjectRun], timeout: float) -> tuple[float, dict[TestId, str]]:
    """Run the tests of each project.

    Args:
        runs: The projects.
        timeout: Seconds, for each.

    Returns:
        Seconds that they took, and the outcome of each test, by its name in the repository.

    Raises:
        CopydeskError: pytest could not run at all.
    """
    seconds, outcomes = 0.0, dict[TestId, str]()
    folders = [run.folder for run in runs]
    with_branches = any(run.branch for run in runs)
    for run in runs:
        ended, said = _run(run, folders, with_branches, timeout)
        seconds += ended.seconds
        outcomes |= {posixpath.join(run.folder, name): outcome for name, outcome in said.items()}
    return seconds, outcomes


def _run(
    run: ProjectRun, folders: Collection[str], with_branches: bool, timeout: float
) -> tuple[Result, dict[str, str]]:
    engine, scratch = run.engine, run.scratch
    said = scratch / "outcomes"
    env = engine.environ() | {"COPYDESK_OUTCOMES": str(said), "COVERAGE_CORE": "ctrace"}
    argv: list[str | Path] = [engine.interpreter.path, "-m", "coverage", "run"]
    argv += [f"--data-file={run.data}", f"--source={','.join(_sources(run, folders))}"]
    argv += ["--branch"] if with_branches else []
    if not run.answer["named"]:
        argv.append(f"--omit={','.join([*run.answer['omit'], *DEFAULT_OMIT])}")
    argv += ["-m", "pytest", "-p", "copydesk_probe.outcomes", *pytest_options(engine, scratch)]
    argv += ["--maxfail=0"]
    argv += ["--no-cov"] if "pytest_cov" in run.answer["plugins"] else []
    argv += ["-n0"] if "xdist" in run.answer["plugins"] else []
    nested = [one for one in folders if one != run.folder and lies_in(one, run.folder)]
    argv += [f"--ignore={engine.tree / one}" for one in nested]
    ended = engine.run_tests([*argv, *run.tests], env, scratch=scratch, timeout=timeout)
    if ended.returncode not in (0, 1, 2, NOTHING_COLLECTED) or not said.exists():
        output = (ended.stdout + ended.stderr).decode("utf-8", "replace")
        raise CopydeskError(
            f"in {run.folder or 'the top folder'}: the full run ended with exit code"
            f" {ended.returncode}\n{output[-2000:]}",
            slug="reference-failed",
            hint="Run `coverage run -m pytest` there yourself.",
        )
    return ended, json.loads(read_untrusted(said))


def _sources(run: ProjectRun, folders: Iterable[str]) -> list[str]:
    """What is measured in the run of one project: its own sources, and all other projects."""
    own = run.answer["sources"] or pytest_cov_options(run.engine.home)[0]
    tree = run.engine.tree
    others = [str(tree / folder) for folder in folders if folder != run.folder]
    return [*(own or run.engine.import_roots()), *others]


def reports(runs: Sequence[ProjectRun], files: Collection[str]) -> dict[str, Json]:
    """What coverage.py's JSON report says of each project's files, by their paths.

    Args:
        runs: The projects, whose tests were run.
        files: The files of the checkout.
    """
    folders = [run.folder for run in runs]
    entries: dict[str, Json] = {}
    for run in runs:
        reported = _report(run, [one.data for one in runs if one.data.exists()])
        for path in _counted_files(run, _own_files(run.folder, folders, files), reported):
            entries[path] = reported[path] if run.branch else _without_branches(reported[path])
    return entries


def _own_files(folder: str, folders: Sequence[str], files: Collection[str]) -> set[str]:
    """The files that belong to the project of a folder, and to none below it."""
    return {path for path in files if nearest(path, folders) == folder and lies_in(path, folder)}


def _counted_files(run: ProjectRun, own: set[str], reported: Mapping[str, Json]) -> set[str]:
    """The reported files of a project that count in its total, executed or not."""
    executed = {path for path, entry in reported.items() if entry["executed_lines"]}
    answer = run.engine.project(sorted(path for path in own if path.endswith(".py")))
    counted = set(answer["always"]) | (executed & set(answer["measurable"]))
    return counted & own & reported.keys()


def _report(run: ProjectRun, data: Sequence[Path]) -> Mapping[str, Json]:
    """The report of what all runs executed, under one project's configuration."""
    engine, scratch = run.engine, run.scratch
    env, united, output = engine.environ(), scratch / "united", scratch / "report.json"
    coverage: list[str | Path] = [engine.interpreter.path, "-m", "coverage"]
    folders = [path.parent for path in data]
    combine = [*coverage, "combine", "--keep", "-q", f"--data-file={united}", *data]
    engine.run_tests(combine, env, scratch=scratch, timeout=300, writes=folders)
    argv = [*coverage, "json", "-i", f"--data-file={united}", "-o", output]
    engine.run_tests(argv, env, scratch=scratch, timeout=300)
    if not output.exists():
        return {}
    home, tree = os.path.realpath(engine.home), os.path.realpath(engine.tree)
    by_path = {}
    for name, entry in json.loads(read_untrusted(output))["files"].items():
        full = os.path.normpath(Path(home) / name)
        by_path[os.path.relpath(full, tree).replace(os.sep, "/")] = entry
    return by_path


def _without_branches(entry: Json) -> Json:
    summary = entry["summary"] | {"num_branches": 0}
    return entry | {"missing_branches": [], "summary": summary}
