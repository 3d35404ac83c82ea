"""A gap on which copydesk fails costs that gap alone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import find, set_config
from copydesk.agent.records import Draft, Gap
from copydesk.agent.testgen.pipeline import PreviousDrafts, gaps_to_draft, write_drafts

SOURCE = """\
def first(a):
    return a + 1


def second(a):
    return a + 2
"""
Write = Callable[[], list[Draft]]


@pytest.fixture
def db(repo: Path) -> Iterator[Database]:
    with open_desk(find(repo).desk) as db:
        yield db


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def previous(repo: Path, commit: Callable[..., str], db: Database) -> PreviousDrafts:
    files = {"calc.py": SOURCE, "tests/test_calc.py": "class TestCalc:\n    pass\n"}
    sha = commit(repo, files)
    set_config(find(repo), "copydesk.python", sys.executable)
    set_config(find(repo), "copydesk.sandbox", "off")
    return PreviousDrafts(db, Commit(find(repo), sha))


@pytest.fixture
def gaps(previous: PreviousDrafts) -> list[Gap]:
    sha = previous.commit.sha
    return [Gap(sha, "calc.py", "first", 1, 2, (2,)), Gap(sha, "calc.py", "second", 5, 6, (6,))]


@pytest.fixture
def write(previous: PreviousDrafts, gaps: list[Gap], said: list[str]) -> Write:
    return lambda: write_drafts(previous, gaps, say=said.append)


@pytest.mark.parametrize("step", ["", " (embedded)"])
def test_a_gap_that_fails_leaves_the_others(
    step: str, write: Write, db: Database, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"calc.py::first{step}"
    monkeypatch.setenv("COPYDESK_FAIL", f"draft {name}:exception")
    drafts = write()
    functions = [draft.target.function for draft in drafts if draft.target]
    assert functions == ["second"]
    (failed,) = db.failed_items.latest()
    assert (failed.work, failed.item) == ("draft", name)
    assert failed.error.startswith(f"RuntimeError: failpoint draft {name}, failpoints.py:")
    assert "Traceback" in failed.trace


def test_what_failed_once_is_not_tried_at_every_commit_and_is_shown(
    write: Write,
    db: Database,
    previous: PreviousDrafts,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COPYDESK_FAIL", "draft calc.py::first (embedded):exception")
    write()
    (discarded,) = db.drafts.find(("discarded",))
    assert "copydesk failed on it: RuntimeError" in discarded.content
    assert discarded.path == ""
    monkeypatch.delenv("COPYDESK_FAIL")
    write()
    assert [draft.id for draft in db.drafts.find(("discarded",))] == [discarded.id]


def test_a_gap_that_cannot_be_ranked_leaves_the_others(
    previous: PreviousDrafts, gaps: list[Gap], db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COPYDESK_FAIL", "draft calc.py::first:exception")
    assert previous.choose_gaps(gaps) == gaps[1:]
    assert [failed.item for failed in db.failed_items.latest()] == ["calc.py::first"]
    monkeypatch.delenv("COPYDESK_FAIL")
    assert previous.choose_gaps(gaps) == gaps
    assert not db.failed_items.latest()


def test_a_full_disk_ends_the_drafting(
    write: Write, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COPYDESK_FAIL", "draft calc.py::first (embedded):enospc")
    with pytest.raises(OSError, match="No space left"):
        write()
    assert not db.failed_items.latest()


def test_what_the_user_can_act_on_ends_the_drafting(write: Write, previous: PreviousDrafts) -> None:
    set_config(previous.commit.repo, "copydesk.python", "/nowhere/python")
    with pytest.raises(CopydeskError, match="cannot be used"):
        write()


def test_a_commit_without_gaps_needs_nothing(previous: PreviousDrafts) -> None:
    assert gaps_to_draft(previous) == []
