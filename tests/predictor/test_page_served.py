"""The page as it is served: whom the server answers, and whom it speaks to.

Needs the extra app: make test-extras.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytest.importorskip("streamlit", reason="streamlit: make test-extras", exc_type=ImportError)
client = pytest.importorskip("websockets.sync.client", reason="websockets: make test-extras")
back = pytest.importorskip("streamlit.proto.BackMsg_pb2")
forward = pytest.importorskip("streamlit.proto.ForwardMsg_pb2")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
SECONDS = 300
LISTENER = """
import sys
def heard(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"):
        with open({log!r}, "a") as file:
            address = arguments[:1] if event == "socket.getaddrinfo" else arguments[1]
            print(event, address, file=file)
sys.addaudithook(heard)
"""
UNSAFE = "[server]\naddress = '0.0.0.0'\n[browser]\ngatherUsageStats = true\n"


class Served(NamedTuple):
    """A server that runs: its port, and the file of what it did with sockets."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """The page, started in a folder whose files say that all the world is to be answered."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder, listening, log = tmp_path / "project", tmp_path / "listening", tmp_path / "sockets"
    (folder / ".streamlit").mkdir(parents=True)
    (folder / ".streamlit/config.toml").write_text(UNSAFE)
    (folder / "streamlit.py").write_text("raise SystemExit('the current folder was imported')\n")
    listening.mkdir()
    (listening / "sitecustomize.py").write_text(LISTENER.format(log=str(log)))
    words = [sys.executable, "-P", "-m", "copydesk.predictor.streamlit_app", "--subject", "commits"]
    variables = os.environ | {
        "PYTHONPATH": str(listening),
        "STREAMLIT_SERVER_PORT": str(port),
        "STREAMLIT_SERVER_HEADLESS": "true",
    }
    output = (tmp_path / "output").open("wb")
    process = subprocess.Popen(
        words, cwd=folder, env=variables, stdout=output, stderr=output, start_new_session=True
    )
    try:
        _wait_for(process, port)
        yield Served(process, port, log)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        output.close()


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, "the server ended"
        with socket.socket() as asking:
            if asking.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError("the server does not listen")


def _run_twice(port: int) -> list[str]:
    """Have the page drawn, and drawn again as a click does; how each run of it ended."""
    ends = []
    url = f"ws://127.0.0.1:{port}/_stcore/stream"
    with client.connect(url, subprotocols=["streamlit"], max_size=None, proxy=None) as connection:
        for _ in range(2):
            message = back.BackMsg()
            message.rerun_script.query_string = ""
            connection.send(message.SerializeToString())
            ends.append(_end_of_run(connection))
    return ends


def _end_of_run(connection: Any) -> str:
    """Read until the page is drawn; the last exception that it showed, or ""."""
    shown = ""
    while True:
        answer = forward.ForwardMsg.FromString(connection.recv(SECONDS))
        kind = answer.WhichOneof("type")
        if kind == "delta" and answer.delta.new_element.HasField("exception"):
            shown = answer.delta.new_element.exception.message
        if kind == "new_session":
            assert answer.new_session.config.gather_usage_stats is False
        if kind == "script_finished":
            return shown


def test_the_page_listens_on_the_loopback_alone_and_connects_to_nobody(served: Served) -> None:
    assert _run_twice(served.port) == ["", ""]
    lines = served.log.read_text().splitlines()
    bound = [line for line in lines if line.startswith("socket.bind")]
    assert any(f"'127.0.0.1', {served.port}" in line for line in bound)
    local = ("'127.0.0.1'", "'::1'", "'localhost'", "(None", "/")
    assert [line for line in lines if not any(word in line for word in local)] == []
    if sys.platform == "linux":
        assert _listening_addresses(served.port) == {"0100007F"}


def _listening_addresses(port: int) -> set[str]:
    """Where somebody listens on a port, as the kernel writes addresses: proc(5)."""
    found = set()
    for table in ("tcp", "tcp6"):
        path = Path("/proc/net") / table
        for line in path.read_text().splitlines()[1:] if path.exists() else ():
            fields = line.split()
            address, _, number = fields[1].rpartition(":")
            if fields[3] == "0A" and int(number, 16) == port:
                found.add(address)
    return found
