"""Places where a test can have copydesk fail, named in the environment."""

from __future__ import annotations

import os

FAIL = "COPYDESK_FAIL"


def failpoint(name: str) -> None:
    """A place where a test can have copydesk fail: `COPYDESK_FAIL=name:kill|enospc|eio|exception`.

    Several are separated by commas. Without the variable this is one look at the environment.

    Raises:
        OSError: The variable asks for a full disk (enospc) or a broken one (eio) here.
        RuntimeError: It asks for an exception here.
    """
    failures = os.environ.get(FAIL)
    if failures:
        for failure in failures.split(","):
            where, _, how = failure.rpartition(":")
            if where == name:
                _fail(name, how)


def _fail(name: str, how: str) -> None:
    import errno  # a test is running
    import signal

    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "exception":
        raise RuntimeError(f"failpoint {name}")
    number = {"enospc": errno.ENOSPC, "eio": errno.EIO}[how]
    raise OSError(number, os.strerror(number), name)
