"""`copydesk ci`: what a CI job has to do, in one command."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from textwrap import indent
from typing import NamedTuple

import click

from copydesk.agent import config
from copydesk.agent.cli import gate as gates
from copydesk.agent.cli.behaviour_policy import (
    MOST_COMMITS,
    compare_commits,
    keeping_commits,
    with_behaviour,
)
from copydesk.agent.cli.ci_map import fetch_first, map_option, push_after
from copydesk.agent.cli.current_desk import current_repository, open_current_desk
from copydesk.agent.cli.error_report import print_error
from copydesk.agent.cli.failures import NAMED, failed_tests_json, python_of
from copydesk.agent.cli.formatting import (
    short_sha,
)
from copydesk.agent.cli.options import examples, json_option
from copydesk.agent.cli.output import (
    append_to_file,
    echo,
    echo_json,
    print_progress,
    write_file,
)
from copydesk.agent.coverage.gate import (
    DraftAdvice,
    Floors,
    GateRequest,
    MeasuredGate,
    Verdict,
    changed_file_reader,
    floors_for,
    judge,
    merge_base,
    texts,
    unknown_policy,
    unknown_statuses,
    verdict_as_json,
)
from copydesk.agent.coverage.measure import commit as measuring
from copydesk.agent.coverage.report import (
    ChangedBehaviour,
    CiHost,
    behaviour_section,
    detect_host,
    failure_annotations,
    failures_as_markdown,
    gather_report,
    github_annotations,
    gitlab_code_quality,
    pull_request_comment,
    render_html,
    unannounced_behaviours,
    verdict_as_markdown,
)
from copydesk.agent.coverage.store import Measure
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.failures import FailedTest, failed_words, failure_lines
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.missing_modules import Install, missing_packages
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Sha
from copydesk.agent.text import percent, plural

SHOWN = 10
"""Failing tests of which all that is kept of pytest's words is printed."""
SUITE_BROKEN = "suite-broken"
"""The error that says that the project's tests cannot be run."""


class Answer(NamedTuple):
    """What came of a job: the verdict, and the measure it rests on where one was made.

    `failed` are the tests that failed, `install` what to install where a module is missing, `page`
    the HTML report where one was asked for, `advice` what can be done about missing lines,
    `otherwise` what commits changed and do not say, as far as they were compared.
    """

    verdict: Verdict
    measure: Measure | None
    failed: list[FailedTest]
    install: Install | None
    page: str = ""
    otherwise: tuple[ChangedBehaviour, ...] = ()
    advice: DraftAdvice = DraftAdvice()


class Places(NamedTuple):
    """Files that are written where they were named: the report, code quality, the comment."""

    report: Path | None
    code_quality: Path | None
    comment: Path | None


@click.command(
    epilog=examples(
        "copydesk ci",
        "copydesk ci --base origin/main --report report.html",
        "copydesk ci --data coverage.xml --fail-under 90",
        "copydesk ci --comment comment.md",
        "copydesk ci --map fetch",
    )
)
@click.option(
    "--base", metavar="REV", help="What the change is compared with; else what the CI host says."
)
@gates.floor_options
@gates.data_option
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the HTML report there; not with --data.",
)
@click.option(
    "--code-quality",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the missing lines there as GitLab reads them.",
)
@click.option(
    "--comment",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the body of a pull request's comment there, for a step that may post it.",
)
@map_option
@json_option
def ci(
    base: str | None,
    fail_under: float | None,
    diff_fail_under: float | None,
    data: tuple[Path, ...],
    report: Path | None,
    code_quality: Path | None,
    comment: Path | None,
    maps: str | None,
    as_json: bool,
) -> None:
    """Measure HEAD and judge what it adds: a whole CI job.

    The base is measured too where that was not done, then only the tests that the change
    affects. On GitHub the verdict goes to the job summary and missing lines are marked in the
    pull request. Exit code 1 says no.
    """
    places = Places(report, code_quality, comment)
    if report and data:
        raise click.UsageError("--report needs a measure, and --data makes none.")
    repo, where = current_repository(), detect_host(os.environ)
    head = git.resolve(repo, "HEAD")
    against = _base(repo, head, base, where)
    project, sources = config.load_project(repo, head)
    request = gates.gate_request(repo, against, head)
    floors = floors_for(
        request, project, sources, fail_under=fail_under, diff_fail_under=diff_fail_under
    )
    fetch_first(maps)
    print_progress(f"judging {short_sha(head)} against {short_sha(against)}")
    if data:
        policy = unknown_policy(request, project, sources)
        verdict = gates.verdict_from_file(repo, request, floors, data, policy)
        answer = Answer(verdict, None, [], None)
    else:
        answer = _by_measure(request, floors, report)
        push_after(maps, head)
    answer = answer._replace(advice=gates.draft_advice(repo, request))
    _say(answer, where, as_json)
    all_written = _write_files(_files(answer, where, places))
    if answer.verdict.verdict == "fail":
        raise SystemExit(1)
    raise SystemExit(0 if all_written else 2)


def _base(repo: Repository, head: Sha, named: str | None, where: CiHost) -> Sha:
    """What HEAD is compared with: the first of the candidates that is there and another commit.

    A first commit is compared with itself: it adds nothing to judge but its total.
    """
    if named is not None:
        return git.resolve(repo, named)
    for candidate in (*where.bases, "HEAD~1"):
        try:
            sha = git.resolve(repo, candidate)
        except CopydeskError:
            continue  # a branch that is new, or was rewritten, or lies beyond a shallow border
        if sha != head:
            return sha
    return head


