"""The steps of the jobs, run here as a runner would run them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from copydesk.agent.git.repository import Repository
from copydesk.agent.setup import ci_job

ROOT = Path(__file__).parents[3]
SHOP = "def price(amount):\n    return amount * 2\n"
TEST = "from shop import price\n\n\ndef test_price():\n    assert price(3) == 6\n"
LABEL = "\n\ndef label(amount):\n    return str(amount)\n"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # three environments are installed
Commit = Callable[..., str]


class Runner:
    """Runs `run` steps with bash as GitHub does; the cache is a file that is copied."""

    def __init__(self, repo: Path, temp: Path) -> None:
        self.repo, self.temp, self.cache = repo, temp, temp / "cached.db"
        self.said = ""
        self.desk = repo / ".git/copydesk/desk.db"

    def job(self, steps: list[Any], event: str, payload: object, **inputs: str) -> int:
        (self.temp / "event.json").write_text(json.dumps(payload))
        (self.temp / "summary.md").write_text("")
        environ = {
            **os.environ, "CI": "true", "GITHUB_ACTIONS": "true", "RUNNER_TEMP": str(self.temp),
            "GITHUB_EVENT_PATH": str(self.temp / "event.json"), "GITHUB_EVENT_NAME": event,
            "GITHUB_REF": "refs/heads/main" if event == "push" else "refs/pull/1/merge",
            "GITHUB_STEP_SUMMARY": str(self.temp / "summary.md"),
            "GITHUB_OUTPUT": str(self.temp / "output"),
            "GITHUB_ACTION_PATH": str(ROOT / ".github/actions/gate"),
        }  # fmt: skip
        code = 0
        for step in steps:
            uses = step.get("uses", "")
            if uses.startswith("actions/cache/restore") and self.cache.exists():
                self.desk.parent.mkdir(exist_ok=True)
                shutil.copy(self.cache, self.desk)
            elif uses.startswith("actions/cache/save") and event == "push" and self.desk.exists():
                shutil.copy(self.desk, self.cache)
            elif "run" in step and not code:
                given = {
                    name: inputs.get(value.partition("inputs.")[2].partition(" ")[0], "")
                    for name, value in step.get("env", {}).items()
                }
                done = subprocess.run(
                    ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                    cwd=self.repo, env=environ | given, capture_output=True, text=True, timeout=600,
                )  # fmt: skip
                self.said += done.stdout + done.stderr
                code = done.returncode
        return code

    @property
    def summary(self) -> str:
        return (self.temp / "summary.md").read_text()


@pytest.fixture
def runner(repo: Path, tmp_path: Path) -> Runner:
    temp = tmp_path / "runner"
    temp.mkdir()
    return Runner(repo, temp)


def test_the_workflow_on_a_push_and_on_a_pull_request(
    found: Repository, repo: Path, runner: Runner, commit: Commit, git: Callable[..., str]
) -> None:
    own = "[project]\nname = 'shop'\nversion = '1'\n[tool.setuptools]\npy-modules = ['shop']\n"
    ignored = ".venv\n*.egg-info\nbuild\n__pycache__\n"
    files = {"shop.py": SHOP, "test_shop.py": TEST, "pyproject.toml": own, ".gitignore": ignored}
    before = commit(repo, files)
    ci_job.write_job(found, "github", str(ROOT))
    first = commit(repo, {})
    text = (repo / ci_job.PLACES["github"]).read_text()
    steps = YAML(typ="safe").load(text)["jobs"]["gate"]["steps"]
    git(repo, "config", "--unset", "copydesk.python")
    assert runner.job(steps, "push", {"before": before}) == 0, runner.said
    assert "measuring the base" in runner.said
    assert "the change passes" in runner.summary
    assert runner.cache.exists()

    shutil.rmtree(repo / ".git/copydesk")  # another machine
    git(repo, "switch", "-q", "-c", "branch")
    commit(repo, {"shop.py": SHOP + LABEL})
    git(repo, "switch", "-q", "--detach", first)
    git(repo, "merge", "-q", "--no-ff", "-m", "Merge", "branch")
    runner.said = ""
    assert runner.job(steps, "pull_request", {}) == 1, runner.said
    assert "measuring the base" not in runner.said  # the map was in the cache
    assert "::error file=shop.py,line=6" in runner.said
    assert "`shop.py:6`" in runner.summary
    assert (runner.temp / "coverage-report.html").stat().st_size > 10_000


def test_the_action_on_this_repository_by_a_coverage_file(
    tmp_path: Path, git: Callable[..., str]
) -> None:
    """As .github/workflows/ci.yml uses it, with a file that says every line is reached."""
    clone, temp = tmp_path / "clone", tmp_path / "runner"
    git(tmp_path, "clone", "-q", str(ROOT), str(clone))
    temp.mkdir()
    files = ""
    for path in (
        p for room in ("agent", "hooks", "predictor") for p in (clone / room).rglob("*.py")
    ):
        count = len(path.read_text("utf-8").split("\n"))
        rows = "".join(f'<line number="{n + 1}" hits="1"/>' for n in range(count))
        files += f'<class filename="{path.relative_to(clone)}"><lines>{rows}</lines></class>'
    (clone / "coverage.xml").write_text(f"<coverage><packages>{files}</packages></coverage>")
    steps = YAML(typ="safe").load((ROOT / ".github/actions/gate/action.yml").read_text())
    runner = Runner(clone, temp)
    before = git(clone, "rev-parse", "HEAD~1")
    code = runner.job(steps["runs"]["steps"], "push", {"before": before}, data="coverage.xml")
    assert code == 0, runner.said
    assert "Total: 100.0 %" in runner.said
    assert "verdict=pass" in (temp / "output").read_text()
