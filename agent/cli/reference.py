"""The reference of the command line, written from the commands themselves.

`python -m copydesk.agent.cli.reference > docs/reference/cli.md`; a test says when it is due.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from copydesk.agent.cli.main import SECTIONS, cli

_HEAD = """\
# The command line

`copydesk COMMAND [OPTIONS]`. Every reading command takes `--json`, with stable keys: the
[schemas](json/) are printed by `copydesk help --schema COMMAND`. Keys may be added; one that is
there keeps its name and its type. Results go to standard output, progress and problems to
standard error.

| exit code | meaning |
| --- | --- |
| 0 | fine |
| 1 | the gate or check says no; a wait ran out of time; no daemon runs |
| 2 | usage or set-up: the message says what to do, [messages.md](messages.md) says more |
| 70 | a bug; the traceback is in the file that the message names |
| 130 | Ctrl-C |
| 141 | whoever read the output went away |

`NO_COLOR=1` switches colours off, `COPYDESK_DEBUG=1` shows tracebacks.

This page is written by `python -m copydesk.agent.cli.reference`.
"""


def commands() -> Iterator[tuple[str, click.Command, click.Context]]:
    """Every command with its full name and context, the group itself first, subcommands too."""
    root = click.Context(cli, info_name="copydesk")
    yield "copydesk", cli, root
    for entries in SECTIONS.values():
        for entry in entries:
            command = cli.get_command(root, entry.name)
            assert command is not None
            context = click.Context(command, info_name=entry.name, parent=root)
            yield f"copydesk {entry.name}", command, context
            if isinstance(command, click.Group):
                for name, subcommand in command.commands.items():
                    nested = click.Context(subcommand, info_name=name, parent=context)
                    yield f"copydesk {entry.name} {name}", subcommand, nested


def page() -> str:
    """The whole reference, as Markdown."""
    sections = {f"copydesk {e[0].name}": title for title, e in SECTIONS.items()}
    blocks = [_HEAD.rstrip("\n")]
    for name, command, context in commands():
        if name in sections:
            blocks.append(f"## {sections[name]}")
        blocks += _command(name, command, context)
    return "\n\n".join(blocks) + "\n"


def _command(name: str, command: click.Command, context: click.Context) -> Iterator[str]:
    if name != "copydesk":
        yield f"{'####' if name.count(' ') > 1 else '###'} {name}"
    pieces = " ".join(command.collect_usage_pieces(context))
    yield f"```\n{name} {pieces}\n```"
    yield _text(command.help or "")
    if options := _options(command, context):
        yield options
    yield _text(command.epilog or "")


def _text(text: str) -> str:
    """A help text as Markdown; what click leaves as it is becomes a block of code."""
    blocks = []
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if paragraph.startswith("\b\n"):
            title, _, code = paragraph.removeprefix("\b\n").partition("\n")
            blocks.append(f"{title}\n\n```sh\n{inspect.cleandoc(code)}\n```")
        else:
            blocks.append(" ".join(paragraph.split()))
    return "\n\n".join(blocks)


def _options(command: click.Command, context: click.Context) -> str:
    rows = []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record and isinstance(parameter, click.Option) and "--help" not in parameter.opts:
            option, words = (cell.replace("|", "\\|") for cell in record)
            rows.append(f"| `{option}` | {words} |")
    return "\n".join(["| option | |", "| --- | --- |", *rows]) if rows else ""


if __name__ == "__main__":
    print(page(), end="")
