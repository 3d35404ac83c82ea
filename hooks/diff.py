"""A patch from `git diff` that says the same whatever the user, the project or git's caller set.

The hook and `copydesk gate` both ask here, so that they judge the same lines.
"""

from __future__ import annotations

import os

from copydesk.hooks.run_program import run_program

DIFF_OPTIONS = (
    *("--patch", "-U0", "--inter-hunk-context=0", "--full-index", "--text", "--no-color"),
    *("--find-renames", "-l1000", "-O/dev/null", "--diff-algorithm=myers", "--indent-heuristic"),
    *("--no-ext-diff", "--no-textconv", "--no-relative", "--src-prefix=a/", "--dst-prefix=b/"),
    *("--submodule=short", "--ignore-submodules=all", "--ws-error-highlight=none"),
)
"""How `git diff` is asked for a patch that `parse_patch` reads.

--text: an attribute such as `-diff` or `binary` would hide the lines of a file.
"""

PYTHON_FILES = (":(top,glob)**/*.py",)
"""The pathspecs of the files that are judged, wherever in the worktree git is started."""

_SETTINGS = (
    *("-c", "core.fsmonitor=false", "-c", "core.quotePath=true", "-c", "protocol.allow=never"),
)

_DISTURBING = (
    *("GIT_DIFF_OPTS", "GIT_EXTERNAL_DIFF", "GIT_ATTR_SOURCE"),
    *("GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS"),
    "GIT_ICASE_PATHSPECS",
)
"""Variables that change what `git diff` prints, and that no option overrides."""


def diff_environment(environ: os._Environ[str] | dict[str, str]) -> dict[str, str]:
    """The environment in which git says the same to everybody, and fetches nothing.

    GIT_INDEX_FILE stays as git set it: `git commit -a` stages into another index.
    """
    env = dict(environ)
    for name in _DISTURBING:
        env.pop(name, None)
    env["GIT_NO_REPLACE_OBJECTS"] = "1"
    env["GIT_NO_LAZY_FETCH"] = "1"
    return env


def patch(words: list[str], pathspecs: tuple[str, ...] = PYTHON_FILES) -> bytes:
    """The patch of a `git diff` of some files.

    Args:
        words: What is compared: "--cached", or revisions.
        pathspecs: The files.

    Raises:
        OSError: Git ended with an error; the message is git's own.
    """
    argv = ["git", *_SETTINGS, "diff", *DIFF_OPTIONS, *words, "--", *pathspecs]
    code, output, errors = run_program(argv, diff_environment(os.environ))
    if code:
        raise OSError(errors.decode("utf-8", "replace").strip() or "git diff failed")
    return output
