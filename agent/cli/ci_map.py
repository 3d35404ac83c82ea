"""The maps of others in a CI job: fetched before it measures, and pushed afterwards."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import click

from copydesk.agent.cli.current_desk import open_current_desk
from copydesk.agent.cli.output import print_progress
from copydesk.agent.coverage.exchange import fetch_maps, place, push_maps
from copydesk.agent.errors import CopydeskError
from copydesk.agent.records import Sha
from copydesk.agent.text import clean, plural

Command = TypeVar("Command", bound=Callable[..., Any])


def map_option(command: Command) -> Command:
    """What a job does with maps; the function takes `maps`."""
    return click.option(
        "--map",
        "maps",
        type=click.Choice(("fetch", "both")),
        help="Fetch the maps of others first (`copydesk map`); both: push what was measured, too.",
    )(command)


def fetch_first(maps: str | None) -> None:
    """Fetch the maps of others where that was asked for; that it fails costs no verdict."""
    if maps is None:
        return
    with _said("fetched"), open_current_desk(create=True) as (repo, db):
        arrived = fetch_maps(repo, db, place("origin", None))
        print_progress(f"{plural(arrived.total, 'map')} of others, {len(arrived.new)} new")


def push_after(maps: str | None, head: Sha) -> None:
    """Push what was measured where that was asked for; that it fails costs no verdict."""
    if maps != "both":
        return
    with _said("pushed"), open_current_desk() as (repo, db):
        where = place("origin", None)
        pushed = push_maps(repo, db, where, [head], who=_name(os.environ.get), say=print_progress)
        print_progress(f"pushed {plural(len(pushed.names), 'map')}; {pushed.total:,} are there")


def _name(variable: Callable[[str], str | None]) -> str:
    """Who measures, as the CI host says; "" where it says nothing."""
    if variable("GITHUB_ACTIONS"):
        return f"GitHub Actions, {variable('GITHUB_WORKFLOW') or 'a job'}"
    return "GitLab CI" if variable("GITLAB_CI") else ""


@contextlib.contextmanager
def _said(what: str) -> Iterator[None]:
    try:
        yield
    except CopydeskError as error:
        print_progress(f"no maps were {what}: {clean(str(error))}")
