"""The user's editor, in the terminal that the screen has left to it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from copydesk.agent.errors import CopydeskError

USUAL = ("sensible-editor", "editor", "nano", "vim", "vi")
"""What is tried where no editor is named."""

_AT_LINE = {"code": "-g", "codium": "-g", "subl": "", "zed": ""}
"""Editors that take FILE:LINE, and the option for that; others take +LINE FILE."""


def editor_command(environ: Mapping[str, str]) -> list[str]:
    """The command of the user's editor: $VISUAL, $EDITOR, else the first usual one there is.

    Raises:
        CopydeskError: There is none.
    """
    for name in ("VISUAL", "EDITOR"):
        if environ.get(name, "").strip():
            return shlex.split(environ[name])
    for name in USUAL:
        if path := shutil.which(name, path=environ.get("PATH")):
            return [path]
    raise CopydeskError(
        "no editor is named, and none of the usual ones is installed",
        slug="editor-failed",
        hint="Name one: EDITOR=nano copydesk review",
    )


def open_editor(path: Path, line: int | None = None) -> None:
    """Have the user edit a file; returns when the editor is closed.

    Args:
        path: The file.
        line: The line to go to.

    Raises:
        CopydeskError: The editor cannot be started, or ended badly.
    """
    command = editor_command(os.environ)
    name = Path(command[0]).name
    if line is None:
        command.append(str(path))
    elif name in _AT_LINE:
        command += [*filter(None, [_AT_LINE[name]]), f"{path}:{line}"]
    else:
        command += [f"+{line}", str(path)]
    try:
        code = subprocess.run(command, check=False).returncode
    except OSError as error:
        raise _failed(f"{command[0]}: {error.strerror}") from error
    if code:
        raise _failed(f"{command[0]} ended with exit code {code}")


def _failed(why: str) -> CopydeskError:
    return CopydeskError(
        f"the editor did not work: {why}",
        slug="editor-failed",
        hint="Name one: EDITOR=nano copydesk review",
    )
