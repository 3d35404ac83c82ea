"""A story as the editor reads and changes it: Markdown, a sentence a line, its facts as footnotes.

`[^F3]` behind a sentence says which fact holds it; `[^mine]`, that the editor vouches for it. What
the editor leaves is read back into a story, whatever it is: there is no text that cannot be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from copydesk.agent.records import Example, Fact, Poll, Sentence, Story
from copydesk.agent.text import clean

EXAMPLES, CHANGES, QUESTION = "Examples", "List of changes", "A question to readers"
"""Headings of what is no section of prose."""

_CITED = re.compile(r"((?:\s*\[\^[A-Za-z0-9]+\])+)\s*$")
_FOOTNOTE = re.compile(r"\[\^[A-Za-z0-9]+\]: ")
_LINES = ("Tags", "Categories", "Greeting", "Sign-off")
"""Lines of the form that begin so are no prose."""
_LEADING = re.compile(rf"\\*(?:[#>|=*+~-]|```|\d+[.)]|(?:{'|'.join(_LINES)}):|\[\^)")
_FENCE = re.compile(r"(`{3,})(.*)")
_PARTS_OF_EXAMPLE = ("python", "result", "before")


def to_text(story: Story, facts: Sequence[Fact], offered: Sequence[Fact] = ()) -> str:
    """Write a story for the editor.

    Args:
        story: The story; its pictures are left out.
        facts: Its facts, which become footnotes as far as they are cited.
        offered: Facts that came later, which it does not tell.

    Returns:
        Markdown that ends in a newline.
    """
    blocks = [f"# {_shown(story.title)}"]
    if story.date:
        blocks.append(f"*{_shown(story.date)}*")
    if story.greeting is not None:
        blocks.append(f"Greeting: {_line(story.greeting)}")
    if story.hook is not None:
        blocks.append(f"> {_line(story.hook)}")
    for heading, sentences in story.sections:
        blocks += [f"## {_shown(heading)}", _lines(sentences)]
    if story.examples:
        blocks += [f"## {EXAMPLES}", *map(_example, story.examples)]
    if story.question is not None or story.poll is not None:
        blocks += [f"## {QUESTION}", *_question(story)]
    if story.changes:
        blocks.append(f"## {CHANGES}")
    for category, entries in story.changes:
        blocks += [f"### {_shown(category)}", _lines(entries, "- ")]
    blocks.append(_ending(story))
    blocks.append(_footnotes(story, facts, offered))
    return "\n\n".join(filter(None, blocks)) + "\n"


def _ending(story: Story) -> str:
    """The sign-off, tags and categories."""
    labels = {"Tags": story.tags, "Categories": story.categories}
    lines = [f"{name}: {', '.join(map(_shown, words))}" for name, words in labels.items() if words]
    if story.sign_off is not None:
        lines.insert(0, f"Sign-off: {_line(story.sign_off)}")
    return "\n\n".join(lines)


def _footnotes(story: Story, facts: Sequence[Fact], offered: Sequence[Fact]) -> str:
    ids = {i for sentence in _all_sentences(story) for i in sentence.facts}
    ids |= {i for example in story.examples for i in example.facts}
    notes = [f"[^{fact.id}]: {_shown(fact.text)}" for fact in facts if fact.id in ids]
    notes += [f"[^{fact.id}]: {_shown(fact.text)} (new, not told)" for fact in offered]
    return "\n".join(notes)


def _all_sentences(story: Story) -> Iterator[Sentence]:
    ends = (story.greeting, story.hook, story.question, story.sign_off)
    yield from filter(None, ends)
    for _, sentences in (*story.sections, *story.changes):
        yield from sentences
    if story.poll is not None:
        yield from (story.poll.question, *story.poll.answers)


def _question(story: Story) -> Iterator[str]:
    poll = story.poll
    question = story.question or (poll.question if poll else None)
    if question is not None:
        yield _line(question)
    if poll is not None:
        yield _lines(poll.answers, "- ")


def _lines(sentences: Iterable[Sentence], mark: str = "") -> str:
    return "\n".join(mark + _line(sentence) for sentence in sentences)


def _line(sentence: Sentence) -> str:
    return _shown(sentence.text) + "".join(f"[^{i}]" for i in sentence.facts)


def _shown(text: str) -> str:
    """A text on one line that is not read as a mark of the form."""
    line = clean(" ".join(text.split()), keep="")
    line = re.sub(r"\[(\\*)\^", r"[\1\\^", line)
    return f"\\{line}" if _LEADING.match(line) else line


def _read(text: str) -> str:
    """What `_shown` was given."""
    if text.startswith("\\") and _LEADING.match(text[1:]):
        text = text[1:]
    return re.sub(r"\[\\(\\*)\^", r"[\1^", text)


def _example(example: Example) -> str:
    longest = max(
        (len(run) for text in (example.code, example.result, example.before or "")
         for run in re.findall("`+", text)), default=0
    )  # fmt: skip
    marks = "`" * max(3, longest + 1)
    texts = (example.code, example.result, example.before)
    fences = [
        f"{marks}{part}\n{text}\n{marks}"
        for part, text in zip(_PARTS_OF_EXAMPLE, texts, strict=True)
        if text is not None
    ]
    return "\n".join([*fences, "".join(f"[^{i}]" for i in example.facts)]).rstrip("\n")


_Section = tuple[str, tuple[Sentence, ...]]


class _Block(NamedTuple):
    """Lines under a heading of the second level ("" for those before the first one)."""

    heading: str
    lines: list[str]


def from_text(text: str, former: Story) -> Story:
    """Read what the editor left.

    Args:
        text: Any text, best of the form that `to_text` writes.
        former: The story as it was; what the form does not hold stays as it is there.

    Returns:
        The story; a sentence without footnotes cites no facts.
    """
    lines_of_form, text = _without_lines(text)
    head, *blocks = _blocks(text)
    read = replace(former, hook=None, question=None, poll=None, changes=(), examples=())
    read = _read_head(head, read)
    sections = list(read.sections)
    examples: list[Example] = []
    loose: list[str] = []
    for block in blocks:
        examples += _examples(block.lines)
        prose = [line for line in _prose(block.lines) if line]
        if block.heading in (QUESTION, CHANGES):
            read, more = _read_list(block.heading, prose, read, former)
            loose += more
        elif prose or block.heading != EXAMPLES:
            sections.append((_read(block.heading), tuple(map(_sentence, prose))))
    return replace(
        read,
        sections=tuple(_with_loose(sections, loose)),
        examples=tuple(examples),
        tags=_words(lines_of_form.get("Tags", "")) or former.tags,
        categories=_words(lines_of_form.get("Categories", "")),
        greeting=_own_line(lines_of_form, "Greeting"),
        sign_off=_own_line(lines_of_form, "Sign-off"),
    )


def _read_list(
    heading: str, prose: Sequence[str], read: Story, former: Story
) -> tuple[Story, list[str]]:
    """Read the question or the list of changes; also gives the prose that is neither."""
    if heading == QUESTION:
        others = [line for line in prose if not line.startswith("- ")]
        return _read_question(prose, read, former), others[1:]
    others = [line for line in prose if not _is_of_list(line)]
    return replace(read, changes=_read_changes(prose)), others


def _is_of_list(line: str) -> bool:
    return line.startswith(("- ", "* ", "### "))


def _with_loose(sections: list[_Section], loose: Sequence[str]) -> list[_Section]:
    """Sections, the last of which goes on with prose that stands below what takes none."""
    if not loose:
        return sections
    heading, sentences = sections[-1] if sections else ("", ())
    return [*sections[:-1], (heading, (*sentences, *map(_sentence, loose)))]


def _blocks(text: str) -> list[_Block]:
    """The text by headings of the second level; headings inside fences are code."""
    blocks = [_Block("", [])]
    fence = ""
    for line in text.split("\n"):
        fence = _fence_after(line, fence)
        if not fence and line.startswith("## "):
            blocks.append(_Block(line[3:].strip(), []))
        elif fence or not _FOOTNOTE.match(line):
            blocks[-1].lines.append(line)
    return blocks


def _read_head(head: _Block, story: Story) -> Story:
    """The title, the date and the hook; what else stands before the first heading is a section."""
    rest = []
    title, date, hook = story.title, story.date, None
    for line in filter(None, map(str.strip, _prose(head.lines))):
        if line.startswith("# "):
            title = _read(line[2:].strip())
        elif re.fullmatch(r"\*[^*]+\*", line):
            date = _read(line[1:-1])
        elif line.startswith("> ") and hook is None:
            hook = _sentence(line[2:])
        else:
            rest.append(_sentence(line))
    sections = (("", tuple(rest)),) if rest else ()
    return replace(story, title=title, date=date, hook=hook, sections=sections)


def _without_lines(text: str) -> tuple[dict[str, str], str]:
    """The lines that begin with one of _LINES, the last of each, and the text without them; in
    fences they are code.
    """
    named: dict[str, str] = {}
    others = []
    fence = ""
    for line in text.replace("\r\n", "\n").split("\n"):
        fence = _fence_after(line, fence)
        name, colon, words = line.partition(":")
        if colon and not fence and name in _LINES:
            named[name] = words.strip()
        else:
            others.append(line)
    return named, "\n".join(others)


def _fence_after(line: str, fence: str) -> str:
    """The marks of the fence that is open behind a line, "" for none."""
    match = _FENCE.match(line)
    if match and not fence:
        return match[1]
    return "" if fence and line.strip() == fence else fence


def _words(line: str) -> tuple[str, ...]:
    """Tags or categories, as a line lists them."""
    return tuple(filter(None, (_read(name.strip()) for name in line.split(","))))


def _own_line(lines: dict[str, str], name: str) -> Sentence | None:
    """A greeting or a sign-off; None where its line is gone or empty."""
    sentence = _sentence(lines.get(name, ""))
    return sentence if sentence.text else None


def _prose(lines: Sequence[str]) -> Iterator[str]:
    """The lines outside of fences; the footnotes of an example belong to its fences."""
    fence = ""
    after_fence = False
    for line in lines:
        match = _FENCE.match(line)
        if fence:
            if line.strip() == fence:
                fence, after_fence = "", True
        elif match:
            fence = match[1]
        elif not (after_fence and _CITED.fullmatch(line)):
            after_fence = after_fence and not line.strip()
            yield line.strip()


def _examples(lines: Sequence[str]) -> Iterator[Example]:
    """The examples: a fence of code, one of its result, one of what it was before, footnotes."""
    parts: dict[str, str] = {}
    ids: tuple[str, ...] = ()
    for info, content in _fences(lines):
        name = info if info in _PARTS_OF_EXAMPLE or info == "facts" else "python"
        if name == "python" and parts:
            yield _made(parts, ids)
            parts, ids = {}, ()
        if name == "facts":
            ids = tuple(re.findall(r"\[\^([A-Za-z0-9]+)\]", content))
        else:
            parts[name] = content
    if parts:
        yield _made(parts, ids)


def _made(parts: dict[str, str], ids: tuple[str, ...]) -> Example:
    return Example(parts.get("python", ""), parts.get("result", ""), ids, parts.get("before"))


def _fences(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The fences, each with its info and its text, and the lines of footnotes behind them."""
    fence, info = "", ""
    content: list[str] = []
    for line in lines:
        match = _FENCE.match(line)
        if fence and line.strip() == fence:
            yield info, "\n".join(content)
            fence = ""
        elif fence:
            content.append(line)
        elif match:
            fence, info, content = match[1], match[2].strip(), []
        elif _CITED.fullmatch(line):
            yield "facts", line
    if fence:
        yield info, "\n".join(content)


