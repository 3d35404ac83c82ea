"""What a model wrote for the branches of one function becomes one draft on the desk."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.model.client import connect
from copydesk.agent.model.types import ModelSettings, TimeLimits
from copydesk.agent.records import Draft, Gap, Target
from copydesk.agent.sandbox.runner import SandboxRunner
from copydesk.agent.testgen.pipeline import draft_gaps as desk
from copydesk.agent.testgen.pipeline.budget import Budget
from copydesk.agent.testgen.project.workspace import Workspace
from copydesk.agent.testgen.verify.ladder import verify

MODEL = "qwen2.5-coder:7b"
SOURCE = """\
def grade(points):
    if points > 90:
        return "good"
    if points < 10:
        return "bad"
    return "fair"
"""
GAP = Gap("0" * 40, "grades.py", "grade", 1, 6, (3, 5), ())
GOOD = "def test_grade():\n    assert grade(95) == 'good'\n"
BAD = "def test_grade():\n    assert grade(5) == 'bad'\n"
WRONG = "def test_grade():\n    assert grade(5, strict=True) == 'bad'\n"


@pytest.fixture
def ask(
    tmp_path: Path,
    write: Callable[[dict[str, str]], None],
    tree: Path,
    sandbox: Callable[[], SandboxRunner],
    ollama_server: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., tuple[list[Draft], Any, Any]]]:
    """Ask a scripted model about the gap: the drafts as they were laid, the work, the script."""
    write({"grades.py": SOURCE})
    monkeypatch.setattr(desk, "verify", functools.partial(verify, repeats=0))
    with open_desk(tmp_path / "desk") as db:

        def go(*answers: str, **known: Any) -> tuple[list[Draft], Any, Any]:
            with ollama_server.serve(answers, **known) as script:
                settings = ModelSettings(host=script.host, on_call=db.model_calls.add)
                client = connect(
                    settings, times=TimeLimits(first_token=20.0), pause=lambda _seconds: None
                )
                said: list[str] = []
                place = Workspace(tree, sandbox(), True)
                budget = Budget(db, GAP.commit, math.inf, math.inf)
                none: Any = None  # what a model is asked hangs on no draft of another commit
                work = desk._Work(
                    db, GAP.commit, place, client, said.append, math.inf, budget, none, False
                )
                target = Target(GAP.path, GAP.function, GAP.lines)
                return list(work.by_model(target, GAP, client, None)), work, script

        yield go


def stored(db: Database) -> list[Draft]:
    return db.drafts.find((), kind="test")


def test_what_stands_for_each_branch_is_one_draft(ask: Callable[..., Any]) -> None:
    laid, work, script = ask(GOOD, BAD)
    assert len(script.asked) == 2
    assert [draft.evidence["gained_lines"] for draft in laid] == [[3], [3, 5]]  # none is lost
    [draft] = stored(work.db)
    assert (draft.id, draft.origin, draft.state) == (laid[0].id, MODEL, "ready")
    assert draft.evidence["tests"] == ["test_grade", "test_grade_2"]
    assert draft.evidence["calls"] == [1, 2]
    assert not work.unasked


def test_trouble_after_a_draft_that_stands_keeps_it_and_waits(ask: Callable[..., Any]) -> None:
    laid, work, _ = ask(GOOD, BAD, faults=["", "http500", "http500"])
    assert [draft.evidence["gained_lines"] for draft in laid] == [[3]]
    assert "failed inside" in work.unasked


def test_trouble_after_a_draft_that_fell_has_it_tried_again(ask: Callable[..., Any]) -> None:
    _, work, _ = ask(WRONG, faults=["", "http500", "http500"])
    [draft] = stored(work.db)
    assert (draft.state, draft.evidence["unfinished"]) == ("discarded", True)
    assert desk.is_due(draft)
    assert work.unasked
