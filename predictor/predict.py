"""Predict with a trained model: python -m copydesk.predictor.predict DIR bars.csv."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from copydesk.predictor.core.errors import PredictorError
from copydesk.predictor.subjects.market import model
from copydesk.predictor.subjects.market.data import read_bars
from copydesk.predictor.subjects.market.features import as_percent


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0; 2 when the model or the bars cannot be used.
    """
    parser = argparse.ArgumentParser(prog="copydesk.predictor.predict", description=__doc__)
    parser.add_argument("--subject", choices=["market"], default="market")
    parser.add_argument("model", type=Path, help="the folder that train wrote")
    parser.add_argument("bars", type=Path, help="CSV: date,open,high,low,close,volume")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args(argv)
    try:
        trained, card = model.load(given.model)
        said = model.forecast(trained, read_bars(given.bars))
    except PredictorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    said |= {
        "range_percent": as_percent(said["log_range"]),
        "range_percent_low": as_percent(said["low"]),
        "range_percent_high": as_percent(said["high"]),
        "why": card["why"],
        "not_predicted": card["not_predicted"],
    }
    print(json.dumps(said, indent=2, ensure_ascii=False) if given.json else _report(said))
    return 0


def _report(said: dict[str, Any]) -> str:
    return (
        f"After {said['after']}: the next day's high stands about {said['range_percent']:.2f}% "
        f"above its low (8 in 10 days: {said['range_percent_low']:.2f}% to "
        f"{said['range_percent_high']:.2f}%).\n"
        f"By: {said['in_force']}. {said['why']}\n"
        f"Not predicted: {said['not_predicted']}."
    )


if __name__ == "__main__":
    sys.exit(main())