def _read_question(prose: Sequence[str], story: Story, former: Story) -> Story:
    questions = [_sentence(line) for line in prose if not line.startswith("- ")]
    answers = tuple(_sentence(line[2:]) for line in prose if line.startswith("- "))
    question = questions[0] if questions else None
    hours = former.poll.hours if former.poll else 168
    poll = Poll(question, answers, hours) if question and answers else None
    return replace(story, question=question, poll=poll)


def _read_changes(prose: Sequence[str]) -> tuple[tuple[str, tuple[Sentence, ...]], ...]:
    changes: list[tuple[str, list[Sentence]]] = []
    for line in prose:
        if line.startswith("### "):
            changes.append((_read(line[4:].strip()), []))
        elif _is_of_list(line):
            if not changes:
                changes.append(("Changed", []))
            changes[-1][1].append(_sentence(line.removeprefix("- ")))
    return tuple((category, tuple(entries)) for category, entries in changes if entries)


def _sentence(line: str) -> Sentence:
    """A line of prose and the facts behind it."""
    text = line.strip()
    match = _CITED.search(text)
    ids: tuple[str, ...] = ()
    if match:
        ids = tuple(dict.fromkeys(re.findall(r"\[\^([A-Za-z0-9]+)\]", match[1])))
        text = text[: match.start()]
    if text.startswith(("- ", "* ")):
        text = text[2:]
    return Sentence(_read(text.strip()), ids)
