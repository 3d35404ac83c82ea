"""Real git, real folders, and nothing of the developer's own configuration."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import coverage
import pytest
from hypothesis import settings

from copydesk.agent.coverage.runner import Engine, coverage_py
from copydesk.agent.daemon import lock

# how long an example takes says how busy the machine is
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # a shell starts what it runs in the background deaf to Ctrl-C, and our children would be too
    signal.signal(signal.SIGINT, signal.default_int_handler)

Git = Callable[..., str]


def _module(name: str) -> ModuleType:
    """A file of this folder as a module."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def ollama_server() -> ModuleType:
    """tests/ollama_server.py as a module."""
    return _module("ollama_server")


@pytest.fixture(scope="session")
def discord_server() -> ModuleType:
    """tests/discord_server.py as a module."""
    return _module("discord_server")


MEASURED = """\
[run]
branch = true
parallel = true
data_file = {folder}/.coverage
include =
    */copydesk_probe/*
    */probe/sitecustomize.py
"""


@pytest.fixture(scope="session")
def measuring(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[dict[str, str]]:
    """The variables with which coverage.py measures the probe in a Python; none without `--cov`."""
    if coverage.Coverage.current() is None:
        yield {}
        return
    folder = tmp_path_factory.mktemp("coverage")
    (folder / "settings.ini").write_text(MEASURED.format(folder=folder))
    # the latter lets what has been measured be kept where the process uses coverage.py itself
    yield {"COVERAGE_PROCESS_START": str(folder / "settings.ini"), "COVERAGE_COVERAGE": "1"}
    for data in folder.glob(".coverage.*"):
        shutil.copyfile(data, pytestconfig.rootpath / data.name)  # pytest-cov combines them


@pytest.fixture(scope="session", autouse=True)
def _probe_measured(measuring: dict[str, str]) -> Iterator[None]:
    """Measure the probe in the interpreters that it runs in, behind a guard too."""
    if not measuring:
        yield
        return
    folder = Path(measuring["COVERAGE_PROCESS_START"]).parent
    environ, run_tests = Engine.environ, Engine.run_tests

    def measured_environ(engine: Engine) -> dict[str, str]:
        return environ(engine) | measuring

    def measured_run(engine: Engine, *args: Any, writes: Sequence[Path] = (), **more: Any) -> Any:
        return run_tests(engine, *args, writes=(*writes, folder), **more)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Engine, "environ", measured_environ)
        # an isolated start reads no .pth file, by which coverage.py would start
        question = (
            f"import coverage; coverage.process_startup(); {coverage_py._ANSWER_ONE_QUESTION}"
        )
        patched.setattr(coverage_py, "_ANSWER_ONE_QUESTION", question)
        patched.setattr(Engine, "run_tests", measured_run)
        yield


@pytest.fixture(autouse=True)
def _sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the developer's git configuration, home, hooks or model server."""
    home = tmp_path / "home"
    home.mkdir()
    for name in list(os.environ):
        if name.startswith(("GIT_", "COPYDESK_", "PRE_COMMIT", "OLLAMA_")) or name == "CI":
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / ".local/state"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")  # nothing answers there
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ada Author\n\temail = ada@example.com\n"
        "[init]\n\tdefaultBranch = main\n[commit]\n\tgpgsign = false\n[gc]\n\tauto = 0\n"
    )


@pytest.fixture(autouse=True)
def _no_daemon_stays(tmp_path: Path) -> Iterator[None]:
    """End every daemon that a hook or a command of the test started."""
    yield
    for path in tmp_path.rglob("copydesk/daemon.lock"):
        _end_daemon(path)


def _end_daemon(path: Path) -> None:
    """End the holder of a lock and keep the lock: a hook may still be about to start another."""
    mine = os.open(path, os.O_RDWR)
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        holder = lock.read_note(path.parent)
        if holder and holder.pid != os.getpid():
            with contextlib.suppress(ProcessLookupError):
                os.kill(holder.pid, signal.SIGKILL)
        time.sleep(0.01)


@pytest.fixture
def git() -> Git:
    """Run git in a folder: git(path, "log", "-1") returns what it printed."""

    def call(cwd: Path, *args: str) -> str:
        done = subprocess.run(["git", *args], cwd=cwd, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    return call


@pytest.fixture
def repo(tmp_path: Path, git: Git) -> Path:
    """An empty git repository with one commit."""
    path = tmp_path / "repo"
    path.mkdir()
    git(path, "init", "-q")
    git(path, "commit", "-q", "--allow-empty", "-m", "first")
    return path


@pytest.fixture
def commit(git: Git) -> Callable[..., str]:
    """Write files and commit them: commit(repo, {"a.py": "x = 1"}) returns the new sha."""

    def make(cwd: Path, files: dict[str, str | None], message: str = "change") -> str:
        for name, text in files.items():
            target = cwd / name
            if text is None:
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        git(cwd, "add", "-A")
        git(cwd, "commit", "-q", "--allow-empty", "--no-verify", "-m", message)
        return git(cwd, "rev-parse", "HEAD")

    return make


@pytest.fixture
def ordinary_user() -> int | None:
    """The uid that sandboxed work must run as when the suite itself is root, else None."""
    return 65534 if os.geteuid() == 0 else None
