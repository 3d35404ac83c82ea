"""What of a span readers get, one item a thing: the author's words where there are some.

A thing is often told three times: by an entry of the changelog, by a commit, and by a name in the
API. It becomes one item, in the words that were written for readers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from copydesk.agent.records import Fact
from copydesk.agent.stories.check_changes import CHANGES_OF_API
from copydesk.agent.stories.facts import Unnumbered
from copydesk.agent.stories.public_api.texts import first_sentence
from copydesk.agent.stories.span.themes import FOR_READERS, kind_of, without_type

_CATEGORY_OF_KIND = {
    **dict.fromkeys(("api added", "parameter added", "option added"), "Added"),
    **dict.fromkeys(("api removed", "parameter removed", "option removed"), "Removed"),
    **dict.fromkeys(
        ("api moved", "parameter renamed", "default changed", "option default"), "Changed"
    ),
    "api deprecated": "Deprecated",
}
_TRAILING_REFERENCES = re.compile(r"[\s(\[,]*(?:#\d+[\s,)\].]*)+$")
_ENOUGH_IN_COMMON = 0.6
MOST_LISTED = 12
"""Lines of a category in the list of changes; the last one says how many more there are."""
LEFT_OUT = "left out"
"""The kind of the fact that counts them."""
_ENOUGH_ENTRIES = 3
"""Entries from which on a changelog is taken to be kept."""


@dataclass(frozen=True, slots=True)
class Item:
    """A thing that readers get.

    category: of Keep a Changelog. words: the author's, "" where the API alone tells it. lead: the
        fact that tells it best; others: those that tell it too.
    """

    category: str
    words: str
    lead: Fact
    others: tuple[Fact, ...] = ()

    @property
    def facts(self) -> tuple[str, ...]:
        """The ids of all its facts."""
        return (self.lead.id, *(fact.id for fact in self.others))


def items(facts: Sequence[Fact]) -> list[Item]:
    """The things that a span brings, in the order of entries, API and commits.

    Args:
        facts: What span_facts returned.
    """
    entries = [fact for fact in facts if fact.kind == "entry"]
    untold = [fact for fact in facts if fact.kind == "commit" or fact.kind in CHANGES_OF_API]
    items = _of_entries(entries, untold)
    items += _of_new_names(untold)
    items += _of_commits(untold)
    items += [Item(_CATEGORY_OF_KIND[fact.kind], "", fact) for fact in untold]
    if len(entries) >= _ENOUGH_ENTRIES:
        items = [thing for thing in items if _is_for_readers(thing)]
    return sorted(items, key=_order)


def left_out(facts: Sequence[Fact]) -> list[Unnumbered]:
    """Of a category with more things than MOST_LISTED, how many a list leaves out.

    The entries of a changelog are all listed: a category that holds so many is not shortened.

    Args:
        facts: What span_facts returned.
    """
    things = items(facts)
    counts = Counter(thing.category for thing in things)
    entries = Counter(thing.category for thing in things if thing.lead.kind == "entry")
    return [
        (
            LEFT_OUT,
            f"{others} more under {category} than are listed.",
            {"listed": category, "others": others},
        )
        for category, count in counts.items()
        if (others := count - MOST_LISTED + 1) > 1 and entries[category] < MOST_LISTED
    ]


def _of_entries(entries: Sequence[Fact], untold: list[Fact]) -> list[Item]:
    """An item for each entry; what it tells is taken from what is untold."""
    items = []
    for entry in entries:
        same = [fact for fact in untold if _is_same(entry, fact)]
        _take(untold, same)
        items.append(Item(_category(entry), str(entry.values["entry"]), entry, tuple(same)))
    return items


def _of_new_names(untold: list[Fact]) -> list[Item]:
    """An item for each name that is new, with the commits that speak of it."""
    items = []
    for new in [fact for fact in untold if fact.kind in ("api added", "option added")]:
        commits = [fact for fact in untold if fact.kind == "commit"]
        same = [commit for commit in commits if _is_telling(new) and _names(commit, new)]
        _take(untold, [new, *same])
        items.append(Item("Added", "", new, tuple(same)))
    return items


def _of_commits(untold: list[Fact]) -> list[Item]:
    """An item for each commit, with the changes of the API that it tells."""
    items = []
    for commit in [fact for fact in untold if fact.kind == "commit"]:
        api = [fact for fact in untold if fact.kind != "commit"]
        same = [fact for fact in api if _names(commit, fact) and _fits(commit, fact)]
        _take(untold, [commit, *same])
        words = without_type(str(commit.values["subject"]))
        items.append(Item(_category(commit), words, commit, tuple(same)))
    return items


def _take(untold: list[Fact], taken: Sequence[Fact]) -> None:
    untold[:] = [fact for fact in untold if fact not in taken]


def _is_for_readers(item: Item) -> bool:
    """Whether an item belongs beside a changelog: what its author left out is not for readers,
    unless it can no longer be used as it was, or is described.
    """
    if item.lead.kind == "commit":
        return False
    return item.lead.kind != "api added" or "doc" in item.lead.values


def _order(item: Item) -> int:
    """Entries first; commits that the API bears out before the API alone; other commits last."""
    if item.lead.kind == "entry":
        return 0
    if item.lead.kind == "commit":
        return 1 if item.others else 3
    return 2


def _category(fact: Fact) -> str:
    """The category of an entry or a commit: as its heading says, else by its first word."""
    named = str(fact.values.get("category") or fact.values.get("theme") or "")
    if named.lower() in FOR_READERS:
        return named.capitalize()
    theme = kind_of(str(fact.values.get("entry", "")), ["source.py"]).theme
    return theme.capitalize() if theme in FOR_READERS else "Changed"


def _is_same(entry: Fact, fact: Fact) -> bool:
    """Whether an entry tells what another fact tells."""
    if fact.kind != "commit":
        is_open = not entry.values.get("category") and _category(entry) == "Changed"
        return _names(entry, fact) and (is_open or _fits(entry, fact))
    words, subject = str(entry.values["entry"]), str(fact.values["subject"])
    if set(re.findall(r"#\d+", words)) & set(re.findall(r"#\d+", subject)):
        return True
    mine, its = _content(words), _content(without_type(subject))
    return bool(its) and len(mine & its) >= _ENOUGH_IN_COMMON * len(its)


def _names(text: Fact, api: Fact) -> bool:
    """Whether the words of an entry or a commit hold a name of the API."""
    words = str(text.values.get("entry") or text.values.get("subject"))
    name = str(api.values.get("option") or api.values.get("parameter") or api.values["name"])
    last = name.rpartition(".")[2]
    return re.search(rf"(?<![\w-]){re.escape(last)}(?![\w-])", words) is not None


def _fits(text: Fact, api: Fact) -> bool:
    """Whether an entry or a commit that names something may tell that very change of it."""
    return _is_telling(api) and _category(text) == _CATEGORY_OF_KIND[api.kind]


def _is_telling(api: Fact) -> bool:
    """Whether a name is long enough to be meant wherever it stands in a text."""
    return len(str(api.values.get("name") or api.values.get("option"))) > 3


def _content(words: str) -> set[str]:
    return {word.lower() for word in re.findall(r"\w{3,}", words)}


def sentence_of(words: str) -> str:
    """The author's words as a sentence of a story: the first one, without issue numbers."""
    text = _TRAILING_REFERENCES.sub("", first_sentence(words)).rstrip()
    if text[:1].isalpha() and not re.match(r"\w*[_.(A-Z/-]", text[1:]):
        text = text[:1].upper() + text[1:]
    if text.count("`") % 2:
        text = text.replace("`", "")
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
