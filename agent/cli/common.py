"""What the commands share: the repository they run in, its desk, JSON, help texts."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from copydesk.agent.desk.database import Database
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository
from copydesk.agent.text import clean

if TYPE_CHECKING:
    pass

F = TypeVar("F", bound=Callable[..., Any])


def here() -> Repository:
    """The repository of the current folder.

    Raises:
        CopydeskError: The folder lies in none.
    """
    return git.find(Path.cwd())


@contextlib.contextmanager
def desk() -> Iterator[tuple[Repository, Database]]:
    """The repository of the current folder, and its desk, open."""
    # sqlite3 takes a tenth of what `copydesk gate --data` takes, which needs no desk
    from copydesk.agent.desk.store import open_desk

    repo = here()
    with open_desk(repo.desk) as db:
        yield repo, db


def say(line: str) -> None:
    """Show a line of progress: on standard error, so that results stay clean."""
    click.echo(clean(line), err=True)


def echo(text: str = "") -> None:
    """Show a text that may come from outside."""
    click.echo(clean(text))


def echo_json(value: object) -> None:
    """Show a value as JSON, all ASCII."""
    click.echo(json.dumps(value, indent=2))


def examples(*lines: str) -> str:
    """The end of a help text: examples that click does not rewrap."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def json_option(command: F) -> F:
    """The --json option of every reading command; the function takes `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def _draft_ids(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[click.shell_completion.CompletionItem]:
    from click.shell_completion import CompletionItem

    from copydesk.agent.desk import drafts

    try:
        with desk() as (_, db):
            listed = drafts.listed(db, ())
    except Exception:  # a completion that cannot help stays silent
        return []
    return [
        CompletionItem(str(d.id), help=clean(d.title, keep=""))
        for d in listed
        if str(d.id).startswith(incomplete)
    ]


def id_argument(command: F) -> F:
    """The ID of one draft; the function takes `identity`."""
    return click.argument("identity", metavar="ID", type=int, shell_complete=_draft_ids)(command)


def ids_argument(command: F) -> F:
    """The IDs of some drafts; the function takes `identities`."""
    return click.argument(
        "identities", metavar="ID...", type=int, nargs=-1, required=True, shell_complete=_draft_ids
    )(command)


def some_ids_argument(command: F) -> F:
    """The IDs of some drafts, or none; the function takes `identities`."""
    return click.argument(
        "identities", metavar="[ID...]", type=int, nargs=-1, shell_complete=_draft_ids
    )(command)


def revision_argument(command: F) -> F:
    """The commit to work on; the function takes `revision`."""
    return click.argument("revision", metavar="[REV]", default="HEAD")(command)
