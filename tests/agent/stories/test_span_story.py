"""The story of a span as the template tells it, and what the checker says when it is altered."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from copydesk.agent.git.repository import LoggedCommit, Tag, TouchedFile
from copydesk.agent.records import Example, Fact, Picture, Sentence, Story
from copydesk.agent.stories.check_story import MINE, check, check_sentence
from copydesk.agent.stories.facts import StoryInputs, numbered
from copydesk.agent.stories.public_api import ApiChange
from copydesk.agent.stories.span import AuthorNote, SpanInputs, span_facts
from copydesk.agent.stories.span.changelog import Entry
from copydesk.agent.stories.span.contributors import Contributor
from copydesk.agent.stories.span.facts import AcceptedDraft, ChangedCall
from copydesk.agent.stories.span_items import left_out
from copydesk.agent.stories.span_template import span_story


def commit(
    number: int, subject: str, *paths: str, body: str = "", author: str = "Ada"
) -> LoggedCommit:
    sha = f"{number:x}{'ab1' * 13}"
    day = f"2026-11-{number:02d}T10:00:00+01:00"
    files = tuple(TouchedFile(path, 3, 1) for path in paths or ("pkg/rows.py",))
    return LoggedCommit(sha, ("p",), author, f"{author}@x.example", day, day, subject, body, files)


COMMITS = (
    commit(1, "feat(rows): add read_rows (#12)", body="Callers had to split the lines by hand."),
    commit(2, "Fix a crash on empty files", author="Bob Builder"),
    commit(3, "Add tests for rows", "tests/test_rows.py"),
    commit(4, "Speed: skip blank lines early"),
)
API = (
    ApiChange("added", "pkg/rows.py", "read_rows", "function", doc="Read the rows of a file."),
    ApiChange("added", "pkg/rows.py", "Row", "class"),
    ApiChange("parameter added", "pkg/rows.py", "parse", "function", "strict", after="False"),
    ApiChange("parameter added", "pkg/rows.py", "Table", "class", "limit"),
    ApiChange("parameter removed", "pkg/rows.py", "parse", "function", "lax"),
    ApiChange("default changed", "pkg/rows.py", "fetch", "function", "timeout", "10", "30"),
    ApiChange("removed", "pkg/old.py", "legacy", "function"),
    ApiChange("moved", "pkg/rows.py", "helper", "function", before="pkg/old.py"),
    ApiChange("deprecated", "pkg/rows.py", "load_all", "function"),
    ApiChange("option added", "pkg/cli.py", "--strict", "option", doc="Refuse unknown keys."),
    ApiChange("option removed", "pkg/cli.py", "--lax", "option"),
    ApiChange("option default", "pkg/cli.py", "--jobs", "option", "", "1", "4"),
)
MEASURED = StoryInputs(
    "f" * 40,
    "",
    tests_selected=12,
    tests_total=340,
    tests_passed=12,
    tests_failed=0,
    percent_before=90.0,
    percent_after=93.5,
)
FULL = SpanInputs(
    commits=COMMITS,
    files=4,
    added=120,
    removed=31,
    api=API,
    tags=(Tag("v2.0", COMMITS[3].sha, "2026-11-05"),),
    contributors=(Contributor("Ada", 3, False), Contributor("Bob Builder", 1, True)),
    notes=(AuthorNote("Rows were the most asked for.", "read_rows"), AuthorNote("It was time.")),
    fixed_tests=("tests/test_rows.py::test_empty",),
    accepted=(AcceptedDraft("pkg/rows.py", "parse"),),
    measured=MEASURED,
    floor=95.0,
    project="tables",
)
FACTS = span_facts(FULL)
STORY = span_story(FACTS, date="2026-11-06")


def prose(story: Story) -> dict[str, str]:
    return {heading: " ".join(s.text for s in lines) for heading, lines in story.sections}


def test_what_readers_get_comes_first_and_numbers_last() -> None:
    assert STORY.title == "What is new in tables v2.0"
    assert list(prose(STORY)) == [
        *("What is new", "What changed", "What is fixed", "Why", "How it was tested", "Behind it"),
    ]
    assert prose(STORY)["What is new"] == (
        "`read_rows` is new, a function in `pkg/rows.py`: “Read the rows of a file.” `Row` is new,"
        " too. The option `--strict` is new: “Refuse unknown keys.” `parse` takes a new parameter,"
        " `strict` (default `False`). `Table` in `pkg/rows.py` takes `limit` now."
    )
    assert prose(STORY)["What changed"] == (
        "`parse` in `pkg/rows.py` no longer takes `lax`. The default of `timeout` in `fetch` is"
        " `30` now; it was `10`. `legacy` is gone from `pkg/old.py`. `helper` has moved from"
        " `pkg/old.py` to `pkg/rows.py`. `load_all` in `pkg/rows.py` is deprecated. The option"
        " `--lax` is gone from `pkg/cli.py`. The default of `--jobs` is `4` now; it was `1`. Speed:"
        " skip blank lines early."
    )
    assert prose(STORY)["What is fixed"] == "Fix a crash on empty files."
    assert prose(STORY)["Why"] == (
        "On `read_rows`: “Rows were the most asked for.” “It was time.”"
        " “Callers had to split the lines by hand.” (`1ab1ab1`)"
    )
    assert prose(STORY)["How it was tested"] == (
        "`tests/test_rows.py::test_empty` failed before and passes now."
        " 1 test draft joined the suite, for `parse`. 12 of 340 tests ran, and all passed."
        " Coverage rose from 90% to 93.5%, up 3.5 points. That is below the floor of 95%."
    )
    assert prose(STORY)["Behind it"] == (
        "`v2.0` was tagged on 2026-11-05. After the 4 commits from 2026-11-01 to 2026-11-04, 4"
        " files differ, with 120 lines added and 31 removed. Going by the type in their subject,"
        " the files that they touch and the words of their subject, 1 of the 4 commits is"
        " documentation, tests and upkeep. The commits are by Ada and Bob Builder. A first commit"
        " here is by Bob Builder."
    )
    assert STORY.hook == Sentence("`read_rows`, `Row` and `--strict` are new.", STORY.hook.facts)  # type: ignore[union-attr]
    assert STORY.poll is not None
    assert STORY.question == STORY.poll.question
    assert [category for category, _ in STORY.changes] == [
        *("Added", "Changed", "Deprecated", "Removed", "Fixed"),
    ]
    assert STORY.tags == ("release", "features", "fixes")


def test_it_is_true_to_its_facts() -> None:
    assert check(STORY, FACTS) == []


def test_a_parameter_of_another_name_was_renamed() -> None:
    change = ApiChange("parameter renamed", "pkg/rows.py", "join", "function", "rows", "aList")
    facts = span_facts(replace(FULL, api=(change,)))
    story = span_story(facts, date="")
    assert "The parameter `aList` of `join` was renamed to `rows`." in prose(story)["What changed"]
    assert check(story, facts) == []


def test_a_changelog_that_is_kept_leads() -> None:
    entries = (
        Entry("`read_rows()` reads rows. It is quick. (#12)", "Added"),
        Entry("Crash on empty files is gone, #13.", "Fixed"),
        Entry("Other words altogether", ""),
    )
    facts = span_facts(replace(FULL, tags=(), entries=tuple(("CHANGES.md", e) for e in entries)))
    story = span_story(facts, date="")
    assert story.title.startswith("New: read_rows and --strict")
    assert prose(story)["What is new"].startswith("`read_rows()` reads rows. The option")
    assert prose(story)["What is fixed"] == "Crash on empty files is gone."
    assert story.hook is not None
    assert story.hook.text == "`read_rows()` reads rows."
    assert "Row` is new" not in prose(story)["What is new"]
    assert check(story, facts) == []


def test_a_small_span() -> None:
    facts = span_facts(SpanInputs(COMMITS[1:2], files=1, added=3, removed=1))
    story = span_story(facts, date="")
    assert story.title == "Fix a crash on empty files"
    assert prose(story) == {
        "What is fixed": "Fix a crash on empty files.",
        "Behind it": "After the 1 commit of 2026-11-02, 1 file differs, with 3 lines added and"
        " 1 removed.",
    }
    assert (story.poll, story.question) == (None, Sentence("What should come next?", ("F1",)))
    assert check(story, facts) == []


def test_a_span_without_anything_for_readers() -> None:
    facts = span_facts(SpanInputs(COMMITS[2:3], files=1, added=3))
    story = span_story(facts, date="")
    assert story.title == "Changes up to 2026-11-03"
    assert story.hook is None
    assert check(story, facts) == []


def test_many_things_stay_within_the_words() -> None:
    commits = tuple(
        commit(n, f"Add thing number {n} " + "with many words " * 8, body="Why " * 300)
        for n in range(1, 29)
    )
    people = tuple(Contributor(f"Person {chr(65 + n)}", 1, True) for n in range(15))
    facts = span_facts(replace(FULL, commits=commits, contributors=people, tags=()))
    story = span_story(facts, date="")
    assert sum(len(text.split()) for text in prose(story).values()) < 700
    assert "3 others" in prose(story)["Behind it"]
    assert check(story, facts) == []


def test_many_releases_are_one_sentence() -> None:
    tags = tuple(Tag(f"v{n}.0", COMMITS[n].sha, f"2026-11-0{n + 1}") for n in range(3))
    facts = span_facts(replace(FULL, tags=tags))
    story = span_story(facts, date="")
    behind = prose(story)["Behind it"]
    assert behind.startswith(
        "3 releases were tagged from 2026-11-01 to 2026-11-03, `v0.0` to `v2.0`. After"
    )
    assert check(story, facts) == []
    wrong = Sentence("4 releases were tagged.", tuple(fact.id for fact in facts))
    assert check_sentence(wrong, facts)


def test_the_days_are_those_of_the_commits_that_count() -> None:
    merge = commit(9, "Merge branch")._replace(parents=("p", "q"))
    facts = span_facts(SpanInputs((*COMMITS[:2], merge)))
    assert (facts[0].values["commits"], facts[0].values["date_2"]) == (2, "2026-11-02")
    assert span_facts(SpanInputs((merge,)))[0].values["date_2"] == "2026-11-09"


def test_a_reason_is_a_paragraph_that_gives_one() -> None:
    commits = (
        commit(1, "Add one", body="Rebased onto main because of conflicts.\n\nIt was one of many."),
        commit(2, "Add two", body="People could not count past one."),
        commit(3, "Add three", body="Changes: - one thing - another - a third"),
    )
    story = span_story(span_facts(SpanInputs(commits)), date="")
    assert prose(story)["Why"] == "“People could not count past one.” (`2ab1ab1`)"


ALTERED = [
    ("`read_rows` is new", "`read_rows` is gone"),
    ("`read_rows` is new", "`read_row` is new"),
    ("Read the rows", "Read two rows"),
    ("takes a new parameter, `strict`", "takes a new parameter, `lax`"),
    ("(default `False`)", "(default `True`)"),
    ("is `30` now; it was `10`", "is `10` now; it was `30`"),
    ("is `30` now; it was `10`", "is `30` now; it was `30`"),
    ("from `pkg/old.py` to `pkg/rows.py`", "from `pkg/rows.py` to `pkg/old.py`"),
    ("is deprecated", "is gone"),
    ("no longer takes `lax`", "takes `lax`"),
    ("Rows were the most asked for", "Rows were the least asked for"),
    ("failed before and passes now", "failed before and 3 pass now"),
    ("rose from 90% to 93.5%", "fell from 90% to 93.5%"),
    ("the floor of 95%", "the floor of 93.5%"),
    ("tagged on 2026-11-05", "tagged on 2026-11-06"),
    ("from 2026-11-01 to 2026-11-04", "from 2026-11-04 to 2026-11-01"),
    ("from 2026-11-01 to 2026-11-04", "from 2026-11-01 to 2026-11-01"),
    ("1 of the 4 commits", "4 of the 4 commits"),
    ("by Ada and Bob Builder", "by Ada and Bob Breaker"),
    ("by Ada and Bob Builder", "by Ada and Ada"),
    ("here is by Bob Builder", "here is by Ada"),
    ("(`1ab1ab1`)", "(`2ab1ab1`)"),
    ("Fix a crash on empty files.", "Fix 3 crashes on empty files."),
]


@pytest.mark.parametrize(("true", "altered"), ALTERED)
def test_what_is_altered_is_caught(true: str, altered: str) -> None:
    sentences = [s for _, lines in STORY.sections for s in lines if true in s.text]
    assert sentences
    for sentence in sentences:
        assert check_sentence(replace(sentence, text=sentence.text.replace(true, altered)), FACTS)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("This adds `read_rows` and `Row`.", ["api added", "note"]),
        ("We moved `helper` into `pkg/rows.py`.", ["api moved"]),
        ("Ada wrote most of it.", ["contributor"]),
        ("See #12 for it.", ["reference"]),
        ("The type of read_rows is in #12.", ["api added", "reference"]),
        ("v2.0 came on 5 November 2026.", ["release"]),
    ],
)
def test_true_sentences_freely_worded(text: str, kinds: list[str]) -> None:
    ids = tuple(fact.id for fact in FACTS if fact.kind in kinds)
    assert check_sentence(Sentence(text, ids), FACTS) == []


def test_a_sentence_that_the_editor_vouches_for_is_exempt() -> None:
    assert check_sentence(Sentence("The best of 99 releases!", (MINE,)), FACTS) == []


def test_titles_headings_questions_and_captions_are_checked() -> None:
    wrong = "The best of 99"
    picture = Picture("coverage", Sentence("Coverage fell to 3%.", ("F1",)), "<svg/>")
    story = replace(
        STORY,
        title=wrong,
        sections=((wrong, ()),),
        changes=((wrong, ()),),
        question=Sentence("Are 77 rows enough?", ("F1",)),
        poll=None,
        pictures=(picture,),
    )
    assert {p.sentence for p in check(story, FACTS)} == {
        *(wrong, "Are 77 rows enough?", "Coverage fell to 3%."),
    }


def test_an_example_shows_what_came_back() -> None:
    values = {"code": "f(1)", "result": "2", "before": "1", "name": "f"}
    facts = [*FACTS, Fact("F99", "example", "f(1) gave 2.", values)]
    right = Example("f(1)", "2", ("F99",), "1")
    assert check(replace(STORY, examples=(right,)), facts) == []
    for wrong in (
        replace(right, result="3"),
        replace(right, before=None),
        replace(right, code="f(2)"),
        replace(right, facts=("F1",)),
    ):
        assert check(replace(STORY, examples=(wrong,)), facts)
    assert check(replace(STORY, examples=(replace(right, result="3", facts=(MINE,)),)), facts) == []


def test_words_between_facts_are_not_the_authors() -> None:
    (fact,) = [fact for fact in FACTS if fact.values.get("short") == COMMITS[1].sha[:7]]
    assert not check_sentence(Sentence("Fix a crash on empty files", (fact.id,)), FACTS)
    assert re.search("99", check_sentence(Sentence("Fix 99 crashes", (fact.id,)), FACTS)[0].token)


RENAMED = [
    fact
    for fact in span_facts(
        replace(
            FULL,
            api=(
                ApiChange("parameter renamed", "rows.py", "join", "function", "rows", "aList"),
                API[5],
            ),
        )
    )
    if fact.kind in ("parameter renamed", "default changed")
]


@pytest.mark.parametrize(
    ("text", "is_true"),
    [
        ("The parameter `aList` of `join` was renamed to `rows`.", True),
        ("`join` renames `aList` to `rows`.", True),
        ("The parameter `rows` of `join` was renamed to `aList`.", False),
        ("The parameter `rows` of `join` was renamed to `rows`.", False),
        ("The parameter `aList` of `join` was renamed from `rows`.", False),
        ("The parameter `aList` of `join` was removed for `rows`.", False),
        ("`join` no longer takes `aList`.", False),
    ],
)
def test_a_renamed_parameter_is_told_as_that(text: str, is_true: bool) -> None:
    renamed = RENAMED[0]
    assert renamed.text.endswith("parameter renamed: rows, before aList.")
    assert (check_sentence(Sentence(text, (renamed.id,)), RENAMED) == []) == is_true


def test_only_a_renamed_parameter_was_renamed() -> None:
    sentence = Sentence("`timeout` in `fetch` was renamed.", (RENAMED[1].id,))
    assert [problem.token for problem in check_sentence(sentence, RENAMED)] == ["renamed"]


def test_a_long_list_ends_with_how_many_more_there_are() -> None:
    many = tuple(ApiChange("added", "pkg/rows.py", f"row_{n}", "function") for n in range(30))
    facts = span_facts(replace(FULL, api=many, commits=COMMITS[3:], tags=()))
    facts += numbered(left_out(facts), len(facts) + 1)
    assert facts[-1].text == "19 more under Added than are listed."
    story = span_story(facts, date="")
    added = dict(story.changes)["Added"]
    assert (len(added), added[-1].text) == (12, "And 19 more.")
    assert check(story, facts) == []
    assert check_sentence(replace(added[-1], text="And 20 more."), facts)


def test_the_entries_of_a_changelog_are_all_listed() -> None:
    entries = tuple(("CHANGES.md", Entry(f"Thing number {n}.", "Added")) for n in range(13))
    facts = span_facts(replace(FULL, entries=entries))
    assert left_out(facts) == []
    assert len(dict(span_story(facts, date="").changes)["Added"]) > 13


CALLS = (
    ChangedCall("a" * 40, "pkg/rows.py", "price", "price(11)", "10", "11"),
    ChangedCall("b" * 40, "pkg/rows.py", "rows", "rows('')", "raised ValueError: empty", "[]"),
    ChangedCall("c" * 40, "pkg/rows.py", "rows", "rows(2)", "[1]", "raised TypeError: no"),
    ChangedCall("d" * 40, "pkg/rows.py", "rows", "rows('`')", "1", "2"),
)


@pytest.mark.parametrize("api", [API, API[:2]])
def test_what_a_call_gives_now_stands_in_what_changed(api: tuple[ApiChange, ...]) -> None:
    facts = span_facts(replace(FULL, api=api, behaviour=CALLS))
    story = span_story(facts, date="")
    calls = dict(story.sections)["What changed"][-3:]
    assert [sentence.text for sentence in calls] == [
        "Since `aaaaaaa` the call `price(11)` gives `11`; before it gave `10`.",
        "Since `bbbbbbb` the call `rows('')` gives `[]`; before it raised `ValueError: empty`.",
        "Since `ccccccc` the call `rows(2)` raises `TypeError: no`; before it gave `[1]`.",
    ]
    assert check(story, facts) == []


@pytest.mark.parametrize(
    ("true", "altered"),
    [
        ("gives `11`; before it gave `10`", "gives `10`; before it gave `11`"),
        ("gives `11`", "gives `12`"),
        ("gave `10`", "gave `11`"),
        ("`price(11)`", "`price(12)`"),
        ("`aaaaaaa`", "`bbbbbbb`"),
    ],
)
def test_an_altered_call_is_caught(true: str, altered: str) -> None:
    facts = span_facts(replace(FULL, behaviour=CALLS))
    sentence = next(
        s for s in dict(span_story(facts, date="").sections)["What changed"] if "price" in s.text
    )
    assert true in sentence.text
    assert check_sentence(replace(sentence, text=sentence.text.replace(true, altered)), facts)


def test_a_name_with_quotes_in_it_is_a_name() -> None:
    names = ["Ada", "Ben '535' Blank", *(f"Person {chr(65 + n)}" for n in range(11))]
    people = tuple(Contributor(name, 1, first=n < 2) for n, name in enumerate(names))
    facts = span_facts(replace(FULL, contributors=people))
    story = span_story(facts, date="")
    text = prose(story)["Behind it"]
    assert "by Ada, Ben '535' Blank, Person A" in text
    assert "Person J and 1 other." in text
    assert check(story, facts) == []
