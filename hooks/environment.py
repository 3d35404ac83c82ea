"""The environment of programs that outlive a hook or that must not feel it."""

from __future__ import annotations

import os
import sys

from copydesk.hooks.failpoints import FAIL

GIT_CONFIGURATION = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")
"""Where the user's own git configuration lives; every other GIT_* belongs to this one hook."""

KEPT = (*GIT_CONFIGURATION, FAIL)
"""What copydesk's own processes hand on to each other. A test's failpoints go with it."""

_PREFIXES = ("GIT_", "PRE_COMMIT", "PYTEST_", "COPYDESK_")
_NAMES = (
    *("VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP"),
    "__PYVENV_LAUNCHER__",
)


def scrubbed(
    environ: os._Environ[str] | dict[str, str],
    *,
    keep: tuple[str, ...] = KEPT,
    also_dropped: tuple[str, ...] = (),
) -> dict[str, str]:
    """An environment without what git, pre-commit, a virtual environment or a test run put there.

    pre-commit runs a hook with the hook's own environment first on PATH; a daemon that kept it
    would run the user's tests with the wrong Python. A leaked GIT_DIR once made a test suite
    commit to the user's branch. Folders on PATH that depend on the current one go, too.

    Args:
        environ: The environment to start from.
        keep: Names that stay in any case.
        also_dropped: More prefixes of names that go.
    """
    prefixes = _PREFIXES + also_dropped
    env = dict(environ)
    for name in environ:
        is_foreign = name.startswith(prefixes) or name in _NAMES
        if is_foreign and name not in keep:
            del env[name]
    hidden = _folders_of_environments(environ)
    path = env.get("PATH", os.defpath).split(os.pathsep)
    # a relative folder is one of the repository, where anybody's commit may put a program
    usable = [folder for folder in path if folder not in hidden and os.path.isabs(folder)]
    env["PATH"] = os.pathsep.join(usable)
    return env


def _folders_of_environments(environ: os._Environ[str] | dict[str, str]) -> set[str]:
    """The folders of programs of the active virtual environment, and of copydesk's own."""
    folders = set()
    if environ.get("VIRTUAL_ENV"):
        folders.add(os.path.join(environ["VIRTUAL_ENV"], "bin"))
    own = os.path.dirname(sys.executable)
    if os.path.isfile(os.path.join(os.path.dirname(own), "pyvenv.cfg")):
        folders.add(own)
    return folders
