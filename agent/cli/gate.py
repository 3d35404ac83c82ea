"""`copydesk gate`: the verdict on the staged change."""

from __future__ import annotations

import contextlib
import io
import sqlite3
import sys

import click

from copydesk.agent.cli.common import echo, examples, here
from copydesk.agent.errors import CopydeskError
from copydesk.hooks import gate as hook


@click.command(epilog=examples("copydesk gate", "git add -p && copydesk gate && git commit"))
def gate() -> None:
    """Say whether the staged change passes the gate.

    The same verdict as the pre-commit hook gives, from what was measured before: exit code 1
    when more of the changed lines than the project allows are known to be reached by no test.
    Lines that were not measured yet are named, never guessed.
    """
    repo = here()
    if not (repo.desk / "desk.db").is_file():
        echo("Nothing was measured yet, so there is no verdict; `copydesk measure` starts.")
        return
    said = io.StringIO()
    try:
        with contextlib.chdir(repo.worktree), contextlib.redirect_stdout(said):
            code = hook.judge()
    except (OSError, sqlite3.Error) as error:
        raise CopydeskError(
            f"the gate came to no verdict: {error}",
            slug="no-verdict",
            hint="Try again in a moment; the daemon may be writing.",
        ) from error
    text = said.getvalue().strip()
    echo(text or "Nothing speaks against the staged change.")
    sys.exit(code)
