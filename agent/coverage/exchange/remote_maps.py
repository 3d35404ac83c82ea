"""Maps on their way to and from a remote: pushed, fetched and pruned.

Whoever pushes adds to what is there and says so to git, which refuses where somebody else was
quicker; then it is done again on top of theirs. What is fetched is looked at before it is stored,
and nothing of it runs.
"""

from __future__ import annotations

import hashlib
import random
import re
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from copydesk.agent.coverage.exchange.about import About, MapName, parse_name
from copydesk.agent.coverage.exchange.index import Index, NewMap, read_abouts, read_index, write
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.command import GitFailed
from copydesk.agent.git.map_repository import MapRepository, refused
from copydesk.agent.progress import Progress, silent
from copydesk.agent.records import Sha

TEAM = "refs/copydesk/map/team"
"""The ref of a project's own maps."""

FORKS = "refs/copydesk/map/forks/"
"""Below this are the refs of those who may not write `TEAM`."""

ATTEMPTS = 20
"""How often a push begins anew where others were quicker."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where maps are kept: a remote of the repository, and a ref there."""

    remote: str
    ref: str = TEAM

    @property
    def known_ref(self) -> str:
        """The ref on the desk that says what was there the last time."""
        remote = self.remote
        if not _PLAIN.fullmatch(remote) or ".." in remote or remote.endswith((".lock", ".")):
            remote = hashlib.sha256(remote.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        return f"refs/copydesk/remotes/{remote}/{self.ref.removeprefix('refs/copydesk/map/')}"

    @property
    def origin(self) -> str:
        """What it is called in what rests on a map from there."""
        return self.remote if self.ref == TEAM else f"{self.remote} {self.ref.removeprefix(FORKS)}"


def place(remote: str, fork: str | None) -> Place:
    """The place that a user means.

    Raises:
        CopydeskError: A fork's name is none.
    """
    if remote.startswith("-"):
        raise CopydeskError(f"{remote!r} is no remote", slug="map-place")
    if fork is None:
        return Place(remote)
    if not _PLAIN.fullmatch(fork) or ".." in fork or fork.endswith((".lock", ".")):
        raise CopydeskError(
            f"{fork!r} cannot name a place for maps",
            slug="map-place",
            hint="Letters, digits, dots, dashes and underscores: --fork alice",
        )
    return Place(remote, FORKS + fork)


_SIGNS_OF_DAMAGE = (
    *("fsck", "bad object", "corrupt", "inflate", "index-pack", "unpack", "SHA1", "delta"),
    *("is missing", "invalid", "did not receive", "Needed a single revision"),
)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a remote holds: its tip (None: no map yet), all maps, and what the new ones say."""

    tip: Sha | None
    index: Index
    new: dict[str, About]


def fetch(maps: MapRepository, where: Place) -> Fetched:
    """Fetch the maps of a remote, look at them, and store them.

    Args:
        maps: The repository of maps on the desk.
        where: The remote, and the ref there.

    Raises:
        CopydeskError: The remote cannot be reached, or what it sends is refused; nothing is stored
            then.
    """
    known_tip = maps.tip(where.known_ref)
    before = read_index(maps, known_tip) if known_tip else Index()
    tip = maps.remote_tips(where.remote, where.ref).get(where.ref)
    if tip is None:
        return Fetched(None, Index(), {})
    if tip == known_tip:
        return Fetched(tip, before, {})
    try:
        with maps.receive(where.remote, where.ref, [known_tip] if known_tip else []) as incoming:
            index = read_index(incoming, tip)
            new = {name: tree for name, tree in index.items() if before.get(name) != tree}
            abouts = read_abouts(incoming, new)
            incoming.keep()
    except GitFailed as error:
        raise _damaged(error) from error
    maps.point(where.known_ref, tip)
    return Fetched(tip, index, abouts)


def abouts(maps: MapRepository, index: Index, names: Iterable[str]) -> dict[str, About]:
    """What some stored maps say of themselves, by name.

    Raises:
        CopydeskError: One cannot be read ("map-refused").
    """
    return read_abouts(maps, {name: index[name] for name in names})


def _damaged(error: GitFailed) -> CopydeskError:
    """The error where git itself refuses what it was sent; another one stays as it is."""
    text = str(error)
    if any(sign in text for sign in _SIGNS_OF_DAMAGE):
        return refused(text.split("\n", 1)[-1].strip()[:300])
    return error


@dataclass(frozen=True, slots=True)
class Pushed:
    """What was pushed, or taken away: the names of the maps.

    `total` is how many are there now, `attempts` how often it was tried.
    """

    names: list[str]
    total: int
    attempts: int


def push(
    maps: MapRepository,
    where: Place,
    shas: Collection[Sha],
    prepare: Callable[[Sha], NewMap | None],
    say: Progress = silent,
) -> Pushed:
    """Add the maps of commits to those of a remote.

    Args:
        maps: The repository of maps on the desk.
        where: The remote, and the ref there.
        shas: The commits.
        prepare: The map of one; None where it may not travel.
        say: Told where somebody else was quicker.

    Raises:
        CopydeskError: The remote cannot be reached, or refuses.
    """
    prepared = {sha: each for sha in shas if (each := prepare(sha))}
    for attempt in range(1, ATTEMPTS + 1):
        remote = fetch(maps, where)
        keys = {_key(parse_name(name)) for name in remote.index}
        new = [m for m in prepared.values() if _key(parse_name(m.about.name)) not in keys]
        if not new:
            return Pushed([], len(remote.index), attempt)
        tip = write(maps, remote.tip, remote.index, new=new)
        try:
            maps.push(where.remote, where.ref, tip, remote.tip)
        except GitFailed:
            if maps.remote_tips(where.remote, where.ref).get(where.ref) == remote.tip:
                raise  # nobody else was quicker: the remote does not want it
            say("another machine was quicker; its maps are taken in, and it is tried again")
            time.sleep(random.uniform(0, 0.1 * attempt))
            continue
        maps.point(where.known_ref, tip)
        return Pushed([m.about.name for m in new], len(remote.index) + len(new), attempt)
    raise _busy()


def _key(name: MapName) -> tuple[Sha, str, bool]:
    """What a second map of is not needed."""
    return name.commit, name.environment, name.branch


def prune(maps: MapRepository, where: Place, wanted: Callable[[Iterable[Sha]], set[Sha]]) -> Pushed:
    """Take the maps of a remote away that are not wanted any more.

    Args:
        maps: The repository of maps on the desk.
        where: The remote, and the ref there.
        wanted: Of some commits those whose maps stay.

    Returns:
        What was taken away, and how many maps stay.

    Raises:
        CopydeskError: The remote cannot be reached, or refuses.
    """
    for attempt in range(1, ATTEMPTS + 1):
        remote = fetch(maps, where)
        keep = wanted({parse_name(name).commit for name in remote.index})
        staying = {n: tree for n, tree in remote.index.items() if parse_name(n).commit in keep}
        gone = sorted(remote.index.keys() - staying.keys())
        if remote.tip is None or not gone:
            return Pushed([], len(staying), attempt)
        # a commit without a parent: what it does not hold, nothing holds
        tip = write(maps, None, {}, trees=staying)
        try:
            maps.push(where.remote, where.ref, tip, remote.tip)
        except GitFailed:
            if maps.remote_tips(where.remote, where.ref).get(where.ref) == remote.tip:
                raise
            continue
        maps.point(where.known_ref, tip)
        maps.repack()
        return Pushed(gone, len(staying), attempt)
    raise _busy()


def _busy() -> CopydeskError:
    return CopydeskError(
        f"others pushed maps {ATTEMPTS} times meanwhile",
        slug="map-busy",
        hint="Nothing is lost; try again in a while.",
    )
