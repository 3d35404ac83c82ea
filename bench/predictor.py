"""How well changed functions are ranked, on the histories of real projects.

`python bench/predictor.py CLONE...`; each clone is tested by a prior fitted on the others, and by
trees fitted on its own past. Fetches nothing. Partial results are kept in --scratch.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from counting import cpu

from copydesk.agent.git.history import open_history
from copydesk.predictor.core import metrics
from copydesk.predictor.core.time_split import folds
from copydesk.predictor.subjects.commits import train as learning
from copydesk.predictor.subjects.commits.mine import State, label, mine
from copydesk.predictor.subjects.commits.train import BASELINE, PRIOR, RESIDUAL, Row

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
DEALS = 5
GATE = "as the gate chose"
MARK = "# How well the predictor ranks"


def mined(clone: Path, scratch: Path) -> dict[str, Any]:
    """Mine a clone, or take what was mined before."""
    name = clone.resolve().name.removesuffix(".git")
    if name == "repo":
        name = clone.resolve().parent.name.rpartition("+")[2]
    kept = scratch / f"{name}.json"
    if not kept.is_file():
        history, state = open_history(clone), State()
        started = cpu()
        found = mine(history, state, say=lambda line: print(f"  {name}: {line}", file=sys.stderr))
        spent = cpu() - started
        rows = [
            [row.time, row.inputs, at]
            for row, at in zip(found.rows, label(found.rows, found.blamed), strict=True)
        ]
        kept.write_text(
            json.dumps(
                {
                    "name": name,
                    "tip": history.tip[:8],
                    "commits": found.commits,
                    "fixes": found.fixes,
                    "seconds": spent,
                    "rows": rows,
                }
            )
        )
    read: dict[str, Any] = json.loads(kept.read_text())
    read["rows"] = [Row(*row) for row in read["rows"]]
    return read


def ripe(one: dict[str, Any]) -> list[Row]:
    """The rows whose labels are known as well as they will be."""
    return learning.ripe(one["rows"], newest(one))


def newest(one: dict[str, Any]) -> float:
    """When the last change of a history was made: its "now"."""
    return max(row.time for row in one["rows"])


def measure(one: dict[str, Any], others: list[Row]) -> dict[str, Any]:
    """Test one history with the prior of the others."""
    shipped = learning.fit_prior(others, [row.fixed_at is not None for row in others])
    rows, now = ripe(one), newest(one)
    scored = learning.compare(rows, shipped, now)
    labels = [y for part in scored.labels for y in part]
    base = sum(labels) / len(labels)
    control = shuffled(rows, others, now)
    ranks = [p for part in scored.scores[PRIOR] for p in part]
    low, high = metrics.interval(
        lambda picked: metrics.auc([labels[i] for i in picked], [ranks[i] for i in picked]),
        len(labels),
    )
    gate = gated(rows, shipped, now)
    return {
        "base": base,
        "tested": len(labels),
        "positives": sum(labels),
        "figures": learning.figures(scored) | gate["figures"],
        "interval": [low, high],
        "in_force": gate["in_force"],
        "control": control,
    }


def gated(rows: Sequence[Row], shipped: learning.Prior, now: float) -> dict[str, Any]:
    """What the gate, asked before each test part with what was known then, put in force."""
    chosen: list[str] = []
    found = learning.Scored([], [], [], {GATE: []})
    gap = learning.GAP_DAYS
    for fold in folds([row.time for row in rows], gap=gap * learning.DAY):
        past = [rows[i] for i in range(fold.test.start)]
        model = learning.train(past, shipped, fold.cutoff, ripe_days=gap)
        test = [rows[i] for i in fold.test]
        chosen.append(model.in_force)
        found.scores[GATE].append(model.probabilities([row.inputs for row in test]))
        found.labels.append([row.fixed_at is not None for row in test])
        found.times.append([row.time for row in test])
        found.sizes.append([float(row.inputs[learning.SIZE] or 0) for row in test])
    return {"in_force": chosen, "figures": learning.figures(found)}


def shuffled(rows: Sequence[Row], others: Sequence[Row], now: float) -> dict[str, float]:
    """The control: with labels dealt out at random nothing may be found. Mean of some deals."""
    found, errors = [], []
    for seed in range(DEALS):
        mixed, theirs = deal(rows, 2 * seed), deal(others, 2 * seed + 1)
        prior = learning.fit_prior(theirs, [row.fixed_at is not None for row in theirs])
        scored = learning.compare(mixed, prior, now)
        labels = [y for part in scored.labels for y in part]
        scores = [p for part in scored.scores.get(RESIDUAL, scored.scores[PRIOR]) for p in part]
        hits, rest = sum(labels), len(labels) - sum(labels)
        found.append(metrics.auc(labels, scores))
        errors.append(math.sqrt((hits + rest + 1) / (12 * hits * rest)))
    error = statistics.mean(errors) / math.sqrt(DEALS)
    return {"AUC": statistics.mean(found), "standard_error": error}


def deal(rows: Sequence[Row], seed: int) -> list[Row]:
    """The rows with answers drawn from all: how long until a fix, or that there was none.

    Drawn with replacement: from a shuffled pack, what was dealt to the past is missing in the
    future, and whatever was learned by chance would look wrong later (an AUC below .5).
    """
    delays = [None if r.fixed_at is None else r.fixed_at - r.time for r in rows]
    drawn = random.Random(seed).choices(delays, k=len(rows))
    return [
        row._replace(fixed_at=None if d is None else row.time + d)
        for row, d in zip(rows, drawn, strict=True)
    ]


def table(clones: list[dict[str, Any]], results: list[dict[str, Any]]) -> str:
    """Everything as Markdown."""
    lines = [
        "| history | commits | mining, CPU s | for 5,000 | functions tested | defective |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for one, found in zip(clones, results, strict=True):
        per = one["seconds"] / one["commits"] * 5000
        lines.append(
            f"| {one['name']} {one['tip']} | {one['commits']:,} | {one['seconds']:.1f} |"
            f" {per:.0f} |"
            f" {found['tested']:,} | {found['positives']} ({found['base']:.3f}) |"
        )
    names = ["AUC", "AUC within size", "PR", "top tenth", "Brier", "log loss", "ECE"]
    lines += [
        "",
        f"| history | model | {' | '.join(names)} |",
        "| --- | --- |" + " ---: |" * len(names),
    ]
    for one, found in zip(clones, results, strict=True):
        for model, held in found["figures"].items():
            shown = " | ".join(f"{held[n]:.3f}" for n in names)
            lines.append(f"| {one['name']} | {model} | {shown} |")
    means = {
        model: {n: statistics.mean(f["figures"][model][n] for f in results) for n in names}
        for model in (BASELINE, PRIOR, RESIDUAL, GATE)
        if all(model in f["figures"] for f in results)
    }
    for model, held in means.items():
        shown = " | ".join(f"{held[n]:.3f}" for n in names)
        lines.append(f"| **mean** | **{model}** | {shown} |")
    base = statistics.mean(f["base"] for f in results)
    lines += ["", "| model | PR × lines added | top tenth × base rate |", "| --- | ---: | ---: |"]
    for model, held in means.items():
        ratio = held["PR"] / means[BASELINE]["PR"]
        lines.append(f"| {model} | {ratio:.2f} | {held['top tenth'] / base:.2f} |")
    lines += [
        "",
        "| history | the gate chose, part by part | AUC of the prior, 95 % |"
        " labels shuffled: AUC (± 2 standard errors) |",
        "| --- | --- | ---: | ---: |",
    ]
    for one, found in zip(clones, results, strict=True):
        control = found["control"]
        low, high = found["interval"]
        lines.append(
            f"| {one['name']} | {', '.join(found['in_force'])} |"
            f" {low:.2f}–{high:.2f} |"
            f" {control['AUC']:.3f} (± {2 * control['standard_error']:.3f}) |"
        )
    return "\n".join(lines)


def main() -> int:
    """Mine, test, and add the tables to docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clones", nargs="+", type=Path, help="local clones, at least two")
    parser.add_argument("--scratch", type=Path, default=Path("/tmp/copydesk-bench-predictor"))
    parser.add_argument("--print", action="store_true", help="print, and leave the page alone")
    given = parser.parse_args()
    if len(given.clones) < 2:
        parser.error("needs two clones or more: each is tested by a prior of the others")
    given.scratch.mkdir(parents=True, exist_ok=True)
    clones = [mined(path, given.scratch) for path in given.clones]
    results = []
    for one in clones:
        others = [row for other in clones if other is not one for row in ripe(other)]
        results.append(measure(one, others))
        print(f"  {one['name']}: tested", file=sys.stderr)
    text = table(clones, results)
    print(text)
    if not given.print:
        head = PAGE.read_text("utf-8").partition(f"\n{MARK}")[0].rstrip()
        said = (
            f'\n\n{MARK}\n\nWritten by `make bench-predictor CLONES="click flask ..."`,'
            f" {time.strftime('%Y-%m-%d')}. Each history is tested by a prior fitted on the others,"
            " on the last 60 % of its changed functions in four parts, each by what was known"
            " before it (labels by their fix's date, 180 days left out before each part, the last"
            " 365 days of the history left out).\n\n"
        )
        PAGE.write_text(f"{head}{said}{text}\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
