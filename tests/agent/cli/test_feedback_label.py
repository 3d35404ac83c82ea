"""One key a message on a terminal: nobody has to press Enter."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from copydesk.agent.cli import feedback_label

ASK = "from copydesk.agent.cli import feedback_label as f; print('got', f._ask(), f._ask())"


def test_a_key_is_taken_without_enter_on_a_terminal(tmp_path: Path) -> None:
    parent, child = pty.openpty()
    asking = subprocess.Popen(
        [sys.executable, "-u", "-c", ASK],
        stdin=child,
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    os.close(child)
    assert asking.stdout
    shown = ""
    for key in ("x", "p", "q"):
        while not shown.endswith("tone? "):
            letter = os.read(asking.stdout.fileno(), 1)
            assert letter, shown  # it has ended
            shown += letter.decode()
        while termios.tcgetattr(parent)[3] & termios.ICANON:
            time.sleep(0.005)  # what is typed before it listens is thrown away
        os.write(parent, key.encode())
        shown += " "
    shown += asking.stdout.read().decode()
    assert asking.wait(30) == 0
    asking.stdout.close()
    os.close(parent)
    assert feedback_label._HELP in shown
    assert shown.strip().endswith("got p q")


@pytest.mark.parametrize(("pressed", "key"), [("\r", "s"), ("N", "n"), ("\x1b[A", "\x1b")])
def test_enter_skips_and_capitals_count(
    pressed: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("click.getchar", lambda: pressed)
    assert feedback_label._read_key() == key


def test_ctrl_c_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", type("T", (), {"isatty": lambda self: True})())
    monkeypatch.setattr("click.getchar", interrupt)
    assert feedback_label._read_key() == "q"
