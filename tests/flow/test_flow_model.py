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


def draft_with_model(bench: Any, sha: str) -> None:
    """Draft, and have a model add to it, as the daemon does in its two lanes."""
    bench.step("draft", sha)
    bench.step("model", sha)


def waiting(bench: Any) -> list[tuple[str, str, int]]:
    """What is deferred: its kind, its commit, and how often it was tried."""
    return [work[:3] for work in deferred_work.deferred(bench.db)]


def lease(bench: Any) -> tuple[str, str]:
    """Take the model's job that is next in line, once a model can be asked."""
    assert deferred_work.retry_due(bench.db, lambda: "", now=1e12)
    job = bench.db.jobs.lease(by_model=True)
    assert job is not None
    return job.kind, job.sha


def test_a_model_gets_what_the_embedded_drafter_leaves(
    bench: Any, commit: Callable[..., str], ollama_server: ModuleType
) -> None:
    sha = commit(bench.path, {"shop.py": bench.first["shop.py"] + DOOR}, "Lock the door")
    with served(bench, ollama_server, [ANSWER]):
        bench.step("measure", sha)
        bench.step("draft", sha)
        assert {draft.origin for draft in bench.tests()} <= {"embedded"}
        assert [work.kind for work in deferred_work.deferred(bench.db)] == ["draft"]
        bench.step("model", sha)
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
        draft_with_model(bench, sha)
        asked = len(script.asked)
        draft_with_model(bench, sha)
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
        draft_with_model(bench, sha)
        asked = len(script.asked)
        draft_with_model(bench, sha)
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
    assert waiting(bench) == [("draft", sha, 0)]


def test_a_model_that_fails_leaves_the_embedded_drafts(
    bench: Any, second: str, ollama_server: ModuleType
) -> None:
    with served(bench, ollama_server, ["nothing of use"], fault="http500"):
        draft_with_model(bench, second)
        bench.step("story", second)
        bench.step("model-story", second)
    assert {d.origin for d in bench.tests()} == {"embedded"}
    assert bench.db.drafts.find(kind="devlog")


def test_what_a_dead_server_missed_is_drafted_when_it_is_back(
    bench: Any, commit: Callable[..., str], ollama_server: ModuleType
) -> None:
    sha = commit(bench.path, {"shop.py": bench.first["shop.py"] + DOOR}, "Lock the door")
    bench.step("measure", sha)
    with served(bench, ollama_server, [ANSWER], fault="killed"):
        bench.step("draft", sha)
        assert lease(bench) == ("model", sha)
        bench.step("model", sha)
    assert {d.origin for d in bench.tests()} == {"embedded"}
    assert waiting(bench) == [("draft", sha, 1)]
    wrong = ANSWER.replace('== "open"', '== "ajar"')
    with served(bench, ollama_server, [wrong]):
        assert lease(bench) == ("model", sha)
        bench.step("model", sha)
    found = {d.origin: d for d in bench.tests()}["qwen2.5-coder:7b"]
    assert '"open"' in found.content.replace("'", '"')
    assert "# recorded, not predicted: the model expected 'ajar'" in found.content
    assert found.evidence["recorded"] == ["test_secret_word"]
    assert len(found.evidence["calls"]) == 1
    assert deferred_work.deferred(bench.db) == []


def worded(request: dict[str, Any]) -> str:
    """What a model makes of a sheet of facts: a sentence of each with slots, where it can."""
    rows = [json.loads(line) for line in request["messages"][-1]["content"].split("\n")[1:]]
    said = []
    for row in rows:
        if row["kind"] == "coverage":
            text = f"Coverage stands at {{{row['id']}.after}}%."
            said.append({"text": text, "facts": [row["id"]]})
        if row["kind"] == "commit":
            text = f"Work on {{{row['id']}.short}} is done."
            said.append({"text": text, "facts": [row["id"]]})
    return json.dumps({"sentences": said})


