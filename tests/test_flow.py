"""From a commit to an accepted test: the steps, one after the other, on a real repository."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from copydesk.agent.coverage import gaps as gap_rows
from copydesk.agent.coverage.measure import measure, stored
from copydesk.agent.daemon.context import StepContext
from copydesk.agent.daemon.steps import STEPS, gaps_to_draft
from copydesk.agent.desk import drafts, history, queue
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError, Superseded
from copydesk.agent.git.repository import Repository, find, resolve, set_config
from copydesk.agent.model import waiting
from copydesk.agent.records import Draft
from copydesk.agent.review import decisions
from copydesk.agent.sandbox.records import Capability, Tier
from copydesk.agent.stories.desk import write_story
from copydesk.agent.testgen.desk import write_drafts

FIRST = {
    "shop.py": "def price(amount, rate=2):\n    return amount * rate\n",
    "tests/test_shop.py": "from shop import price\n\n\n"
    "def test_price():\n    assert price(3) == 6\n",
    "pyproject.toml": "[tool.pytest.ini_options]\ntestpaths = ['tests']\npythonpath = ['.']\n",
}
SECOND = {
    "shop.py": "def price(amount, rate=2):\n"
    "    if amount < 0:\n        raise ValueError('an amount is never negative')\n"
    "    return amount * rate\n\n\n"
    "def label(amount):\n    if amount > 100:\n        return 'much'\n    return 'little'\n",
}


class Bench:
    """A repository with its desk, and the steps run by hand."""

    def __init__(self, path: Path, db: sqlite3.Connection) -> None:
        self.path, self.db = path, db
        self.repo: Repository = find(path)
        self.said: list[str] = []

    def step(self, kind: str, sha: str) -> None:
        STEPS[kind](StepContext(self.repo, self.db, self.said.append), sha)

    def head(self) -> str:
        return resolve(self.repo, "HEAD")

    def tests(self) -> list[Draft]:
        return drafts.listed(self.db, kind="test")

    def pytest(self) -> int:
        run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        return subprocess.run(run, cwd=self.path, capture_output=True).returncode


@pytest.fixture
def bench(repo: Path, commit: Callable[..., str]) -> Iterator[Bench]:
    commit(repo, dict(FIRST), "Sell things")
    set_config(find(repo), "copydesk.python", sys.executable)
    with open_desk(find(repo).desk) as db:
        yield Bench(repo, db)


@pytest.fixture
def second(bench: Bench, commit: Callable[..., str]) -> str:
    """Two measured commits; the second has open lines."""
    bench.step("measure", bench.head())
    sha = commit(bench.path, dict(SECOND), "Refuse negative amounts\n\nA customer found one.")
    bench.step("measure", sha)
    return sha


def test_a_commit_becomes_drafts_and_an_accepted_test_raises_coverage(
    bench: Bench, second: str, commit: Callable[..., str]
) -> None:
    kinds = {k for (k,) in bench.db.execute("SELECT kind FROM jobs WHERE subject = ?", (second,))}
    assert kinds == {"draft", "story"}
    assert [g.function for g in gap_rows.load(bench.db, second)] == ["label", "price"]

    bench.step("draft", second)
    found = {d.target.function: d for d in bench.tests() if d.target}
    assert set(found) == {"price", "label"}
    draft = found["price"]
    assert draft.state == "ready"
    assert draft.path == "tests/test_shop.py"
    assert draft.evidence["gained_lines"] == [3]
    assert draft.evidence["mutants_killed"] >= 1
    assert draft.evidence["tier"] in ("full", "off")

    bench.step("draft", second)  # doing it again does nothing twice
    assert len(drafts.listed(bench.db, (), kind="test")) == 2

    bench.step("story", second)
    [story] = drafts.listed(bench.db, kind="devlog")
    assert story.evidence["verdict"] == "checked"
    assert "Refuse negative amounts" in story.content
    assert "A customer found one." in story.content

    before = stored(bench.db, second)
    for one in found.values():
        written = decisions.accept(bench.repo, bench.db, one.id)
        assert written == bench.path / "tests/test_shop.py"
    changed = subprocess.check_output(["git", "status", "--porcelain"], cwd=bench.path, text=True)
    assert changed == " M tests/test_shop.py\n"
    assert bench.pytest() == 0
    third = commit(bench.path, {}, "Take the drafts")
    after = measure(bench.repo, bench.db, third)
    assert before
    assert after.percent == 100.0 > before.percent
    combined = write_story(bench.repo, bench.db, [second, third], say=bench.said.append)
    assert "100" in combined.content

    assert decisions.accept(bench.repo, bench.db, story.id).read_text() == story.content
    with pytest.raises(CopydeskError, match="not waiting"):
        decisions.accept(bench.repo, bench.db, story.id)


def test_the_editor_edits_rejects_and_takes_back(bench: Bench, second: str) -> None:
    bench.step("draft", second)
    draft, other = bench.tests()

    better = draft.content.replace("def test_", "def test_that_").replace("\n\n\n\n", "\n\n\n")
    edited = decisions.edit(bench.repo, bench.db, draft.id, better)
    assert edited.evidence["verdict"] == "verified"
    assert edited.evidence["edited"] is True
    assert decisions.edit(bench.repo, bench.db, draft.id, better) == edited
    broken = decisions.edit(bench.repo, bench.db, draft.id, "def test_x():\n    assert 1 == 2\n")
    assert broken.evidence["verdict"] == "failed"
    with pytest.raises(CopydeskError, match="not valid Python"):
        decisions.edit(bench.repo, bench.db, draft.id, "def test_(:")
    decisions.edit(bench.repo, bench.db, draft.id, better)

    untouched = (bench.path / "tests/test_shop.py").read_text()
    decisions.accept(bench.repo, bench.db, draft.id)
    assert "test_that_" in (bench.path / "tests/test_shop.py").read_text()
    assert decisions.undo(bench.repo, bench.db, draft.id).state == "ready"
    assert (bench.path / "tests/test_shop.py").read_text() == untouched

    decisions.reject(bench.repo, bench.db, other.id, "says nothing new")
    assert decisions.undo(bench.repo, bench.db, other.id).state == "ready"
    with pytest.raises(CopydeskError, match="nothing to undo"):
        decisions.undo(bench.repo, bench.db, other.id)
    actions = [a for (a,) in bench.db.execute("SELECT action FROM reviews ORDER BY id")]
    assert actions == ["edit", "edit", "edit", "accept", "undo", "reject", "undo"]

    story = write_story(bench.repo, bench.db, [second], say=bench.said.append)
    longer = decisions.edit(bench.repo, bench.db, story.id, story.content + "\nMore.\n")
    written = decisions.accept(bench.repo, bench.db, story.id)
    assert written.read_text() == longer.content
    decisions.undo(bench.repo, bench.db, story.id)
    assert not written.exists()


def test_where_nothing_may_be_run_the_gaps_stay_listed(
    bench: Bench, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from copydesk.agent.testgen import desk

    none = Capability(Tier.NONE, "no guard here", "install one")
    monkeypatch.setattr(desk, "detect", lambda *a, **k: none)
    bench.step("draft", second)
    assert bench.tests() == []
    assert any("no guard here" in line for line in bench.said)


def test_a_switched_off_sandbox_runs_drafts_and_says_so(bench: Bench, second: str) -> None:
    set_config(bench.repo, "copydesk.sandbox", "off")
    bench.step("draft", second)
    assert {d.evidence["tier"] for d in bench.tests()} == {"off"}


def test_a_newer_commit_supersedes_the_drafting_of_an_older(
    bench: Bench, second: str, commit: Callable[..., str]
) -> None:
    commit(bench.path, {"README": "x"})
    with pytest.raises(Superseded):
        bench.step("draft", second)


def test_a_commit_without_gaps_needs_no_draft(bench: Bench) -> None:
    bench.step("measure", bench.head())
    bench.step("draft", bench.head())
    assert bench.tests() == []
    assert gaps_to_draft([], 3) == []
    bench.step("measure", bench.head())  # measured already: only asks for what follows
    assert queue.counts(bench.db).ready == 2


def test_stories_can_be_switched_off(bench: Bench, commit: Callable[..., str]) -> None:
    text = FIRST["pyproject.toml"] + "[tool.copydesk]\nstories = false\n"
    sha = commit(bench.path, {"pyproject.toml": text})
    bench.step("measure", sha)
    assert [k for (k,) in bench.db.execute("SELECT kind FROM jobs")] == ["draft"]


ANSWER = """Here is a test:

