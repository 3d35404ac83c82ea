"""What commands print: results on standard output, progress on standard error."""

from __future__ import annotations

import json

import click

from copydesk.agent.text import clean


def print_progress(line: str) -> None:
    """Show a line of progress: on standard error, so that results stay clean."""
    click.echo(clean(line), err=True)


def echo(text: str = "") -> None:
    """Show a text that may come from outside."""
    click.echo(clean(text))


def echo_json(value: object) -> None:
    """Show a value as JSON, all ASCII."""
    click.echo(json.dumps(value, indent=2))
