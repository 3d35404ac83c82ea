"""The words of a message, without what is not the writer's: code, quotes, links and names."""

from __future__ import annotations

import re

_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_INLINE_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"https?://\S+")
_QUOTED_LINE = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
_PLATFORM = re.compile(r"<a?:\w+:\d+>|<[@#]&?!?\d+>")
_MENTION = re.compile(r"(?<!\w)@\w[\w.-]*")
_INDENTED_CODE = re.compile(r"^(?: {4}|\t).*$", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def prose_of(text: str) -> str:
    """A message without code blocks, inline code, links, quoted lines and mentions.

    Inline code leaves the word `code` in its place, so that a sentence stays one.
    """
    text = _COMMENT.sub(" ", _FENCE.sub(" ", text))
    text = _QUOTED_LINE.sub(" ", _INDENTED_CODE.sub(" ", text))
    text = _PLATFORM.sub(" ", _LINK.sub(" link ", text))
    return _MENTION.sub(" ", _INLINE_CODE.sub(" code ", text)).strip()


def sentences_of(prose: str) -> list[str]:
    """The sentences of a prose text: they end with . ! ? or a line break."""
    parts = re.split(r"(?<=[.!?])\s+|\n+", prose)
    return [part.strip() for part in parts if part.strip()]
