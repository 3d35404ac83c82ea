"""The reference of a replay: every test of a commit under `coverage run`, and nothing of ours."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from copydesk.agent import config
from copydesk.agent.coverage.replay.several_projects import ProjectRun, reports, run_each
from copydesk.agent.coverage.runner import (
    DEFAULT_OMIT,
    NOTHING_COLLECTED,
    Engine,
    Redirect,
    pytest_cov_options,
    pytest_options,
)
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.interpreter import ready
from copydesk.agent.git.repository import Repository
from copydesk.agent.git.snapshot import snapshot
from copydesk.agent.process import Result
from copydesk.agent.projects import projects_of
from copydesk.agent.records import Interpreter, Json, Sha, Snapshot, TestId
from copydesk.agent.sandbox.own_tests import sandbox_for_own_tests
from copydesk.agent.text import clean
from copydesk.agent.untrusted_files import read_untrusted

_QUESTION = """
import coverage, importlib.util, json
c = coverage.Coverage(data_file=None, config_file=True, messages=False)
keys = ["source", "source_pkgs", "include"] + ["source_dirs"] * (coverage.version_info >= (7, 8))
print(json.dumps({
    "named": any(c.get_option("run:" + key) for key in keys),
    "sources": c.get_option("run:source") or [],
    "omit": c.get_option("run:omit") or [],
    "branch": bool(c.get_option("run:branch")),
    "processes": "multiprocessing" in (c.get_option("run:concurrency") or ""),
    "version": coverage.__version__,
    "plugins": [n for n in ("pytest_cov", "xdist") if importlib.util.find_spec(n)],
}))
"""

_STATEMENTS = """
import coverage, json, sys
c = coverage.Coverage(data_file=sys.argv[1], messages=False)
c.load()
files = json.load(open(sys.argv[2], encoding="utf-8"))["files"]
print(json.dumps({path: c.analysis2(path)[1] for path in files}))
"""

Facts = frozenset[tuple[str, str, object]]
"""What a report says: (path, word, line or branch), a fact each."""


@dataclass(frozen=True, slots=True)
class FullRun:
    """A full run: what its report says, each test's outcome, wall and processor time (s)."""

    facts: Facts
    outcomes: Mapping[TestId, str]
    seconds: float
    processor: float


def full_run(repo: Repository, named: Interpreter | None, sha: Sha) -> FullRun:
    """Run every test of a commit by the plainest means: `coverage run -m pytest` in a snapshot.

    Args:
        repo: The repository.
        named: What runs all tests; found for each project when left out.
        sha: The commit.

    Raises:
        CopydeskError: pytest could not run at all.
    """
    folders = projects_of(Commit(repo, sha))
    with (
        snapshot(repo, sha, "reference", asked_by_tests=True) as shot,
        tempfile.TemporaryDirectory(prefix="copydesk-") as folder,
    ):
        engines = [_engine(repo, shot, named, one) for one in folders]
        if folders != ("",):
            return _full_run_of_each(repo, sha, engines, Path(folder), shot.files)
        settings = config.load(repo, sha)
        reference = _Reference(engines[0], Path(folder))
        started = processor_time()
        ended = reference.run(settings.project.tests, settings.personal.measure_seconds)
        # nobody hears of the processor time of what runs in a namespace of its own
        processor = processor_time() - started if engines[0].guard is None else 0.0
        files = reference.report()
        outcomes = json.loads(read_untrusted(reference.outcomes))
        return FullRun(_reported(files, shot.files), outcomes, ended.seconds, processor)


class _Reference:
    """`coverage run -m pytest` of one project, and what coverage.py reports of it.

    Args:
        engine: The project's coverage.py.
        scratch: A folder to write to.
    """

    def __init__(self, engine: Engine, scratch: Path) -> None:
        self._engine = engine
        self._scratch = scratch
        self._data = scratch / "data"
        self.outcomes = scratch / "outcomes"
        self._coverage: list[str | Path] = [engine.interpreter.path, "-m", "coverage"]
        self._env = engine.environ()
        self._env |= {"COPYDESK_OUTCOMES": str(self.outcomes), "COVERAGE_CORE": "ctrace"}
        self._project = _last_line(self._ask(engine.isolated(_QUESTION, []), timeout=60))
        if self._project["processes"]:
            # by themselves children read the configuration, and know of no option
            self._env |= {"COVERAGE_FILE": str(self._data)}

    def _ask(self, argv: Sequence[str | Path], *, timeout: float = 300.0) -> Result:
        return self._engine.run_tests(argv, self._env, scratch=self._scratch, timeout=timeout)

    def run(self, tests: Sequence[str], timeout: float) -> Result:
        """Run every test.

        Raises:
            CopydeskError: pytest could not run at all.
        """
        options = _coverage_options(self._engine, self._project)
        argv = [*self._coverage, "run", f"--data-file={self._data}", *options]
        argv += ["-m", "pytest", "-p", "copydesk_probe.outcomes"]
        argv += [*pytest_options(self._engine, self._scratch), "--maxfail=0"]
        argv += ["--no-cov"] if "pytest_cov" in self._project["plugins"] else []
        argv += ["-n0"] if "xdist" in self._project["plugins"] else []
        ended = self._ask([*argv, *tests], timeout=timeout)
        if ended.returncode not in (0, 1, 2, NOTHING_COLLECTED) or not self.outcomes.exists():
            output = (ended.stdout + ended.stderr).decode("utf-8", "replace")
            raise CopydeskError(
                f"the full run ended with exit code {ended.returncode}\n{output[-2000:]}",
                slug="reference-failed",
                hint="Run `coverage run -m pytest` yourself.",
            )
        return ended

    def report(self) -> dict[str, Json]:
        """The files of coverage.py's JSON report; none where nothing was measured."""
        report = self._scratch / "report.json"
        options = self._united()
        argv = [*self._coverage, "json", "-i", f"--data-file={self._data}", "-o", report]
        self._ask([*argv, *options])
        if not report.exists():
            return {}
        files: dict[str, Json] = json.loads(read_untrusted(report))["files"]
        if _names_more_than_statements(files):
            words = self._engine.isolated(_STATEMENTS, [str(self._data), str(report)])
            _leave_statements(files, _last_line(self._ask(words)))
        return files

    def _united(self) -> list[str]:
        """Unite what processes wrote, each for itself; the options that the report needs then."""
        if not any(self._scratch.glob("data.*")):
            return []
        combine = [*self._coverage, "combine", "--append", "-q", f"--data-file={self._data}"]
        self._ask([*combine, self._scratch])
        omit = ",".join([*self._project["omit"], *DEFAULT_OMIT])
        return [] if self._project["named"] else [f"--omit={omit}"]


