"""A story as a Markdown entry of a dev log."""

from __future__ import annotations

from collections.abc import Sequence

from copydesk.agent.records import Fact, Sentence, Story
from copydesk.agent.stories.channels.markdown import escape


def render(story: Story, facts: Sequence[Fact] = ()) -> str:
    """Write a story as Markdown, without front matter.

    Whatever came from outside (subjects, notes, names, a model) can neither mark up the page nor
    start a tag, a link or a template expression of a site generator.

    Args:
        story: The story.
        facts: Its facts; given, each sentence carries footnotes to them.

    Returns:
        Markdown that ends in a newline.
    """
    fact_ids = {fact.id for fact in facts}
    blocks = [f"# {escape(story.title)}"]
    if story.date:
        blocks.append(f"*{escape(story.date)}*")
    used = set[str]()
    for heading, sentences in story.sections:
        blocks.append(f"## {escape(heading)}")
        blocks.append(" ".join(_sentence(sentence, fact_ids) for sentence in sentences))
        used.update(*(sentence.facts for sentence in sentences))
    footnotes = [f"[^{fact.id}]: {escape(fact.text)}" for fact in facts if fact.id in used]
    if footnotes:
        blocks.append("\n".join(footnotes))
    return "\n\n".join(blocks) + "\n"


def _sentence(sentence: Sentence, fact_ids: set[str]) -> str:
    marks = "".join(f"[^{i}]" for i in sentence.facts if i in fact_ids)
    return escape(sentence.text) + marks
