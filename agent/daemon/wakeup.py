"""What the daemon's loop sleeps on."""

from __future__ import annotations

import contextlib
import os
import select
import time

DEBOUNCE_SECONDS = 0.02
"""How long is waited after a wake-up: one commit moves several files."""


class WakeUp:
    """A pipe: a byte written to it ends the sleep of whoever waits at its other end."""

    def __init__(self) -> None:
        self._listening_end, self._writing_end = os.pipe()
        os.set_blocking(self._listening_end, False)
        os.set_blocking(self._writing_end, False)

    @property
    def descriptor(self) -> int:
        """The file descriptor to write a byte to."""
        return self._writing_end

    def __call__(self) -> None:
        """End the sleep, or the next one; safe from any thread and from a signal handler."""
        with contextlib.suppress(OSError):  # a full pipe wakes just as well
            os.write(self._writing_end, b".")

    def sleep(self, seconds: float) -> bool:
        """Sleep until something stirs.

        Args:
            seconds: The longest sleep.

        Returns:
            Whether something stirred.
        """
        if not select.select([self._listening_end], [], [], seconds)[0]:
            return False
        time.sleep(DEBOUNCE_SECONDS)
        with contextlib.suppress(BlockingIOError):
            while os.read(self._listening_end, 4096):
                pass
        return True

    def close(self) -> None:
        """Give the pipe back."""
        os.close(self._listening_end)
        os.close(self._writing_end)
