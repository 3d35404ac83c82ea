"""The daemon's own work through a model server that dies in the middle of it and comes back."""

from __future__ import annotations

import importlib.util
import json
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.daemon.service import Service
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import find, set_config
from copydesk.agent.model import deferred_work
from copydesk.agent.records import Draft

MODEL = "qwen2.5-coder:7b"
DOOR = """

def {name}(thing):
    if sum(map(ord, thing["word"])) * thing["door"] == {sum}:
        return "open"
    return "shut"
"""
FILES = {
    "shop.py": "def price(amount, rate=2):\n    if amount < 0:\n        return 0\n"
    "    return amount * rate\n"
    + DOOR.format(name="front", sum=4242)
    + DOOR.format(name="back", sum=5151),
    "tests/test_shop.py": "from shop import price\n\n\n"
    "def test_price():\n    assert price(3) == 6\n",
    "pyproject.toml": "[tool.pytest.ini_options]\ntestpaths = ['tests']\npythonpath = ['.']\n",
}
DOORS = {"front": 42, "back": 51}


def loaded(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[2] / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def answer(request: dict[str, Any]) -> str:
    """A test of the door that is asked for, or two sentences about the commit."""
    asked = request["messages"][-1]["content"]
    for name, door in DOORS.items():
        if f"short tests for {name} " in asked:
            return (
                f"def test_{name}():\n    assert {name}({{'word': 'e', 'door': {door}}}) == 'x'\n"
            )
    if "The facts" not in asked:
        return "I do not know."
    rows = [json.loads(line) for line in asked.split("\n")[1:]]
    commit = next(row["id"] for row in rows if row["kind"] == "commit")
    ids = {"facts": [commit]}
    said = [{"text": f"Commit {{{commit}.short}} is in.", **ids}]
    said += [{"text": f"{{{commit}.author}} wrote it.", **ids}]
    return json.dumps({"sentences": said})


def until(ready: Callable[[], bool], seconds: float = 250.0) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_it_works_on_while_the_model_is_away(repo: Path, commit: Callable[..., str]) -> None:
    ollama_server = loaded("ollama_server")
    found = find(repo)
    set_config(found, "copydesk.python", sys.executable)
    sha = commit(repo, FILES, "Lock both doors")
    dying, requests = threading.Event(), list[str]()

    def dies(request: dict[str, Any]) -> str:
        said = answer(request)
        requests.extend(name for name in DOORS if name in said)
        if len(requests) < 2:
            return said
        dying.set()  # in the middle of the second answer
        script.closing.wait()
        raise ConnectionResetError

    with ExitStack() as stack, open_desk(found.desk) as db:
        away = stack.enter_context(ExitStack())
        script = away.enter_context(ollama_server.serve(dies))
        port = int(script.host.rpartition(":")[2])
        set_config(found, "copydesk.modelHost", script.host)
        service = Service(found.common_dir, idle_seconds=600, rescan_seconds=1.0)
        thread = threading.Thread(target=service.run, daemon=True)
        thread.start()
        stack.callback(thread.join, 30)
        stack.callback(service.stop)

        until(dying.is_set)
        away.close()  # the port is free now
        until(lambda: at_rest(db) and bool(db.drafts.find(kind="devlog")))
        there = by_function(db)
        assert ("price", "embedded") in there
        assert all(there[key].state == "ready" for key in there)
        assert [origin for _, origin in there].count(MODEL) == 1  # what came before it died
        [story] = db.drafts.find(kind="devlog")
        assert story.origin == "template"
        assert {one.kind for one in deferred_work.deferred(db)} == {"draft", "story"}
        assert db.jobs.counts().failed == 0

        stack.enter_context(ollama_server.serve(answer, port=port))
        db.execute("UPDATE jobs SET not_before = 0 WHERE state = 'waiting'")  # it is time to look
        until(lambda: not open_jobs(db))
        there = by_function(db)
        assert {function for function, origin in there if origin == MODEL} == set(DOORS)
        for name in DOORS:
            assert there[name, MODEL].evidence["verdict"] == "verified"
            assert there[name, MODEL].evidence["recorded"] == [f"test_{name}"]
        [story] = db.drafts.find(kind="devlog")
        assert (story.origin, story.commit) == (MODEL, sha)
        assert db.jobs.counts().failed == 0
    assert "Traceback" not in (found.desk / "daemon.log").read_text("utf-8")


def at_rest(db: Database) -> bool:
    counts = db.jobs.counts()
    known = db.execute("SELECT count(*) FROM jobs WHERE kind = 'measure'").fetchone()[0]
    return bool(known) and not counts.ready and not counts.running


def open_jobs(db: Database) -> int:
    """What is to be done, under way or deferred, at one moment."""
    open_states = "('ready', 'running', 'waiting')"
    row = db.execute(f"SELECT count(*) FROM jobs WHERE state IN {open_states}").fetchone()
    return int(row[0])


def by_function(db: Database) -> dict[tuple[str, str], Draft]:
    listed = db.drafts.find(kind="test")
    return {(d.target.function, d.origin): d for d in listed if d.target}
