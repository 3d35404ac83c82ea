"""A story as the body of a post: what all site generators share."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from copydesk.agent.records import Example, Picture, Sentence, Story
from copydesk.agent.stories.channels.markdown import Dialect, escape, fence
from copydesk.agent.text import clean

QUESTION_HEADING = "A question to you"
BEFORE = "Before, the same call gave:"
_DESCRIPTION = 160

PictureAddress = Callable[[Picture], str]
"""Where a page finds a picture: the address as it stands in Markdown."""


@dataclass(frozen=True, slots=True)
class Style:
    """What the body of a post depends on besides the story.

    `picture` is None where no picture is shown; `more` stands after the introduction;
    `links` are the addresses that may be linked; `footnotes` are the facts that sentences get
    footnotes to.
    """

    dialect: Dialect
    picture: PictureAddress | None = None
    more: str = ""
    links: Sequence[str] = ()
    footnotes: frozenset[str] = frozenset()


def body(story: Story, style: Style) -> str:
    """The Markdown of a post, without title and front matter.

    The hook is the introduction; an example follows the first section that tells of the same
    facts, a picture the last; the question to readers ends it.

    Args:
        story: The story.
        style: For whom it is written.
    """
    blocks = [paragraph((story.greeting,), style)] if story.greeting is not None else []
    blocks += _introduction(story, style)
    for section in sections_in_order(story):
        if section.heading.strip():
            blocks.append(f"## {escape(section.heading, style.dialect, style.links)}")
        write = bullets if section.is_list else paragraph
        blocks.append(write(section.sentences, style))
        blocks += [example_block(example, style.dialect) for example in section.examples]
        if style.picture is not None:
            blocks += [_picture(picture, style.picture, style) for picture in section.pictures]
    if story.question is not None:
        blocks += [f"## {QUESTION_HEADING}", paragraph((story.question,), style)]
    if story.sign_off is not None:
        blocks.append(paragraph((story.sign_off,), style))
    return "\n\n".join(filter(None, blocks)) + "\n"


class Section(NamedTuple):
    """A section of a story with the examples and pictures that belong to it.

    `is_list` says that its sentences are things one after the other, not a paragraph.
    """

    heading: str
    sentences: tuple[Sentence, ...]
    examples: tuple[Example, ...]
    pictures: tuple[Picture, ...]
    is_list: bool


def sections_in_order(story: Story) -> Iterator[Section]:
    """The sections of a story; an example is with the first one that tells of the same facts, a
    picture with the last.
    """
    for number, (heading, sentences) in enumerate(story.sections):
        examples = tuple(e for e in story.examples if _place(e.facts, story, 0) == number)
        pictures = tuple(
            p for p in story.pictures if _place(p.alternative.facts, story, -1) == number
        )
        yield Section(heading, sentences, examples, pictures, _is_list(sentences, story))


def _is_list(sentences: Sequence[Sentence], story: Story) -> bool:
    """Whether sentences are several things that a changelog lists, too."""
    listed = {fact for _, entries in story.changes for entry in entries for fact in entry.facts}
    return len(sentences) > 1 and all(listed & set(sentence.facts) for sentence in sentences)


def _introduction(story: Story, style: Style) -> list[str]:
    """The hook, unless the story says it anyway, and what ends an introduction."""
    sentences = {sentence.text for _, section in story.sections for sentence in section}
    if story.hook is None or story.hook.text in sentences:
        return []
    return [paragraph((story.hook,), style), *filter(None, [style.more])]


def _place(facts: Sequence[str], story: Story, end: int) -> int:
    """The number of the section that facts belong to.

    Args:
        facts: Their ids.
        story: The story.
        end: 0 for the first section that cites one of them, -1 for the last; it is also the
            place where none does.
    """
    wanted = set(facts)
    places = [
        number
        for number, (_, sentences) in enumerate(story.sections)
        if wanted & {fact for sentence in sentences for fact in sentence.facts}
    ]
    return places[end] if places else range(len(story.sections))[end]


def paragraph(sentences: Sequence[Sentence], style: Style) -> str:
    """Sentences as one paragraph."""
    return " ".join(_sentence(sentence, style) for sentence in sentences)


def bullets(sentences: Sequence[Sentence], style: Style) -> str:
    """Sentences as a list, an item each."""
    return "\n".join(f"- {_sentence(sentence, style)}" for sentence in sentences)


def _sentence(sentence: Sentence, style: Style) -> str:
    marks = "".join(f"[^{fact}]" for fact in sentence.facts if fact in style.footnotes)
    return escape(sentence.text, style.dialect, style.links) + marks


def example_block(example: Example, dialect: Dialect) -> str:
    """An example as a reader would see it at the prompt, and what it gave before."""
    block = fence(session(example.code, example.result), "python", dialect)
    if example.before is None:
        return block
    return f"{block}\n\n{BEFORE}\n\n{fence(example.before, 'python', dialect)}"


def session(code: str, result: str) -> str:
    """A call and its result as Python's prompt shows them."""
    if code.lstrip().startswith(">>>"):
        lines = [code.rstrip("\n")]
    else:
        starts = _statement_starts(code)
        lines = [
            f"{'>>>' if number in starts else '...'} {line}".rstrip()
            for number, line in enumerate(code.rstrip("\n").split("\n"), 1)
        ]
    return "\n".join([*lines, *([result.rstrip("\n")] if result else [])])


def _statement_starts(code: str) -> set[int]:
    """The lines at which statements begin; the first alone in what is no Python."""
    try:
        statements = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {1}
    decorated = [getattr(node, "decorator_list", []) for node in statements]
    starts = {
        min([node.lineno, *(d.lineno for d in decorators)])
        for node, decorators in zip(statements, decorated, strict=True)
    }
    return starts | {1}


def _picture(picture: Picture, address: PictureAddress, style: Style) -> str:
    words = escape(picture.alternative.text.replace("`", ""), style.dialect)
    return f"![{words}]({address(picture)})"


def plain(text: str) -> str:
    """Text for front matter, which themes may show unescaped: one line without code or tags."""
    line = clean(" ".join(text.replace("`", "").split()), keep="")
    return re.sub(r"<(?=[A-Za-z/!?])", "‹", line)


def title_of(story: Story) -> str:
    """The title for front matter and lists; a story always has one there."""
    return plain(story.title) or "A story"


def description(story: Story) -> str:
    """What a story is about, for lists of posts: the hook or the first sentence, cut at a word."""
    sentences = [sentence for _, section in story.sections for sentence in section]
    first = story.hook or next(iter(sentences), None)
    return shortened(plain(first.text) if first else title_of(story), _DESCRIPTION)


def shortened(text: str, width: int) -> str:
    """Text cut after the last word that fits into so many characters."""
    if len(text) <= width:
        return text
    cut = text[: width - 1]
    word_end = cut.rfind(" ")
    return (cut[:word_end] if word_end > width // 2 else cut).rstrip(" ,;:") + "…"
