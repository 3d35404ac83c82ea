"""The author's voice as facts of a story, so that what it puts there is checked like all else."""

from __future__ import annotations

from collections.abc import Sequence

from copydesk.agent.records import Fact, Sentence
from copydesk.agent.stories.facts import Unnumbered, plain_line, spoken
from copydesk.agent.stories.voice.records import MEANINGS, Voice, voice_from

VOICE = "voice"
"""The kind of fact."""

_LISTS = {"tags": "tag", "more_tags": "more_tag", "categories": "category", "never": "never"}
_IN_TEXT = ("greeting", "sign_off")


def voice_facts(voice: Voice) -> list[Unnumbered]:
    """What of a voice the template follows, as one fact; none where there is nothing."""
    texts = {
        "person": voice.person,
        **{key: spoken(getattr(voice, key)) for key in _IN_TEXT},
        "emoji": plain_line("".join(voice.emoji[:1])),
        **{f"heading_{n}": spoken(voice.headings.get(m, "")) for n, m in enumerate(MEANINGS, 1)},
    }
    for name, key in _LISTS.items():
        words = enumerate(getattr(voice, name), 1)
        texts |= {f"{key}_{number}": plain_line(word) for number, word in words}
    values: dict[str, str | int | float] = {key: text for key, text in texts.items() if text}
    if not values:
        return []
    shown = ", ".join(f"{key} “{values[key]}”" for key in _IN_TEXT if key in values)
    return [(VOICE, f"How the author writes{f': {shown}' if shown else ''}.", values)]


def voice_of(facts: Sequence[Fact]) -> tuple[Voice, tuple[str, ...]]:
    """The voice that a story's facts hold, and the ids of the facts that hold it."""
    for fact in facts:
        if fact.kind == VOICE:
            return _voice(fact), (fact.id,)
    return Voice(), ()


def _voice(fact: Fact) -> Voice:
    values = fact.values
    lists = {
        name: [str(v) for k, v in values.items() if k.rpartition("_")[0] == key]
        for name, key in _LISTS.items()
    }
    headings = {
        meaning: str(values[f"heading_{number}"])
        for number, meaning in enumerate(MEANINGS, 1)
        if f"heading_{number}" in values
    }
    texts = {key: str(values.get(key, "")) for key in ("person", *_IN_TEXT)}
    emoji = [str(values["emoji"])] if "emoji" in values else []
    return voice_from({**texts, **lists, **headings, "emoji": emoji})


def own_words(words: str, ids: tuple[str, ...]) -> Sentence | None:
    """A greeting or a sign-off as a sentence of a story; None where there is none."""
    return Sentence(words, ids) if words else None
