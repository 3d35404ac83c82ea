"""What commands say of failing tests, and of what copydesk itself could not do."""

from __future__ import annotations

import shlex

from copydesk.agent.cli.formatting import short_sha
from copydesk.agent.cli.output import echo
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.failures import FailedItem, FailedTest, failed_words, failure_lines
from copydesk.agent.git.missing_modules import missing_packages
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Json, Sha
from copydesk.agent.text import clean, one_line, plural

NAMED = 20
"""Failing tests that are named where they are not all that is shown."""

_RUN = 10
"""Tests in the command that runs them again."""


def failed_tests_json(tests: list[FailedTest]) -> list[Json]:
    """The tests that failed, without all that pytest said."""
    rows = []
    for test in tests:
        row = test._asdict()
        del row["output"]
        rows.append(row)
    return rows


def failed_tests_of(repo: Repository, db: Database, sha: Sha | None) -> Json:
    """The tests that failed at a commit, as reading commands have them.

    Returns:
        "failing", a list; and "install", what to install where a module is missing, or None.
    """
    tests = db.failed_tests.of_commit(sha)
    install = None
    if tests and sha:
        install = missing_packages(repo, sha, python_of(db, sha), [test.error for test in tests])
    return {"failing": failed_tests_json(tests), "install": install.in_words if install else None}


def python_of(db: Database, sha: Sha) -> str:
    """The path of the interpreter that ran a commit's tests; the first where there are several."""
    return db.measures.interpreter(sha).partition("; ")[0].rpartition(" (")[0]


def print_failed_tests(
    repo: Repository, db: Database, sha: Sha, count: int, *, limit: int = NAMED, is_head: bool
) -> None:
    """Name the tests that failed at a commit, and say what shows all of it.

    Args:
        repo: The repository.
        db: Its desk.
        sha: The commit.
        count: How many of its tests failed.
        limit: How many are named at most.
        is_head: It is checked out, so that the command need not name it.
    """
    tests = db.failed_tests.of_commit(sha)
    if not count:
        return
    echo(f"  {failed_words(count, tests)}:" if tests else f"  {failed_words(count, tests)}")
    for line in failure_lines(count, tests, limit=limit, sha="" if is_head else sha):
        echo(f"    {line}")
    install = missing_packages(repo, sha, python_of(db, sha), [test.error for test in tests])
    if install:
        echo(f"  {install.in_words}")


def print_all_failures(repo: Repository, db: Database, sha: Sha) -> None:
    """Show all that is known of a commit's failing tests, and of copydesk's own failures."""
    measure = db.measures.get(sha)
    tests = db.failed_tests.of_commit(sha)
    if measure is None:
        echo(f"{short_sha(sha)} was not measured; `copydesk measure {short_sha(sha)}` does it now.")
    elif not measure.failed:
        echo(f"No test failed at {short_sha(sha)}.")
    else:
        echo(f"{short_sha(sha)}: {failed_words(measure.failed, tests)}")
    for test in tests:
        echo(f"\n{test.in_words}")
        for line in test.output.rstrip().splitlines():
            echo(f"    {line}")
    if measure is not None and measure.failed > len(tests):
        echo(f"\n… and {measure.failed - len(tests):,} more, of which no more was kept.")
    if tests:
        _print_how_to_run(repo, db, sha, tests)
    _print_items(db.failed_items.latest())


def _print_how_to_run(repo: Repository, db: Database, sha: Sha, tests: list[FailedTest]) -> None:
    """Print the command that runs the tests again, and what to install."""
    python = python_of(db, sha)
    names = [shlex.quote(test.test) for test in tests[:_RUN]]
    echo(f"\nTo run {'it' if len(names) == 1 else 'them'} in {clean(str(repo.worktree), keep='')}:")
    echo(f"  {shlex.quote(python)} -m pytest {' '.join(names)}")
    install = missing_packages(repo, sha, python, [test.error for test in tests])
    if install:
        echo(install.in_words)


def _print_items(items: list[FailedItem]) -> None:
    if not items:
        return
    echo(f"\nLeft out, because copydesk failed on {'it' if len(items) == 1 else 'them'}:")
    for item in items:
        echo(f"  {item.work} {short_sha(item.sha)} {item.item}: {item.error}")
    echo("`copydesk log --failures --json` has the tracebacks; please report them.")


def items_words(items: list[Json]) -> str:
    """What copydesk could not do, in a line."""
    first = items[0]
    about = one_line(f"{first['work']} {first['item']}: {first['error']}", 100)
    return f"{plural(len(items), 'item')} ({about})"
