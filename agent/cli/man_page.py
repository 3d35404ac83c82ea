"""The manual page, written from the commands themselves as the reference is."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from copydesk.agent.cli.reference import commands

_EXITS = {
    "0": "Fine.",
    "1": "The gate or check says no; a wait ran out of time.",
    "2": "Usage or set-up: the message says what to do.",
    "70": "A bug; the message names the file that holds the traceback.",
    "130": "Interrupted from the keyboard.",
}
_VARIABLES = {
    "NO_COLOR": "Switches colours off.",
    "COPYDESK_DEBUG": "Shows tracebacks.",
}


def man_page(version: str) -> str:
    """The page in the man macros of troff, for man(1).

    Args:
        version: copydesk's own, for the foot of the page.
    """
    blocks = [f'.TH COPYDESK 1 "" "copydesk {_escaped(version)}" "User Commands"']
    for name, command, context in commands():
        blocks += _root(command) if name == "copydesk" else _command(name, command, context)
    blocks += [".SH EXIT STATUS", *_entries(_EXITS)]
    blocks += [".SH ENVIRONMENT", *_entries(_VARIABLES)]
    return "\n".join(blocks) + "\n"


def _root(command: click.Command) -> Iterator[str]:
    summary, _, rest = (command.help or "").partition("\n\n")
    yield ".SH NAME"
    yield f"copydesk \\- {_escaped(_joined(summary))}"
    yield ".SH SYNOPSIS"
    yield ".B copydesk\n[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGS\\fR]..."
    yield ".SH DESCRIPTION"
    yield from _paragraphs(rest)
    yield from _paragraphs(command.epilog or "")
    yield ".SH COMMANDS"


def _command(name: str, command: click.Command, context: click.Context) -> Iterator[str]:
    pieces = " ".join(command.collect_usage_pieces(context))
    yield f".SS {_escaped(f'{name} {pieces}')}"
    yield from _paragraphs(command.help or "")
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record and isinstance(parameter, click.Option) and "--help" not in parameter.opts:
            yield from _entries({record[0]: record[1]})
    yield from _paragraphs(command.epilog or "")


def _entries(words: dict[str, str]) -> Iterator[str]:
    for term, text in words.items():
        yield f".TP\n.B {_escaped(term)}\n{_escaped(_joined(text))}"


def _paragraphs(text: str) -> Iterator[str]:
    """Paragraphs of a help text; what click leaves as it is keeps its lines."""
    for paragraph in filter(None, inspect.cleandoc(text).split("\n\n")):
        if paragraph.startswith("\b\n"):
            title, _, code = paragraph.removeprefix("\b\n").partition("\n")
            yield f".PP\n{_escaped(title)}"
            lines = "\n".join(map(_escaped, inspect.cleandoc(code).splitlines()))
            yield f".RS\n.nf\n{lines}\n.fi\n.RE"
        else:
            yield f".PP\n{_escaped(_joined(paragraph))}"


def _joined(text: str) -> str:
    return " ".join(text.split())


def _escaped(text: str) -> str:
    """Text that troff prints as it is: no escape, no request at the start, no typographic dash."""
    literal = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{literal}" if literal.startswith((".", "'")) else literal