def _engine(repo: Repository, shot: Snapshot, named: Interpreter | None, folder: str) -> Engine:
    """coverage.py for one of the projects of a snapshot."""
    python = named or ready(repo, folder)
    personal = config.load_personal(repo)[0]
    guard, _ = sandbox_for_own_tests(personal, python, repo.worktree, shot.path)
    redirect = Redirect.of(repo, python)
    return Engine(shot.path, python, guard, redirect=redirect, folder=folder, objects=shot.objects)


def _full_run_of_each(
    repo: Repository, sha: Sha, engines: Sequence[Engine], scratch: Path, files: Collection[str]
) -> FullRun:
    """The same of a commit that holds several projects.

    Args:
        repo: The repository.
        sha: The commit.
        engines: coverage.py for each project.
        scratch: A folder to write to.
        files: The files of the checkout.
    """
    runs = []
    for number, engine in enumerate(engines):
        own = scratch / str(number)
        own.mkdir()
        tests = config.load_project(repo, sha, engine.folder)[0].tests
        words = engine.isolated(_QUESTION, [])
        answer = engine.run_tests(words, engine.environ(), scratch=own, timeout=60)
        runs.append(ProjectRun(engine, _last_line(answer), tests, own))
    started = processor_time()
    timeout = config.load_personal(repo)[0].measure_seconds
    seconds, outcomes = run_each(runs, timeout)
    processor = 0.0 if engines[0].guard else processor_time() - started
    return FullRun(_reported(reports(runs, files), files), outcomes, seconds, processor)


def _last_line(answer: Result) -> Json:
    """The project's settings; what was said before, a warning perhaps, is left out."""
    lines = answer.stdout.decode("utf-8", "replace").strip().split("\n")
    try:
        settings: Json = json.loads(lines[-1])
    except (IndexError, ValueError) as error:
        raise CopydeskError(
            "coverage.py cannot read this project\n" + clean("\n".join(lines[-15:])),
            slug="coverage-failed",
            hint="Try `coverage report` there; its configuration may be broken.",
        ) from error
    return settings


def _coverage_options(engine: Engine, project: Json) -> list[str]:
    """The project's own configuration decides, or our defaults where it names no source."""
    source, branch = pytest_cov_options(engine.tree)
    options = ["--branch"] if branch and not project["branch"] else []
    if not project["named"]:
        options.append(f"--source={','.join(source or engine.import_roots())}")
        options.append(f"--omit={','.join([*project['omit'], *DEFAULT_OMIT])}")
    return options


def _reported(files: Mapping[str, Json], of_commit: Collection[str]) -> Facts:
    """The facts of coverage.py's JSON report, of files that the checkout holds."""
    facts: set[tuple[str, str, object]] = set()
    for name, entry in files.items():
        path = name.replace(os.sep, "/")
        if path not in of_commit:
            continue
        for word in ("executed", "missing", "excluded"):
            facts.update((path, word, n) for n in entry[f"{word}_lines"])
        facts.update((path, "missing branch", (a, b)) for a, b in entry.get("missing_branches", []))
        facts.add((path, "branches", entry["summary"].get("num_branches", 0)))
    return frozenset(facts)


def _names_more_than_statements(files: Mapping[str, Json]) -> bool:
    """Whether a report has executed lines that it does not count: coverage.py before 7.13.1 does.

    They are docstrings and excluded lines that were executed all the same.
    """
    for entry in files.values():
        named = len({*entry["executed_lines"], *entry["missing_lines"]})
        if named != entry["summary"]["num_statements"]:
            return True
    return False


def _leave_statements(files: Mapping[str, Json], statements: Json) -> None:
    """Take the executed lines that are no statements out of a report."""
    for path, numbers in statements.items():
        files[path]["executed_lines"] = sorted({*files[path]["executed_lines"]} & {*numbers})


def processor_time() -> float:
    """Seconds of processor time of this process and all the children it waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
