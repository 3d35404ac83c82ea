"""The daemon compares what a commit changed with its parent, where that is wanted."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copydesk.agent.daemon import behaviour_step as step
from copydesk.agent.daemon.step_context import StepContext
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError, Superseded
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import find, set_config

MakeCommit = Callable[..., str]
BEFORE = "def price(n: int) -> int:\n    return n * 2\n"
AFTER = BEFORE.replace("* 2", "* 3")


@pytest.fixture
def context(repo: Path) -> Iterator[StepContext]:
    repository = find(repo)
    set_config(repository, "copydesk.python", sys.executable)
    set_config(repository, "copydesk.sandbox", "off")
    log: list[str] = []
    with open_desk(repository.desk) as db:
        yield StepContext(repository, db, log.append)


def jobs(context: StepContext) -> list[str]:
    return [row[0] for row in context.db.execute("SELECT kind FROM jobs ORDER BY id")]


def test_only_a_commit_that_changes_functions_is_asked_for(
    context: StepContext, commit: MakeCommit
) -> None:
    top = context.repo.worktree
    first = commit(top, {"shop.py": BEFORE, "notes.txt": "a"})
    notes = commit(top, {"notes.txt": "b", "tests/test_shop.py": "def test(): pass\n"})
    second = commit(top, {"shop.py": AFTER})
    for sha in (first, notes):
        step.ask_for_comparison(context, Commit(context.repo, sha))
    assert jobs(context) == []
    set_config(context.repo, "copydesk.behaviourSeconds", "0")
    step.ask_for_comparison(context, Commit(context.repo, second))
    assert jobs(context) == []
    set_config(context.repo, "copydesk.behaviourSeconds", None)
    step.ask_for_comparison(context, Commit(context.repo, second))
    assert jobs(context) == ["behaviour"]


def test_an_older_commit_is_not_compared_any_more(context: StepContext, commit: MakeCommit) -> None:
    top = context.repo.worktree
    commit(top, {"shop.py": BEFORE})
    sha = commit(top, {"shop.py": AFTER})
    commit(top, {"notes.txt": "a"})
    with pytest.raises(Superseded):
        step.behaviour_step(context, sha)


@pytest.mark.parametrize(("slug", "is_raised"), [("no-sandbox", False), ("no-interpreter", True)])
def test_where_nothing_may_be_run_it_is_said(
    context: StepContext,
    commit: MakeCommit,
    monkeypatch: pytest.MonkeyPatch,
    slug: str,
    is_raised: bool,
) -> None:
    def refuse(*_: object) -> list[object]:
        raise CopydeskError("nothing can be compared: why", slug=slug)

    monkeypatch.setattr(step, "compare_commit", refuse)
    sha = commit(context.repo.worktree, {"shop.py": BEFORE})
    if is_raised:
        with pytest.raises(CopydeskError):
            step.behaviour_step(context, sha)
        return
    lines: list[str] = []
    step.behaviour_step(StepContext(context.repo, context.db, lines.append), sha)
    assert lines == ["nothing compared: nothing can be compared: why"]


@pytest.mark.slow
def test_an_unannounced_difference_is_put_on_the_desk_and_into_the_log(
    context: StepContext, commit: MakeCommit
) -> None:
    top = context.repo.worktree
    commit(top, {"shop.py": BEFORE})
    sha = commit(top, {"shop.py": AFTER}, "Refactor prices")
    lines: list[str] = []
    step.behaviour_step(StepContext(context.repo, context.db, lines.append), sha)
    assert lines[-1] == f"{sha[:8]}: 1 function does something else, and the commit does not say so"
    assert [row.name for row in context.db.comparisons.suspects()] == ["shop.py::price"]
