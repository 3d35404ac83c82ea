"""What a docstring says of a parameter: the type that it names, the values that it quotes."""

from __future__ import annotations

import ast
import re
from typing import Any, List, NamedTuple

from .expressions import Expression

MAX_QUOTED = 6
_KINDS = (
    ("str", r"\b(str|string|text)\b"),
    ("int", r"\b(int|integer)\b"),
    ("float", r"\b(float|number|numeric)\b"),
    ("bool", r"\b(bool|boolean|flag)\b"),
    ("list", r"\b(list|sequence|iterable)\b"),
    ("dict", r"\b(dict|dictionary|mapping)\b"),
    ("callable", r"\b(callable|function|callback)\b"),
    ("bytes", r"\bbytes\b"),
    ("datetime", r"\bdatetime\b"),
    ("date", r"\bdate\b"),
    ("timedelta", r"\btimedelta\b"),
    ("Decimal", r"\bdecimal\b"),
    ("path", r"\b(path|path-like|pathlike)\b"),
    ("DataFrame", r"\bdataframe\b"),
    ("Series", r"\bseries\b"),
    ("ndarray", r"\b(ndarray|array|array_like)\b"),
)
_QUOTED = re.compile(r"""(?<!\w)(?:``|'|")([^'"`\n]{1,40})(?:``|'|")(?!\w)""")


class Described(NamedTuple):
    """What is written of a parameter: its type as text, and the sentences about it."""

    type: str
    text: str

    @property
    def kinds(self) -> List[str]:
        """The kinds of values that the type names."""
        lowered = self.type.lower()
        return [kind for kind, pattern in _KINDS if re.search(pattern, lowered)]

    @property
    def quoted(self) -> List[Expression]:
        """The texts that are quoted in the sentences, as examples or choices."""
        return [Expression(repr(text)) for text in _QUOTED.findall(self.text)][:MAX_QUOTED]


def described(function: Any, name: str) -> Described:
    """What the docstring of a function says of a parameter, in one of the usual styles.

    Args:
        function: The function in the syntax tree.
        name: Of the parameter.

    Returns:
        Empty texts where it says nothing.
    """
    text = ast.get_docstring(function) or ""
    word = re.escape(name)
    parts = [
        rf"^[ \t]*:param[ \t]+(?P<type>[^\s:]+)[ \t]+{word}:(?P<text>.*)$",  # Sphinx, with a type
        rf"^[ \t]*:type[ \t]+{word}:(?P<type>.*)$",
        rf"^[ \t]*:param[ \t]+{word}:(?P<text>.*)$",
        rf"^[ \t]*\*{{0,2}}{word}[ \t]*\((?P<type>[^)\n]*)\):(?P<text>.*)$",  # Google
        rf"^[ \t]*{word}[ \t]*:[ \t]+(?P<type>.+)\n(?P<text>[ \t]+.*)$",  # numpydoc
    ]
    kind = sentences = ""
    for pattern in parts:
        match = re.search(pattern, text, re.MULTILINE)
        if match:
            groups = match.groupdict()
            kind = kind or (groups.get("type") or "").strip()
            sentences = sentences or (groups.get("text") or "").strip()
    return Described(kind, sentences)
