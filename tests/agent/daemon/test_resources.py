from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.config import Personal
from copydesk.agent.daemon import resources
from copydesk.agent.daemon.resources import Turn, battery, pause_reason, state_folder
from copydesk.agent.daemon.service import Service
from copydesk.agent.desk import space
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import Repository, find

Eventually = Callable[..., None]
Serving = Callable[..., Service]


def supply(folder: Path, name: str, **files: str) -> None:
    (folder / name).mkdir(parents=True)
    for key, value in files.items():
        (folder / name / key).write_text(value + "\n")


@pytest.mark.parametrize(
    ("supplies", "left"),
    [
        ({}, None),
        ({"BAT0": {"type": "Battery", "status": "Discharging", "capacity": "15"}}, 15.0),
        ({"BAT0": {"type": "Battery", "status": "Charging", "capacity": "15"}}, None),
        (
            {
                "AC": {"type": "Mains", "online": "1"},
                "BAT0": {"type": "Battery", "status": "Discharging", "capacity": "15"},
            },
            None,
        ),
        (
            {
                "AC": {"type": "Mains", "online": "0"},
                "BAT0": {"type": "Battery", "status": "Discharging", "capacity": "60"},
                "BAT1": {"type": "Battery", "status": "Discharging", "capacity": "41"},
            },
            41.0,
        ),
        (
            {
                "mouse": {
                    "type": "Battery", "status": "Discharging", "capacity": "3", "scope": "Device"
                }
            },
            None,
        ),
    ],
    ids=["none", "on battery", "charging", "on mains", "two batteries", "a mouse"],
)  # fmt: skip
def test_the_battery_counts_while_it_feeds_the_machine(
    tmp_path: Path, supplies: dict[str, dict[str, str]], left: float | None
) -> None:
    for name, files in supplies.items():
        supply(tmp_path, name, **files)
    assert battery(tmp_path) == left
    assert battery(tmp_path / "not there") is None


def test_elsewhere_the_battery_is_asked_of_psutil(monkeypatch: pytest.MonkeyPatch) -> None:
    class Power:
        percent, power_plugged = 12, False

    class Psutil:
        sensors_battery = staticmethod(lambda: Power)

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert battery() is None
    monkeypatch.setitem(sys.modules, "psutil", Psutil)
    assert battery() == 12.0
    monkeypatch.setattr(Power, "power_plugged", True)
    assert battery() is None


def test_what_holds_work_back_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    personal = Personal(pause_load=2.0)
    monkeypatch.setattr(resources, "battery", lambda: 15.0)
    monkeypatch.setattr(resources, "load", lambda: 3.0)
    assert pause_reason(personal, tmp_path).startswith("on battery, 15 % left")
    monkeypatch.setattr(resources, "battery", lambda: 25.0)
    assert "load 3.0 a processor" in pause_reason(personal, tmp_path)
    assert pause_reason(Personal(), tmp_path) == ""
    assert pause_reason(Personal(pause_battery=0), tmp_path) == ""
    monkeypatch.setattr(space, "LOW_BYTES", 1 << 60)
    assert pause_reason(personal, tmp_path).startswith("the disk is full")


def test_the_load_is_the_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (8.0, 1.0, 1.0))
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert resources.load() == 2.0
    monkeypatch.delattr(os, "getloadavg")
    assert resources.load() == 0.0


def test_the_state_folder_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert state_folder() == Path(os.environ["XDG_STATE_HOME"]) / "copydesk"
    monkeypatch.setenv("XDG_STATE_HOME", "not/absolute")
    assert state_folder() == Path.home() / ".local/state/copydesk"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert state_folder() == tmp_path / "copydesk"


def test_the_turn_goes_from_one_to_the_next(tmp_path: Path) -> None:
    came = threading.Event()
    first, second = Turn(lambda: None, tmp_path), Turn(came.set, tmp_path)
    assert first.ask()
    assert first.ask()
    assert not second.ask()
    assert not second.ask()
    assert not came.is_set()
    first.give_back()
    assert came.wait(60)
    assert second.ask()
    assert not first.ask()
    first.close()  # while its thread waits
    second.close()
    served = threading.Event()
    third = Turn(served.set, tmp_path)
    # first's thread, still in line, may get the lock before third; it drops it at once
    assert third.ask() or (served.wait(60) and third.ask())


def test_who_dies_with_the_turn_gives_it_back(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path;"
        "from copydesk.agent.daemon.resources import Turn;"
        "turn = Turn(print, Path(sys.argv[1])); print(turn.ask(), flush=True); time.sleep(600)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert other.stdout
    assert other.stdout.readline() == "True\n"
    came = threading.Event()
    turn = Turn(came.set, tmp_path)
    assert not turn.ask()
    other.kill()
    other.communicate()
    assert came.wait(60)
    assert turn.ask()
    turn.close()


def test_without_a_place_for_the_lock_everybody_works(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    turn = Turn(lambda: None, tmp_path / "file" / "below")
    assert turn.ask()
    turn.give_back()
    turn.close()


def test_two_repositories_never_work_at_once(
    found: Repository,
    tmp_path: Path,
    repo: Path,
    git: Callable[..., str],
    worker_script: Path,
    eventually: Eventually,
) -> None:
    git(tmp_path, "clone", "-q", str(repo), "second")
    both = [found, find(tmp_path / "second")]
    for one in both:
        with open_desk(one.desk) as db:
            for number in range(3):
                db.jobs.enqueue("span", str(number))
    span = tmp_path / "spans"
    worker_script.write_text(
        worker_script.read_text().replace(
            "def refuse",
            "def span(context, subject):\n"
            "    started = time.time()\n"
            "    time.sleep(0.3)\n"
            f"    with open({str(span)!r}, 'a') as file:\n"
            "        file.write(f'{started} {time.time()}\\n')\n\n"
            "def refuse",
        ).replace('"measure": note', '"measure": span, "span": span')
    )  # fmt: skip
    services = [
        Service(one.common_dir, worker_command=[sys.executable, str(worker_script)]) for one in both
    ]
    threads = [threading.Thread(target=service.run) for service in services]
    for thread in threads:
        thread.start()

    def settled() -> bool:
        left = 0
        for one in both:
            with open_desk(one.desk) as db:
                left += sum(db.jobs.counts()[:2])
        return not left and span.exists() and len(span.read_text().splitlines()) == 8

    try:
        eventually(settled, seconds=60)
    finally:
        for service, thread in zip(services, threads, strict=True):
            service.stop()
            thread.join(30)
            service.close()
    spans = sorted(tuple(map(float, line.split())) for line in span.read_text().splitlines())
    for before, after in itertools.pairwise(spans):
        assert before[1] <= after[0]


def test_work_waits_for_what_holds_it_back(
    found: Repository,
    serving: Serving,
    eventually: Eventually,
    done: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reason: list[Any] = ["the moon is full"]
    monkeypatch.setattr(resources, "pause_reason", lambda *_: reason[-1])
    service = serving()
    log = found.desk / "daemon.log"
    eventually(lambda: log.exists() and "paused: the moon is full" in log.read_text())
    assert done() == []
    reason.append("")
    service.wakeup()
    eventually(lambda: len(done()) == 1)
    assert "going on" in log.read_text()
