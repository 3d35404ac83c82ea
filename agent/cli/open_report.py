"""`copydesk open`: the report of a commit, in the browser."""

from __future__ import annotations

import click

from copydesk.agent.cli.options import examples, revision_argument
from copydesk.agent.cli.report import report


@click.command(epilog=examples("copydesk open", "copydesk open HEAD~1"))
@revision_argument
@click.pass_context
def open(ctx: click.Context, revision: str) -> None:
    """Open the report of a commit in the browser.

    The same as `copydesk report --open`: one HTML file that loads nothing.
    """
    ctx.invoke(report, revision=revision, show=True)