def test_a_story_is_offered_again_when_a_model_is_back(
    bench: Any, second: str, ollama_server: ModuleType
) -> None:
    with served(bench, ollama_server, fault="http500"):
        bench.step("story", second)
        assert lease(bench) == ("model-story", second)
        bench.step("model-story", second)
    [plain] = bench.db.drafts.find(kind="devlog")
    assert (plain.origin, waiting(bench)) == ("template", [("story", second, 1)])
    assert any("no model: the model server failed inside" in line for line in bench.said)
    with served(bench, ollama_server, worded):
        assert lease(bench) == ("model-story", second)
        bench.step("model-story", second)
    [told] = bench.db.drafts.find(kind="devlog")
    assert (told.id, told.origin) == (plain.id, "qwen2.5-coder:7b")
    assert "Coverage stands at" in told.content
    assert not told.evidence["problems"]
    assert deferred_work.deferred(bench.db) == []
    calls = [c for c in bench.db.model_calls.latest(9) if c["outcome"] == "ok"]
    assert {(c["options"]["prompt"], *c["drafts"]) for c in calls} == {("story-2", told.id)}


def test_a_story_the_editor_has_touched_is_left_alone(
    bench: Any, second: str, ollama_server: ModuleType
) -> None:
    bench.step("story", second)
    [plain] = bench.db.drafts.find(kind="devlog")
    decisions.edit(bench.repo, bench.db, plain.id, "My own words.\n")
    bench.step("story", second)  # a template again: not over what was edited
    assert bench.db.drafts.get(plain.id).content == "My own words.\n"
    with served(bench, ollama_server, worded) as script:
        deferred_work.defer(bench.db, "story", second, "no server")
        bench.step("model-story", second)
        assert script.asked == []
    [kept] = bench.db.drafts.find(kind="devlog")
    assert kept.content == "My own words.\n"
    assert deferred_work.deferred(bench.db) == []


def test_a_model_that_cannot_be_reached_is_not_counted_as_tried(
    bench: Any, second: str, ollama_server: ModuleType
) -> None:
    with served(bench, ollama_server):
        bench.step("story", second)
        assert lease(bench) == ("model-story", second)
    bench.step("model-story", second)  # it has gone meanwhile
    assert waiting(bench) == [("story", second, 0)]


def test_a_model_is_asked_no_longer_than_its_hour_allows(
    bench: Any, second: str, ollama_server: ModuleType
) -> None:
    set_config(bench.repo, "copydesk.modelSeconds", "2")
    with served(bench, ollama_server, worded, pace=0.2):
        bench.step("story", second)
        lease(bench)
        bench.step("model-story", second)
        calls = bench.db.model_calls.latest(9)
        assert [call["outcome"] for call in calls] == ["out_of_time"]
        lease(bench)
        bench.step("model-story", second)  # nothing is left of the hour
    assert len(bench.db.model_calls.latest(9)) == 1
    assert calls[0]["seconds"] <= 2
    assert any("of 2 seconds of a model's work" in line for line in bench.said)
    assert bench.db.drafts.find(kind="devlog")[0].origin == "template"


def test_a_model_that_is_too_slow_is_not_asked_for_a_story(
    bench: Any, second: str, ollama_server: ModuleType
) -> None:
    with served(bench, ollama_server, worded) as script:
        bench.step("story", second)
        digest = script.models[0].digest
        bench.db.execute(
            "INSERT INTO model_calls (purpose, model, digest, prompt, response, options,"
            " prompt_tokens, output_tokens, seconds, outcome, called_at) VALUES ('doctor', 'q', ?,"
            " '', '', '{\"writing_seconds\": 100}', 9, 200, 100, 'ok', '2020-01-01')",
            (digest,),
        )
        bench.step("model-story", second)
        assert not script.asked
    assert any("writes 2.0 tokens a second here" in line for line in bench.said)
    assert waiting(bench) == []
