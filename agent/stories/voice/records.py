"""How an author writes, line by line, and what each line was learnt from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Person = Literal["I", "we", ""]

MEANINGS = (
    *("new", "changed", "fixed", "asked", "said"),
    *("why", "tests", "examples", "desk", "behind"),
)
"""What the headings of a story stand for, in the order of template.SPAN_HEADINGS."""


@dataclass(frozen=True, slots=True)
class Voice:
    """How an author writes; what is empty was not learnt, or is left as it is.

    person: how the author speaks of who did the work. sentence_words: the median. headings: by
    meaning, one of MEANINGS. words, never: of a list of words of style, those that the author
    uses, and those that the author never does. tags, categories: of every post; more_tags: what
    other tags the author has.
    """

    person: Person = ""
    sentence_words: int = 0
    greeting: str = ""
    sign_off: str = ""
    emoji: tuple[str, ...] = ()
    headings: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    more_tags: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


LISTS = ("emoji", "words", "never", "tags", "more_tags", "categories")
KEYS = ("person", "sentence_words", "greeting", "sign_off", *LISTS, *MEANINGS)
"""The lines of a voice: fields, and headings by their meaning."""


def values_of(voice: Voice) -> dict[str, Any]:
    """A voice by its lines, as plain values."""
    values: dict[str, Any] = {
        key: getattr(voice, key) for key in ("person", "sentence_words", "greeting", "sign_off")
    }
    values |= {key: list(getattr(voice, key)) for key in LISTS}
    return values | {meaning: voice.headings.get(meaning, "") for meaning in MEANINGS}


def voice_from(values: Mapping[str, Any]) -> Voice:
    """A voice from its lines; what is not there is empty."""
    lists: dict[str, Sequence[str]] = {key: tuple(values.get(key, ())) for key in LISTS}
    return Voice(
        person=values.get("person", ""),
        sentence_words=values.get("sentence_words", 0),
        greeting=values.get("greeting", ""),
        sign_off=values.get("sign_off", ""),
        headings={m: values[m] for m in MEANINGS if values.get(m)},
        **lists,  # type: ignore[arg-type]
    )
