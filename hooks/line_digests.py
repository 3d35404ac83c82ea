"""Lines of source as numbers, to see whether a patch adds a line that was somewhere before.

Two lines with the same tokens have the same digest, whatever their layout and comments; with
another line's it is shared by chance only. So where no digest matches, no line is the same.
"""

from __future__ import annotations

from binascii import crc32

_DROPPED = b" \t\r\n\v\f\\"


def essence(line: bytes) -> bytes:
    """What a line of source holds besides layout and comment."""
    return line.partition(b"#")[0].translate(None, _DROPPED)


def digests(essences: tuple[bytes, bytes]) -> tuple[int, int]:
    """The digest of a line by itself, and that of the line after the one before it.

    Args:
        essences: That of the line before, which is empty where the block begins; that of the line.
    """
    before, line = essences
    return crc32(line), crc32(before + b"\n" + line)


def may_hold(hunks: list[list[bytes]], known: str) -> bool:
    """Whether added lines may be some of those whose digests are known.

    Args:
        hunks: The added lines of each hunk of a patch.
        known: Pairs of digests, as `digests` gives them: words of decimal numbers.
    """
    words = known.split()
    alone, after = set(words[::2]), set(words[1::2])
    for hunk in hunks:
        before = b""
        text = b"\n".join(hunk).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        for line in text.split(b"\n"):
            now = essence(line)
            if _matches(before, now, alone, after):
                return True
            before = now
    return False


def _matches(before: bytes, now: bytes, alone: set[str], after: set[str]) -> bool:
    by_itself, in_sequence = digests((before, now))
    if not before:  # the patch does not say what stands before it
        return str(by_itself) in alone
    return str(in_sequence) in after or str(digests((b"", now))[1]) in after
