"""Run the examples of a story again before it leaves the desk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError
from copydesk.agent.examples.find_examples import AFTER_SLOT, BEFORE_SLOT
from copydesk.agent.examples.run_calls import Result, run_calls
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Example, Fact, Sha
from copydesk.agent.sandbox.records import Tier
from copydesk.agent.stories.check_story import MINE, Problem
from copydesk.agent.stories.edited_story import evidence_of
from copydesk.agent.stories.example_facts import EXAMPLE
from copydesk.agent.stories.stored_stories import StoredStory, load_story, save_story
from copydesk.agent.testgen.project import open_workspace

_DIFFERS = "run again, it gives something else"
_NOT_RUN = "could not be run again"


class _Check(NamedTuple):
    """An example, and what it is to give at a commit."""

    example: Example
    expected: str


def verify_examples(repo: Repository, db: Database, draft_id: int) -> StoredStory:
    """Run the examples of a story again, where they were run before.

    One that gives something else, or cannot be run, is a problem of the stored story from now on;
    of one that gives the same again the problem is gone. Examples that the editor vouches for are
    not run.

    Args:
        repo: The repository.
        db: Its desk.
        draft_id: The story's draft.

    Returns:
        The story as it is kept.

    Raises:
        CopydeskError: There is no such story.
    """
    stored = load_story(db, draft_id)
    problems = [p for p in stored.problems if not p.why.startswith((_DIFFERS, _NOT_RUN))]
    after, before = _checks(stored)
    for slot, checks in ((AFTER_SLOT, after), (BEFORE_SLOT, before)):
        for sha, of_commit in checks.items():
            problems += _problems(repo, sha, slot, of_commit)
    if tuple(problems) == stored.problems:
        return stored
    saved = save_story(db, replace(stored, problems=tuple(problems)))
    db.stories.set_evidence(draft_id, evidence_of(saved))
    return saved


_Checks = dict[Sha, list[_Check]]


def _checks(stored: StoredStory) -> tuple[_Checks, _Checks]:
    """What is to be run again at the ends of spans and at their starts, by commit."""
    facts = {fact.id: fact for fact in stored.facts if fact.kind == EXAMPLE}
    after: _Checks = {}
    before: _Checks = {}
    for example in stored.story.examples:
        fact = _fact_of(example, facts)
        if fact is None:
            continue
        after.setdefault(str(fact.values["sha"]), []).append(_Check(example, example.result))
        if example.before is not None and "before_sha" in fact.values:
            earlier = before.setdefault(str(fact.values["before_sha"]), [])
            earlier.append(_Check(example, example.before))
    return after, before


def _fact_of(example: Example, facts: dict[str, Fact]) -> Fact | None:
    if MINE in example.facts:
        return None
    return next((facts[i] for i in example.facts if i in facts), None)


def _problems(repo: Repository, sha: Sha, slot: str, checks: Sequence[_Check]) -> Iterator[Problem]:
    """What of the examples of a commit does not come back as it is shown."""
    why, results = _run_again(repo, sha, slot, [check.example.code for check in checks])
    for check, result in zip(checks, results, strict=True):
        code = check.example.code
        if result is None:
            yield Problem(code, check.expected, f"{_NOT_RUN} at {sha[:7]}: {why}")
        elif result.text != check.expected:
            yield Problem(code, result.text, f"{_DIFFERS} at {sha[:7]}")


def _run_again(
    repo: Repository, sha: Sha, slot: str, codes: Sequence[str]
) -> tuple[str, list[Result | None]]:
    """The results, and why there are none where one is missing."""
    try:
        with open_workspace(repo, sha, slot) as workspace:
            if workspace.sandbox.tier is Tier.NONE:
                return f"there is no sandbox here: {workspace.sandbox.reason}", [None] * len(codes)
            return "it hung, died or changes", run_calls(workspace.sandbox, codes)
    except CopydeskError as error:
        return str(error), [None] * len(codes)
