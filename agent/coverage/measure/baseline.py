"""The map that a measure starts from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from copydesk.agent.coverage.measure import interrupted as learned
from copydesk.agent.coverage.runner import Environment
from copydesk.agent.coverage.store import CoverageMap
from copydesk.agent.coverage.store import traces as coverage_map
from copydesk.agent.desk.database import Database
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Sha

NEAR = 500
"""How many ancestors are looked through for a measured one."""

TWINS = 20
"""How many commits are looked at for the very same files, the last measured first."""


class Base(NamedTuple):
    """The map to start from, or None and the reason."""

    map: CoverageMap | None
    why: str = ""


def find(
    repo: Repository,
    db: Database,
    sha: Sha,
    environment: Environment,
    files: Callable[[Sha], Mapping[str, str]],
) -> Base:
    """The map of the commit nearest to one among those measured in the same environment.

    What a measure had learned that was cut short serves as well where it is nearer, or where it
    had started from the same map: then it is that map, brought forward.

    Args:
        repo: The repository.
        db: Its desk.
        sha: The commit to measure.
        environment: What the outcomes depend on besides the code.
        files: The files of a commit: blob by path.
    """
    measured = db.measures.conditions()
    short = db.unfinished.shas()
    if not measured and not short:
        return Base(None, "every test: the first measure")
    trees = git.trees(repo, measured.keys() | short | {sha})
    present = trees.keys()
    partial = learned.known(
        db, *environment[:2], lambda one: files(one) if one in present else None
    ) if short else {}  # fmt: skip
    fits = [s for s, made in measured.items() if s in present and made == environment[:2]]
    # what was staged or saved and measured then may be committed now
    recent = [s for s in measured if s in present][:TWINS]
    twins = [s for s in recent if trees[s] == trees[sha]]
    ancestors = git.ancestors(repo, sha, NEAR)
    near = next((s for s in ancestors if s in measured and s != sha), None)
    before = ancestors[: ancestors.index(near)] if near else ancestors

    def candidates() -> Iterator[CoverageMap | None]:
        load = coverage_map.load
        yield from (load(db, s) for s in twins if s in fits)
        yield from (partial[s].map for s in before if s in partial)
        yield from (one.map for one in partial.values() if near and one.base == near)
        yield from (load(db, s) for s in [*(s for s in fits if s == near), *fits])
        yield from (one.map for one in partial.values())

    found = next((one for one in candidates() if one), None)
    if found is not None:
        return Base(found)
    if not measured:
        return Base(None, "every test: the first measure")
    return Base(None, "every test: configuration, interpreter or packages changed")
