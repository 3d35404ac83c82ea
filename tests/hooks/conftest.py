"""Repositories whose daemon, if a hook started one, does not outlive the test."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copydesk.agent.coverage.source import statement_starts
from copydesk.agent.coverage.store import describe_missing
from copydesk.agent.coverage.store.numbits import nums_to_numbits
from copydesk.agent.daemon import log
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.migrations import migrate
from copydesk.agent.git.repository import find
from copydesk.hooks import gate, start_daemon


@pytest.fixture
def repo(repo: Path, git: Callable[..., str]) -> Path:
    """A repository in which `copydesk init` was run."""
    git(repo, "config", "copydesk.bin", "/somewhere/bin")
    return repo


@pytest.fixture
def events() -> Callable[[Path], list[tuple[str, str]]]:
    """The notifications of a common dir, in the spool or already in the log: (hook, worktree)."""

    def read(common: Path) -> list[tuple[str, str]]:
        found = []
        for path in sorted((common / "copydesk/spool/new").glob("*")):
            with contextlib.suppress(OSError):
                hook, worktree = path.read_text().split("\n")[:2]
                found.append((hook, worktree))
        logged = "\n".join(log.tail(common / "copydesk", 1000))
        found += re.findall(r"notified by (\S+) in (.*?)(?: \(\d+ times\))?$", logged, re.M)
        return found

    return read


@pytest.fixture
def lives() -> Callable[[Path], bool]:
    """Whether a daemon comes up for a common dir within some seconds."""

    def wait(common: Path, seconds: float = 15.0) -> bool:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if start_daemon.daemon_runs(str(common)):
                return True
            time.sleep(0.01)
        return False

    return wait


@pytest.fixture
def desk(repo: Path) -> Iterator[sqlite3.Connection]:
    """The repository's desk, with the schema and nothing in it."""
    folder = repo / ".git" / "copydesk"
    folder.mkdir()
    with contextlib.closing(sqlite3.connect(folder / "desk.db", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = wal")
        migrate(db)
        yield db


@pytest.fixture
def measured(repo: Path, desk: sqlite3.Connection) -> Callable[[str, str], None]:
    """Say which lines of the staged version of a file no test reaches: measured(path, "[2]")."""

    def put(path: str, missing: str) -> None:
        blob = subprocess.run(
            ["git", "rev-parse", f":{path}"], cwd=repo, capture_output=True, text=True, check=True
        ).stdout.strip()
        desk.execute("INSERT OR IGNORE INTO files (path, blob) VALUES (?, ?)", (path, blob))
        (file,) = desk.execute(
            "SELECT id FROM files WHERE path = ? AND blob = ?", (path, blob)
        ).fetchone()
        starts = statement_starts((repo / path).read_text())
        desk.execute(
            "INSERT INTO totals (file_id, environment, executed, statements, excluded, missing)"
            " VALUES (?, 'e', x'', ?, x'', ?)",
            (file, nums_to_numbits(set(starts.values())), missing),
        )
        describe_missing(Database(desk), find(repo))

    return put


@pytest.fixture
def judged(
    repo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[], tuple[int, str, str]]:
    """Run the gate: exit code, what it printed, what it complained of."""

    def run() -> tuple[int, str, str]:
        monkeypatch.chdir(repo)
        code = gate.main()
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What is handed to `copydesk gate`, which says no each time."""
    words: list[list[str]] = []

    def whole(asked: list[str]) -> int:
        words.append(asked)
        return 1

    monkeypatch.setattr(gate, "run_gate_command", whole)
    return words
