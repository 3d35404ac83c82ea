"""`copydesk map`: what was measured, shared through git."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from copydesk.agent.cli.current_desk import head_sha, open_current_desk
from copydesk.agent.cli.formatting import short_sha
from copydesk.agent.cli.options import examples, json_option
from copydesk.agent.cli.output import echo, echo_json, print_progress
from copydesk.agent.coverage.exchange import (
    differing_parts,
    fetch_maps,
    place,
    prune_maps,
    push_maps,
)
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.foreign_maps import ForeignMap
from copydesk.agent.git import repository as git
from copydesk.agent.git.map_repository import open_map_repository
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Json
from copydesk.agent.text import clean, percent, plural
from copydesk.hooks.doubts import percent_of

Command = TypeVar("Command", bound=Callable[..., Any])

SHOWN = 10
"""Maps that are listed on a screen."""


@click.group(
    "map", epilog=examples("copydesk map fetch", "copydesk map push", "copydesk map status")
)
def map_() -> None:
    """Share what was measured with others, through git.

    Maps of measured commits travel under refs/copydesk/map/ of a remote. Nothing goes out or in
    but by these commands, and nothing of what comes in is run.
    """


def place_options(command: Command) -> Command:
    """Where maps are kept; the function takes `remote` and `fork`."""
    fork = click.option(
        "--fork", metavar="NAME", help="The maps of a fork that may not write the team's."
    )
    remote = click.option(
        "--remote", default="origin", show_default=True, metavar="NAME", help="The remote."
    )
    return remote(fork(command))


@map_.command(
    epilog=examples("copydesk map push", "copydesk map push main", "copydesk map push --fork alice")
)
@click.argument("revision", metavar="[REV]", default="HEAD")
@place_options
@click.option("--as", "who", metavar="NAME", default="", help="Who measured; else git's user.name.")
@json_option
def push(revision: str, remote: str, fork: str | None, who: str, as_json: bool) -> None:
    """Push the maps of the measured commits that REV reaches.

    Where somebody else pushes at the same time, both sets of maps are kept.
    """
    where = place(remote, fork)
    with open_current_desk() as (repo, db):
        tips = [git.resolve(repo, revision)]
        pushed = push_maps(repo, db, where, tips, who=who, say=print_progress)
    if as_json:
        echo_json(
            {
                "remote": where.remote,
                "ref": where.ref,
                "pushed": pushed.names,
                "total": pushed.total,
                "attempts": pushed.attempts,
            }
        )
        return
    if pushed.names:
        count = plural(len(pushed.names), "map")
        echo(f"Pushed {count} to {where.origin}; {pushed.total:,} are there now.")
    else:
        echo(f"Nothing to push: {where.origin} has all of them ({plural(pushed.total, 'map')}).")


@map_.command(
    epilog=examples(
        "copydesk map fetch",
        "copydesk map fetch --fork alice",
        "copydesk map fetch --accept platform --accept distributions:ruff",
    )
)
@place_options
@click.option(
    "--accept",
    "accepted",
    multiple=True,
    metavar="PART",
    help="Use maps although this part of their environment differs, such as platform, python,"
    " distributions or distributions:NAME. May be given several times; each fetch says it anew.",
)
@json_option
def fetch(remote: str, fork: str | None, accepted: tuple[str, ...], as_json: bool) -> None:
    """Fetch the maps of others: what they measured is not measured again here.

    A map is used where its environment is yours. What rests on one says so, and some of its tests
    run again with each measure.
    """
    where = place(remote, fork)
    with open_current_desk(create=True) as (repo, db):
        arrived = fetch_maps(repo, db, where)
        db.foreign_maps.accept(accepted)
        rows = [_as_json(each, _differs(db, repo, each)) for each in arrived.new]
    if as_json:
        echo_json({"remote": where.remote, "ref": where.ref, "total": arrived.total, "new": rows})
        return
    if not arrived.total:
        echo(f"There are no maps at {where.origin}; `copydesk map push` is the first.")
        return
    echo(f"{plural(len(rows), 'new map')} from {where.origin}, {arrived.total:,} in all.")
    for each in arrived.new[:SHOWN]:
        echo(
            f"  {short_sha(each.sha)}  {plural(each.tests, 'test')}, measured by {each.measured_by}"
        )
    if len(rows) > SHOWN:
        echo(f"  … and {len(rows) - SHOWN} more")


@map_.command(epilog=examples("copydesk map prune", "copydesk map prune --json"))
@place_options
@json_option
def prune(remote: str, fork: str | None, as_json: bool) -> None:
    """Take the maps away that no branch or tag of the remote reaches any more."""
    where = place(remote, fork)
    with open_current_desk() as (repo, _):
        pruned = prune_maps(repo, where)
    if as_json:
        echo_json({"remote": where.remote, "pruned": pruned.names, "total": pruned.total})
        return
    echo(f"Took {plural(len(pruned.names), 'map')} away; {pruned.total:,} stay at {where.origin}.")


@map_.command(epilog=examples("copydesk map status", "copydesk map status --json"))
@json_option
def status(as_json: bool) -> None:
    """Show the maps that were fetched, and what HEAD rests on."""
    with open_current_desk() as (repo, db):
        fetched = db.foreign_maps.all()
        rows = [_as_json(each, _differs(db, repo, each)) for each in fetched]
        head = head_sha(repo)
        shares = db.foreign_maps.shares(head) if head else []
        size = open_map_repository(repo).size() if fetched else 0
    resting = [{"source": s.source, "tests": s.tests, "accepted": s.differs} for s in shares]
    if as_json:
        echo_json({"maps": rows, "bytes": size, "head": {"commit": head, "foreign": resting}})
        return
    if not rows:
        echo("No maps were fetched; `copydesk map fetch` gets those of others.")
        return
    echo(f"{plural(len(rows), 'map')} of others, {size / 1e6:,.1f} MB on the desk:")
    for each, row in list(zip(fetched, rows, strict=True))[:SHOWN]:
        echo(f"  {_in_words(each, row)}")
    if len(rows) > SHOWN:
        echo(f"  … and {len(rows) - SHOWN} more; --json has all.")
    for share in shares:
        echo(f"HEAD rests on the map of {share.source}, in {plural(share.tests, 'test')}.")


def _in_words(each: ForeignMap, row: Json) -> str:
    share = percent_of(each.covered, each.executable, [])
    claim = f", says {percent(share)}" if share is not None else ""
    words = f"{short_sha(each.sha)}  {plural(each.tests, 'test')}{claim}, by {each.source}"
    if each.state == "refused":
        return f"{words}: refused, {clean(each.why, keep='')}"
    if row["differs"]:
        shown = ", ".join(row["differs"][:3])
        return f"{words}: {'accepted although' if row['accepted'] else 'not used:'} {shown} differ"
    return f"{words}: {each.state}"


def _differs(db: Database, repo: Repository, each: ForeignMap) -> list[str]:
    """In what the environment of a map differs from the last one measured in here."""
    for conditions in db.measures.conditions().values():
        ours = db.foreign_maps.environment(conditions.environment)
        return differing_parts(each.parts, ours) if ours else []
    return []


def _as_json(each: ForeignMap, differs: list[str]) -> Json:
    return {
        "commit": each.sha,
        "environment": each.environment,
        "origin": each.origin,
        "measured_by": each.measured_by,
        "measured_at": each.measured_at,
        "tests": each.tests,
        "claims": {"executable": each.executable, "covered": each.covered},
        "state": each.state,
        "why": each.why,
        "differs": differs,
        "accepted": each.accepted,
    }


map = map_
