"""A whole `copydesk measure` that is ended by a signal leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

WAITS = """\
import os
import time


def test_waits():
    with open(os.environ["STARTED"], "w") as pipe:
        pipe.write("here")
    time.sleep(600)
"""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a named pipe")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_nothing_stays_of_a_measure_that_a_signal_ends(
    repo: Path, git: Callable[..., str], commit: Callable[..., str], tmp_path: Path, name: str
) -> None:
    git(repo, "config", "copydesk.python", sys.executable)
    git(repo, "config", "copydesk.sandbox", "off")
    pipe, temporary = tmp_path / "started", tmp_path / "temporary"
    os.mkfifo(pipe)
    temporary.mkdir()
    commit(repo, {"test_waits.py": WAITS.replace('os.environ["STARTED"]', repr(str(pipe)))})
    child = subprocess.Popen(
        [sys.executable, "-c", "from copydesk.agent.cli.main import main; main()", "measure"],
        cwd=repo,
        env=os.environ | {"TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # what started the suite may ignore signals, as nohup does, and children inherit that
        preexec_fn=lambda: signal.signal(getattr(signal, name), signal.SIG_DFL),
    )
    assert pipe.read_text() == "here"  # opening it waits until the test runs
    child.send_signal(getattr(signal, name))
    output, _ = child.communicate()
    assert child.returncode == (130 if name == "SIGINT" else 128 + getattr(signal, name)), output
    assert list(temporary.iterdir()) == []
    assert b"Traceback" not in output
    while str(repo).encode() in subprocess.check_output(["ps", "-eo", "args"]):
        time.sleep(0.05)  # the kernel takes a moment; what stays for good ends in a time-out
