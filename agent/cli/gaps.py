"""`copydesk gaps`: what no test reaches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from copydesk.agent.cli import terminal as screen
from copydesk.agent.cli.current_desk import measured_commit, open_current_desk
from copydesk.agent.cli.formatting import short_sha
from copydesk.agent.cli.options import examples, revision_argument
from copydesk.agent.cli.output import echo, echo_json, print_progress
from copydesk.agent.coverage.gate import DraftAdvice, waiting_commands
from copydesk.agent.coverage.source import MODULE
from copydesk.agent.desk.measures import Measure
from copydesk.agent.git import repository as git
from copydesk.agent.records import Gap, Json, Sha
from copydesk.agent.text import ranges

_STEPS = 3
"""Waiting drafts that are named below a list of gaps."""


@click.command(
    epilog=examples(
        "copydesk gaps",
        "copydesk gaps HEAD~3 --limit 5",
        "copydesk gaps --json",
        "vim -q <(copydesk gaps --format quickfix)",
    )
)
@revision_argument
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="N", help="List at most N; 20 on the screen."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json", "quickfix")),
    default="text",
    show_default=True,
    help="How to write it; quickfix is `path:line: message`, which editors read.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def gaps(revision: str, limit: int | None, form: str, as_json: bool) -> None:
    """List uncovered code by function, the riskiest first.

    What the commit itself changed comes first and is marked with a star.
    """
    form = "json" if as_json else form
    with open_current_desk() as (repo, db):
        sha = measured_commit(repo, db, revision)
        listed = db.gaps.of_commit(sha)
        measured = db.measures.get(sha)
        waiting = waiting_commands(db.drafts.find(kind="test"))
        is_here = sha == git.resolve(repo, "HEAD")
        advice = DraftAdvice(waiting, revision="" if is_here else short_sha(sha))
    for doubt in measured.doubts if measured else ():
        print_progress(f"note: {doubt}")
    if form == "json":
        echo_json([_gap_json(gap) for gap in listed[:limit]])
    elif form == "quickfix":
        from copydesk.agent.coverage.report import gaps_as_quickfix  # 40 ms, for editors alone

        click.echo("".join(f"{line}\n" for line in gaps_as_quickfix(listed[:limit])), nl=False)
    elif listed:
        _print_gaps(listed, limit or 20, advice)
    else:
        _print_no_gaps(sha, measured)


def _print_no_gaps(sha: Sha, measured: Measure | None) -> None:
    if measured and measured.doubts:
        echo(f"Nothing is known of {short_sha(sha)}: {measured.doubts[0]}.")
    else:
        echo(f"Every line of {short_sha(sha)} that counts is covered; there is nothing to do.")


def _print_gaps(listed: Sequence[Gap], limit: int, advice: DraftAdvice) -> None:
    shown = listed[:limit]
    shared = _shared_reasons(shown)
    screen.print_table(
        ("", "Function", "Lines", "Risk", "Why"),
        [
            (
                "*" if gap.changed else "",
                f"{gap.path}::{gap.function}",
                ranges(gap.lines) or "branches",
                f"{gap.risk:.2f}",
                "; ".join(reason for reason in gap.reasons if reason not in shared),
            )
            for gap in shown
        ],
        ends=(1,),
        last_below=True,
    )
    if shared:
        echo(f"All of these: {'; '.join(shared)}.")
    if len(shown) < len(listed):
        echo(f"… and {len(listed) - len(shown)} more; --limit {len(listed)} lists all.")
    echo("")
    for line in _next_steps(listed, advice):
        echo(line)


def _shared_reasons(gaps: Sequence[Gap]) -> list[str]:
    """The reasons that all of several gaps have, and that tell none of them from the others."""
    if len(gaps) < 2:
        return []
    return [reason for reason in gaps[0].reasons if all(reason in gap.reasons for gap in gaps)]


def _next_steps(listed: Sequence[Gap], advice: DraftAdvice) -> Iterator[str]:
    """What can be done about some gaps: for some a draft waits, and is not written again."""
    names = list(map(_name, listed))
    waiting = [name for name in names if name in advice.waiting]
    for name in waiting[:_STEPS]:
        yield f"`{advice.command(name)}` decides on the test that was drafted for {name}."
    if len(waiting) > _STEPS:
        yield f"`copydesk review` has {len(waiting) - _STEPS} more that wait."
    if len(waiting) < len(names):
        command = f"copydesk draft {advice.revision}".rstrip()
        rest = "the first of the others" if waiting else "the first of them"
        yield f"`{command}` writes tests for {rest}."


def _name(gap: Gap) -> str:
    """What a gap is called where a draft is asked for."""
    return gap.path if gap.function == MODULE else f"{gap.path}::{gap.function}"


def _gap_json(gap: Gap) -> Json:
    return {
        "commit": gap.commit,
        "path": gap.path,
        "function": gap.function,
        "first_line": gap.first_line,
        "last_line": gap.last_line,
        "lines": list(gap.lines),
        "branches": [list(arc) for arc in gap.branches],
        "risk": gap.risk,
        "reasons": list(gap.reasons),
        "changed": gap.changed,
    }
