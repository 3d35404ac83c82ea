"""Tell copydesk that something happened in this repository, and make sure its daemon runs.

Git waits for this: the operating system's own modules only, and no subprocess is started but
the daemon. Nothing here can stop a commit. The order is the protocol: first the notification,
then the look at the lock. A daemon on its way out releases the lock and only then looks once
more for notifications, so whoever finds the lock held may go: the holder will see this one.
"""

from __future__ import annotations

import os
import sys

if not __package__:  # run as a file by an interpreter without site-packages
    _HERE = os.path.dirname(os.path.abspath(__file__))
    sys.path.append(os.path.dirname(os.path.dirname(_HERE)))

from copydesk.hooks.git_files import common_dir, go_to_top
from copydesk.hooks.spool import DESK, write_notification
from copydesk.hooks.start_daemon import ensure_daemon


def main() -> int:
    """Run as the hook: `copydesk-commit [HOOK]`, or `notify.py --ensure COMMON_DIR`.

    Returns:
        Always 0; what went wrong is one line on standard error.
    """
    try:
        arguments = sys.argv[1:]
        if arguments[:1] == ["--ensure"]:
            ensure_daemon(arguments[1])
        else:
            notify(arguments[0] if arguments else hook_name())
    except Exception as error:
        complain(error)
    return 0


def complain(error: Exception) -> None:
    """One line about something that must not stop git."""
    line = f"{type(error).__name__}: {error}".split("\n", 1)[0]
    print(f"copydesk: left out ({line})", file=sys.stderr)


def hook_name() -> str:
    """The hook that pre-commit runs us for; it says so only by what it puts in the environment."""
    if "PRE_COMMIT_REWRITE_COMMAND" in os.environ:
        return "post-rewrite"
    if "PRE_COMMIT_IS_SQUASH_MERGE" in os.environ:
        return "post-merge"
    return "post-commit"


def notify(hook: str) -> None:
    """Leave a notification for this repository, then make sure a daemon runs.

    Where copydesk was never set up nothing is written and nothing is started: a hook may come
    with the project's own configuration, and whether to use it is the user's to say.

    Args:
        hook: The name of the hook that git runs.

    Raises:
        OSError: The repository cannot be found or written.
    """
    go_to_top()
    common = common_dir()
    if not is_set_up(common):
        return
    write_notification(common, hook, os.getcwd())
    ensure_daemon(common)


def is_set_up(common: str) -> bool:
    """Whether `copydesk init` was run for a repository, or a command has measured it.

    Args:
        common: Its shared git folder.
    """
    if os.path.isdir(os.path.join(common, DESK)):
        return True
    try:
        with open(os.path.join(common, "config"), "rb") as file:
            text = file.read()
    except OSError:
        return False
    return b"[copydesk]" in text and b"bin = " in text


if __name__ == "__main__":
    sys.exit(main())