```python
from shop import secret

def test_secret_word():
    assert secret({"word": "xyzzy", "door": 7}) == "open"
```
"""


def test_a_model_gets_what_the_embedded_drafter_leaves(
    bench: Bench, commit: Callable[..., str], ollama_server: ModuleType
) -> None:
    source = FIRST["shop.py"] + (
        "\n\ndef secret(thing):\n"
        "    if sum(map(ord, thing['word'])) * thing['door'] == 4242:\n"
        "        return 'open'\n    return 'shut'\n"
    )
    sha = commit(bench.path, {"shop.py": source}, "Lock the door")
    with ollama_server.serve([ANSWER]) as script:
        set_config(bench.repo, "copydesk.modelHost", script.host)
        bench.step("measure", sha)
        bench.step("draft", sha)
    found = {d.origin: d for d in bench.tests()}
    assert "qwen2.5-coder:7b" in found, bench.said
    assert 7 in found["qwen2.5-coder:7b"].evidence["gained_lines"]
    rows = bench.db.execute("SELECT purpose, model, outcome, options FROM model_calls").fetchall()
    assert rows[0][1:3] == ("qwen2.5-coder:7b", "ok")
    assert json.loads(rows[0][3])


TWO_DOORS = (
    "\n\ndef doors(thing):\n"
    "    if sum(map(ord, thing['word'])) * thing['door'] == 4242:\n        return 'front'\n"
    "    if sum(map(ord, thing['word'])) * thing['door'] == 5151:\n        return 'back'\n"
    "    return 'shut'\n"
)


@pytest.mark.slow  # tests/agent/testgen/test_groups.py asks for less
def test_what_a_model_wrote_for_each_branch_is_one_draft(
    bench: Bench, commit: Callable[..., str], ollama_server: ModuleType
) -> None:
    sha = commit(bench.path, {"shop.py": FIRST["shop.py"] + TWO_DOORS}, "Lock both doors")
    bench.step("measure", sha)

    def answer(request: dict[str, Any]) -> str:
        door = 51 if "return 'back'  # not run" in request["messages"][-1]["content"] else 42
        said = "back" if door == 51 else "front"
        return f"def test_door():\n    assert doors({{'word': 'e', 'door': {door}}}) == '{said}'\n"

    with ollama_server.serve(answer) as script:
        set_config(bench.repo, "copydesk.modelHost", script.host)
        bench.step("draft", sha)
        asked = len(script.asked)
        bench.step("draft", sha)
        assert len(script.asked) == asked == 2
    found = {d.origin: d for d in bench.tests()}
    draft = found["qwen2.5-coder:7b"]
    assert {7, 9} <= set(draft.evidence["gained_lines"])
    assert draft.evidence["tests"] == ["test_door", "test_door_2"]
    assert len(draft.evidence["calls"]) == 2
    if "embedded" in found:  # its calls are shown to the model
        assert "- doors(" in script.asked[0]["messages"][-1]["content"]


def test_a_model_that_writes_no_test_is_not_asked_again(
    bench: Bench, commit: Callable[..., str], ollama_server: ModuleType
) -> None:
    sha = commit(bench.path, {"shop.py": FIRST["shop.py"] + TWO_DOORS}, "Lock both doors")
    bench.step("measure", sha)
    with ollama_server.serve(["I am sorry."]) as script:
        set_config(bench.repo, "copydesk.modelHost", script.host)
        bench.step("draft", sha)
        asked = len(script.asked)
        bench.step("draft", sha)
        assert len(script.asked) == asked == 4
    [draft] = drafts.listed(bench.db, ("discarded",), kind="test")
    assert draft.evidence["rungs"][0]["detail"].startswith("no answer held a test")
    assert waiting.waiting(bench.db) == []


def test_when_the_time_for_a_model_is_up_the_rest_waits(
    bench: Bench, commit: Callable[..., str], ollama_server: ModuleType
) -> None:
    sha = commit(bench.path, {"shop.py": FIRST["shop.py"] + TWO_DOORS}, "Lock both doors")
    bench.step("measure", sha)
    gaps = gap_rows.load(bench.db, sha)
    with ollama_server.serve([ANSWER]) as script:
        set_config(bench.repo, "copydesk.modelHost", script.host)
        write_drafts(bench.repo, bench.db, sha, gaps, say=bench.said.append, seconds=0)
        assert not script.asked
    assert waiting.waiting(bench.db) == [("draft", sha, 0)]


def test_a_model_that_fails_leaves_the_embedded_drafts(
    bench: Bench, second: str, ollama_server: ModuleType
) -> None:
    with ollama_server.serve(["nothing of use"], fault="http500") as script:
        set_config(bench.repo, "copydesk.modelHost", script.host)
        bench.step("draft", second)
        bench.step("story", second)
    assert {d.origin for d in bench.tests()} == {"embedded"}
    assert drafts.listed(bench.db, kind="devlog")


def test_what_a_dead_server_missed_is_drafted_when_it_is_back(
    bench: Bench, commit: Callable[..., str], ollama_server: ModuleType
) -> None:
    source = FIRST["shop.py"] + (
        "\n\ndef secret(thing):\n"
        "    if sum(map(ord, thing['word'])) * thing['door'] == 4242:\n"
        "        return 'open'\n    return 'shut'\n"
    )
    sha = commit(bench.path, {"shop.py": source}, "Lock the door")
    bench.step("measure", sha)
    with ollama_server.serve([ANSWER], fault="killed") as script:
        set_config(bench.repo, "copydesk.modelHost", script.host)
        bench.step("draft", sha)
    assert {d.origin for d in bench.tests()} == {"embedded"}
    assert waiting.waiting(bench.db) == [("draft", sha, 0)]
    bench.db.execute("UPDATE jobs SET state = 'done' WHERE kind = 'draft'")
    wrong = ANSWER.replace('== "open"', '== "ajar"')
    with ollama_server.serve([wrong]) as script:
        set_config(bench.repo, "copydesk.modelHost", script.host)
        assert waiting.look(bench.db, lambda: True, now=1e12) == [("draft", sha, 0)]
        job = queue.lease(bench.db)
        assert job is not None
        assert (job.kind, job.subject) == ("draft", sha)
        bench.step("draft", sha)
    found = {d.origin: d for d in bench.tests()}["qwen2.5-coder:7b"]
    assert '"open"' in found.content.replace("'", '"')
    assert "# recorded, not predicted: the model expected 'ajar'" in found.content
    assert found.evidence["recorded"] == ["test_secret_word"]
    assert len(found.evidence["calls"]) == 1
    assert waiting.waiting(bench.db) == []


def worded(request: dict[str, Any]) -> str:
    """What a model makes of a sheet of facts: two sentences with slots."""
    rows = [json.loads(line) for line in request["messages"][-1]["content"].split("\n")[1:]]
    facts = {row["kind"]: row["id"] for row in rows}
    commit, total = facts["commit"], facts["coverage"]
    said = [
        {"text": f"Work on {{{commit}.short}} is done.", "facts": [commit]},
        {"text": f"Coverage stands at {{{total}.after}}%.", "facts": [total]},
    ]
    return json.dumps({"sentences": said})


def test_a_story_is_offered_again_when_a_model_is_back(
    bench: Bench, second: str, ollama_server: ModuleType
) -> None:
    with ollama_server.serve(fault="http500") as script:
        set_config(bench.repo, "copydesk.modelHost", script.host)
        bench.step("story", second)
    [plain] = drafts.listed(bench.db, kind="devlog")
    assert (plain.origin, waiting.waiting(bench.db)) == ("template", [("story", second, 0)])
    assert any("no model: the model server failed inside" in line for line in bench.said)
    bench.db.execute("UPDATE jobs SET state = 'done' WHERE kind = 'story'")
    with ollama_server.serve(worded) as script:
        set_config(bench.repo, "copydesk.modelHost", script.host)
        assert waiting.look(bench.db, lambda: True, now=1e12) == [("story", second, 0)]
        bench.step("story", second)
    [told] = drafts.listed(bench.db, kind="devlog")
    assert told.origin == "qwen2.5-coder:7b"
    assert "Coverage stands at" in told.content
    assert not told.evidence["problems"]
    assert drafts.get(bench.db, plain.id).state == "superseded"
    assert waiting.waiting(bench.db) == []
    [call] = [c for c in history.model_calls(bench.db, 9) if c["outcome"] == "ok"]
    assert (call["options"]["prompt"], call["drafts"]) == ("devlog-1", [told.id])


def test_a_story_the_editor_has_touched_is_left_alone(
    bench: Bench, second: str, ollama_server: ModuleType
) -> None:
    bench.step("story", second)
    [plain] = drafts.listed(bench.db, kind="devlog")
    decisions.edit(bench.repo, bench.db, plain.id, "My own words.\n")
    bench.step("story", second)  # a template again: not over what was edited
    assert drafts.get(bench.db, plain.id).content == "My own words.\n"
    with ollama_server.serve(worded) as script:
        set_config(bench.repo, "copydesk.modelHost", script.host)
        bench.step("story", second)
        assert len(drafts.listed(bench.db, kind="devlog")) == 2  # beside it
        decisions.reject(bench.repo, bench.db, plain.id, "no")
        asked = len(script.asked)
        waiting.wait(bench.db, "story", second, "no server")
        bench.step("story", second)
        assert len(script.asked) == asked
    assert waiting.waiting(bench.db) == []
