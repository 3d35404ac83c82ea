"""Whether a commit says itself that it changes what the code does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from copydesk.agent.behaviour.records import Comparison
from copydesk.agent.coverage.source import is_test_file

CommitKind = Literal["fix", "feature", "keeps", "other"]
"""What a commit's words announce: a fix, something new, code that does the same, or nothing."""

_TYPE = re.compile(r"^\W*([a-zA-Z]+)(?:\([^)]*\))?(!)?:\s")
_KEEPS_TYPES = frozenset(
    {"refactor", "style", "docs", "perf", "test", "tests", "chore", "build", "ci"}
)
_FIX_TYPES = frozenset({"fix", "bugfix", "hotfix", "revert"})
_FEATURE_TYPES = frozenset({"feat", "feature", "breaking", "change"})
_FIX = re.compile(
    r"\b(fix(e[sd])?|fixing|bugs?|correct(s|ed|ly)?|repair(s|ed)?|handle[sd]?|prevents?|avoids?"
    r"|resolve[sd]?|regressions?|crash(es)?|broken|wrong|reverts?|issues?|closes)\b|(?<!\w)#\d+",
    re.I,
)
_KEEPS = re.compile(
    r"\b(refactor\w*|clean(s|ed)?[ -]?up\w*|cleans?|tid(y|ies|ied)|renam\w+|mov(e[sd]?|ing)"
    r"|extract\w*|simplif\w+|reformat\w*|format(s|ted|ting)?|lint\w*|restructur\w+|reorgani\w+"
    r"|inlin\w+|typ(e|ing) (hints?|annotations?)|annotat\w+|docstrings?|comments?|typos?|style"
    r"|black|ruff|isort|pyupgrade|modernis\w+|moderniz\w+|speed\w*|optimi[sz]\w+|faster|perf\w*"
    r"|dedup\w*|split\w*)\b",
    re.I,
)
_FEATURE = re.compile(
    r"\b(add(s|ed|ing)?|support(s|ed)?|allow(s|ed)?|implement(s|ed)?|introduc\w+|new|chang(e[sd]?|ing)"
    r"|mak(es?|ing)|use[sd]?|accepts?|return(s|ed)?|raises?|rejects?|removes?|drops?|deprecat\w+"
    r"|requires?|enabl\w+|let(s)?|extend\w*|improve\w*)\b",
    re.I,
)
TRAILER = re.compile(r"^Behaviou?r:\s*(\S.*)$", re.M | re.I)
"""The line of a message by which a commit says that it changes behaviour, and how."""


class Words(NamedTuple):
    """What a commit says.

    Attributes:
        kind: What its words announce.
        trailer: What its `Behaviour:` line says; "" without one.
        tests: The names that its changed tests speak of.
        documented: The functions, as path::function, whose docstrings it changed.
    """

    kind: CommitKind
    trailer: str = ""
    tests: frozenset[str] = frozenset()
    documented: frozenset[str] = frozenset()


def kind_of(message: str) -> CommitKind:
    """What a commit's message announces, by its type where it has one, else by its words."""
    subject = message.strip().split("\n", 1)[0]
    if typed := _TYPE.match(subject):
        word = typed[1].lower()
        if typed[2] or word in _FEATURE_TYPES:
            return "feature"
        if word in _FIX_TYPES:
            return "fix"
        if word in _KEEPS_TYPES:
            return "keeps"
    if _KEEPS.search(subject) and not _FIX.search(subject):
        return "keeps"
    if _FIX.search(subject):
        return "fix"
    return "feature" if _FEATURE.search(subject) else "other"


def words_of(message: str, changed_tests: Mapping[str, str]) -> Words:
    """What a commit says.

    Args:
        message: Its message.
        changed_tests: The lines that it adds to test files, by path.
    """
    trailer = TRAILER.search(message)
    names = {
        name
        for path, text in changed_tests.items()
        if is_test_file(path)
        for name in re.findall(r"\b[A-Za-z_]\w*", text)
    }
    return Words(kind_of(message), trailer[1].strip() if trailer else "", frozenset(names))


def why_announced(comparison: Comparison, words: Words) -> str:
    """By what a commit announces that a function does something else now; "" for by nothing."""
    name = comparison.change.name.rpartition("::")[2].rpartition(".")
    if words.trailer:
        return f"the commit says so: {words.trailer}"
    if words.kind in ("fix", "feature"):
        return f"the commit calls itself a {words.kind}"
    if name[2] in words.tests or (name[2].startswith("__") and name[0] in words.tests):
        return "its tests changed with it"
    if "docstring" in comparison.change.why:
        return "its docstring changed with it"
    return ""
