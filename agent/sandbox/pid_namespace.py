"""The pid namespace of a run: who is its first process, and how to end everybody in it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess

from copydesk.agent.errors import CopydeskError

_START = 2.0  # seconds for bubblewrap to make its namespaces on a busy machine
_PATIENCE = 10.0  # seconds for the kernel to take a killed namespace down


class PidNamespace:
    """The pid namespace of one bubblewrap run, and how to kill every process in it.

    bubblewrap ends when its command does; what the command left behind is killed a moment later,
    with the first process of the namespace. That one is gone only when everybody inside is, so it
    is held by a pidfd and waited for.

    `info` is the file descriptor for bubblewrap's --info-fd. Close it with close_info() once
    bubblewrap has been started.
    """

    def __init__(self) -> None:
        self._read, self.info = os.pipe()

    def close_info(self) -> None:
        """Close our copy of the end that bubblewrap writes to; again does nothing."""
        if self.info >= 0:
            os.close(self.info)
            self.info = -1

    def close(self) -> None:
        """Close both ends."""
        self.close_info()
        os.close(self._read)

    def end(self, bubblewrap: subprocess.Popen[bytes]) -> None:
        """Kill bubblewrap and everybody in the namespace, and wait until they are gone.

        bubblewrap killed before it has told its child's number could leave that child waiting
        for it for ever, hence the number is waited for first.

        Raises:
            CopydeskError: The kernel does not let go of a process (a hanging disk, say).
        """
        self.close_info()
        first = self._first_process()
        bubblewrap.kill()
        bubblewrap.wait()
        if first is None:
            return
        try:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(first, signal.SIGKILL)
            if not _readable(first, _PATIENCE):
                raise CopydeskError(
                    "a process in the sandbox cannot be killed",
                    slug="sandbox-stuck",
                    hint="It waits for a disk or the network (state D in `ps -eo pid,state,args`)"
                    " and ends when that answers.",
                )
        finally:
            os.close(first)

    def _first_process(self) -> int | None:
        answer = b""
        while _readable(self._read, _START):
            chunk = os.read(self._read, 4096)
            answer += chunk
            with contextlib.suppress(json.JSONDecodeError):
                try:
                    return os.pidfd_open(json.loads(answer)["child-pid"])
                except ProcessLookupError:
                    return None
            if not chunk:
                break
        return None


def _readable(fd: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
