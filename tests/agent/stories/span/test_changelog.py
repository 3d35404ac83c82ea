from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.stories.span.changelog import Entry, is_changelog, new_entries, without_pages

BEFORE = """# Changelog

## Unreleased

- Old entry.

## 1.0

- Ancient entry.
"""


def test_entries_are_those_under_headings_that_were_open() -> None:
    after = BEFORE.replace("- Old entry.", "- Old entry.\n- Newer entry.").replace(
        "Ancient entry", "Ancient entry, reworded"
    )
    assert new_entries("CHANGELOG.md", BEFORE, after) == [Entry("Newer entry.", "")]


def test_a_new_version_brings_its_categories() -> None:
    after = BEFORE.replace(
        "## Unreleased",
        "## 2.0\n\n### Added\n\n* A [thing](http://x.example)\n  that goes on.\n    - a detail\n\n"
        "**Bug fixes:**\n\n+ One fix\n\n### Internal\n\n- nobody sees\n\n## Unreleased",
    )
    assert new_entries("CHANGELOG.md", BEFORE, after) == [
        Entry("A thing that goes on.", "Added"),
        Entry("One fix", "Fixed"),
    ]


def test_restructured_text_is_read_without_its_roles() -> None:
    before = "Version 1.0\n-----------\n\n-   Old.\n"
    after = (
        "Version 1.1\n-----------\n\nUnreleased\n\n-   Fix :func:`~click.edit` and ``x``.\n"
        "    :issue:`12` :pr:`a`\n-   See `the page <http://x.example>`_.\n\n" + before
    )
    assert new_entries("CHANGES.rst", before, after) == [
        Entry("Fix `click.edit` and `x`. #12 a", ""),
        Entry("See the page.", ""),
    ]


@pytest.mark.parametrize(
    ("path", "category"),
    [
        ("changes/12.feature.md", "Added"),
        ("newsfragments/12.bugfix.rst", "Fixed"),
        ("changelog.d/20260101-removed", "Removed"),
    ],
)
def test_a_news_fragment_is_an_entry(path: str, category: str) -> None:
    assert is_changelog(path)
    assert new_entries(path, "", "Words\nof it.\n") == [Entry("Words of it.", category)]
    assert new_entries(path, "Words.", "Other words.") == []
    assert new_entries(path, "", " \n") == []


@pytest.mark.parametrize("path", ["CHANGES", "docs/changelog.rst", "HISTORY.md", "news.txt"])
def test_changelogs_are_known_by_name(path: str) -> None:
    assert is_changelog(path)


@pytest.mark.parametrize("path", ["changes.py", "README.md", "changes/README.md", "a/history.json"])
def test_other_files_are_not(path: str) -> None:
    assert not is_changelog(path)


def test_a_changelog_that_is_new_tells_nothing() -> None:
    assert new_entries("CHANGELOG.md", "", BEFORE) == []


def test_a_long_entry_ends_at_a_word() -> None:
    words = "`word` " * 80
    (entry,) = new_entries("CHANGELOG.md", BEFORE, f"## 2.0\n\n- {words}\n\n{BEFORE}")
    assert len(entry.text) <= 301
    assert entry.text.endswith("…")
    assert entry.text.count("`") % 2 == 0


@given(st.text(), st.text())
def test_any_text_is_read(before: str, after: str) -> None:
    for entry in new_entries("CHANGELOG.md", before, after):
        assert entry.text
        assert "\n" not in entry.text


def test_a_page_on_changelogs_is_none_where_there_is_one_at_the_top() -> None:
    paths = ["CHANGELOG.md", "docs/commands/changelog.md"]
    assert without_pages(paths, [*paths, "a.py"]) == ["CHANGELOG.md"]
    assert without_pages(["docs/changelog.rst"], ["a.py", "docs/changelog.rst"]) == [
        "docs/changelog.rst"
    ]
