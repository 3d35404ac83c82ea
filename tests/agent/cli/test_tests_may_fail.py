"""Failing tests are said at a commit and stop a push and CI, unless another thing was agreed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.hooks import gate as hook

Git = Callable[..., str]
FLOORS = "[tool.copydesk]\nfail_under = 0\ndiff_fail_under = 0\nmay_not_fall = false\n"
WRONG = """\
from prices import discount


def test_discount():
    assert discount(100, 10) == 91


def test_that_passes():
    assert discount(10, 0) == 10
"""
NAME = "test_prices.py::test_discount: assert 90.0 == 91 (passed before)"


@pytest.fixture
def broken(shop: Path, run: Any, commit: Callable[..., str]) -> Path:
    """The shop with a commit that broke a test, measured, and no floor that stops anything."""
    commit(shop, {"pyproject.toml": FLOORS})
    run(shop, "measure")
    commit(shop, {"test_prices.py": WRONG})
    run(shop, "measure")
    return shop


def run_hook(repo: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-S", hook.__file__],
        cwd=repo, env={**os.environ, "CI": "1", **env},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def stage(repo: Path, git: Git, name: str = "other.py") -> None:
    (repo / name).write_text("OTHER = 1\n")
    git(repo, "add", name)


def test_a_push_and_ci_stop_and_name_what_fails(run: Any, broken: Path, git: Git) -> None:
    for words in (["gate", "--base", "HEAD~1"], ["ci", "--base", "HEAD~1"]):
        result = run(broken, *words)
        assert result.exit_code == 1, words
        assert f"Stop: 1 test failed, it passed before: {NAME}" in result.output
    pushed = {"PRE_COMMIT_FROM_REF": "HEAD~1", "PRE_COMMIT_TO_REF": "HEAD"}
    ends = {key: git(broken, "rev-parse", value) for key, value in pushed.items()}
    result = run_hook(broken, **ends)
    assert result.returncode == 1
    assert NAME in result.stdout


def test_a_commit_goes_on_and_says_so(run: Any, broken: Path, git: Git) -> None:
    stage(broken, git)
    result = run(broken, "gate")
    assert result.exit_code == 0
    assert f"Note: at the commit before, 1 test failed, it passed before: {NAME}" in result.output
    done = run_hook(broken)
    assert done.returncode == 0
    assert "at HEAD test_prices.py::test_discount fails (assert 90.0 == 91)" in done.stdout


def test_what_failed_before_is_told_apart_and_stops_too(
    run: Any, broken: Path, commit: Callable[..., str]
) -> None:
    commit(broken, {"other.py": "OTHER = 1\n"})
    run(broken, "measure")
    result = run(broken, "gate", "--base", "HEAD~1")
    assert result.exit_code == 1
    assert "(failed before, too)" in result.output


def test_a_user_may_let_them_pass(run: Any, broken: Path, git: Git) -> None:
    git(broken, "config", "copydesk.failingTests", "always")
    result = run(broken, "gate", "--base", "HEAD~1")
    assert result.exit_code == 0
    assert f"Note: 1 test failed, it passed before: {NAME}" in result.output
    assert run(broken, "ci", "--base", "HEAD~1").exit_code == 0


def test_a_tracked_file_only_narrows(
    run: Any, broken: Path, git: Git, commit: Callable[..., str]
) -> None:
    git(broken, "config", "copydesk.failingTests", "always")
    commit(broken, {"pyproject.toml": f'{FLOORS}tests_may_fail = "commit"\n'})
    run(broken, "measure")
    assert run(broken, "gate", "--base", "HEAD~1").exit_code == 1
    commit(broken, {"pyproject.toml": f'{FLOORS}tests_may_fail = "always"\n'})
    result = run(broken, "gate", "--base", "HEAD~1")
    assert result.exit_code == 2
    assert "a tracked file may only be stricter" in result.output


def test_with_never_a_commit_is_measured_and_stopped_by_hook_and_gate(
    run: Any, broken: Path, git: Git, commit: Callable[..., str]
) -> None:
    git(broken, "config", "copydesk.failingTests", "never")
    commit(broken, {"more.py": "MORE = 1\n"})
    run(broken, "measure")
    stage(broken, git)
    assert run(broken, "gate").exit_code == 1
    assert run_hook(broken).returncode == 1
    (broken / "test_prices.py").write_text(WRONG.replace("91", "90"))
    git(broken, "add", "-A")
    assert run(broken, "gate").exit_code == 0
    assert run_hook(broken).returncode == 0
