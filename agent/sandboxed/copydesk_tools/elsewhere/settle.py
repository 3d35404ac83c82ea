"""Makes a process one that runs in another place. Nothing is put back: it ends right after."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Dict, NamedTuple

from .places import PLACES, Place

_HEAD = ".git/HEAD"
_FOLDERS = (".git/objects", ".git/refs/heads")
LONG_AGO = 1_000_000_000
"""When the files beside the target were written last, in seconds."""


def place_of(orders: Dict[str, Any]) -> Place | None:
    """The place that the orders of a run name; None for the usual one."""
    number = orders.get("place")
    return PLACES[int(number) - 1] if number else None


def start_otherwise(place: Place, variables: Iterable[str]) -> None:
    """Be started in the place's other way, with other versions of all that is installed.

    Args:
        place: The place.
        variables: Those of the environment that get another value.
    """
    sys.argv = list(place.arguments[1])
    flip(variables, place)
    change_loaded_versions()


def settle(place: Place) -> None:
    """Take over a place's limits, processors and versions, before the project is imported."""
    os.umask(place.umask)
    _limit_open_files(place.open_files)
    _count_processors(place.processors)
    _change_versions(os.getcwd() + os.sep)


def take_over_variables(place: Place) -> None:
    """Take over a place's environment, for a process that was started in another one."""
    for name in place.unset:
        os.environ.pop(name, None)
    os.environ.update(place.variables)
    os.makedirs(place.home, exist_ok=True)
    os.makedirs(place.temporary, exist_ok=True)
    time.tzset()


def flip(names: Iterable[str], place: Place) -> None:
    """Give variables that were read another value: the place's, else some where there was none,
    and none where there was some.
    """
    for name in names:
        if name.startswith("PYTHON"):
            continue  # the interpreter's own, such as what switches asyncio's debugging on
        if name in place.variables:
            os.environ[name] = place.variables[name]
        elif os.environ.pop(name, None) is None:
            with contextlib.suppress(ValueError):  # not a name that a variable can have
                os.environ[name] = "elsewhere"


def age_files(folder: str) -> None:
    """Make the files of a folder old ones."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    os.utime(entry.path, (LONG_AGO, LONG_AGO))


def toggle_repository() -> None:
    """Put a repository where there is none; take away the one that is there."""
    with contextlib.suppress(OSError):
        if os.path.lexists(".git"):
            os.rename(".git", ".git-of-another-place")
        else:
            _make_repository()


@contextlib.contextmanager
def repository_around() -> Iterator[None]:
    """A repository for a while, where there is none."""
    if os.path.lexists(".git"):
        yield
        return
    with contextlib.suppress(OSError):
        _make_repository()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.unlink(_HEAD)
            for folder in (*_FOLDERS, ".git/refs", ".git"):
                os.rmdir(folder)


def _make_repository() -> None:
    for folder in _FOLDERS:
        os.makedirs(folder)
    with open(_HEAD, "w") as head:
        head.write("ref: refs/heads/elsewhere\n")


def change_loaded_versions() -> None:
    """Give Python and all modules that are not the project's another version, once all is
    imported: what compares versions on import has done so.
    """
    info = sys.version_info
    bumped = _VersionInfo(info[0], info[1], info[2] + 1, info[3], info[4])
    sys.version_info = bumped  # type: ignore
    sys.hexversion += 1 << 8
    top = os.getcwd() + os.sep
    for module in list(sys.modules.values()):
        version = getattr(module, "__dict__", {}).get("__version__")
        file = getattr(module, "__file__", None) or ""
        if isinstance(version, str) and not str(file).startswith(top):
            with contextlib.suppress(Exception):
                module.__version__ = next_version(version)  # type: ignore


class _VersionInfo(NamedTuple):
    major: int
    minor: int
    micro: int
    releaselevel: str
    serial: int


def next_version(version: str) -> str:
    """The version after one: its last number is one higher."""
    return re.sub(r"(\d+)(?=\D*$)", lambda match: str(int(match.group()) + 1), version, count=1)


def _limit_open_files(most: int) -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _count_processors(count: int) -> None:
    """Have so many processors; one of them only where that can be arranged."""
    os.cpu_count = lambda: count
    if hasattr(os, "process_cpu_count"):
        os.process_cpu_count = lambda: count
    if count == 1 and hasattr(os, "sched_setaffinity"):
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def _change_versions(top: str) -> None:
    """Tell the project's own code of other versions than are installed."""
    importlib.metadata.version = _told_to_project(importlib.metadata.version, top)
    platform.python_version = _told_to_project(platform.python_version, top)


def _told_to_project(function: Callable[..., str], top: str) -> Callable[..., str]:
    def other_version(*arguments: Any, **keywords: Any) -> str:
        version = function(*arguments, **keywords)
        asks = sys._getframe(1).f_code.co_filename
        return next_version(version) if asks.startswith(top) else version

    return other_version
