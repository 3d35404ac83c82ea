"""A story as a Markdown entry of a dev log."""

from __future__ import annotations

import re
from collections.abc import Sequence

from copydesk.agent.records import Fact, Sentence, Story
from copydesk.agent.text import clean

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&!$^])")
_LINE_START = re.compile(r"^(\s*)(?:([-+=>])|(\d+)([.)]))")
_TEMPLATE_MARKS = ("{{", "{%", "{#", "}}", "%}")


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


def escape(text: str) -> str:
    """Escape text for one line of Markdown; code between backticks stays code.

    Args:
        text: One line; control characters are shown escaped, line breaks become blanks.
    """
    line = clean(" ".join(text.split()), keep="")
    parts = re.split(r"(`[^`]+`)", line)
    shown = "".join(
        part if n % 2 and not any(mark in part for mark in _TEMPLATE_MARKS) else _escaped(part)
        for n, part in enumerate(parts)
    )
    return _LINE_START.sub(_start, shown)


def _escaped(text: str) -> str:
    # an escaped brace before a percent sign would still open a tag of Liquid
    return _SPECIAL.sub(r"\\\1", text).replace("{%", r"{\%")


def _start(match: re.Match[str]) -> str:
    blank, mark, digits, dot = match.groups()
    return f"{blank}\\{mark}" if mark else f"{blank}{digits}\\{dot}"
