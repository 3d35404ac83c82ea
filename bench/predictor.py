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
from collections.abc import Iterator, Sequence
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
FIGURES = ("AUC", "AUC within size", "PR", "top tenth", "Brier", "log loss", "ECE")
GATE = "as the gate chose"
MARK = "# How well the predictor ranks"


def mined(clone: Path, scratch: Path) -> dict[str, Any]:
    """Mine a clone, or take what was mined before."""
    name = clone.resolve().name.removesuffix(".git")
    if name == "repo":
        name = clone.resolve().parent.name.rpartition("+")[2]
    cached = scratch / f"{name}.json"
    if not cached.is_file():
        history, state = open_history(clone), State()
        started = cpu()
        mined = mine(history, state, say=lambda line: print(f"  {name}: {line}", file=sys.stderr))
        spent = cpu() - started
        rows = [
            [row.time, row.inputs, at]
            for row, at in zip(mined.rows, label(mined.rows, mined.blamed), strict=True)
        ]
        cached.write_text(
            json.dumps(
                {
                    "name": name,
                    "tip": history.tip[:8],
                    "commits": mined.commits,
                    "fixes": mined.fixes,
                    "seconds": spent,
                    "rows": rows,
                }
            )
        )
    read: dict[str, Any] = json.loads(cached.read_text())
    read["rows"] = [Row(*row) for row in read["rows"]]
    return read


def ripe(clone: dict[str, Any]) -> list[Row]:
    """The rows whose labels are known as well as they will be."""
    return learning.ripe(clone["rows"], newest(clone))


def newest(clone: dict[str, Any]) -> float:
    """When the last change of a history was made: its "now"."""
    return max(row.time for row in clone["rows"])


def measure(clone: dict[str, Any], other_rows: list[Row]) -> dict[str, Any]:
    """Test one history with the prior of the others."""
    shipped = learning.fit_prior(other_rows, [row.fixed_at is not None for row in other_rows])
    rows, now = ripe(clone), newest(clone)
    scored = learning.compare(rows, shipped, now)
    labels = [y for part in scored.labels for y in part]
    base = sum(labels) / len(labels)
    control = shuffled(rows, other_rows, now)
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
    scored = learning.Scored([], [], [], {GATE: []})
    gap = learning.GAP_DAYS
    for fold in folds([row.time for row in rows], gap=gap * learning.DAY):
        past = [rows[i] for i in range(fold.test.start)]
        model = learning.train(past, shipped, fold.cutoff, ripe_days=gap)
        test = [rows[i] for i in fold.test]
        chosen.append(model.in_force)
        scored.scores[GATE].append(model.probabilities([row.inputs for row in test]))
        scored.labels.append([row.fixed_at is not None for row in test])
        scored.times.append([row.time for row in test])
        scored.sizes.append([float(row.inputs[learning.SIZE] or 0) for row in test])
    return {"in_force": chosen, "figures": learning.figures(scored)}


def shuffled(rows: Sequence[Row], other_rows: Sequence[Row], now: float) -> dict[str, float]:
    """The control: with labels dealt out at random nothing may be found. Mean of some deals."""
    aucs, errors = [], []
    for seed in range(DEALS):
        mixed, other_mixed = deal(rows, 2 * seed), deal(other_rows, 2 * seed + 1)
        prior = learning.fit_prior(other_mixed, [row.fixed_at is not None for row in other_mixed])
        scored = learning.compare(mixed, prior, now)
        labels = [y for part in scored.labels for y in part]
        scores = [p for part in scored.scores.get(RESIDUAL, scored.scores[PRIOR]) for p in part]
        hits, misses = sum(labels), len(labels) - sum(labels)
        aucs.append(metrics.auc(labels, scores))
        errors.append(math.sqrt((hits + misses + 1) / (12 * hits * misses)))
    error = statistics.mean(errors) / math.sqrt(DEALS)
    return {"AUC": statistics.mean(aucs), "standard_error": error}


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
    means = _means(results)
    parts = [
        *_mining(clones, results),
        *_figures(clones, results, means),
        *_ratios(results, means),
        *_choices(clones, results),
    ]
    return "\n".join(parts)


