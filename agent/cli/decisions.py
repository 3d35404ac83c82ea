"""`copydesk accept`, `edit`, `reject` and `undo`: what the editor decides."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from copydesk.agent.cli import terminal as screen
from copydesk.agent.cli.current_desk import open_current_desk
from copydesk.agent.cli.formatting import shortest_path
from copydesk.agent.cli.one_by_one import OneByOne
from copydesk.agent.cli.options import (
    examples,
    id_argument,
    ids_argument,
    json_option,
    some_ids_argument,
)
from copydesk.agent.cli.output import echo, echo_json, print_progress
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.drafts import WAITING, draft_as_json
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Draft
from copydesk.agent.review import decisions, edits, placed_tests
from copydesk.agent.text import clean, plural


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
@click.option(
    "--yes", "say_yes", is_flag=True, help="Allow what the drafts ask for; read them before."
)
@json_option
@click.pass_context
def accept(
    ctx: click.Context,
    /,
    identities: tuple[int, ...],
    all_verified: bool,
    min_mutants: int,
    as_json: bool,
    **flags: bool,
) -> None:
    """Put a draft where it belongs.

    A test goes into the project's own test module, a story into the outbox. A test is run once
    more in the file it goes into, at the commit and in your own environment, there in a throwaway
    copy of the working tree; one that fails, or makes another test of that file fail, is not
    written. Nothing is staged or committed, and a file that changed meanwhile is left alone.

    Of several drafts one that cannot be written is named and the others go on; the exit code is 1
    then, and where a test fails in your own environment.

    A test that looks into code or processes, or uses what the project does not, *asks* for your
    yes, by name: at the prompt, or with --yes. It is checked with that, and written.
    """
    if all_verified == bool(identities):
        raise click.UsageError("name the drafts, or say --all-verified.")
    if all_verified and flags["say_yes"]:
        raise click.UsageError("--yes is for drafts that you name.")
    with open_current_desk() as (repo, db):
        chosen = list(dict.fromkeys(identities))
        if all_verified:
            chosen = [draft.id for draft in decisions.verified(db, min_mutants)]
        several = all_verified or len(chosen) > 1
        outcome = OneByOne(
            db, "accept", several=several, as_json=as_json, costing_one=(placed_tests.FAILS_HERE,)
        )
        for identity in chosen:
            with outcome.item(identity, "not written"):
                _answer(repo, db, identity, say_yes=flags["say_yes"], ask=not as_json)
                path = decisions.accept(repo, db, identity, anyway=flags["anyway"])
                draft = db.drafts.get(identity)
                row = draft_as_json(draft) | {"written": str(path)}
                outcome.say_done(row, _written(draft, path))
    if as_json:
        echo_json(outcome.rows)
    elif outcome.done:
        echo("Look it over and commit it; `copydesk undo ID` takes it back.")
    elif not outcome.failures:
        echo(f"No verified test draft notices {plural(min_mutants, 'mutant')} or more.")
    ctx.exit(int(outcome.failures > 0))


def _answer(repo: Repository, db: Database, identity: int, *, say_yes: bool, ask: bool) -> None:
    """Give the yes that a draft asks for: with --yes, or at the prompt of a terminal.

    Raises:
        CopydeskError: The draft does not pass its check with that.
    """
    draft = db.drafts.get(identity)
    if draft.state not in WAITING or not decisions.open_questions(draft):
        return
    if say_yes or (ask and sys.stdin.isatty() and asked_for_a_yes(draft)):
        allow(repo, db, draft)


def asked_for_a_yes(draft: Draft) -> bool:
    """Ask the user to allow what a draft asks for; whether that is a yes."""
    echo(f"Draft {draft.id} asks: {clean(', '.join(decisions.open_questions(draft)), keep='')}")
    return click.confirm("Allow that, in this draft as it is")


def allow(repo: Repository, db: Database, draft: Draft) -> None:
    """Say yes to all that a draft asks for, and check it with that.

    Raises:
        CopydeskError: It does not pass its check.
    """
    with screen.spinner("checking it with your yes"):
        after = decisions.say_yes(repo, db, draft.id, decisions.open_questions(draft))
    if after.evidence.get("verdict") == "failed":
        raise CopydeskError(
            f"draft {draft.id} does not pass its check",
            slug="fails-in-place",
            hint=f"`copydesk show {draft.id}` says why; `copydesk accept --anyway {draft.id}`"
            " writes it all the same.",
        )


def _written(draft: Draft, path: Path) -> str:
    """What was written, and whether it was tried in the user's own environment, in words."""
    return "\n  ".join([f"{draft.id}: wrote {shortest_path(path)}", *not_tried_here(draft)])


def not_tried_here(draft: Draft) -> list[str]:
    """The line that says that an accepted test was not run in the user's own environment, if so."""
    outcome = placed_tests.outcome_here(draft)
    if not outcome.startswith("not run"):
        return []
    return [f"not tried in your own environment ({outcome})"]


