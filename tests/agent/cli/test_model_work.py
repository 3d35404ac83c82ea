"""What is said of a model's work in the background."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from copydesk.agent.cli import main
from copydesk.agent.daemon import control
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import Repository, find, set_config
from copydesk.agent.model import deferred_work
from copydesk.agent.model.activity import Activity, ActivityFile, activity_words
from copydesk.agent.progress import Progress

SHA = "1a2b3c4d" + "0" * 32


@pytest.fixture
def found(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.chdir(repo)
    found = find(repo)
    set_config(found, "copydesk.modelHost", "127.0.0.1:9")
    return found


@pytest.fixture
def db(found: Repository) -> Iterator[Database]:
    with open_desk(found.desk) as db:
        yield db


def asking(db: Database, found: Repository) -> ActivityFile:
    """A worker that words a story."""
    deferred_work.defer(db, "story", SHA, "no model yet")
    deferred_work.retry_due(db, lambda: "")
    assert db.jobs.lease(by_model=True)
    return ActivityFile(found.desk, "story", SHA)


def output(*arguments: str) -> str:
    return CliRunner().invoke(main.cli, arguments, catch_exceptions=False).output


def test_status_names_what_a_model_does(db: Database, found: Repository) -> None:
    with asking(db, found) as report:
        report("reading", 0)
        report("writing", 412)
        assert "a model is writing the story of 1a2b3c4d (412 tokens, 0 s)" in output("status")
        model = json.loads(output("status", "--json"))["model"]
    assert model["doing"]["kind"] == "story"
    assert model["doing"]["tokens"] == 412
    assert "a model is" not in output("status")


def test_what_a_killed_worker_left_is_not_shown(db: Database, found: Repository) -> None:
    with asking(db, found):
        db.jobs.release_orphans()
        assert "a model is" not in output("status")


def test_status_names_what_waits_for_a_model_and_why(db: Database, found: Repository) -> None:
    deferred_work.defer(db, "draft", SHA, "the server is away")
    words = "1 piece of work left to it, tests for 1a2b3c4d last: the server is away"
    assert words in output("status")
    [waiting] = json.loads(output("status", "--json"))["model"]["waiting"]
    assert waiting == {"kind": "draft", "sha": SHA, "tries": 0, "why": "the server is away"}


@pytest.mark.parametrize(
    ("step", "kind", "seconds", "words"),
    [
        ("loading", "draft", 5.0, "a model is loaded for writing tests for 1a2b3c4d (5 s)"),
        ("reading", "story", 59.0, "a model is writing the story of 1a2b3c4d (0 tokens, 59 s)"),
        ("", "draft", 130.0, "a model is between two answers, writing tests for 1a2b3c4d (2 min)"),
    ],
)
def test_each_step_has_words(
    step: str, kind: deferred_work.WorkKind, seconds: float, words: str
) -> None:
    activity = Activity(kind, SHA, step, 0, 1000.0, 0.0, 1000.0)
    assert activity_words(activity, now=1000.0 + seconds) == words


def test_a_long_silence_before_the_first_word_is_shown() -> None:
    activity = Activity("story", SHA, "reading", 0, 1000.0, 1010.0, 1010.0)
    words = "a model reads, or answers others first (37 s), before writing the story of 1a2b3c4d"
    assert activity_words(activity, now=1047.0) == words
    assert "a model is writing" in activity_words(activity, now=1015.0)


@pytest.mark.parametrize(
    ("kind", "waits"),
    [
        ("measure", {"measured", "drafted", "all"}),
        ("draft", {"drafted", "all"}),
        ("story", {"drafted", "all"}),
        ("model-story", {"all"}),
    ],
)
def test_waiting_has_three_goals(
    db: Database,
    found: Repository,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    waits: set[str],
) -> None:
    db.commits.replace_tips({control.reconcile._read_refs(found).tips.pop()})
    db.jobs.enqueue(kind, SHA)
    monkeypatch.setattr(control, "ensure", lambda *_, **__: False)
    said: list[str] = []
    for goal in control.GOALS:
        assert control.wait(found, 0.0, said.append, goal) is (goal not in waits)
    assert said == ["1 job left"] * len(waits)


def test_what_is_due_for_a_model_is_waited_for_until_it_is_seen_to_be_away(
    db: Database, found: Repository
) -> None:
    deferred_work.defer(db, "story", SHA, "no model yet")
    assert db.jobs.open_kinds() == {"model-story": 1}
    deferred_work.retry_due(db, lambda: "the server is away")
    assert db.jobs.open_kinds() == {}


def test_waiting_says_what_a_model_does(
    db: Database, found: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "ensure", lambda *_, **__: False)
    said: list[str] = []
    with asking(db, found) as report:
        report("writing", 3)
        control.wait(found, 0.0, said.append)
    assert said == ["1 job left; a model is writing the story of 1a2b3c4d (3 tokens, 0 s)"]


def test_wait_says_how_far_the_work_is(found: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    set_config(found, "copydesk.bin", "copydesk")
    goals: list[str] = []

    def wait(_repo: Repository, _seconds: float, _say: Progress, goal: str) -> bool:
        goals.append(goal)
        return True

    monkeypatch.setattr(control, "wait", wait)
    assert output("wait") == "Nothing is left to do.\n"
    assert output("wait", "--for", "measured") == "All commits are measured.\n"
    assert "stories lie on your desk" in output("wait", "--for", "drafted")
    assert goals == ["all", "measured", "drafted"]
