"""CPU seconds of a block of work and of all the processes that it starts."""

from __future__ import annotations

import contextlib
import itertools
import os
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup/cpuacct")
_NUMBERS = itertools.count()


@contextlib.contextmanager
def counted() -> Iterator[Callable[[], float]]:
    """The CPU seconds of this process and all it starts, while the block runs.

    What runs in the sandbox is reaped there and missing from getrusage, so a control group
    counts where one can be made; elsewhere use --sandbox off.
    """
    group = CGROUP / f"copydesk-bench-{os.getpid()}-{next(_NUMBERS)}"
    try:
        group.mkdir()
    except OSError:
        before = cpu()
        yield lambda: cpu() - before
        return
    parent_group = CGROUP / _own_group().lstrip("/")
    (group / "tasks").write_text(str(os.getpid()))
    usage = group / "cpuacct.usage"
    before, spent = int(usage.read_text()), [0]
    try:
        yield lambda: spent[0] / 1e9
    finally:
        spent[0] = int(usage.read_text()) - before
        (parent_group / "tasks").write_text(str(os.getpid()))
        for _ in range(50):  # something may still be ending in it
            try:
                group.rmdir()
                break
            except OSError:
                time.sleep(0.1)


def _own_group() -> str:
    """The control group that counts this process's CPU time now, below the top one."""
    rows = [row.split(":", 2) for row in Path("/proc/self/cgroup").read_text().splitlines()]
    return next((path for _, kinds, path in rows if "cpuacct" in kinds.split(",")), "/")


def cpu() -> float:
    """CPU seconds of this process and the children that it waited for."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    of_children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + of_children.ru_utime + of_children.ru_stime
