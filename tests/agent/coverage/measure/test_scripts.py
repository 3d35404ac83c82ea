"""Executed files whose names do not end in .py count as coverage.py counts them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.coverage.measure.scripts import published
from copydesk.agent.coverage.replay.replay import commits, replay
from copydesk.agent.coverage.source import is_script
from copydesk.agent.git.repository import find

Commit = Callable[..., str]
TOOL = """\
#!/usr/bin/env python3
from consts import TWO

LIMIT = 3


def double(x):
    return TWO * x


def unused(x):
    return x


if __name__ == "__main__":
    print(double(LIMIT))
"""
TEST = """\
import runpy
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

BIN = Path(__file__).parent / "bin"


def test_loaded():
    loader = SourceFileLoader("tool", str(BIN / "tool"))
    module = module_from_spec(spec_from_loader("tool", loader))
    loader.exec_module(module)
    assert module.double(2) >= 4


def test_run(capsys):
    runpy.run_path(str(BIN / "tool"), run_name="__main__")
    assert capsys.readouterr().out


def test_executed():
    names = {}
    path = str(BIN / "other.cfg")
    exec(compile(Path(path).read_text(), path, "exec"), names)
    assert names["VALUE"]


def test_without():
    pass
"""
FILES = {
    "bin/tool": TOOL,
    "consts.py": "TWO = 2\n",
    "bin/other.cfg": "VALUE = 1\n",
    "test_tool.py": TEST,
    "notes": "no {\n",
}


@pytest.fixture
def plain(repo: Path, git: Any) -> Path:
    """A repository whose tests run with this Python, without a sandbox."""
    git(repo, "config", "copydesk.python", sys.executable)
    git(repo, "config", "copydesk.sandbox", "off")
    git(repo, "config", "copydesk.ownTests", "plain")
    return repo


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("branch", [False, True], ids=["lines", "branches"])
def test_a_replay_of_changed_scripts_is_exact(plain: Path, commit: Commit, branch: bool) -> None:
    settings = {"pyproject.toml": f"[tool.coverage.run]\nbranch = {str(branch).lower()}\n"}
    start = commit(plain, FILES | settings, "start")
    commit(plain, {"bin/tool": TOOL.replace("TWO * x", "x + TWO")}, "a body")
    commit(plain, {"bin/tool": TOOL.replace("LIMIT = 3", "LIMIT = 3\nMORE = 4")}, "a statement")
    commit(plain, {"consts.py": "TWO = 3\n"}, "a name that a script imports")
    commit(plain, {"bin/other.cfg": "VALUE = 1\nif VALUE > 1:\n    VALUE = 3\n"}, "another file")
    commit(plain, {"bin/tool": TOOL.replace("return x\n", "return -x\n")}, "what nothing runs")
    commit(plain, {"bin/tool": "# said\n\n" + TOOL}, "moved")
    repository = find(plain)
    found = list(replay(repository, commits(repository, f"{start}..HEAD")))
    assert [(c.subject, c.verdict, c.differences, c.missed, c.error) for c in found] == [
        (c.subject, "exact", [], [], "") for c in found
    ]
    assert [c.total for c in found] == [4] * 7
    assert all(c.selected < 4 for c in found[1:]), [c.reason for c in found]


def test_names_are_published_a_line_each() -> None:
    assert published(["b", "a\nb", "\udce9", "a", "a.py"]) == "a\nb"
    assert (is_script("a.py"), is_script("a.pyw")) == (False, True)
