"""`copydesk train` and `copydesk predict`: thin over predictor/."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from copydesk.agent.cli.current_desk import open_current_desk
from copydesk.agent.cli.options import examples, json_option
from copydesk.agent.cli.output import echo, echo_json, print_progress
from copydesk.agent.desk.database import Database
from copydesk.agent.git import repository as git
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.history import open_history
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Json, Sha
from copydesk.agent.scoring import mine_history, repository_model
from copydesk.agent.scoring import order_drafts as draft_scores
from copydesk.agent.scoring import score_commit as scoring
from copydesk.predictor import predict as predicting
from copydesk.predictor import train as training
from copydesk.predictor.core.errors import PredictorError
from copydesk.predictor.subjects.commits.model import identity, write_rows
from copydesk.predictor.subjects.market.bar_sources import SAMPLES, choose

F = TypeVar("F", bound=Callable[..., Any])


def _bars(command: F) -> F:
    """The options that choose where a market's daily bars come from."""
    for option in (
        click.option("--sample", type=click.Choice(SAMPLES), help="Market: a sample series."),
        click.option("--synthetic", type=int, metavar="SEED", help="Market: made-up bars."),
        click.option("--yahoo", metavar="SYMBOL", help="Market: ask Yahoo; needs yfinance."),
        click.option("--as-is", is_flag=True, help="Market: take gaps and jumps as they are."),
    ):
        command = option(command)
    return command


_subject = click.option(
    "--subject",
    type=click.Choice(["commits", "market"]),
    default="commits",
    show_default=True,
    help="What to learn.",
)


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """Raise the predictor's errors as CopydeskError."""
    try:
        yield
    except PredictorError as error:
        raise repository_model.as_copydesk_error(error) from error


@click.command(
    epilog=examples(
        "copydesk train",
        "copydesk train --prior ../click --prior ../flask --out prior",
        "copydesk train --rows changes.jsonl",
        "copydesk train --subject market bars.csv --out model",
        "copydesk train --subject market --sample AAPL --out model",
    )
)
@_subject
@click.argument("csv", required=False)
@click.option(
    "--prior",
    "priors",
    multiple=True,
    metavar="REPO",
    help="Commits: fit a prior on these clones instead; needs --out.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the model and its card.")
@click.option(
    "--rows",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Commits: write the changed functions as JSON lines, and train nothing.",
)
@_bars
@json_option
def train(
    subject: str,
    csv: str | None,
    priors: tuple[str, ...],
    out: Path | None,
    rows: Path | None,
    as_json: bool,
    **bars: Any,
) -> None:
    """Train the predictor on this repository, or on prices.

    Commits: reads this repository's history and keeps the model in its desk. A model is in force
    only where it beat the simpler one on later changes. Market: daily bars, from a CSV file with
    the columns date, open, high, low, close, volume.
    """
    _check_train(subject, csv, priors, out, rows, bars)
    if rows:
        _write_rows(rows, as_json)
        return
    with _refusals():
        if subject == "market":
            folder = _needed(out)
            card = training.train_market(choose(csv, **bars), folder, print_progress)
        elif priors:
            card = training.train_prior(list(priors), _needed(out), open_history, print_progress)
        else:
            card = _train_here()
    if as_json:
        echo_json(card)
    else:
        echo(training.report(card))


def _check_train(
    subject: str,
    csv: str | None,
    priors: tuple[str, ...],
    out: Path | None,
    rows: Path | None,
    bars: dict[str, Any],
) -> None:
    """Refuse what would not be looked at."""
    if subject == "market":
        _refuse({"--rows": rows, "--prior": priors}, "is of commits; leave out --subject market")
        return
    _refuse({"CSV": csv, **_of_market(bars)}, "is of prices; add --subject market")
    if not priors:
        why = "the model of this repository is kept in its desk; --out goes with --prior"
        _refuse({"--out": out}, f"is not used here: {why}")
    if rows:
        _refuse({"--prior": priors, "--out": out}, "does not go with --rows")


def _of_market(bars: dict[str, Any]) -> dict[str, Any]:
    """The options that choose bars, by the words they are given with."""
    return {f"--{name.replace('_', '-')}": value for name, value in bars.items()}


def _refuse(given: dict[str, Any], why: str) -> None:
    """Raise a usage error for the first of some arguments that was given."""
    for name, value in given.items():
        if value not in (None, (), False):
            raise click.UsageError(f"{name} {why}.")


