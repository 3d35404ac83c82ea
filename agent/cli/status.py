"""`copydesk status` and `copydesk wait`: what is going on."""

from __future__ import annotations

import json
import sys
import time

import click

from copydesk.agent import config
from copydesk.agent.cli.current_desk import current_repository, head_sha, open_current_desk
from copydesk.agent.cli.failures import failed_tests_of, items_words
from copydesk.agent.cli.formatting import (
    draft_counts,
    project_as_json,
    project_words,
    short_sha,
    time_ago,
)
from copydesk.agent.cli.model_work import model_work, model_work_lines
from copydesk.agent.cli.options import examples, json_option
from copydesk.agent.cli.output import echo, echo_json, print_progress
from copydesk.agent.cli.pull_schedule import pull_schedule_lines, pull_schedule_state
from copydesk.agent.cli.terminal import spinner
from copydesk.agent.daemon import control
from copydesk.agent.daemon.resources import pause_reason
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.failures import SHOW_FAILURES, FailedTest, failed_words, failure_lines
from copydesk.agent.desk.foreign_maps import ForeignShare
from copydesk.agent.desk.measures import ProjectTotal
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Json, Sha
from copydesk.agent.text import clean, model_words, one_line, percent, plural

MODEL_SECONDS = 0.7
"""How long status waits for the model's server."""

TOTALS = 6
"""Lines about what models have done; one for each model and version of a prompt."""

FAILING = 5
"""Failing tests that are named."""

SET_UP = "copydesk.bin"
"""The git config key that `copydesk init` leaves behind."""

AGAIN = {"measure": "measure", "draft": "draft", "story": "story --range"}
"""The command that does a job by hand."""


WATCH_SECONDS = 2.0
"""How often a watched status looks."""


@click.command(
    epilog=examples("copydesk status", "copydesk status --watch", "copydesk status --json")
)
@click.option("--watch", is_flag=True, help="Show it again whenever it changes, until Ctrl-C.")
@json_option
def status(watch: bool, as_json: bool) -> None:
    """Show what is measured, running and waiting for you.

    With --watch a terminal is cleared first; elsewhere each state follows the last, with --json
    one on a line.
    """
    shown: Json | None = None
    while True:
        with open_current_desk() as (repo, db):
            state = _state(repo, db)
            failing = db.failed_tests.of_commit(state["head"]["sha"])
        if state != shown:
            _show(state, failing, watch=watch, as_json=as_json)
        if not watch:
            return
        shown = state
        _until_next_look()


def _until_next_look() -> None:
    time.sleep(WATCH_SECONDS)


def _show(state: Json, failing: list[FailedTest], *, watch: bool, as_json: bool) -> None:
    if as_json and watch:
        click.echo(json.dumps(state))
    elif as_json:
        echo_json(state)
    else:
        if watch:
            click.clear()  # does nothing where there is no terminal
        _print(state, failing)
        if watch:
            echo()
    sys.stdout.flush()


def _state(repo: Repository, db: Database) -> Json:
    sha = head_sha(repo)
    daemon = control.status(repo)
    personal = config.load_personal(repo)[0]
    return {
        "repository": str(repo.top or repo.common_dir),
        "set_up": git.get_config(repo, SET_UP) is not None,
        "daemon": {"running": daemon.running, "pid": daemon.pid, "version": daemon.version},
        "paused": pause_reason(personal, repo.desk) or None,
        "queue": db.jobs.counts()._asdict(),
        "failures": _failures(db.jobs.failures()),
        "left_out": [item._asdict() for item in db.failed_items.latest()],
        "head": _head(repo, db, sha)
        | {"gaps": db.gaps.count(sha)}
        | {"foreign": [share._asdict() for share in db.foreign_maps.shares(sha)]}
        | failed_tests_of(repo, db, sha),
        "tests": _progress(db),
        "flaky": [
            {"test": test.name, "flips": test.flips, "runs": test.runs}
            for test in db.traces.flaky_tests()
        ],
        "drafts": db.drafts.count_by_state(),
        "model": _model(repo, db, sha) | {"totals": db.model_calls.totals()} | model_work(repo, db),
        "pull": pull_schedule_state(db, personal.pull_every),
    }


def _head(repo: Repository, db: Database, sha: Sha | None) -> Json:
    measure = db.measures.get(sha) if sha else None
    return {
        "sha": sha,
        "subject": git.commit_info(repo, sha).subject if sha else None,
        "measured": measure is not None,
        "percent": measure.percent if measure else None,
        "selected": measure.selected if measure else None,
        "total": measure.total if measure else None,
        "failed": measure.failed if measure else None,
        "doubts": list(measure.doubts) if measure else [],
        "projects": [project_as_json(one) for one in db.measures.projects(sha)] if sha else [],
        "measured_at": db.measures.measured_at(measure.sha) if measure else None,
    }


