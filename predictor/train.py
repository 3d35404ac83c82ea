"""Train a predictor: python -m copydesk.predictor.train --subject market bars.csv --out DIR."""

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

NAMES = {
    "har": "range model (day, week, month)",
    "today": "tomorrow as today",
    "smoothed": "smoothed range of the past",
    "mean": "mean range of the past",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0; 2 when the bars cannot be used.
    """
    parser = argparse.ArgumentParser(prog="copydesk.predictor.train", description=__doc__)
    parser.add_argument("--subject", choices=["market"], default="market")
    parser.add_argument("bars", type=Path, help="CSV: date,open,high,low,close,volume")
    parser.add_argument("--out", type=Path, required=True, help="folder for the model and its card")
    parser.add_argument("--json", action="store_true", help="print the card as JSON")
    given = parser.parse_args(argv)
    try:
        card = model.train(read_bars(given.bars), given.bars.name, given.out)
    except PredictorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(card, indent=2, ensure_ascii=False) if given.json else _report(card))
    return 0


def _report(card: dict[str, Any]) -> str:
    lines = [
        f"{card['bars']:,} bars from {card['from']} to {card['to']}; "
        f"hold-out from {card['hold_out_from']}",
        "",
        f"{'R²':34}{'walk-forward':>14}{'hold-out':>12}",
    ]
    for name, words in NAMES.items():
        mark = "  in force" if name == card["in_force"] else ""
        walked, held = (card["figures"][part][name]["r2"] for part in ("walk_forward", "hold_out"))
        lines.append(f"{words:34}{walked:14.3f}{held:12.3f}{mark}")
    return "\n".join([*lines, "", card["why"], f"Not predicted: {card['not_predicted']}."])


if __name__ == "__main__":
    sys.exit(main())
