"""Lines and arcs as the report of a run has them."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable


def numbits(lines: Iterable[int]) -> str:
    """Line numbers as coverage.py's numbits, in hexadecimal."""
    bits = 0
    for line in lines:
        bits |= 1 << line
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little").hex()


def arc_pairs(arcs: Iterable[tuple[int, int]]) -> str:
    """Arcs as sorted pairs of little-endian int32, in hexadecimal."""
    flat = array("i", [n for arc in sorted(arcs) for n in arc])
    if sys.byteorder == "big":
        flat.byteswap()
    return flat.tobytes().hex()
