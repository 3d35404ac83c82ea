"""`copydesk gate`: the verdict on a change."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from copydesk.agent import config
from copydesk.agent.cli.current_desk import current_repository, head_sha, open_current_desk
from copydesk.agent.cli.options import Command, examples
from copydesk.agent.cli.output import echo, echo_json, print_progress
from copydesk.agent.coverage.gate import (
    DraftAdvice,
    Floors,
    GateRequest,
    MeasuredGate,
    Verdict,
    change_between,
    floors_for,
    judge,
    judge_by_file,
    missing_ranges,
    read_coverage_files,
    remarks_on_change,
    staged_change,
    texts,
    unknown_policy,
    unknown_statuses,
    verdict_as_json,
    waiting_commands,
    with_files,
)
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Sha
from copydesk.agent.text import clean, percent, ranges

PERCENT = click.FloatRange(0, 100)
SHOWN = 40
"""Ranges of missing lines listed on the screen."""


def floor_options(command: Command) -> Command:
    """The options that override the floors; the function takes `fail_under`, `diff_fail_under`."""
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
    """Coverage files to judge by; the function takes `data`, a tuple."""
    return click.option(
        "--data",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        multiple=True,
        help="Judge by a coverage file: .coverage, coverage.xml, JSON or lcov; may be repeated.",
    )(command)


@click.command(
    epilog=examples(
        "copydesk gate",
        "copydesk gate --base origin/main --fail-under 95",
        "copydesk gate --base origin/main --data coverage.xml",
        "copydesk gate --base origin/main --data unit.xml --data linux/lcov.info",
        "copydesk gate --staged --unknown measure",
        "copydesk gate --base origin/main --format sarif > copydesk.sarif",
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
    help="What to do with changed lines that were not measured; else pass, or fail with --base.",
)
@click.option(
    "--within",
    type=click.FloatRange(min=0.1),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="With --unknown measure: the longest it may take.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json", "quickfix", "sarif")),
    default="text",
    show_default=True,
    help="How to write it: quickfix is `path:line: message`, sarif what code scanning reads.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def gate(
    staged: bool,
    base: str | None,
    head: str | None,
    fail_under: float | None,
    diff_fail_under: float | None,
    data: tuple[Path, ...],
    unknown: str | None,
    within: float,
    form: str,
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
    request = gate_request(repo, base, head or "HEAD")
    project, sources = config.load_project(repo, request.head if base else None)
    floors = floors_for(
        request, project, sources, fail_under=fail_under, diff_fail_under=diff_fail_under
    )
    policy = unknown_policy(request, project, sources, unknown)
    verdict, notice = _judge(repo, request, floors, data, policy, within)
    verdict = _with_behaviour(repo, verdict, project.behaviour, request)
    form = "json" if as_json else form
    advice = DraftAdvice() if form == "json" else draft_advice(repo, request)
    _print(verdict, notice, advice, form)
    sys.exit(1 if verdict.verdict == "fail" else 0)


def _with_behaviour(
    repo: Repository, verdict: Verdict, policy: str, request: GateRequest
) -> Verdict:
    """The verdict with what is on the desk of commits that say they keep what the code does."""
    if not policy or request.base is None or request.head is None:
        return verdict
    from copydesk.agent.cli.behaviour_policy import keeping_commits, with_behaviour

    commits = keeping_commits(repo, request.base, request.head)
    with open_current_desk() as (_, db):
        return with_behaviour(verdict, policy, repo, db, commits)


def _judge(
    repo: Repository,
    request: GateRequest,
    floors: Floors,
    data: tuple[Path, ...],
    policy: str,
    within: float,
) -> tuple[Verdict, str]:
    """The verdict, and what is said instead of it where nothing was judged.

    Args:
        repo: The repository.
        request: What is judged.
        floors: What it is held to.
        data: Coverage files to judge by; none for what copydesk measured.
        policy: What to do with lines that were not measured: pass, measure or fail.
        within: Seconds that measuring them may take.
    """
    if request.base is None and git.busy(repo):
        verdict = judge({}, floors, read=str)
        return verdict, "A merge or rebase is under way; its result is judged when it is pushed."
    if data:
        return verdict_from_file(repo, request, floors, data, policy), ""
    if policy != "measure" and not (repo.desk / "desk.db").is_file():
        return _nothing_measured(repo, request, floors, policy)
    return _verdict_from_desk(request, floors, policy, within), ""


def _nothing_measured(
    repo: Repository, request: GateRequest, floors: Floors, policy: str
) -> tuple[Verdict, str]:
    """The verdict where there is no desk yet: no folder is made for somebody who only looks."""
    verdict = judge(
        unknown_statuses(request.change, texts(repo, request.change)),
        replace(floors, unknown="fail" if policy == "fail" else "pass"),
        read=str,
        doubts=("nothing was measured yet",),
    )
    verdict = replace(verdict, remarks=(*verdict.remarks, *remarks_on_change(repo, request)))
    notice = "Nothing was measured yet, so there is no verdict; `copydesk measure` starts."
    return verdict, "" if verdict.reasons else notice


def _print(verdict: Verdict, notice: str, advice: DraftAdvice, form: str) -> None:
    if form == "json":
        echo_json(verdict_as_json(verdict))
    elif form == "text":
        if notice:
            echo(notice)
        else:
            print_verdict(verdict, advice)
    else:
        _print_for_tools(verdict, notice, advice, form)


def _print_for_tools(verdict: Verdict, notice: str, advice: DraftAdvice, form: str) -> None:
    # what writes reports takes long to import, and git waits for the other forms
    from importlib import metadata

    from copydesk.agent.coverage.report import (
        findings_as_quickfix,
        findings_of,
        verdict_as_sarif,
    )

    if notice:
        print_progress(notice)
    if form == "sarif":
        echo_json(verdict_as_sarif(verdict, advice, metadata.version("copydesk")))
        return
    for line in findings_as_quickfix(findings_of(verdict, advice)):
        echo(line)


def gate_request(repo: Repository, base: str | None, head: str) -> GateRequest:
    """What to judge: the staged change, or what a commit adds to a base."""
    if base is None:
        with contextlib.chdir(repo.worktree):
            return GateRequest(staged_change(repo), head_sha(repo))
    ends = git.resolve(repo, base), git.resolve(repo, head)
    return GateRequest(change_between(repo, *ends), ends[1], ends[0])


def verdict_from_file(
    repo: Repository, request: GateRequest, floors: Floors, files: Sequence[Path], policy: str
) -> Verdict:
    """The verdict by coverage files; one that cannot be read costs itself, and a remark.

    Args:
        repo: The repository.
        request: What is judged.
        floors: What it is held to.
        files: The coverage files.
        policy: What to do with changed lines that they do not know; "measure" is as "fail" here.

    Raises:
        CopydeskError: None can be read, or none names a file of the repository.
    """
    blobs = {path: entry.blob for path, entry in _tree(repo, request.head).items()}
    blobs.update({path: blob for path, (blob, _) in request.change.files.items()})
    read = texts(repo)
    data = read_coverage_files(files, repo.worktree, blobs.keys(), lambda path: read(blobs[path]))
    scripts = [path for path in data.files if not path.endswith(".py")]
    if scripts:
        request = with_files(repo, request, scripts)
    verdict = judge_by_file(
        repo, request, replace(floors, unknown="pass" if policy == "pass" else "fail"), data
    )
    return replace(verdict, remarks=(*verdict.remarks, *remarks_on_change(repo, request)))


def _verdict_from_desk(request: GateRequest, floors: Floors, policy: str, within: float) -> Verdict:
    import sqlite3

    with open_current_desk(create=policy == "measure") as (repo, db):
        try:
            measured_gate = MeasuredGate(repo, db, print_progress)
            return measured_gate.judge(request, floors, unknown=policy, within=within)
        except (OSError, sqlite3.Error) as error:
            raise CopydeskError(
                f"the gate could not judge the change: {error}",
                slug="no-verdict",
                hint="Try again in a moment; the daemon may be writing.",
            ) from error


def _tree(repo: Repository, head: Sha | None) -> dict[str, git.Entry]:
    """The files of a commit, without symbolic links."""
    entries = git.tree(repo, head) if head else {}
    return {path: entry for path, entry in entries.items() if entry.mode != "120000"}


def draft_advice(repo: Repository, request: GateRequest) -> DraftAdvice:
    """What can be done about the lines of a change that no test reaches."""
    waiting: dict[str, str] = {}
    # a desk that cannot be used costs the advice, not a verdict that needs none
    with contextlib.suppress(CopydeskError):
        if (repo.desk / "desk.db").is_file():
            with open_current_desk() as (_, db):
                waiting = waiting_commands(db.drafts.find(kind="test"))
    if request.base is None:
        return DraftAdvice(waiting, is_committed=False)
    is_here = request.head == head_sha(repo)
    return DraftAdvice(waiting, revision="" if is_here or not request.head else request.head[:8])


def print_verdict(verdict: Verdict, advice: DraftAdvice) -> None:
    """Show a verdict on the screen, and what can be done about each place."""
    for reason in verdict.reasons:
        echo(f"Stop: {reason}.")
    if not verdict.reasons:
        echo(_passed(verdict))
    missing_code = missing_ranges(verdict)
    for missing in missing_code[:SHOWN]:
        line = f"  {missing.location}  {missing.function}  → {advice.step(missing.gap)}"
        echo(clean(line, keep=""))
    if len(missing_code) > SHOWN:
        echo(f"  … and {len(missing_code) - SHOWN} more; --json lists all.")
    _print_lines("Not every branch is taken", verdict.partial)
    _print_lines("Not measured yet", verdict.not_measured)
    passed_over = {path: verdict.unknown[path] for path in verdict.passed_over}
    _print_lines("Not known", passed_over)
    for remark in verdict.remarks:
        echo(f"Note: {remark}.")


def _passed(verdict: Verdict) -> str:
    """What a passing verdict rests on, in a sentence or two."""
    total = f" The total is {percent(verdict.total)}." if verdict.total is not None else ""
    if verdict.diff is not None:
        covered = f"Tests reach {percent(verdict.diff)} of {verdict.counted:,} changed lines"
        measured = " that were measured" if verdict.unknown else ""
        return f"{covered}{measured}.{total}"
    if verdict.not_measured:
        return "The gate does not stop this change: none of its lines has been measured yet."
    if verdict.verdict == "unknown":
        return f"The gate does not stop this change, but it knows nothing of it.{total}"
    return f"The gate does not stop this change.{total}"


def _print_lines(title: str, lines_by_path: dict[str, tuple[int, ...]]) -> None:
    for path, lines in list(lines_by_path.items())[:SHOWN]:
        echo(clean(f"{title}: {path}: {ranges(lines)}", keep=""))
