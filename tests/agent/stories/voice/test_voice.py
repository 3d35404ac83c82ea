"""What is learnt from posts, what of it is kept, and that nothing of a post gets into a story."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.agent.stories.test_span_story import FULL

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.desk.stories import Span
from copydesk.agent.desk.voice import VoiceLine
from copydesk.agent.errors import CopydeskError
from copydesk.agent.records import Sentence, Story
from copydesk.agent.stories.channels.markdown import HUGO
from copydesk.agent.stories.channels.post import Style, body
from copydesk.agent.stories.check_story import MINE, check
from copydesk.agent.stories.edited_story import evidence_of
from copydesk.agent.stories.editing_form import from_text, to_text
from copydesk.agent.stories.facts import numbered
from copydesk.agent.stories.span import SpanInputs, span_facts
from copydesk.agent.stories.span.contributors import Contributor
from copydesk.agent.stories.span_voice import unliked_words
from copydesk.agent.stories.stored_stories import StoredStory, story_from_json, story_to_json
from copydesk.agent.stories.voice import (
    MEANINGS,
    Voice,
    from_toml,
    manner_of,
    to_toml,
    values_of,
    voice_facts,
    voice_of,
)
from copydesk.agent.stories.voice.learn import learn
from copydesk.agent.stories.voice.nearest import masked, nearest
from copydesk.agent.stories.voice.posts import Post, post_of_story, read_post, read_posts
from copydesk.agent.stories.voice.records import voice_from
from copydesk.agent.stories.voice.style_words import STYLE_WORDS
from copydesk.agent.stories.word_span import Wording, word_story

POST = """\
---
title: "{title}"
tags: [devlog, python, {tag}]
categories: tools
---

Hi folks!

