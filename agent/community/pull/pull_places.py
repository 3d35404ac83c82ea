"""Pulling from the places that the user named: what is new goes to the desk, page by page.

The messages of a page and the cursor behind them are written in one transaction, so that a pull
that ends anywhere loses nothing and stores nothing twice.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from copydesk.agent.community.import_files import store_records
from copydesk.agent.community.importers.values import text_of
from copydesk.agent.community.pull import discord, github
from copydesk.agent.community.pull.read_api import Api, PlaceGone, TryLater, open_api
from copydesk.agent.desk.connection import transaction
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.feedback_state import Cursor
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository, get_config
from copydesk.agent.progress import Progress


@dataclass(frozen=True, slots=True)
class Host:
    """A service that is pulled from: its address, and where its token and places are found."""

    name: str
    address: str
    address_key: str
    token_key: str
    variables: tuple[str, ...]
    scheme: str
    places_key: str
    place: re.Pattern[str]
    hint: str


DISCORD = Host(
    name="discord",
    address="https://discord.com/api/v10",
    address_key="copydesk.discordApi",
    token_key="copydesk.discordToken",
    variables=("COPYDESK_DISCORD_TOKEN",),
    scheme="Bot",
    places_key="copydesk.discordChannels",
    place=re.compile(r"\d{1,20}", re.ASCII),
    hint="the ids of channels, forums or threads",
)
GITHUB = Host(
    name="github",
    address="https://api.github.com",
    address_key="copydesk.githubApi",
    token_key="copydesk.githubToken",
    variables=("COPYDESK_GITHUB_TOKEN", "GITHUB_TOKEN", "GH_TOKEN"),
    scheme="Bearer",
    places_key="copydesk.githubRepositories",
    place=re.compile(r"[A-Za-z0-9-]{1,39}/[\w.-]{1,100}", re.ASCII),
    hint="repositories as owner/name",
)
_GITHUB_PARTS = ("issues", "issues/comments", "releases", "discussions")


@dataclass(frozen=True, slots=True)
class PullOptions:
    """How to pull: which places ("" of them: those in the git configuration), and how to wait."""

    places: tuple[str, ...] = ()
    say: Progress = print
    sleep: Callable[[float], None] = time.sleep


class Pulled(NamedTuple):
    """What came of a place: messages that are new or have changed, or why it was not read."""

    place: str
    new: int = 0
    changed: int = 0
    unreadable: int = 0
    problem: str = ""


def pull(db: Database, repo: Repository, host: Host, options: PullOptions) -> list[Pulled]:
    """Read what is new in the places that the user named.

    Args:
        db: The open desk.
        repo: The repository, whose git configuration names places and may hold the token.
        host: DISCORD or GITHUB.
        options: Which places, and how to wait.

    Returns:
        What came of each place. A place that is gone, or has to wait, stops no other.

    Raises:
        CopydeskError: No place or no token is set, or the token is not accepted.
    """
    places = _places(repo, host, options.places)
    headers = {"Authorization": f"{host.scheme} {find_token(repo, host)}"}
    address = get_config(repo, host.address_key) or host.address
    pulled = []
    with open_api(address, headers, options.say, options.sleep) as api:
        for place in places:
            for part, pages in _parts(api, db, host, place):
                pulled.append(_pull_part(db, part, pages, options.say))
    return pulled


def _places(repo: Repository, host: Host, named: tuple[str, ...]) -> list[str]:
    places = list(named) or (get_config(repo, host.places_key) or "").split()
    for place in places:
        if not host.place.fullmatch(place) or ".." in place:
            raise CopydeskError(
                f"{place[:80]!r} is no place of {host.name}",
                slug="no-place",
                hint=f"Name {host.hint}.",
            )
    if not places:
        raise CopydeskError(
            f"no place of {host.name} is named",
            slug="no-place",
            hint=f"Name {host.hint}, or set them: git config {host.places_key} '…'.",
        )
    return list(dict.fromkeys(places))


def find_token(repo: Repository, host: Host) -> str:
    """The token: from the environment, the user's git configuration, or their keyring.

    Raises:
        CopydeskError: There is none.
    """
    for variable in host.variables:
        if os.environ.get(variable):
            return os.environ[variable].strip()
    token = get_config(repo, host.token_key) or _from_keyring(host.name)
    if token:
        return token.strip()
    raise CopydeskError(
        f"there is no token for {host.name}",
        slug="no-token",
        hint=f"Set ${host.variables[0]}, `git config {host.token_key}`, or the entry"
        f" {host.name!r} of the service 'copydesk' in your keyring.",
    )


def _from_keyring(name: str) -> str:
    """The token in the keyring of the system, if the library for it is installed."""
    try:
        import keyring  # type: ignore[import-not-found, unused-ignore]  # optional
        from keyring.errors import KeyringError  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return ""
    try:
        return keyring.get_password("copydesk", name) or ""
    except KeyringError:
        return ""


def short_pauses(
    most: float, sleep: Callable[[float], None] = time.sleep
) -> Callable[[float], None]:
    """A `sleep` for pulls that hold up other work: it waits so many seconds altogether.

    What is left of a place then is read the next time.

    Args:
        most: Seconds.
        sleep: Waits for so many seconds.
    """
    left = most

    def pause(seconds: float) -> None:
        nonlocal left
        if seconds > left:
            raise TryLater("the server is away, or asks for a longer pause than there is time for")
        left -= seconds
        sleep(seconds)

    return pause


_Pages = Callable[[str], Iterator[discord.Page]]


def _parts(api: Api, db: Database, host: Host, place: str) -> Iterator[tuple[str, _Pages]]:
    """The parts of a place that have cursors of their own, each with what reads it."""
    if host is GITHUB:
        for part in _GITHUB_PARTS:
            yield f"github:{place} {part}", _github_pages(api, place, part)
        return
    try:
        threads = discord.threads_of(api, place)
    except (PlaceGone, TryLater) as error:
        yield f"discord:{place}", _failing(error)
        return
    for thread in threads:
        yield f"discord:{text_of(thread.get('id'))}", _discord_pages(api, thread)


def _github_pages(api: Api, place: str, part: str) -> _Pages:
    return lambda cursor: github.changed(api, place, part, cursor)


def _discord_pages(api: Api, thread: Mapping[str, object]) -> _Pages:
    return lambda cursor: discord.new_messages(api, thread, cursor)


def _failing(error: Exception) -> _Pages:
    def pages(_cursor: str) -> Iterator[discord.Page]:
        raise error
        yield  # what makes it an iterator

    return pages


def _pull_part(db: Database, place: str, pages: _Pages, say: Progress) -> Pulled:
    before = db.feedback_state.cursors().get(place)
    cursor = before.cursor if before else ""
    pulled = Pulled(place)
    try:
        for page in pages(cursor):
            cursor = page.cursor
            with transaction(db):
                tally = store_records(db, page.records)
                db.feedback_state.set_cursor(Cursor(place, cursor, time.time(), ""))
            pulled = pulled._replace(
                new=pulled.new + tally.new,
                changed=pulled.changed + tally.changed,
                unreadable=pulled.unreadable + tally.bad_count,
            )
            say(f"{place}: {pulled.new} new")
    except (PlaceGone, TryLater) as error:
        pulled = pulled._replace(problem=str(error))
        with transaction(db):
            db.feedback_state.set_cursor(Cursor(place, cursor, time.time(), str(error)))
    return pulled
