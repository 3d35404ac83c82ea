"""What a model wrote for the branches of one function becomes one draft on the desk."""

from __future__ import annotations

import dataclasses
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
from copydesk.agent.records import Draft, Gap
from copydesk.agent.sandbox.runner import SandboxRunner
from copydesk.agent.testgen.pipeline import draft_desk
from copydesk.agent.testgen.pipeline.budget import Budget
from copydesk.agent.testgen.pipeline.draft_desk import DraftDesk
from copydesk.agent.testgen.pipeline.draft_status import is_due
from copydesk.agent.testgen.pipeline.model_drafting import ModelAccess, ModelGapDrafting
from copydesk.agent.testgen.project.workspace import Workspace
from copydesk.agent.testgen.verify.ladder import verify
from copydesk.agent.text import text_hash

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
def db(tmp_path: Path) -> Iterator[Database]:
    with open_desk(tmp_path / "desk") as db:
        yield db


@pytest.fixture
def ask(
    db: Database,
    write: Callable[[dict[str, str]], None],
    tree: Path,
    sandbox: Callable[[], SandboxRunner],
    ollama_server: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., tuple[list[Draft], Any, Any]]:
    """Ask a scripted model about the gap: the drafts as they were laid, what the model was asked
    by, the script.
    """
    write({"grades.py": SOURCE})
    monkeypatch.setattr(draft_desk, "verify", functools.partial(verify, repeats=0))

    def go(*answers: str, **known: Any) -> tuple[list[Draft], Any, Any]:
        with ollama_server.serve(answers, **known) as script:
            settings = ModelSettings(host=script.host, on_call=db.model_calls.add)
            client = connect(
                settings, times=TimeLimits(first_token=20.0), pause=lambda _seconds: None
            )
            laid: list[Draft] = []

            class Recording(DraftDesk):
                def keep(self, *args: Any, **options: Any) -> Draft:
                    laid.append(super().keep(*args, **options))
                    return laid[-1]

            workspace = Workspace(tree, sandbox(), True)
            budget = Budget(db, GAP.commit, math.inf, math.inf)
            model = ModelAccess(client, math.inf, print)
            drafting = ModelGapDrafting(
                Recording(db, workspace, budget, print), model, client, GAP, None, gap=GAP
            )
            kept = drafting.draft()
            assert kept == laid[-1]
            return laid, model, script

    return go


def test_what_stands_for_each_branch_is_one_draft(db: Database, ask: Callable[..., Any]) -> None:
    laid, model, script = ask(GOOD, BAD)
    assert len(script.asked) == 2
    assert [draft.evidence["gained_lines"] for draft in laid] == [[3], [3, 5]]  # none is lost
    [draft] = db.drafts.find((), kind="test")
    assert (draft.id, draft.origin, draft.state) == (laid[0].id, MODEL, "ready")
    assert draft.evidence["tests"] == ["test_grade", "test_grade_2"]
    assert draft.evidence["calls"] == [1, 2]
    assert not model.reason_to_wait


def test_trouble_after_a_draft_that_stands_keeps_it_and_waits(ask: Callable[..., Any]) -> None:
    laid, model, _ = ask(GOOD, BAD, faults=["", "http500", "http500"])
    assert [draft.evidence["gained_lines"] for draft in laid] == [[3]]
    assert "failed inside" in model.reason_to_wait


def test_trouble_after_a_draft_that_fell_has_it_tried_again(
    db: Database, ask: Callable[..., Any]
) -> None:
    _, model, _ = ask(WRONG, faults=["", "http500", "http500"])
    [draft] = db.drafts.find((), kind="test")
    assert (draft.state, draft.evidence["unfinished"]) == ("discarded", True)
    assert is_due(draft)
    assert model.reason_to_wait


ASKING = "import sys\n\n\ndef test_grade():\n    assert sys.modules and grade(95) == 'good'\n"


def test_a_draft_that_asks_waits_for_the_yes_where_the_model_knows_no_other(
    db: Database, ask: Callable[..., Any]
) -> None:
    ask(ASKING, WRONG, ASKING, WRONG)
    [draft] = db.drafts.find(kind="test")
    assert (draft.state, draft.evidence["verdict"]) == ("asks", "asks")
    assert draft.evidence["asks"] == ["touches sys.modules"]


def test_a_yes_is_carried_to_the_same_text_at_another_commit(
    db: Database, ask: Callable[..., Any]
) -> None:
    laid, _, _ = ask(ASKING, WRONG, ASKING, WRONG)
    yes = {"by": "me", "at": "now", "names": ["touches sys.modules"]}
    text = laid[-1].content
    former = dataclasses.replace(
        laid[-1],
        commit="1" * 40,
        evidence=laid[-1].evidence | {"yes": yes | {"sha256": text_hash(text)}},
    )
    number = db.drafts.add(former)
    assert db.drafts.yes_to(text)["draft"] == number
    assert db.drafts.yes_to(f"{text}#") == {}
    ask(ASKING, WRONG, WRONG)
    [draft] = db.drafts.find(kind="test", commit=GAP.commit)
    assert (draft.state, draft.content) == ("ready", text)
    assert draft.evidence["yes"]["draft"] == number
    assert "a human said yes: it touches sys.modules" in draft.evidence["notes"]


def test_a_repaired_draft_that_asks_no_more_is_the_better_one(
    db: Database, ask: Callable[..., Any]
) -> None:
    ask(ASKING, GOOD, BAD)
    [draft] = db.drafts.find(kind="test")
    assert (draft.state, draft.evidence["asks"]) == ("ready", [])
