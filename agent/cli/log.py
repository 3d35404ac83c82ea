"""`copydesk log`: what has happened."""

from __future__ import annotations

import click

from copydesk.agent.cli import terminal as screen
from copydesk.agent.cli.current_desk import open_current_desk
from copydesk.agent.cli.decisions import shortest_path
from copydesk.agent.cli.formatting import duration, short_age, short_sha
from copydesk.agent.cli.options import examples, json_option
from copydesk.agent.cli.output import echo, echo_json
from copydesk.agent.records import Json
from copydesk.agent.text import one_line


@click.command(
    epilog=examples(
        "copydesk log",
        "copydesk log --model --limit 5",
        "copydesk log --model --json",
        "copydesk log --predictions",
    )
)
@click.option("--model", "calls", is_flag=True, help="List the calls to the model instead.")
@click.option("--predictions", is_flag=True, help="List what the predictor said instead.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="List at most N."
)
@json_option
def log(calls: bool, predictions: bool, limit: int, as_json: bool) -> None:
    """List your decisions, the calls to the model, or predictions.

    The newest come first. With --model --json each call comes with its whole prompt and answer.
    The totals by model and version of the prompt say how many calls were answered, and behind
    how many of them a verified draft stands. With --predictions each score of a changed function,
    a test or a draft comes with the model that gave it and, once known, with what came of it.
    """
    if calls and predictions:
        raise click.UsageError("Give one of --model and --predictions.")
    with open_current_desk() as (_, db):
        if predictions:
            _tell_predictions(db.predictions.latest(limit), as_json)
            return
        found = db.model_calls.latest(limit) if calls else db.drafts.decisions(limit)
        totals = db.model_calls.totals() if calls else []
    if as_json:
        echo_json(found)
    elif calls and found:
        _calls(found)
        _totals(totals)
    elif found:
        _reviews(found)
    elif calls:
        echo("No model was asked yet; copydesk works without one.")
    else:
        echo("Nothing was decided yet; `copydesk review` starts.")


def _tell_predictions(predictions: list[Json], as_json: bool) -> None:
    if as_json:
        echo_json(predictions)
        return
    if not predictions:
        echo("Nothing was predicted yet; `copydesk measure` and `copydesk predict` do.")
        return
    screen.print_table(
        ("Commit", "Kind", "About", "Score", "By", "Came of it"),
        [
            (
                short_sha(one["sha"]),
                one["kind"],
                one_line(one["subject"]),
                f"{one['score']:.2f}",
                one["in_force"],
                _outcome(one),
            )
            for one in predictions
        ],
        right=(3,),
    )


def _outcome(one: Json) -> str:
    """What came of a prediction, in a word; "" while it is not known."""
    if one["outcome"] is None:
        return ""
    words = {"function": ("fixed", "no fix"), "test": ("failed", "passed")}
    yes, no = words.get(one["kind"], ("accepted", "rejected"))
    return yes if one["outcome"] else no


def _reviews(decisions: list[Json]) -> None:
    screen.print_table(
        ("When", "Draft", "Decision", "About", "Why or where"),
        [
            (
                short_age(one["decided_at"]),
                str(one["draft"]),
                one["action"],
                one_line(one["title"]),
                one_line(one["why"]) or (relative_or_nothing(one["path"])),
            )
            for one in decisions
        ],
    )


def relative_or_nothing(path: str) -> str:
    """A path as seen from here; nothing stays nothing."""
    from pathlib import Path

    return shortest_path(Path(path)) if path else ""


def _calls(calls: list[Json]) -> None:
    screen.print_table(
        ("When", "For", "Model", "Tokens in", "out", "Time", "Outcome"),
        [
            (
                short_age(one["called_at"]),
                one["purpose"],
                one["model"],
                str(one["prompt_tokens"] or 0),
                str(one["output_tokens"] or 0),
                duration(one["seconds"]),
                one["outcome"],
            )
            for one in calls
        ],
        right=(3, 4, 5),
    )


def _totals(totals: list[Json]) -> None:
    echo("")
    screen.print_table(
        ("Model", "Prompt", "Calls", "Answered", "Kept", "Tokens in", "out", "Time"),
        [
            (
                one["model"],
                one["prompt"] or "-",
                str(one["calls"]),
                f"{one['answered'] / one['calls']:.0%}",
                f"{one['kept'] / one['calls']:.0%}",
                str(one["prompt_tokens"]),
                str(one["output_tokens"]),
                duration(one["seconds"]),
            )
            for one in totals
        ],
        right=(2, 3, 4, 5, 6, 7),
    )
