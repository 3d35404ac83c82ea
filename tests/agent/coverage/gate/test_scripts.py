"""Scripts whose names do not end in .py are named by the gate, for they have no verdict."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.coverage.gate import GateRequest, change_between, staged_change
from copydesk.agent.coverage.gate.scripts import remark_on_scripts
from copydesk.agent.git.repository import find, resolve

Git = Callable[..., str]
FILES = {
    b"bin/tool": "#!/usr/bin/env python3\nx = 1\n",
    b"bin/t\xe9": "#! /usr/bin/python3.11 -I\nx = 1\n",
    b"run": "#!/bin/sh\necho python\n",
    b"notes": "#!python is a language\n".replace("#!", "# "),
    b"pkg/a.py": "#!/usr/bin/env python3\nx = 1\n",
    b"Makefile": "all:\n",
}


@pytest.fixture
def staged(repo: Path, git: Git, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository in which scripts of several kinds are staged."""
    git(repo, "commit", "-q", "--allow-empty", "-m", "first")
    for name, text in FILES.items():
        file = repo / os.fsdecode(name)
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    (repo / "link").symlink_to("bin/tool")
    subprocess.run(["git", "add", "-A"], cwd=repo, check=True)
    monkeypatch.chdir(repo)
    return repo


def test_staged_scripts_are_named(staged: Path) -> None:
    repo = find(staged)
    request = GateRequest(staged_change(repo), resolve(repo, "HEAD"))
    (remark,) = remark_on_scripts(repo, request)
    assert remark.startswith("no verdict on 2 Python scripts whose name does not end in .py (")
    assert "bin/tool" in remark
    assert "run" not in remark
    assert "a.py" not in remark


def test_scripts_of_a_branch_are_named_until_something_speaks_of_them(
    staged: Path, git: Git
) -> None:
    repo = find(staged)
    base = resolve(repo, "HEAD")
    git(staged, "commit", "-q", "-m", "second")
    head = resolve(repo, "HEAD")
    request = GateRequest(change_between(repo, base, head), head, base)
    assert "2 Python scripts" in remark_on_scripts(repo, request)[0]
    judged = change_between(repo, base, head, ["bin/tool", os.fsdecode(b"bin/t\xe9")])
    assert remark_on_scripts(repo, GateRequest(judged, head, base)) == ()


def test_a_change_without_any_gets_no_remark(repo: Path, git: Git) -> None:
    (repo / "a.py").write_text("x = 1\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "first")
    found = find(repo)
    head = resolve(found, "HEAD")
    assert (
        remark_on_scripts(found, GateRequest(change_between(found, head, head), head, head)) == ()
    )
