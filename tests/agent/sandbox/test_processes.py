"""Who belongs to a run and what they hold, from the real /proc and from made-up ones."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from copydesk.agent.sandbox import processes

FORKS = "import os, time; os.fork(); os.fork(); print('up', flush=True); time.sleep(60)"


@pytest.fixture
def four() -> Iterator[subprocess.Popen[bytes]]:
    """Four processes, one the parent of two, one of these of the fourth; marked."""
    child = subprocess.Popen(
        [sys.executable, "-c", FORKS],
        env={"MARK": uuid.uuid4().hex},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert child.stdout
    for _ in range(4):
        child.stdout.readline()
    yield child
    os.killpg(child.pid, 9)
    child.communicate()


def test_a_family_is_everybody_below(four: subprocess.Popen[bytes]) -> None:
    assert len(processes.process_tree([four.pid])) == 4
    assert processes.process_tree([four.pid]) <= processes.process_tree([os.getpid()])
    assert processes.process_tree([2**22 + 1]) == set()


def test_a_kernel_that_lists_no_children_is_asked_for_parents(tmp_path: Path) -> None:
    for pid, parent in ((10, 1), (11, 10), (12, 11), (13, 1), (14, 10)):
        (tmp_path / str(pid) / "task" / str(pid)).mkdir(parents=True)
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (odd ) name) S {parent} 0 0")
    (tmp_path / "14" / "stat").unlink()
    (tmp_path / "version").touch()
    assert processes.process_tree([10], tmp_path) == {10, 11, 12}


def test_shared_pages_count_once(four: subprocess.Popen[bytes]) -> None:
    family = processes.process_tree([four.pid])
    resident = processes.usage(family, 1 << 40)
    proportional = processes.usage(family, 0)
    assert resident.processes == proportional.processes == 4
    assert 1 << 20 < proportional.memory < resident.memory


def test_where_the_exact_figure_is_hidden_the_resident_one_counts(tmp_path: Path) -> None:
    for pid in ("1", "2"):
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "statm").write_text("100 50 10 1 0 20 0\n")
    (tmp_path / "2" / "smaps_rollup").write_text("header\nRss: 9 kB\nPss: 7 kB\n")
    page = os.sysconf("SC_PAGE_SIZE")
    assert processes.usage([1, 2, 3], 1, tmp_path) == (3, 50 * page + 7 * 1024)


def test_a_mark_in_the_environment_finds_everybody(four: subprocess.Popen[bytes]) -> None:
    mark = next(
        word
        for word in Path(f"/proc/{four.pid}/environ").read_bytes().split(b"\0")
        if word.startswith(b"MARK=")
    )
    assert set(processes.with_marker(mark)) == processes.process_tree([four.pid])


def test_threads_of_a_user_are_counted(four: subprocess.Popen[bytes]) -> None:
    assert processes.threads_of(os.getuid()) >= 4
    assert processes.threads_of(123_456_789) == 0


def test_without_a_proc_there_is_nothing_to_find(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    assert processes.process_tree([1], nowhere) == set()
    assert processes.with_marker(b"x", nowhere) == []
    assert processes.threads_of(0, nowhere) == 0


def stand_still(pids: set[int]) -> bool:
    """Whether all are stopped before long: each is when it would run next."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        stats = [Path(f"/proc/{pid}/stat").read_text() for pid in pids]
        if {stat.rpartition(")")[2].split()[0] for stat in stats} == {"T"}:
            return True
        time.sleep(0.01)
    return False


def test_a_family_that_is_halted_stands_still_until_it_is_resumed(
    four: subprocess.Popen[bytes],
) -> None:
    halted = processes.halt([four.pid])
    assert halted == processes.process_tree([four.pid])
    assert stand_still(halted)
    processes.resume(halted | {2**22 + 1})
    for pid in halted:
        assert " T " not in Path(f"/proc/{pid}/stat").read_text()


def test_one_that_forks_all_the_time_is_halted_whole() -> None:
    code = (
        "import os, time\nprint('up', flush=True)\n"
        "while True:\n    if os.fork() == 0: time.sleep(60)\n    time.sleep(0.002)"
    )
    argv = [sys.executable, "-c", code]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True) as child:
        try:
            assert child.stdout
            child.stdout.readline()
            time.sleep(0.05)
            halted = processes.halt([child.pid])
            assert len(halted) > 1
            assert stand_still(halted)
            time.sleep(0.05)
            assert processes.process_tree([child.pid]) == halted
        finally:
            os.killpg(child.pid, 9)


def test_looking_is_quick(four: subprocess.Popen[bytes]) -> None:
    began = time.process_time()
    for _ in range(20):
        processes.usage(processes.process_tree([four.pid]), 1 << 40)
    assert (time.process_time() - began) / 20 < 0.02