def _mining(clones: list[dict[str, Any]], results: list[dict[str, Any]]) -> Iterator[str]:
    yield "| history | commits | mining, CPU s | for 5,000 | functions tested | defective |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for clone, result in zip(clones, results, strict=True):
        per = clone["seconds"] / clone["commits"] * 5000
        yield (
            f"| {clone['name']} {clone['tip']} | {clone['commits']:,} | {clone['seconds']:.1f} |"
            f" {per:.0f} |"
            f" {result['tested']:,} | {result['positives']} ({result['base']:.3f}) |"
        )


def _means(results: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """The mean figures of each model that every history was tested with."""
    means = {}
    for model in (BASELINE, PRIOR, RESIDUAL, GATE):
        if all(model in result["figures"] for result in results):
            figures = [result["figures"][model] for result in results]
            means[model] = {n: statistics.mean(f[n] for f in figures) for n in FIGURES}
    return means


def _figures(
    clones: list[dict[str, Any]],
    results: list[dict[str, Any]],
    means: dict[str, dict[str, float]],
) -> Iterator[str]:
    yield ""
    yield f"| history | model | {' | '.join(FIGURES)} |"
    yield "| --- | --- |" + " ---: |" * len(FIGURES)
    for clone, result in zip(clones, results, strict=True):
        for model, figures in result["figures"].items():
            yield f"| {clone['name']} | {model} | {_shown(figures)} |"
    for model, figures in means.items():
        yield f"| **mean** | **{model}** | {_shown(figures)} |"


def _shown(figures: dict[str, float]) -> str:
    return " | ".join(f"{figures[name]:.3f}" for name in FIGURES)


def _ratios(results: list[dict[str, Any]], means: dict[str, dict[str, float]]) -> Iterator[str]:
    base = statistics.mean(result["base"] for result in results)
    yield ""
    yield "| model | PR × lines added | top tenth × base rate |"
    yield "| --- | ---: | ---: |"
    for model, figures in means.items():
        ratio = figures["PR"] / means[BASELINE]["PR"]
        yield f"| {model} | {ratio:.2f} | {figures['top tenth'] / base:.2f} |"


def _choices(clones: list[dict[str, Any]], results: list[dict[str, Any]]) -> Iterator[str]:
    yield ""
    yield (
        "| history | the gate chose, part by part | AUC of the prior, 95 % |"
        " labels shuffled: AUC (± 2 standard errors) |"
    )
    yield "| --- | --- | ---: | ---: |"
    for clone, result in zip(clones, results, strict=True):
        control = result["control"]
        low, high = result["interval"]
        yield (
            f"| {clone['name']} | {', '.join(result['in_force'])} |"
            f" {low:.2f}–{high:.2f} |"
            f" {control['AUC']:.3f} (± {2 * control['standard_error']:.3f}) |"
        )


def main() -> int:
    """Mine, test, and add the tables to docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clones", nargs="+", type=Path, help="local clones, at least two")
    parser.add_argument("--scratch", type=Path, default=Path("/tmp/copydesk-bench-predictor"))
    parser.add_argument("--print", action="store_true", help="print, and leave the page alone")
    options = parser.parse_args()
    if len(options.clones) < 2:
        parser.error("needs two clones or more: each is tested by a prior of the others")
    options.scratch.mkdir(parents=True, exist_ok=True)
    clones = [mined(path, options.scratch) for path in options.clones]
    results = []
    for clone in clones:
        other_rows = [row for each in clones if each is not clone for row in ripe(each)]
        results.append(measure(clone, other_rows))
        print(f"  {clone['name']}: tested", file=sys.stderr)
    text = table(clones, results)
    print(text)
    if not options.print:
        head = PAGE.read_text("utf-8").partition(f"\n{MARK}")[0].rstrip()
        introduction = (
            f'\n\n{MARK}\n\nWritten by `make bench-predictor CLONES="click flask ..."`,'
            f" {time.strftime('%Y-%m-%d')}. Each history is tested by a prior fitted on the others,"
            " on the last 60 % of its changed functions in four parts, each by what was known"
            " before it (labels by their fix's date, 180 days left out before each part, the last"
            " 365 days of the history left out).\n\n"
        )
        PAGE.write_text(f"{head}{introduction}{text}\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
