"""What scoring a commit and refitting the market cost in CPU, and how the market's rivals fare.

`python bench/costs.py commits CLONE`: a clone of the clone is made, its history read but for the
last commits, and these scored one by one as a measure does, by the prior and with trees.
`python bench/costs.py market SYMBOL...`: walks forward over sample series. Prints Markdown.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from counting import counted

from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import find
from copydesk.agent.scoring import mine_history, repository_model
from copydesk.agent.scoring import score_commit as scoring
from copydesk.predictor.subjects.commits import model, train
from copydesk.predictor.subjects.market import direction, ranges
from copydesk.predictor.subjects.market.bar_sources import choose

LAST = 40
"""Commits that are scored: the last that touch Python and merge nothing."""


def commits(clone: Path) -> None:
    """Score the last commits of a clone, one by one."""
    with tempfile.TemporaryDirectory(prefix="copydesk-") as folder:
        checkout = Path(folder, "repo")
        ask("git", "clone", "--quiet", "--no-checkout", str(clone), str(checkout))
        options = ["rev-list", "--no-merges", "--topo-order", f"-{LAST}", "HEAD", "--", "*.py"]
        listed = ask("git", "-C", str(checkout), *options)
        shas = listed.split()[::-1]
        repo = find(checkout)
        for name in ("prior", "prior + residual"):
            with open_desk(Path(folder, name.replace(" ", ""))) as db:
                mine_history.catch_up(repo, db, shas[0])
                if name == "prior + residual":
                    ripe = train.ripe(mine_history.training_rows(db), time.time())
                    labels = [row.fixed_at is not None for row in ripe]
                    trees = train.fit_residual(ripe, labels, model.shipped_prior())
                    card = model.shipped().card | {"in_force": train.RESIDUAL, "figures": {}}
                    trained = train.Trained(train.RESIDUAL, model.shipped_prior(), trees, card)
                    model.save(repository_model.folder(repo), trained)
                spent, scored = [], 0
                for sha in shas[1:]:
                    with counted() as seconds:
                        mine_history.catch_up(repo, db, sha)
                        scored += len(scoring.score_commit(db, Commit(repo, sha)))
                    spent.append(seconds())
                print(
                    f"| {clone.resolve().name} | {name} | {len(spent)} | {scored} |"
                    f" {statistics.median(spent):.3f} | {max(spent):.3f} |",
                    flush=True,
                )


def ask(*command: str) -> str:
    """What a command prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def series(symbol: str) -> None:
    """Walk forward over one series: what it costs, and what stands."""
    bars = choose(None, sample=symbol).bars
    with counted() as refits:
        directions = direction.walk(bars)
    rows = ranges.rows_of(bars)
    with counted() as ranged:
        compared = ranges.compare(rows)
    trials = [
        direction.sharpe(direction.earned(chances, directions.actual))
        for chances in directions.by_model.values()
    ]
    table = direction.figures(directions, trials)
    edge, why = direction.verdict(table, len(trials))
    hold_out, walked = compared.figures["hold-out"], compared.figures["walk-forward"]
    shown = " | ".join(
        f"{walked[name]['R²']:.3f} / {hold_out[name]['R²']:.3f}"
        for name in ("smoothed", ranges.HAR, ranges.RESIDUAL)
    )
    print(
        f"| {symbol} | {len(bars):,} | {refits():.1f} | {ranged():.1f} | {shown} |"
        f" {compared.verdict.in_force}: {'; '.join(compared.verdict.why)} |"
        f" {'edge' if edge else 'no edge'}: {why} |",
        flush=True,
    )


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", choices=["commits", "market"])
    parser.add_argument("of", nargs="+", help="clones, or sample symbols")
    options = parser.parse_args()
    for source in options.of:
        series(source) if options.what == "market" else commits(Path(source))
    return 0


if __name__ == "__main__":
    sys.exit(main())
