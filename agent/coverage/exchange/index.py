"""Which maps a commit of maps holds. The union of two is the same whoever makes it.

A map has a folder whose name says of what it is, so two machines never write the same folder, and
nothing of either is lost. `latest` repeats the newest map of each environment: git compares a new
file with that of the same path, and so stores and sends the difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from copydesk.agent.coverage.exchange.about import About, parse_about, parse_name
from copydesk.agent.coverage.exchange.limits import MAX_LINES
from copydesk.agent.git.map_repository import MapRepository, TreeEntry, refused
from copydesk.agent.records import Sha

_TOP = frozenset({"format", "latest", "maps"})
_FORMAT = b"copydesk map 1\n"
ABOUT = "about"
MAX_MAPS = 100_000
MAX_MAP_BYTES = 1 << 30
"""Bytes of the files of one map."""

Index = dict[str, str]
"""The trees of maps by the names of their folders."""


@dataclass(frozen=True, slots=True)
class NewMap:
    """A map that was measured here: what it says of itself, and its files by path."""

    about: About
    files: Mapping[str, bytes]


def read_index(maps: MapRepository, tip: Sha) -> Index:
    """The maps of a commit.

    Raises:
        CopydeskError: It holds something else ("map-refused").
    """
    top = {entry.path: entry for entry in _entries(maps, maps.tree_of(tip))}
    if not top.keys() <= _TOP or "format" not in top:
        raise refused(f"a file that is no map: {sorted(top.keys() - _TOP)[:3]}")
    if maps.read([top["format"].oid])[top["format"].oid] != _FORMAT:
        raise refused("it is of another format than this copydesk reads")
    if "maps" not in top:
        return {}
    groups = _folders(_entries(maps, top["maps"].oid))
    index = Index()
    for oid, entries in maps.entries(groups.values()).items():
        (group,) = [name for name, tree in groups.items() if tree == oid][:1]
        for name, tree in _folders(entries).items():
            if parse_name(name).commit[:2] != group:
                raise refused(f"a map in the wrong place: {name[:80]!r}")
            index[name] = tree
    if len(index) > MAX_MAPS:
        raise refused(f"more than {MAX_MAPS:,} maps")
    return index


def _entries(maps: MapRepository, tree: str) -> list[TreeEntry]:
    return maps.entries([tree])[tree]


def _folders(entries: Iterable[TreeEntry]) -> dict[str, str]:
    folders = {}
    for kind, oid, name in entries:
        if kind != "tree":
            raise refused(f"a file where a folder belongs: {name[:80]!r}")
        folders[name] = oid
    return folders


def read_abouts(maps: MapRepository, index: Mapping[str, str]) -> dict[str, About]:
    """What some maps say of themselves, by name.

    Raises:
        CopydeskError: One cannot be read ("map-refused").
    """
    files = {}
    for tree, entries in maps.entries(index.values()).items():
        files[tree] = next((e.oid for e in entries if e[::2] == ("blob", ABOUT)), "")
    if not all(files.values()):
        raise refused("a map that does not say of what it is")
    contents = maps.read(files.values())
    return {name: parse_about(contents[files[tree]], name) for name, tree in index.items()}


def read_map(maps: MapRepository, tree: str) -> dict[str, bytes]:
    """The files of a map by path.

    Raises:
        CopydeskError: They are too many or too large ("map-refused").
    """
    entries = maps.walk(tree)
    sizes = maps.sizes(entry.oid for entry in entries)
    if sum(sizes.get(entry.oid, 0) for entry in entries) > MAX_MAP_BYTES:
        raise refused(f"its files claim more than {MAX_MAP_BYTES:,} bytes")
    if len(entries) > MAX_LINES:
        raise refused("too many files")
    contents = maps.read(entry.oid for entry in entries)
    return {entry.path: contents[entry.oid] for entry in entries}


def united(*indexes: Mapping[str, str]) -> Index:
    """All maps of some indexes. Of two of the same name, which nobody makes, the first by id."""
    whole = Index()
    for index in indexes:
        for name, tree in index.items():
            whole[name] = min(tree, whole.get(name, tree))
    return whole


def write(
    maps: MapRepository,
    parent: Sha | None,
    present: Mapping[str, str],
    *,
    trees: Mapping[str, str] | None = None,
    new: Iterable[NewMap] = (),
) -> Sha:
    """A commit with more maps.

    Args:
        maps: The repository of maps.
        parent: What it starts from; None for nothing.
        present: The maps that are in it.
        trees: Stored maps to take in, by name.
        new: Maps to write.

    Returns:
        The commit.
    """
    blobs = {"format": _FORMAT}
    names = {*present, *(trees or {})}
    for each in new:
        names.add(each.about.name)
        folder = _folder(each.about.name)
        blobs[f"{folder}/{ABOUT}"] = each.about.to_json()
        blobs |= {f"{folder}/{path}": content for path, content in each.files.items()}
    return maps.commit(
        parent,
        blobs=blobs,
        trees={_folder(name): tree for name, tree in (trees or {}).items()},
        copies={f"latest/{env}": _folder(name) for env, name in _latest(names).items()},
        message=f"{len(names)} maps",
    )


def _folder(name: str) -> str:
    return f"maps/{name[:2]}/{name}"


def _latest(names: Iterable[str]) -> dict[str, str]:
    """The newest map of each environment: the same whoever asks."""
    newest: dict[str, tuple[int, str]] = {}
    for name in names:
        parsed = parse_name(name)
        key = f"{parsed.environment}-{'b' if parsed.branch else 'a'}"
        newest[key] = max(newest.get(key, (-1, "")), (parsed.measured_at, name))
    return {key: name for key, (_, name) in newest.items()}
