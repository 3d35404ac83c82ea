from __future__ import annotations

import importlib.util
import logging
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from copydesk.agent.community.pull import DISCORD, GITHUB, Pulled, PullOptions, pull
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository, find, set_config
from copydesk.agent.progress import silent

PLACES = {DISCORD.name: ("77",), GITHUB.name: ("o/r",)}


@pytest.fixture(scope="module")
def servers() -> ModuleType:
    path = Path(__file__).parent / "pull_servers.py"
    spec = importlib.util.spec_from_file_location("pull_servers", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["pull_servers"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def found(repo: Path) -> Repository:
    return find(repo)


@pytest.fixture
def db(found: Repository) -> Iterator[Database]:
    with open_desk(found.desk) as database:
        yield database


@pytest.fixture
def server(
    servers: ModuleType, found: Repository, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    with servers.serving() as state:
        for host in (DISCORD, GITHUB):
            set_config(found, host.address_key, state.address)
            for variable in host.variables:
                monkeypatch.delenv(variable, raising=False)
            monkeypatch.setenv(host.variables[0], servers.TOKEN)
        yield state


@pytest.fixture
def pulling(db: Database, found: Repository) -> Callable[..., list[Pulled]]:
    def run(host: Any, *places: str, sleep: Callable[[float], None] = lambda _: None) -> Any:
        options = PullOptions(places or PLACES[host.name], silent, sleep)
        return pull(db, found, host, options)

    return run


def texts(db: Database) -> list[str]:
    return sorted(message.text for message in db.feedback.messages())


def test_only_what_is_new_is_read_page_by_page(
    db: Database, server: Any, pulling: Callable[..., list[Pulled]]
) -> None:
    expected = [server.post("77", f"message {n:03d}")["content"] for n in range(230)]
    (first,) = pulling(DISCORD)
    assert (first.new, first.problem) == (230, "")
    assert texts(db) == expected
    asked = len(server.asked)
    server.post("77", "one more")
    (second,) = pulling(DISCORD)
    assert second.new == 1
    assert len(server.asked) - asked <= 5
    (message,) = (m for m in db.feedback.messages() if m.text == "one more")
    assert message.thread_title == "room 77"


def test_the_posts_of_a_forum_are_read_each_as_a_thread(
    db: Database, server: Any, pulling: Callable[..., list[Pulled]]
) -> None:
    server.channels["77"] = {"id": "77", "type": 15, "guild_id": "9", "name": "devlog"}
    for identity in ("801", "802"):
        server.post(identity, f"in {identity}")
        server.channels[identity] |= {"type": 11, "parent_id": "77", "guild_id": "9"}
    pulled = pulling(DISCORD)
    assert [one.place for one in pulled] == ["discord:801", "discord:802"]
    assert texts(db) == ["in 801", "in 802"]
    assert db.feedback.messages()[0].url == "https://discord.com/channels/9/801"


def test_github_is_read_by_the_time_of_change_and_discussions_by_a_query(
    db: Database, server: Any, servers: ModuleType, pulling: Callable[..., list[Pulled]]
) -> None:
    server.comments = [servers.comment(n, n // 130) for n in range(300)]
    node = {"author": {"login": "ana"}, "createdAt": servers.stamp(0), "reactionGroups": []}
    server.discussions = [
        {
            **node,
            "id": f"D_{d}",
            "url": f"https://github.com/o/r/discussions/{d}",
            "title": "Saves",
            "updatedAt": servers.stamp(d),
            "body": f"discussion {d}",
            "all_comments": [
                {**node, "id": f"DC_{d}_{c}", "body": f"reply {d} {c}"} for c in range(d)
            ],
        }
        for d in range(1, 6)
    ]
    pulled = {one.place.rpartition(" ")[2]: one for one in pulling(GITHUB)}
    assert pulled["issues/comments"].new == 300
    assert pulled["discussions"].new == 5 + 1 + 2 + 3 + 4 + 5
    edited = server.comments[7] | {"body": "edited", "updated_at": servers.stamp(900)}
    server.comments[7] = edited
    again = {one.place.rpartition(" ")[2]: one for one in pulling(GITHUB)}
    assert (again["issues/comments"].new, again["issues/comments"].changed) == (0, 1)
    assert again["discussions"].new == 0
    assert "edited" in texts(db)
    assert {method for method, path in server.asked if path != "/graphql"} == {"GET"}


def test_a_record_that_changes_while_pages_are_read_loses_no_other(
    db: Database, server: Any, servers: ModuleType, pulling: Callable[..., list[Pulled]]
) -> None:
    server.comments = [servers.comment(n, n) for n in range(250)]
    moves = iter(range(50))

    def edit_one() -> None:
        number = next(moves, None)
        if number is not None:
            server.comments[number] |= {"updated_at": servers.stamp(1_000 + number)}

    server.before_answer = edit_one
    pulling(GITHUB)
    assert texts(db) == sorted(f"comment {n}" for n in range(250))


def test_pauses_are_those_that_the_server_asks_for_whatever_the_clock_says(
    server: Any, pulling: Callable[..., list[Pulled]]
) -> None:
    server.post("77", "hello")
    server.skew = timedelta(days=400)
    server.faults = ["429", "limit", "secondary", ""]
    pauses: list[float] = []
    (pulled,) = pulling(DISCORD, sleep=pauses.append)
    assert pulled.new == 1
    assert pauses == [1.0, pytest.approx(10, abs=1.5), 60.0]


def test_a_long_pause_is_left_to_the_next_time(
    db: Database, server: Any, pulling: Callable[..., list[Pulled]]
) -> None:
    for number in range(150):
        server.post("77", f"m{number}")
    server.faults = ["", "", "", "long"]
    (pulled,) = pulling(DISCORD)
    assert (pulled.new, pulled.problem) == (100, "the server limits the rate (429)")
    assert db.feedback_state.cursors()["discord:77"].problem == pulled.problem
    (rest,) = pulling(DISCORD)
    assert (rest.new, rest.problem) == (50, "")


def test_a_deleted_channel_stops_no_other(
    db: Database, server: Any, pulling: Callable[..., list[Pulled]]
) -> None:
    server.post("77", "still here")
    gone, there = pulling(DISCORD, "66", "77")
    assert "not there any more" in gone.problem
    assert (there.new, texts(db)) == (1, ["still here"])


def test_a_revoked_token_is_said_and_shown_nowhere(
    db: Database,
    found: Repository,
    server: Any,
    servers: ModuleType,
    pulling: Callable[..., list[Pulled]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    server.post("77", "hello")
    pulling(DISCORD)
    server.revoked = True
    with pytest.raises(CopydeskError) as raised:
        pulling(DISCORD)
    assert raised.value.slug == "token-refused"
    shown = f"{raised.value} {raised.value.hint} {raised.value!r} {caplog.text}"
    assert servers.TOKEN not in shown
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for path in found.desk.rglob("*"):
        assert not path.is_file() or servers.TOKEN.encode() not in path.read_bytes()
    assert servers.TOKEN not in "".join(str(row) for row in db.execute("SELECT * FROM jobs"))


def test_the_token_is_sent_to_nobody_in_the_clear(
    found: Repository, server: Any, pulling: Callable[..., list[Pulled]]
) -> None:
    set_config(found, DISCORD.address_key, "http://example.org/api")
    with pytest.raises(CopydeskError) as raised:
        pulling(DISCORD)
    assert raised.value.slug == "bad-api-address"


def test_places_and_tokens_that_are_missing_or_odd_are_named(
    found: Repository,
    server: Any,
    db: Database,
    monkeypatch: pytest.MonkeyPatch,
    pulling: Callable[..., list[Pulled]],
) -> None:
    for places in ((), ("../..",), ("77/messages",)):
        with pytest.raises(CopydeskError, match="no place"):
            pull(db, found, DISCORD, PullOptions(places, silent))
    monkeypatch.delenv(DISCORD.variables[0])
    with pytest.raises(CopydeskError, match="no token"):
        pulling(DISCORD)
    set_config(found, DISCORD.token_key, "wrong")
    with pytest.raises(CopydeskError, match="not accepted"):
        pulling(DISCORD)


def discord_messages(server: Any, _servers: ModuleType, seed: int) -> tuple[str, set[str]]:
    """A new channel, and the texts in it."""
    channel = str(1_000 + seed)
    return channel, {server.post(channel, f"{seed} {n}")["content"] for n in range(120)}


def github_messages(server: Any, servers: ModuleType, seed: int) -> tuple[str, set[str]]:
    """A new repository with comments, many of them of the same second, and discussions."""
    texts = [f"{seed} {n}" for n in range(120)]
    server.comments = [
        servers.comment(1_000 * seed + n, n // 7) | {"body": text}
        for n, text in enumerate(texts, 1)
    ]
    node = {"author": {"login": "ana"}, "createdAt": servers.stamp(0), "reactionGroups": []}
    server.discussions = []
    for d in range(4):
        server.discussions.append(
            {
                **node,
                "id": f"D_{seed}_{d}",
                "url": f"https://github.com/o/r{seed}/discussions/{d}",
                "title": "Saves",
                "updatedAt": servers.stamp(d),
                "body": f"{seed} d{d}",
                "all_comments": [
                    {**node, "id": f"C_{seed}_{d}_{c}", "body": f"{seed} d{d} c{c}"}
                    for c in range(d)
                ],
            }
        )
        texts += [f"{seed} d{d}", *(f"{seed} d{d} c{c}" for c in range(d))]
    return f"o/r{seed}", set(texts)


HOSTS = [
    pytest.param(DISCORD, discord_messages, id="discord"),
    pytest.param(GITHUB, github_messages, id="github"),
]


def faulty_pulls(
    db: Database,
    server: Any,
    pulling: Callable[..., list[Pulled]],
    host: Any,
    place: str,
    faults: list[str],
) -> int:
    """Pull through a schedule of faults until all is read; how many messages came as new."""
    server.faults = faults
    new = 0
    for _ in range(40):
        pulled = pulling(host, place)
        new += sum(part.new for part in pulled)
        assert not any(part.changed for part in pulled)
        if not any(part.problem for part in pulled):
            break
    server.faults = []
    return new + sum(part.new for part in pulling(host, place))


def assert_each_came_once(
    db: Database,
    server: Any,
    servers: ModuleType,
    pulling: Callable[..., list[Pulled]],
    host: Any,
    write: Callable[..., tuple[str, set[str]]],
    seed: int,
) -> None:
    place, expected = write(server, servers, seed)
    new = faulty_pulls(db, server, pulling, host, place, servers.schedule(seed, 25))
    assert new == len(expected)
    rows = db.execute("SELECT text FROM feedback_messages WHERE text LIKE ?", (f"{seed} %",))
    assert sorted(text for (text,) in rows) == sorted(expected)


@pytest.mark.parametrize(("host", "write"), HOSTS)
@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_lost_or_pulled_twice_whatever_goes_wrong(
    db: Database,
    server: Any,
    servers: ModuleType,
    pulling: Callable[..., list[Pulled]],
    host: Any,
    write: Callable[..., tuple[str, set[str]]],
    seed: int,
) -> None:
    assert_each_came_once(db, server, servers, pulling, host, write, seed)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("host", "write"), HOSTS)
def test_nothing_is_lost_in_300_schedules_of_faults(
    db: Database,
    server: Any,
    servers: ModuleType,
    pulling: Callable[..., list[Pulled]],
    host: Any,
    write: Callable[..., tuple[str, set[str]]],
) -> None:
    for seed in range(300):
        assert_each_came_once(db, server, servers, pulling, host, write, seed)
