"""The stored total of a commit, written by coverage.py in any of its formats."""

from __future__ import annotations

from pathlib import Path

from copydesk.agent.config import load_personal
from copydesk.agent.coverage.runner import Engine, cached_probe
from copydesk.agent.coverage.store import load_totals
from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.checkout import earlier_files
from copydesk.agent.git.interpreter import ready
from copydesk.agent.git.repository import Repository, tree
from copydesk.agent.git.snapshot import snapshot
from copydesk.agent.projects import nearest
from copydesk.agent.records import Sha
from copydesk.agent.sandbox.own_tests import sandbox_for_own_tests

FORMATS = ("text", "json", "xml", "lcov", "html", "data")


def export(
    repo: Repository,
    db: Database,
    sha: Sha,
    report_format: str,
    output: Path,
    folder: str = "",
) -> None:
    """Write a coverage report of a measured commit.

    Args:
        repo: The repository.
        db: Its desk.
        sha: The commit.
        report_format: One of FORMATS; "data" is a .coverage file, "html" a folder.
        output: The file or folder to write.
        folder: The folder of the project that is reported, where the commit holds several: the
            report names files as coverage.py does there.

    Raises:
        CopydeskError: The commit was not measured, or the report cannot be written.
    """
    totals = load_totals(db, sha)
    if totals is None:
        raise CopydeskError(
            f"commit {sha[:8]} was not measured",
            slug="not-measured",
            hint=f"`copydesk measure {sha[:8]}` does it now.",
        )
    branch = db.measures.has_branches(sha)
    projects = {project.folder: project for project in db.measures.projects(sha)}
    if projects:
        branch = projects[folder].branch
        totals = [total for total in totals if nearest(total.path, projects) == folder]
    executed = {t.path: sorted(t.arcs) if branch else sorted(t.executed) for t in totals}
    files = earlier_files(repo, tree(repo, sha), db.checkouts.get(sha))
    with snapshot(repo, sha, "report", entries=files) as shot:
        interpreter = ready(repo, folder)
        personal, _ = load_personal(repo)
        guard, _ = sandbox_for_own_tests(personal, interpreter, repo.worktree, shot.path)
        probe = cached_probe(repo.desk, interpreter)
        engine = Engine(shot.path, interpreter, guard, probe, folder=folder)
        try:
            engine.export(
                executed,
                branch=branch,
                report_format=report_format,
                output=output.absolute(),
                top=repo.worktree,
            )
        except OSError as error:
            raise CopydeskError(
                f"{output} cannot be written: {error.strerror or error}",
                slug="cannot-write",
                hint="Name another place with --output.",
            ) from error
