"""Lines of child processes: counted where, and only where, `coverage run` would count them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.coverage.store.totals import load_totals
from copydesk.agent.desk.measures import Measure
from copydesk.agent.git.repository import find, set_config

CHILDREN = {
    "src/pkg/__init__.py": "",
    "src/pkg/work.py": (
        "import os\nimport sys\n\n\n"
        "def started():\n    return 'started'\n\n\n"
        "def forked(status):\n    word = 'forked'\n    os._exit(status)\n\n\n"
        "def worked(number):\n    result = number * 2\n    return result\n\n\n"
        "if __name__ == '__main__':\n    started()\n    sys.exit(3)\n"
    ),
    "src/pkg/other.py": "def unused():\n    return 1\n",
    "tests/test_children.py": (
        "import multiprocessing\nimport os\nimport subprocess\nimport sys\n\n"
        "from pkg import work\n\n\n"
        "def test_subprocess():\n"
        "    words = [sys.executable, '-m', 'pkg.work']\n"
        "    assert subprocess.run(words).returncode == 3\n\n\n"
        "def test_fork():\n    pid = os.fork()\n    if pid == 0:\n        work.forked(4)\n"
        "    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 4\n\n\n"
        "def test_worker():\n"
        "    worker = multiprocessing.get_context('fork').Process(target=work.worked, args=(1,))\n"
        "    worker.start()\n    worker.join()\n    assert worker.exitcode == 0\n\n\n"
        "def test_alone():\n    assert 1\n"
    ),
}

CONFIGURATIONS = {
    "nothing": "source = ['pkg']\nparallel = true\n",
    "subprocess": "source = ['pkg']\npatch = ['subprocess']\nbranch = true\n",
    "multiprocessing": "source = ['pkg']\nconcurrency = ['multiprocessing']\nparallel = true\n",
    "exit": "source = ['pkg']\npatch = ['_exit']\nparallel = true\n",
    "fork": "source = ['pkg']\npatch = ['fork', '_exit', 'subprocess']\nparallel = true\n",
}


SPAWNED = {
    "tests/test_spawned.py": (
        "import multiprocessing\n\nfrom pkg import work\n\n\n"
        "def test_spawned():\n"
        "    worker = multiprocessing.get_context('spawn').Process(target=work.worked, args=(0,))\n"
        "    worker.start()\n    worker.join()\n    assert worker.exitcode == 0\n"
    ),
}


def counted_by_coverage(folder: Path, python: str) -> dict[str, set[int]]:
    """What `coverage run`, `combine` and `json` say of a project's executed lines."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("COV", "PYTEST", "COPYDESK"))}
    env |= {"PYTHONPATH": str(folder / "src"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    env |= {"COVERAGE_CORE": "ctrace"}
    pytests = ["run", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    for words in (pytests, ["combine", "-q"], ["json", "-q", "-o", "report.json"]):
        subprocess.run(
            [python, "-m", "coverage", *words], cwd=folder, env=env, check=False,
            capture_output=True,
        )  # fmt: skip
    files = json.loads((folder / "report.json").read_text())["files"]
    return {path: set(entry["executed_lines"]) for path, entry in files.items()}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=() if n == "multiprocessing" else pytest.mark.slow)
        for n in CONFIGURATIONS
    ],
)
def test_children_count_as_the_project_has_coverage_count_them(
    name: str,
    repo: Path,
    commit: Callable[..., str],
    tmp_path: Path,
    desk_of: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    files = CHILDREN | {"pyproject.toml": f"[tool.coverage.run]\n{CONFIGURATIONS[name]}"}
    check(files, sys.executable, repo, commit, tmp_path, desk_of)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("python", ["3.10", "3.12", "3.13"], indirect=True)
@pytest.mark.parametrize("name", ["multiprocessing", "fork"])
def test_children_count_on_other_pythons(
    name: str,
    python: Path,
    repo: Path,
    commit: Callable[..., str],
    tmp_path: Path,
    desk_of: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    settings = {"pyproject.toml": f"[tool.coverage.run]\n{CONFIGURATIONS[name]}"}
    check(CHILDREN | SPAWNED | settings, str(python), repo, commit, tmp_path, desk_of)


def check(
    files: dict[str, str],
    python: str,
    repo: Path,
    commit: Callable[..., str],
    tmp_path: Path,
    desk_of: Any,
) -> None:
    set_config(find(repo), "copydesk.python", python)
    sha = commit(repo, files)
    db, measured = desk_of(repo)
    done: Measure = measured(sha)
    count = sum(text.count("def test_") for text in files.values())
    assert (done.failed, done.total) == (0, count)
    assert counted(db, sha) == reference(tmp_path / "first", files, python)
    # a change of what only a child executes runs the test that starts it
    text = files["src/pkg/work.py"].replace("    return 'started'", "    x = 1\n    return x")
    sha = commit(repo, {"src/pkg/work.py": text, "tests/test_more.py": "def test_b():\n    pass\n"})
    done = measured(sha)
    assert done.selected < done.total == count + 1
    files = files | {"src/pkg/work.py": text}
    assert counted(db, sha) == reference(tmp_path / "second", files, python)


def reference(folder: Path, files: dict[str, str], python: str) -> dict[str, set[int]]:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return counted_by_coverage(folder, python)


def counted(db: Any, sha: str) -> dict[str, set[int]]:
    """The executed lines of a measured commit."""
    totals = load_totals(db, sha) or []
    return {t.path: set(t.statements) - set(t.missing) for t in totals}
