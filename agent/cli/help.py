"""`copydesk help`: the documentation that comes with the package, on the terminal."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import click

import copydesk.agent
from copydesk.agent.cli.main import COMMANDS, cli
from copydesk.agent.cli.options import examples
from copydesk.agent.cli.output import echo
from copydesk.agent.errors import CopydeskError

DOCS = Path(copydesk.agent.__file__).resolve().parents[1] / "docs"
"""Beside the package's rooms: in the wheel below `copydesk`, in a checkout at its top."""

_KINDS = ("tutorial", "how-to", "reference", "explanation")


@click.command(
    "help",
    epilog=examples(
        "copydesk help",
        "copydesk help suite-broken",
        "copydesk help sandbox",
        "copydesk help --man | man -l -",
        'copydesk help --schema "log --failures"',
    ),
)
@click.argument("topic", metavar="[SLUG | PAGE | COMMAND]", required=False)
@click.option("--man", is_flag=True, help="Print the manual page of all commands, for man(1).")
@click.option("--schema", metavar="COMMAND", help="Print the JSON Schema of its --json.")
@click.pass_context
def help(ctx: click.Context, topic: str | None, man: bool, schema: str | None) -> None:
    """Print what the documentation says of a message or a page.

    A message names its slug in its last line. Without a topic the pages are listed.
    """
    if man:
        _print_man_page()
        return
    if schema is not None:
        _print_schema(schema)
        return
    if topic is None:
        _list_pages()
        return
    name = topic.rpartition("#")[2].removesuffix(".md").rpartition("/")[2]
    text = message_text(name) or page_text(name)
    if text is None and name in COMMANDS:
        command = cli.get_command(ctx, name)
        assert command is not None
        parent = click.Context(cli, info_name="copydesk")
        text = command.get_help(click.Context(command, info_name=name, parent=parent))
    if text is None:
        raise _no_such_topic(topic)
    echo(text.rstrip())


def _print_man_page() -> None:
    # every command is loaded for it
    from importlib import metadata

    from copydesk.agent.cli.man_page import man_page

    click.echo(man_page(metadata.version("copydesk")), nl=False)


def _print_schema(command: str) -> None:
    # of no use to any other page
    from copydesk.agent.cli.json_schemas import SCHEMAS, file_text

    name = command.removeprefix("copydesk ")
    if name not in SCHEMAS:
        near = difflib.get_close_matches(name, SCHEMAS, n=1)
        raise CopydeskError(
            f"no schema is published for {command!r}",
            slug="no-such-topic",
            hint=f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(SCHEMAS)}.",
        )
    click.echo(file_text(name), nl=False)


def pages() -> dict[str, Path]:
    """The pages of the documentation by name."""
    found = {}
    for kind in _KINDS:
        for path in sorted((DOCS / kind).glob("*.md")):
            found[path.stem] = path
    return found


def page_text(name: str) -> str | None:
    """A page as it is written; None where there is none of that name."""
    path = pages().get(name)
    return None if path is None else path.read_text("utf-8")


def message_text(slug: str) -> str | None:
    """What messages.md says below the heading of a slug; None where it has no such heading."""
    path = pages().get("messages")
    if path is None:
        return None
    for section in re.split(r"^(?=#+ )", path.read_text("utf-8"), flags=re.MULTILINE):
        if section.startswith(f"### {slug}\n"):
            return section
    return None


def _slugs() -> list[str]:
    text = page_text("messages") or ""
    return re.findall(r"^### (\S+)$", text, flags=re.MULTILINE)


def _list_pages() -> None:
    for kind in _KINDS:
        names = [name for name, path in pages().items() if path.parent.name == kind]
        echo(f"{kind}: {', '.join(names)}")
    echo("\n`copydesk help PAGE` prints one; the last line of a message names its slug.")


def _no_such_topic(topic: str) -> CopydeskError:
    near = difflib.get_close_matches(topic, [*_slugs(), *pages(), *COMMANDS], n=1)
    return CopydeskError(
        f"the documentation has nothing called {topic!r}",
        slug="no-such-topic",
        hint=f"Did you mean {near[0]!r}?" if near else "`copydesk help` lists its pages.",
    )
