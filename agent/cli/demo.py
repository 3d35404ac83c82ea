"""`copydesk demo`: copydesk at work in a sample repository."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from copydesk.agent.cli import terminal
from copydesk.agent.cli.options import examples, json_option
from copydesk.agent.cli.output import echo, echo_json, print_progress
from copydesk.agent.demo import run
from copydesk.agent.demo.run import Screen
from copydesk.agent.progress import Progress
from copydesk.agent.records import Draft
from copydesk.agent.text import clean

if TYPE_CHECKING:
    from copydesk.agent.demo.community import CommunityResult


class Terminal:
    """Prints the demonstration as the commands print their own output."""

    def __init__(self) -> None:
        self._steps = 0

    def step(self, title: str) -> None:
        """Begin a step with a numbered heading."""
        self._steps += 1
        text = clean(f"{self._steps}. {title}")
        echo()
        click.secho(text, bold=True) if terminal.use_colour() else click.echo(text)
        echo("─" * min(len(text), terminal.terminal_width() or 80))

    def say(self, text: str) -> None:
        """Show a paragraph."""
        echo(text)

    def table(
        self, headings: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int]
    ) -> None:
        """Show a table."""
        terminal.print_table(headings, rows, right=right)

    def draft(self, draft: Draft, limit: int | None) -> None:
        """Show a draft, its evidence and its text."""
        echo()
        terminal.print_heading(draft)
        terminal.print_evidence(draft)
        echo()
        lines_left = terminal.print_code(draft.content, terminal.draft_language(draft), limit=limit)
        if lines_left:
            echo(f"… {lines_left} more lines: copydesk show {draft.id}")

    def progress(self, text: str) -> AbstractContextManager[Progress]:
        """A spinner on a terminal, plain lines elsewhere."""
        return terminal.spinner(text) if terminal.use_colour() else _lines()


@contextlib.contextmanager
def _lines() -> Iterator[Progress]:
    yield lambda line: echo(f"  {line}")


class Silent:
    """Prints nothing but the progress, on standard error (for --json)."""

    def step(self, title: str) -> None:
        """Progress which step begins."""
        print_progress(title)

    def say(self, text: str) -> None:
        """Nothing."""

    def table(
        self, headings: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int]
    ) -> None:
        """Nothing."""

    def draft(self, draft: Draft, limit: int | None) -> None:
        """Nothing."""

    def progress(self, text: str) -> AbstractContextManager[Progress]:
        """Nothing."""
        return contextlib.nullcontext(lambda _line: None)


@click.command(
    epilog=examples(
        "copydesk demo", "copydesk demo --folder ~/copydesk-demo", "copydesk demo --community"
    )
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Make the repository in DIR; a new temporary folder when left out.",
)
@click.option(
    "--community", is_flag=True, help="Show the feedback loop instead: readers' words, offers."
)
@json_option
@click.pass_context
def demo(ctx: click.Context, folder: Path | None, community: bool, as_json: bool) -> None:
    """Show copydesk at work in a sample repository.

    Makes a small project with git, installs the hooks, commits a change, waits for the drafts,
    accepts one and shows the coverage before and after. Needs no network and no Ollama; the
    repository stays, so that you can look around in it. Exit code 1 when it did not come to
    five verified test drafts, a dev log draft and a higher coverage.
    """
    screen: Screen = Silent() if as_json else Terminal()
    outcome: run.DemoResult | CommunityResult
    if community:
        from copydesk.agent.demo.community import community_demo

        outcome = community_demo(screen, folder)
    else:
        outcome = run.demo(screen, folder)
    if as_json:
        echo_json({**dataclasses.asdict(outcome), "folder": str(outcome.folder)})
    for line in outcome.missed:
        print_progress(f"Missed: {line}")
    if outcome.missed:
        ctx.exit(1)
