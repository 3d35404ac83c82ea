"""The whole pipe against a real model: whatever it says, nothing false is kept."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copydesk.agent.daemon.job_steps import STEPS
from copydesk.agent.daemon.step_context import StepContext
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import find, set_config

SERVER = Path(__file__).parent / "ollama_real.py"
FILES = {
    "shop.py": "def price(amount, rate=2):\n    return amount * rate\n\n\n"
    "def secret(thing):\n    if sum(map(ord, thing['word'])) * thing['door'] == 4242:\n"
    "        return 'open'\n    return 'shut'\n",
    "tests/test_shop.py": "from shop import price\n\n\n"
    "def test_price():\n    assert price(3) == 6\n",
    "pyproject.toml": "[tool.pytest.ini_options]\ntestpaths = ['tests']\npythonpath = ['.']\n",
}


@pytest.fixture
def host() -> Iterator[str]:
    python = os.environ.get("REAL_MODEL_PYTHON")
    if not python:
        pytest.skip("set REAL_MODEL_PYTHON; see tests/ollama_real.py")
    argv = [python, str(SERVER)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        said = child.stdout.readline().strip()
        assert said, "the server did not start"
        yield said
        child.kill()


@pytest.mark.real_model
@pytest.mark.timeout(900)
def test_a_real_model_goes_through_the_whole_pipe(
    host: str, repo: Path, commit: Callable[..., str]
) -> None:
    sha = commit(repo, FILES, "Lock the door")
    set_config(find(repo), "copydesk.python", sys.executable)
    set_config(find(repo), "copydesk.modelHost", host)
    said: list[str] = []
    with open_desk(find(repo).desk) as db:
        for step in ("measure", "draft", "story"):
            STEPS[step](StepContext(find(repo), db, said.append), sha)
        calls = db.execute(
            "SELECT purpose, outcome, prompt_tokens, output_tokens, seconds, response"
            " FROM model_calls"
        ).fetchall()
        found = db.drafts.find((), kind="test")
        [story] = db.drafts.find(kind="devlog")
    print(*said, *calls, sep="\n")
    assert calls
    assert {purpose for purpose, *_ in calls} >= {"test", "devlog"}
    assert any(outcome in ("ok", "cut") for _, outcome, *_ in calls)
    for number, draft in enumerate(found):
        print(draft.origin, draft.state, draft.evidence["verdict"], sep="\t")
        if draft.state == "ready":
            (repo / f"tests/test_kept_{number}.py").write_text(draft.content)
            assert draft.evidence["verdict"] == "verified"
            assert draft.evidence["gained_lines"]
            assert draft.evidence["mutants_killed"] >= 1
    print(story.origin, story.content)
    assert not story.evidence["problems"]
    plain = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    assert subprocess.run(plain, cwd=repo).returncode == 0  # what was kept holds
