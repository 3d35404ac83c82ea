"""`copydesk replay`: the proof, on anyone's own history."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from copydesk.agent.cli.formatting import percent, short_sha
from copydesk.agent.cli.options import examples, json_option
from copydesk.agent.cli.output import echo, echo_json, print_progress
from copydesk.agent.coverage.replay import Comparison
from copydesk.agent.coverage.replay import replay as replaying
from copydesk.agent.git import repository as git
from copydesk.agent.records import Json
from copydesk.agent.text import one_line, plural

SHOWN = 20
"""Differences of a commit that are shown on the screen; JSON has them all."""


@click.command(
    epilog=examples(
        "copydesk replay . HEAD~10..HEAD",
        "copydesk replay ../click main~30..main --python ../click/.venv/bin/python --json",
    )
)
@click.argument(
    "repository",
    metavar="REPO",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@click.argument("revisions", metavar="A..B")
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
    revisions: str,
    python: Path | None,
    limit: int | None,
    keep_going: bool,
    as_json: bool,
) -> None:
    """Prove on history that a measure equals a full run.

    Every commit after A is measured as copydesk does it, on a desk that is thrown away, and then
    once more with `coverage run -m pytest` on all tests. Lines, branches and outcomes are
    compared one by one. Exit code 1: a commit is not exact.
    """
    repo = git.find(repository)
    shas = replaying.commits(repo, revisions, limit)
    done: list[Comparison] = []
    for found in replaying.replay(
        repo, shas, python=python, say=lambda line: print_progress(f"  {line}")
    ):
        done.append(found)
        print_progress(f"{len(done)}/{len(shas)} {_line(found)}")
        for line in _problems(found):
            print_progress(f"  {line}")
        if found.verdict == "inexact" and not keep_going:
            break
    if as_json:
        echo_json({"commits": [_as_json(c) for c in done], "summary": replaying.summary(done)})
    else:
        echo(_table(done))
    if any(c.verdict == "inexact" for c in done):
        ctx.exit(1)


def _line(found: Comparison) -> str:
    run = f"{found.selected:,} of {plural(found.total, 'test')}"
    return (
        f"{short_sha(found.sha)} {found.verdict}, {run}, {found.ratio:.2f} of the full run's time:"
        f" {one_line(found.subject, 60)}"
    )


def _problems(found: Comparison) -> list[str]:
    lines = [f"missed: {name}" for name in found.missed] + found.differences
    lines += [f"unsteady: {line}" for line in found.unsteady]
    lines += found.error.splitlines()[:5]
    if len(lines) > SHOWN:
        lines[SHOWN:] = [f"… and {len(lines) - SHOWN} more; --json has them all"]
    return lines


def _as_json(found: Comparison) -> Json:
    more = {"ratio": found.ratio, "processor_ratio": found.processor_ratio}
    more |= {"fraction": found.fraction}
    told = dataclasses.asdict(found) | {key: round(value, 4) for key, value in more.items()}
    del told["outcomes"]  # of every test: what differs is said above
    return told


def _table(done: list[Comparison]) -> str:
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
    for found in done:
        share = percent(100 * found.fraction)
        verdict = f"{found.verdict} (first)" if found.first else found.verdict
        lines.append(
            f"| {short_sha(found.sha)} | {verdict} | {share} | {found.full_seconds:.1f} |"
            f" {found.seconds:.1f} | {found.ratio:.2f} | {found.processor_ratio:.2f} |"
        )
    total = replaying.summary(done)
    said = f"{total['exact']} of {plural(total['commits'], 'commit')} exact"
    said += "".join(f", {total[v]} {v}" for v in ("flaky", "inexact", "broken") if total[v])
    if total["ratio"] is not None:
        said += f"; median: {percent(100 * total['selected'])} of the tests selected,"
        said += f" {total['ratio']:.2f} of the full run's time"
        if total["processor_ratio"] is not None:
            said += f" ({total['processor_ratio']:.2f} of the processor's)"
    return "\n".join([*lines, "", f"{said}."])
