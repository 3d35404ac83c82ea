"""Text from outside, made safe to show."""

from __future__ import annotations

import hashlib
import unicodedata

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def clean(text: str, *, keep: str = "\n\t") -> str:
    r"""Show control, bidirectional and zero-width characters as \xNN or \uNNNN.

    Commit messages, paths, drafts and model output reach terminals and pages; a raw escape
    sequence there can rewrite the screen (CVE-2021-42574 for the bidirectional ones).

    Args:
        text: Anything.
        keep: Control characters that stay as they are.

    Returns:
        The text with every character of Unicode category Cc, Cf, Cs, Co, Zl or Zp escaped.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        c if c in keep or unicodedata.category(c) not in _UNSAFE else _escape(c) for c in text
    )


def _escape(char: str) -> str:
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def text_hash(text: str) -> str:
    """The SHA-256 of a text, whatever characters are in it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def one_line(text: str, width: int = 200) -> str:
    """The first line of text, cleaned and cut to width characters."""
    line = clean(text.strip().split("\n")[0] if text.strip() else "", keep="")
    return line if len(line) <= width else line[: width - 1] + "…"


def plural(count: int, noun: str, many: str = "") -> str:
    """Say "1 test" or "3 tests"."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"
