"""A story as a Markdown entry of a dev log."""

from __future__ import annotations

from collections.abc import Sequence

from copydesk.agent.records import Fact, Story
from copydesk.agent.stories.channels.markdown import GITHUB, escape
from copydesk.agent.stories.channels.post import PictureAddress, Style, body


def render(
    story: Story,
    facts: Sequence[Fact] = (),
    *,
    picture: PictureAddress | None = None,
    links: Sequence[str] = (),
) -> str:
    """Write a story as Markdown, without front matter.

    Whatever came from outside (subjects, notes, names, a model) can neither mark up the page nor
    start a tag, a link or a template expression of a site generator.

    Args:
        story: The story.
        facts: Its facts; given, each sentence carries footnotes to them.
        picture: Where the page finds a picture; None where it shows none.
        links: Addresses that may be linked.

    Returns:
        Markdown that ends in a newline.
    """
    style = Style(GITHUB, picture, "", links, frozenset(fact.id for fact in facts))
    blocks = [f"# {escape(story.title)}"]
    if story.date:
        blocks.append(f"*{escape(story.date)}*")
    blocks.append(body(story, style).rstrip("\n"))
    notes = [f"[^{fact.id}]: {escape(fact.text)}" for fact in facts]
    used = "\n\n".join(blocks)
    cited = [note for fact, note in zip(facts, notes, strict=True) if f"[^{fact.id}]" in used]
    if cited:
        blocks.append("\n".join(cited))
    return "\n\n".join(filter(None, blocks)) + "\n"
