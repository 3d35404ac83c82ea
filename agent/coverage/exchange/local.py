"""Commits measured here, as maps for others."""

from __future__ import annotations

import calendar
import time
from collections.abc import Iterable
from importlib.metadata import version

from copydesk.agent.coverage.exchange.about import About
from copydesk.agent.coverage.exchange.index import NewMap
from copydesk.agent.coverage.exchange.shards import encode
from copydesk.agent.coverage.store import load_map
from copydesk.agent.desk.database import Database
from copydesk.agent.git import repository as git
from copydesk.agent.git.configuration import get_config
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Sha

REACH = 2_000
"""How many commits below a revision are looked through for measured ones."""


def measured_commits(repo: Repository, db: Database, tips: Iterable[Sha]) -> list[Sha]:
    """The measured commits that some commits reach, themselves included.

    What was staged or saved and measured then is no commit of a branch, and nobody else has it.
    """
    measured = set(db.measures.shas())
    reached = {sha for tip in tips for sha in git.ancestors(repo, tip, REACH)}
    return [sha for sha in db.measures.shas() if sha in reached & measured]


def local_map(repo: Repository, db: Database, sha: Sha, who: str) -> NewMap | None:
    """The map of a commit that was measured here; None where it may not travel.

    It may not where it was measured beside files that are no commit's, for nobody else has these,
    nor where an earlier copydesk measured it, which did not keep under what.

    Args:
        repo: The repository.
        db: The desk.
        sha: The commit.
        who: Who measured it, in words.
    """
    measure, coverage_map = db.measures.get(sha), load_map(db, sha)
    if measure is None or coverage_map is None or not coverage_map.complete:
        return None
    parts = db.foreign_maps.environment(coverage_map.environment)
    if parts is None or db.checkouts.get(sha):
        return None
    about = About(
        commit=sha,
        environment=coverage_map.environment,
        branch=coverage_map.branch,
        parts=parts,
        measured_by=who,
        measured_at=_unix_time(db.measures.measured_at(sha)),
        tests=measure.total,
        failed=measure.failed,
        executable=measure.executable,
        covered=measure.covered,
        rests_on=tuple(share.source for share in db.foreign_maps.shares(sha)),
        tool=version("copydesk"),
    )
    return NewMap(about, encode(coverage_map.traces.values()))


def _unix_time(measured_at: str | None) -> int:
    """A time of the desk, ISO 8601 in UTC, as Unix time."""
    if not measured_at:
        return 0
    return calendar.timegm(time.strptime(measured_at[:19], "%Y-%m-%dT%H:%M:%S"))


def own_name(repo: Repository) -> str:
    """What the user is called in git's configuration; "somebody" where it says nothing."""
    return get_config(repo, "user.name") or "somebody"
