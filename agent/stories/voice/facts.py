"""The author's voice as facts of a story, so that what it puts there is checked like all else."""

from __future__ import annotations

from collections.abc import Sequence

from copydesk.agent.records import Fact, Sentence
from copydesk.agent.stories.facts import Unnumbered, plain_line, spoken
from copydesk.agent.stories.voice.records import MEANINGS, Voice, voice_from

VOICE = "voice"
"""The kind of fact."""

_LISTS = {"tags": "tag", "more_tags": "more_tag", "categories": "category"}
_IN_TEXT = ("greeting", "sign_off")


def voice_facts(voice: Voice) -> list[Unnumbered]:
    """What of a voice the template follows, as one fact; none where there is nothing."""
    values: dict[str, str | int | float] = {}
    if voice.person:
        values["person"] = voice.person
    for key in _IN_TEXT:
        if words := spoken(getattr(voice, key)):
            values[key] = words
    if voice.emoji:
        values["emoji"] = plain_line(voice.emoji[0])
    for number, meaning in enumerate(MEANINGS, 1):
        if words := spoken(voice.headings.get(meaning, "")):
            values[f"heading_{number}"] = words
    for name, key in _LISTS.items():
        for number, word in enumerate(getattr(voice, name), 1):
            values[f"{key}_{number}"] = plain_line(word)
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
