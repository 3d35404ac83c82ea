from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.hooks import notify, spool, start_daemon

Git = Callable[..., str]
Events = Callable[[Path], list[tuple[str, str]]]
Lives = Callable[[Path], bool]


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No daemon is started: as on a CI machine."""
    monkeypatch.setenv("CI", "1")


def run_hook(argv: list[str], cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-S", notify.__file__, *argv],
        cwd=cwd,
        env={**os.environ, "CI": "1", **env},
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_the_hook_needs_no_site_packages(repo: Path, events: Events) -> None:
    done = run_hook([], repo)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert events(repo / ".git") == [("post-commit", str(repo))]


def test_it_imports_next_to_nothing() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from copydesk.hooks import notify;"
        "print(*sys.modules)"
    )
    source = str(Path(notify.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, source], capture_output=True, text=True, check=True
    )
    heavy = {"pathlib", "subprocess", "json", "logging", "re", "argparse", "contextlib"}
    assert not heavy & set(done.stdout.split())


@pytest.mark.parametrize(
    ("environment", "hook"),
    [
        ({}, "post-commit"),
        ({"PRE_COMMIT_REWRITE_COMMAND": "rebase"}, "post-rewrite"),
        ({"PRE_COMMIT_IS_SQUASH_MERGE": "0"}, "post-merge"),
    ],
)
def test_the_hook_is_known_by_what_pre_commit_leaves(
    repo: Path, events: Events, environment: dict[str, str], hook: str
) -> None:
    run_hook([], repo, **environment)
    assert events(repo / ".git") == [(hook, str(repo))]


def test_whatever_goes_wrong_git_goes_on_after_one_line(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    done = run_hook([], tmp_path / "none")
    assert done.returncode == 0
    assert done.stdout == ""
    assert done.stderr == "copydesk: left out (FileNotFoundError: no git repository here)\n"


def test_a_desk_that_cannot_be_made_stops_nobody(repo: Path) -> None:
    (repo / ".git/copydesk").write_text("in the way")
    done = run_hook([], repo)
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)


@pytest.mark.usefixtures("quiet")
def test_an_event_is_whole_and_private(repo: Path) -> None:
    name = spool.write_notification(str(repo / ".git"), "post-merge", "/some where")
    folder = repo / ".git/copydesk/spool"
    assert (folder / "new" / name).read_text() == "post-merge\n/some where\n"
    assert (folder / "new" / name).stat().st_mode & 0o777 == 0o600
    assert (repo / ".git/copydesk").stat().st_mode & 0o777 == 0o700
    assert list((folder / "tmp").iterdir()) == []


def test_a_hook_starts_a_daemon_and_the_next_finds_it(
    repo: Path, lives: Lives, events: Events
) -> None:
    env = {k: v for k, v in os.environ.items() if k != "CI"}
    argv = [sys.executable, "-I", "-S", notify.__file__]
    for _ in range(2):
        done = subprocess.run(argv, cwd=repo, env=env, capture_output=True, timeout=30)
        assert (done.returncode, done.stderr) == (0, b"")
        assert lives(repo / ".git")


def test_on_a_ci_machine_none_is_started(repo: Path) -> None:
    run_hook([], repo)
    run_hook(["--ensure", str(repo / ".git")], repo)
    assert not start_daemon.daemon_runs(str(repo / ".git"))


@pytest.mark.usefixtures("quiet")
def test_as_a_console_script_it_does_the_same(
    repo: Path, events: Events, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repo)
    monkeypatch.setattr(sys, "argv", ["copydesk-commit", "post-rewrite"])
    assert notify.main() == 0
    assert events(repo / ".git") == [("post-rewrite", str(repo))]
    monkeypatch.setattr(sys, "argv", ["copydesk-commit", "--ensure"])
    assert notify.main() == 0
    assert capsys.readouterr().err.startswith("copydesk: left out (IndexError")
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(notify.__file__, run_name="__main__")
    assert ended.value.code == 0
