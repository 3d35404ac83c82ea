"""Attacks in what comes from outside: every channel shows them as text."""

from __future__ import annotations

import dataclasses
import json
import re
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from ruamel.yaml import YAML

from copydesk.agent.records import Example, Fact, Picture, Poll, Sentence, Story
from copydesk.agent.stories.channels import devlog
from copydesk.agent.stories.channels.changelog import changelog_section, release_notes
from copydesk.agent.stories.channels.discord_limits import HOOK, broken_limits, units
from copydesk.agent.stories.channels.discord_thread import ThreadOptions, build_thread
from copydesk.agent.stories.channels.markdown import GITHUB, JEKYLL, escape, fence
from copydesk.agent.stories.channels.sites import SITES, Post, render
from copydesk.agent.stories.check_story import check
from copydesk.agent.stories.editing_form import from_text, to_text
from copydesk.agent.stories.facts import Unnumbered, Values, numbered, spoken
from copydesk.agent.stories.readers import USES, ReaderOffer, reader_facts
from copydesk.agent.stories.span_template import span_story

ATTACKS = {
    "everyone": "@everyone look here @here",
    "user": "<@123456789012345678> and <@!123456789012345678> <@&987654321098765432>",
    "channel": "<#123456789012345678> </nuke:123456789012345678> <:e:123456789012345678>",
    "masked-link": "[click](https://evil.example/a) [x]: https://evil.example/b",
    "bare-link": "https://evil.example/c and www.evil.example and mail@evil.example",
    "invite": "discord.gg/abc https://discord.com/invite/abc discordapp.com/invite/abc",
    "script": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "comment": "<!-- hidden --> <!--more--> <![CDATA[x]]>",
    "entity": "&lt;b&gt; &#60;b&#62; &nbsp;",
    "liquid": "{{ site.secret }} {% include x %} {%- raw -%} {% endraw %}",
    "hugo": '{{< readfile "/etc/passwd" >}} {{% x %}} {{</* x */>}}',
    "zola": '{{ youtube(id="x") }} {% quote() %} {# x #}',
    "mdx": "export const x = 1; {process.env.SECRET} <Component/>",
    "mdx-import": "import fs from 'node:fs'",
    "ansi": "\x1b[31mred\x1b[0m \x9b2J \x07 \x00",
    "bidi": "abc\u202edef\u2066 z\u200bw \ufeff",
    "front-matter": "---\ndraft: true\n--- +++\ntitle = 1\n+++",
    "fence": "``` \n```python\nx\n``` ~~~ ````",
    "blocks": "# big\n> quote\n- item\n1. one\n| a | b |\n---\n    code",
    "image": "![x](https://evil.example/pixel.png) ||spoiler|| ~~gone~~ __all__",
    "cross-reference": "ada/other#12 fixes #1 @ada/team @ada",
    "attributes": "{:onclick='x'} {#id .class} $$x$$ *[abbr]: x",
}


def story_of(text: str) -> Story:
    """A story that says an attack wherever something from outside may stand."""
    sentence = Sentence(text, ("F1",))
    return Story(
        title=text,
        date="2026-11-24",
        origin="someone",
        hook=sentence,
        sections=((text, (Sentence("Before. " + text, ("F1",)), sentence)), ("Tests", (sentence,))),
        question=sentence,
        poll=Poll(Sentence(f"Poll: {text}", ()), (sentence, Sentence("Other", ()))),
        changes=(("Added", (sentence,)), (text, (sentence,))),
        examples=(Example(text, text, ("F1",), before=text),),
        pictures=(Picture("coverage", sentence, "<svg/>", b"png"),),
        tags=(text,),
    )


POST = Post(7, "x", links=("https://github.com/ada/engine",))
PARSER = (
    MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).disable("text_join")
)
BLOCKS = {
    *("heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline"),
    *("bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close", "fence"),
}
INLINE = {"text", "code_inline", "text_special", "softbreak", "hardbreak"}
OURS = re.compile(r"!\[[^\n]*\]\((?:[./]*(?:x/)?coverage\.svg|\{\{ '[^']*' \| relative_url \}\})\)")


def parts_of(page: str) -> tuple[dict[str, object], str]:
    """The front matter of a post and its body."""
    mark = page[:3]
    _, front, body = page.split(f"{mark}\n", 2)
    if mark == "+++":
        return tomllib.loads(front), body
    return YAML(typ="safe").load(front), body


def check_markdown(body: str, *, more: frozenset[str] = frozenset()) -> None:
    """Nothing but headings, paragraphs, lists, code and our own picture is in a page.

    `text_special` is what a backslash or an entity made plain: nobody reads a link in that.
    """
    own = body.replace("<!--more-->", "")
    for match in OURS.findall(own):
        own = own.replace(match, "picture")
    own = own.replace("<https://github.com/ada/engine", "<engine")
    for token in PARSER.parse(own):
        assert token.type in BLOCKS
        for child in token.children or ():
            assert child.type in INLINE | more, child
            plain = child.content if child.type == "text" else ""
            assert not re.search("://|<", plain)


def check_site(name: str, story: Story) -> None:
    page = render(SITES[name], story, POST)
    front, body = parts_of(page)
    assert front["title"]
    assert front.get("draft", False) is False
    assert not re.search(r"<[a-z/!]", str(front["title"]), re.I)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    if name == "jekyll":
        body = re.sub(r"(?s)\{% raw %\}\n(.*?)\n\{% endraw %\}", r"\1", body)
        liquid = re.sub(r"(?sm)^(`{3,}).*?^\1$", "", body)
        liquid = re.sub(r"\{\{ '/assets/copydesk/x/coverage\.svg' \| relative_url \}\}", "", liquid)
        assert not re.search(r"\{[{%]", liquid)
    elif name == "hugo":
        assert not re.search(r"\{\{[<%]", body)
    elif name == "zola":
        assert not re.search(r"\{[{%#]", body)
    elif name == "astro":
        assert not re.search(
            r"(?m)^(import|export)\b(?![^`]*^```)", re.sub(r"(?sm)^(`{3,}).*?^\1$", "", body)
        )
    check_markdown(body)


