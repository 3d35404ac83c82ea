"""The three pipes of a run, read without waiting and kept within limits."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

from copydesk.agent.sandbox.records import Limits


class PipeReader:
    """The beginning and the end of what comes through a pipe, and how much there was.

    Args:
        keep: Bytes to keep.
        both_ends: Keep the last half of them too, not only the first bytes.
    """

    def __init__(self, keep: int, *, both_ends: bool = False) -> None:
        self.fd, self.other_end = os.pipe()
        os.set_blocking(self.fd, False)
        self.total = 0
        self._room = keep // 2 if both_ends else keep
        self._tail_room = keep - self._room
        self._head = bytearray()
        self._tail = bytearray()

    def read(self) -> bool:
        """Read what is available; False at the end of the pipe."""
        with contextlib.suppress(BlockingIOError):
            chunk = os.read(self.fd, 1 << 16)
            self.total += len(chunk)
            room = self._room - len(self._head)
            self._head += chunk[:room]
            self._tail += chunk[room:] if self._tail_room else b""
            if len(self._tail) > 2 * self._tail_room:
                del self._tail[: -self._tail_room]
            return bool(chunk)
        return True

    def drain(self) -> None:
        """Read what is still in the pipe, without waiting for its other end to close."""
        for _ in range(1024):
            before = self.total
            if not self.read() or self.total == before:
                return

    def kept(self) -> bytes:
        """What was kept, with a note where something was left out."""
        tail = bytes(self._tail[-self._tail_room :]) if self._tail_room else b""
        left_out = self.total - len(self._head) - len(tail)
        if left_out > 0 and self._tail_room:
            return bytes(self._head) + b"\n[... %d bytes left out ...]\n" % left_out + tail
        return bytes(self._head) + tail

    def close_other_end(self) -> None:
        """Close our copy of the end that the program writes to; again does nothing."""
        if self.other_end >= 0:
            os.close(self.other_end)
            self.other_end = -1

    def close(self) -> None:
        """Close both ends."""
        self.close_other_end()
        os.close(self.fd)


@dataclass(frozen=True, slots=True)
class RunPipes:
    """The streams of a run: what it prints, the launch script's complaints, and the report."""

    output: PipeReader
    complaint: PipeReader
    report: PipeReader


@contextlib.contextmanager
def open_pipes(limits: Limits) -> Iterator[RunPipes]:
    """Make the pipes of a run and close them afterwards."""
    streams = RunPipes(
        PipeReader(limits.output, both_ends=True), PipeReader(4096), PipeReader(limits.report)
    )
    try:
        yield streams
    finally:
        for stream in (streams.output, streams.complaint, streams.report):
            stream.close()
