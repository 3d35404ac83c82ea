"""`copydesk review`: the waiting drafts on a full screen, or one at a time."""

from __future__ import annotations

import os
import sys

import click

from copydesk.agent.cli.current_desk import open_current_desk
from copydesk.agent.cli.options import examples
from copydesk.agent.records import DraftKind


@click.command(
    epilog=examples("copydesk review", "copydesk review --kind test", "copydesk review --plain")
)
@click.option("--kind", type=click.Choice(("test", "devlog")), help="Drafts of one kind only.")
@click.option(
    "--plain", is_flag=True, help="Ask about one draft after another; made for screen readers."
)
def review(kind: DraftKind | None, plain: bool) -> None:
    """Go through the waiting drafts.

    On a terminal this is a full screen: what waits on the left, the draft with its evidence on the
    right, a key for each decision, ? for help. With --plain, where there is no terminal, and with
    ACCESSIBLE in the environment, drafts are shown and asked about one by one. The order is that of
    `copydesk drafts`. Nothing is committed; leaving half-way is fine.
    """
    if not plain and _has_screen():
        with open_current_desk() as (repo, _):
            pass
        if (repo.desk / "desk.db").exists():
            from copydesk.agent.screen import run_screen

            sys.exit(run_screen(repo, _FILTERS.get(kind or "", "")))
    from copydesk.agent.cli.review_plain import review_plain

    review_plain(kind)


_FILTERS = {"test": "kind:test", "devlog": "kind:story"}
"""What the screen calls the kinds of drafts."""


def _has_screen() -> bool:
    """Whether there is a terminal that a full screen can be drawn on, and somebody who sees it."""
    streams = (sys.stdin, sys.stdout, sys.stderr)
    wanted = not os.environ.get("ACCESSIBLE") and os.environ.get("TERM", "dumb") != "dumb"
    return wanted and all(stream.isatty() for stream in streams)
