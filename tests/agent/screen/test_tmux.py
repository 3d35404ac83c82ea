"""The screen in a real tmux, small and large: what a terminal is drawn, and keys that arrive."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]
REVIEW = (
    "import sys; sys.argv = ['copydesk', 'review'];"
    " from copydesk.agent.cli.main import main; main()"
)


class Tmux:
    """A tmux server of its own, with one window.

    Args:
        socket: Where the server listens.
    """

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def do(self, *words: str) -> str:
        """Have tmux do something; what it prints."""
        command = ["tmux", "-S", str(self._socket), "-f", "/dev/null", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def until(self, condition: Callable[[str], bool]) -> str:
        """Look at the window until a condition holds; the test's time limit is the only one."""
        while not condition(text := self.do("capture-pane", "-p", "-t", "desk")):
            time.sleep(0.1)
        return text


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    server = Tmux(tmp_path / "tmux.socket")
    yield server
    subprocess.run(["tmux", "-S", str(tmp_path / "tmux.socket"), "kill-server"], check=False,
                   capture_output=True)  # fmt: skip


def _last_line(shown: str) -> str:
    return shown.rstrip("\n").split("\n")[-1]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (200, 50)])
def test_the_screen_in_tmux(shop: Any, tmux: Tmux, columns: int, rows: int) -> None:
    first, second = shop.add(1), shop.add(2)
    program = shlex.join([sys.executable, "-c", REVIEW])
    unset = "-u ACCESSIBLE -u NO_COLOR -u COLUMNS -u LINES"
    command = f"env {unset} LC_ALL=C.UTF-8 {program}"
    size = ("-x", str(columns), "-y", str(rows))
    tmux.do("new-session", "-d", "-s", "desk", *size, "-c", str(shop.repo.worktree), command)
    tmux.until(lambda shown: shown.count("\n") == rows and "? help" in _last_line(shown))
    text = tmux.until(lambda shown: "def test_" in shown)
    lines = text.rstrip("\n").split("\n")
    assert len(lines) == rows
    assert max(map(len, lines)) <= columns
    assert "2 tests" in lines[0]
    assert "shop.py::f" in text
    assert "a accept" in lines[-1]
    assert "q quit" in lines[-1]
    tmux.do("send-keys", "-t", "desk", "r")
    tmux.until(lambda shown: "Why reject draft" in shown)
    tmux.do("send-keys", "-t", "desk", "1")
    tmux.until(lambda shown: "is rejected" in shown and "1 test" in shown)
    assert sorted((shop.state(first), shop.state(second))) == ["not_run", "rejected"]
    tmux.do("resize-window", "-t", "desk", "-x", "40", "-y", "12")
    tmux.until(lambda shown: shown.count("\n") == 12 and shown.startswith("copydesk"))
    tmux.do("send-keys", "-t", "desk", "q")
    while subprocess.run(["tmux", "-S", str(tmux._socket), "has-session", "-t", "desk"],
                         check=False, capture_output=True).returncode == 0:  # fmt: skip
        time.sleep(0.1)
