"""The processes of a run, and how much memory they use together. Linux's /proc; elsewhere blind."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")


class Usage(NamedTuple):
    """Processes alive, and bytes of memory they hold."""

    processes: int
    memory: int


def process_tree(roots: Iterable[int], proc: Path = PROC) -> set[int]:
    """The living processes among roots, their children, their children's children and so on.

    Args:
        roots: Process ids.
        proc: Where the kernel shows its processes.
    """
    alive: set[int] = set()
    todo = list(roots)
    children: dict[int, list[int]] | None = None
    while todo:
        pid = todo.pop()
        if pid in alive or not (proc / str(pid)).exists():
            continue
        alive.add(pid)
        try:
            todo += _listed_children(pid, proc)
        except FileNotFoundError:  # a kernel without CONFIG_PROC_CHILDREN, or it just ended
            children = _children_by_parent(proc) if children is None else children
            todo += children.get(pid, [])
    return alive


def _listed_children(pid: int, proc: Path) -> list[int]:
    children: list[int] = []
    for task in os.listdir(proc / str(pid) / "task"):  # noqa: PTH208 - ten times a second
        children += map(int, (proc / f"{pid}/task/{task}/children").read_text().split())
    return children


def _children_by_parent(proc: Path) -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for entry in proc.iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                after_name = (entry / "stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(after_name[1]), []).append(int(entry.name))
    return children


def usage(pids: Iterable[int], limit: int, proc: Path = PROC) -> Usage:
    """What these processes hold together.

    Resident sizes count a shared page once for each process, so they are the cheap upper bound;
    only when that is above the limit are the proportional sizes read (126 forks of one process
    were 3.6 GB of resident sizes and next to no memory).

    Args:
        pids: Process ids; those that have ended count nothing.
        limit: Bytes from which on the exact figure is worth its time.
        proc: Where the kernel shows its processes.
    """
    alive = list(pids)
    resident = sum(_resident(pid, proc) for pid in alive)
    if resident <= limit:
        return Usage(len(alive), resident)
    return Usage(len(alive), sum(_proportional(pid, proc) for pid in alive))


def _resident(pid: int, proc: Path) -> int:
    with contextlib.suppress(OSError, IndexError):
        return int((proc / str(pid) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _proportional(pid: int, proc: Path) -> int:
    with contextlib.suppress(OSError):
        for line in (proc / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return _resident(pid, proc)


def halt(roots: Iterable[int], proc: Path = PROC) -> set[int]:
    """Stop a tree of processes (SIGSTOP), so that its memory can be measured.

    Reading the proportional size of thirty processes that eat memory takes so long that they eat
    half a gigabyte more meanwhile.

    Returns:
        The living ones among them, for `resume`, or for whoever ends them.
    """
    halted = set(roots)
    _send(halted, signal.SIGSTOP)  # at once: finding their children takes its time
    alive = process_tree(halted, proc)
    while new := alive - halted:  # one that was just about to fork has a child by now
        _send(new, signal.SIGSTOP)
        halted |= new
        alive = process_tree(alive, proc)
    return alive


def resume(pids: Iterable[int]) -> None:
    """Continue processes that were stopped (SIGCONT)."""
    _send(pids, signal.SIGCONT)


def _send(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, number)


def with_marker(mark: bytes, proc: Path = PROC) -> list[int]:
    """The processes that were started with mark ("NAME=value") in their environment."""
    pids = []
    for entry in proc.iterdir() if proc.exists() else ():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    pids.append(int(entry.name))
    return pids


def threads_of(uid: int, proc: Path = PROC) -> int:
    """How many threads a user has: what RLIMIT_NPROC counts outside a namespace of its own."""
    count = 0
    for entry in proc.iterdir() if proc.exists() else ():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                if entry.stat().st_uid == uid:
                    count += len(os.listdir(entry / "task"))  # noqa: PTH208
    return count
