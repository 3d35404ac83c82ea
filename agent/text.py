"""Text from outside, made safe to show; numbers and lists of lines as people read them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

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
    import hashlib  # 4 ms, and most commands print no digest

    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def one_line(text: str, width: int = 200) -> str:
    """The first line of text, cleaned and cut to width characters."""
    line = clean(text.strip().split("\n")[0] if text.strip() else "", keep="")
    return line if len(line) <= width else line[: width - 1] + "…"


def plural(count: int, noun: str, many: str = "") -> str:
    """Say "1 test" or "3 tests"."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def percent(value: float | None) -> str:
    """A percentage of 100; only what is whole reads as 100 %."""
    if value is None:
        return "not known"
    text = f"{value:.1f}"
    return f"{'99.9' if text == '100.0' and value < 100 else text} %"


def runs_of(lines: Iterable[int]) -> list[tuple[int, int]]:
    """The first and last of each run of neighbouring line numbers, in order."""
    runs: list[tuple[int, int]] = []
    for line in sorted(set(lines)):
        if runs and line == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], line)
        else:
            runs.append((line, line))
    return runs


def ranges(lines: Iterable[int]) -> str:
    """Line numbers, runs joined: "3-5, 9"."""
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs_of(lines))


def model_words(total: Mapping[str, Any]) -> str:
    """What came of a model's calls: "12 calls, 83 % answered, 42 % kept"."""
    calls = total["calls"]
    answered, useful = (f"{100 * total[key] / calls:.0f} %" for key in ("answered", "kept"))
    return f"{plural(calls, 'call')}, {answered} answered, {useful} kept"