def _progress(db: Database) -> list[Json]:
    if not db.unfinished.shas():
        return []
    # the measuring modules take long to import
    from copydesk.agent.coverage.measure import progress

    return [run._asdict() | {"failed": list(run.failed)} for run in progress(db)]


def _model(repo: Repository, db: Database, sha: Sha | None) -> Json:
    if repo.top is None and sha is None:
        return {"available": False, "name": None, "why": "no commit yet"}
    # the model's client takes a tenth of a second to import
    from copydesk.agent.model.client import available
    from copydesk.agent.model.settings import model_settings

    settings = model_settings(config.load(repo, sha if repo.top is None else None), db)
    answers, name, why = available(settings, seconds=MODEL_SECONDS)
    return {"available": answers, "name": name or None, "why": why or None}


def _print(state: Json, failing: list[FailedTest]) -> None:
    echo(f"Repository  {clean(state['repository'], keep='')}")
    echo(f"HEAD        {_head_words(state['head'])}")
    for project in state["head"]["projects"]:
        words = {key: value for key, value in project.items() if key != "doubts"}
        total = ProjectTotal(**words)
        echo(f"Project     {clean(total.name, keep='')}: {project_words(total)}")
    for share in state["head"]["foreign"]:
        echo(f"Rests on    {clean(ForeignShare(**share).words, keep='')}")
    _print_failing(state["head"], failing)
    echo(f"Drafts      {draft_counts(state['drafts'])}")
    if state["flaky"]:
        echo(f"Flaky       {_flaky_words(state['flaky'])}")
    _print_work(state)
    echo(f"Daemon      {_daemon_words(state['daemon'], state['set_up'])}")
    _print_model(state["model"])
    for line in model_work_lines(state["model"]):
        echo(f"            {line}")
    for line in pull_schedule_lines(state["pull"]):
        echo(line)
    if state["left_out"]:
        echo(f"Left out    {items_words(state['left_out'])}; `{SHOW_FAILURES}` has them")
    _print_failures(state)
    if step := _next_step(state):
        echo(f"\n{step}")


def _print_work(state: Json) -> None:
    echo(f"Work        {_work_words(state['queue'])}")
    for run in state["tests"]:
        failed = f", {len(run['failed'])} failed" if run["failed"] else ""
        ran = f"{run['ended']:,} of {run['tests']:,} have run{failed}"
        echo(f"Tests       {short_sha(run['sha'])}: {ran}")
    if state["paused"]:
        echo(f"Paused      {state['paused']}")


def _print_failing(head: Json, failing: list[FailedTest]) -> None:
    if not head["failed"]:
        return
    echo(f"Failing     {failed_words(head['failed'], failing)}")
    for line in failure_lines(head["failed"], failing, limit=FAILING):
        echo(f"            {line}")
    if head["install"]:
        echo(f"            {head['install']}")


def _flaky_words(flaky: list[Json]) -> str:
    worst = f"{one_line(flaky[0]['test'], 60)}, {plural(flaky[0]['flips'], 'time')}"
    return f"{plural(len(flaky), 'test')} ({worst}); `copydesk report` has them"


def _work_words(jobs: Json) -> str:
    counts = [f"{jobs[name]} {name}" for name in ("running", "ready", "failed") if jobs[name]]
    return ", ".join(counts) or "nothing to do"


def _daemon_words(daemon: Json, set_up: bool) -> str:
    if not daemon["running"]:
        return "asleep; a commit wakes it" if set_up else "not set up"
    if not daemon["pid"]:
        return "running (starting)"
    version = f", copydesk {daemon['version']}" if daemon["version"] else ""
    return f"running (process {daemon['pid']}{version})"


def _print_model(model: Json) -> None:
    words = model["name"] if model["available"] else model["why"]
    echo(f"Model       {one_line(('' if model['name'] else 'none; ') + str(words), 100)}")
    totals = [total for total in model["totals"] if total["prompt"]]  # others are the self-test's
    for total in totals[:TOTALS]:
        echo(f"            {one_line(total['model'])}, {total['prompt']}: {model_words(total)}")
    if len(totals) > TOTALS:
        echo("            `copydesk log --model` lists the rest")


def _print_failures(state: Json) -> None:
    head = state["head"]
    for failure in state["failures"]:
        if head["measured"] and failure["subject"] != head["sha"]:
            _print_former_failure(failure)
        else:
            _print_failure(failure)


def _head_words(head: Json) -> str:
    if head["sha"] is None:
        return "no commit yet"
    name = f"{short_sha(head['sha'])} {one_line(head['subject'], 50)}"
    if not head["measured"]:
        return f"{name}: not measured yet"
    failed = f", {plural(head['failed'], 'test')} failed" if head["failed"] else ""
    share = "no total" if head["percent"] is None else f"{percent(head['percent'])} covered"
    doubts = "".join(f", {doubt}" for doubt in head.get("doubts", ()))
    return f"{name}: {share}{failed}{doubts}, {time_ago(head['measured_at'])}"


