"""Predict with a trained model: python -m copydesk.predictor.predict model bars.csv."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from copydesk.predictor import train as training
from copydesk.predictor.core.errors import PredictorError
from copydesk.predictor.rank_gaps import risks
from copydesk.predictor.subjects.commits import model as commits
from copydesk.predictor.subjects.commits.mine import State, mine
from copydesk.predictor.subjects.market import bar_sources, model
from copydesk.predictor.subjects.market.features import as_percent

EPILOG = """examples:
  python -m copydesk.predictor.predict model bars.csv
  python -m copydesk.predictor.predict --subject commits model .
"""


def main(
    argv: Sequence[str] | None = None, open_history: training.OpenHistory | None = None
) -> int:
    """Run the command.

    Args:
        argv: The arguments; those of the process when left out.
        open_history: What reads a repository; the one that is installed when left out.

    Returns:
        0; 2 when the model or the data cannot be used.
    """
    given = _parser().parse_args(argv)
    try:
        if given.subject == "market":
            chosen = bar_sources.choose(given.source, **training.chosen(given))
            said = predict_market(given.model, chosen)
            text = market_report(said)
        else:
            said = predict_commits(given.model, given.source, open_history)
            text = commits_report(said)
    except PredictorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(said, indent=2, ensure_ascii=False) if given.json else text)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="copydesk.predictor.predict",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--subject", choices=["commits", "market"], default="market")
    parser.add_argument("model", type=Path, help="the folder that train wrote")
    parser.add_argument("source", nargs="?", help="commits: a repository; market: a CSV")
    bar_sources.add_options(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def predict_market(folder: Path, source: bar_sources.Source) -> dict[str, Any]:
    """Tomorrow's range after the last bar, with its interval and reasons.

    Raises:
        PredictorError: The model or the bars cannot be used.
    """
    trained = model.load(folder)
    said = model.forecast(trained, source.bars)
    return said | {
        "source": source.name,
        "range_percent": as_percent(said["log_range"]),
        "range_percent_low": as_percent(said["low"]),
        "range_percent_high": as_percent(said["high"]),
        "why": trained.card["why"],
        "direction": trained.card["direction"]["why"],
        "model": trained.card["sha256"],
    }


def predict_commits(
    folder: Path, source: str | None, open_history: training.OpenHistory | None
) -> dict[str, Any]:
    """The risk of each function that a repository's last commit with source changed.

    Raises:
        PredictorError: The model or the history cannot be used.
    """
    trained = commits.load(folder)
    history = (open_history or training.registered_history())(Path(source or "."))
    found = mine(history, State()).rows
    last = [row for row in found if row.commit == found[-1].commit] if found else []
    scored = zip(last, risks([row.inputs for row in last], trained), strict=True)
    listed = [
        {
            "path": row.path,
            "function": row.function,
            "probability": round(risk.probability, 4),
            "reasons": list(risk.reasons[:3]),
        }
        for row, risk in sorted(scored, key=lambda pair: -pair[1].probability)
    ]
    return {
        "commit": last[0].commit if last else None,
        "in_force": trained.in_force,
        "why": trained.card["why"],
        "model": commits.identity(trained),
        "functions": listed,
    }


def market_report(said: dict[str, Any]) -> str:
    """A market prediction for the terminal."""
    lines = [
        f"After {said['after']}: the next day's high stands about {said['range_percent']:.2f}% "
        f"above its low (8 in 10 days: {said['range_percent_low']:.2f}% to "
        f"{said['range_percent_high']:.2f}%).",
        f"By: {said['in_force']}.",
        *(f"  {reason}" for reason in said["why"]),
    ]
    return "\n".join(lines)


def commits_report(said: dict[str, Any]) -> str:
    """The risks of a commit's functions for the terminal."""
    if not said["functions"]:
        return "No commit changed a function."
    lines = [f"Functions that {said['commit'][:8]} changed, the riskiest first:"]
    for one in said["functions"]:
        lines.append(f"  {one['probability']:6.1%}  {one['path']}::{one['function']}")
        lines += [f"          {reason}" for reason in one["reasons"]]
    lines += [f"By: {said['in_force']}.", *(f"  {reason}" for reason in said["why"])]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
