"""`copydesk gate`: the verdict on a change."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import click

from copydesk.agent import config
from copydesk.agent.cli.current_desk import current_repository, open_current_desk
from copydesk.agent.cli.formatting import percent, ranges
from copydesk.agent.cli.options import Command, examples, json_option
from copydesk.agent.cli.output import echo, echo_json, print_progress
from copydesk.agent.coverage.gate import Floors, Question, Verdict
from copydesk.agent.coverage.gate import changed_lines as changes
from copydesk.agent.coverage.gate import coverage_files as readers
from copydesk.agent.coverage.gate import question as faces
from copydesk.agent.coverage.gate import verdict as gates
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository
from copydesk.agent.text import clean

PERCENT = click.FloatRange(0, 100)
SHOWN = 40
"""Ranges of missing lines listed on the screen."""


def floor_options(command: Command) -> Command:
    """The floors for this once; the function takes `fail_under` and `diff_fail_under`."""
    diff = click.option(
        "--diff-fail-under",
        type=PERCENT,
        metavar="N",
        help="Stop when tests reach fewer than N percent of the changed lines.",
    )
    total = click.option(
        "--fail-under", type=PERCENT, metavar="N", help="Stop when the total is under N percent."
    )
    return total(diff(command))


def data_option(command: Command) -> Command:
    """A coverage file to judge by; the function takes `data`."""
    return click.option(
        "--data",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Judge by a coverage file: .coverage, coverage.xml, JSON or lcov.",
    )(command)


@click.command(
    epilog=examples(
        "copydesk gate",
        "copydesk gate --base origin/main --fail-under 95",
        "copydesk gate --base origin/main --data coverage.xml",
        "copydesk gate --staged --unknown measure",
    )
)
@click.option("--staged", is_flag=True, help="Judge what is staged; this is the default.")
@click.option("--base", metavar="REV", help="Judge what HEAD adds to REV, as a pull request does.")
@click.option("--head", metavar="REV", help="With --base: judge this commit instead of HEAD.")
@floor_options
@data_option
@click.option(
    "--unknown",
    type=click.Choice(["pass", "measure", "fail"]),
    help="What to do with changed lines that were not measured yet.",
)
@click.option(
    "--within",
    type=click.FloatRange(min=0.1),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="With --unknown measure: the longest it may take.",
)
@json_option
def gate(
    staged: bool,
    base: str | None,
    head: str | None,
    fail_under: float | None,
    diff_fail_under: float | None,
    data: Path | None,
    unknown: str | None,
    within: float,
    as_json: bool,
) -> None:
    """Say whether a change passes the gate.

    What is staged is held to the floor for changed lines; with --base also the total and what
    the project has set for it. Exit code 1 says no. Nothing is run, unless --unknown measure
    says so: lines that were not measured yet are named, never guessed.
    """
    if staged and base:
        raise click.UsageError("--staged and --base exclude each other.")
    if head and not base:
        raise click.UsageError("--head needs --base.")
    repo = current_repository()
    asked_of = gate_question(repo, base, head or "HEAD")
    project, sources = config.load_project(repo, asked_of.head if base else None)
    asked = faces.floors(
        asked_of, project, sources, fail_under=fail_under, diff_fail_under=diff_fail_under
    )
    policy = unknown or project.unknown
    instead = ""
    if not base and git.busy(repo):
        found = gates.judge({}, asked, read=str)
        instead = "A merge or rebase is under way; what comes of it is judged when it is pushed."
    elif data is not None:
        found = verdict_from_file(repo, asked_of, asked, data)
    elif policy == "pass" and not (repo.desk / "desk.db").is_file():
        # no folder is made for somebody who only looks
        found = gates.judge(_all_unknown(asked_of), asked, read=str)
        instead = "Nothing was measured yet, so there is no verdict; `copydesk measure` starts."
    else:
        found = _by_desk(asked_of, asked, policy, within)
    if as_json:
        echo_json(gates.as_json(found))
    elif instead:
        echo(instead)
    else:
        print_verdict(found)
    sys.exit(1 if found.verdict == "fail" else 0)


def gate_question(repo: Repository, base: str | None, head: str) -> Question:
    """What is asked: what is staged, or what a commit adds to a base."""
    if base is None:
        with contextlib.chdir(repo.worktree):
            return Question(changes.staged(), _head(repo))
    ends = git.resolve(repo, base), git.resolve(repo, head)
    return Question(changes.between(repo, *ends), ends[1], ends[0])


def _head(repo: Repository) -> str | None:
    try:
        return git.resolve(repo, "HEAD")
    except CopydeskError as error:
        if error.slug == "no-commits":
            return None
        raise


def _all_unknown(question: Question) -> dict[str, gates.Judged]:
    return {
        path: gates.Judged(unknown=frozenset(lines))
        for path, lines in question.change.lines.items()
    }


def verdict_from_file(repo: Repository, question: Question, asked: Floors, file: Path) -> Verdict:
    """The verdict by a coverage file.

    Raises:
        CopydeskError: It cannot be read, or none of its files is in the repository.
    """
    tracked = set(git.tree(repo, question.head)) if question.head else set()
    data = readers.read(file, repo.worktree, tracked | question.change.files.keys())
    if data.strangers and not data.files:
        raise CopydeskError(
            f"no file of {file} is in this repository; the first is {clean(data.strangers[0])}",
            slug="foreign-data",
            hint="Was it written for another project, or before files were moved?",
        )
    return faces.from_data(repo, question, asked, data)


def _by_desk(question: Question, asked: Floors, policy: str, within: float) -> Verdict:
    # all that measures, which a coverage file needs none of
    import sqlite3

    from copydesk.agent.coverage.gate import FromDesk

    with open_current_desk() as (repo, db):
        try:
            judge = FromDesk(repo, db, print_progress)
            return judge.verdict(question, asked, unknown=policy, within=within)
        except (OSError, sqlite3.Error) as error:
            raise CopydeskError(
                f"the gate came to no verdict: {error}",
                slug="no-verdict",
                hint="Try again in a moment; the daemon may be writing.",
            ) from error


def print_verdict(found: Verdict) -> None:
    """Show a verdict on the screen."""
    for reason in found.reasons:
        echo(f"Stop: {reason}.")
    if not found.reasons:
        echo(_good(found))
    shown = gates.ranges(found)
    for missing in shown[:SHOWN]:
        said = f"  {missing.place}  {missing.function}  → copydesk draft {missing.gap}"
        echo(clean(said, keep=""))
    if len(shown) > SHOWN:
        echo(f"  … and {len(shown) - SHOWN} more; --json lists all.")
    _tell_lines("Not every branch is taken", found.partial)
    _tell_lines("Not measured yet", found.unknown)
    for remark in found.remarks:
        echo(f"Note: {remark}.")


def _good(found: Verdict) -> str:
    total = f" The total is {percent(found.total)}." if found.total is not None else ""
    if found.diff is None:
        said = "Nothing speaks against the change"
        return f"{said}; its lines have no verdict yet." if found.unknown else f"{said}.{total}"
    lines = f"Tests reach {percent(found.diff)} of {found.counted:,} changed lines"
    return f"{lines} that were measured.{total}" if found.unknown else f"{lines}.{total}"


def _tell_lines(title: str, by_path: dict[str, tuple[int, ...]]) -> None:
    for path, lines in list(by_path.items())[:SHOWN]:
        echo(clean(f"{title}: {path}: {ranges(lines)}", keep=""))