@click.command(epilog=examples("copydesk edit 3", "EDITOR=nano copydesk edit 3"))
@id_argument
@json_option
def edit(identity: int, as_json: bool) -> None:
    """Change a draft in your editor and check it again.

    A test that fails its check after that keeps waiting, with the evidence saying so; where it
    expects what the code does not give, that is kept as a suspect bug. What you typed is not lost
    when something goes wrong: the next edit goes on from it. `copydesk undo ID` takes an edit back.
    """
    with open_current_desk() as (repo, db):
        after = edit_draft(repo, db, identity)
        draft = after or db.drafts.get(identity)
    if as_json:
        echo_json(draft_as_json(draft) | {"changed": after is not None})
    elif after is None:
        echo("Nothing was changed.")
    else:
        screen.print_evidence(after)
        echo(f"\n{_next_step(after)}")


def _next_step(draft: Draft) -> str:
    """What can be done with an edited draft."""
    if names := decisions.open_questions(draft):
        return (
            f"The draft asks: {clean(', '.join(names), keep='')}."
            f" `copydesk accept {draft.id} --yes` allows that and puts it in place."
        )
    if draft.kind == "test" and draft.evidence.get("verdict") == "failed":
        return (
            f"The draft waits as you left it: `copydesk accept --anyway {draft.id}` writes it all"
            f" the same, `copydesk undo {draft.id}` takes your edit back."
        )
    return f"The draft waits: `copydesk accept {draft.id}` puts it in place."


def edit_draft(repo: Repository, db: Database, identity: int) -> Draft | None:
    """Have the user edit a draft, and check it again.

    Returns:
        The draft as it stands then; None when nothing was changed.

    Raises:
        CopydeskError: The draft cannot be edited, the editor did not work, or what it left cannot
            be taken. What was typed stays in a file, and the user is told where.
    """
    with edits.editing(repo, db, identity) as under_way:
        if under_way.resumed:
            print_progress("This is what you typed last time; it is not on the desk yet.")
        try:
            open_editor(under_way.path)
            with screen.spinner("checking your version"):
                return edits.finish(repo, db, under_way)
        except BaseException:
            if edits.was_typed(under_way):
                kept = shortest_path(under_way.path)
                print_progress(
                    f"What you typed is kept in {kept}; `copydesk edit {identity}` goes on from it."
                )
            raise


def open_editor(path: Path) -> None:
    """Open a file in the user's editor.

    Raises:
        CopydeskError: The editor cannot be started or ended badly.
    """
    try:
        click.edit(filename=str(path))
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
@json_option
@click.pass_context
def reject(ctx: click.Context, identities: tuple[int, ...], why: str, as_json: bool) -> None:
    """Turn a draft down and say why.

    Of several drafts one that does not wait is named and the others go on; the exit code is 1 then.
    """
    chosen = list(dict.fromkeys(identities))
    with open_current_desk() as (repo, db):
        decisions.check_reason(why, chosen[0])
        outcome = OneByOne(db, "reject", several=len(chosen) > 1, as_json=as_json)
        for identity in chosen:
            with outcome.item(identity, "not rejected"):
                outcome.rows.append(draft_as_json(decisions.reject(repo, db, identity, why)))
    if as_json:
        echo_json(outcome.rows)
    elif outcome.done:
        echo(f"Rejected {plural(outcome.done, 'draft')}; `copydesk undo ID` takes it back.")
    ctx.exit(int(outcome.failures > 0))


@click.command(epilog=examples("copydesk undo 3", "copydesk undo 3 4 7"))
@ids_argument
@json_option
@click.pass_context
def undo(ctx: click.Context, identities: tuple[int, ...], as_json: bool) -> None:
    """Take back the last decision, or an edit, of a draft.

    What an accepted draft wrote is taken out again, unless the file has changed since; an edit that
    is taken back stays in a file. Of several drafts the one decided on last goes first, so that
    those of one file can be taken back together; one that cannot be taken back is named and the
    others go on, with exit code 1.
    """
    with open_current_desk() as (repo, db):
        chosen = decisions.latest_first(db, identities)
        outcome = OneByOne(db, "undo", several=len(chosen) > 1, as_json=as_json)
        for identity in chosen:
            with outcome.item(identity, "not taken back"):
                before = db.drafts.get(identity)
                after, kept = edits.take_back(repo, db, identity)
                row = draft_as_json(after) | {"kept": None if kept is None else str(kept)}
                outcome.say_done(row, _undone(before, after, kept))
    if as_json:
        echo_json(outcome.rows)
    ctx.exit(int(outcome.failures > 0))


def _undone(before: Draft, after: Draft, kept: Path | None) -> str:
    """What was taken back, in words."""
    if kept is None:
        state = after.state.replace("_", " ")
        was = before.state.replace("_", " ")
        return f"Draft {after.id} was {was} and is {state} again."
    words = f"Draft {after.id} is as it was before your edit, which is kept in"
    return f"{words} {shortest_path(kept)}."
