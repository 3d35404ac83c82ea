"""Values that a person would write for a parameter of that name, by the kind that is wanted."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from typing import Dict, List, Tuple

from .expressions import Expression

Row = Tuple[str, Tuple[str, ...]]
_TEXTS: Tuple[Row, ...] = (
    ("url uri link href endpoint", ("https://example.com/docs?page=2", "http://localhost:8080")),
    ("email mail", ("ada@example.com", "no-at-sign")),
    ("filename fname", ("notes.txt", "report.tar.gz")),
    ("path filepath file", ("docs/guide.md", "notes.txt")),
    ("folder directory dir", ("docs",)),
    ("host hostname server domain", ("example.com", "localhost")),
    ("datetime timestamp", ("2024-01-31T10:20:30",)),
    ("date day", ("2024-01-31", "31/01/2024")),
    ("time", ("10:30", "10:30:15")),
    ("duration interval", ("1h 30m", "90s")),
    ("currency", ("EUR", "USD")),
    ("locale", ("en_US", "de_DE")),
    ("language lang", ("en", "de")),
    ("country", ("DE", "US")),
    ("color colour", ("#ff8800", "red")),
    ("price amount money cost", ("12.50", "1,234.50")),
    ("percent percentage rate", ("15%", "0.15")),
    ("version", ("1.2.3", "2.0.0rc1")),
    ("title heading", ("Annual report",)),
    ("username user login author owner", ("ada", "grace")),
    ("password secret", ("open sesame",)),
    ("token", ("Bearer abc",)),
    ("sku code", ("A-100",)),
    ("extension ext suffix", (".txt", ".py")),
    ("prefix", ("pre_",)),
    ("sep separator delimiter", (",", ";")),
    ("encoding charset", ("utf-8", "latin-1")),
    ("namespace", ("shop",)),
    ("key", ("color", "size")),
    ("tag label category group topic", ("fruit", "news")),
    ("header headers", ("Name", "Price")),
    ("text", ("Hello World", "first line\nsecond line\n")),
    ("content contents body source markup", ("Hello, world!", "first line\nsecond line\n")),
    ("message msg description comment note", ("Hello, world!",)),
    ("line", ("first line",)),
    ("pattern glob rule", ("*.log", "build")),
    ("sentence phrase", ("The quick brown fox",)),
    ("word term", ("apple",)),
    ("name", ("Ada", "Grace Hopper")),
    ("city", ("Berlin",)),
    ("id identifier uid", ("item-1",)),
)  # fmt: skip
"""Words of a name -> texts, the plainest first; the first row that fits counts."""
_NUMBERS: Tuple[Row, ...] = (
    ("port", ("8080",)),
    ("timeout delay", ("30", "2.5")),
    ("ttl", ("60",)),
    ("year", ("2024", "1999")),
    ("month", ("2", "12")),
    ("day", ("29", "1")),
    ("hour", ("10", "23")),
    ("minute second", ("30", "59")),
    ("age", ("42",)),
    ("price cost", ("19.99", "5")),
    ("amount total balance", ("100", "12.5")),
    ("rate ratio", ("0.05", "0.5")),
    ("percent percentage", ("15", "12.5")),
    ("quantity qty count number size", ("3", "10")),
    ("window period", ("3", "2")),
    ("width height length", ("20", "5")),
    ("temperature", ("21.5",)),
    ("page", ("2", "1")),
    ("limit maximum max", ("10", "3")),
    ("weight distance", ("2.5", "10")),
)
"""Words of a name -> numbers as they are written."""
_LISTS: Tuple[Row, ...] = (
    ("rows records table data", ("[['Ada', 36], ['Grace', 45]]",)),
    ("row record", ("['Ada', 36]", "['Grace', 45]")),
    ("col column", ("['red', 'blue']",)),
    ("headers columns fields fieldnames", ("['name', 'age']",)),
    ("prices amounts", ("[19.99, 5.0, 12.5]",)),
    ("numbers values samples", ("[3, 1, 2]",)),
    ("words", ("['apple', 'pear']",)),
)
"""Words of a name -> lists as they are written."""


def everyday(name: str, kinds: Collection[str]) -> List[Expression]:
    """Values for a parameter by its name; none where its name says nothing.

    Args:
        name: The parameter's name; the last of its words says most.
        kinds: The kinds that fit (str, int, float, list); a list is one of texts.
    """
    values: List[Expression] = []
    if "str" in kinds:
        values += [Expression(repr(text)) for text in _row(_TEXTS, name)]
    numbers = _row(_NUMBERS, name)
    values += [Expression(number) for number in numbers if _kind(number) in kinds]
    lists = _row(_LISTS, name) if "list" in kinds else ()
    values += [Expression(text) for text in lists]
    if "list" in kinds and name.endswith("s") and not lists:
        texts = list(_row(_TEXTS, _singular(name)))
        values += [Expression(repr(row)) for row in (texts, texts[:1], []) if texts]
    return list(dict.fromkeys(values))


def _kind(number: str) -> str:
    return "float" if "." in number else "int"


def _row(table: Tuple[Row, ...], name: str) -> Tuple[str, ...]:
    """The values of the last word of a name that the table knows."""
    known: Dict[str, Tuple[str, ...]] = {}
    for words, values in reversed(table):
        known.update(dict.fromkeys(words.split(), values))
    for word in reversed(re.findall(r"[a-z]+", name.lower())):
        for form in (word, _singular(word) if word.endswith("s") else word):
            if form in known:
                return known[form]
    return ()


def _singular(name: str) -> str:
    return name[:-3] + "y" if name.endswith("ies") else name[:-1]


def with_other_numbers(call: Expression) -> List[Expression]:
    """The call that somebody wrote of a class, with half of its first number and with more."""
    tree = ast.parse(call.text, mode="eval").body
    arguments = getattr(tree, "args", [])
    numbers = [node for node in arguments if type(getattr(node, "value", None)) in (int, float)]
    if not numbers or not numbers[0].value:
        return []
    first, others = numbers[0], []
    value = first.value
    for other in (value // 2 if isinstance(value, int) else value / 2, value + value // 4 + 1):
        first.value = other
        others.append(Expression(ast.unparse(tree), call.names))
    return others
