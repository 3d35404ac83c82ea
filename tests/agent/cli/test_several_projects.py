"""Several projects in one repository, and one in a subfolder: every command says which it means."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.cli import doctor
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git import interpreter, repository

Git = Callable[..., str]
Commit = Callable[..., str]
PYTEST = '[tool.pytest.ini_options]\npythonpath = ["."]\ntestpaths = ["tests"]\n'
CODE = "def f(x):\n    if x:\n        return 1\n    return 2\n"


def project(folder: str, name: str, more: str = "") -> dict[str, str]:
    files = {
        "pyproject.toml": f'[project]\nname = "{name}"\n{PYTEST}{more}',
        f"{name}/__init__.py": "",
        f"{name}/utils.py": CODE,
        "tests/test_utils.py": f"from {name}.utils import f\n\n\n"
        "def test_f():\n    assert f(1) == 1\n",
    }
    return {f"{folder}/{path}": text for path, text in files.items()}


@pytest.fixture
def monorepo(repo: Path, git: Git, commit: Commit) -> Path:
    """Two projects with files of the same names; one sets a floor of its own."""
    git(repo, "config", "copydesk.python", sys.executable)
    git(repo, "config", "copydesk.sandbox", "off")
    git(repo, "config", "copydesk.ownTests", "plain")
    floor = "[tool.copydesk]\nfail_under = 70\ndiff_fail_under = 70\n"
    commit(repo, project("backend", "shop", floor) | project("my worker", "worker"))
    return repo


def test_each_project_is_measured_shown_and_judged_by_itself(
    run: Any, monorepo: Path, commit: Commit
) -> None:
    said = run(monorepo, "measure").output
    assert "75.0 % covered (6 of 8), 2 of 2 tests run" in said
    assert "  backend: 75.0 % covered (3 of 4), 1 test" in said
    (found,) = json.loads(run(monorepo / "backend", "measure", "--json").stdout)
    assert (found["failed"], found["total"]) == (0, 2)
    assert [one["folder"] for one in found["projects"]] == ["backend", "my worker"]
    assert "Project     my worker: 75.0 % covered (3 of 4)" in run(monorepo, "status").output
    examined = run(monorepo, "doctor").output
    assert "in backend: " in examined
    assert "in my worker: " in examined
    more = {f"{folder}/{name}/utils.py": CODE.replace("return 2", "return 3")
            for folder, name in (("backend", "shop"), ("my worker", "worker"))}  # fmt: skip
    commit(monorepo, more)
    assert run(monorepo, "measure").exit_code == 0
    done = run(monorepo / "backend", "gate", "--base", "HEAD~1")
    assert done.exit_code == 1
    assert "Stop: in my worker: the total is 75 %, the floor is 95 %" in done.output
    assert "in backend: the total" not in done.output
    assert "Stop: in backend: 1 of 1 changed lines are reached by no test" in done.output
    judged = json.loads(run(monorepo, "gate", "--base", "HEAD~1", "--json").stdout)
    assert [one["percent"] for one in judged["projects"]] == [75.0, 75.0]
    said = run(monorepo, "coverage").output
    assert "backend\n" in said
    assert "shop/utils.py" in said
    assert "worker/utils.py" in said
    assert "shop" not in run(monorepo / "my worker" / "tests", "coverage").output
    done = run(monorepo, "coverage", "--json")
    assert (done.exit_code, "messages.md#which-project" in done.output) == (2, True)
    assert run(monorepo, "coverage", "--project", "nowhere").exit_code == 2
    report = json.loads(run(monorepo, "coverage", "--json", "--project", "./backend/").stdout)
    assert report["totals"]["percent_covered"] == 75.0


def test_a_project_without_a_test_does_not_hide_behind_another(
    run: Any, monorepo: Path, commit: Commit
) -> None:
    commit(monorepo, {"my worker/tests/test_utils.py": None})
    assert run(monorepo, "measure").exit_code == 0
    done = run(monorepo, "gate", "--base", "HEAD~1", "--fail-under", "0")
    assert done.exit_code == 1
    assert "in my worker: nothing can be said of this change: no test was found" in done.output
    assert "my worker: 0.0 % covered (0 of 4), 0 tests, no test was found" in (
        run(monorepo, "status").output
    )


def test_a_broken_project_is_named(run: Any, monorepo: Path, commit: Commit) -> None:
    commit(monorepo, {"my worker/conftest.py": "raise RuntimeError('boom')\n"})
    done = run(monorepo, "measure")
    assert done.exit_code == 2
    assert "in my worker: the test suite cannot be run" in done.output


def test_each_project_has_its_own_environment(
    repo: Path, git: Git, commit: Commit, tmp_path: Path
) -> None:
    commit(repo, project("backend", "shop"))
    git(repo, "config", interpreter.RECORDED, sys.executable)
    own = repo / "backend" / ".venv" / "bin" / "python"
    own.parent.mkdir(parents=True)
    own.symlink_to(sys.executable)
    found = repository.find(repo)
    assert str(repo / "backend") in interpreter.find(found, "backend").interpreter.source
    assert "copydesk init" in interpreter.find(found).interpreter.source


def test_doctor_collects_the_tests_of_each_project(
    run: Any, monorepo: Path, commit: Commit
) -> None:
    with open_desk(repository.find(monorepo).desk):
        pass
    look = doctor._LOOKS["tests"]
    found = look(repository.find(monorepo))
    assert found.state == "ok"
    assert "in backend: pytest collects 1 test at " in found.said
    assert "in my worker: pytest collects 1 test at " in found.said
    commit(monorepo, {
        "my worker/tests/test_more.py": "import worker.nowhere\n",
        "third/pyproject.toml": "[tool.pytest.ini_options]\naddopts = '--no-such-option'\n",
        "third/tests/test_x.py": "def test_x():\n    pass\n",
    })  # fmt: skip
    found = look(repository.find(monorepo))
    assert found.state == "wrong"
    assert "in backend: pytest collects 1 test at " in found.said
    assert "in my worker: 1 file cannot be collected" in found.said
    assert "in third: the test suite cannot be run" in found.said
    assert found.fix == f"cd 'my worker' && {sys.executable} -m pytest tests/test_more.py"
