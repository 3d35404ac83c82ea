"""The line ends that git's checkout gives to files: convert.c of git, for the way to a work tree.

https://git-scm.com/docs/gitattributes#_text and the settings core.autocrlf and core.eol.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import NamedTuple

_LONE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_UNPRINTABLE = bytes(code for code in (*range(32), 127) if code not in b"\b\t\x1b\x0c\r\n")
_LINE_ENDS = b"\r\n"
_TRUE = ("true", "yes", "on", "1")


class LineEnds(NamedTuple):
    """How the user's configuration would have line ends: core.autocrlf and core.eol.

    `auto` is "true", "input" or ""; `eol` is "crlf", "lf" or "".
    """

    auto: str = ""
    eol: str = ""

    @classmethod
    def of(cls, core: Mapping[str, str]) -> LineEnds:
        """What git's configuration says.

        Args:
            core: The section core of it, by key in lower case.
        """
        auto = core.get("core.autocrlf", "").lower()
        eol = core.get("core.eol", "").lower()
        auto = "true" if auto in _TRUE else "input" if auto == "input" else ""
        return cls(auto, eol if eol in ("crlf", "lf") else "")

    @property
    def are_crlf(self) -> bool:
        """Whether text is checked out with CRLF where an attribute does not say otherwise."""
        if self.auto:
            return self.auto == "true"
        return self.eol == "crlf" or (not self.eol and os.linesep == "\r\n")

    def apply(self, content: bytes, attributes: Mapping[str, str]) -> bytes:
        """The content of a file as it is checked out.

        Args:
            content: As git keeps it.
            attributes: The file's attributes by name: "set", "unset", or a value.
        """
        kind = _kind(attributes)
        if kind == "binary" or not self._is_crlf(kind, attributes.get("eol", "")):
            return content
        if kind in ("auto", "") and not _is_safe(content):
            return content
        return _LONE_LINE_FEED.sub(b"\r\n", content)

    def _is_crlf(self, kind: str, eol: str) -> bool:
        """Whether a file gets CRLF.

        Args:
            kind: From `_kind`.
            eol: The attribute eol.
        """
        if kind == "input":
            return eol == "crlf"
        if eol in ("lf", "crlf"):
            return eol == "crlf"
        return self.auto == "true" if not kind else self.are_crlf


def _kind(attributes: Mapping[str, str]) -> str:
    """What a file is: text, binary, auto, input, or "" where no attribute says so."""
    for name in ("text", "crlf"):
        kind = {"set": "text", "unset": "binary", "auto": "auto", "input": "input"}.get(
            attributes.get(name, "")
        )
        if kind is not None:
            break
    else:
        kind = ""
    if not kind and attributes.get("eol") in ("lf", "crlf"):
        return "text"
    return kind


def _is_safe(content: bytes) -> bool:
    """Whether git takes a content for text with line feeds only, where it is to find out itself."""
    if b"\r" in content or b"\0" in content:
        return False
    unprintable = len(content) - len(content.translate(None, _UNPRINTABLE))
    if content.endswith(b"\x1a"):  # the end of a file, on systems that are gone
        unprintable -= 1
    printable = len(content.translate(None, _UNPRINTABLE + _LINE_ENDS))
    return printable >> 7 >= unprintable
