"""What the whole job after a commit costs in a project of many functions: `make bench-whole-job`.

The project is made up: one test, and functions that nobody tests. Its first commit brings all of
them, the second changes all of them, the third one. For each the daemon's own step is run (the
measure, the scores, the gaps, which drafts are chosen), and the time is taken that it holds the
database's write lock: as long as that, everybody else waits.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from counting import counted

from copydesk.agent.daemon.job_steps import measure_step
from copydesk.agent.daemon.step_context import StepContext
from copydesk.agent.desk import connection
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git import repository as git
from copydesk.agent.git.commit import Commit
from copydesk.agent.testgen.pipeline import PreviousDrafts, gaps_to_draft

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
FUNCTIONS = 20
"""In each module of the project."""
WHO = ("-c", "user.name=sandbox", "-c", "user.email=sandbox@example.org")


class Hold(NamedTuple):
    """How long the write lock was held, and by which function."""

    seconds: float
    caller: str


class LockClock:
    """Takes the time of every hold of the database's write lock."""

    def __init__(self) -> None:
        self.holds: list[Hold] = []
        self._original = connection.exclusive
        connection.exclusive = self._timed

    @contextlib.contextmanager
    def _timed(self, db: sqlite3.Connection) -> Iterator[None]:
        caller = next(
            (
                f"{Path(frame.filename).stem}.{frame.name}"
                for frame in reversed(traceback.extract_stack(limit=9)[:-1])
                if Path(frame.filename).name
                not in ("contextlib.py", "connection.py", "whole_job.py")
            ),
            "?",
        )
        with self._original(db):
            started = time.perf_counter()
            try:
                yield
            finally:
                self.holds.append(Hold(time.perf_counter() - started, caller))

    def take(self) -> list[Hold]:
        """The holds since the last call, the longest first."""
        holds, self.holds = sorted(self.holds, reverse=True), []
        return holds


def module(number: int, edition: int, changed: int = FUNCTIONS) -> str:
    """A module of functions with a branch each, of which the first `changed` are of the edition."""
    body = [
        f"def work{n}(value):\n    if value > {n}:\n        value += {number}\n"
        f"    return value - {edition if n < changed else 0}\n"
        for n in range(FUNCTIONS)
    ]
    return "\n\n".join(body)


def commit(folder: Path, message: str) -> None:
    """Commit everything in a folder."""
    subprocess.run(["git", "add", "."], cwd=folder, check=True)
    subprocess.run(["git", *WHO, "commit", "-q", "-m", message], cwd=folder, check=True)


def write(folder: Path, functions: int, edition: int) -> None:
    """Write an edition of the project and commit it."""
    (folder / "shop").mkdir(parents=True, exist_ok=True)
    (folder / "tests").mkdir(exist_ok=True)
    (folder / "shop" / "__init__.py").write_text("")
    (folder / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\ntestpaths = ["tests"]\n[tool.coverage.run]\nsource = ["shop"]\n'
    )
    for number in range(functions // FUNCTIONS):
        (folder / "shop" / f"part{number}.py").write_text(module(number, edition))
    (folder / "tests" / "test_one.py").write_text(
        "from shop import part0\n\n\ndef test_one():\n    assert part0.work0(0) is not None\n"
    )
    commit(folder, f"Edition {edition}")


def job(folder: Path, clock: LockClock) -> dict[str, float | str]:
    """What the daemon does for HEAD, and what it costs."""
    repo = git.find(folder)
    sha = git.resolve(repo, "HEAD")
    with open_desk(repo.desk) as db:
        clock.take()
        with counted() as spent:
            started = time.perf_counter()
            measure_step(StepContext(repo, db, lambda _line: None), sha)
            stepped = time.perf_counter()
            gaps_to_draft(PreviousDrafts(db, Commit(repo, sha)), 5)
            ended = time.perf_counter()
        failed = db.execute("SELECT count(*) FROM failed_items").fetchone()[0]
    holds = clock.take()
    by_caller: dict[str, float] = {}
    for hold in holds:
        by_caller[hold.caller] = max(by_caller.get(hold.caller, 0.0), hold.seconds)
    for caller, seconds in sorted(by_caller.items(), key=lambda item: -item[1])[:6]:
        print(f"    {caller}: {1000 * seconds:.1f} ms at most", file=sys.stderr)
    return {
        "CPU seconds": spent(),
        "wall seconds": ended - started,
        "of it choosing the drafts": ended - stepped,
        "longest hold of the lock, ms": 1000 * holds[0].seconds,
        "by": holds[0].caller,
        "failed items": failed,
    }


def measured(functions: int, clock: LockClock) -> list[dict[str, float | str]]:
    """The three commits of a project of so many functions."""
    with tempfile.TemporaryDirectory(prefix="copydesk-bench-") as scratch:
        folder = Path(scratch) / "shop"
        folder.mkdir()
        subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
        for name, value in (("copydesk.ownTests", "plain"), ("copydesk.python", sys.executable)):
            subprocess.run(["git", "config", name, value], cwd=folder, check=True)
        rows = []
        for edition, kind in enumerate(("all are new", "all change", "one changes")):
            if kind == "one changes":
                (folder / "shop" / "part0.py").write_text(
                    module(0, edition - 1).replace(
                        f"value - {edition - 1}", f"value - {edition}", 1
                    )
                )
                commit(folder, "Change one")
            else:
                write(folder, functions, edition)
            rows.append({"functions": functions, "commit": kind, **job(folder, clock)})
            print(rows[-1], file=sys.stderr, flush=True)
    return rows


def table(rows: list[dict[str, float | str]], command: str) -> str:
    """The figures as a section of the page."""
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    kind = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    names = list(rows[0])
    lines = [f"## The whole job after a commit, {day}", "", f"{kind}; `{command}`", ""]
    lines += [f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}"]
    for row in rows:
        values = [f"{v:.2f}" if isinstance(v, float) else str(v) for v in row.values()]
        lines.append(f"| {' | '.join(values)} |")
    return "\n".join([*lines, ""])


def main() -> None:
    """Run the benchmark, print its table and append it to docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--functions", type=int, nargs="+", default=[1000, 10_000, 30_000])
    parser.add_argument("--print-only", action="store_true", help="leave docs/benchmarks.md alone")
    options = parser.parse_args()
    clock, rows = LockClock(), []
    for functions in options.functions:
        rows += measured(functions, clock)
    text = table(rows, f"bench/whole_job.py --functions {' '.join(map(str, options.functions))}")
    print(text)
    if not options.print_only:
        with PAGE.open("a", encoding="utf-8") as page:
            page.write("\n" + text)


if __name__ == "__main__":
    main()
