"""The repository's history, mined once and then commit by commit, as rows on the desk."""

from __future__ import annotations

import json
import time
import zlib
from typing import NamedTuple

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import transaction
from copydesk.agent.git import repository as git
from copydesk.agent.git.history import GitHistory
from copydesk.agent.git.repository import Repository
from copydesk.agent.progress import Progress, silent
from copydesk.agent.records import Sha
from copydesk.predictor.subjects.commits.history import Commit
from copydesk.predictor.subjects.commits.mine import Mined, State, mine
from copydesk.predictor.subjects.commits.szz import Blamed
from copydesk.predictor.subjects.commits.train import Row

FEW = 50
"""Commits that are mined at once, within a measure; more of them wait for a job of their own."""


class Known(NamedTuple):
    """How far the history was read."""

    tip: Sha
    commits: int
    mined_at: float


def known(db: Database) -> Known | None:
    """How far the history was read; None when it never was."""
    row = db.execute("SELECT tip, commits, mined_at FROM history_state").fetchone()
    return None if row is None else Known(*row)


def behind(repo: Repository, db: Database, sha: Sha) -> int | None:
    """Commits of a history that were not read yet; None when none was."""
    so_far = known(db)
    if so_far is None or so_far.tip not in git.exists(repo, [so_far.tip]):
        return None
    return len(git.reachable(repo, [sha], [so_far.tip]))


def catch_up(repo: Repository, db: Database, sha: Sha, *, say: Progress = silent) -> Mined:
    """Read what is new in the history of a commit, and keep it.

    Safe to repeat: a commit that was read is never counted twice, on whatever branch it is met.
    """
    fresh = behind(repo, db, sha) is None
    state = State() if fresh else _state(db)
    seen = set() if fresh else {row[0] for row in db.execute("SELECT sha FROM mined_commits")}
    met: list[Commit] = []
    found = mine(GitHistory(repo, sha), state, say=say, seen=seen, met=met.append)
    with transaction(db):
        if fresh:
            db.execute("DELETE FROM changed_functions")
            db.execute("DELETE FROM mined_commits")
        _store(db, state, found, met)
    return found


def _state(db: Database) -> State:
    (packed,) = db.execute("SELECT state FROM history_state").fetchone()
    return State.from_json(zlib.decompress(packed).decode())


def _store(db: Database, state: State, found: Mined, met: list[Commit]) -> None:
    db.executemany("INSERT OR IGNORE INTO mined_commits (sha) VALUES (?)", ((c.sha,) for c in met))
    db.executemany(
        "INSERT OR IGNORE INTO changed_functions (sha, path, function, first_line, last_line,"
        " committed_at, inputs) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (r.commit, r.path, r.function, r.first_line, r.last_line, r.time, json.dumps(r.inputs))
            for r in found.rows
        ),
    )
    for line in found.blamed:
        _mark(db, line)
    if state.tip:
        packed = zlib.compress(state.to_json().encode())
        db.execute(
            "INSERT OR REPLACE INTO history_state (id, tip, commits, state, mined_at)"
            " VALUES (1, ?, ?, ?, ?)",
            (state.tip, state.commits, packed, time.time()),
        )


def _mark(db: Database, line: Blamed) -> None:
    """Note that a function held a defect: when the first fix of it came, and which."""
    db.execute(
        "UPDATE changed_functions SET fixed_at = ?, fixed_by = ? WHERE sha = ? AND path = ?"
        " AND ? BETWEEN first_line AND last_line AND committed_at < ?"
        " AND (fixed_at IS NULL OR fixed_at > ?)",
        (
            *(line.fixed_at, line.fix, line.commit, line.path, line.line),
            *(line.fixed_at, line.fixed_at),
        ),
    )


def rows(db: Database) -> list[Row]:
    """Every changed function, as the predictor learns from it."""
    return [
        Row(at, json.loads(inputs), fixed_at)
        for at, inputs, fixed_at in db.execute(
            "SELECT committed_at, inputs, fixed_at FROM changed_functions ORDER BY committed_at"
        )
    ]


def last_changes(
    db: Database, sha: Sha, path: str
) -> dict[str, tuple[bool, dict[str, float | None]]]:
    """What is known of a file's functions as they were last changed.

    Returns:
        By function: whether the given commit changed it, and the inputs. The commit's own change
        counts where there is one, else the latest.
    """
    found: dict[str, tuple[bool, dict[str, float | None]]] = {}
    for function, inputs, mine_ in db.execute(
        "SELECT function, inputs, sha = ? FROM changed_functions WHERE path = ?"
        " ORDER BY sha = ?, committed_at",
        (sha, path, sha),
    ):
        found[function] = (bool(mine_), json.loads(inputs))
    return found


def changed_by(db: Database, sha: Sha) -> list[tuple[str, str, dict[str, float | None]]]:
    """Path, name and inputs of the functions a commit changed."""
    return [
        (path, function, json.loads(inputs))
        for path, function, inputs in db.execute(
            "SELECT path, function, inputs FROM changed_functions WHERE sha = ?"
            " ORDER BY path, first_line",
            (sha,),
        )
    ]
