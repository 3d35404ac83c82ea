"""`copydesk log`: what has happened."""

from __future__ import annotations

import click

from copydesk.agent.cli import terminal as screen
from copydesk.agent.cli.current_desk import head_sha, open_current_desk
from copydesk.agent.cli.failures import failed_tests_of, print_all_failures, print_failed_tests
from copydesk.agent.cli.formatting import duration, short_age, short_sha, shortest_path
from copydesk.agent.cli.options import examples, json_option
from copydesk.agent.cli.output import echo, echo_json
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Json
from copydesk.agent.text import one_line


@click.command(
    epilog=examples(
        "copydesk log",
        "copydesk log --model --limit 5",
        "copydesk log --model --json",
        "copydesk log --predictions",
        "copydesk log --failures",
    )
)
@click.option("--model", "calls", is_flag=True, help="List the calls to the model instead.")
@click.option("--predictions", is_flag=True, help="List what the predictor said instead.")
@click.option("--failures", is_flag=True, help="Show failing tests instead, and what went wrong.")
@click.option(
    "--commit", "revision", metavar="REV", help="With --failures: of that commit, not of HEAD."
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="List at most N."
)
@json_option
def log(
    calls: bool,
    predictions: bool,
    failures: bool,
    revision: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List decisions, model calls, predictions, or what failed.

    The newest come first. With --model --json each call comes with its whole prompt and answer.
    The totals by model and version of the prompt say how many calls were answered, and behind
    how many of them a verified draft stands. With --predictions each score of a changed function,
    a test or a draft comes with the model that gave it and, once known, with what came of it.
    With --failures every test that failed at a commit comes with the end of what pytest said and
    with how it went before, and so does what copydesk itself could not do.
    """
    if calls + predictions + failures > 1:
        raise click.UsageError("Give one of --model, --predictions and --failures.")
    if revision and not failures:
        raise click.UsageError("--commit needs --failures.")
    if failures:
        _show_failures(revision or "HEAD", as_json)
    elif predictions:
        _show_predictions(limit, as_json)
    elif calls:
        _show_calls(limit, as_json)
    else:
        _show_decisions(limit, as_json)


def _show_predictions(limit: int, as_json: bool) -> None:
    with open_current_desk() as (_, db):
        rows = db.predictions.latest(limit)
    if as_json:
        echo_json(rows)
    else:
        _print_predictions(rows)


def _show_calls(limit: int, as_json: bool) -> None:
    with open_current_desk() as (_, db):
        rows, totals = db.model_calls.latest(limit), db.model_calls.totals()
    if as_json:
        echo_json(rows)
    else:
        _print_calls(rows, totals)


def _show_decisions(limit: int, as_json: bool) -> None:
    with open_current_desk() as (repo, db):
        rows = db.drafts.decisions(limit)
    if as_json:
        echo_json(rows)
    else:
        _print_decisions(rows)
        _print_failing(repo)


def _show_failures(revision: str, as_json: bool) -> None:
    with open_current_desk() as (repo, db):
        sha = git.resolve(repo, revision)
        if not as_json:
            print_all_failures(repo, db, sha)
            return
        measure = db.measures.get(sha)
        echo_json(
            {
                "commit": sha,
                "failed": measure.failed if measure else None,
                "tests": [test._asdict() for test in db.failed_tests.of_commit(sha)],
                "install": failed_tests_of(repo, db, sha)["install"],
                "left_out": [item._asdict() for item in db.failed_items.latest()],
            }
        )


def _print_failing(repo: Repository) -> None:
    """Name the tests that fail at HEAD, below the decisions."""
    with open_current_desk() as (_, db):
        sha = head_sha(repo)
        measure = db.measures.get(sha) if sha else None
        if sha and measure is not None and measure.failed:
            echo("")
            print_failed_tests(repo, db, sha, measure.failed, is_head=True)


def _print_predictions(predictions: list[Json]) -> None:
    if not predictions:
        echo("Nothing was predicted yet; `copydesk measure` and `copydesk predict` do.")
        return
    screen.print_table(
        ("Commit", "Kind", "About", "Score", "By", "Came of it"),
        [
            (
                short_sha(prediction["sha"]),
                prediction["kind"],
                one_line(prediction["subject"]),
                f"{prediction['score']:.2f}",
                prediction["in_force"],
                _outcome(prediction),
            )
            for prediction in predictions
        ],
        right=(3,),
    )


def _outcome(prediction: Json) -> str:
    """What came of a prediction, in a word; "" while it is not known."""
    if prediction["outcome"] is None:
        return ""
    words = {"function": ("fixed", "no fix"), "test": ("failed", "passed")}
    yes, no = words.get(prediction["kind"], ("accepted", "rejected"))
    return yes if prediction["outcome"] else no


def _print_decisions(decisions: list[Json]) -> None:
    if not decisions:
        echo("Nothing was decided yet; `copydesk review` starts.")
        return
    screen.print_table(
        ("When", "Draft", "Decision", "About", "Why or where"),
        [
            (
                short_age(decision["decided_at"]),
                str(decision["draft"]),
                decision["action"],
                one_line(decision["title"]),
                one_line(decision["why"]) or (relative_or_nothing(decision["path"])),
            )
            for decision in decisions
        ],
    )


def relative_or_nothing(path: str) -> str:
    """A path relative to the current folder; "" for ""."""
    from pathlib import Path

    return shortest_path(Path(path)) if path else ""


def _print_calls(calls: list[Json], totals: list[Json]) -> None:
    if not calls:
        echo("No model was asked yet; copydesk works without one.")
        return
    screen.print_table(
        ("When", "For", "Model", "Tokens in", "out", "Time", "Outcome"),
        [
            (
                short_age(call["called_at"]),
                call["purpose"],
                call["model"],
                str(call["prompt_tokens"] or 0),
                str(call["output_tokens"] or 0),
                duration(call["seconds"]),
                call["outcome"],
            )
            for call in calls
        ],
        right=(3, 4, 5),
    )
    _print_totals(totals)


def _print_totals(totals: list[Json]) -> None:
    echo("")
    screen.print_table(
        ("Model", "Prompt", "Calls", "Answered", "Kept", "Tokens in", "out", "Time"),
        [
            (
                total["model"],
                total["prompt"] or "-",
                str(total["calls"]),
                f"{total['answered'] / total['calls']:.0%}",
                f"{total['kept'] / total['calls']:.0%}",
                str(total["prompt_tokens"]),
                str(total["output_tokens"]),
                duration(total["seconds"]),
            )
            for total in totals
        ],
        right=(2, 3, 4, 5, 6, 7),
    )
