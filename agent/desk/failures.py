"""What failed: tests of measured commits, and items of copydesk's own work."""

from __future__ import annotations

import contextlib
import sqlite3
import traceback
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from copydesk.agent.desk import space
from copydesk.agent.desk.connection import Connection, timestamp, transaction
from copydesk.agent.errors import CopydeskError, Superseded
from copydesk.agent.progress import Progress, silent
from copydesk.agent.records import LineNo, Sha, TestId
from copydesk.agent.text import clean, one_line, plural

TRACE_CHARACTERS = 4000
"""How much is kept of a traceback: its end."""

_KEPT_ITEMS = 200


_BEFORE = {"passed": "passed before", "failed": "failed before, too", "new": "new"}


class FailedTest(NamedTuple):
    """A test of a measured commit that failed, or a file whose tests could not be collected.

    Attributes:
        test: pytest's node id; of what could not be collected, the file.
        outcome: "failed", "error" (outside of the test's own body) or "collection".
        before: How it went at the commit `compared`: "passed", "failed", "new" where it was not
            there, "" where that is not known.
        compared: The commit that `before` is of, or "".
        line: Where in the test's file it failed; 0 where that is not known.
        error: The last error line.
        output: The end of what pytest said of it; "" where so many failed that it was not kept.
    """

    test: TestId
    outcome: str
    before: str
    compared: Sha
    line: LineNo
    error: str
    output: str

    @property
    def is_broken(self) -> bool:
        """Whether it passed before, or is a new test."""
        return self.before in ("passed", "new")

    @property
    def path(self) -> str:
        """The file that it stands in."""
        return self.test.partition("::")[0]

    @property
    def in_words(self) -> str:
        """Its name, what it says of its failure, and how it went before, in one line."""
        words = _BEFORE.get(self.before, "")
        subject = f"{self.test} (not collected)" if self.outcome == "collection" else self.test
        return f"{subject}: {self.error}{f' ({words})' if words else ''}"


_FIELDS = ", ".join(FailedTest._fields)

SHOW_FAILURES = "copydesk log --failures"
"""The command that shows all that is known of failing tests."""


def failed_words(count: int, tests: Sequence[FailedTest]) -> str:
    """How many tests failed, and how many of them a commit broke.

    Args:
        count: How many failed.
        tests: Those that are kept.
    """
    files = sum(test.outcome == "collection" for test in tests)
    parts = []
    if count > files:
        parts.append(f"{plural(count - files, 'test')} failed")
    if files:
        parts.append(f"{plural(files, 'file')} could not be collected")
    broken = sum(test.before == "passed" for test in tests)
    if broken:
        of_them = "all of them" if broken == count else f"{broken:,} of them"
        parts.append(f"{'it' if count == 1 else of_them} passed before")
    return ", ".join(parts)


def failure_lines(
    count: int, tests: Sequence[FailedTest], *, limit: int, sha: Sha = ""
) -> list[str]:
    """The tests that failed by name, and the command that shows all that pytest said.

    Args:
        count: How many failed.
        tests: Those that are kept, in order.
        limit: How many are named at most.
        sha: The commit, where it is not the one that is checked out.
    """
    lines = [test.in_words for test in tests[:limit]]
    if count > limit:
        lines.append(f"… and {count - limit:,} more")
    commit = f" --commit {sha[:8]}" if sha else ""
    lines.append(f"`{SHOW_FAILURES}{commit}` shows all that pytest said.")
    return lines


