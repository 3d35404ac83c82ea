"""What the drafts of one commit may cost, and what of a build they get to see."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.desk.store import open_desk, transaction
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import find, set_config
from copydesk.agent.records import Draft, Gap, Target
from copydesk.agent.testgen.pipeline import PreviousDrafts, write_drafts
from copydesk.agent.testgen.pipeline.budget import Budget
from copydesk.agent.testgen.project.workspace import open_workspace

SHA = "0" * 40


def test_seconds_of_earlier_drafts_count(tmp_path: Path) -> None:
    with open_desk(tmp_path) as db:
        assert Budget(db, SHA, 30, 1000).spent() == ""
        db.drafts.add(Draft(
            id=0, kind="test", state="ready", commit=SHA, title="t", origin="embedded", path="x",
            content="", target=Target("a.py", "f", ()), evidence={"work_seconds": 29.9},
        ))  # fmt: skip
        budget = Budget(db, SHA, 30, 1000)
        assert 0 <= budget.lap() < 60
        budget = Budget(db, SHA, 29.5, 1000)
        assert budget.spent() == "30 of 30 seconds of work (copydesk.draftSeconds)"
        assert Budget(db, "1" * 40, 29.5, 1000).spent() == ""


def test_tokens_of_the_calls_behind_the_drafts_count(tmp_path: Path) -> None:
    with open_desk(tmp_path) as db:
        with transaction(db):
            db.executemany(
                "INSERT INTO model_calls VALUES (?, 'd', 'm', '', '', '', '{}', ?, ?, 1, 'ok', '')",
                [(1, 400, 100), (2, 400, None), (3, 9000, 9000)],
            )
        db.drafts.add(Draft(
            id=0, kind="test", state="discarded", commit=SHA, title="t", origin="m", path="x",
            content="", target=Target("a.py", "f", ()), evidence={"calls": [1, 2]},
        ))  # fmt: skip
        assert Budget(db, SHA, 1e9, 901).spent() == ""
        said = Budget(db, SHA, 1e9, 900).spent()
        assert said == "900 of 900 tokens of the model (copydesk.draftTokens)"


@pytest.fixture
def project(repo: Path, commit: Callable[..., str]) -> tuple[Path, str]:
    ignore = "_version.py\n*.so\n.env\nsecret.txt\nvenv/\n.hidden/\n"
    sha = commit(repo, {"calc.py": "def f(a):\n    return a + 1\n", ".gitignore": ignore})
    set_config(find(repo), "copydesk.python", sys.executable)
    return repo, sha


def test_a_spent_budget_leaves_the_rest_as_gaps(project: tuple[Path, str]) -> None:
    repo, sha = project
    set_config(find(repo), "copydesk.sandbox", "off")
    set_config(find(repo), "copydesk.draftSeconds", "0.000001")
    said: list[str] = []
    gaps = [Gap(sha, "calc.py", "f", 1, 2, (2,))]
    with open_desk(find(repo).desk) as db:
        assert (
            write_drafts(PreviousDrafts(db, Commit(find(repo), sha)), gaps, say=said.append) == []
        )
    assert any(line.startswith("1 of 1 gaps are left: ") for line in said)


def test_what_a_build_left_is_there_and_secrets_are_not(
    project: tuple[Path, str], commit: Callable[..., str]
) -> None:
    repo, _ = project
    sha = commit(repo, {"uses.py": "import fast, _version, secret, x, y\n"})
    for name in ("_version.py", "fast.so", ".env", "secret.txt", "venv/x.py", ".hidden/y.py"):
        (repo / name).parent.mkdir(exist_ok=True)
        (repo / name).write_text("V = 1\n")
    found = find(repo)
    with open_workspace(found, sha) as place:
        if place.sandbox.tier != "full":
            pytest.skip(place.sandbox.reason)
        code = "import os, _version, calc; print(_version.V, sorted(os.listdir('.')))"
        outcome = place.sandbox.run(["python", "-c", code])
        assert (
            outcome.output == "1 ['.gitignore', '_version.py', 'calc.py', 'fast.so', 'uses.py']\n"
        )
        place.sandbox.run(["rm", "_version.py"])
        assert place.sandbox.run(["python", "-c", code]).output == outcome.output
        assert (repo / "_version.py").exists()
