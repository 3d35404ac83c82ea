"""`copydesk replay`: the proof, on anyone's own history."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import click

from copydesk.agent.cli.formatting import (
    short_sha,
)
from copydesk.agent.cli.options import examples, json_option
from copydesk.agent.cli.output import echo, echo_json, print_progress
from copydesk.agent.coverage.replay import Comparison
from copydesk.agent.coverage.replay import replay as replaying
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Json
from copydesk.agent.text import one_line, percent, plural

SHOWN = 20
"""Differences of a commit that are shown on the screen; JSON has them all."""


@click.command(
    epilog=examples(
        "copydesk replay . HEAD~10..HEAD",
        "copydesk replay --sample 5",
        "copydesk replay ../click main~30..main --python ../click/.venv/bin/python --json",
    )
)
@click.argument(
    "repository",
    metavar="[REPO]",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
)
@click.argument("revisions", metavar="[A..B]", required=False)
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    metavar="N",
    help="N commits spread over the range (the newest 200 without one), each from its parent.",
)
@click.option(
    "--python",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="The interpreter that runs the tests; found as for `measure` when left out.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Only the newest N commits of the range.",
)
@click.option("--keep-going", is_flag=True, help="Go on after a commit that is not exact.")
@json_option
@click.pass_context
def replay(
    ctx: click.Context,
    repository: Path,
    revisions: str | None,
    sample: int | None,
    python: Path | None,
    limit: int | None,
    keep_going: bool,
    as_json: bool,
) -> None:
    """Prove on history that a measure equals a full run.

    Every commit after A is measured as copydesk does it, on a desk that is thrown away, and then
    once more with `coverage run -m pytest` on all tests. Lines, branches and outcomes are
    compared one by one. With --sample some commits are, which is quick enough for CI. Exit code 1:
    a commit is not exact, or none could be compared.
    """
    repo = git.find(repository)
    comparisons: list[Comparison] = []
    count, run = _to_replay(repo, revisions, sample=sample, limit=limit, python=python)
    for comparison in run:
        comparisons.append(comparison)
        print_progress(f"{len(comparisons)}/{count} {_line(comparison)}")
        for line in _problems(comparison):
            print_progress(f"  {line}")
        if comparison.verdict == "inexact" and not keep_going:
            break
    if as_json:
        echo_json(
            {
                "commits": [_as_json(c) for c in comparisons],
                "summary": replaying.summary(comparisons),
            }
        )
    else:
        echo(_table(comparisons))
    verdicts = {comparison.verdict for comparison in comparisons}
    if "inexact" in verdicts or verdicts == {"broken"}:
        ctx.exit(1)


def _to_replay(
    repo: Repository,
    revisions: str | None,
    *,
    sample: int | None,
    limit: int | None,
    python: Path | None,
) -> tuple[int, Iterator[Comparison]]:
    """How many commits are replayed, and the replay of them."""

    def say(line: str) -> None:
        print_progress(f"  {line}")

    if sample is None and revisions is None:
        raise click.UsageError("Name a range of commits (A..B), or --sample N.")
    if sample is not None and limit is not None:
        raise click.UsageError("--sample takes commits of the whole range; --limit the newest.")
    if sample is not None:
        pairs = replaying.sample(repo, revisions, sample)
        return len(pairs), replaying.replay_sample(repo, pairs, python=python, say=say)
    shas = replaying.commits(repo, revisions or "", limit)
    return len(shas), replaying.replay(repo, shas, python=python, say=say)


def _line(comparison: Comparison) -> str:
    run = f"{comparison.selected:,} of {plural(comparison.total, 'test')}"
    ratio = f"{comparison.ratio:.2f} of the full run's time"
    subject = one_line(comparison.subject, 60)
    return f"{short_sha(comparison.sha)} {comparison.verdict}, {run}, {ratio}: {subject}"


def _problems(comparison: Comparison) -> list[str]:
    lines = [f"missed: {name}" for name in comparison.missed] + comparison.differences
    lines += [f"unsteady: {line}" for line in comparison.unsteady]
    lines += comparison.error.splitlines()[:5]
    if len(lines) > SHOWN:
        lines[SHOWN:] = [f"… and {len(lines) - SHOWN} more; --json has them all"]
    return lines


def _as_json(comparison: Comparison) -> Json:
    more = {"ratio": comparison.ratio, "processor_ratio": comparison.processor_ratio}
    more |= {"fraction": comparison.fraction}
    row = dataclasses.asdict(comparison) | {key: round(value, 4) for key, value in more.items()}
    del row["outcomes"]  # of every test: what differs is said above
    return row


def _table(comparisons: list[Comparison]) -> str:
    """The commits as a Markdown table, with the medians below."""
    heads = (
        "commit",
        "verdict",
        "selected",
        "full run (s)",
        "incremental (s)",
        "ratio",
        "CPU ratio",
    )
    lines = [f"| {' | '.join(heads)} |", "|" + " --- |" * len(heads)]
    lines += [_table_row(comparison) for comparison in comparisons]
    return "\n".join([*lines, "", _summary_line(comparisons)])


def _table_row(comparison: Comparison) -> str:
    verdict = f"{comparison.verdict} (first)" if comparison.first else comparison.verdict
    cells = (
        short_sha(comparison.sha),
        verdict,
        percent(100 * comparison.fraction),
        f"{comparison.full_seconds:.1f}",
        f"{comparison.seconds:.1f}",
        f"{comparison.ratio:.2f}",
        f"{comparison.processor_ratio:.2f}",
    )
    return f"| {' | '.join(cells)} |"


def _summary_line(comparisons: list[Comparison]) -> str:
    """How many commits are exact, and the medians, in one sentence."""
    total = replaying.summary(comparisons)
    line = f"{total['exact']} of {plural(total['commits'], 'commit')} exact"
    for verdict in ("flaky", "inexact", "broken"):
        if total[verdict]:
            line += f", {total[verdict]} {verdict}"
    if total["ratio"] is not None:
        line += f"; median: {percent(100 * total['selected'])} of the tests selected,"
        line += f" {total['ratio']:.2f} of the full run's time"
        if total["processor_ratio"] is not None:
            line += f" ({total['processor_ratio']:.2f} of the processor's)"
    return f"{line}."
