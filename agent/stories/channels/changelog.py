"""What a story changes, as a section of a changelog and as the notes of a release."""

from __future__ import annotations

import re
from collections.abc import Sequence

from copydesk.agent.records import Sentence, Story
from copydesk.agent.stories.channels.markdown import GITHUB, escape
from copydesk.agent.stories.channels.post import Style, example_block, paragraph

CATEGORIES = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
"""The headings of Keep a Changelog 1.1, in its order."""

MOST_OF_A_RELEASE = 12
"""Entries of a category in the notes of a release."""


def changelog_section(story: Story, version: str = "", links: Sequence[str] = ()) -> str:
    """A section in the form of Keep a Changelog: it only lists.

    Args:
        story: The story.
        version: The release that the story is about; "" for what is not released yet.
        links: Addresses that may be linked.

    Returns:
        Markdown that ends in a newline.
    """
    name = re.sub(r"[^\w.+-]", "", version, flags=re.ASCII) or "Unreleased"
    heading = f"## [{name}]"
    if version and story.date:
        heading += f" - {escape(story.date[:10])}"
    return "\n\n".join([heading, *_lists(story, "###", links)]) + "\n"


def release_notes(story: Story, links: Sequence[str] = ()) -> str:
    """The body of a release on GitHub: a lead, what changed, examples, how it was tested.

    The title is the release's own.

    Args:
        story: The story.
        links: Addresses that may be linked.

    Returns:
        Markdown that ends in a newline.
    """
    style = Style(GITHUB, links=links)
    blocks = [paragraph((story.hook,), style)] if story.hook else []
    lists = _lists(story, "##", links, most=MOST_OF_A_RELEASE)
    if lists:
        blocks += lists
        sections = [section for section in story.sections if _is_of_tests(section, story)]
    else:
        sections = list(story.sections)
    if story.examples:
        blocks += ["## In use", *(example_block(each, GITHUB) for each in story.examples)]
    for heading, sentences in sections:
        blocks += [f"## {escape(heading)}", paragraph(sentences, style)]
    return "\n\n".join(blocks) + "\n"


def _lists(story: Story, level: str, links: Sequence[str], *, most: int | None = None) -> list[str]:
    """A heading and a list for each category that has entries, in the order of CATEGORIES.

    Args:
        story: The story.
        level: The marks of a heading.
        links: Addresses that may be linked.
        most: How many entries a list has; how many more there are is said. None: all.
    """
    entries: dict[str, list[Sentence]] = {}
    for category, sentences in story.changes:
        entries.setdefault(category, []).extend(sentences)
    order = [name for name in CATEGORIES if name in entries]
    order += [name for name in entries if name not in CATEGORIES]
    blocks = []
    for category in order:
        items = [f"- {escape(sentence.text, GITHUB, links)}" for sentence in entries[category]]
        if most is not None and len(items) > most:
            items[most:] = [f"- And {len(items) - most} more, which the changelog lists."]
        if items:
            blocks += [f"{level} {escape(category)}", "\n".join(items)]
    return blocks


def _is_of_tests(section: tuple[str, tuple[Sentence, ...]], story: Story) -> bool:
    """Whether a section tells nothing that the lists tell: how it was tested, what is next."""
    listed = {fact for _, entries in story.changes for entry in entries for fact in entry.facts}
    return not any(listed & set(sentence.facts) for sentence in section[1])
