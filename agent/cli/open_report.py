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

    The same as `copydesk report --pages --open`: the report, and a page for each file with the
    tests of each line. The pages load nothing.
    """
    ctx.invoke(report, revision=revision, pages=True, show=True)
