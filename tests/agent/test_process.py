from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from copydesk.agent.process import ProcessError, lower_priority, run, scrubbed_environment

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
