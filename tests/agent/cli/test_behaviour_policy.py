"""What the gate says of commits that keep what the code does by their words only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copydesk.agent.cli import behaviour_policy as policy
from copydesk.agent.coverage.gate import Floors, judge
from copydesk.agent.desk.comparisons import ComparisonRow
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import Repository, find, set_config

Commit = Callable[..., str]
DIFFERENCE = {"call": "f(1)", "before": "1", "after": "2", "kind": "value", "count": 1}


@pytest.fixture
def desk(repo: Path) -> Iterator[tuple[Repository, Database]]:
    repository = find(repo)
    set_config(repository, "copydesk.python", sys.executable)
    with open_desk(repository.desk) as db:
        yield repository, db


def suspect(db: Database, sha: str, announced: str = "") -> ComparisonRow:
    detail = {"differences": [DIFFERENCE]}
    row = ComparisonRow(0, sha, "", "m.py", "f", "differs", announced, detail)
    return db.comparisons.keep(row)


def test_only_commits_that_keep_by_their_words_are_judged(
    desk: tuple[Repository, Database], commit: Commit, git: Commit
) -> None:
    repo, _ = desk
    base = git(repo.worktree, "rev-parse", "HEAD")
    first = commit(repo.worktree, {"m.py": "a = 1"}, "refactor: move it")
    commit(repo.worktree, {"m.py": "a = 2"}, "fix: it")
    last = commit(repo.worktree, {"m.py": "a = 3"}, "Tidy up")
    assert policy.keeping_commits(repo, base, last) == [first, last]


@pytest.mark.parametrize(
    ("chosen", "outcome", "part"), [("stop", "fail", "reasons"), ("say", "pass", "remarks")]
)
def test_a_suspect_change_stops_or_is_remarked_on(
    desk: tuple[Repository, Database], chosen: str, outcome: str, part: str
) -> None:
    repo, db = desk
    verdict = judge({}, Floors(), read=str)
    sha = "a" * 40
    row = suspect(db, sha)
    words = (
        "aaaaaaaa keeps what the code does by its words, but m.py::f differs: f(1) gave 1, gives 2"
    )
    judged = policy.with_behaviour(verdict, chosen, repo, db, [sha])
    assert judged.verdict == outcome
    assert words in getattr(judged, part)
    assert policy.with_behaviour(verdict, "", repo, db, [sha]) == verdict
    db.comparisons.set_state(row.id, "fine")
    assert policy.with_behaviour(verdict, chosen, repo, db, [sha]) == verdict


def test_an_announced_change_passes(desk: tuple[Repository, Database]) -> None:
    repo, db = desk
    verdict = judge({}, Floors(), read=str)
    suspect(db, "a" * 40, "its tests changed with it")
    assert policy.with_behaviour(verdict, "stop", repo, db, ["a" * 40]) == verdict


def test_a_commit_that_cannot_be_compared_is_said(
    desk: tuple[Repository, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> list[object]:
        raise CopydeskError("no sandbox", slug="no-sandbox")

    monkeypatch.setattr(policy, "compare_commit", refuse)
    lines: list[str] = []
    policy.compare_commits(*desk, ["b" * 40], lines.append)
    assert lines == ["bbbbbbbb was not compared with its parent: no sandbox"]
