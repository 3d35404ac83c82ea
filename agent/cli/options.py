"""Options and arguments that several commands share, and the examples below a help text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def examples(*lines: str) -> str:
    """The end of a help text: examples that click does not rewrap."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def json_option(command: Command) -> Command:
    """The --json option of every reading command; the function takes `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def _draft_ids(
    _ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[click.shell_completion.CompletionItem]:
    from click.shell_completion import CompletionItem

    from copydesk.agent.cli.current_desk import open_current_desk
    from copydesk.agent.text import clean

    try:
        with open_current_desk() as (_, db):
            listed = db.drafts.find(())
    except Exception:  # a completion that cannot help stays silent
        return []
    return [
        CompletionItem(str(d.id), help=clean(d.title, keep=""))
        for d in listed
        if str(d.id).startswith(incomplete)
    ]


def id_argument(command: Command) -> Command:
    """The ID of one draft; the function takes `identity`."""
    return click.argument("identity", metavar="ID", type=int, shell_complete=_draft_ids)(command)


def ids_argument(command: Command) -> Command:
    """The IDs of some drafts; the function takes `identities`."""
    return click.argument(
        "identities", metavar="ID...", type=int, nargs=-1, required=True, shell_complete=_draft_ids
    )(command)


def some_ids_argument(command: Command) -> Command:
    """The IDs of some drafts, or none; the function takes `identities`."""
    return click.argument(
        "identities", metavar="[ID...]", type=int, nargs=-1, shell_complete=_draft_ids
    )(command)


def revision_argument(command: Command) -> Command:
    """The commit to work on; the function takes `revision`."""
    return click.argument("revision", metavar="[REV]", default="HEAD")(command)
