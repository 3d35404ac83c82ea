"""The same steps with a model server, one that fails, and one that comes back."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import set_config
from copydesk.agent.model import deferred_work
from copydesk.agent.review import decisions
from copydesk.agent.testgen.pipeline import DraftingOptions, PreviousDrafts, write_drafts

ANSWER = """Here is a test:

```python
from shop import secret

def test_secret_word():
    assert secret({"word": "xyzzy", "door": 7}) == "open"
```
"""

DOOR = (
    "\n\ndef secret(thing):\n"
    "    if sum(map(ord, thing['word'])) * thing['door'] == 4242:\n        return 'open'\n"
    "    return 'shut'\n"
)


@contextlib.contextmanager
def served(bench: Any, server: ModuleType, *answers: Any, **faults: Any) -> Iterator[Any]:
    """A model server that the repository knows of."""
    with server.serve(*answers, **faults) as script:
        set_config(bench.repo, "copydesk.modelHost", script.host)
        yield script


def test_a_model_gets_what_the_embedded_drafter_leaves(
    bench: Any, commit: Callable[..., str], ollama_server: ModuleType
) -> None:
    sha = commit(bench.path, {"shop.py": bench.first["shop.py"] + DOOR}, "Lock the door")
    with served(bench, ollama_server, [ANSWER]):
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


@pytest.mark.slow  # tests/agent/testgen/pipeline/test_groups.py asks for less
def test_what_a_model_wrote_for_each_branch_is_one_draft(
    bench: Any, commit: Callable[..., str], ollama_server: ModuleType
) -> None:
    sha = commit(bench.path, {"shop.py": bench.first["shop.py"] + TWO_DOORS}, "Lock both doors")
    bench.step("measure", sha)

    def answer(request: dict[str, Any]) -> str:
        door = 51 if "return 'back'  # not run" in request["messages"][-1]["content"] else 42
        said = "back" if door == 51 else "front"
        return f"def test_door():\n    assert doors({{'word': 'e', 'door': {door}}}) == '{said}'\n"

    with served(bench, ollama_server, answer) as script:
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
    bench: Any, commit: Callable[..., str], ollama_server: ModuleType
) -> None:
    sha = commit(bench.path, {"shop.py": bench.first["shop.py"] + TWO_DOORS}, "Lock both doors")
    bench.step("measure", sha)
    with served(bench, ollama_server, ["I am sorry."]) as script:
        bench.step("draft", sha)
        asked = len(script.asked)
        bench.step("draft", sha)
        assert len(script.asked) == asked == 4
    [draft] = bench.db.drafts.find(("discarded",), kind="test")
    assert draft.evidence["rungs"][0]["detail"].startswith("no answer held a test")
    assert deferred_work.deferred(bench.db) == []


def test_when_the_time_for_a_model_is_up_the_rest_waits(
    bench: Any, commit: Callable[..., str], ollama_server: ModuleType
) -> None:
    sha = commit(bench.path, {"shop.py": bench.first["shop.py"] + TWO_DOORS}, "Lock both doors")
    bench.step("measure", sha)
    gaps = bench.db.gaps.of_commit(sha)
    with served(bench, ollama_server, [ANSWER]) as script:
        previous = PreviousDrafts(bench.db, Commit(bench.repo, sha))
        options = DraftingOptions(model_seconds=0)
        write_drafts(previous, gaps, say=bench.said.append, options=options)
        assert not script.asked
    assert deferred_work.deferred(bench.db) == [("draft", sha, 0)]


def test_a_model_that_fails_leaves_the_embedded_drafts(
    bench: Any, second: str, ollama_server: ModuleType
) -> None:
    with served(bench, ollama_server, ["nothing of use"], fault="http500"):
        bench.step("draft", second)
        bench.step("story", second)
    assert {d.origin for d in bench.tests()} == {"embedded"}
    assert bench.db.drafts.find(kind="devlog")


def test_what_a_dead_server_missed_is_drafted_when_it_is_back(
    bench: Any, commit: Callable[..., str], ollama_server: ModuleType
) -> None:
    sha = commit(bench.path, {"shop.py": bench.first["shop.py"] + DOOR}, "Lock the door")
    bench.step("measure", sha)
    with served(bench, ollama_server, [ANSWER], fault="killed"):
        bench.step("draft", sha)
    assert {d.origin for d in bench.tests()} == {"embedded"}
    assert deferred_work.deferred(bench.db) == [("draft", sha, 0)]
    bench.db.execute("UPDATE jobs SET state = 'done' WHERE kind = 'draft'")
    wrong = ANSWER.replace('== "open"', '== "ajar"')
    with served(bench, ollama_server, [wrong]):
        assert deferred_work.retry_due(bench.db, lambda: True, now=1e12) == [("draft", sha, 0)]
        job = bench.db.jobs.lease()
        assert job is not None
        assert (job.kind, job.sha) == ("draft", sha)
        bench.step("draft", sha)
    found = {d.origin: d for d in bench.tests()}["qwen2.5-coder:7b"]
    assert '"open"' in found.content.replace("'", '"')
    assert "# recorded, not predicted: the model expected 'ajar'" in found.content
    assert found.evidence["recorded"] == ["test_secret_word"]
    assert len(found.evidence["calls"]) == 1
    assert deferred_work.deferred(bench.db) == []


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
    bench: Any, second: str, ollama_server: ModuleType
) -> None:
    with served(bench, ollama_server, fault="http500"):
        bench.step("story", second)
    [plain] = bench.db.drafts.find(kind="devlog")
    assert (plain.origin, deferred_work.deferred(bench.db)) == ("template", [("story", second, 0)])
    assert any("no model: the model server failed inside" in line for line in bench.said)
    bench.db.execute("UPDATE jobs SET state = 'done' WHERE kind = 'story'")
    with served(bench, ollama_server, worded):
        assert deferred_work.retry_due(bench.db, lambda: True, now=1e12) == [("story", second, 0)]
        bench.step("story", second)
    [told] = bench.db.drafts.find(kind="devlog")
    assert told.origin == "qwen2.5-coder:7b"
    assert "Coverage stands at" in told.content
    assert not told.evidence["problems"]
    assert bench.db.drafts.get(plain.id).state == "superseded"
    assert deferred_work.deferred(bench.db) == []
    [call] = [c for c in bench.db.model_calls.latest(9) if c["outcome"] == "ok"]
    assert (call["options"]["prompt"], call["drafts"]) == ("devlog-1", [told.id])


def test_a_story_the_editor_has_touched_is_left_alone(
    bench: Any, second: str, ollama_server: ModuleType
) -> None:
    bench.step("story", second)
    [plain] = bench.db.drafts.find(kind="devlog")
    decisions.edit(bench.repo, bench.db, plain.id, "My own words.\n")
    bench.step("story", second)  # a template again: not over what was edited
    assert bench.db.drafts.get(plain.id).content == "My own words.\n"
    with served(bench, ollama_server, worded) as script:
        bench.step("story", second)
        assert len(bench.db.drafts.find(kind="devlog")) == 2  # beside it
        decisions.reject(bench.repo, bench.db, plain.id, "no")
        asked = len(script.asked)
        deferred_work.defer(bench.db, "story", second, "no server")
        bench.step("story", second)
        assert len(script.asked) == asked
    assert deferred_work.deferred(bench.db) == []