def check_thread(story: Story) -> None:
    for part in build_thread(story, ThreadOptions("forum", (), POST.links)):
        assert not broken_limits(part.payload)
        assert part.payload["allowed_mentions"] == {"parse": []}
        text = json.dumps(part.payload, ensure_ascii=False)
        assert not re.search(r"@(everyone|here|[!&]?\d{5})", text, re.I)
        assert not re.search(r"discord(app)?\.(gg|com/invite)", text, re.I)
        content = part.payload.get("content", "")
        assert content.count("```") % 2 == 0
        check_markdown(content, more=frozenset({"strong_open", "strong_close"}))
        if part.kind == "hook":
            assert units(content) <= HOOK


def readers_story(*texts: str) -> tuple[Story, list[Fact]]:
    """A story of readers who wrote texts, in every place that it has for their words."""
    offers = []
    for number, text in enumerate(texts):
        values = {"topic": text, "about": text}
        said: list[Unnumbered] = [
            ("readers", f"3 people: {text}", {"people": 3, **values}),
            ("readers_wait", f"2 people: {text}", {"people": 2 + number, **values}),
            ("reader_quote", f"A reader wrote: “{text}”", {"quote": text, "topic": text}),
            ("asked_and_done", text, {"short": "abcdef12", "subject": text, **values}),
        ]
        offers += [ReaderOffer(use, said) for use in USES]
    days = {"date_1": "2026-11-24", "date_2": "2026-11-24"}
    span: Values = {"commits": 1, "files": 0, "added": 0, "removed": 0, **days}
    facts = numbered([("span", "One commit.", span), *reader_facts(offers)])
    return span_story(facts, date="2026-11-24"), facts


def texts_of(story: Story) -> list[str]:
    """Every text of a story, in order."""
    sentences = [s for _, lines in story.sections for s in lines]
    sentences += [s for s in (story.hook, story.question) if s]
    sentences += story.poll.answers if story.poll else ()
    return [story.title, *(heading for heading, _ in story.sections), *(s.text for s in sentences)]


def check_all(text: str) -> None:
    check_pages(story_of(text))


def check_pages(story: Story) -> None:
    for name in SITES:
        check_site(name, story)
    check_thread(story)
    log = devlog.render(story).replace("*2026-11-24*", "")
    for page in (changelog_section(story), release_notes(story), log):
        check_markdown(page)


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_an_attack_is_shown_as_text(attack: str) -> None:
    check_all(attack)


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_what_readers_wrote_changes_nothing_but_quoted_text(attack: str) -> None:
    story, facts = readers_story(attack, "saving")
    word = "x" * len(spoken(attack))
    plain, _ = readers_story(word, "saving")
    assert check(story, facts) == []
    assert texts_of(plain) == [text.replace(spoken(attack), word) for text in texts_of(story)]
    check_pages(story)
    assert texts_of(from_text(to_text(story, facts), story)) == texts_of(story)


MARKS = "`*_[](){}<>#|~&!$^%\\-+=>.:/@1 ax\n"


@settings(max_examples=25)
@given(
    st.lists(
        st.sampled_from(list(ATTACKS.values())) | st.text(MARKS, max_size=12) | st.text(max_size=8),
        min_size=1,
        max_size=4,
    ).map(" ".join)
)
def test_no_mix_of_attacks_breaks_out(text: str) -> None:
    check_all(text)


def test_a_link_of_the_users_own_remote_stays_one() -> None:
    links = ("https://github.com/ada/engine",)
    assert escape("See https://github.com/ada/engine/pull/1.", links=links) == (
        "See <https://github.com/ada/engine/pull/1>."
    )
    for other in ("https://github.com/ada/engine2/x", "https://github.com/ada/engine/a\u00e9"):
        assert escape(other, links=links) == f"`{other}`"


def test_code_of_a_template_language_stays_code_where_that_can_be_left_alone() -> None:
    assert fence("{{ x }}", "python", JEKYLL) == (
        "{% raw %}\n```python\n{{ x }}\n```\n{% endraw %}"
    )
    assert fence("  {{ x }}\ny", "python", SITES["zola"].dialect) == (
        "&nbsp;&nbsp;\\{\\{ x \\}\\}  \ny"
    )
    assert fence("{{1: 2}}", "python", SITES["hugo"].dialect) == "```python\n{{1: 2}}\n```"
    assert fence("a ``` b", "", GITHUB) == "````\na ``` b\n````"


def test_a_story_with_long_texts_fits_into_every_limit(whole_story: Story) -> None:
    long = Sentence("👍 word " * 400, ("F1",))
    story = dataclasses.replace(
        whole_story,
        title=long.text,
        hook=long,
        question=long,
        poll=Poll(
            Sentence(f"Poll {long.text}", ()),
            tuple(Sentence(f"{n} {long.text}", ()) for n in range(14)),
            hours=9999,
        ),
        pictures=(Picture("coverage", long, "", b"png"),),
    )
    parts = build_thread(story, ThreadOptions("forum", tuple("1234567")))
    assert [part.kind for part in parts].count("question") == 2
    assert parts[0].payload["content"].startswith("👍 word")
    assert len(parts[-1].payload["poll"]["answers"]) == 10
    assert parts[-1].payload["poll"]["duration"] == 768
