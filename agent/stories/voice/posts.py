"""The author's posts, read from files: what site generators read, without what is no prose."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copydesk.agent.front_matter import split_front_matter
from copydesk.agent.records import Sentence, Story
from copydesk.agent.text import clean

MOST_POSTS = 300
"""Files of a folder that are read, those with the last names (Jekyll's begin with a date) first."""
MOST_READ = 200_000
"""Characters of a file that are read."""

_SUFFIXES = frozenset({".md", ".mdx", ".markdown"})
_SECTIONS = ("", "taxonomies", "params", "extra")
"""Where generators keep tags and keys of one's own."""
_FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1[`~]*[ \t]*$", re.MULTILINE | re.DOTALL)
_NO_PROSE = re.compile(
    r"<!--.*?-->|\{%.*?%\}|\{\{.*?\}\}|!\[[^\]]*\]\([^)]*\)|\[\^\w+\](?::.*$)?|<[a-zA-Z/][^>]*>",
    re.MULTILINE | re.DOTALL,
)
_LINK = re.compile(r"\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])")
_ADDRESS = re.compile(r"<?https?://\S+")
_MARKS = re.compile(r"(?<!\w)[*_]{1,3}(?=\S)|(?<=\S)[*_]{1,3}(?!\w)")
_HEADING = re.compile(r"^#{1,6}[ \t]+(.*?)[ \t]*#*$")
_ITEM = re.compile(r"^[ \t]*(?:[-*+]|\d+[.)])[ \t]+|^[ \t]*>[ \t]?")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"”)]?\s+(?=[^a-z\s])")


@dataclass(frozen=True, slots=True)
class Post:
    """A post of the author's: its name, title, headings, paragraphs of prose, tags, categories."""

    name: str
    title: str = ""
    headings: tuple[str, ...] = ()
    paragraphs: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def sentences(self) -> list[str]:
        """The sentences of its paragraphs."""
        return [
            sentence
            for paragraph in self.paragraphs
            for line in paragraph.split("\n")
            for sentence in _SENTENCE_END.split(line)
            if re.search(r"\w", sentence)
        ]


def read_posts(folder: Path) -> list[Post]:
    """The posts of a folder and the folders in it; those that copydesk exported are left out.

    Args:
        folder: Where they are. What is no file of Markdown, or cannot be read, is passed over.
    """
    files = sorted(
        (path for path in folder.rglob("*") if path.suffix in _SUFFIXES and path.is_file()),
        key=lambda path: path.relative_to(folder).as_posix(),
    )
    posts = []
    for path in files[-MOST_POSTS:]:
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                text = file.read(MOST_READ)
        except OSError:
            continue
        post = read_post(path.relative_to(folder).as_posix(), text)
        if post is not None:
            posts.append(post)
    return posts


def read_post(name: str, text: str) -> Post | None:
    """Read a post; None where it holds no prose, or is one that copydesk exported.

    Args:
        name: What it is called in the evidence.
        text: The file: front matter, if any, and Markdown.
    """
    fields, body = split_front_matter(text)
    if any(isinstance(part.get("copydesk"), dict) for part in _parts(fields)):
        return None
    headings, paragraphs = _read_markdown(clean(body))
    if not paragraphs:
        return None
    title = fields.get("title")
    return Post(
        name,
        title if isinstance(title, str) else "",
        tuple(headings),
        tuple(paragraphs),
        _words_of(fields, "tags"),
        _words_of(fields, "categories"),
    )


def post_of_story(name: str, story: Story) -> Post:
    """An approved story as one of the author's posts."""
    parts: list[Sequence[Sentence | None]] = [
        (story.greeting,),
        (story.hook,),
        *(sentences for _, sentences in story.sections),
        (story.question,),
        (story.sign_off,),
    ]
    paragraphs = [" ".join(s.text for s in part if s is not None) for part in parts]
    return Post(
        name,
        story.title,
        tuple(heading for heading, _ in story.sections if heading),
        tuple(filter(None, paragraphs)),
        story.tags,
        story.categories,
    )


def _parts(fields: Any) -> Iterator[dict[str, Any]]:
    """The tables of front matter in which generators keep tags and custom keys."""
    for section in _SECTIONS:
        part = fields.get(section) if section else fields
        if isinstance(part, dict):
            yield part


def _words_of(fields: Any, key: str) -> tuple[str, ...]:
    """The tags or categories of front matter: a list, or words with blanks or commas between."""
    for part in _parts(fields):
        value = part.get(key)
        if isinstance(value, str):
            value = value.split(",") if "," in value else value.split()
        if isinstance(value, list):
            return tuple(clean(word.strip(), keep="") for word in map(str, value) if word.strip())
    return ()


def _read_markdown(text: str) -> tuple[list[str], list[str]]:
    """The headings and the paragraphs of Markdown, without code, pictures, tags and addresses."""
    headings: list[str] = []
    paragraphs: list[str] = []
    text = _NO_PROSE.sub("", _FENCE.sub("", text))
    for block in re.split(r"\n\s*\n", text):
        lines = []
        for line in block.split("\n"):
            match = _HEADING.match(line)
            if match:
                headings.append(_plain(match[1]))
            elif not line.startswith(("    ", "\t", "|", ":::", "import ", "export ")):
                lines.append(line)
        if paragraph := _paragraph(lines):
            paragraphs.append(paragraph)
    return headings, paragraphs


def _paragraph(lines: Sequence[str]) -> str:
    """The lines of a block as prose; a list has a line for each of its items."""
    text = ""
    for line in lines:
        words = _plain(_ITEM.sub("", line))
        if words:
            is_new = not text or _ITEM.match(line) or (text.endswith((",", "!")) and len(text) < 40)
            text += words if not text else ("\n" if is_new else " ") + words
    return text


def _plain(line: str) -> str:
    """A line without the marks of links and emphasis; code keeps its backticks."""
    line = _ADDRESS.sub("", _LINK.sub(r"\1", line))
    return " ".join(_MARKS.sub("", line).split()).rstrip("\\")
