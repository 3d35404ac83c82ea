"""How the gate hook is started, and what it starts itself."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.hooks import gate, native_hooks

Git = Callable[..., str]
Measured = Callable[[str, str], None]
Judged = Callable[[], tuple[int, str, str]]
CODE = "def f(x):\n    if x:\n        return 1\n    return 2\n"


@pytest.fixture(autouse=True)
def _ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "1")  # no daemon is started


def test_it_notifies_too(
    repo: Path, judged: Judged, monkeypatch: pytest.MonkeyPatch, lives: Callable[[Path], bool]
) -> None:
    monkeypatch.delenv("CI")
    assert judged() == (0, "", "")
    assert lives(repo / ".git")


def test_a_notification_that_fails_stops_nobody(
    repo: Path, judged: Judged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI")
    (repo / ".git/copydesk").write_text("in the way")
    code, said, complaint = judged()
    assert (code, said, complaint.count("\n")) == (0, "", 1)


def test_it_imports_little() -> None:
    source = str(Path(gate.__file__).parents[2])
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from copydesk.hooks import gate;"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, source], capture_output=True, text=True, check=True
    )
    modules = set(done.stdout.split())
    assert "sqlite3" in modules
    heavy = {"click", "json", "logging", "pathlib", "argparse", "asyncio", "tempfile"}
    heavy |= {"subprocess", "re", "enum", "contextlib", "typing", "locale"}
    assert not heavy & modules
    assert not any(name.startswith("copydesk.agent") for name in modules)


def test_the_script_of_the_desk_judges_without_site_packages(
    repo: Path, git: Git, measured: Measured, tmp_path: Path
) -> None:
    (repo / "a.py").write_text(CODE)
    git(repo, "add", "-A")
    measured("a.py", "[3, 4]")
    native_hooks.write_gate_script(str(tmp_path))
    done = subprocess.run([tmp_path / "gate"], cwd=repo, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "")
    assert "a.py:3-4  " in done.stdout


@pytest.mark.parametrize("gone", ["python", "gate.py"])
def test_the_script_lets_pass_when_copydesk_is_gone(
    repo: Path, tmp_path: Path, gone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = str(tmp_path / "none") if gone == "python" else sys.executable
    if gone == "gate.py":
        (tmp_path / "gate.sh").write_bytes((Path(gate.__file__).parent / "gate.sh").read_bytes())
        monkeypatch.setattr(native_hooks, "_HERE", str(tmp_path))
    native_hooks.write_gate_script(str(tmp_path), python)
    done = subprocess.run([tmp_path / "gate"], cwd=repo, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_folder_of_the_repository_called_copydesk_is_not_run(
    repo: Path, git: Git, desk: sqlite3.Connection
) -> None:
    evil = "import pathlib\npathlib.Path('evil').write_text('ran')\n"
    for name in ("__init__.py", "agent/__init__.py", "hooks/__init__.py"):
        (repo / "copydesk" / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / "copydesk" / name).write_text(evil)
    git(repo, "add", "-A")
    (repo / "pyproject.toml").write_text('[tool.copydesk]\nunknown = "fail"\n')
    argv = [Path(sys.executable).parent / "copydesk-gate"]
    done = subprocess.run(argv, cwd=repo, capture_output=True, text=True)
    assert not (repo / "evil").exists()
    assert done.returncode == 1
    assert "not measured" in done.stdout