def _by_measure(request: GateRequest, floors: Floors, report: Path | None) -> Answer:
    assert request.head is not None
    assert request.base is not None
    with open_current_desk(create=True) as (repo, db):
        start = merge_base(repo, request.base, request.head)
        if db.measures.get(start) is None and start != request.head:
            print_progress(f"measuring the base, {short_sha(start)}")
            try:
                measuring.measure(db, Commit(repo, start), say=print_progress)
            except CopydeskError as error:
                print_progress(f"the base could not be measured: {error}")
        measured = db.measures.get(request.head)
        if measured is None:
            print_progress(f"measuring {short_sha(request.head)}")
            try:
                measured = measuring.measure(db, Commit(repo, request.head), say=print_progress)
            except CopydeskError as error:
                if error.slug != SUITE_BROKEN:
                    raise
                return Answer(_broken(repo, request, floors, error), None, [], None)
        measured_gate = MeasuredGate(repo, db, print_progress)
        verdict = measured_gate.judge(request, floors, unknown="fail")
        if policy := config.load_project(repo, request.head)[0].behaviour:
            commits = keeping_commits(repo, request.base, request.head)
            compare_commits(repo, db, commits, print_progress)
            verdict = with_behaviour(verdict, policy, repo, db, commits)
        changed = git.reachable(repo, [request.head], [request.base])[-MOST_COMMITS:]
        otherwise = unannounced_behaviours(db, changed)
        page = _page(repo, db, request.head) if report is not None else ""
        failed = db.failed_tests.of_commit(request.head)
        errors = [test.error for test in failed]
        install = missing_packages(repo, request.head, python_of(db, request.head), errors)
    return Answer(verdict, measured, failed, install, page, otherwise=otherwise)


def _page(repo: Repository, db: Database, sha: Sha) -> str:
    """The HTML report; "" where copydesk fails on it, which must not cost the verdict."""
    with db.failed_items.contained("report", sha, "the HTML report", say=print_progress):
        return render_html(gather_report(repo, db, sha))
    return ""


def _broken(
    repo: Repository, request: GateRequest, floors: Floors, error: CopydeskError
) -> Verdict:
    """The verdict where the tests could not be run at all: the job's summary has it too."""
    verdict = judge(
        unknown_statuses(request.change, texts(repo, request.change)),
        replace(floors, unknown="fail"),
        read=changed_file_reader(repo, request.change),
        doubts=(str(error),),
    )
    return replace(verdict, remarks=(*verdict.remarks, error.hint.rstrip(".")))


def _say(answer: Answer, where: CiHost, as_json: bool) -> None:
    """Say the verdict on the screen."""
    if as_json:
        failing = failed_tests_json(answer.failed)
        echo_json({**verdict_as_json(answer.verdict), "failing": failing})
    else:
        _print(answer, where)


def _files(
    answer: Answer, where: CiHost, places: Places
) -> Iterator[tuple[Callable[[Path, str], None], Path, str]]:
    """What is written, and where: how, the file, and the text."""
    verdict = answer.verdict
    count = answer.measure.failed if answer.measure else 0
    if where.summary is not None:
        failures = failures_as_markdown(answer.failed, count, answer.install)
        yield (
            append_to_file,
            where.summary,
            f"{verdict_as_markdown(verdict, answer.advice)}\n{failures}{_otherwise(answer)}",
        )
    if where.outputs is not None:
        lines = [f"verdict={verdict.verdict}"]
        for name, value in (("total", verdict.total), ("diff", verdict.diff)):
            lines.append(f"{name}={'' if value is None else value}")
        yield append_to_file, where.outputs, "\n".join(lines) + "\n"
    if places.code_quality is not None:
        entries = json.dumps(gitlab_code_quality(verdict), indent=2)
        yield write_file, places.code_quality, f"{entries}\n"
    if places.comment is not None:
        body = pull_request_comment(verdict, answer.failed, count, answer.advice)
        yield write_file, places.comment, body
    if places.report is not None and answer.page:
        yield write_file, places.report, answer.page


def _otherwise(answer: Answer) -> str:
    """What commits changed and do not say, as Markdown; "" where nothing of it is known."""
    lines = list(behaviour_section(answer.otherwise))
    return "\n".join(["", *lines, ""]) if lines else ""


def _write_files(files: Iterable[tuple[Callable[[Path, str], None], Path, str]]) -> bool:
    """Write files; one that cannot be written is said, and costs no other. Whether all were."""
    all_written = True
    for write, path, text in files:
        try:
            write(path, text)
        except CopydeskError as error:
            all_written = False
            print_error(error)
    return all_written


def _print(answer: Answer, where: CiHost) -> None:
    verdict, measure = answer.verdict, answer.measure
    if measure is not None:
        ran = f"{measure.selected:,} of {plural(measure.total, 'test')} run"
        echo(f"{short_sha(measure.sha)}: {ran}, {measure.reason}.")
    gates.print_verdict(verdict, answer.advice)
    if measure is not None or verdict.total is not None:
        echo(f"Total: {percent(verdict.total)}")
    count = measure.failed if measure is not None else 0
    if count:
        _print_failures(answer, count)
    if where.name == "github":
        for line in failure_annotations(answer.failed, count):
            echo(line)
        for line in github_annotations(verdict, answer.advice):
            echo(line)


def _print_failures(answer: Answer, count: int) -> None:
    """Name the failing tests, and show the first: the machine and its desk are gone soon."""
    echo(f"{failed_words(count, answer.failed)}:")
    for line in failure_lines(count, answer.failed, limit=NAMED):
        echo(f"  {line}")
    for test in answer.failed[:SHOWN]:
        echo(f"\n{test.test}")
        echo(indent(test.output.rstrip(), "    "))
    if answer.install:
        echo(answer.install.in_words)
