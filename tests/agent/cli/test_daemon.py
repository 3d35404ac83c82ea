import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.cli.daemon import follow


@pytest.fixture
def quiet(repo: Path, git: Callable[..., str], run: Any) -> Iterator[Path]:
    """A repository whose daemon is ended afterwards."""
    git(repo, "config", "copydesk.python", sys.executable)
    yield repo
    run(repo, "daemon", "stop")


def test_start_status_logs_stop(run: Any, quiet: Path) -> None:
    done = run(quiet, "daemon", "status")
    assert (done.exit_code, "No daemon runs" in done.output) == (1, True)
    assert "no daemon has run here yet" in run(quiet, "daemon", "logs").output
    done = run(quiet, "daemon", "start")
    assert done.exit_code == 0, done.output
    found = json.loads(run(quiet, "daemon", "status", "--json").output)
    assert found["running"] is True
    assert f"process {found['pid']})" in done.output
    assert "The daemon runs, for " in run(quiet, "daemon", "status").output
    end = time.monotonic() + 20
    while "started, process" not in run(quiet, "daemon", "logs").output:
        assert time.monotonic() < end
    assert run(quiet, "daemon", "logs", "-n", "0").output == ""
    done = run(quiet, "daemon", "run")
    assert (done.exit_code, "A daemon runs already" in done.output) == (1, True)
    assert run(quiet, "daemon", "stop").output == "The daemon has ended.\n"
    assert run(quiet, "daemon", "stop").output == "No daemon runs.\n"


def test_run_is_the_daemon_with_its_log_on_the_screen(quiet: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "copydesk.agent.cli.main", "daemon", "run"],
        cwd=quiet,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=dict(os.environ) | {"PYTHONUNBUFFERED": "1"},
    ) as child:
        assert child.stdout
        assert child.stdout.readline().startswith(f"Watching {quiet}")
        assert "started, process" in child.stdout.readline()
        child.send_signal(signal.SIGINT)
        rest = child.stdout.read()
        assert child.wait(30) == 0
    assert "stopped" in rest


def test_run_and_logs_in_this_process(
    run: Any, quiet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = quiet / ".git/copydesk/daemon.log"
    path.parent.mkdir()

    def serve(common: Path) -> int:
        assert common == quiet / ".git"
        path.write_text("a line \x1b[2J\n")
        return 0

    monkeypatch.setattr("copydesk.agent.daemon.service.run", serve)
    done = run(quiet, "daemon", "run")
    assert done.exit_code == 0
    assert "a line \\x1b[2J\n" in done.output
    monkeypatch.setattr("copydesk.agent.cli.daemon.follow", lambda _: iter(["and then"]))
    done = run(quiet, "daemon", "logs", "-f")
    assert done.output.endswith("a line \\x1b[2J\nand then\n")


def test_lines_are_followed_through_the_rotation_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "daemon.log"
    stop = threading.Event()
    seen: list[str] = []
    lines = follow(path, stop=stop)
    reader = threading.Thread(target=lambda: seen.extend(lines))
    reader.start()

    def until(count: int) -> None:
        end = time.monotonic() + 10
        while len(seen) < count:
            assert time.monotonic() < end, seen
            time.sleep(0.01)

    path.write_text("one\n")
    until(1)
    with path.open("a") as file:
        file.write("half")
        file.flush()
        time.sleep(0.3)
        assert seen == ["one"]
        file.write(" and half\n")
    until(2)
    path.rename(tmp_path / "daemon.log.1")
    path.write_text("new\n")
    until(3)
    with path.open("a") as file:
        file.write("last\n")
    stop.set()
    reader.join(5)
    assert seen == ["one", "half and half", "new", "last"]
