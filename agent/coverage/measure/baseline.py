"""The map that a measure starts from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from copydesk.agent.coverage.exchange import load_foreign_map, usable_maps
from copydesk.agent.coverage.measure.blob_texts import files_of
from copydesk.agent.coverage.measure.interrupted import InterruptedMeasure, load_interrupted
from copydesk.agent.coverage.store import CoverageMap, load_map
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.foreign_maps import ForeignMap
from copydesk.agent.desk.measures import Conditions
from copydesk.agent.git import repository as git
from copydesk.agent.git.checkout import earlier_files
from copydesk.agent.git.commit import Commit
from copydesk.agent.records import Sha

NEAR = 500
"""How many ancestors are looked through for a measured one."""

SAME_TREE = 20
"""How many commits are looked at for the very same files, the last measured first."""

FIRST_MEASURE = "every test: the first measure"
CONDITIONS_CHANGED = "every test: configuration, interpreter or packages changed"


class Base(NamedTuple):
    """The map to start from, or None and the reason; the files it is of, blob by path; and the
    folders of the projects that were configured otherwise then.
    """

    map: CoverageMap | None
    why: str = ""
    files: Mapping[str, str] = {}
    reconfigured: frozenset[str] = frozenset()


def find_base(
    commit: Commit, db: Database, conditions: Conditions, projects: Mapping[str, str]
) -> Base:
    """The map of the commit nearest to one among those measured under the same conditions.

    A map that somebody else measured serves where none of ours is as near. What a measure that was
    cut short had recorded serves as well where it is nearer, or where it
    had started from the same map: then it is that map, brought forward.

    Args:
        commit: The commit to measure.
        db: The repository's desk.
        conditions: What the outcomes depend on besides the code.
        projects: What those of each project depend on, by its folder; empty where the repository
            is one project. Where nothing was measured under the same conditions, the nearest
            commit serves in which some of them were as they are.
    """
    own = db.measures.conditions()
    unfinished = db.unfinished.shas()
    usable = usable_maps(db, conditions)
    foreign = {sha: each for sha, each in usable.items() if own.get(sha) != conditions}
    measured = own | dict.fromkeys(foreign, conditions)
    if not measured and not unfinished:
        return Base(None, FIRST_MEASURE)
    trees = git.trees(commit.repo, measured.keys() | unfinished | {commit.sha})

    def files(sha: Sha) -> Mapping[str, str] | None:
        return _files_then(commit, db, sha, unfinished=True) if sha in trees else None

    interrupted = load_interrupted(db, conditions, files) if unfinished else {}
    candidates = _Candidates(commit, db, conditions, measured, trees, interrupted, foreign)
    for candidate in candidates.best_first():
        if candidate is None:
            continue
        cut_short = interrupted.get(candidate.sha)
        is_cut_short = cut_short is not None and cut_short.map is candidate
        files_then = _files_then(commit, db, candidate.sha, unfinished=is_cut_short)
        if files_then is not None:
            return Base(candidate, files=files_then)
    if not own:
        return Base(None, FIRST_MEASURE)
    return _with_some_projects(candidates, projects) or Base(None, CONDITIONS_CHANGED)


def _with_some_projects(candidates: _Candidates, projects: Mapping[str, str]) -> Base | None:
    """The nearest measured commit with the same projects, some of them configured as now."""
    sha = candidates.nearest_measured()
    if sha is None or candidates.measured[sha].branch != candidates.conditions.branch:
        return None
    then = candidates.db.measures.project_conditions(sha)
    changed = frozenset(folder for folder in projects if then.get(folder) != projects[folder])
    if then.keys() != projects.keys() or len(changed) == len(projects):
        return None
    files_then = _files_then(candidates.commit, candidates.db, sha, unfinished=False)
    candidate_map = load_map(candidates.db, sha)
    if files_then is None or candidate_map is None:
        return None
    return Base(candidate_map, files=files_then, reconfigured=changed)


def _files_then(
    commit: Commit, db: Database, sha: Sha, *, unfinished: bool
) -> Mapping[str, str] | None:
    """The files that a commit was measured with, blob by path; None where some are gone."""
    beside = db.checkouts.get(sha, unfinished=unfinished)
    files = earlier_files(commit.repo, commit.tree_of(sha), beside)
    return None if files is None else files_of(files)


@dataclass(frozen=True, slots=True)
class _Candidates:
    """The maps that the measure of a commit may start from.

    `measured` has the conditions of each measured commit, the last measured first; `trees` the
    ids of the trees of those commits that are still there; `interrupted` the measures that were
    cut short; `foreign` the maps of others, by commit.
    """

    commit: Commit
    db: Database
    conditions: Conditions
    measured: Mapping[Sha, Conditions]
    trees: Mapping[Sha, str]
    interrupted: Mapping[Sha, InterruptedMeasure]
    foreign: Mapping[Sha, ForeignMap]

    def best_first(self) -> Iterator[CoverageMap | None]:
        """The maps; None for one that is gone."""
        matching = [sha for sha in self.measured if self._matches(sha)]
        ancestors = git.ancestors(self.commit.repo, self.commit.sha, NEAR)
        nearest = self._nearest_measured(ancestors)
        nearer = ancestors[: ancestors.index(nearest)] if nearest else ancestors
        yield from map(self._load, self._with_same_tree())
        for sha in nearer:
            if sha in self.interrupted:
                yield self.interrupted[sha].map
        for measure in self.interrupted.values():
            if nearest and measure.base == nearest:
                yield measure.map
        if nearest in matching:
            yield self._load(nearest)
        yield from map(self._load, matching)
        for measure in self.interrupted.values():
            yield measure.map

    def _matches(self, sha: Sha) -> bool:
        return sha in self.trees and self.measured[sha] == self.conditions

    def _load(self, sha: Sha) -> CoverageMap | None:
        if sha in self.foreign:
            return load_foreign_map(self.commit.repo, self.db, self.foreign[sha], self.conditions)
        return load_map(self.db, sha)

    def _with_same_tree(self) -> list[Sha]:
        """The last measured commits with the very same files.

        What was staged or saved and measured then may be committed now.
        """
        tree = self.trees[self.commit.sha]
        recent = [sha for sha in self.measured if sha in self.trees][:SAME_TREE]
        recent += [sha for sha in self.foreign if sha in self.trees]
        return [sha for sha in recent if self.trees[sha] == tree and self._matches(sha)]

    def nearest_measured(self) -> Sha | None:
        """The nearest measured ancestor."""
        ancestors = git.ancestors(self.commit.repo, self.commit.sha, NEAR)
        sha = self._nearest_measured(ancestors)
        return sha if sha in self.trees else None

    def _nearest_measured(self, ancestors: list[Sha]) -> Sha | None:
        for sha in ancestors:
            if sha in self.measured and sha != self.commit.sha:
                return sha
        return None


def measured_ancestor(commit: Commit, db: Database) -> Sha | None:
    """The measured commit that a commit is compared with: its first parent, else the nearest
    ancestor, under whatever conditions; None where none of the last ones was measured.
    """
    measured = set(db.measures.shas())
    nearest_first = [commit.parent] if commit.parent else []
    nearest_first += git.ancestors(commit.repo, commit.sha, NEAR)
    for sha in nearest_first:
        if sha in measured and sha != commit.sha:
            return sha
    return None
