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
from copydesk.predictor.subjects.commits.mine import Changed, State, mine
from copydesk.predictor.subjects.commits.train import Trained
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
    options = _parser().parse_args(argv)
    try:
        if options.subject == "market":
            source = bar_sources.choose(options.source, **training.bar_options(options))
            prediction = predict_market(options.model, source)
            report = market_report(prediction)
        else:
            training.refuse_bar_options(options)
            prediction = predict_commits(options.model, options.source, open_history)
            report = commits_report(prediction)
    except PredictorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(prediction, indent=2, ensure_ascii=False) if options.json else report)
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
        PredictorError: The model or the bars cannot be used, or it was trained on another series.
    """
    trained = model.load(folder)
    model.refuse_other_series(trained, source.bars, source.name)
    forecast = model.forecast(trained, source.bars)
    return forecast | {
        "source": source.name,
        "range_percent": as_percent(forecast["log_range"]),
        "range_percent_low": as_percent(forecast["low"]),
        "range_percent_high": as_percent(forecast["high"]),
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
    rows = mine(history, State()).rows
    last = [row for row in rows if row.commit == rows[-1].commit]
    return {
        "commit": last[0].commit if last else None,
        "in_force": trained.in_force,
        "why": trained.card["why"],
        "model": commits.identity(trained),
        "functions": _riskiest_first(last, trained),
    }


def _riskiest_first(rows: Sequence[Changed], trained: Trained) -> list[dict[str, Any]]:
    row_risks = risks([row.inputs for row in rows], trained)
    scored = sorted(zip(rows, row_risks, strict=True), key=lambda pair: -pair[1].probability)
    return [
        {
            "path": row.path,
            "function": row.function,
            "probability": round(risk.probability, 4),
            "reasons": list(risk.reasons[:3]),
        }
        for row, risk in scored
    ]


def market_report(prediction: dict[str, Any]) -> str:
    """A market prediction for the terminal."""
    middle, low, high = (prediction[f"range_percent{end}"] for end in ("", "_low", "_high"))
    lines = [
        f"After {prediction['after']}: the next day's high stands about {middle:.2f}% above its low"
        f" (8 in 10 days: {low:.2f}% to {high:.2f}%).",
        f"By: {prediction['in_force']}.",
        *(f"  {reason}" for reason in prediction["why"]),
    ]
    return "\n".join(lines)


def commits_report(prediction: dict[str, Any]) -> str:
    """The risks of a commit's functions for the terminal."""
    if not prediction["functions"]:
        return "No commit changed a function."
    lines = [f"Functions that {prediction['commit'][:8]} changed, the riskiest first:"]
    for function in prediction["functions"]:
        name = f"{function['path']}::{function['function']}"
        lines.append(f"  {function['probability']:6.1%}  {name}")
        lines += [f"          {reason}" for reason in function["reasons"]]
    lines.append(f"By: {prediction['in_force']}.")
    lines += [f"  {reason}" for reason in prediction["why"]]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