class FailedTests:
    """Reads and writes the tests of measured commits that failed.

    Args:
        db: The desk; the table is `failed_tests`.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    def of_commit(self, sha: Sha | None) -> list[FailedTest]:
        """The tests that failed at a commit: those that it broke first, each by name."""
        rows = self._db.execute(
            f"SELECT {_FIELDS} FROM failed_tests WHERE sha = ?"
            " ORDER BY before = 'failed', before = '', test",
            (sha,),
        )
        return list(map(FailedTest._make, rows))

    def replace(self, sha: Sha, tests: Iterable[FailedTest]) -> None:
        """Write the tests that failed at a commit, in place of what was there."""
        rows = [(sha, *test) for test in tests]
        with transaction(self._db):
            self._db.execute("DELETE FROM failed_tests WHERE sha = ?", (sha,))
            self._db.executemany(
                f"INSERT INTO failed_tests (sha, {_FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows
            )


class FailedItem(NamedTuple):
    """An item of a piece of work that could not be done, while the rest of the work went on.

    Attributes:
        work: The kind of work, such as "draft".
        sha: The commit that it was done for.
        item: What could not be done: a gap, a file, a step.
        error: What went wrong, in one line.
        trace: The end of the traceback, for a report of the bug.
        failed_at: When, ISO 8601.
    """

    work: str
    sha: Sha
    item: str
    error: str
    trace: str
    failed_at: str


class FailedItems:
    """Reads and writes the items that could not be done.

    Args:
        db: The desk; the table is `failed_items`.
    """

    def __init__(self, db: Connection) -> None:
        self._db = db

    def record(self, work: str, sha: Sha, item: str, error: BaseException) -> FailedItem:
        """Keep that an item could not be done; the oldest of very many go."""
        trace = "".join(traceback.format_exception(error))
        failed = FailedItem(
            work,
            sha,
            clean(item, keep="")[:300],
            error_line(error),
            clean(trace)[-TRACE_CHARACTERS:],
            timestamp(),
        )
        with transaction(self._db):
            self._db.execute(
                "INSERT OR REPLACE INTO failed_items (work, sha, item, error, trace, failed_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                failed,
            )
            self._db.execute(
                "DELETE FROM failed_items WHERE id NOT IN"
                " (SELECT id FROM failed_items ORDER BY id DESC LIMIT ?)",
                (_KEPT_ITEMS,),
            )
        return failed

    def clear(self, work: str, sha: Sha, item: str | None = None) -> None:
        """Forget what could not be done of a piece of work, or one item of it: it is done anew."""
        query = "DELETE FROM failed_items WHERE work = ? AND sha = ?"
        parameters = [work, sha]
        if item is not None:
            query += " AND item = ?"
            parameters.append(clean(item, keep="")[:300])
        if self._any(work, sha):  # a lock is not taken to delete nothing
            with transaction(self._db):
                self._db.execute(query, parameters)

    def _any(self, work: str, sha: Sha) -> bool:
        row = self._db.execute(
            "SELECT 1 FROM failed_items WHERE work = ? AND sha = ? LIMIT 1", (work, sha)
        ).fetchone()
        return row is not None

    def latest(self) -> list[FailedItem]:
        """All of them, the newest first."""
        rows = self._db.execute(
            "SELECT work, sha, item, error, trace, failed_at FROM failed_items ORDER BY id DESC"
        )
        return list(map(FailedItem._make, rows))

    @contextlib.contextmanager
    def contained(
        self, work: str, sha: Sha, item: str, *, say: Progress = silent
    ) -> Iterator[None]:
        """Let an item that cannot be done cost that item alone: keep the error, and go on.

        What the user can act on is raised all the same, and so is what the next item would
        meet too; see `costs_one_item`.

        Args:
            work: The kind of work.
            sha: The commit that it is done for.
            item: What is done in the block.
            say: Told of the error.
        """
        try:
            yield
        except Exception as error:
            if not costs_one_item(error):
                raise
            failed = self.record(work, sha, item, error)
            say(f"  {failed.item}: left out, copydesk failed on it ({failed.error})")
        else:
            self.clear(work, sha, item)


def costs_one_item(error: BaseException) -> bool:
    """Whether an error may be kept with the one item that raised it, while the others go on.

    Not what the user can act on, not what ends the work from outside, and neither a full disk nor
    a desk that cannot be used: the next item would fail, too.
    """
    if not isinstance(error, Exception) or space.is_full(error):
        return False
    return not isinstance(error, CopydeskError | Superseded | sqlite3.Error | BrokenPipeError)


def error_line(error: BaseException) -> str:
    """An error in one line: its kind, its message, and where in copydesk it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    place = ""
    if frames:
        file = frames[-1].filename.replace("\\", "/").rpartition("/")[2]
        place = f", {file}:{frames[-1].lineno}"
    message = one_line(str(error), 200)
    kind = type(error).__name__
    return f"{kind}: {message}{place}" if message else f"{kind}{place}"
