"""Notifications: small files that hooks leave in the desk's folder for the daemon."""

from __future__ import annotations

import os
import time

from copydesk.hooks import filesystem
from copydesk.hooks.failpoints import failpoint

DESK = "copydesk"
"""The folder in the shared git folder in which copydesk keeps all it knows of a repository."""

UPGRADE = "upgrade"
"""Stands for a hook's name in the notification that asks a daemon of an older copydesk to make
room for a newer one; the path in it is the newer one's Python."""


def write_notification(common: str, hook: str, worktree: str) -> str:
    """Leave a notification, so that it is there whole or not at all, even after a crash.

    Args:
        common: The git folder that all worktrees share.
        hook: The hook that ran, such as post-commit.
        worktree: Where it ran.

    Returns:
        The name of its file.
    """
    spool = os.path.join(common, DESK, "spool")
    for folder in (os.path.dirname(spool), spool, spool + "/tmp", spool + "/new"):
        try:  # noqa: SIM105  # contextlib is one more import that git would wait for
            os.mkdir(folder, 0o700)
        except FileExistsError:
            pass
    name = f"{time.time_ns()}-{os.getpid()}.{hook}"
    failpoint("notify.create")
    file = os.open(f"{spool}/tmp/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        failpoint("notify.write")
        os.write(file, os.fsencode(f"{hook}\n{worktree}\n"))
        failpoint("notify.sync")
        os.fsync(file)
    finally:
        os.close(file)
    failpoint("notify.rename")
    os.rename(f"{spool}/tmp/{name}", f"{spool}/new/{name}")
    failpoint("notify.renamed")
    filesystem.sync_folder(spool + "/new")
    failpoint("notify.written")
    return name
