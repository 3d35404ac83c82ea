"""How much of what is altered in true stories the checker notices, and how often it cries wolf.

    python bench/stories.py altered CLONES [--examples]
    python bench/stories.py true CLONES

CLONES is a folder with clones of the repositories of SPANS. `altered` writes the story of each span
with the template, checks it as it stands (what is red is a false alarm), and alters its numbers,
names, paths, directions, dates, authors, quotations and results of examples, one at a time.
`--examples` runs examples in the sandbox for the spans of EXAMPLES, which takes minutes.
`true` checks those of true_sentences*.txt: written by hand about single commits, in words of our
own, before the checker was run on any of them.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.desk.stories import Span
from copydesk.agent.examples import ExampleSearch
from copydesk.agent.examples.find_examples import find_examples
from copydesk.agent.git import repository as git
from copydesk.agent.records import Fact, Sentence, Story
from copydesk.agent.stories.check_story import check, check_sentence
from copydesk.agent.stories.example_facts import with_examples
from copydesk.agent.stories.facts import numbered
from copydesk.agent.stories.span import gather_span, span_facts
from copydesk.agent.stories.span_items import left_out
from copydesk.agent.stories.span_template import span_story

SPANS = (
    *("click 8.1.8..8.2.0", "click 8.2.1..8.2.2", "click 8.2.2..8.3.0", "click 8.3.0..8.4.0"),
    *("click 8.4.0..8.5.0", "more-itertools v8.13.0..v9.0.0", "more-itertools v9.0.0..v10.0.0"),
    *("more-itertools v10.0.1..v10.3.0", "more-itertools v10.5.0..v10.6.0"),
    *("more-itertools v10.7.0..v10.8.0", "more-itertools v10.8.0..v11.1.0"),
    *("sqlite-utils 3.30..3.33", "sqlite-utils 3.33..3.36", "sqlite-utils 3.37..3.38"),
    *("sqlite-utils 3.38..4.0", "sqlite-utils 4.0..4.2", "humanize 4.0.0..4.4.0"),
    *("humanize 4.4.0..4.9.0", "humanize 4.10.0..4.11.0", "humanize 4.12.0..4.13.0"),
    *("humanize 4.13.0..4.16.0", "httpx 0.20.0..0.22.0", "httpx 0.22.0..0.24.0"),
    *("httpx 0.24.0..0.26.0", "httpx 0.27.0..0.28.0", "commitizen v4.4.0..v4.6.0"),
    *("commitizen v4.9.0..v4.10.0", "commitizen v4.10.0..v4.13.0", "commitizen v4.13.0..v4.17.0"),
)
EXAMPLES = (
    *("more-itertools v9.0.0..v10.0.0", "more-itertools v10.0.1..v10.3.0"),
    *("more-itertools v10.5.0..v10.6.0", "more-itertools v10.8.0..v11.1.0"),
    "humanize 4.13.0..4.16.0",
)
"""Spans whose examples are run; the packages need nothing installed."""
SENTENCES = sorted(Path(__file__).parent.glob("true_sentences*.txt"))

_NUMBER = re.compile(r"(?<![\w.,`#-])\d{1,3}(?:,\d{3})*(?:\.\d+)?(?![\w.-]*\w)")
_CODE, _QUOTE = re.compile(r"`([^`]+)`"), re.compile(r"“([^”]*)”")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_OTHER_WAYS = (
    *(("is new", "is gone"), ("are new", "are gone"), ("New in", "Gone from")),
    *(("is gone", "is new"), ("no longer takes", "takes"), ("takes a new", "no longer takes a")),
    *(("is deprecated", "is new"), ("has moved", "is gone"), ("rose", "fell"), ("fell", "rose")),
    *((" added", " removed"), (" removed", " added"), ("takes", "no longer takes")),
    *(("was renamed to", "was removed for"), ("was renamed to", "was renamed from")),
)


class Told(NamedTuple):
    """A story of a span, its facts and its commits."""

    name: str
    story: Story
    facts: list[Fact]
    commits: int


def tell(clones: Path, name: str, *, run_examples: bool = False) -> Told:
    """Write the story of a span such as "click 8.2.1..8.2.2" with the template."""
    project, _, revisions = name.partition(" ")
    repo = git.find(clones / project)
    since, _, last = (revisions.partition("..")) if ".." in revisions else ("", "", revisions)
    since, last = git.resolve(repo, since or f"{last}~1"), git.resolve(repo, last)
    shas = git.between(repo, f"{since}..{last}")
    with tempfile.TemporaryDirectory() as folder, open_desk(Path(folder)) as db:
        facts = span_facts(gather_span(repo, db, shas, since=since))
        facts += numbered(left_out(facts), len(facts) + 1)
        story = span_story(facts, date="2026-12-01")
        if run_examples:
            story, found = _with_examples(repo, db, story, facts, Span(since, shas[0], last))
            facts = list(found)
    return Told(name, story, facts, sum(fact.values.get("commits", 0) for fact in facts[:1]))  # type: ignore[misc]


def _with_examples(
    repo: git.Repository, db: Database, story: Story, facts: list[Fact], span: Span
) -> tuple[Story, Sequence[Fact]]:
    search = ExampleSearch(repo, db, lambda _: None)
    return with_examples(story, facts, find_examples(search, facts, span))


def prose(story: Story) -> list[Sentence]:
    """What of a story is sentences."""
    ends = filter(None, (story.hook, story.question))
    return [*(s for _, sentences in story.sections for s in sentences), *ends]


class Alterations:
    """Every alteration of the sentences of a story, one at a time.

    Args:
        told: The story.
    """

    def __init__(self, told: Told) -> None:
        self.told = told
        self.names = sorted({m for s in prose(told.story) for m in _CODE.findall(s.text)})
        self.people = [str(f.values["author"]) for f in told.facts if f.kind == "contributor"]
        self.random = random.Random(told.name)

    def of(self, sentence: Sentence) -> Iterator[tuple[str, str]]:
        """The class and the text of each."""
        text = sentence.text
        for kind, altered in (
            *self._numbers(text),
            *self._code(text),
            *self._dates(text),
            *self._quotes(text),
            *self._authors(sentence),
            *self._directions(sentence),
        ):
            if altered != text:
                yield kind, altered

    def _numbers(self, text: str) -> Iterator[tuple[str, str]]:
        taken = [m.span() for pattern in (_CODE, _QUOTE, _DATE) for m in pattern.finditer(text)]
        for match in _NUMBER.finditer(text):
            if any(start <= match.start() < end for start, end in taken):
                continue
            value = float(match[0].replace(",", ""))
            for other in {value + 1, value * 2 + 3, max(0, value - 1)} - {value}:
                shown = f"{other:,.2f}".rstrip("0").rstrip(".")
                yield "number", text[: match.start()] + shown + text[match.end() :]

    def _code(self, text: str) -> Iterator[tuple[str, str]]:
        for match in _CODE.finditer(text):
            kind = "path" if "/" in match[1] else "name"
            head, tail = text[: match.start(1)], text[match.end(1) :]
            yield kind, f"{head}{match[1]}x{tail}"
            others = [
                n for n in self.names if not n.endswith(match[1]) and not match[1].endswith(n)
            ]
            if others:
                yield kind, head + self.random.choice(others) + tail

    def _dates(self, text: str) -> Iterator[tuple[str, str]]:
        for match in _DATE.finditer(text):
            day = "01" if match[0][-2:] != "01" else "03"
            yield "date", text[: match.start()] + match[0][:-2] + day + text[match.end() :]

    def _quotes(self, text: str) -> Iterator[tuple[str, str]]:
        for match in _QUOTE.finditer(text):
            words = list(re.finditer(r"\w{3,}", match[1]))
            if words:
                word = words[len(words) // 2]
                start, end = match.start(1) + word.start(), match.start(1) + word.end()
                yield "quotation", f"{text[:start]}not{text[end:]}"
                yield "quotation", text[:start].rstrip() + text[end:]

    def _authors(self, sentence: Sentence) -> Iterator[tuple[str, str]]:
        kinds = {fact.kind for fact in self.told.facts if fact.id in sentence.facts}
        if kinds <= {"contributor", "other contributors"}:
            for person in self.people:
                if person in sentence.text:
                    yield "author", sentence.text.replace(person, "Zoe Quux", 1)
                    others = [p for p in self.people if p not in sentence.text]
                    if others:
                        yield "author", sentence.text.replace(person, others[0], 1)

    def _directions(self, sentence: Sentence) -> Iterator[tuple[str, str]]:
        kinds = {fact.kind for fact in self.told.facts if fact.id in sentence.facts}
        if kinds & {"entry", "commit", "note", "voice"}:
            return  # the author's own words
        if match := re.search(r"parameter (`[^`]+`)(.* renamed to )(`[^`]+`)", sentence.text):
            swapped = f"parameter {match[3]}{match[2]}{match[1]}"
            yield "direction", sentence.text.replace(match[0], swapped)
        for way, other in _OTHER_WAYS:
            if way in sentence.text and other not in sentence.text:
                yield "direction", sentence.text.replace(way, other, 1)


def results(told: Told) -> Iterator[tuple[str, Story]]:
    """The story with the result of one example altered, the class of which is "example"."""
    for number, example in enumerate(told.story.examples):
        for altered in (
            replace(example, result=example.result + " "),
            replace(
                example, result=re.sub(r"\d", lambda m: str((int(m[0]) + 1) % 10), example.result)
            ),
            replace(example, result=example.result[:-1]),
            replace(example, code=example.code.replace("(", "(0, ", 1)),
            replace(example, before=None if example.before else "None"),
        ):
            if altered != example:
                examples = [*told.story.examples]
                examples[number] = altered
                yield "example", replace(told.story, examples=tuple(examples))


def altered(clones: Path, *, run_examples: bool) -> None:
    """Print how much of what is altered is noticed."""
    tried, noticed = Counter[str](), Counter[str]()
    commits = sentences = alarms = longest = 0
    missed: list[tuple[str, str, str]] = []
    for name in SPANS:
        told = tell(clones, name, run_examples=run_examples and name in EXAMPLES)
        commits += told.commits
        of_story = prose(told.story)
        sentences += len(of_story) + sum(len(entries) for _, entries in told.story.changes)
        alarms += len({problem.sentence for problem in check(told.story, told.facts)})
        words = sum(len(s.text.split()) for _, section in told.story.sections for s in section)
        longest = max(longest, words)
        print(f"{name}: {told.commits} commits, {words} words", flush=True)
        alterations = Alterations(told)
        for sentence in of_story:
            for kind, text in alterations.of(sentence):
                tried[kind] += 1
                if check_sentence(replace(sentence, text=text), told.facts):
                    noticed[kind] += 1
                else:
                    missed.append((name, kind, text))
        for kind, story in results(told):
            tried[kind] += 1
            noticed[kind] += bool(check(story, told.facts))
    day = datetime.now(UTC).date()
    print(f"\n{day}; {len(SPANS)} spans, {commits:,} commits, {sentences:,} sentences and entries;")
    print(
        f"false alarms {alarms} ({alarms / sentences:.1%}); the longest story has {longest} words\n"
    )
    print("| altered | noticed | of | % |\n| --- | ---: | ---: | ---: |")
    for kind in sorted(tried):
        print(
            f"| {kind} | {noticed[kind]:,} | {tried[kind]:,} | {_percent(noticed, tried, kind)} |"
        )
    total = noticed.total() / tried.total()
    print(f"| all | {noticed.total():,} | {tried.total():,} | {total:.1%} |".replace("%", ""))
    for name, kind, text in missed:
        print(f"not noticed: {name}: {kind}: {text}")


def _percent(noticed: Counter[str], tried: Counter[str], kind: str) -> str:
    return f"{100 * noticed[kind] / tried[kind]:.1f}"


def true(clones: Path, sentences: Path) -> None:
    """Print which of the sentences that were written by hand are refused."""
    stories: dict[str, Told] = {}
    refused = []
    count = 0
    commit = ""
    for line in sentences.read_text("utf-8").splitlines():
        if line.startswith("# ") or not line.strip():
            continue
        if not line.startswith("- "):
            commit = line
            continue
        told = stories.setdefault(commit, tell(clones, commit))
        count += 1
        ids = tuple(fact.id for fact in told.facts)
        problems = check_sentence(Sentence(line[2:], ids), told.facts)[:1]
        refused += [f"{commit}: {p.sentence}: {p.token}: {p.why}" for p in problems]
    print(
        f"{sentences.name}: {count} sentences about {len(stories)} commits: {len(refused)} refused",
        end=" ",
    )
    print(f"({len(refused) / count:.1%})")
    print("\n".join(refused))


def main() -> None:
    """Run one of the two."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("altered", "true"))
    parser.add_argument("clones", type=Path)
    parser.add_argument("--examples", action="store_true")
    given = parser.parse_args()
    with contextlib.suppress(BrokenPipeError):
        if given.what == "altered":
            altered(given.clones, run_examples=given.examples)
        else:
            for sentences in SENTENCES:
                true(given.clones, sentences)


if __name__ == "__main__":
    main()
