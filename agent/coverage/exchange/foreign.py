"""Maps of others as what a measure here starts from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from copydesk.agent.coverage.exchange.about import accepts, differing_parts
from copydesk.agent.coverage.exchange.index import ABOUT, read_map
from copydesk.agent.coverage.exchange.shards import decode
from copydesk.agent.coverage.store import CoverageMap, Trace, add_traces, load_traces
from copydesk.agent.desk.connection import transaction
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.foreign_maps import ForeignMap
from copydesk.agent.desk.measures import Conditions
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.map_repository import open_map_repository, refused
from copydesk.agent.git.objects import present_blobs
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Sha

SHOWN = 3
"""How many differing parts are named."""


def usable_maps(db: Database, conditions: Conditions) -> dict[Sha, ForeignMap]:
    """The maps of others from which a measure may start, by commit, the last measured first.

    Args:
        db: The desk.
        conditions: Under what is measured here.
    """
    usable: dict[Sha, ForeignMap] = {}
    ours: Mapping[str, str] | None = None
    for each in db.foreign_maps.all():
        if each.state == "refused" or each.branch != conditions.branch:
            continue
        if each.conditions != conditions:
            if not each.accepted:
                continue
            ours = db.foreign_maps.environment(conditions.environment) if ours is None else ours
            if not accepts(each.accepted, differing_parts(each.parts, ours or {})):
                continue
        usable.setdefault(each.sha, each)
    return usable


def load_foreign_map(
    repo: Repository, db: Database, each: ForeignMap, conditions: Conditions
) -> CoverageMap | None:
    """The map of somebody else, on the desk afterwards; None where it is refused.

    Args:
        repo: The repository.
        db: The desk.
        each: The map.
        conditions: Under what is measured here: of those it serves from now on.
    """
    ids = db.foreign_maps.traces(each.id)
    if ids is not None:
        loaded = load_traces(db, ids)
        if len(loaded) == len(ids):
            return _as_map(each, conditions, loaded)
    try:
        traces = read_foreign_map(repo, each)
    except CopydeskError as error:
        if error.slug not in ("map-refused", "git-failed"):
            raise
        db.foreign_maps.refuse(each.id, str(error))
        return None
    with transaction(db):
        ids = add_traces(db, traces, conditions.environment)
        db.foreign_maps.set_used(each.id, ids)
    return _as_map(each, conditions, load_traces(db, ids))


def read_foreign_map(repo: Repository, each: ForeignMap) -> list[Trace]:
    """What somebody else says that the tests of a commit execute.

    Raises:
        CopydeskError: It is damaged, or speaks of files that are not here ("map-refused").
    """
    files = read_map(open_map_repository(repo), each.tree)
    traces = decode({path: content for path, content in files.items() if path != ABOUT})
    tests = sum(trace.kind == "test" for trace in traces)
    if tests != each.tests:
        raise refused(f"it says that it holds {each.tests:,} tests, and holds {tests:,}")
    _require_blobs(repo, traces)
    return traces


def _require_blobs(repo: Repository, traces: Iterable[Trace]) -> None:
    """Refuse a map of files whose content is not here: their lines could not be followed.

    Raises:
        CopydeskError: Some are not ("map-refused").
    """
    blobs = {hit.blob: hit.path for trace in traces for hit in trace.hits}
    missing = blobs.keys() - present_blobs(repo, blobs)
    if missing:
        path = blobs[min(missing)]
        raise refused(
            f"it speaks of {len(missing)} versions of files that are not in this clone, such as"
            f" one of {path!r}; a shallow clone lacks them: `git fetch --unshallow`"
        )


def _as_map(each: ForeignMap, conditions: Conditions, traces: Iterable[Trace]) -> CoverageMap:
    by_key = {(trace.kind, trace.name): trace for trace in traces}
    return CoverageMap(each.sha, *conditions, traces=by_key, foreign=each.source)


def differences(db: Database, each: ForeignMap, fingerprint: str) -> str:
    """In what the environment of a map differs from ours, in words; empty where it does not."""
    ours = db.foreign_maps.environment(fingerprint)
    if each.environment == fingerprint or ours is None:
        return ""
    names = differing_parts(each.parts, ours)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
