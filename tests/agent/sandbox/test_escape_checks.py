"""The script of the probe sandbox, run without a sandbox: it must find everything wrong."""

from __future__ import annotations

import io
import json
import os
import runpy
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.sandbox import tier

SCRIPT = Path(tier.__file__).with_name("escape_checks.py")
ASKED: dict[str, Any] = {"hidden": [], "protected": [], "port": 9, "processes": 128}
ASKED["partial"] = False


@pytest.fixture
def probe() -> dict[str, Callable[..., Any]]:
    return runpy.run_path(str(SCRIPT))


def test_what_can_be_seen_is_found(probe: dict[str, Callable[..., Any]], tmp_path: Path) -> None:
    known = tmp_path.stat()
    told = [[str(tmp_path), known.st_dev, known.st_ino], [str(tmp_path), 0, 0], ["/no/where", 1, 1]]
    assert probe["check_hidden"](told) == [f"{tmp_path} can be seen"]


def test_what_can_be_written_is_found(probe: dict[str, Callable[..., Any]], tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert probe["check_write_protected"]([str(tmp_path), str(file), "/no/where", "/proc"]) == [
        f"{tmp_path} can be written to",
        f"{file} can be written to",
    ]


def test_what_can_be_reached_is_found(probe: dict[str, Callable[..., Any]]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = probe["check_network"](server.getsockname()[1])
    assert "the network can be reached" in found


def test_privileges_and_missing_limits_are_found(probe: dict[str, Callable[..., Any]]) -> None:
    assert any(line.startswith("Seccomp is") for line in probe["check_privileges"]())
    assert ("it runs as root" in probe["check_privileges"]()) == (os.getuid() == 0)
    assert "RLIMIT_NPROC is not set" in probe["check_limits"](1, False)
    assert "RLIMIT_NPROC is not set" not in probe["check_limits"](1, True)


@pytest.mark.parametrize("right", [True, False])
def test_the_whole_probe_reports(
    probe: dict[str, Callable[..., Any]],
    right: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = ASKED | {"top": str(tmp_path)}
    if right:
        (tmp_path / "escape_checks.py").touch()
    else:
        (tmp_path / "written").mkdir()
    read, write = os.pipe()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COPYDESK_REPORT_FD", str(write))
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(told)))
    probe["main"]()
    said = json.loads(os.read(read, 10_000))
    os.close(read)
    assert ("the copy cannot be written to" in said) == (not right)
    assert ("the copy does not stand at the repository's own path" in said) == (not right)


def test_as_a_program_it_reads_and_reports(tmp_path: Path) -> None:
    read, write = os.pipe()
    told = ASKED | {"top": "/elsewhere"}
    subprocess.run(
        [sys.executable, "-S", SCRIPT],
        input=json.dumps(told).encode(),
        env={"COPYDESK_REPORT_FD": str(write)},
        pass_fds=(write,),
        cwd=tmp_path,
        check=True,
    )
    os.close(write)
    assert "the copy does not stand" in os.read(read, 10_000).decode()
    os.close(read)
