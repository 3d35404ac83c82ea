"""Entries that the author added to a changelog, or as news fragments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from copydesk.agent.stories.facts import shortened

_FILE = re.compile(r"(change ?log|changes|history|news|release[-_ ]?notes)", re.I)
_SUFFIXES = (".md", ".rst", ".txt", "")
_FRAGMENTS = frozenset({"newsfragments", "changelog.d", "changes.d", "news", ".changes", "changes"})
_FRAGMENT_TYPES = {
    **dict.fromkeys(("feature", "added", "add", "enhancement"), "Added"),
    **dict.fromkeys(("bugfix", "fixed", "fix", "bug"), "Fixed"),
    **dict.fromkeys(("removal", "removed", "breaking"), "Removed"),
    **dict.fromkeys(("deprecation", "deprecated"), "Deprecated"),
    **dict.fromkeys(("change", "changed", "misc", "doc"), "Changed"),
    "security": "Security",
}
_BULLET = re.compile(r"^( {0,3})[-*+•] +(\S.*)$")
_HEADING = re.compile(r"^(?:#{1,6} +(.*?)#*|\*\*(.+?):?\*\*:?|(\w[\w ]*):)\s*$")
_UNDERLINE = re.compile(r"^([=\-~^\"'+*#.])\1{2,}\s*$")
_CATEGORIES = (
    ("Security", re.compile(r"\bsecurity\b", re.I)),
    ("Fixed", re.compile(r"\bfix|\bbug", re.I)),
    ("Deprecated", re.compile(r"\bdeprecat", re.I)),
    ("Removed", re.compile(r"\bremov", re.I)),
    ("Added", re.compile(r"\badd|\bnew\b|\bfeat", re.I)),
    ("Changed", re.compile(r"\bchang|\bimprov|\benhanc|\bbreaking\b", re.I)),
)
LONGEST = 300


_INTERNAL = re.compile(
    r"\b(refactor\w*|internal\w*|documentation|docs|chore|dependenc\w+|build|ci|tests?|develop\w*)\b",
    re.I,
)
"""Headings of what users do not see."""
_VERSION = re.compile(r"\bv?(\d+\.\d+[\w.]*)|\b(unreleased|upcoming|next)\b", re.I)


class Entry(NamedTuple):
    """An entry of a changelog: its words, and its category ("" where no heading tells)."""

    text: str
    category: str


class _Item(NamedTuple):
    """A list item of a changelog, and the version and category whose headings it stands under."""

    text: str
    version: str
    category: str


def is_changelog(path: str) -> bool:
    """Whether a file is a changelog or a news fragment, by its name."""
    return bool(_fragment_category(path)) or _is_list(path)


def without_pages(paths: Sequence[str], all_paths: Iterable[str]) -> list[str]:
    """Changelogs without pages on changelogs, such as docs/commands/changelog.md: where there is
    a changelog at the top, those in folders of documentation are none.

    Args:
        paths: Changelogs by their names.
        all_paths: All files of the tree.
    """
    if not any(_is_list(path) for path in all_paths if "/" not in path):
        return list(paths)
    return [path for path in paths if not re.match(r"docs?/", path, re.I)]


def _is_list(path: str) -> bool:
    name = PurePosixPath(path)
    suffix = name.suffix.lower()
    return suffix in _SUFFIXES and bool(_FILE.fullmatch(name.stem if suffix else name.name))


def _fragment_category(path: str) -> str:
    """The category of a news fragment such as `changes/123.feature.md`; "" where it is none."""
    name = PurePosixPath(path)
    if name.parent.name not in _FRAGMENTS:
        return ""
    words = [*name.name.lower().split(".")[1:], name.name.lower().rpartition("-")[2]]
    return next((_FRAGMENT_TYPES[word] for word in words if word in _FRAGMENT_TYPES), "")


def new_entries(path: str, before: str, after: str) -> list[Entry]:
    """The entries that a changelog has at the end and not at the start of a span.

    Args:
        path: The file.
        before: Its text at the start; "" where it was not there.
        after: Its text at the end.
    """
    if category := _fragment_category(path):
        return [Entry(_plain(after), category)] if not before and _plain(after) else []
    if not before:
        return []  # a whole changelog that is new tells of what was long before
    former = list(_items(before))
    texts = {item.text for item in former}
    released = set(list(dict.fromkeys(item.version for item in former))[1:])
    new = [
        Entry(item.text, item.category)
        for item in _items(after)
        if item.text not in texts and item.version not in released and item.category != "internal"
    ]
    return list(dict.fromkeys(new))


def _items(text: str) -> Iterator[_Item]:
    """The outermost list items of a changelog, in Markdown or reStructuredText."""
    version = category = ""
    lines = text.replace("\r\n", "\n").split("\n")
    item: list[str] = []
    indent = 0
    for index, line in enumerate(lines):
        bullet = _BULLET.match(line)
        if item and line.strip() and not bullet and len(line) - len(line.lstrip()) > indent:
            if _BULLET.match(line.lstrip()):  # an item of the item is a detail
                indent = len(line)
            else:
                item.append(line.strip())
            continue
        yield from _item(item, version, category)
        item = []
        if bullet:
            indent, item = len(bullet[1]), [bullet[2]]
        elif heading := _heading(lines, index):
            named = _VERSION.search(heading)
            version = (named[1] or named[2]).lower() if named else version
            category = _category(heading)
    yield from _item(item, version, category)


def _item(lines: list[str], version: str, category: str) -> Iterator[_Item]:
    text = _plain(" ".join(lines))
    if text:
        yield _Item(text, version, category)


def _heading(lines: list[str], index: int) -> str:
    match = _HEADING.match(lines[index])
    if match:
        return next(filter(None, match.groups()), "")
    following = lines[index + 1] if index + 1 < len(lines) else ""
    return lines[index] if lines[index].strip() and _UNDERLINE.match(following) else ""


def _category(heading: str) -> str:
    if _INTERNAL.search(heading):
        return "internal"
    return next((name for name, words in _CATEGORIES if words.search(heading)), "")


def _plain(text: str) -> str:
    """An entry's words on one line, without the marks of links and roles."""
    line = " ".join(text.split())
    line = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", line)
    line = re.sub(r":(?:issue|pr|pull|gh|user):`([^`<]*?)`", _reference, line)
    line = re.sub(r":[\w:+-]+:`~?\.?([^`<]*?)(?: ?<[^`]*>)?`", r"`\1`", line)
    line = re.sub(r"`([^`<]+?) ?<[^`>]*>`_*", r"\1", line)
    line = re.sub(r"``(.+?)``", r"`\1`", line)
    line = re.sub(r"(?<![\w*])\*\*([^*]+)\*\*(?![\w*])", r"\1", line)
    if len(line) <= LONGEST:
        return line
    return shortened(line, LONGEST)


def _reference(match: re.Match[str]) -> str:
    return f"#{match[1]}" if match[1].isdigit() else match[1]
