"""Starting git, hardened.

A repository's own configuration may name programs (fsmonitor, filters, hooks, external diff):
only plumbing that runs none of them is used, and what could name one is switched off.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from copydesk.agent.errors import READ_ONLY_CURE, CopydeskError
from copydesk.agent.process import ProcessError, find_program, run, scrubbed_environment
from copydesk.hooks.environment import GIT_CONFIGURATION

if TYPE_CHECKING:
    from git.cmd import Git

_HARDENED = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "diff.external=",
    "log.showSignature=false",
    "protocol.allow=never",
    "safe.bareRepository=explicit",
    "gc.auto=0",
    "maintenance.auto=false",
)
_ENVIRONMENT = {
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
    "LC_ALL": "C.UTF-8",
}
TIMEOUT = 60.0


class GitFailed(CopydeskError):
    """Git ended with an error."""


@functools.cache
def git_program() -> str:
    """The absolute path of git.

    Raises:
        CopydeskError: There is no git on PATH.
    """
    program = find_program("git")
    if program is None:
        raise CopydeskError(
            "git is not on PATH", slug="no-git", hint="Install git (https://git-scm.com)."
        )
    return program


@functools.cache
def git_version() -> tuple[int, int]:
    """Git's major and minor version; (0, 0) when it says nothing of the kind."""
    output = run([git_program(), "--version"], timeout=TIMEOUT).text
    match = re.search(r"(\d+)\.(\d+)", output)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def environment() -> dict[str, str]:
    """The environment git is started in: no GIT_* of a hook, no prompts, no pager."""
    # where the user's own configuration lives is theirs to say
    return scrubbed_environment(_ENVIRONMENT, keep=GIT_CONFIGURATION)


def _argv(git_dir: Path | None, arguments: Sequence[str]) -> list[str]:
    argv = [git_program(), "--no-pager", "--literal-pathspecs"]
    for setting in _HARDENED:
        argv += ["-c", setting]
    if git_dir is not None:
        argv += ["--git-dir", str(git_dir)]
    return [*argv, *arguments]


def git(
    *arguments: str,
    git_dir: Path | None = None,
    cwd: Path | None = None,
    stdin: bytes = b"",
    timeout: float = TIMEOUT,
    extra: Mapping[str, str] | None = None,
) -> bytes:
    """Run one git command and return what it printed.

    Args:
        arguments: The command and its arguments.
        git_dir: The git directory; found from cwd when left out.
        cwd: Where to run it; the git directory's own folder when left out.
        stdin: What it reads.
        timeout: Seconds.
        extra: Variables to set in its environment.

    Raises:
        GitFailed: It ended with an error; the message is git's own.
    """
    try:
        return run(
            _argv(git_dir, arguments),
            cwd=cwd or git_dir,
            env=environment() | dict(extra or {}),
            stdin=stdin,
            timeout=timeout,
            max_output=1 << 30,
        ).stdout
    except ProcessError as error:
        message = f"git {arguments[0]}: {error.output or error.reason}"
        hint = ""
        if "Read-only file system" in message:
            hint = READ_ONLY_CURE
        elif "Permission denied" in message:
            hint = "Check whose that is and the disk it is on: this user cannot write there."
        raise GitFailed(message, slug="git-failed", hint=hint) from error


@contextmanager
def streaming(
    git_dir: Path, *arguments: str, extra: Mapping[str, str] | None = None
) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Talk to a long-lived git command.

    It is GitPython's to run: a process that ends with whoever reads from it. What ends by itself
    goes through `git` above, for GitPython knows no limits of time and of output.

    Args:
        git_dir: The git directory.
        arguments: The command and its arguments.
        extra: Variables to set in its environment.

    Yields:
        Its standard input and standard output.
    """
    os.environ["GIT_PYTHON_GIT_EXECUTABLE"] = git_program()  # else its import looks for one by name
    # GitPython takes 40 ms and 8 MB to import, and only the readers of many objects need it
    from git.cmd import Git as Runner

    Runner.GIT_PYTHON_GIT_EXECUTABLE = git_program()
    runner: Git = Runner(str(git_dir))
    process = runner.execute(
        _argv(git_dir, arguments),
        as_process=True,
        istream=_PIPE,
        env=environment() | dict(extra or {}),
    )
    try:
        assert process.stdin
        assert process.stdout
        yield process.stdin, process.stdout
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait()


_PIPE = -1  # subprocess.PIPE, without importing subprocess for one number
