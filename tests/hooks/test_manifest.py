from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRE_COMMIT = Path(sys.executable).parent / "pre-commit"
Git = Callable[..., str]
Commit = Callable[..., str]


def pre_commit(cwd: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PRE_COMMIT, *words],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=600,
    )


def test_the_manifest_is_valid() -> None:
    done = pre_commit(ROOT, "validate-manifest", ".pre-commit-hooks.yaml")
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_manifest_names_scripts_that_are_installed() -> None:
    lines = (ROOT / ".pre-commit-hooks.yaml").read_text().splitlines()
    entries = [line.split()[1] for line in lines if line.strip().startswith("entry:")]
    assert entries == ["copydesk-gate", "copydesk-commit"]
    assert all((Path(sys.executable).parent / entry).exists() for entry in entries)


@pytest.mark.slow
def test_another_project_can_use_the_repository_as_a_hook(
    repo: Path,
    tmp_path: Path,
    git: Git,
    commit: Commit,
    lives: Callable[[Path], bool],
    events: Callable[[Path], list[tuple[str, str]]],
) -> None:
    source = tmp_path / "source"  # of what is committed, whatever is being worked on
    git(tmp_path, "clone", "-q", str(ROOT), str(source))
    (repo / "a.py").write_text("x = 1\n")
    git(repo, "add", "-A")
    store = {"PRE_COMMIT_HOME": str(tmp_path / "store")}
    done = pre_commit(repo, "try-repo", str(source), "copydesk-gate", "--verbose", **store)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Passed" in done.stdout
    assert [hook for hook, _ in events(repo / ".git")] == ["pre-commit"]
    config = f"repos: [{{repo: '{source}', rev: {git(source, 'rev-parse', 'HEAD')}, hooks: ["
    config += "{id: copydesk-gate}, {id: copydesk-commit}]}]\n"
    (repo / ".pre-commit-config.yaml").write_text(config)
    done = pre_commit(repo, "install-hooks", **store)
    assert done.returncode == 0, done.stdout + done.stderr
    done = pre_commit(repo, "run", "copydesk-commit", "--hook-stage", "post-commit", **store)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "post-commit" in {hook for hook, _ in events(repo / ".git")}
    assert lives(repo / ".git")
    (environment,) = (tmp_path / "store").glob("repo*/py_env-*")
    size = sum(p.stat().st_size for p in environment.rglob("*") if not p.is_symlink())
    print(f"environment: {size / 1e6:.0f} MB")
    assert size < 100e6
    shutil.rmtree(tmp_path / "store", ignore_errors=True)
