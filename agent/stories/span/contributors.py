"""Who made the commits of a span, by the names that git has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from copydesk.agent.git.repository import LoggedCommit

_COAUTHOR = re.compile(r"^co-authored-by:\s*(.+?)\s*<([^<>]*)>\s*$", re.I | re.M)


class Contributor(NamedTuple):
    """Somebody by name, with how many commits, and whether there were none before the span.

    first: None where that is not known.
    """

    name: str
    commits: int
    first: bool | None


def contributors(
    commits: Sequence[LoggedCommit], before: Iterable[tuple[str, str]] | None
) -> list[Contributor]:
    """Who made the commits; merges do not count, machines are left out.

    Args:
        commits: Those of the span.
        before: The names and mail addresses of all authors before it; None where not known.
    """
    counts = _Counts()
    for commit in commits:
        for name, email in _people(commit):
            counts.add(name, email)
    people = [
        Contributor(name, counts.commits[key], _is_first(counts.words[key], before))
        for key, name in counts.names.items()
    ]
    return sorted(people, key=lambda person: (-person.commits, person.name.lower()))


def _is_first(words: set[str], before: Iterable[tuple[str, str]] | None) -> bool | None:
    """Whether neither a name nor an address of somebody was there before; None if not known."""
    if before is None:
        return None
    former = {part.lower() for pair in before for part in pair if part}
    return not words & former


class _Counts:
    """The commits of people; one name, or one mail address, is one person."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.commits: dict[str, int] = {}
        self.words: dict[str, set[str]] = {}

    def add(self, name: str, email: str) -> None:
        """Count a commit."""
        by_name = {n: key for key, n in self.names.items()}
        key = by_name.get(name, email.lower() or name.lower())
        self.names.setdefault(key, name)
        self.commits[key] = self.commits.get(key, 0) + 1
        self.words.setdefault(key, set()).update((name.lower(), email.lower()))


def _people(commit: LoggedCommit) -> Iterator[tuple[str, str]]:
    if len(commit.parents) > 1:
        return
    people = {(commit.author, commit.email): None}
    people |= dict.fromkeys((m[1], m[2]) for m in _COAUTHOR.finditer(commit.body))
    for name, email in people:
        if name and not _is_machine(name, email):
            yield name, email


def _is_machine(name: str, email: str) -> bool:
    words = f"{name} {email}".lower()
    return (
        "[bot]" in words
        or re.search(r"\b(bot|dependabot|renovate|noreply@anthropic)\b", words) is not None
    )
