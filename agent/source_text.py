"""Source read as Python reads it: its bytes as text, its text as lines.

Every text of source that copydesk analyses passes here, so that a line number means the same
everywhere: to git's patches, to coverage.py, to the tokenizer and to the editor.
"""

from __future__ import annotations

import codecs
import contextlib
import io
import tokenize

from copydesk.hooks.source_lines import plain_line_ends, split_source_lines

__all__ = [
    "decode_source",
    "encode_source",
    "encoding_of",
    "plain_line_ends",
    "split_source_lines",
    "undecodable",
]

_COOKIE = 4096
"""In so many bytes, an encoding is looked for: its declaration stands in the first two lines."""

_CANNOT_BE_PARSED = "\udc80"
"""What a text holds that Python could not have read; no parser takes it for source."""


def encoding_of(content: bytes) -> str:
    """The encoding that a source declares (PEP 263), "utf-8-sig" where it has a byte order mark.

    Raises:
        SyntaxError: There is no such encoding, or the two contradict each other.
    """
    # tokenize ends lines at line feeds only, and wants them in UTF-8 before it knows better
    start = content.removeprefix(codecs.BOM_UTF8)
    rows = start[:_COOKIE].replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")[:2]
    first_lines = b"\n".join(rows).decode("ascii", "replace").encode("ascii", "replace")
    mark = content[: len(content) - len(start)]
    return tokenize.detect_encoding(io.BytesIO(mark + first_lines).readline)[0]


def decode_source(content: bytes) -> str:
    """The text of a source, with plain line ends and without a byte order mark.

    It never fails: where Python could not read the bytes, the text holds a character that keeps
    it from being parsed, so that whoever analyses it treats it as broken source.
    """
    try:
        text = content.decode(encoding_of(content))
    except (SyntaxError, UnicodeError, LookupError):
        text = content.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
        if not _has_surrogates(text):
            text += _CANNOT_BE_PARSED
    return plain_line_ends(text)


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)


def encode_source(text: str) -> bytes:
    """The bytes of a source's text, in the encoding that it declares itself.

    Where that cannot hold the text, it is UTF-8, which Python will then say is not as declared.
    """
    content = text.encode("utf-8", "surrogateescape")
    with contextlib.suppress(SyntaxError, UnicodeError, LookupError):
        return text.encode(encoding_of(content))
    return content


def undecodable(content: bytes) -> str:
    """Why Python could not read a source's bytes as text, or "" where it can."""
    try:
        content.decode(encoding_of(content))
    except SyntaxError as error:
        return str(error.msg)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return f"line {line} holds bytes that are no {error.encoding}"
    except (UnicodeError, LookupError) as error:
        return str(error)
    return ""
