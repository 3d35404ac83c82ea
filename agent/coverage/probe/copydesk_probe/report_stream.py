"""The report of a run, written as the run goes on.

A stream of records, each with its length and checksum before it, each whole by itself: what was
written before a run was ended stands there whatever ended it. Later records add to earlier ones or
take their place. Written between tests only, so what it tells of a test that has ended is complete.
copydesk itself uses `read` alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import zlib
from collections.abc import Iterator
from time import monotonic, process_time
from typing import Any, Callable

from .tracers import ContextHits, Hits

HEAD = struct.Struct("<II")
"""Before each record: how long it is, and its CRC-32."""

SECONDS = 0.5
"""After how long something is written whatever it costs."""

ALLOWANCE, SHARE = 0.05, 0.01
"""What writing after each test may cost: seconds of CPU, and a share of what the process takes."""

# tests put their own functions in place of these
_open, _write, _close = os.open, os.write, os.close
_now, _cpu = monotonic, process_time


class ReportStream:
    """The report of this run, and what of it is written already.

    Args:
        path: Where to.
        seconds: After how long to write whatever it costs.
        hits: What each context executed.
        encode: The hits of one file as the report has them, or None where they do not count.
        needs: What each context depends on.
        tests: How each test went.
    """

    def __init__(
        self,
        path: str,
        seconds: float,
        hits: ContextHits,
        encode: Callable[[str, Hits], Any],
        needs: dict[str, set[tuple[str, str]]],
        tests: dict[str, dict[str, Any]],
    ) -> None:
        self.path, self.seconds = path, seconds
        self.hits, self.encode, self.needs, self.tests = hits, encode, needs, tests
        self.ended: list[str] = []
        self.has_begun = self._is_broken = False
        self._last_write, self._spent = _now(), 0.0
        self._forget_written()

    def _forget_written(self) -> None:
        self._written_tests: set[str] = set()
        self._written_needs: dict[str, int] = {}
        self._piece_numbers: dict[tuple[str, int], int] = {}
        self._piece_count = 0

    def tick(self, more: Callable[[], dict[str, Any]]) -> None:
        """Write after a test, unless too much has gone into writing: then when it is time again.

        Who is ended by a SIGKILL while one test takes long loses no test that ended before it.

        Args:
            more: What to write besides.
        """
        started = _cpu()
        affordable = self._spent < ALLOWANCE + SHARE * started
        if self._is_broken or not (affordable or _now() - self._last_write >= self.seconds):
            return
        try:
            self._append(self.record(self.ended, more()))
            self.has_begun = True
        except OSError:
            self._is_broken = True  # a full disk, perhaps; the end says it all once more
        self._last_write = _now()
        self._spent += _cpu() - started

    def finish(self, more: dict[str, Any]) -> None:
        """Write the last record: all that was not written before."""
        if self._is_broken:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)
            self.hits.dirty.update(self.hits.contexts)
            self._forget_written()
        self._append(self.record(list(self.tests), {**more, "end": True}))

    def record(self, names: list[str], more: dict[str, Any]) -> dict[str, Any]:
        """What has not been written yet of some tests, and of every context."""
        pieces: list[Any] = []
        contexts = {context: self._pieces(context, pieces) for context in self.hits.dirty}
        self.hits.dirty.clear()
        tests = {name: self.tests[name] for name in names if name not in self._written_tests}
        self._written_tests.update(tests)
        self.ended.clear()
        needs = self._new_needs()
        return {**more, "tests": tests, "pieces": pieces, "contexts": contexts, "needs": needs}

    def _new_needs(self) -> dict[str, list[tuple[str, str]]]:
        """The dependencies of each context that has got more of them."""
        grown = {}
        for context, needs in self.needs.items():
            if len(needs) != self._written_needs.get(context):
                self._written_needs[context] = len(needs)
                grown[context] = sorted(needs)
        return grown

    def _pieces(self, context: str, new: list[Any]) -> list[int]:
        """The numbers of a context's pieces: each is written once, as [path, lines, arcs].

        Args:
            context: Whose.
            new: Takes the pieces that were not written before.
        """
        numbers = []
        for path, hits in self.hits.contexts.get(context, {}).items():
            key = (path, id(hits))  # stays as it is: what is kept is kept to the end
            number = self._piece_numbers.get(key)
            if number is None:
                number = self._piece_numbers[key] = self._number_of(self.encode(path, hits), new)
            if number >= 0:
                numbers.append(number)
        return numbers

    def _number_of(self, piece: Any, new: list[Any]) -> int:
        if piece is None:
            return -1
        new.append(piece)
        self._piece_count += 1
        return self._piece_count - 1

    def _append(self, record: dict[str, Any]) -> None:
        body = zlib.compress(json.dumps(record).encode(), 1)
        data = HEAD.pack(len(body), zlib.crc32(body)) + body
        # opened anew each time: a test may close every file there is
        file = _open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            while data:
                data = data[_write(file, data) :]
        finally:
            _close(file)


def read(data: bytes) -> dict[str, Any]:
    """The report of a stream up to its last whole record; without "end" it was cut short."""
    report: dict[str, Any] = {"tests": {}, "pieces": [], "contexts": {}, "needs": {}}
    for record in _records(data):
        report["pieces"] += record.pop("pieces")
        for name in ("tests", "contexts", "needs"):
            report[name].update(record.pop(name))
        report.update(record)
    return report


def _records(data: bytes) -> Iterator[dict[str, Any]]:
    """The whole records of a stream, up to the first that is damaged or cut short."""
    start = 0
    while len(data) >= start + HEAD.size:
        size, checksum = HEAD.unpack_from(data, start)
        body = data[start + HEAD.size : start + HEAD.size + size]
        if len(body) != size or zlib.crc32(body) != checksum:
            return
        yield json.loads(zlib.decompress(body))
        start += HEAD.size + size
