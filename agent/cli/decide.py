"""`copydesk accept`, `edit`, `reject` and `undo`: what the editor decides."""

from __future__ import annotations

import os
from pathlib import Path

import click

from copydesk.agent.cli import show as screen
from copydesk.agent.cli.common import desk, echo, examples, id_argument, ids_argument
from copydesk.agent.desk import drafts as rows
from copydesk.agent.errors import CopydeskError
from copydesk.agent.records import Draft
from copydesk.agent.review import decisions
from copydesk.agent.text import plural


@click.command(epilog=examples("copydesk accept 3", "copydesk accept 3 4 7"))
@ids_argument
def accept(identities: tuple[int, ...]) -> None:
    """Put a draft where it belongs.

    A test goes into the project's own test module, a story into the outbox. Nothing is staged
    or committed, and a file that changed meanwhile is left alone.
    """
    with desk() as (repo, db):
        for identity in identities:
            path = decisions.accept(repo, db, identity)
            echo(f"{identity}: wrote {relative(path)}")
    echo("Look it over and commit it; `copydesk undo ID` takes it back.")


def relative(path: Path) -> str:
    """A path as seen from the current folder, where that is shorter."""
    near = os.path.relpath(path)
    return near if len(near) < len(str(path)) else str(path)


@click.command(epilog=examples("copydesk edit 3", "EDITOR=nano copydesk edit 3"))
@id_argument
def edit(identity: int) -> None:
    """Change a draft in your editor and check it again.

    A test that fails its check after that keeps waiting, with the evidence saying so.
    """
    with desk() as (repo, db):
        draft = rows.get(db, identity)
        content = in_editor(draft)
        if content is None or content == draft.content:
            echo("Nothing was changed.")
            return
        after = decisions.edit(repo, db, identity, content)
    screen.proof(after)
    echo(f"\nThe draft waits: `copydesk accept {identity}` puts it in place.")


def in_editor(draft: Draft) -> str | None:
    """A draft's text after the user's editor; None when it was not saved.

    Raises:
        CopydeskError: The editor cannot be started or ended badly.
    """
    try:
        return click.edit(draft.content, extension=".py" if draft.kind == "test" else ".md")
    except click.ClickException as error:
        raise CopydeskError(
            f"the editor did not work: {error.format_message()}",
            slug="editor-failed",
            hint="Name one: EDITOR=nano copydesk edit ID",
        ) from error


@click.command(
    epilog=examples('copydesk reject 3 --why "asserts the wrong rounding"', "copydesk drafts --all")
)
@ids_argument
@click.option("--why", required=True, metavar="TEXT", help="The reason; kept for later drafts.")
def reject(identities: tuple[int, ...], why: str) -> None:
    """Turn a draft down and say why."""
    with desk() as (repo, db):
        for identity in identities:
            decisions.reject(repo, db, identity, why)
    echo(f"Rejected {plural(len(identities), 'draft')}; `copydesk undo ID` takes it back.")


@click.command(epilog=examples("copydesk undo 3"))
@id_argument
def undo(identity: int) -> None:
    """Take back the last decision on a draft.

    What an accepted draft wrote is taken out again, unless the file has changed since.
    """
    with desk() as (repo, db):
        before = rows.get(db, identity)
        after = decisions.undo(repo, db, identity)
    echo(f"Draft {identity} was {before.state} and is {after.state.replace('_', ' ')} again.")