def _train_here() -> Json:
    with open_current_desk(create=True) as (repo, db):
        mine_history.catch_up(repo, db, git.resolve(repo, "HEAD"), say=print_progress)
        card = repository_model.retrain(repo, db, say=print_progress).card
        db.jobs.done_by_hand("learn", git.resolve(repo, "HEAD"))
        return card


def _write_rows(path: Path, as_json: bool) -> None:
    with open_current_desk() as (repo, db):
        mine_history.catch_up(repo, db, git.resolve(repo, "HEAD"), say=print_progress)
        rows = mine_history.training_rows(db)
    with _refusals():
        write_rows(path, rows)
    defective = sum(row.fixed_at is not None for row in rows)
    if as_json:
        echo_json({"file": str(path), "rows": len(rows), "defective": defective})
    else:
        echo(f"{path}: {len(rows):,} changed functions, {defective:,} held a defect.")


def _needed(out: Path | None) -> Path:
    if out is None:
        raise click.UsageError("Name a folder for the model: --out FOLDER.")
    return out


@click.command(
    epilog=examples(
        "copydesk predict",
        "copydesk predict HEAD~1 --json",
        "copydesk predict --drafts",
        "copydesk predict --subject market bars.csv --model model",
    )
)
@_subject
@click.argument("what", metavar="[REV | CSV]", required=False)
@click.option("--model", type=click.Path(path_type=Path), help="Market: the trained model.")
@click.option("--drafts", is_flag=True, help="Commits: the waiting drafts instead.")
@_bars
@json_option
def predict(
    subject: str,
    what: str | None,
    model: Path | None,
    drafts: bool,
    as_json: bool,
    **bars: Any,
) -> None:
    """Say which functions a commit put at risk, and why.

    The chance is that a later commit fixes a defect in the function. Every answer says which
    model is in force: lines added alone, the prior, or the prior with what this repository's own
    history adds.
    """
    if subject == "market":
        _refuse({"--drafts": drafts}, "is of commits; leave out --subject market")
        if model is None:
            raise click.UsageError("Name the trained model: --model FOLDER.")
        with _refusals():
            prediction = predicting.predict_market(model, choose(what, **bars))
        echo_json(prediction) if as_json else echo(predicting.market_report(prediction))
        return
    _refuse({"--model": model, **_of_market(bars)}, "is of prices; add --subject market")
    if drafts:
        _refuse({"REV": what}, "does not go with --drafts, which shows all that wait")
    with open_current_desk() as (repo, db):
        if drafts:
            _print_draft_chances(db, as_json)
            return
        prediction = _commit(repo, db, git.resolve(repo, what or "HEAD"))
    echo_json(prediction) if as_json else echo(predicting.commits_report(prediction))


def _commit(repo: Repository, db: Database, sha: Sha) -> Json:
    if mine_history.is_far_behind(repo, db, sha):
        print_progress("reading the history, once")
    mine_history.catch_up(repo, db, sha, say=print_progress)
    scoring.score_commit(db, Commit(repo, sha), say=print_progress)
    db.predictions.join_outcomes()
    trained = repository_model.in_force(repo)
    scored = db.predictions.of_commit("function", sha)
    return {
        "commit": sha,
        "in_force": trained.in_force,
        "why": trained.card["why"],
        "model": identity(trained),
        "functions": [
            {
                "path": one["subject"].rpartition("::")[0],
                "function": one["subject"].rpartition("::")[2],
                "probability": round(one["score"], 4),
                "reasons": one["reasons"],
                "outcome": one["outcome"],
            }
            for one in scored
        ],
    }


def _print_draft_chances(db: Database, as_json: bool) -> None:
    chances = draft_scores.score(db)
    listed: list[Json] = [
        {
            "draft": number,
            "probability": round(chance.probability, 4),
            "in_force": chance.in_force,
            "reasons": list(chance.reasons),
        }
        for number, chance in sorted(chances.items(), key=lambda item: -item[1].probability)
    ]
    if as_json:
        echo_json(listed)
    elif not listed:
        echo("No draft waits for you.")
    else:
        for one in listed:
            why = "; ".join(one["reasons"])
            echo(f"{one['draft']}: {one['probability']:.0%} likely to be accepted: {why}")
