"""The report of a run, written as the run goes on.

A stream of records, each with its length and checksum before it, each whole by itself: what was
said before a run was ended stands there whatever ended it. Later records add to earlier ones or
take their place. Written between tests only, so what it tells of a test that has ended is all there
is. Standard library only; of all this, copydesk itself uses `read` alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import zlib
from time import monotonic
from typing import Any, Callable

HEAD = struct.Struct("<II")
"""Before each record: how long it is, and its CRC-32."""

SECONDS = 0.5
"""How often something is written at most, before the end."""

# tests put their own functions in place of these
_open, _write, _close, _now = os.open, os.write, os.close, monotonic


class Stream:
    """What a run has to say, and what of it is written already.

    Args:
        path: Where to.
        seconds: How often to write at most.
        kept: What each context executed; `dirty` there are those that changed.
        piece_of: One piece as the report has it, or None where it is none of the repository's.
        needs: What each context depends on.
        tests: How each test went.
    """

    def __init__(
        self,
        path: str,
        seconds: float,
        kept: Any,
        piece_of: Callable[[str, Any], Any],
        needs: dict[str, set[tuple[str, str]]],
        tests: dict[str, dict[str, Any]],
    ) -> None:
        self.path, self.seconds = path, seconds
        self.kept, self.piece_of, self.needs, self.tests = kept, piece_of, needs, tests
        self.ended: list[str] = []
        self.begun = self._broken = False
        self._told: set[str] = set()
        self._needed: dict[str, int] = {}
        self._numbers: dict[tuple[str, int], int] = {}
        self._count = 0
        self._last = _now()

    def tick(self, more: Callable[[], dict[str, Any]]) -> None:
        """Write, if it is time again.

        Args:
            more: What to say besides.
        """
        if _now() - self._last < self.seconds or self._broken:
            return
        try:
            self._append(self.record(self.ended, more()))
            self.begun = True
        except OSError:
            self._broken = True  # a full disk, perhaps; the end says it all once more
        self._last = _now()

    def finish(self, more: dict[str, Any]) -> None:
        """Write what is left: all that was not written before."""
        if self._broken:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)
            self.kept.dirty.update(self.kept.contexts)
            self._told, self._needed, self._numbers, self._count = set(), {}, {}, 0
        self._append(self.record(list(self.tests), {**more, "end": True}))

    def record(self, names: list[str], more: dict[str, Any]) -> dict[str, Any]:
        """What has not been said yet of some tests, and of every context."""
        pieces: list[Any] = []
        contexts = {c: self._pieces(c, pieces) for c in self.kept.dirty}
        self.kept.dirty.clear()
        grown = {c: n for c, n in self.needs.items() if len(n) != self._needed.get(c)}
        self._needed.update((c, len(n)) for c, n in grown.items())
        tests = {name: self.tests[name] for name in names if name not in self._told}
        self._told.update(tests)
        self.ended.clear()
        return {
            **more,
            "tests": tests,
            "pieces": pieces,
            "contexts": contexts,
            "needs": {context: sorted(found) for context, found in grown.items()},
        }

    def _pieces(self, context: str, new: list[Any]) -> list[int]:
        """The numbers of a context's pieces; each piece is told once, as [path, lines, arcs]."""
        mine = []
        for path, piece in self.kept.contexts.get(context, {}).items():
            key = (path, id(piece))  # which stays where it is: what is kept is kept to the end
            if key not in self._numbers:
                said = self.piece_of(path, piece)
                self._numbers[key] = -1 if said is None else self._count
                if said is not None:
                    self._count += 1
                    new.append(said)
            if self._numbers[key] >= 0:
                mine.append(self._numbers[key])
        return mine

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
    """What a stream says up to its last whole record; without "end" it was cut short."""
    told: dict[str, Any] = {"tests": {}, "pieces": [], "contexts": {}, "needs": {}}
    at = 0
    while len(data) >= at + HEAD.size:
        size, check = HEAD.unpack_from(data, at)
        body = data[at + HEAD.size : at + HEAD.size + size]
        if len(body) != size or zlib.crc32(body) != check:
            break
        record = json.loads(zlib.decompress(body))
        told["pieces"] += record.pop("pieces")
        for name in ("tests", "contexts", "needs"):
            told[name].update(record.pop(name))
        told.update(record)
        at += HEAD.size + size
    return told
