"""What holds the pieces together: threads, staging, streams, the namespace's end."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from copydesk.agent.errors import CopydeskError
from copydesk.agent.sandbox import launch_script, pid_namespace, tier_full
from copydesk.agent.sandbox.bind_mounts import bind_for_nobody
from copydesk.agent.sandbox.pid_namespace import PidNamespace
from copydesk.agent.sandbox.pipes import PipeReader, open_pipes
from copydesk.agent.sandbox.records import Limits
from copydesk.agent.sandbox.runner import SandboxRunner
from copydesk.agent.sandbox.watchdog import Launch, run_watched


@pytest.mark.parametrize(
    ("release", "expected"),
    [("5.14.0-foo", True), ("6.1", True), ("5.13.9", False), ("4.18", False), ("odd", False)],
)
def test_kernels_since_5_14_count_each_namespace_by_itself(release: str, expected: bool) -> None:
    assert tier_full.counts_per_namespace(release) is expected


def test_older_kernels_count_the_users_other_processes_too(full: SandboxRunner) -> None:
    script = launch_script.guarded_script(Limits(processes=100), "/t", "/f", already=55)
    assert "lower -u 155 || lower -p 155" in script


def test_a_stream_keeps_both_ends() -> None:
    stream = PipeReader(10, both_ends=True)
    for piece in (b"abc", b"defgh", b"ijklmnopqrstuvw", b"xyz"):
        os.write(stream.other_end, piece)
        assert stream.read()
    assert stream.kept() == b"abcde\n[... 16 bytes left out ...]\nvwxyz"
    assert stream.read()  # nothing there is no end
    stream.close_other_end()
    assert not stream.read()
    stream.close()


def test_a_stream_is_drained_without_waiting_for_whoever_holds_it() -> None:
    stream = PipeReader(1 << 20)
    os.write(stream.other_end, b"x" * 60_000)
    stream.drain()
    assert stream.kept() == b"x" * 60_000
    stream.close()


def test_without_pidfd_the_end_is_noticed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    with open_pipes(Limits()) as streams:
        script = "echo ready >&2; exec sleep 0.1"
        start = Launch(["/bin/sh", "-c", script], {"PATH": os.defpath}, Path("/"), b"")
        seen = run_watched(start, streams, Limits(), lambda child: child.kill())
    assert (seen.ended, seen.code, seen.ready, seen.complaint) == ("exit", 0, True, "")


def test_a_run_can_be_called_off() -> None:
    stop = threading.Event()
    stop.set()
    with open_pipes(Limits()) as streams:
        start = Launch(["/bin/sleep", "60"], {}, Path("/"), b"")
        seen = run_watched(start, streams, Limits(), lambda child: child.kill(), stop=stop)
    assert (seen.ended, seen.reason, seen.ready) == ("timeout", "was called off", False)


def test_a_bubblewrap_that_says_no_number_is_simply_ended() -> None:
    with contextlib.closing(PidNamespace()) as first:
        child = subprocess.Popen(["/bin/sleep", "60"])
        first.end(child)
        assert child.returncode == -9


def test_the_first_process_may_be_gone_already() -> None:
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    with contextlib.closing(PidNamespace()) as first:
        os.write(first.info, b'{\n  "child-pid": %d\n' % gone.pid)
        os.write(first.info, b"}\n")
        first.end(gone)


def test_a_process_that_cannot_be_ended_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pid_namespace, "_PATIENCE", 0.1)
    monkeypatch.setattr("signal.pidfd_send_signal", lambda *_: None)
    stuck = subprocess.Popen(["/bin/sleep", "60"])
    done = subprocess.Popen(["/bin/true"])
    with contextlib.closing(PidNamespace()) as first:
        os.write(first.info, b'{"child-pid": %d}' % stuck.pid)
        with pytest.raises(CopydeskError, match="cannot be killed") as caught:
            first.end(done)
    assert caught.value.slug == "sandbox-stuck"
    stuck.kill()
    stuck.wait()


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a stage")


@needs_root
def test_a_stage_shows_files_and_folders_to_one_thread_only(tmp_path: Path) -> None:
    place, folder, file = (tmp_path / name for name in ("place", "folder", "file"))
    place.mkdir(mode=0o755)
    folder.mkdir()
    (folder / "x").write_text("in the folder")
    file.write_text("a file")
    seen: list[str] = []

    def work() -> None:
        found = bind_for_nobody([folder, file, folder], places=["/nowhere", str(place)])
        seen.extend([(found[folder] / "x").read_text(), found[file].read_text()])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == ["in the folder", "a file"]
    assert list(place.iterdir()) == []


@needs_root
def test_a_stage_without_its_source_or_without_the_right_is_an_error(
    full: SandboxRunner, tmp_path: Path
) -> None:
    full.tree = tmp_path / "gone"
    outcome = full.run(["true"])
    assert (outcome.ended, "gone" in outcome.reason) == ("not run", True)
    code = "from copydesk.agent.sandbox.bind_mounts import bind_for_nobody; bind_for_nobody([])"
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("no setpriv")
    words = [setpriv, "--bounding-set=-sys_admin", sys.executable, "-c", code]
    said = subprocess.run(words, capture_output=True, text=True, check=False).stderr
    assert "Operation not permitted: 'mount namespace'" in said


def test_a_mistake_in_the_runs_own_thread_comes_out(full: SandboxRunner) -> None:
    with pytest.raises(TypeError):
        full.run(["python", 3])  # type: ignore[list-item]


def test_no_time_at_all_is_a_timeout(full: SandboxRunner) -> None:
    limits = dataclasses.replace(full.limits, wall_seconds=0.0)
    outcome = full.run(["true"], limits=limits)
    assert (outcome.ended, outcome.reason) == ("timeout", "took longer than 0 s")
