"""Gathering what is known of commits: from git, from their measures, and from the desk."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from copydesk.agent.coverage.source import functions
from copydesk.agent.coverage.store import Measure
from copydesk.agent.desk.database import Database
from copydesk.agent.git import repository as git
from copydesk.agent.git.commit import Commit
from copydesk.agent.records import Fact, Gap, LineNo, Sha
from copydesk.agent.source_text import decode_source
from copydesk.agent.stories.facts import (
    FileChange,
    GapChange,
    ReadyDraft,
    StoryInputs,
    commit_facts,
)
from copydesk.hooks import failpoints


def gather_facts(db: Database, commits: Sequence[Commit]) -> list[Fact]:
    """Everything known of commits: what git says, what was measured, what waits on the desk.

    Args:
        db: The repository's desk.
        commits: Commits that follow each other, oldest first; the last one gives the subject.
    """
    last, base = commits[-1], commits[0].parent
    changes = _changes(commits)
    bodies = [commit.info.body for commit in commits]
    inputs = StoryInputs(
        sha=last.sha,
        subject=last.info.subject,
        body="\n\n".join(filter(None, bodies)),
        author=last.info.author,
        date=last.info.date,
        files=tuple(FileChange(p, c.added, c.removed) for p, c in sorted(changes.items())),
        functions=_changed_functions(db, last, changes),
        drafts=tuple(_ready_drafts(db, last.sha)),
    )
    return commit_facts(measured_inputs(db, inputs, last.sha, base))


def measured_inputs(db: Database, inputs: StoryInputs, sha: Sha, base: Sha | None) -> StoryInputs:
    """The same with what was measured of a commit, compared with an earlier one.

    Args:
        db: The desk.
        inputs: What is known.
        sha: The commit.
        base: The commit that it is compared with, where there is one.
    """
    after = db.measures.get(sha)
    if after is None:
        return inputs
    inputs = _with_measure(inputs, after)
    if after.doubts:
        return inputs
    inputs = _with_coverage(inputs, after)
    before = db.measures.get(base) if base else None
    if before is not None and not before.doubts:
        inputs = _with_measure_before(inputs, before)
        inputs = _with_gap_changes(db, inputs, after, before)
    return inputs


def _changes(commits: Sequence[Commit]) -> dict[str, git.FileChange]:
    """What commits that follow each other changed together, by path."""
    first, last = commits[0], commits[-1]
    if len(commits) == 1:
        return first.changes
    return git.changes(first.repo, first.parent, last.sha)


def _changed_functions(
    db: Database, commit: Commit, changes: dict[str, git.FileChange]
) -> tuple[str, ...]:
    """The names of the functions that hold changed lines, each once, in order of path and line."""
    blobs = {path: commit.tree[path].blob for path in sorted(changes) if path in commit.tree}
    blobs = {path: blob for path, blob in blobs.items() if path.endswith(".py")}
    texts = git.read_blobs(commit.repo, blobs.values())
    names: dict[str, None] = {}
    for path, blob in blobs.items():
        with db.failed_items.contained("story", commit.sha, path):
            failpoints.failpoint(f"story {path}")
            source = decode_source(texts[blob])
            names |= dict.fromkeys(_functions_with(source, changes[path].lines))
    return tuple(names)


def _functions_with(source: str, lines: Iterable[LineNo]) -> Iterator[str]:
    """The functions of a source that hold one of these lines."""
    for function in functions(source):
        if any(function.first <= line <= function.last for line in lines):
            yield function.name


def _with_measure(inputs: StoryInputs, measure: Measure) -> StoryInputs:
    """The same with what the measure of the commit says."""
    return dataclasses.replace(
        inputs,
        tests_selected=measure.selected,
        tests_total=measure.total,
        tests_passed=measure.passed,
        tests_failed=measure.failed,
        doubts=measure.doubts,
    )


def _with_coverage(inputs: StoryInputs, measure: Measure) -> StoryInputs:
    """The same with what tests reach of the commit."""
    return dataclasses.replace(
        inputs,
        percent_after=measure.percent,
        covered_after=measure.covered,
        executable_after=measure.executable,
    )


def _with_measure_before(inputs: StoryInputs, measure: Measure) -> StoryInputs:
    """The same with what the measure of the commit before says."""
    return dataclasses.replace(
        inputs,
        percent_before=measure.percent,
        covered_before=measure.covered,
        executable_before=measure.executable,
    )


def _with_gap_changes(
    db: Database, inputs: StoryInputs, after: Measure, before: Measure
) -> StoryInputs:
    """The same with the functions that have more uncovered lines than before, and fewer."""
    now = _uncovered_by_function(db.gaps.of_commit(after.sha))
    then = _uncovered_by_function(db.gaps.of_commit(before.sha))
    opened, closed = [], []
    for function in sorted(now.keys() | then.keys()):
        difference = now.get(function, 0) - then.get(function, 0)
        if difference > 0:
            opened.append(GapChange(*function, difference))
        elif difference < 0:
            closed.append(GapChange(*function, -difference))
    return dataclasses.replace(inputs, gaps_opened=tuple(opened), gaps_closed=tuple(closed))


def _uncovered_by_function(gaps: Sequence[Gap]) -> dict[tuple[str, str], int]:
    """How many lines are uncovered, by path and function."""
    counts: dict[tuple[str, str], int] = {}
    for gap in gaps:
        function = (gap.path, gap.function)
        counts[function] = counts.get(function, 0) + len(gap.lines)
    return counts


def _ready_drafts(db: Database, sha: Sha) -> Iterator[ReadyDraft]:
    """The test drafts of a commit that wait for the editor."""
    for draft in db.drafts.find(("ready",), kind="test", commit=sha):
        if draft.target:
            killed = int(draft.evidence.get("mutants_killed", 0))
            total = int(draft.evidence.get("mutants_total", 0))
            yield ReadyDraft(draft.target.path, draft.target.function, killed, total)
