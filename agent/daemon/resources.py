"""When the daemon may work: one job at a time on this machine, not on a low battery, not under
load, not on a full disk.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from copydesk.agent.config import Personal
from copydesk.agent.desk import space
from copydesk.hooks import filesystem

SUPPLIES = Path("/sys/class/power_supply")


def pause_reason(personal: Personal, desk: Path) -> str:
    """Why no work is begun now, in words; "" when nothing is in the way."""
    if space.low(desk):
        return f"the disk is full (under {space.LOW_BYTES >> 20} MiB free)"
    charge = battery()
    if charge is not None and charge < personal.pause_battery:
        return f"on battery, {charge:.0f} % left (git config copydesk.pauseBattery)"
    busy = load()
    if personal.pause_load and busy > personal.pause_load:
        return f"the machine is busy, load {busy:.1f} a processor (git config copydesk.pauseLoad)"
    return ""


def load() -> float:
    """The load average of the last minute, divided by the number of processors."""
    with contextlib.suppress(OSError, AttributeError):  # Windows has none
        return os.getloadavg()[0] / (os.cpu_count() or 1)
    return 0.0


def battery(supplies: Path = SUPPLIES) -> float | None:
    """Percent left in the battery while it feeds the machine; None on mains or without one."""
    if sys.platform != "linux":
        return _battery_elsewhere()
    charges = []
    with contextlib.suppress(OSError):
        for supply in supplies.iterdir():
            if _read(supply / "type") == "Mains" and _read(supply / "online") == "1":
                return None
            charge = _discharging(supply)
            if charge is not None:
                charges.append(charge)
    return min(charges, default=None)


def _discharging(supply: Path) -> float | None:
    """Percent left in a supply that is the machine's own battery, and in use."""
    if _read(supply / "type") != "Battery":
        return None
    if _read(supply / "scope") == "Device":  # a mouse has one too
        return None
    capacity = _read(supply / "capacity")
    if _read(supply / "status") != "Discharging" or not capacity.isdigit():
        return None
    return float(capacity)


def _battery_elsewhere() -> float | None:
    try:
        import psutil  # type: ignore[import-untyped]  # a dependency on macOS and Windows alone
    except ImportError:
        return None
    battery = psutil.sensors_battery()
    return None if battery is None or battery.power_plugged else float(battery.percent)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def state_folder() -> Path:
    """Where this user's programs keep what belongs to no repository."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData/Local")) / "copydesk"
    named = os.environ.get("XDG_STATE_HOME", "")
    home = Path(named) if named.startswith("/") else Path.home() / ".local/state"
    return home / "copydesk"


class Turn:
    """The user's one turn to work, taken in order by the daemons of all repositories.

    Whoever has to wait costs nothing: a thread sleeps in the kernel until the lock is free.
    Without a folder to put the lock in (a read-only home) everybody has a turn.

    Args:
        wake: Called, from another thread, when the turn has come.
        folder: Where the lock is.
        lock: Its name; work of another kind has a turn of its own.
    """

    def __init__(
        self, wake: Callable[[], None], folder: Path | None = None, lock: str = "work.lock"
    ) -> None:
        self._wake = wake
        self._file: int | None = None
        self._mine = False
        self._closed = False
        self._guard = threading.Lock()
        self._waiter: threading.Thread | None = None
        with contextlib.suppress(OSError, RuntimeError):  # no home
            folder = folder or state_folder()
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(folder / lock, os.O_RDWR | os.O_CREAT, 0o600)

    def ask(self) -> bool:
        """Whether it is our turn; if not, we are in line from now on."""
        if self._file is None:
            return True
        with self._guard:
            if self._mine:
                return True
            if self._waiter is not None:
                return False
            if filesystem.take_lock(self._file):
                self._mine = True
                return True
            self._waiter = threading.Thread(target=self._wait, daemon=True)
            self._waiter.start()
        return False

    def give_back(self) -> None:
        """Let the next in line work; somebody who waits is served before us."""
        with self._guard:
            if self._mine and self._file is not None:
                self._mine = False
                filesystem.release_lock(self._file)

    def close(self) -> None:
        """Leave the line for good."""
        self.give_back()
        with self._guard:
            self._closed = True
            if self._waiter is None and self._file is not None:
                os.close(self._file)
                self._file = None

    def _wait(self) -> None:
        file = self._file
        assert file is not None
        with contextlib.suppress(OSError):
            filesystem.wait_for_lock(file)
        with self._guard:
            self._waiter = None
            if self._closed:
                os.close(file)
                return
            self._mine = True
        self._wake()
