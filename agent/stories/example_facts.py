"""Examples that were run: as facts of a story, and as what the story shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from copydesk.agent.records import Example, Fact, Sentence, Sha, Story
from copydesk.agent.stories.check_changes import CHANGES_OF_API
from copydesk.agent.stories.facts import Unnumbered, numbered, plain_line
from copydesk.agent.stories.fill_slots import fill
from copydesk.agent.stories.span_voice import heading_for

EXAMPLE, NO_EXAMPLES = "example", "no examples"
"""The kinds of fact: a call that was run, and why none was."""

_WHAT_CHANGED, _AFTER = "What changed", "What is new"


class RunExample(NamedTuple):
    """A call that was run in the sandbox, twice with the same result.

    `path` and `name` are the function that it shows, `code` and `result` what was run and came
    back at the commit `sha`. `before` is what the same code gave at `before_sha`, None where that
    is the same or was not run. `command` is what the sandbox started, `tier` how it was guarded.
    """

    path: str
    name: str
    code: str
    result: str
    before: str | None
    sha: Sha
    before_sha: Sha
    command: str
    tier: str


class ExampleRuns(NamedTuple):
    """The examples of a span, or why there are none ("" where nothing hindered)."""

    examples: tuple[RunExample, ...] = ()
    hindrance: str = ""


def with_examples(
    story: Story, facts: Sequence[Fact], runs: ExampleRuns
) -> tuple[Story, tuple[Fact, ...]]:
    """A story with examples in place of those that it had, and its facts with theirs.

    Args:
        story: The story, as a template or a model worded it.
        facts: Its facts; those of former examples are left out.
        runs: What was run.
    """
    others = [fact for fact in facts if not is_of_examples(fact)]
    first = 1 + max((int(fact.id[1:]) for fact in others), default=0)
    return shown(story, (*others, *numbered(example_facts(runs), first)))


def carried_over(
    story: Story, facts: Sequence[Fact], former: Sequence[Fact]
) -> tuple[Story, tuple[Fact, ...]]:
    """A story of the same commits, written anew, with the examples that were run for them.

    Args:
        story: The new story.
        facts: Its facts, without examples.
        former: The facts of the story before.
    """
    first = 1 + max((int(fact.id[1:]) for fact in facts), default=0)
    again = [fact for fact in former if is_of_examples(fact)]
    renumbered = [replace(fact, id=f"F{number}") for number, fact in enumerate(again, first)]
    return shown(story, (*facts, *renumbered))


def is_of_examples(fact: Fact) -> bool:
    """Whether a fact says what was run as an example, or why nothing was."""
    return fact.kind in (EXAMPLE, NO_EXAMPLES)


def shown(story: Story, facts: Sequence[Fact]) -> tuple[Story, tuple[Fact, ...]]:
    """A story that shows the examples of its facts, each under what tells of its function.

    A function of which nothing else tells, and whose result changed, gets a sentence.
    """
    examples, untold = [], []
    for fact in facts:
        if fact.kind != EXAMPLE:
            continue
        about = tuple(other.id for other in facts if _is_about(other, fact))
        before = fact.values.get("before")
        result = str(fact.values["result"])
        examples.append(
            Example(
                str(fact.values["code"]),
                result,
                (fact.id, *about),
                None if before is None else str(before),
            )
        )
        if not about:
            untold.append(fact)
    headings = tuple(heading_for(facts, heading) for heading in (_WHAT_CHANGED, _AFTER))
    return _told(replace(story, examples=tuple(examples)), untold, headings), tuple(facts)


def _is_about(api: Fact, example: Fact) -> bool:
    """Whether a change of the API is that of the function that an example shows."""
    if api.kind not in CHANGES_OF_API:
        return False
    return all(api.values.get(key) == example.values[key] for key in ("path", "name"))


def _told(story: Story, untold: Sequence[Fact], headings: Sequence[str]) -> Story:
    """The story with a sentence for each example that no other tells of.

    Args:
        story: The story.
        untold: The facts of these examples.
        headings: That of the section they belong to, and that of the one it follows.
    """
    if not untold:
        return story
    by_id = {fact.id: fact for fact in untold}
    sentences = tuple(
        Sentence(
            fill(f"{{{i}.name}} in {{{i}.path}} gives another result than before.", by_id), (i,)
        )
        for i in by_id
    )
    sections = list(story.sections)
    what_changed, after = headings
    places = [heading for heading, _ in sections]
    if what_changed in places:
        place = places.index(what_changed)
        sections[place] = (what_changed, (*sections[place][1], *sentences))
    else:
        sections.insert(int(after in places[:1]), (what_changed, sentences))
    return replace(story, sections=tuple(sections))


def example_facts(runs: ExampleRuns) -> Iterator[Unnumbered]:
    """What was run as facts, or why nothing was."""
    for run in runs.examples:
        path, name = plain_line(run.path), plain_line(run.name)
        values: dict[str, str | int | float] = {
            "path": path,
            "name": name,
            "code": run.code,
            "result": run.result,
            "sha": run.sha,
            "command": run.command,
            "tier": run.tier,
        }
        text = f"Run at {run.sha[:7]} in the sandbox (tier {run.tier}): an example of {name}"
        if run.before is not None:
            values |= {"before": run.before, "before_sha": run.before_sha}
            text += f"; at {run.before_sha[:7]} it gave something else"
        yield EXAMPLE, f"{text}. `{plain_line(run.command)}`", values
    if runs.hindrance:
        yield NO_EXAMPLES, f"No example was run: {plain_line(runs.hindrance)}.", {}
