"""What the commands do: measured commits out to a remote, and others' maps in to the desk."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from copydesk.agent.coverage.exchange import remote_maps
from copydesk.agent.coverage.exchange.about import About
from copydesk.agent.coverage.exchange.foreign import read_foreign_map
from copydesk.agent.coverage.exchange.index import NewMap
from copydesk.agent.coverage.exchange.local import local_map, measured_commits, own_name
from copydesk.agent.coverage.exchange.remote_maps import Place, Pushed
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.foreign_maps import ForeignMap, new_foreign_map
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git
from copydesk.agent.git.map_repository import open_map_repository
from copydesk.agent.git.repository import Repository
from copydesk.agent.progress import Progress, silent
from copydesk.agent.records import Sha


@dataclass(frozen=True, slots=True)
class Arrived:
    """What was fetched: all maps that are there, and those that are new."""

    total: int
    new: list[ForeignMap]


def push_maps(
    repo: Repository,
    db: Database,
    where: Place,
    tips: Iterable[Sha],
    *,
    who: str = "",
    say: Progress = silent,
) -> Pushed:
    """Add the maps of the measured commits that some commits reach to those of a remote.

    Args:
        repo: The repository.
        db: The desk.
        where: The remote, and the ref there.
        tips: The commits.
        who: Who measured them, in words; git's user name when left out.
        say: Told what goes on.

    Raises:
        CopydeskError: The remote cannot be reached, or refuses.
    """
    name = who or own_name(repo)

    def prepare(sha: Sha) -> NewMap | None:
        return local_map(repo, db, sha, name)

    maps = open_map_repository(repo)
    return remote_maps.push(maps, where, measured_commits(repo, db, tips), prepare, say)


def fetch_maps(repo: Repository, db: Database, where: Place) -> Arrived:
    """Fetch the maps of a remote; nothing of them runs, and nothing is used before it is needed.

    The newest map of a commit that HEAD reaches is read at once, so that what is wrong with it
    shows now and not in the next measure.

    Raises:
        CopydeskError: The remote cannot be reached, or what it sends is refused.
    """
    maps = open_map_repository(repo)
    before = {each.name for each in db.foreign_maps.all() if each.origin == where.origin}
    fetched = remote_maps.fetch(maps, where)
    own = {(s, c.environment, c.branch) for s, c in db.measures.conditions().items()}
    abouts = dict(fetched.new)
    unseen = fetched.index.keys() - before - abouts.keys()
    if unseen:  # of an earlier fetch, which did not come to its end
        abouts |= remote_maps.abouts(maps, fetched.index, unseen)
    new = []
    for name, about in abouts.items():
        if name not in before and (about.commit, about.environment, about.branch) not in own:
            new.append(_as_row(where, name, fetched.index[name], about))
    _read_nearest(repo, new)
    db.foreign_maps.replace(where.origin, new, fetched.index.keys())
    return Arrived(len(fetched.index), new)


def _as_row(where: Place, name: str, tree: str, about: About) -> ForeignMap:
    return new_foreign_map(
        where.origin,
        name,
        tree,
        sha=about.commit,
        environment=about.environment,
        branch=about.branch,
        parts=about.parts,
        measured_by=about.measured_by,
        measured_at=about.measured_at,
        tests=about.tests,
        executable=about.executable,
        covered=about.covered,
    )


def _read_nearest(repo: Repository, new: Collection[ForeignMap]) -> None:
    """Read the map that a measure of HEAD would start from, as far as it is new."""
    by_commit = {each.sha: each for each in new}
    try:
        reached = git.ancestors(repo, git.resolve(repo, "HEAD"), 500)
    except CopydeskError:  # an unborn branch
        return
    for sha in reached:
        if sha in by_commit:
            read_foreign_map(repo, by_commit[sha])
            return


def prune_maps(repo: Repository, where: Place) -> Pushed:
    """Take the maps of commits away that no branch or tag of the remote reaches.

    Raises:
        CopydeskError: The remote cannot be reached, or has branches that are not here.
    """
    maps = open_map_repository(repo)
    tips = maps.remote_tips(where.remote, "refs/heads/*", "refs/tags/*")
    here = git.exists(repo, set(tips.values()))
    missing = [
        ref for ref, sha in tips.items() if sha not in here and ref.startswith("refs/heads/")
    ]
    if missing:
        raise CopydeskError(
            f"{missing[0]} of {where.remote} is not here, so what it reaches is not known",
            slug="map-prune",
            hint=f"Fetch first: `git fetch --prune {where.remote}`. Nothing was taken away.",
        )
    reached = set(git.reachable(repo, here, ()))
    return remote_maps.prune(maps, where, lambda shas: set(shas) & reached)
