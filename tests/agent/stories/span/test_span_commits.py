"""What a commit is, what it names, and who made it."""

from __future__ import annotations

import pytest

from copydesk.agent.git.repository import LoggedCommit
from copydesk.agent.stories.span import (
    issue_address,
    kind_of,
    web_address,
    without_type,
)
from copydesk.agent.stories.span.contributors import Contributor, contributors
from copydesk.agent.stories.span.references import Reference, references

SOURCE = ["pkg/a.py"]


@pytest.mark.parametrize(
    ("subject", "paths", "theme", "by"),
    [
        ("feat(cli)!: add it", SOURCE, "added", "type"),
        ("fix: mend it", ["docs/a.md"], "fixed", "type"),
        ("fix(tests): mend it", SOURCE, "tests", "type"),
        ("chore: tidy", SOURCE, "upkeep", "type"),
        ("bump: 1.0", SOURCE, "release", "type"),
        ("note: no type", SOURCE, "changed", ""),
        ("Add tests for a", ["tests/test_a.py"], "tests", "files"),
        ("Add a page", ["docs/a.rst", "README.md"], "docs", "files"),
        ("New logo", ["art/logo.svg"], "docs", "files"),
        ("Move to uv", [".github/workflows/x.yml", "uv.lock"], "upkeep", "files"),
        ("Lint", [".pre-commit-config.yaml", "tests/test_a.py"], "upkeep", "files"),
        ("Licence", ["LICENSE.md"], "upkeep", "files"),
        ("Adds a thing", SOURCE, "added", "word"),
        ("[fix] the thing", SOURCE, "fixed", "word"),
        ("Remove it", SOURCE, "removed", "word"),
        ("Deprecate it", SOURCE, "deprecated", "word"),
        ("Version 1.2.3", SOURCE, "release", "word"),
        ("Apply black formatting", SOURCE, "upkeep", "word"),
        ("fixup! feat", SOURCE, "upkeep", "word"),
        ("Rework it", SOURCE, "changed", ""),
        ("", [], "changed", ""),
    ],
)
def test_what_a_commit_is(subject: str, paths: list[str], theme: str, by: str) -> None:
    assert kind_of(subject, paths)[:2] == (theme, by)


def test_scope_and_break_of_a_conventional_commit() -> None:
    kind = kind_of("feat(cli)!: add it", SOURCE)
    assert (kind.scope, kind.breaking) == ("cli", True)


def test_a_merge_is_a_merge() -> None:
    assert kind_of("feat: x", SOURCE, merge=True).theme == "merge"


@pytest.mark.parametrize(
    ("subject", "plain"),
    [("feat(x): Do it (#12)", "Do it"), ("Do it (GH-3)", "Do it"), ("odd: it", "odd: it")],
)
def test_a_subject_without_type_and_number(subject: str, plain: str) -> None:
    assert without_type(subject) == plain


def test_references_are_numbers_of_issues() -> None:
    text = "Mend it (#12), closes #7, GH-8; see a/b#3, page#4, &#39; and colour #1.2 #12"
    assert references(text) == [Reference(12, False), Reference(7, True), Reference(8, False)]


@pytest.mark.parametrize(
    ("remote", "page"),
    [
        ("https://github.com/o/r.git", "https://github.com/o/r"),
        ("https://me:secret@github.com/o/r", "https://github.com/o/r"),
        ("git@github.com:o/r.git", "https://github.com/o/r"),
        ("ssh://git@gitlab.com:22/g/sub/r.git", "https://gitlab.com/g/sub/r"),
        ("https://codeberg.org/o/r/", "https://codeberg.org/o/r"),
        ("https://github.com.evil.example/o/r", ""),
        ("https://git.example.com/o/r", ""),
        ("/srv/git/r.git", ""),
        ("", ""),
    ],
)
def test_a_page_is_known_of_known_hosts_only(remote: str, page: str) -> None:
    assert web_address(remote) == page


def test_addresses_of_issues() -> None:
    assert issue_address("https://github.com/o/r", 3) == "https://github.com/o/r/issues/3"
    assert issue_address("https://gitlab.com/o/r", 3) == "https://gitlab.com/o/r/-/issues/3"
    assert issue_address("", 3) == ""


def logged(
    author: str, email: str, body: str = "", parents: tuple[str, ...] = ("p",)
) -> LoggedCommit:
    return LoggedCommit("a" * 40, parents, author, email, "", "", "s", body, ())


def test_contributors_by_name_with_first_ones_marked() -> None:
    commits = [
        logged("Ada", "ada@x.example"),
        logged("Ada", "ada@home.example"),
        logged("Bob", "bob@x.example", "Co-authored-by: Cleo <cleo@x.example>"),
        logged("dependabot[bot]", "bot@x.example"),
        logged("Dan", "dan@x.example", parents=("p", "q")),
    ]
    before = [("Ada", "ada@x.example"), ("C.", "cleo@x.example")]
    assert contributors(commits, before) == [
        Contributor("Ada", 2, False),
        Contributor("Bob", 1, True),
        Contributor("Cleo", 1, False),
    ]
    assert contributors(commits, None)[1] == Contributor("Bob", 1, None)
