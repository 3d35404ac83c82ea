"""The projects of a commit, each ready to be run: its interpreter, configuration and files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from copydesk.agent import config
from copydesk.agent.coverage.measure.blob_texts import files_of
from copydesk.agent.coverage.measure.merge_traces import COLLECTION
from copydesk.agent.coverage.measure.reusable_totals import FileTotal
from copydesk.agent.coverage.runner import (
    Engine,
    Environment,
    ProjectInfo,
    Redirect,
    SeveralProjects,
    cached_probe,
    project_info,
)
from copydesk.agent.coverage.selection import RECONFIGURED
from copydesk.agent.coverage.store import CoverageMap, Trace
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.measures import ProjectTotal
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.interpreter import ready
from copydesk.agent.progress import Progress, silent
from copydesk.agent.projects import lies_in, nearest, projects_of
from copydesk.agent.records import Interpreter, Snapshot
from copydesk.agent.sandbox.own_tests import sandbox_for_own_tests
from copydesk.hooks.doubts import percent_of


@dataclass(frozen=True, slots=True)
class ReadyProject:
    """One project of a commit whose files are on the disk.

    `folder` is its folder in the repository, "" for the top; `nested` are those of other projects
    in it; `info` has the files that count, by the paths of the repository.
    """

    folder: str
    engine: Engine
    info: ProjectInfo
    settings: config.Project
    nested: tuple[str, ...] = ()

    @property
    def interpreter(self) -> Interpreter:
        """What runs its tests."""
        return self.engine.interpreter

    def holds(self, path: str) -> bool:
        """Whether a file, or a test by its name, lies in it and in no project nested in it."""
        return lies_in(path, self.folder) and not any(lies_in(path, one) for one in self.nested)


@dataclass(frozen=True, slots=True)
class ReadyProjects:
    """All projects of a commit; `info` is what they say together."""

    each: tuple[ReadyProject, ...]
    info: ProjectInfo

    @property
    def environment(self) -> Environment:
        """What outcomes depend on besides the code."""
        return self.info.environment

    @property
    def first(self) -> ReadyProject:
        """The one at the top, or the first by its path."""
        return self.each[0]

    @property
    def folders(self) -> tuple[str, ...]:
        """Their folders."""
        return tuple(project.folder for project in self.each)

    @property
    def roots(self) -> tuple[str, ...]:
        """The folders below which a file's path is its dotted name."""
        names = [root for project in self.each for root in project.engine.roots_of_names()]
        return tuple(dict.fromkeys(names))

    @property
    def is_plain(self) -> bool:
        """Whether the repository is one project."""
        return self.folders == ("",)

    @property
    def conditions(self) -> dict[str, str]:
        """What the outcomes of each depend on besides the code, as a fingerprint by its folder;
        nothing where the repository is one project.
        """
        if self.is_plain:
            return {}
        parts = {project.folder: project.info.environment for project in self.each}
        return {folder: f"{one.fingerprint} {int(one.branch)}" for folder, one in parts.items()}

    def reconfigured(self, base: CoverageMap, folders: Collection[str]) -> CoverageMap:
        """A map in which all tests of some projects are to be run again.

        Args:
            base: The map of a commit that was measured when these were configured otherwise.
            folders: Their folders.
        """
        projects = [project for project in self.each if project.folder in folders]
        known = replace(base, traces={})
        for key, trace in base.traces.items():
            if trace.kind in ("import", "session") or not any(
                one.holds(trace.name) for one in projects
            ):
                known.traces[key] = trace
            elif trace.kind == "test":
                known.traces[key] = Trace("test", trace.name, RECONFIGURED, 0.0, ())
        return known

    def of(self, path: str) -> ReadyProject | None:
        """The project that a file, or a test, lies in."""
        return next((project for project in self.each if project.holds(path)), None)

    def totals(
        self, traces: Collection[Trace], totals: Collection[FileTotal]
    ) -> list[ProjectTotal]:
        """What a measure says of each; nothing where the repository is one project.

        Args:
            traces: The traces that make the commit.
            totals: The totals of its files.
        """
        if self.is_plain:
            return []
        return [_total(project, traces, totals) for project in self.each]