We spent {number} days on {name}. Our parser was slow, and we hated it. See [the docs](https://x.example/{number}).

## 🚀 New stuff

- We added `{name}_rows` for you.
- It reads {number} rows.

```python
{name}({number})
```

## Squashed bugs

The crash of {name} is gone. 🎉

Happy parsing,
Ann
"""


def posts(count: int = 3) -> list[Post]:
    texts = [
        POST.format(title=f"Week {n}", tag=f"w{n}", number=100 + n, name=f"Zorblat{'xyz'[n]}")
        for n in range(count)
    ]
    return [post for n, text in enumerate(texts) if (post := read_post(f"{n}.md", text))]


def learnt(posts: list[Post]) -> dict[str, Any]:
    return {line.key: line.value for line in learn(posts)}


def test_a_post_is_read_without_what_is_no_prose() -> None:
    post = posts()[0]
    assert post.title == "Week 0"
    assert post.headings == ("🚀 New stuff", "Squashed bugs")
    assert (post.tags, post.categories) == (("devlog", "python", "w0"), ("tools",))
    assert post.paragraphs[0] == "Hi folks!"
    assert post.paragraphs[1].endswith("See the docs.")
    assert post.paragraphs[2] == "We added `Zorblatx_rows` for you.\nIt reads 100 rows."
    assert post.sentences[1:4] == [
        *("We spent 100 days on Zorblatx.", "Our parser was slow, and we hated it."),
        "See the docs.",
    ]


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("+++\ntags = ['a']\n+++\nText.", ("a",)),
        ("+++\n[taxonomies]\ntags = ['b']\n+++\nText.", ("b",)),
        ("---\ntags: a, b c\n---\nText.", ("a", "b c")),
        ("---\ntags: {x: 1}\n---\nText.", ()),
        ("---\n: :\n---\nText.", ()),
        ("Text.", ()),
    ],
)
def test_tags_of_any_front_matter(text: str, tags: tuple[str, ...]) -> None:
    post = read_post("a.md", text)
    assert post is not None
    assert (post.tags, post.paragraphs) == (tags, ("Text.",))


def test_what_copydesk_exported_and_what_is_empty_is_no_post(tmp_path: Path) -> None:
    assert read_post("a.md", "---\nparams:\n  copydesk: {story: 1}\n---\nText.") is None
    assert read_post("a.md", "# Title\n\n```\ncode\n```\n") is None
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.md").write_text("Text.")
    (tmp_path / "a.txt").write_text("Text.")
    (tmp_path / "c.md").symlink_to(tmp_path / "nowhere.md")
    assert [post.name for post in read_posts(tmp_path)] == ["sub/b.md"]


def test_what_is_learnt() -> None:
    lines = {line.key: line for line in learn(posts())}
    assert {key: line.value for key, line in lines.items() if key != "words"} == {
        "person": "we",
        "sentence_words": 4,
        "greeting": "Hi folks!",
        "sign_off": "Happy parsing, Ann",
        "emoji": ["🚀", "🎉"],
        "tags": ["devlog", "python"],
        "categories": ["tools"],
        "new": "🚀 New stuff",
        "fixed": "Squashed bugs",
    }
    assert {"folks", "stuff", "happy", "bugs"} >= {*lines["words"].value} > {"folks"}
    assert lines["person"].evidence == "“I” in 0 and “we” in 9 of 27 sentences"
    assert lines["greeting"].evidence == "3 of 3 posts"
    assert lines["tags"].evidence == "of 3 posts: devlog 3, python 3"
    assert learn(posts(1)) == []


def test_words_that_are_never_used_need_many_sentences() -> None:
    many = [replace(post, paragraphs=(*post.paragraphs, "It is so. " * 30)) for post in posts()]
    assert "never" not in learnt(posts())
    assert "seamless" in learnt(many)["never"]
    assert "folks" not in learnt(many)["never"]


def test_nothing_of_one_post_is_a_habit() -> None:
    texts = [f"Hello {n}!\n\nI did it.\n\nSee you, @ann{n}" for n in range(4)]
    values = learnt([post for n, t in enumerate(texts) if (post := read_post(f"{n}", t))])
    assert values == {"person": "I", "sentence_words": 3}


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with open_desk(tmp_path) as db:
        yield db


def test_what_the_author_chose_stays(db: Database) -> None:
    db.voice.learn([("person", "we", "3 posts"), ("greeting", "Hi!", "2 posts")])
    assert db.voice.all()["person"] == VoiceLine("we", "3 posts", None)
    db.voice.choose({"person": "I", "greeting": "Hi!", "sign_off": "Bye"})
    db.voice.learn([("person", "we", "4 posts")])
    lines = db.voice.all()
    assert {key: line.value for key, line in lines.items()} == {"person": "I", "sign_off": "Bye"}
    assert lines["person"] == VoiceLine("we", "4 posts", "I")
    db.voice.choose({})
    assert db.voice.all() == {"person": VoiceLine("we", "4 posts", None)}
    db.voice.forget()
    assert db.voice.all() == {}


def test_the_file_is_read_as_it_was_written() -> None:
    lines = {line.key: VoiceLine(line.value, line.evidence) for line in learn(posts())}
    lines["greeting"] = VoiceLine("Hi folks!", "3 of 3 posts", "")
    text = to_toml(lines)
    assert "greeting = \"\" # yours; learnt: 'Hi folks!', 3 of 3 posts" in text
    assert 'new = "🚀 New stuff" # for “What is new”: 3 of 3 posts' in text
    assert from_toml(text) == {key: line.value for key, line in lines.items()}


@pytest.mark.parametrize(
    "text",
    [
        *("person = 'you'", "person = 3", "sentence_words = true", "sentence_words = 900"),
        *("tags = 'a'", "tags = [1]", "colour = 'red'", "new = 'x'", "headings = 1", "= ="),
        "[headings]\nperson = 'I'",
    ],
)
def test_what_is_no_voice_is_refused(text: str) -> None:
    with pytest.raises(CopydeskError) as error:
        from_toml(text)
    assert error.value.slug == "bad-voice"


VOICE = Voice(
    person="we",
    greeting="Hi folks!",
    sign_off="Cheers, Ann",
    emoji=("🎉",),
    headings={"new": "🚀 New stuff", "changed": "What is different"},
    tags=("devlog",),
    more_tags=("Fixes",),
    categories=("tools",),
)


def story_in(voice: Voice, inputs: SpanInputs = FULL) -> tuple[Story, list[Any]]:
    facts = span_facts(inputs)
    facts += numbered(voice_facts(voice), len(facts) + 1)
    return word_story(facts, date="2026-11-06", wording=Wording()), facts


def test_a_story_in_the_authors_voice() -> None:
    story, facts = story_in(VOICE)
    assert check(story, facts) == []
    assert voice_of(facts)[0] == replace(VOICE, words=(), never=(), sentence_words=0)
    text = body(story, Style(HUGO))
    assert text.startswith("Hi folks\\!\n\n")
    assert text.endswith("Cheers, Ann\n")
    assert "## 🚀 New stuff\n\n- We added `read_rows`, a function in `pkg/rows.py`" in text
    assert "## What is different\n" in text
    assert "We made 4 commits from 2026-11-01 to 2026-11-04: 4 files differ" in text
    assert story.hook is not None
    assert story.hook.text == "`read_rows`, `Row` and `--strict` are new. 🎉"
    assert (story.tags, story.categories) == (("devlog", "Fixes"), ("tools",))
    assert story_from_json(story_to_json(story)) == story
    again = from_text(to_text(story, facts), story)
    assert (again.greeting, again.sign_off) == (story.greeting, story.sign_off)
    assert (again.tags, again.categories) == (story.tags, story.categories)
    assert to_text(again, facts) == to_text(story, facts)


def test_i_is_said_where_one_person_made_all_commits() -> None:
    one = replace(FULL, contributors=(Contributor("Ada", 4, False),))
    story, facts = story_in(Voice(person="I"), one)
    assert "I made 4 commits" in body(story, Style(HUGO))
    assert check(story, facts) == []
    assert "I made" not in body(story_in(Voice(person="I"))[0], Style(HUGO))
    assert "We removed" in body(story_in(Voice(person="we"))[0], Style(HUGO))


def test_a_greeting_that_is_gone_from_the_form_is_gone() -> None:
    story, facts = story_in(VOICE)
    lines = to_text(story, facts).split("\n")
    text = "\n".join(line for line in lines if not line.startswith(("Greeting:", "Sign-off:")))
    again = from_text(text, story)
    assert (again.greeting, again.sign_off) == (None, None)


def test_no_voice_changes_nothing() -> None:
    facts = span_facts(FULL)
    assert voice_facts(Voice()) == []
    assert story_in(Voice())[1] == facts
    assert values_of(Voice()).keys() >= {*MEANINGS, "person"}
    assert voice_from(values_of(VOICE)) == VOICE


def test_words_that_the_author_never_uses_are_named_and_nothing_is_held_up_for_them() -> None:
    story, facts = story_in(replace(VOICE, never=("simply", "read", "crash")))
    assert unliked_words(story, facts) == []  # what is quoted, or the author's own, stays
    own = Sentence("It simply reads `simply`: “simply”.", (facts[0].id,))
    worse = replace(story, sections=(("Why", (own, replace(own, facts=(MINE,)))),))
    [problem] = unliked_words(worse, facts)
    assert (problem.sentence, problem.token) == (own.text, "simply")
    assert check(story, facts) == []
    stored = StoredStory(1, 1, Span("", "a" * 40, "a" * 40), "open", worse, tuple(facts))
    [note] = [note for note in evidence_of(stored)["notes"] if "never uses" in note]
    assert note == f"“simply” is a word that the author never uses: {own.text}"


def test_the_template_has_no_words_of_style() -> None:
    story, facts = story_in(Voice(never=tuple(STYLE_WORDS)))
    assert unliked_words(story, facts) == []


def test_an_approved_story_is_a_post() -> None:
    post = post_of_story("story 1", story_in(VOICE)[0])
    assert post.paragraphs[0] == "Hi folks!"
    assert post.paragraphs[-1] == "Cheers, Ann"
    assert "🚀 New stuff" in post.headings


_NAME = st.text("abcdefghij", min_size=4, max_size=9)
_NUMBER = st.integers(1000, 10**9)


class _Parrot:
    """A model that repeats what it was shown, and what it was not."""

    def __init__(self, sentences: list[str]) -> None:
        self.sentences = sentences

    def ask(self, prompt: str, **_: object) -> Any:
        facts = re.findall(r'"id": "(F\d+)"', prompt)
        said = [{"text": text, "facts": facts} for text in self.sentences]
        return SimpleNamespace(text=json.dumps({"sentences": said}), model="parrot")


@settings(max_examples=8, deadline=None)
@given(
    names=st.lists(_NAME, min_size=3, max_size=3, unique=True),
    numbers=st.lists(_NUMBER, min_size=3, max_size=3),
    prefix=st.sampled_from(("Quux", "quux")),
)
def test_no_planted_name_or_number_leaks(names: list[str], numbers: list[int], prefix: str) -> None:
    names = [prefix + name for name in names]
    texts = [
        POST.format(title=f"{name} in {number}", tag=f"{name}", number=number, name=name)
        for name, number in zip(names, numbers, strict=True)
    ]
    read = [post for n, text in enumerate(texts) if (post := read_post(f"{n}.md", text))]
    voice = voice_from(learnt(read))
    facts = span_facts(replace(FULL, api=FULL.api[:2], commits=FULL.commits[:1], notes=(), tags=()))
    facts += numbered(voice_facts(voice), len(facts) + 1)
    manner = manner_of(voice, read, facts)
    planted = [*names, *map(str, numbers), *(f"{number:,}" for number in numbers)]
    if prefix == "Quux":
        assert not [word for word in planted if word in manner.prompt]
    shown = re.findall(r"[^\n.]*[.!]", manner.prompt)
    shown += [sentence for post in nearest(read, facts) for sentence in post.sentences]
    wording = Wording(
        _Parrot([text.strip() for text in shown if text.strip()][-16:]), manner=manner
    )
    story = word_story(facts, date="2026-11-06", wording=wording)
    text = to_text(story, facts) + str(story_to_json(story))
    assert not [word for word in planted if word.lower() in text.lower()]


def test_words_of_a_post_are_refused_and_those_of_the_facts_are_not() -> None:
    facts = span_facts(FULL)
    manner = manner_of(replace(VOICE, never=("robust",)), posts(), facts)
    assert manner.faults("Read the rows of a file.") == []
    assert manner.faults("A robust parser.") == ["robust: the author never uses this word"]
    read = [*posts(), Post("x", paragraphs=("The blimp of a file reads rows. " * 9,))]
    assert nearest(read, facts)[0].name == "x"
    assert manner_of(VOICE, read, facts).faults("The blimp is new.") == [
        "blimp: a word of an earlier post, not of the facts"
    ]
    assert manner_of(Voice(), [], facts).prompt == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("We met Zoe in Berlin, 3 times.", "We met X in X times."),
        ("See pkg/rows.py or read_rows, v1.2.", "X or X"),
        ("He said “it is slow” of `f(3)`.", "He said X of X."),
        ("Twenty readers, ann@x.example and @bob wrote.", "X readers, X and X wrote."),
    ],
)
def test_what_belongs_to_a_post_is_masked(text: str, shown: str) -> None:
    assert masked(text) == shown
