"""A span's story in a model's words, section by section; the template's where they do not hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from copydesk.agent.model.faults import ModelFault, ModelUnavailable
from copydesk.agent.records import Fact, Sentence, Story
from copydesk.agent.stories.readers import DONE, SAID
from copydesk.agent.stories.span_template import span_story
from copydesk.agent.stories.span_voice import in_voice
from copydesk.agent.stories.voice import PLAIN_MANNER, Manner
from copydesk.agent.stories.word_devlog import ModelClient, word_facts

_BY_TEMPLATE = frozenset({"Why", DONE, SAID})
"""Sections that are the author's own words, or readers'."""

MOST_FACTS = 16
"""Facts of a section that a model is asked to word; a longer one is the template's."""


def _ignored(_error: ModelFault | ModelUnavailable) -> None:
    """Tell nobody."""


@dataclass(slots=True)
class Wording:
    """A model that words stories, where there is one; `on_fault` is told what goes wrong, `manner`
    is how the author writes.
    """

    client: ModelClient | None = None
    on_fault: Callable[[ModelFault | ModelUnavailable], None] = field(default=_ignored)
    manner: Manner = PLAIN_MANNER


def word_story(facts: Sequence[Fact], *, date: str, wording: Wording) -> Story:
    """Write the story of a span.

    Each section is worded by itself and every sentence checked; bad ones go back once. Facts that
    the model leaves out are told by the template's sentences, and a section of which little holds
    is the template's.

    Args:
        facts: What span_facts returned.
        date: The day of the story, as it is to be shown.
        wording: The model.

    Returns:
        A story whose origin is the model's name where it worded anything, else "template".
    """
    plain = span_story(facts, date=date)
    if wording.client is None:
        return in_voice(plain, facts)
    worder = _SectionWorder(facts, wording)
    sections = [(heading, worder.word(heading, told)) for heading, told in plain.sections]
    story = replace(plain, sections=tuple(sections), origin=worder.model or plain.origin)
    return in_voice(story, facts)


class _SectionWorder:
    """Words sections until the model cannot be asked.

    Args:
        facts: All facts of the story.
        wording: The model; there is one.
    """

    def __init__(self, facts: Sequence[Fact], wording: Wording) -> None:
        self._facts = facts
        self._wording = wording
        self._has_failed = False
        self.model = ""

    def word(self, heading: str, plain: tuple[Sentence, ...]) -> tuple[Sentence, ...]:
        """A section's sentences: the model's, with the template's for what they leave out."""
        ids = {i for sentence in plain for i in sentence.facts}
        facts = [fact for fact in self._facts if fact.id in ids]
        client = self._wording.client
        if client is None or self._has_failed or not _is_models(heading, facts):
            return plain
        wording = word_facts(facts, client, "story", self._failed, manner=self._wording.manner)
        if not wording.sentences or 2 * len(wording.sentences) < wording.proposed:
            return plain
        self.model = wording.model
        return (*wording.sentences, *_untold(plain, wording.sentences))

    def _failed(self, error: ModelFault | ModelUnavailable) -> None:
        self._has_failed = True
        self._wording.on_fault(error)


def _is_models(heading: str, facts: Sequence[Fact]) -> bool:
    """Whether a model is asked to word a section."""
    return heading not in _BY_TEMPLATE and len(facts) <= MOST_FACTS


def _untold(plain: Sequence[Sentence], worded: Sequence[Sentence]) -> tuple[Sentence, ...]:
    """The template's sentences of which no fact is told."""
    told_ids = {i for sentence in worded for i in sentence.facts}
    return tuple(sentence for sentence in plain if not told_ids & set(sentence.facts))
