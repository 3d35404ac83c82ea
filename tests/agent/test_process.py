from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import pytest

from copydesk.agent.process import (
    SCRATCH,
    ProcessError,
    lower_priority,
    run,
    scratch_folder,
    scrubbed_environment,
    sweep_scratch_folders,
)

PY = sys.executable


def test_both_streams_and_the_exit_code_come_back(tmp_path: Path) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    result = run([PY, "-c", code], cwd=tmp_path, check=False)
    assert (result.text, result.stderr, result.returncode) == ("out\n", b"err\n", 3)
    assert result.seconds > 0


def test_standard_input_is_fed() -> None:
    assert run([PY, "-c", "print(input()[::-1])"], stdin=b"abc\n").text == "cba\n"


def test_a_bad_end_shows_command_code_and_streams() -> None:
    with pytest.raises(ProcessError, match="exit code 2") as caught:
        run([PY, "-c", "import sys; print('why'); sys.exit(2)"])
    assert "why" in str(caught.value)
    assert caught.value.slug == "program-failed"


def test_a_program_that_is_not_there_is_one_clear_error() -> None:
    with pytest.raises(ProcessError, match="cannot be started"):
        run(["/no/such/program"])


def test_a_time_out_ends_the_whole_group(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    later = f"import time; time.sleep(1.5); open({str(mark)!r}, 'w')"
    start = f"subprocess.Popen([sys.executable, '-c', {later!r}])"
    code = f"import subprocess, sys, time; {start}; time.sleep(60)"
    with pytest.raises(ProcessError, match="took longer"):
        run([PY, "-c", code], timeout=0.7)
    time.sleep(1.6)
    assert not mark.exists()


def test_a_flood_is_stopped() -> None:
    with pytest.raises(ProcessError, match="said more than"):
        run([PY, "-c", "while True: print('x' * 10000)"], max_output=100_000, timeout=30)


def test_a_child_that_ignores_its_input_does_no_harm() -> None:
    assert run([PY, "-c", "pass"], stdin=b"x" * 1_000_000).returncode == 0


def test_the_environment_is_scrubbed_of_hooks_and_virtual_environments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("GIT_DIR", "VIRTUAL_ENV", "PYTHONPATH", "PRE_COMMIT", "COVERAGE_FILE"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.prefix, "bin")), "/usr/bin"]))
    env = scrubbed_environment({"KEPT": "1"})
    assert not {"GIT_DIR", "VIRTUAL_ENV", "PYTHONPATH", "PRE_COMMIT", "COVERAGE_FILE"} & env.keys()
    assert env["KEPT"] == "1"
    assert env["PATH"] == "/usr/bin" or sys.prefix == sys.base_prefix


def test_lowering_the_priority_works_in_a_child() -> None:
    code = (
        "import os; from copydesk.agent.process import lower_priority;"
        "lower_priority(); print(os.nice(0))"
    )
    assert run([PY, "-c", code]).text == "19\n"
    assert callable(lower_priority)


KILLED = """
import os, signal
from copydesk.agent.process import scratch_folder
with scratch_folder() as folder:
    (folder / "much").write_text("x")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_scratch_folder_goes_and_one_in_use_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with scratch_folder() as folder:
        os.utime(folder / ".lock", (0, 0))
        assert sweep_scratch_folders() == 0
        assert folder.is_dir()
    assert not list(tmp_path.glob(f"{SCRATCH}*"))


def test_what_a_killed_run_has_left_is_swept_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    run([PY, "-c", KILLED], env={**os.environ, "TMPDIR": str(tmp_path)}, check=False)
    (left,) = tmp_path.glob(f"{SCRATCH}*")
    assert sweep_scratch_folders() == 0  # too young to tell
    os.utime(left / ".lock", (0, 0))
    with scratch_folder():
        assert not left.exists()
