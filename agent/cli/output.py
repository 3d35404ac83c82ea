"""What commands print: results on standard output, progress on standard error."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import click

from copydesk.agent.errors import CopydeskError
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


def write_file(path: Path, text: str) -> None:
    """Write a file that the user named: under a temporary name, then renamed.

    Args:
        path: The file; one that is there is replaced.
        text: Its whole content.

    Raises:
        CopydeskError: It cannot be written there.
    """
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=".copydesk-")
        temporary = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise cannot_write(path, error) from error


def append_to_file(path: Path, text: str) -> None:
    """Add to a file that a CI host named.

    Raises:
        CopydeskError: It cannot be written.
    """
    try:
        with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> CopydeskError:
    """The error for a file that the system does not let us write."""
    return CopydeskError(
        f"{path} cannot be written: {error.strerror or error}",
        slug="cannot-write",
        hint="Name a file in a folder that is there and that you may write to.",
    )
