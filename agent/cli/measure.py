"""`copydesk measure` and `coverage`: what the tests reach."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from copydesk.agent.cli.current_desk import (
    chosen_projects,
    head_sha,
    measured_commit,
    open_current_desk,
)
from copydesk.agent.cli.failures import failed_tests_of, print_failed_tests
from copydesk.agent.cli.formatting import (
    duration,
    project_as_json,
    project_words,
    short_sha,
)
from copydesk.agent.cli.one_by_one import OneByOne
from copydesk.agent.cli.options import examples, json_option, revision_argument
from copydesk.agent.cli.output import echo, echo_json, print_progress
from copydesk.agent.coverage.measure import commit as measuring
from copydesk.agent.coverage.measure import connected
from copydesk.agent.coverage.report import FORMATS, export
from copydesk.agent.coverage.store import Measure
from copydesk.agent.daemon import control
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.foreign_maps import ForeignShare
from copydesk.agent.desk.measures import ProjectTotal
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Json, Sha
from copydesk.agent.scoring import score_commit as scoring
from copydesk.agent.scoring.order_tests import ordering
from copydesk.agent.text import clean, percent, plural

FOLDERS = {"html": "htmlcov", "data": ".coverage"}
"""Formats that are no text: what they are called in the desk when no place is named."""


@click.command(
    epilog=examples(
        "copydesk measure",
        "copydesk measure --full",
        "copydesk measure --full --workers 4",
        "copydesk measure --full --dask tls://scheduler:8786",
        "copydesk measure main..HEAD --json",
    )
)
@click.argument("revision", metavar="[REV | A..B]", default="HEAD")
@click.option("--full", is_flag=True, help="Run every test, whatever is known.")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    metavar="N",
    help="Run the tests in N processes at once; files stay whole.",
)
@click.option(
    "--dask",
    metavar="ADDRESS",
    help="Run the tests on the workers of that Dask scheduler instead.",
)
@json_option
@click.pass_context
def measure(
    ctx: click.Context, revision: str, full: bool, workers: int, dask: str | None, as_json: bool
) -> None:
    """Measure a commit now, in the foreground.

    Only the tests that the change affects are run. Commits are measured, not the working tree.
    Of several commits one that cannot be measured is named and the others go on; the exit code is
    1 then.
    """
    measures: list[Measure] = []
    with ExitStack() as stack:
        repo, db = stack.enter_context(open_current_desk(create=True))
        commits = list(git.between(repo, revision))
        cluster = stack.enter_context(connected(dask, print_progress)) if dask else None
        how = {"full": full, "workers": workers, "cluster": cluster}
        outcome = OneByOne(db, "measure", several=len(commits) > 1, as_json=as_json)
        for sha in commits:
            name = sha if as_json else short_sha(sha)
            with outcome.item(name, "not measured"):
                measures.append(_measure_commit(repo, db, sha, how))
                _say(repo, db, measures[-1], outcome)
    if as_json:
        echo_json(outcome.rows)
    elif measures:
        _print_next_step(measures[-1])
    elif not outcome.failures:
        echo(f"There is no commit in {revision}.")
    ctx.exit(int(outcome.failures > 0))


def _measure_commit(repo: Repository, db: Database, sha: Sha, how: Mapping[str, Any]) -> Measure:
    """Measure one commit, with further arguments of `measure`, and what follows from that."""
    commit = Commit(repo, sha)
    print_progress(f"measuring {short_sha(sha)} {commit.info.subject}")
    had_failed = any(job[:2] == ("measure", sha) for job in db.jobs.failures())
    order = ordering(db, commit)
    measured = measuring.measure(db, commit, say=print_progress, order=order, **how)
    scoring.after_measure(db, commit)
    if had_failed:
        _resume(repo, db, sha)
    return measured


def _say(repo: Repository, db: Database, measured: Measure, outcome: OneByOne) -> None:
    """Say what was measured of a commit."""
    sha = measured.sha
    projects, foreign = db.measures.projects(sha), db.foreign_maps.shares(sha)
    if not outcome.as_json:
        _print(measured, projects, foreign)
        is_head = sha == head_sha(repo)
        print_failed_tests(repo, db, sha, measured.failed, is_head=is_head)
    row = _as_json(measured, projects) | {"foreign": [share._asdict() for share in foreign]}
    outcome.rows.append(row | failed_tests_of(repo, db, sha))


def _resume(repo: Repository, db: Database, sha: Sha) -> None:
    """Queue a commit again that the daemon had failed to measure: drafts follow a measure."""
    db.jobs.enqueue("measure", sha, again=True)
    control.ensure(repo)


def _as_json(measure: Measure, projects: Sequence[ProjectTotal]) -> Json:
    return {
        "commit": measure.sha,
        "base": measure.base,
        "reason": measure.reason,
        "selected": measure.selected,
        "total": measure.total,
        "passed": measure.passed,
        "failed": measure.failed,
        "skipped": measure.skipped,
        "executable": measure.executable,
        "covered": measure.covered,
        "percent": measure.percent,
        "doubts": list(measure.doubts),
        "projects": [project_as_json(project) for project in projects],
        "seconds": round(measure.seconds, 3),
    }


def _print(
    measure: Measure, projects: Sequence[ProjectTotal], foreign: Sequence[ForeignShare]
) -> None:
    share = "no total" if measure.percent is None else f"{percent(measure.percent)} covered"
    covered = f"{share} ({measure.covered:,} of {measure.executable:,})"
    failed = f", {measure.failed} failed" if measure.failed else ""
    echo(
        f"{short_sha(measure.sha)}  {covered if measure.executable else 'no line counted'},"
        f" {measure.selected:,} of {plural(measure.total, 'test')} run{failed},"
        f" {duration(measure.seconds)}"
    )
    echo(f"  why: {measure.reason}")
    for part in foreign:
        echo(f"  {clean(part.words, keep='')}")
    for project in projects:
        echo(f"  {clean(project.name, keep='')}: {project_words(project)}")
    for doubt in () if projects else measure.doubts:
        echo(f"  no verdict: {doubt}")


def _print_next_step(measure: Measure) -> None:
    if measure.executable and not measure.total and not measure.failed:
        echo("There are no tests yet; `copydesk draft` writes the first ones.")
    elif measure.doubts:
        echo("Run `python -m pytest` yourself to see why; `copydesk doctor` looks at the set-up.")
    elif measure.covered < measure.executable:
        echo("`copydesk gaps` lists what is not covered.")


@click.command(
    epilog=examples(
        "copydesk coverage",
        "copydesk coverage HEAD~1 --format json -o coverage.json",
        "copydesk coverage --format html -o htmlcov",
    )
)
@revision_argument
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="How to write it; json is coverage.py's JSON report, data a .coverage file.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write it there (a folder for html) instead of standard output.",
)
@click.option(
    "--project",
    metavar="FOLDER",
    help="Where the repository holds several: the one to report; else the one you are in.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def coverage(
    revision: str, form: str, output: Path | None, project: str | None, as_json: bool
) -> None:
    """Show the stored coverage of a commit.

    It is written by coverage.py, under the project's own configuration, from what was measured
    before; nothing is run. html and data without -o go to the desk folder.
    """
    form = "json" if as_json else form
    with open_current_desk() as (repo, db):
        sha = measured_commit(repo, db, revision)
        measured = db.measures.get(sha)
        if measured is None or not measured.executable:
            raise CopydeskError(
                f"no line of commit {short_sha(sha)} was counted",
                slug="nothing-to-report",
                hint="coverage.py's `source`, `include` and `omit` say which files are measured.",
            )
        for doubt in measured.doubts:
            print_progress(f"note: {doubt}")
        folders = [one.folder for one in db.measures.projects(sha)]
        chosen = chosen_projects(repo, folders, project, every=form == "text" and output is None)
        if output is None and form in FOLDERS:
            output = repo.desk / "reports" / short_sha(sha) / FOLDERS[form]
            output.parent.mkdir(parents=True, exist_ok=True)
        if output is None:
            text = _reports(repo, db, sha, form, chosen)
        else:
            export(repo, db, sha, form, output, chosen[0])
    if output is None:
        # coverage.py's own words, paths included, with the escapes of a terminal taken out
        echo(text.rstrip("\n"))
    else:
        echo(f"Wrote {output / 'index.html' if form == 'html' else output}")


def _reports(repo: Repository, db: Database, sha: Sha, form: str, projects: Sequence[str]) -> str:
    """The report of each project, under its name where there are several."""
    texts = []
    with tempfile.TemporaryDirectory(prefix="copydesk-") as folder:
        for project in projects:
            path = Path(folder) / "report"
            export(repo, db, sha, form, path, project)
            heading = f"{project or 'top folder'}\n" if len(projects) > 1 else ""
            texts.append(heading + path.read_text("utf-8", "replace"))
    return "\n".join(texts)