def _print_failure(failure: Json) -> None:
    kind, subject = failure["kind"], failure["subject"]
    echo(f"\nFailed: {kind} {short_sha(subject)}")
    for line in clean(failure["error"]).strip().splitlines()[-12:]:
        echo(f"  {line}")
    if kind in AGAIN:
        echo(f"  `copydesk {AGAIN[kind]} {short_sha(subject)}` tries again.")


def _print_former_failure(failure: Json) -> None:
    """Print a failure in one line: a later commit was measured, so it no longer matters much."""
    error = one_line(failure["error"], 60)
    echo(
        f"Failed      {failure['kind']} {short_sha(failure['subject'])}, an earlier commit: {error}"
    )


def _waiting_drafts(counts: Json) -> int:
    return int(counts["ready"] + counts["asks"] + counts["not_run"])


def _next_step(state: Json) -> str:
    head, jobs = state["head"], state["queue"]
    waiting = _waiting_drafts(state["drafts"])
    if head["sha"] is None:
        return "Next: make the first commit; copydesk measures commits."
    if head.get("failed"):
        return f"Next: `{SHOW_FAILURES}` shows why tests fail."
    if waiting:
        return f"Next: `copydesk review` ({plural(waiting, 'draft')})."
    if jobs["ready"] or jobs["running"]:
        return "Next: `copydesk wait` returns when the work is done."
    if not head["measured"]:
        return _unmeasured(state)
    if head.get("doubts") or any(project["doubts"] for project in head.get("projects", ())):
        return "Next: run `python -m pytest` yourself; nothing can be said of this commit yet."
    if head["gaps"]:
        return f"Next: `copydesk gaps` lists what no test reaches ({head['gaps']})."
    return "Every line that counts is covered and all is decided; there is nothing to do."


def _unmeasured(state: Json) -> str:
    if state["failures"]:
        return ""  # how to try again stands beside the failure
    if state["set_up"]:
        return "Next: `copydesk wait` has it measured in the background."
    return "Next: `copydesk init` sets this repository up; `copydesk measure` only measures."


@click.command(
    epilog=examples(
        "copydesk wait",
        "git commit -m fix && copydesk wait --timeout 300",
        "copydesk wait --for measured",
    )
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    metavar="S",
    help="Give up after S seconds with exit code 1; without it, wait for ever.",
)
@click.option(
    "--for",
    "goal",
    type=click.Choice(control.GOALS),
    default="all",
    show_default=True,
    help="Until commits are measured, or drafts and stories lie on the desk too, or what a model"
    " adds as well.",
)
@json_option
def wait(timeout: float | None, goal: control.Goal, as_json: bool) -> None:
    """Wait until nothing is left to do.

    Starts the daemon when it sleeps, where copydesk was set up. Ends with exit code 1 when time
    is up, and when jobs have failed, which are named.
    """
    repo = current_repository()
    if git.get_config(repo, SET_UP) is None and not control.status(repo).running:
        raise CopydeskError(
            "nobody works in the background here: copydesk is not set up in this repository",
            slug="not-set-up",
            hint="`copydesk init` sets it up; `copydesk measure` measures now, in the foreground.",
        )
    with spinner("waiting") as progress:
        seconds = float("inf") if timeout is None else timeout
        finished = control.wait(repo, seconds, progress, goal)
    with open_desk(repo.desk) as db:
        counts, given_up = db.jobs.counts(), db.jobs.failures()
        left = plural(sum(db.jobs.open_kinds().values()), "job")
    if as_json:
        echo_json({"done": finished, "queue": counts._asdict(), "failures": _failures(given_up)})
    else:
        echo(_DONE[goal] if finished else f"Time is up; {left} left.")
    if given_up:
        print_progress(f"{plural(len(given_up), 'job')} failed; `copydesk status` says why.")
        for kind, sha, error in given_up[:FAILING]:
            print_progress(f"  {kind} {short_sha(sha)}: {_last_line(error)}")
    if given_up or not finished:
        sys.exit(1)


_DONE: dict[control.Goal, str] = {
    "measured": "All commits are measured.",
    "drafted": "All commits are measured, and their drafts and stories lie on your desk.",
    "all": "Nothing is left to do.",
}


def _last_line(error: str) -> str:
    """The line of a job's error that says most: the last one of a traceback, else the first."""
    lines = error.strip().splitlines()
    if not lines:
        return "no reason was kept"
    return one_line(lines[-1] if lines[0].startswith("Traceback") else lines[0])


def _failures(failures: list[tuple[str, str, str]]) -> list[Json]:
    return [{"kind": kind, "subject": sha, "error": error} for kind, sha, error in failures]
