"""The words that make a claim, and what each claims."""

from __future__ import annotations

import re


def words(text: str) -> tuple[str, ...]:
    """The words of a list that is easier to read as a text."""
    return tuple(text.split())


MONTHS = words(
    "January February March April May June July August September October November December"
)

ABBREVIATIONS = words("API APIs CLI CSS CSV HTML HTTP ID IDs JSON OK SQL TOML UI URL URLs XML YAML")
"""Words in capitals that name nobody's thing."""

NUMBER_WORDS: dict[str, float] = {
    word: float(value)
    for value, word in enumerate(
        words(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
            "fifteen sixteen seventeen eighteen nineteen twenty"
        )
    )
}
NUMBER_WORDS |= {
    word: 10.0 * (n + 3)
    for n, word in enumerate(words("thirty forty fifty sixty seventy eighty ninety hundred"))
}
NUMBER_WORDS |= {"thousand": 1e3, "million": 1e6, "none": 0.0, "no": 0.0}

UNITS = {
    "line": "line",
    "lines": "line",
    "test": "test",
    "tests": "test",
    "file": "file",
    "files": "file",
    "function": "function",
    "functions": "function",
    "percent": "percent",
    "%": "percent",
    "point": "point",
    "points": "point",
    "mutant": "mutant",
    "mutants": "mutant",
    "draft": "draft",
    "drafts": "draft",
    "commit": "commit",
    "commits": "commit",
    "release": "release",
    "releases": "release",
    "reader": "reader",
    "readers": "reader",
}

RISING = frozenset(
    words(
        "rose rise rises risen rising increase increases increased increasing grew grow "
        "grows grown climbed climbs climb gained gains gain higher improved improves "
        "improve improving"
    )
)
FALLING = frozenset(
    words(
        "fell fall falls fallen falling decrease decreases decreased decreasing dropped "
        "drops drop shrank shrinks shrink lower lost loses lose declined declines fewer "
        "less slipped"
    )
)
FLAT = frozenset(words("unchanged stayed stays remained remains steady same"))
WAYS = dict.fromkeys(RISING, "rose") | dict.fromkeys(FALLING, "fell")
WAYS |= dict.fromkeys(FLAT, "unchanged")

BANNED = frozenset(
    words(
        "best fastest slowest cleanest safest simplest easiest greatest strongest biggest "
        "largest smallest worst latest perfect perfectly robust seamless seamlessly "
        "powerful elegant elegantly significantly significant dramatically dramatic "
        "greatly hugely massive massively huge vastly substantially considerably "
        "comprehensive comprehensively blazing blazingly lightning revolutionary "
        "innovative amazing awesome incredible excellent outstanding superb exciting "
        "thrilled proud guarantee guarantees guaranteed ensures ensure ensuring always "
        "never flawless flawlessly effortless effortlessly bulletproof rock-solid "
        "state-of-the-art cutting-edge world-class game-changing faster slower better "
        "worse safer cleaner simpler easier quicker smarter stronger smoother nicer user "
        "users customer customers everyone everybody people community twice double "
        "doubled doubles triple tripled half dozen dozens hundreds thousands millions "
        "several many few most almost nearly roughly about approximately over under"
    )
)
LOOSE = frozenset(
    words("several many few most almost nearly roughly about approximately over under")
)
"""Banned only next to a number or a unit: "about 40 lines", "several tests"."""

CAUSE = re.compile(
    r"\b(because|so that|so as to|in order to|due to|thanks to|as a result|therefore|thus|hence|"
    r"consequently|which means|meaning that|caused by|leads? to|led to|leading to|owing to|"
    r"results? in|resulting in|reasons?|why|aims? to|intended to|designed to|"
    r"(?<!the )(?<!its )(?<!new )(?<!a )(?<!-)\bhelps?|making it|"
    r"makes it|to (?:ensure|make|prevent|avoid|allow|enable|help|improve|fix|support|reduce|"
    r"simplify|address|keep|provide))\b|[,;] so\b(?! far)",
    re.I,
)
PARTICIPLES = {
    "added": "added",
    "inserted": "added",
    "removed": "removed",
    "deleted": "removed",
    "passed": "passed",
    "passes": "passed",
    "pass": "passed",
    "failed": "failed",
    "fails": "failed",
    "fail": "failed",
    "ran": "ran",
    "run": "ran",
    "selected": "ran",
    "killed": "killed",
    "before": "before",
    "neither": "neither",
    "skipped": "neither",
    "other": "others",
    "others": "others",
    "more": "others",
}
FINITE = {
    "adds": "added",
    "added": "added",
    "adding": "added",
    "removes": "removed",
    "removed": "removed",
    "removing": "removed",
    "deletes": "removed",
    "deleted": "removed",
    "passed": "passed",
    "failed": "failed",
    "kills": "killed",
    "kill": "killed",
    "killed": "killed",
    "killing": "killed",
    "from": "before",
    "was": "before",
    "to": "after",
    "at": "after",
    "now": "after",
    "newly": "closed",
    "leaves": "opened",
    "floor": "floor",
}
