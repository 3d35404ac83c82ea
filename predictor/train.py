"""Train a predictor, in the open: python -m copydesk.predictor.train --subject market bars.csv."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from copydesk.predictor.core import model_card as cards
from copydesk.predictor.core.errors import PredictorError
from copydesk.predictor.core.progress import Progress
from copydesk.predictor.subjects.commits import model as commits
from copydesk.predictor.subjects.commits import train as learning
from copydesk.predictor.subjects.commits.history import History
from copydesk.predictor.subjects.commits.mine import State, label, mine
from copydesk.predictor.subjects.commits.train import Row
from copydesk.predictor.subjects.market import bar_sources, model

OpenHistory = Callable[[Path], History]
EPILOG = """examples:
  python -m copydesk.predictor.train --subject commits . --out model
  python -m copydesk.predictor.train --subject commits --prior ../click ../flask --out prior
  python -m copydesk.predictor.train --subject market bars.csv --out model
  python -m copydesk.predictor.train --subject market --sample AAPL --out model
"""


def main(argv: Sequence[str] | None = None, open_history: OpenHistory | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments; those of the process when left out.
        open_history: What reads a repository; the one that is installed when left out.

    Returns:
        0; 2 when what was given cannot be used.
    """
    options = _parser().parse_args(argv)
    try:
        card = _train(options, open_history)
    except PredictorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(card, indent=2, ensure_ascii=False) if options.json else report(card))
    return 0


def _train(options: argparse.Namespace, open_history: OpenHistory | None) -> dict[str, Any]:
    if options.subject == "market":
        if options.prior is not None:
            raise PredictorError("--prior is of commits: add --subject commits")
        source = bar_sources.choose(options.source, **bar_options(options))
        return train_market(source, options.out, _say)
    refuse_bar_options(options)
    if options.prior is not None:
        return train_prior([options.source, *options.prior], options.out, open_history, _say)
    return train_commits(options.source, options.out, open_history, _say)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="copydesk.predictor.train",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--subject", choices=["commits", "market"], default="market")
    parser.add_argument(
        "source", nargs="?", help="commits: a repository, or rows as JSON lines; market: a CSV"
    )
    parser.add_argument(
        "--prior", nargs="*", metavar="REPO", help="commits: fit a prior on these repositories"
    )
    bar_sources.add_options(parser)
    parser.add_argument("--out", type=Path, required=True, help="folder for the model and its card")
    parser.add_argument("--json", action="store_true", help="print the card as JSON")
    return parser


def bar_options(options: argparse.Namespace) -> dict[str, Any]:
    """The options that choose where bars come from, as `bar_sources.choose` takes them."""
    names = ("sample", "synthetic", "yahoo", "as_is")
    return {name: getattr(options, name) for name in names}


def refuse_bar_options(options: argparse.Namespace) -> None:
    """Refuse options of the market where the subject is another.

    Raises:
        PredictorError: One of them was given.
    """
    for name, value in bar_options(options).items():
        if value not in (None, False):
            raise PredictorError(f"--{name.replace('_', '-')} is of prices: add --subject market")


def train_market(source: bar_sources.Source, out: Path, say: Progress) -> dict[str, Any]:
    """Train on daily bars and write the model.

    Raises:
        PredictorError: The bars cannot be used.
    """
    return model.train(source.bars, source.name, out, say=say)


def train_commits(
    source: str | None, out: Path, open_history: OpenHistory | None, say: Progress
) -> dict[str, Any]:
    """Train on one repository's history, starting from the shipped prior.

    Raises:
        PredictorError: There is no history to be read.
    """
    rows = read_rows(source or ".", open_history, say)
    name = Path(source or ".").resolve().name
    trained = learning.train(rows, commits.shipped_prior(), time.time(), source=name)
    return commits.save(out, trained).card


def train_prior(
    sources: Sequence[str | None], out: Path, open_history: OpenHistory | None, say: Progress
) -> dict[str, Any]:
    """Fit a prior on several repositories together, as the shipped one was.

    Raises:
        PredictorError: A history cannot be read, or holds no defect.
    """
    histories: list[tuple[str, list[Row]]] = []
    for source in filter(None, sources):
        rows = read_rows(source, open_history, say)
        newest = max((row.time for row in rows), default=0.0)
        histories.append((Path(source).resolve().name, learning.ripe(rows, newest)))
    pooled = [row for _, rows in histories for row in rows]
    prior = learning.fit_prior(pooled, [row.fixed_at is not None for row in pooled])
    card = commits.prior_card(prior, histories)
    return commits.save(out, learning.Trained(learning.PRIOR, prior, None, card)).card


def read_rows(source: str, open_history: OpenHistory | None, say: Progress) -> list[Row]:
    """The changed functions of a repository, or of a file of rows.

    Raises:
        PredictorError: It can be read by nothing that is installed.
    """
    path = Path(source)
    if path.is_file():
        return commits.read_rows(path)
    history = (open_history or registered_history())(path)
    mined = mine(history, State(), say=say)
    say(f"{mined.commits:,} commits, {mined.fixes:,} fixes, {len(mined.rows):,} changed functions")
    fixed = label(mined.rows, mined.blamed)
    return [Row(r.time, r.inputs, at) for r, at in zip(mined.rows, fixed, strict=True)]


def registered_history() -> OpenHistory:
    """What is installed to read repositories: the predictor itself knows nothing of git.

    Raises:
        PredictorError: Nothing is.
    """
    for entry in entry_points(group="copydesk.histories"):
        return _careful(entry.load())
    raise PredictorError(
        "nothing is installed that reads a repository's history; give a file of rows, as"
        " `copydesk train --rows` writes it"
    )


def _careful(opener: OpenHistory) -> OpenHistory:
    """The same opener, whose every error is a PredictorError."""

    def open_history(path: Path) -> History:
        try:
            return opener(path)
        except Exception as error:
            raise PredictorError(f"{path}: no history can be read: {error}") from error

    return open_history


def report(card: dict[str, Any]) -> str:
    """A card for the terminal."""
    lines = [f"{card['title']}", ""]
    lines += [f"  {name}: {value}" for name, value in card["about"].items()]
    if card["figures"]:
        lines += ["", cards.table(card["figures"], card["in_force"])]
    lines += ["", f"In force: {card['in_force']}."]
    return "\n".join([*lines, *(f"  {reason}" for reason in card["why"])])


def _say(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
