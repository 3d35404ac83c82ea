"""Pulling on a schedule: only when the user set one, once an interval, whatever comes of it."""

from __future__ import annotations

import importlib.util
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from copydesk.agent.cli.pull_schedule import pull_schedule_lines, pull_schedule_state
from copydesk.agent.community.pull import DISCORD, GITHUB, short_pauses
from copydesk.agent.community.pull.read_api import TryLater
from copydesk.agent.community.pull_schedule import ask_for_pull, pull_state
from copydesk.agent.config import Personal
from copydesk.agent.daemon.file_watcher import FileWatcher
from copydesk.agent.daemon.job_steps import STEPS
from copydesk.agent.daemon.scanner import Scanner
from copydesk.agent.daemon.step_context import StepContext
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository, set_config

NOON = 1_800_000_000.0
HOUR = 3600.0


@pytest.fixture
def db(found: Repository) -> Iterator[Database]:
    with open_desk(found.desk) as database:
        yield database


@pytest.fixture(scope="module")
def servers() -> ModuleType:
    path = Path(__file__).parents[1] / "community" / "pull_servers.py"
    spec = importlib.util.spec_from_file_location("pull_servers_of_the_daemon", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


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


def pull_jobs(db: Database) -> list[str]:
    return [state for (state,) in db.execute("SELECT state FROM jobs WHERE kind = 'pull'")]


def end_job(db: Database) -> None:
    db.execute("UPDATE jobs SET state = 'done' WHERE kind = 'pull'")


def pulled(found: Repository, db: Database) -> list[str]:
    log: list[str] = []
    STEPS["pull"](StepContext(found, db, log.append), "pull")
    return log


def test_it_is_asked_for_once_an_interval(db: Database) -> None:
    assert not ask_for_pull(db, 0, NOON)
    assert pull_jobs(db) == []
    asked = []
    for hours in (0.0, 0.1, 5.9, 6.0, 6.1, 13.0):
        asked.append(ask_for_pull(db, 6, NOON + hours * HOUR))
        end_job(db)
    assert asked == [True, False, False, True, False, True]


def test_a_try_counts_before_its_job_has_begun_and_a_failed_job_is_not_repeated(
    db: Database,
) -> None:
    assert ask_for_pull(db, 6, NOON)
    job = db.jobs.lease(NOON)
    assert job
    assert job.kind == "pull"
    db.jobs.fail(job, "a bug", final=True)
    assert not ask_for_pull(db, 6, NOON + HOUR)
    assert pull_jobs(db) == ["failed"]
    assert ask_for_pull(db, 6, NOON + 6 * HOUR)
    assert pull_jobs(db) == ["ready"]


def test_a_clock_that_was_ahead_holds_up_no_pull(db: Database) -> None:
    assert ask_for_pull(db, 6, NOON + 1000 * HOUR)
    end_job(db)
    assert ask_for_pull(db, 6, NOON)
    assert not ask_for_pull(db, 6, NOON + HOUR)


def test_the_daemon_asks_only_users_who_set_it(found: Repository, db: Database) -> None:
    watcher = FileWatcher(found.common_dir, lambda: None)
    logger = logging.getLogger("copydesk-test")
    scanner = Scanner(found, db, watcher, logger, lambda python: None)
    try:
        scanner.scan(Personal())
        assert pull_jobs(db) == []
        scanner.scan(Personal(pull_every=10_000))
        assert pull_jobs(db) == ["ready"]
    finally:
        watcher.stop()


def test_what_is_new_is_read_from_the_places_that_are_named(
    found: Repository, db: Database, server: Any
) -> None:
    server.post("77", "Thanks, this is awesome!")
    set_config(found, DISCORD.places_key, "77")
    set_config(found, "copydesk.pullEvery", "6")
    assert pulled(found, db) == ["pull: discord: 1 new message"]
    (message,) = db.feedback.messages()
    assert (message.kind, message.tone) == ("praise", "positive")
    assert pulled(found, db) == ["pull: discord: 0 new messages"]
    assert pull_state(db).problem == ""


def test_nothing_is_sent_once_the_schedule_is_gone(
    found: Repository, db: Database, server: Any
) -> None:
    set_config(found, DISCORD.places_key, "77")
    set_config(found, "copydesk.pullEvery", "0")
    assert pulled(found, db) == []
    assert server.asked == []


def test_a_refused_token_is_one_request_and_a_word_in_status(
    found: Repository, db: Database, server: Any, servers: ModuleType
) -> None:
    server.revoked = True
    set_config(found, DISCORD.places_key, "77")
    set_config(found, "copydesk.pullEvery", "6")
    log = pulled(found, db)
    assert log == ["pull: discord: the token is not accepted (401)"]
    assert len(server.asked) == 1
    assert servers.TOKEN not in repr(log)
    assert ask_for_pull(db, 6, NOON)
    state = pull_schedule_state(db, 6)
    assert pull_schedule_lines(state, NOON + 2 * HOUR) == [
        "Pull        every 6 hours: last 2 hours ago, due in 4 h 0 min",
        "            last problem: discord: the token is not accepted (401)",
    ]
    server.revoked = False
    server.post("77", "one")
    assert pulled(found, db) == ["pull: discord: 1 new message"]
    assert len(pull_schedule_lines(pull_schedule_state(db, 6), NOON)) == 1


def test_what_a_place_asks_for_too_long_is_told_and_the_other_service_is_read(
    found: Repository, db: Database, server: Any
) -> None:
    server.faults = ["long"]
    server.comments = []
    set_config(found, DISCORD.places_key, "77")
    set_config(found, GITHUB.places_key, "o/r")
    set_config(found, "copydesk.pullEvery", "0.5")
    log = pulled(found, db)
    assert "pull: github: 0 new messages" in log
    assert "discord:77: the server limits the rate (429)" in pull_state(db).problem


def test_no_place_is_a_problem_that_names_the_keys(found: Repository, db: Database) -> None:
    set_config(found, "copydesk.pullEvery", "6")
    (line,) = pulled(found, db)
    assert "copydesk.discordChannels" in line
    assert "copydesk.githubRepositories" in line


def test_an_error_that_is_no_refusal_is_the_jobs(
    found: Repository, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise CopydeskError("the disk is full", slug="disk-full")

    set_config(found, DISCORD.places_key, "77")
    set_config(found, "copydesk.pullEvery", "6")
    monkeypatch.setattr("copydesk.agent.community.pull.pull", full)
    with pytest.raises(CopydeskError, match="full"):
        pulled(found, db)


def test_pauses_are_short_altogether() -> None:
    waited: list[float] = []
    pause = short_pauses(10, waited.append)
    pause(4)
    pause(6)
    with pytest.raises(TryLater, match="longer pause"):
        pause(0.5)
    assert waited == [4, 6]


def test_status_says_nothing_without_a_schedule_and_due_before_the_first(db: Database) -> None:
    assert pull_schedule_state(db, 0) is None
    assert pull_schedule_lines(None) == []
    words = ["Pull        every 1.5 hours: never yet, due now"]
    assert pull_schedule_lines(pull_schedule_state(db, 1.5)) == words
