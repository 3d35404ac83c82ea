"""Lists of row ids as columns keep them: int32, little-endian, sorted; compressed where long."""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Iterable

ID_BYTES = array("i").itemsize
"""Bytes of an id as it is packed."""


def pack_ids(ids: Iterable[int]) -> bytes:
    """Ids as sorted little-endian int32."""
    values = array("i", sorted(ids))
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()


def unpack_ids(packed: bytes) -> list[int]:
    """What `pack_ids` packed."""
    values = array("i", packed)
    if sys.byteorder == "big":
        values.byteswap()
    return values.tolist()


def compress_ids(ids: Iterable[int]) -> bytes:
    """Ids as the tables `measures` and `unfinished` keep them, which have very many."""
    return zlib.compress(pack_ids(ids), 1)


def decompress_ids(compressed: bytes) -> list[int]:
    """What `compress_ids` compressed."""
    return unpack_ids(zlib.decompress(compressed))
