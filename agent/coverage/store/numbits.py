"""Sets of line numbers as coverage.py stores them: bit n % 8 of byte n // 8 stands for n.

The same two functions as coverage.numbits, which loads all of coverage.py: a tenth of a second of
every measure.
"""

from __future__ import annotations

from collections.abc import Iterable

_BITS = tuple(tuple(bit for bit in range(8) if byte >> bit & 1) for byte in range(256))


def numbits_to_nums(bits: bytes) -> list[int]:
    """The numbers of a set, in order."""
    return [place * 8 + bit for place, byte in enumerate(bits) if byte for bit in _BITS[byte]]


def nums_to_numbits(numbers: Iterable[int]) -> bytes:
    """Numbers as a set."""
    listed = list(numbers)
    bits = bytearray(max(listed) // 8 + 1 if listed else 0)
    for number in listed:
        bits[number // 8] |= 1 << number % 8
    return bytes(bits)
