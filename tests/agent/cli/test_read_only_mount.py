"""A repository whose git folder is mounted read-only, as a volume or a snapshot of a disk."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

READ_ONLY = """\
mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit 99
shift
exec "$@"
"""


def may_mount() -> bool:
    """Whether this user may mount in a namespace of its own."""
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare"):
        return False
    return not subprocess.run(
        ["unshare", "-m", "true"], capture_output=True, check=False
    ).returncode


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not may_mount(), reason="only root may mount, where the machine lets it"),
]


@pytest.fixture
def read_only(measured_shop: Path, tmp_path: Path) -> Callable[..., Any]:
    """Run a command in a measured repository of which the git folder is mounted read-only."""
    copy = Path(shutil.copytree(measured_shop, tmp_path / "copy", symlinks=True))

    def run(*words: str, desk: bool = True) -> subprocess.CompletedProcess[str]:
        if not desk:
            shutil.rmtree(copy / ".git" / "copydesk", ignore_errors=True)
        command = [sys.executable, "-c", "from copydesk.agent.cli.main import main; main()", *words]
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", READ_ONLY, "sh", str(copy / ".git"), *command],
            cwd=copy, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode == 99:
            pytest.skip("this machine does not let root mount")
        return done

    return run


@pytest.mark.parametrize("desk", [True, False], ids=["measured", "never set up"])
@pytest.mark.parametrize(
    "command",
    ["status", "measure", "gate", "gate --unknown measure", "ci", "init --native --yes", "doctor"],
)
def test_each_command_says_the_next_step(
    read_only: Callable[..., Any], command: str, desk: bool
) -> None:
    done = read_only(*command.split(), desk=desk)
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    assert "this is a bug" not in said
    if done.returncode == 2:
        assert "Read-only file system" in said or "unable to open" in said
        assert "mount it writable, or work in a clone" in said
    else:  # what needs no writing is answered
        assert done.returncode == 0
        assert not desk


def test_a_coverage_file_is_judged_all_the_same(
    read_only: Callable[..., Any], tmp_path: Path
) -> None:
    data = tmp_path / "lcov.info"
    data.write_text("TN:\nSF:prices.py\nDA:7,1\nDA:13,0\nend_of_record\n")
    done = read_only("gate", "--base", "HEAD~1", "--data", str(data))
    assert done.returncode == 1, done.stderr
    assert "prices.py:13" in done.stdout
