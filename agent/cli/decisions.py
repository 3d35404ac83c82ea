"""`copydesk accept`, `edit`, `reject` and `undo`: what the editor decides."""

from __future__ import annotations

import os
from pathlib import Path

import click

from copydesk.agent.cli import terminal as screen
from copydesk.agent.cli.current_desk import open_current_desk
from copydesk.agent.cli.options import examples, id_argument, ids_argument, some_ids_argument
from copydesk.agent.cli.output import echo
from copydesk.agent.errors import CopydeskError
from copydesk.agent.records import Draft
from copydesk.agent.review import decisions
from copydesk.agent.text import plural


@click.command(
    epilog=examples(
        "copydesk accept 3",
        "copydesk accept 3 4 7",
        "copydesk accept --all-verified --min-mutants 3",
    )
)
@some_ids_argument
@click.option("--all-verified", is_flag=True, help="Every test draft that passed its check.")
@click.option(
    "--min-mutants",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="K",
    help="With --all-verified: only tests that notice at least so many deliberate faults.",
)
@click.option("--anyway", is_flag=True, help="Write a test even if it fails in its place.")
@click.pass_context
def accept(
    ctx: click.Context,
    identities: tuple[int, ...],
    all_verified: bool,
    min_mutants: int,
    anyway: bool,
) -> None:
    """Put a draft where it belongs.

    A test goes into the project's own test module, a story into the outbox. A test is run once
    more in the file it goes into; one that fails there, or makes another test of that file fail,
    is not written. Nothing is staged or committed, and a file that changed meanwhile is left
    alone.

    With --all-verified a test that cannot be written is named and the others go on; the exit
    code is 1 then.
    """
    if all_verified == bool(identities):
        raise click.UsageError("name the drafts, or say --all-verified.")
    with open_current_desk() as (repo, db):
        if all_verified:
            chosen = [draft.id for draft in decisions.verified(db, min_mutants)]
        else:
            chosen = list(identities)
        written = failed = 0
        for identity in chosen:
            try:
                path = decisions.accept(repo, db, identity, anyway=anyway)
            except CopydeskError as error:
                if not all_verified:
                    raise
                failed += 1
                echo(f"{identity}: not written: {error}")
                continue
            written += 1
            echo(f"{identity}: wrote {shortest_path(path)}")
    if written:
        echo("Look it over and commit it; `copydesk undo ID` takes it back.")
    elif not failed:
        echo(f"No verified test draft notices {plural(min_mutants, 'mutant')} or more.")
    ctx.exit(int(failed > 0))


def shortest_path(path: Path) -> str:
    """A path as seen from the current folder, where that is shorter."""
    near = os.path.relpath(path)
    return near if len(near) < len(str(path)) else str(path)


@click.command(epilog=examples("copydesk edit 3", "EDITOR=nano copydesk edit 3"))
@id_argument
def edit(identity: int) -> None:
    """Change a draft in your editor and check it again.

    A test that fails its check after that keeps waiting, with the evidence saying so.
    """
    with open_current_desk() as (repo, db):
        draft = db.drafts.get(identity)
        content = edit_text(draft)
        if content is None or content == draft.content:
            echo("Nothing was changed.")
            return
        after = decisions.edit(repo, db, identity, content)
    screen.print_evidence(after)
    echo(f"\nThe draft waits: `copydesk accept {identity}` puts it in place.")


def edit_text(draft: Draft) -> str | None:
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
    with open_current_desk() as (repo, db):
        for identity in identities:
            decisions.reject(repo, db, identity, why)
    echo(f"Rejected {plural(len(identities), 'draft')}; `copydesk undo ID` takes it back.")


@click.command(epilog=examples("copydesk undo 3", "copydesk undo 3 4 7"))
@ids_argument
def undo(identities: tuple[int, ...]) -> None:
    """Take back the last decision on a draft.

    What an accepted draft wrote is taken out again, unless the file has changed since. Of several
    drafts the one decided on last goes first, so that those of one file can be taken back
    together.
    """
    with open_current_desk() as (repo, db):
        for identity in decisions.latest_first(db, identities):
            before = db.drafts.get(identity)
            after = decisions.undo(repo, db, identity)
            state = after.state.replace("_", " ")
            echo(f"Draft {identity} was {before.state} and is {state} again.")
