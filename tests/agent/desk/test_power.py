"""Power cuts, simulated: what had reached the disk when everything stopped is what is left.

ext4 on a loop device. At a random moment the writer is stopped and the file behind the device,
which holds what was written through and nothing that was only in memory, is copied. The copy is
mounted, which replays the file system's journal, and compared with what was acknowledged.
"""

from __future__ import annotations

import contextlib
import filecmp
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

CUTS = 20
DESK = """
import sys, time
from pathlib import Path
from copydesk.agent.desk.store import open_desk, transaction
with open_desk(Path(sys.argv[1])) as db:
    db.execute("PRAGMA synchronous = " + sys.argv[2])
    for number in range(100000):
        with transaction(db):
            db.execute("INSERT INTO tips VALUES (?)", (f"{number:040}" + "x" * 400,))
        print(number, flush=True)
        time.sleep(0.002)
"""
SPOOL = """
import os, sys, time
from copydesk.hooks import filesystem, spool
if sys.argv[2] == "broken":
    filesystem.sync_folder = lambda folder: None
    os.fsync = lambda file: None
for number in range(100000):
    print(spool.write_notification(sys.argv[1], "post-commit", "x" * 400), flush=True)
    time.sleep(0.002)
"""


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Path]:
    """The folder of a disk of 48 MB; its file is beside it."""
    if os.geteuid() != 0 or not shutil.which("mkfs.ext4"):
        pytest.skip("a loop device needs root")
    image, mounted = tmp_path / "disk.img", tmp_path / "disk"
    mounted.mkdir()
    with image.open("wb") as file:
        file.truncate(48 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    if subprocess.call(["mount", "-o", "loop", str(image), str(mounted)]):
        pytest.skip("there is no loop device")
    yield mounted
    subprocess.call(["umount", "-l", str(mounted)], stderr=subprocess.DEVNULL)


def cut(device: Path, chance: random.Random, code: str, how: str) -> tuple[list[str], Path]:
    """Run a writer, cut the power; what it acknowledged, and the disk as it was found after."""
    place = device / f"{time.monotonic_ns()}"
    place.mkdir()
    subprocess.run(["sync", "-f", str(device)], check=True)
    argv = [sys.executable, "-c", code, str(place), how]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, bufsize=0) as writer:
        assert writer.stdout
        pipe = writer.stdout.fileno()
        said = os.read(pipe, 1 << 20)
        time.sleep(0.1 + chance.random() * 0.8)
        writer.send_signal(signal.SIGSTOP)
        time.sleep(0.02)
        os.set_blocking(pipe, False)
        with contextlib.suppress(BlockingIOError):
            while more := os.read(pipe, 1 << 20):
                said += more
        # a file of its own each time: mount takes the loop device that a file has already, with
        # what is cached of the file as it was, as long as the last, lazy umount is not over
        image, after = device.parent / "disk.img", device.parent / f"{place.name}.img"
        while True:  # the kernel may still write back: only a copy of one moment counts
            shutil.copyfile(image, after)
            if filecmp.cmp(image, after, shallow=False):
                break
        writer.kill()
    acked = said.decode().split("\n")[:-1]
    shutil.rmtree(place)
    found = device.parent / "after"
    found.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop", str(after), str(found)], check=True)
    after.unlink()
    return acked, found / place.name


def lost_rows(acked: list[str], desk: Path) -> int:
    try:
        with contextlib.closing(sqlite3.connect(desk / "desk.db")) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            there = {int(sha[:40]) for (sha,) in db.execute("SELECT sha FROM tips")}
    except sqlite3.OperationalError:
        there = set()  # not even the table
    return len(set(map(int, acked)) - there)


def lost_events(acked: list[str], common: Path) -> int:
    there = {}
    with contextlib.suppress(OSError):
        there = {p.name: p.read_bytes() for p in (common / "copydesk/spool/new").iterdir()}
    return sum(there.get(name) != b"post-commit\n" + b"x" * 400 + b"\n" for name in acked)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "how", "loses"),
    [(DESK, "FULL", False), (DESK, "NORMAL", True), (SPOOL, "as it is", False),
     (SPOOL, "broken", True)],
    ids=["desk", "desk with NORMAL", "spool", "spool without fsync"],
)  # fmt: skip
def test_what_was_acknowledged_is_there_after_a_power_cut(
    device: Path, code: str, how: str, loses: bool
) -> None:
    chance = random.Random(3)
    lost = total = 0
    for _ in range(CUTS if not loses else 5):
        acked, after = cut(device, chance, code, how)
        try:
            lost += (lost_rows if code == DESK else lost_events)(acked, after)
        finally:
            subprocess.run(["umount", "-l", str(device.parent / "after")], check=True)
        total += len(acked)
    print(f"{how}: {total} acknowledged, {lost} lost")
    assert total > 20
    assert bool(lost) == loses, f"{lost} of {total}"


ONE_SCAN = """
import sys
from pathlib import Path
from copydesk.agent.config import Personal
from copydesk.agent.daemon.file_watcher import FileWatcher
from copydesk.agent.daemon.log import daemon_logger
from copydesk.agent.daemon.scanner import Scanner
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import find
from copydesk.hooks import spool
repo = find(Path(sys.argv[1]))
watcher = FileWatcher(repo.common_dir, lambda: None)
with open_desk(repo.desk) as db:
    db.checkpoint()
    print("MARK", flush=True)
    spool.write_notification(str(repo.common_dir), "post-commit", "/")
    print("DROPPED", flush=True)
    Scanner(repo, db, watcher, daemon_logger(repo.desk), print).scan(Personal())
    print("TAKEN", flush=True)
watcher.stop()
"""


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_the_order_of_system_calls_is_the_protocol(repo: Path, tmp_path: Path) -> None:
    """Where nobody is root: what must be on the disk before what."""
    log = tmp_path / "trace"
    calls = "fsync,fdatasync,rename,unlink,unlinkat,pwrite64,write"
    argv = ["strace", "-y", "-o", str(log), "-e", f"trace={calls}"]
    done = subprocess.run(
        [*argv, sys.executable, "-c", ONE_SCAN, str(repo)], capture_output=True, text=True
    )
    if "ptrace" in done.stderr:
        pytest.skip("strace may not trace here")
    assert done.returncode == 0, done.stderr
    steps = []
    for line in log.read_text().splitlines():
        for step, pattern in {
            "mark": r'write\(1.*"MARK', "written": r"write\(\d+<[^>]*spool/tmp/",
            "synced": r"fsync\(\d+<[^>]*spool/tmp/", "renamed": r"rename\([^)]*spool/new/",
            "folder synced": r"fsync\(\d+<[^>]*spool/new>", "dropped": r'write\(1.*"DROPPED',
            "row": r"pwrite64\(\d+<[^>]*desk.db-wal>",
            "row synced": r"f(data)?sync\(\d+<[^>]*desk.db-wal>",
            "unlinked": r"unlink(at)?\([^)]*spool/new/",
        }.items():  # fmt: skip
            if re.search(pattern, line) and steps[-1:] != [step]:
                steps.append(step)
    drop = ["mark", "written", "synced", "renamed", "folder synced", "dropped"]
    assert steps[steps.index("mark") :][: len(drop)] == drop
    taken = steps[steps.index("dropped") + 1 :]
    assert taken.index("row") < taken.index("row synced") < taken.index("unlinked")
    assert "row" not in taken[taken.index("unlinked") :]
