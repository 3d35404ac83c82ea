"""What the editor is given and what is read back."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from copydesk.agent.records import Example, Fact, Poll, Sentence, Story
from copydesk.agent.stories.editing_form import CHANGES, EXAMPLES, QUESTION, from_text, to_text
from copydesk.agent.text import clean

FACTS = [Fact("F1", "release", "Released v1.", {}), Fact("F2", "note", "Why.", {})]
LINES = st.text(min_size=1).map(lambda t: clean(" ".join(t.split()), keep="")).filter(bool)
IDS = st.sets(st.sampled_from(["F1", "F2", "mine"])).map(lambda ids: tuple(sorted(ids)))
SENTENCES = st.builds(Sentence, LINES, IDS)
SOME = st.lists(SENTENCES, min_size=1, max_size=3).map(tuple)
HEADINGS = LINES.filter(lambda h: h not in (CHANGES, EXAMPLES, QUESTION))
CODE = st.text(st.characters(exclude_characters="\r", exclude_categories=["Cs"]), min_size=1)
QUESTIONS = st.builds(Poll, SENTENCES, SOME)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    poll = draw(st.none() | QUESTIONS)
    return Story(
        title=draw(LINES),
        date=draw(st.just("") | st.dates().map(str)),
        sections=draw(st.lists(st.tuples(HEADINGS, SOME), max_size=3).map(tuple)),
        origin="template",
        hook=draw(st.none() | SENTENCES),
        question=poll.question if poll else draw(st.none() | SENTENCES),
        poll=poll,
        changes=draw(st.lists(st.tuples(HEADINGS, SOME), max_size=2).map(tuple)),
        examples=draw(
            st.lists(st.builds(Example, CODE, CODE, IDS, st.none() | CODE), max_size=2).map(tuple)
        ),
        tags=draw(st.sampled_from([(), ("release",), ("release", "fixes")])),
    )


@given(stories())
@example(Story("0", "", (), "template", tags=("release",)))
def test_what_nobody_changed_is_the_same_story(story: Story) -> None:
    assert from_text(to_text(story, FACTS), replace(story, title="other")) == story


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    former = Story("T", "", (), "template")
    assert isinstance(from_text(text, former), Story)


STORY = Story(
    "Title",
    "2026-11-30",
    (("What is new", (Sentence("It is out.", ("F1",)), Sentence("And good.", ("F2",)))),),
    "template",
    hook=Sentence("A hook.", ("F1",)),
    question=Sentence("Which?", ("F1",)),
    poll=Poll(Sentence("Which?", ("F1",)), (Sentence("a", ("F1",)), Sentence("b", ("F2",))), 24),
    changes=(("Added", (Sentence("It.", ("F1",)),)),),
    examples=(Example("f(1)\nf(2)", "1", ("F1",), "0"),),
    tags=("release",),
)
TEXT = """\
# Title

*2026-11-30*

> A hook.[^F1]

## What is new

It is out.[^F1]
And good.[^F2]

## Examples

```python
f(1)
f(2)
```
```result
1
```
```before
0
```
[^F1]

## A question to readers

Which?[^F1]

- a[^F1]
- b[^F2]

## List of changes

### Added

- It.[^F1]

Tags: release

[^F1]: Released v1.
[^F2]: Why.
"""


def test_the_form() -> None:
    assert to_text(STORY, FACTS) == TEXT
    assert from_text(TEXT, STORY) == STORY


def test_facts_that_came_later_are_offered_as_footnotes() -> None:
    later = Fact("F9", "note", "Later.", {})
    assert "[^F9]: Later. (new, not told)\n" in to_text(STORY, FACTS, [later])
    assert from_text(to_text(STORY, FACTS, [later]), STORY) == STORY


def test_what_the_editor_types_is_read() -> None:
    text = """\
Words before anything.

# Mine

## Freely

I like it.[^mine]
A new line
- a point [^F2]

```
typed()
```

## A question to readers

## List of changes

- loose
### Fixed
* odd
"""
    story = from_text(text, STORY)
    assert story.title == "Mine"
    assert story.sections == (
        ("", (Sentence("Words before anything.", ()),)),
        (
            "Freely",
            (
                Sentence("I like it.", ("mine",)),
                Sentence("A new line", ()),
                Sentence("a point", ("F2",)),
            ),
        ),
    )
    assert story.examples == (Example("typed()", "", ()),)
    assert (story.hook, story.question, story.poll) == (None, None, None)
    assert story.changes == (
        ("Changed", (Sentence("loose", ()),)),
        ("Fixed", (Sentence("odd", ()),)),
    )
    assert story.tags == ("release",)


def test_an_open_fence_is_an_example() -> None:
    assert from_text("## Examples\n\n```python\nf()", STORY).examples == (Example("f()", "", ()),)


def test_prose_below_the_question_and_the_list_of_changes_goes_on_the_last_section() -> None:
    text = "# T\n\n## Behind it\n\nOne.\n\n## A question to readers\n\nWhich?\nOr this?\n"
    text += "\n## List of changes\n\n### Added\n- `f`\n\nMore.\n"
    story = from_text(text, STORY)
    assert story.sections[-1][0] == "Behind it"
    assert [sentence.text for sentence in story.sections[-1][1]] == ["One.", "Or this?", "More."]
    assert story.question == Sentence("Which?", ())
    assert story.changes == (("Added", (Sentence("`f`", ()),)),)
