"""How much of what is altered in a true story the checker notices, and how often it cries wolf."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copydesk.agent.records import Fact, Sentence, Story
from copydesk.agent.stories.check_story import check, check_sentence
from copydesk.agent.stories.facts import StoryInputs, commit_facts, number
from copydesk.agent.stories.word_devlog import write_devlog

NUMBER = re.compile(r"(?<![\w.,])\d+(?:,\d{3})*(?:\.\d+)?(?![\w])")
CODE = re.compile(r"`([^`]+)`")
QUOTE = re.compile(r"“([^”]*)”")
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
SWAPS = {
    "rose": ("fell", "stayed"),
    "fell": ("rose", "stayed"),
    "stayed at": ("rose to", "fell to"),
    "up": ("down",),
    "down": ("up",),
    "added": ("removed",),
    "removed": ("added",),
    "passed": ("failed",),
    "failed": ("passed",),
    "No test reaches": ("Newly reached are", "Tests now reach"),
    "uncovered": ("newly covered",),
}
TAILS = (
    ", because users asked for it",
    ", in order to keep it safe",
    ", which makes it significantly better",
    ", a robust change",
    ", so that loading is faster",
    " thanks to `other_thing`",
)


def altered_numbers(text: str, others: Sequence[str]) -> Iterator[tuple[str, str]]:
    free = _outside_marks(text)
    for match in NUMBER.finditer(text):
        if not free[match.start()]:
            continue
        value = float(match[0].replace(",", ""))
        whole = "." not in match[0]
        news: dict[str, str] = {}
        for new in (value + 1, value - 1, value * 10, value // 2, value + 37, value * 2):
            if new >= 0 and new != value:
                news[number(int(new)) if whole else number(new + 0.01)] = "number"
        if len(match[0]) > 1 and match[0][::-1].lstrip("0,.") != match[0]:
            swapped = match[0][:-2] + match[0][-1] + match[0][-2]
            if re.fullmatch(NUMBER, swapped) and float(swapped.replace(",", "")) != value:
                news.setdefault(swapped.lstrip("0") or "0", "number")
        if whole and value < 10:
            news[WORDS[int(value) + 1]] = "number word"
        for other in others:
            if float(other.replace(",", "")) != value:
                news[other] = "number of another fact"
        for new, kind in news.items():
            changed = text[: match.start()] + new + text[match.end() :]
            if re.sub(r"\b0(\d)", r"\1", changed) != text:
                yield kind, changed


def altered_names(text: str, others: Sequence[str]) -> Iterator[tuple[str, str]]:
    for match in CODE.finditer(text):
        name = match[1]
        kind = "commit id" if re.fullmatch(r"[0-9a-f]{7}", name) else "name"
        kind = "path" if "/" in name or re.search(r"\.(py|md|toml|png)$", name) else kind
        news = {f"{name}x", f"x{name}", name[:-1] + ("q" if name[-1] != "q" else "z")}
        if kind == "commit id":
            news = {name[:-1] + ("0" if name[-1] != "0" else "1"), "deadbe1"}
        if kind == "path":
            news |= {"other/" + name, re.sub(r"(\w)(\.\w+)?$", r"\1_old\2", name)}
        news |= {other for other in others if other != name and not name.endswith(f".{other}")}
        for new in sorted(news - {name}):
            yield kind, text[: match.start(1)] + new + text[match.end(1) :]


def altered_words(text: str) -> Iterator[tuple[str, str]]:
    free = _outside_marks(text)
    for word, news in SWAPS.items():
        for match in re.finditer(rf"\b{word}\b", text):
            if free[match.start()] and "neither" not in text:
                for new in news:
                    yield "direction", text[: match.start()] + new + text[match.end() :]
    for match in QUOTE.finditer(text):
        for word in re.finditer(r"\w+", match[1]):
            start = match.start(1) + word.start()
            yield "quotation", text[:start] + "Xyzzy" + text[start + len(word[0]) :]
    for tail in TAILS:
        yield "cause or praise", text.removesuffix(".") + tail + "."


def _outside_marks(text: str) -> list[bool]:
    free = [True] * len(text)
    for match in re.finditer(f"{CODE.pattern}|{QUOTE.pattern}", text):
        free[match.start() : match.end()] = [False] * (match.end() - match.start())
    return free


def alterations(story: Story, facts: Sequence[Fact]) -> Iterator[tuple[str, Sentence]]:
    """Every altered sentence of a story, with the kind of alteration."""
    texts = [s.text for _, lines in story.sections for s in lines]
    names = sorted({name for text in texts for name in CODE.findall(text)})
    figures = sorted(
        {number(v) for f in facts for v in f.values.values() if isinstance(v, int | float)}
    )
    for _, lines in story.sections:
        for sentence in lines:
            changes = (
                *altered_numbers(sentence.text, figures),
                *altered_names(sentence.text, names),
                *altered_words(sentence.text),
            )
            for kind, text in changes:
                yield kind, replace(sentence, text=text)


def survey(
    commits: Sequence[StoryInputs], every: int = 1
) -> tuple[Counter[str], Counter[str], list[str]]:
    """Every n-th alteration and those noticed, by kind, and what got through."""
    made: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    missed = []
    for commit in commits:
        facts = commit_facts(commit)
        altered = alterations(write_devlog(facts, None, date=""), facts)
        for kind, sentence in islice(altered, 0, None, every):
            made[kind] += 1
            if check_sentence(sentence, facts):
                caught[kind] += 1
            else:
                missed.append(f"{kind}: {sentence.text}")
    return made, caught, missed


def test_altered_claims_are_noticed(cases: dict[str, StoryInputs]) -> None:
    made, caught, missed = survey(list(cases.values()), every=7)
    shares = {kind: caught[kind] / made[kind] for kind in made}
    hard = [kind for kind in made if kind not in {"direction", "cause or praise"}]
    assert sum(caught[k] for k in hard) >= 0.98 * sum(made[k] for k in hard), missed[:20]
    assert all(share >= 0.95 for share in shares.values()), (shares, missed[:20])


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(data=st.data())
def test_altered_claims_of_any_commit_are_noticed(
    any_commit: st.SearchStrategy[StoryInputs], data: st.DataObject
) -> None:
    made, caught, missed = survey([data.draw(any_commit)], every=37)
    assert sum(caught.values()) >= 0.95 * sum(made.values()) - 1, missed[:20]


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_true_story_has_no_problem(
    any_commit: st.SearchStrategy[StoryInputs], data: st.DataObject
) -> None:
    facts = commit_facts(data.draw(any_commit))
    story = write_devlog(facts, None, date="2026-11-24")
    assert check(story, facts) == []


def test_each_named_story_has_no_problem(case: StoryInputs) -> None:
    facts = commit_facts(case)
    assert check(write_devlog(facts, None, date="2026-11-24"), facts) == []
