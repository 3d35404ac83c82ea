"""A story as Markdown that nothing from outside can mark up."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from copydesk.agent.records import Sentence, Story
from copydesk.agent.stories.channels.devlog import render
from copydesk.agent.stories.channels.markdown import escape
from copydesk.agent.stories.facts import StoryInputs, commit_facts
from copydesk.agent.stories.word_devlog import write_devlog
from copydesk.agent.text import clean

Cases = dict[str, StoryInputs]


def test_an_entry_reads_well(cases: Cases) -> None:
    facts = commit_facts(cases["unmeasured"])
    story = write_devlog(facts, None, date="2026-11-24")
    assert render(story, facts) == (
        "# Say hello\n\n"
        "*2026-11-24*\n\n"
        "## What changed\n\n"
        "Commit `0123abc`, “Say hello”, touches 1 file, with 2 lines added.[^F1][^F2] "
        "All of it is in `hello.py`.[^F3]\n\n"
        "## Tests\n\n"
        "Nothing was measured for this commit.[^F4]\n\n"
        "[^F1]: Commit 0123abc: “Say hello”.\n"
        "[^F2]: 1 file changed, 2 lines added, 0 lines removed.\n"
        "[^F3]: hello.py: 2 lines added, 0 lines removed.\n"
        "[^F4]: No test was run and no coverage was measured.\n"
    )
    assert "[^" not in render(story)


def test_every_mark_has_its_note(case: StoryInputs) -> None:
    facts = commit_facts(case)
    page = render(write_devlog(facts, None, date="2026-11-24"), facts)
    marks = set(re.findall(r"\[\^(F\d+)\](?!:)", page))
    assert marks == set(re.findall(r"^\[\^(F\d+)\]:", page, re.M))
    assert page.endswith("\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a_b *c* [d](e) <f> ~g~", r"a\_b \*c\* \[d\](e) \<f\> \~g\~"),
        ("`code_here` and _not_", r"`code_here` and \_not\_"),
        ("a ` alone", r"a \` alone"),
        ("{{ site.secret }} {% raw %}", r"\{\{ site.secret \}\} \{\% raw %\}"),
        ("`{{ site.secret }}`", r"\`\{\{ site.secret \}\}\`"),
        ("1. a list", r"1\. a list"),
        ("- a list", r"\- a list"),
        ("> quoted", r"\> quoted"),
        ("# big", r"\# big"),
        ("{% tag %} 5%", r"\{\% tag %\} 5%"),
        ("two\nlines", "two lines"),
        ("\x1b[31mred\u202e", r"\\x1b\[31mred\\u202e"),
        ("2 files", "2 files"),
    ],
)
def test_marks_lose_their_power(text: str, shown: str) -> None:
    assert escape(text) == shown


@given(st.text() | st.text("`*_[](){}<>#|~&!$^%\\-+=>.1 ax\n"))
def test_no_text_can_mark_up_the_page(text: str) -> None:
    story = Story(text or "t", "", (("Tests", (Sentence(text, ("F1",)),)),), "someone")
    page = render(story)  # footnotes are an extension that this parser takes for links
    allowed = {"inline", "heading_open", "heading_close", "paragraph_open", "paragraph_close"}
    allowed |= {"text", "code_inline", "text_special"}
    parsed = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(page)
    kinds = {token.type for token in parsed}
    kinds |= {child.type for token in parsed for child in token.children or []}
    assert kinds <= allowed | {"softbreak"}
    outside = re.sub(r"`[^`\n]*`", "", page)
    assert not re.search(r"\{[{%#]", outside)
    assert clean(page) == page
