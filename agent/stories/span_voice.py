"""A story as its author would head, greet and label it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from copydesk.agent.records import Fact, Sentence, Story
from copydesk.agent.stories.check_story import MINE, Problem, sentences_of
from copydesk.agent.stories.cited_facts import CitedFacts
from copydesk.agent.stories.template import SPAN_HEADINGS
from copydesk.agent.stories.tokens import tokenize
from copydesk.agent.stories.voice import MEANINGS, Voice, own_words, voice_of

_MEANING_OF = dict(zip(SPAN_HEADINGS, MEANINGS, strict=True))

_UNLIKED = "a word that the author never uses"


def in_voice(story: Story, facts: Sequence[Fact]) -> Story:
    """A story with its author's headings, greeting, sign-off, emoji, tags and categories.

    Args:
        story: As the template or a model worded it.
        facts: Its facts; without one of a voice the story stays as it is.
    """
    voice, ids = voice_of(facts)
    if not ids:
        return story
    return replace(
        story,
        sections=tuple((_heading(voice, h), sentences) for h, sentences in story.sections),
        greeting=own_words(voice.greeting, ids),
        sign_off=own_words(voice.sign_off, ids),
        hook=story.hook and _with_emoji(story.hook, voice, ids),
        tags=_tags(story.tags, voice),
        categories=voice.categories,
    )


def heading_for(facts: Sequence[Fact], heading: str) -> str:
    """What the author calls a section of a story.

    Args:
        facts: The story's.
        heading: One of template.SPAN_HEADINGS.
    """
    return _heading(voice_of(facts)[0], heading)


def person_of(facts: Sequence[Fact]) -> str:
    """Who the story says did the work: "I", only where one person made all commits; "we"; ""."""
    person = voice_of(facts)[0].person
    people = [fact for fact in facts if fact.kind in ("contributor", "other contributors")]
    return "" if person == "I" and len(people) != 1 else person


def _heading(voice: Voice, heading: str) -> str:
    return voice.headings.get(_MEANING_OF.get(heading, ""), heading)


def _with_emoji(hook: Sentence, voice: Voice, ids: tuple[str, ...]) -> Sentence:
    if not voice.emoji or hook.text.endswith(voice.emoji[0]):
        return hook
    return Sentence(f"{hook.text} {voice.emoji[0]}", (*hook.facts, *ids))


def _tags(tags: tuple[str, ...], voice: Voice) -> tuple[str, ...]:
    """The author's tags, and of a story's own those that the author has, too."""
    if not (voice.tags or voice.more_tags):
        return tags
    authors = {tag.lower(): tag for tag in (*voice.tags, *voice.more_tags)}
    own = [authors[tag] for tag in tags if tag in authors]
    return tuple(dict.fromkeys((*voice.tags, *own)))


def unliked_words(story: Story, facts: Sequence[Fact]) -> list[Problem]:
    """Find words that the author never uses: a matter of taste, which nothing is held up for.

    Quotations, code, the author's own words and what the editor vouches for are left alone.

    Args:
        story: The story.
        facts: All its facts; without one of a voice nothing is found.
    """
    never = {word.lower() for word in voice_of(facts)[0].never}
    by_id = {fact.id: fact for fact in facts}
    problems = []
    for sentence in sentences_of(story, ()) if never else ():
        cited = CitedFacts.of(by_id[i] for i in sentence.facts if i in by_id)
        if MINE in sentence.facts or cited.is_verbatim(sentence.text):
            continue
        used = {token.text for token in tokenize(sentence.text) if token.word in never}
        problems += [Problem(sentence.text, word, _UNLIKED) for word in sorted(used)]
    return problems
