"""What a commit is: by its conventional type, by the files it touches, by its first word."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import NamedTuple

from copydesk.agent.coverage.source import is_test_file
from copydesk.agent.stories.vocabulary import words

THEMES = (
    *("added", "changed", "deprecated", "removed", "fixed", "security"),
    *("docs", "tests", "upkeep", "release", "merge"),
)
"""What a commit may be; the first six are for those who use the project."""
FOR_READERS = frozenset(THEMES[:6])

_CONVENTIONAL = re.compile(r"(?P<type>[a-zA-Z]+)(?:\((?P<scope>[^()]*)\))?(?P<breaking>!)?:\s+")
_TYPES = {
    **dict.fromkeys(("feat", "feature"), "added"),
    **dict.fromkeys(("fix", "bugfix", "hotfix"), "fixed"),
    **dict.fromkeys(("perf", "change", "revert"), "changed"),
    **dict.fromkeys(("security", "sec"), "security"),
    **dict.fromkeys(("deprecate", "deprecated"), "deprecated"),
    **dict.fromkeys(("remove", "removed"), "removed"),
    **dict.fromkeys(("docs", "doc"), "docs"),
    **dict.fromkeys(("test", "tests"), "tests"),
    **dict.fromkeys(
        ("chore", "build", "ci", "style", "refactor", "deps", "dev", "maint"), "upkeep"
    ),
    **dict.fromkeys(("release", "bump"), "release"),
}
_FIRST_WORDS = {
    **dict.fromkeys(
        words(
            "add adds added adding introduce introduces introduced implement implements"
            " implemented new support supports expose exposes exposed"
        ),
        "added",
    ),
    **dict.fromkeys(
        words("fix fixes fixed fixing correct corrects corrected repair repairs"), "fixed"
    ),
    **dict.fromkeys(words("remove removes removed delete deletes deleted drop drops"), "removed"),
    **dict.fromkeys(words("deprecate deprecates deprecated"), "deprecated"),
    **dict.fromkeys(words("release releases released prepare"), "release"),
    **dict.fromkeys(words("bump bumps bumped"), "upkeep"),
}
_DOCS = re.compile(r"^(docs?|documentation|examples?)$", re.I)
_PROSE = (".md", ".rst", ".txt", ".adoc", ".svg", ".png", ".jpg", ".jpeg", ".gif", ".ico")
_TESTS = re.compile(r"^(tests?|testing|conftest\.py)$", re.I)
_RELEASE = re.compile(r"^(?:version |release )?v?\d+\.\d+[\w.]*$", re.I)
_NOT_FOR_READERS = re.compile(
    r"^fixup! |^squash! |^wip\b|\b(?:docstrings?|typos?|whitespace|reformat\w*|formatting|format"
    r"|black|isort|ruff|flake8|lint\w*|mypy|pyright|spelling|grammar|wordsmith\w*|stubs?"
    r"|type (?:hints?|annotations?)|pre-commit|changelog|readme|copyright|licen[cs]e|sponsor\w*"
    r"|dev(?:elopment)? dependenc\w+|ci|coverage|tests|doctests?|refactor\w*|clean-?ups?|clean up"
    r"|variable names?|broken links?|usage notes?|notes? about|examples?|clarification|comments?"
    r"|^docs?|^document(?:s|ed)?|nfc)\b",
    re.I,
)
"""Subjects that speak of the text of the source, or of work around it, not of what it does."""
_SCOPES = {
    **dict.fromkeys(("test", "tests", "testing"), "tests"),
    **dict.fromkeys(("doc", "docs", "readme"), "docs"),
    **dict.fromkeys(("ci", "build", "deps", "dep", "dependency", "dependencies", "dev"), "upkeep"),
}
_UPKEEP = re.compile(
    r"^(setup\.py|\.github|\.gitlab|\.circleci|\.ci|ci|requirements.*|Makefile|justfile|tox\.ini|noxfile\.py"
    r"|setup\.cfg|pyproject\.toml|uv\.lock|poetry\.lock|Pipfile.*|\.pre-commit-config\.yaml"
    r"|\.[a-z].*|.*\.lock|MANIFEST\.in|CITATION.*|AUTHORS.*|LICENSE.*)$",
    re.I,
)


class Kind(NamedTuple):
    """What a commit is, one of THEMES, and what says so: type, files, word, or nothing."""

    theme: str
    by: str
    scope: str = ""
    breaking: bool = False


def kind_of(subject: str, paths: Iterable[str], *, merge: bool = False) -> Kind:
    """What a commit is.

    Args:
        subject: Its subject.
        paths: The files that it touched.
        merge: Whether it has several parents.
    """
    if merge:
        return Kind("merge", "files")
    match = _CONVENTIONAL.match(subject)
    if match and match["type"].lower() in _TYPES:
        scope = match["scope"] or ""
        theme = _SCOPES.get(scope.lower()) or _TYPES[match["type"].lower()]
        return Kind(theme, "type", scope, match["breaking"] is not None)
    touched = {_touches(path) for path in paths}
    if len(touched) == 1 and touched != {"source"}:
        return Kind(touched.pop(), "files")
    if touched and "source" not in touched:
        return Kind("docs" if "docs" in touched else "upkeep", "files")
    return _by_words(subject)


def _by_words(subject: str) -> Kind:
    """What a commit that touches source is, by the words of its subject."""
    if _RELEASE.match(subject):
        return Kind("release", "word")
    if _NOT_FOR_READERS.search(subject):
        return Kind("upkeep", "word")
    first = re.match(r"\[?([a-z]*)", subject.lower())
    theme = _FIRST_WORDS.get(first[1], "") if first else ""
    return Kind(theme, "word") if theme else Kind("changed", "")


def without_type(subject: str) -> str:
    """A subject without its conventional type, and without the number of a pull request."""
    match = _CONVENTIONAL.match(subject)
    if match and match["type"].lower() in _TYPES:
        subject = subject[match.end() :]
    subject = re.sub(r"^\[[\w-]+\]\s*(?=\S)", "", subject.strip())
    return re.sub(r"\s*\((?:#|GH-)\d+\)$", "", subject.strip())


def _touches(path: str) -> str:
    """What a file is: source, docs, tests or upkeep."""
    parts = PurePosixPath(path).parts
    if is_test_file(path) or any(_TESTS.match(part) for part in parts):
        return "tests"
    if path.endswith(_PROSE) or any(_DOCS.match(part) for part in parts):
        return "upkeep" if len(parts) == 1 and _UPKEEP.match(parts[0]) else "docs"
    return "upkeep" if _UPKEEP.match(parts[0]) else "source"