def _total(
    project: ReadyProject, traces: Iterable[Trace], totals: Iterable[FileTotal]
) -> ProjectTotal:
    outcomes: Counter[str] = Counter()
    broken = 0
    for trace in traces:
        if project.holds(trace.name):
            outcomes[trace.outcome] += trace.kind == "test"
            broken += trace.kind == COLLECTION
    sums = [file.sum for file in totals if project.holds(file.unreached.path)]
    total = ProjectTotal(
        project.folder,
        project.info.environment.branch,
        total=outcomes.total(),
        passed=outcomes["passed"] + outcomes["xfailed"] + outcomes["xpassed"],
        failed=outcomes["failed"] + outcomes["error"] + broken,
        skipped=outcomes["skipped"],
        executable=sum(one.executable for one in sums),
        covered=sum(one.covered for one in sums),
        percent=None,
    )
    share = percent_of(total.covered, total.executable, list(total.doubts))
    return total._replace(percent=share)


def ready_projects(
    db: Database, commit: Commit, shot: Snapshot, interpreter: Interpreter | None, say: Progress
) -> ReadyProjects:
    """The projects of a commit, ready to be run.

    Args:
        db: The desk.
        commit: The commit.
        shot: Its files, on the disk.
        interpreter: What runs all tests; found for each project when left out.
        say: Told what is going on.

    Raises:
        CopydeskError: There is no interpreter, or it lacks something.
    """
    folders = projects_of(commit)
    personal = config.load_personal(commit.repo)[0]
    blobs = files_of(commit.checkout.files)
    projects: list[ReadyProject] = []
    for folder in folders:
        python = interpreter or ready(commit.repo, folder)
        tell_progress = silent if projects else say
        engine = engine_of(commit, shot, python, folder, personal, tell_progress)
        settings = config.load_project(commit.repo, commit.sha, folder)[0]
        projects.append(_ready_project(db, engine, settings, blobs, folders))
    return ReadyProjects(tuple(projects), _together(projects))


def engine_of(
    commit: Commit,
    shot: Snapshot,
    python: Interpreter,
    folder: str,
    personal: config.Personal,
    say: Progress,
) -> Engine:
    """What runs the tests of one project of a commit.

    Args:
        commit: The commit.
        shot: Its files, on the disk.
        python: What runs the tests.
        folder: The project's folder in it, "" for the top.
        personal: The user's settings.
        say: Told where there is no sandbox.

    Raises:
        CopydeskError: The user insists on a sandbox and there is none ("own-tests-unguarded").
    """
    guard, why = sandbox_for_own_tests(personal, python, commit.repo.worktree, shot.path)
    if guard is None:
        say(f"the tests run without a sandbox: {why}")
    return Engine(
        shot.path, python, guard, cached_probe(commit.repo.desk, python),
        compiled=(*commit.checkout.extensions, *sorted(shot.unconverted), *_rules(shot)),
        redirect=Redirect.of(commit.repo, python),
        folder=folder, objects=shot.objects,
    )  # fmt: skip


def _rules(shot: Snapshot) -> Iterable[str]:
    """What in a snapshot follows from the user's configuration, and changes with it."""
    return [f"line ends: {shot.line_ends}"] if shot.line_ends else []


def _ready_project(
    db: Database,
    engine: Engine,
    settings: config.Project,
    blobs: Mapping[str, str],
    folders: Sequence[str],
) -> ReadyProject:
    """One of the projects that lie in some folders."""
    folder = engine.folder
    if tuple(folders) == ("",):
        return ReadyProject("", engine, project_info(engine, db, settings.tests, blobs), settings)
    nested = tuple(one for one in folders if one != folder and lies_in(one, folder))
    own = _own_files(blobs, folder, folders)
    info = project_info(engine, db, settings.tests, own).within(own.__contains__)
    return ReadyProject(folder, engine, info, settings, nested)


def _own_files(blobs: Mapping[str, str], folder: str, folders: Sequence[str]) -> dict[str, str]:
    """The files that lie in no other project than this."""
    own = {}
    for path, blob in blobs.items():
        owner = nearest(path, folders)
        if owner == folder or owner not in folders:
            own[path] = blob
    return own


def _together(projects: Iterable[ReadyProject]) -> ProjectInfo:
    each = list(projects)
    if [project.folder for project in each] == [""]:
        return each[0].info
    return SeveralProjects.of(
        [project.info for project in each], [project.folder for project in each]
    )
