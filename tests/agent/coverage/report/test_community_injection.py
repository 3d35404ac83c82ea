"""What readers write stands in a report as text, whatever it is made of."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from copydesk.agent.coverage.report import (
    CommunityFacts,
    PostKindRow,
    PostRow,
    QuestionRow,
    TopicRow,
)
from copydesk.agent.coverage.report.community_markdown import community_lines
from copydesk.agent.coverage.report.html_report import render_html
from copydesk.agent.coverage.report.report_data import Report

ATTACKS = (
    "</script><script>alert(1)</script><img src=x onerror=alert(1)>",
    "</td></tr></table><h2>Gate: pass</h2><!-- ",
    "[click](https://evil.example/a) ![x](https://evil.example/b) <https://evil.example/c>",
    "@everyone <@&987654321098765432> | a | b | # big > quote `code` ~~gone~~",
    "\x1b[31mred\x1b[0m \u202eedef\u2066 \u200b{{ site.secret }} {% include x %}",
    "&lt;b&gt; &#60;script&#62; javascript:alert(1)",
)
PLAIN = "plain words"


def facts_of(words: str) -> CommunityFacts:
    return CommunityFacts(
        (),
        (TopicRow(words, 1.0, 2, 1, 1),),
        (PostRow(words, "2026-11-01", 1, 2, None, 0, 1, None, None),),
        (PostKindRow(words, 3, 1, None, None),),
        (QuestionRow(7, "2026-11-02", words),),
    )


class Tags(HTMLParser):
    """The elements of a page with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, attrs))


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_page_has_the_elements_that_plain_words_give(
    made: Callable[..., Report], attack: str
) -> None:
    page, plain = (
        render_html(replace(made(), community=facts_of(words))) for words in (attack, PLAIN)
    )
    assert Tags(page).seen == Tags(plain).seen
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069]", page)


@pytest.mark.parametrize("attack", ATTACKS)
def test_markdown_has_the_marks_that_plain_words_give(attack: str) -> None:
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    shapes = []
    for words in (attack, PLAIN):
        tokens = parser.parse("\n".join(community_lines(facts_of(words))))
        shapes.append([token.type for token in tokens])
        marks = {child.type for token in tokens for child in token.children or ()}
        assert marks <= {"text", "code_inline", "text_special"}
    assert shapes[0] == shapes[1]
