"""What can be known of a program before it starts: whether it reports, and which files it reads.

A Python that a test starts reports by itself what it reads (`child_process`). Any other program may
read anything, unless it is one of a few that read nothing but what their arguments name.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Mapping
from typing import Any

REPORTS = "COPYDESK_CHILDREN"
"""The variable that names the folder of the children's reports."""

CONTEXT = "COPYDESK_CONTEXT"
"""The variable that names the context which starts a child."""

TREE = "COPYDESK_TREE"
"""The variable that names the tree, with a separator at its end."""

PROBE_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
"""What a child has on its import path, for it to load `sitecustomize`."""

ISOLATED = "isolated"
"""The kind of dependency of who starts a Python that knows nothing of the tree."""

FILTERS = frozenset(
    {"cat", "echo", "true", "false", "sleep", "printf", "uname", "id", "whoami", "date", "kill"}
)
"""Programs that read nothing but what their arguments name."""

SHELLS = frozenset({"sh", "bash", "dash"})

PLAIN_COMMAND = re.compile(r"[\w ./-]*")
"""A shell's command line that is one command and names its files in full."""

IGNORES_ENVIRONMENT = frozenset("IES")
"""Options of Python that leave the environment or `sitecustomize` aside."""


class Untracked(Exception):
    """Which files a program reads cannot be told."""


class Isolated(Untracked):
    """A Python without what is put into its environment: it imports what is installed."""


def inspect_start(args: tuple[Any, ...], context: str) -> tuple[bool, list[str]]:
    """What can be said of a program that `subprocess` is about to start.

    Args:
        args: Of the audit event: executable, argv, folder, environment.
        context: Who starts it.

    Returns:
        Whether it is a Python that will report, and what files its arguments name.

    Raises:
        Isolated: It is a Python that may read anything, and knows nothing of the tree.
        Untracked: It may read anything.
    """
    executable, argv, folder, variables = args
    environ = _decoded(os.environ if variables is None else variables)
    words = _words(argv)
    program = os.fsdecode(executable) if executable else words[0]
    if not _is_observed(environ, context):
        raise _unobserved(program, environ)
    if is_python(program, environ):
        if _ignores_environment(words[1:]):
            raise Isolated
        return True, []
    if os.path.basename(program) in SHELLS and words[1:2] == ["-c"]:
        words = _shell_command(words)
        program = words[0] if words else "true"
    if os.path.basename(program) not in FILTERS:
        raise Untracked
    start = os.fsdecode(folder or "")
    return False, [os.path.abspath(os.path.join(start, word)) for word in words[1:]]


def _unobserved(program: str, environ: Mapping[str, str]) -> Untracked:
    """What is to be said of a program that is started for no context, or without the probe."""
    if PROBE_FOLDER in environ.get("PYTHONPATH", "") or not is_python(program, environ):
        return Untracked()
    return Isolated()


def _decoded(variables: Mapping[Any, Any]) -> dict[str, str]:
    return {os.fsdecode(name): os.fsdecode(value) for name, value in variables.items()}


def _is_observed(environ: Mapping[str, str], context: str) -> bool:
    """Whether a Python with this environment would load the probe and report for the context."""
    if environ.get(CONTEXT) != context:
        return False
    return PROBE_FOLDER in environ.get("PYTHONPATH", "").split(os.pathsep)


def _words(argv: Any) -> list[str]:
    if isinstance(argv, (str, bytes)):
        return [os.fsdecode(argv)]
    return [os.fsdecode(word) for word in argv]


def _ignores_environment(arguments: list[str]) -> bool:
    """Whether an option of Python keeps it from loading `sitecustomize`."""
    for word in arguments:
        if not word.startswith("-") or word in ("-c", "-m", "-"):
            return False
        if not word.startswith("--") and IGNORES_ENVIRONMENT & set(word):
            return True
    return False


def _shell_command(words: list[str]) -> list[str]:
    """The words of the one command that a shell is given; raises where it is more than that."""
    if len(words) != 3 or not PLAIN_COMMAND.fullmatch(words[2]):
        raise Untracked
    return shlex.split(words[2])


def is_python(program: str, environ: Mapping[str, str]) -> bool:
    """Whether a program is an interpreter, or a script that names one in its first line."""
    if re.fullmatch(r"python[\d.]*|pypy[\d.]*", os.path.basename(program)):
        return True
    path = shutil.which(program, path=environ.get("PATH"))
    if path is None:
        return False
    with open(path, "rb") as file:
        first_line = file.readline(256)
    return first_line.startswith(b"#!") and b"python" in first_line and b" -" not in first_line
