"""What is shown when something goes wrong. Never a traceback, unless it is asked for."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback
from pathlib import Path

import click

from copydesk.agent.desk.ownership import desk_not_writable, foreign_owner, is_of_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.text import clean, one_line

MESSAGES = "docs/reference/messages.md"
DEBUG = "COPYDESK_DEBUG"
"""The environment variable that puts tracebacks on the screen."""


def print_error(error: CopydeskError) -> None:
    """Print an expected error: what is wrong, the next step, and its heading in messages.md."""
    if os.environ.get(DEBUG):
        click.echo(clean("".join(traceback.format_exception(error))), err=True, nl=False)
    click.echo(f"copydesk: {clean(str(error))}", err=True)
    if error.hint:
        click.echo(clean(error.hint), err=True)
    click.echo(f"see {MESSAGES}#{error.slug} (`copydesk help {error.slug}`)", err=True)


def no_answer_error() -> CopydeskError:
    """The error for a prompt on a standard input that has ended."""
    return CopydeskError(
        "a question was asked and standard input ended",
        slug="no-answer",
        hint="Answer with an option instead, such as --yes; --help lists them.",
    )


_REFUSALS = frozenset(
    {
        *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENAMETOOLONG),
        *(errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.ELOOP, errno.ESTALE),
    }
)
"""What the system says no with: nothing that a change of copydesk could mend."""


def refusal_of_system(error: BaseException) -> CopydeskError | None:
    """The system's own no as an error with its cure; None where it is another error, a bug."""
    if not isinstance(error, OSError) or error.errno not in _REFUSALS:
        return None
    if error.errno in _RIGHTS and isinstance(error.filename, str):
        path = Path(error.filename).absolute()
        if is_of_desk(path):
            return desk_not_writable(path, error.strerror or "")
        if owner := foreign_owner(path):
            return CopydeskError(f"{path}: {error.strerror}", slug="refused-by-system", hint=owner)
    place = f"{error.filename}: " if error.filename else ""
    return CopydeskError(
        f"{place}{error.strerror}",
        slug="refused-by-system",
        hint=_CURES.get(error.errno, "Check that it is yours, and that its disk can be written."),
    )


_RIGHTS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})

_CURES = {
    errno.ENAMETOOLONG: "The path is longer than this file system takes; move the repository to a"
    " shorter one, or shorten the name.",
    errno.EROFS: "That file system is mounted read-only; choose a place that can be written.",
    errno.ENOSPC: "Make room; what was written before is safe.",
    errno.EDQUOT: "Your quota is used up; make room. What was written before is safe.",
    errno.EMFILE: "Too many files are open; `ulimit -n` says how many there may be.",
    errno.ENFILE: "Too many files are open on this machine; close some programs.",
    errno.ENOMEM: "Close some programs and try again.",
    errno.EIO: "The disk could not be read or written; check it before anything else.",
}


def print_bug(error: BaseException) -> None:
    """Say that copydesk itself went wrong, and keep the traceback in a file."""
    trace = "".join(traceback.format_exception(error))
    if os.environ.get(DEBUG):
        click.echo(clean(trace), err=True, nl=False)
    kind = type(error).__name__
    where = save_traceback(trace)
    click.echo(f"copydesk: this is a bug: {kind}: {one_line(str(error))}", err=True)
    click.echo(
        f"The traceback is in {where}; please open an issue with it (read it first: it may name"
        " your files)."
        if where
        else f"The traceback could not be kept; {DEBUG}=1 shows it here.",
        err=True,
    )


def save_traceback(trace: str) -> Path | None:
    """Write a traceback to the desk's crash.log, or to the temporary folder.

    Returns:
        The file, readable by its owner only; None when neither folder can be written.
    """
    # a twentieth of a second, which a command that works need not wait for
    from importlib import metadata

    python = ".".join(map(str, sys.version_info[:3]))
    head = f"copydesk {metadata.version('copydesk')}, Python {python}, {sys.platform}\n"
    try:
        from copydesk.agent.git.repository import find

        desk = find(Path.cwd()).desk
        if desk.is_dir():
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            path = desk / "crash.log"
            with open(os.open(path, flags, 0o600), "w", encoding="utf-8") as log:  # noqa: PTH123
                log.write(head + clean(trace))
            return path
    except Exception:  # whatever is broken, the first error is the one to show
        pass
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="copydesk-crash-", suffix=".log", delete=False, encoding="utf-8"
        ) as file:
            file.write(head + clean(trace))
        return Path(file.name)
    except OSError:
        return None
