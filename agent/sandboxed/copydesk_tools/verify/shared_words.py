"""Words that a process and all copies of it write into one place.

Standard library only; Python 3.9 or later.
"""

from __future__ import annotations

import mmap
import zlib
from typing import List

_SLOTS, _ROOM = 64, 512


class SharedWords:
    """A set of short texts in memory that forks share: what a child adds, its parent reads.

    No lock is needed: each text has its own slot, and who writes it writes the same bytes. Two
    texts whose slots collide leave one of them, which is enough to know that something was said.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _SLOTS * _ROOM)

    def add(self, words: str) -> None:
        """Add a text, cut to its room."""
        data = words.encode("utf-8", "replace")[: _ROOM - 1]
        start = zlib.crc32(data) % _SLOTS * _ROOM
        self._memory[start : start + _ROOM] = data.ljust(_ROOM, b"\0")

    def add_beside(self, words: str) -> bool:
        """Add a text, cut to its room, in place of no other.

        Returns:
            Whether there was room for it.
        """
        data = words.encode("utf-8", "replace")[: _ROOM - 1].ljust(_ROOM, b"\0")
        for number in range(_SLOTS):
            start = number * _ROOM
            if self._memory[start] == 0:
                self._memory[start : start + _ROOM] = data
            if self._memory[start : start + _ROOM] == data:
                return True
        return False

    def clear(self) -> None:
        """Forget all."""
        self._memory[:] = bytes(_SLOTS * _ROOM)

    def texts(self) -> List[str]:
        """All texts, sorted."""
        whole = self._memory[:]
        slots = (whole[start : start + _ROOM] for start in range(0, len(whole), _ROOM))
        return sorted(slot.rstrip(b"\0").decode("utf-8", "replace") for slot in slots if slot[0])
