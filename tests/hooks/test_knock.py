from __future__ import annotations

import fcntl
import os
import runpy
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.hooks import knock

Git = Callable[..., str]
Events = Callable[[Path], list[tuple[str, str]]]
Lives = Callable[[Path], bool]


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No daemon is started: as on a CI machine."""
    monkeypatch.setenv("CI", "1")


def knocked(argv: list[str], cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-S", knock.__file__, *argv],
        cwd=cwd,
        env={**os.environ, "CI": "1", **env},
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_the_hook_needs_no_site_packages(repo: Path, events: Events) -> None:
    done = knocked([], repo)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert events(repo / ".git") == [("post-commit", str(repo))]


def test_it_imports_next_to_nothing() -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from copydesk.hooks import knock;"
        "print(*sys.modules)"
    )
    source = str(Path(knock.__file__).parents[2])
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
    knocked([], repo, **environment)
    assert events(repo / ".git") == [(hook, str(repo))]


@pytest.mark.usefixtures("quiet")
class TestWhere:
    """The repository is found the way git finds it."""

    def test_from_a_folder_inside(self, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (repo / "a" / "b").mkdir(parents=True)
        monkeypatch.chdir(repo / "a" / "b")
        assert knock.common_dir() == str(repo / ".git")

    def test_by_git_dir(self, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("GIT_DIR", str(repo / ".git"))
        assert knock.common_dir() == str(repo / ".git")

    def test_in_a_linked_worktree(
        self, repo: Path, tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        git(repo, "worktree", "add", "-q", "-b", "beside", str(tmp_path / "linked one"))
        monkeypatch.chdir(tmp_path / "linked one")
        assert knock.common_dir() == str(repo / ".git")
        monkeypatch.setenv("GIT_DIR", git(Path.cwd(), "rev-parse", "--absolute-git-dir"))
        assert knock.common_dir() == str(repo / ".git")
        monkeypatch.setenv("GIT_COMMON_DIR", str(repo / ".git"))
        assert knock.common_dir() == str(repo / ".git")

    def test_in_a_submodule(
        self, repo: Path, tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        outer = tmp_path / "outer"
        outer.mkdir()
        git(outer, "init", "-q")
        git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repo), "in")
        monkeypatch.chdir(outer / "in")
        assert knock.common_dir() == str(outer / ".git/modules/in")

    def test_with_references_in_a_reftable(
        self, repo: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # what such a repository looks like (git 2.45): refs/heads is a file, HEAD a constant
        (repo / ".git/refs/heads/main").unlink()
        (repo / ".git/refs/heads").rmdir()
        (repo / ".git/refs/heads").write_text("this repository uses the reftable format\n")
        (repo / ".git/HEAD").write_text("ref: refs/heads/.invalid\n")
        monkeypatch.chdir(repo)
        assert knock.common_dir() == str(repo / ".git")
        knock.knock("post-commit")

    def test_in_a_bare_repository(
        self, tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        git(tmp_path, "init", "-q", "--bare", "bare")
        monkeypatch.chdir(tmp_path / "bare")
        assert knock.common_dir() == str(tmp_path / "bare")

    def test_nowhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "none").mkdir()
        monkeypatch.chdir(tmp_path / "none")
        with pytest.raises(FileNotFoundError):
            knock.common_dir()
        monkeypatch.setenv("GIT_DIR", str(tmp_path / "none"))
        with pytest.raises(FileNotFoundError):
            knock.common_dir()


def test_whatever_goes_wrong_git_goes_on_after_one_line(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    done = knocked([], tmp_path / "none")
    assert done.returncode == 0
    assert done.stdout == ""
    assert done.stderr == "copydesk: left out (FileNotFoundError: no git repository here)\n"


def test_a_desk_that_cannot_be_made_stops_nobody(repo: Path) -> None:
    (repo / ".git/copydesk").write_text("in the way")
    done = knocked([], repo)
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)


@pytest.mark.usefixtures("quiet")
def test_an_event_is_whole_and_private(repo: Path) -> None:
    name = knock.drop(str(repo / ".git"), "post-merge", "/some where")
    spool = repo / ".git/copydesk/spool"
    assert (spool / "new" / name).read_text() == "post-merge\n/some where\n"
    assert (spool / "new" / name).stat().st_mode & 0o777 == 0o600
    assert (repo / ".git/copydesk").stat().st_mode & 0o777 == 0o700
    assert list((spool / "tmp").iterdir()) == []


def test_a_held_lock_is_a_daemon_and_two_who_ask_are_none(repo: Path) -> None:
    common = str(repo / ".git")
    (repo / ".git/copydesk").mkdir()
    lock = os.open(repo / ".git/copydesk/daemon.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_SH)
    assert not knock.daemon_lives(common)
    fcntl.flock(lock, fcntl.LOCK_EX)
    assert knock.daemon_lives(common)
    assert not knock.ensure(common, ["/bin/false"])
    os.close(lock)
    assert not knock.daemon_lives(common)


def spy(tmp_path: Path) -> tuple[list[str], Path]:
    """A program that writes down what it was started with."""
    out = tmp_path / "spied"
    code = (
        "import os, sys; fds = os.listdir('/proc/self/fd')\n"
        "lines = [os.getcwd(), str(os.getsid(0) == os.getpid()), os.readlink('/proc/self/fd/1'),"
        " str(len(fds)), str(os.getppid()),"
        " *(f'{k}={v}' for k, v in os.environ.items())]\n"
        f"open({str(out)!r} + '.tmp', 'w').write('\\n'.join(lines))\n"
        f"os.rename({str(out)!r} + '.tmp', {str(out)!r})\n"
    )
    return [sys.executable, "-I", "-S", "-c", code], out


def test_what_is_started_shares_nothing_with_git(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", "/x")
    monkeypatch.setenv("GIT_INDEX_FILE", "/x/index")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/home/config")
    monkeypatch.setenv("VIRTUAL_ENV", "/hook/env")
    monkeypatch.setenv("PRE_COMMIT", "1")
    own = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", f"/hook/env/bin:{own}:/usr/bin:/bin")
    argv, out = spy(tmp_path)
    (repo / ".git/copydesk").mkdir()
    assert knock.ensure(str(repo / ".git"), argv)
    until = time.monotonic() + 20
    while not out.exists():
        assert time.monotonic() < until
        time.sleep(0.01)
    cwd, leader, stdout, fds, parent, *rest = out.read_text().split("\n")
    environment = dict(line.split("=", 1) for line in rest)
    assert (cwd, leader, stdout) == (str(repo / ".git"), "False", "/dev/null")
    assert int(fds) <= 4
    assert int(parent) != os.getpid()
    assert environment["PATH"] == "/usr/bin:/bin"
    assert environment["GIT_CONFIG_GLOBAL"] == "/home/config"
    gone = {"GIT_DIR", "GIT_INDEX_FILE", "VIRTUAL_ENV", "PRE_COMMIT"}
    assert not gone & set(environment)


def test_a_hook_starts_a_daemon_and_the_next_finds_it(
    repo: Path, lives: Lives, events: Events
) -> None:
    env = {k: v for k, v in os.environ.items() if k != "CI"}
    argv = [sys.executable, "-I", "-S", knock.__file__]
    for _ in range(2):
        done = subprocess.run(argv, cwd=repo, env=env, capture_output=True, timeout=30)
        assert (done.returncode, done.stderr) == (0, b"")
        assert lives(repo / ".git")


def test_on_a_ci_machine_none_is_started(repo: Path) -> None:
    knocked([], repo)
    knocked(["--ensure", str(repo / ".git")], repo)
    assert not knock.daemon_lives(str(repo / ".git"))


@pytest.mark.usefixtures("quiet")
def test_as_a_console_script_it_does_the_same(
    repo: Path, events: Events, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repo)
    monkeypatch.setattr(sys, "argv", ["copydesk-commit", "post-rewrite"])
    assert knock.main() == 0
    assert events(repo / ".git") == [("post-rewrite", str(repo))]
    monkeypatch.setattr(sys, "argv", ["copydesk-commit", "--ensure"])
    assert knock.main() == 0
    assert capsys.readouterr().err.startswith("copydesk: left out (IndexError")
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(knock.__file__, run_name="__main__")
    assert ended.value.code == 0
