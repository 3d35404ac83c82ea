"""Maps small enough to be pushed many times, and remotes to push them to."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from copydesk.agent.coverage.exchange import encode
from copydesk.agent.coverage.exchange.about import About
from copydesk.agent.coverage.exchange.index import NewMap
from copydesk.agent.coverage.store import Hit, Trace, nums_to_numbits, pack_arcs
from copydesk.agent.git.map_repository import MapRepository, open_map_repository
from copydesk.agent.git.repository import find

BLOB = "b" * 40


def _trace(number: int = 1, path: str = "src/lib.py") -> Trace:
    """A test that executed a few lines."""
    arcs = pack_arcs([(-1, 1), (1, number + 1), (number + 1, -1)])
    hit = Hit(path, BLOB, nums_to_numbits([1, number + 1]), arcs)
    needs = frozenset({("import", path), ("env", "HOME=1")})
    return Trace("test", f"tests/test_lib.py::test_{number}", "passed", 0.25, (hit,), needs)


def _map(commit: str, at: int = 1, number: int = 1) -> NewMap:
    """A map of one test."""
    about = About(commit, "e" * 24, True, {"python": "cpython 3.12.1"}, "Ann", at, tests=1)
    return NewMap(about, encode([_trace(number)]))


@pytest.fixture
def a_trace() -> Callable[..., Trace]:
    """A trace by a number: a_trace(2)."""
    return _trace


@pytest.fixture
def a_map() -> Callable[..., NewMap]:
    """A map of a commit: a_map("a" * 40, at=5)."""
    return _map


@dataclass
class Machine:
    """A clone and its repository of maps."""

    top: Path
    maps: MapRepository


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """A bare repository, such as a host keeps."""
    path = tmp_path / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", path], check=True)
    return path


@pytest.fixture
def machine(tmp_path: Path, remote: Path) -> Callable[[str], Machine]:
    """A clone that knows the remote: machine("ann")."""

    def make(name: str) -> Machine:
        top = tmp_path / name
        subprocess.run(["git", "init", "-q", top], check=True)
        subprocess.run(["git", "-C", top, "remote", "add", "origin", remote], check=True)
        return Machine(top, open_map_repository(find(top)))

    return make
