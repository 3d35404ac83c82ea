"""Collecting the tests of a commit without running one: what pytest finds, and what stops it."""

from __future__ import annotations

from typing import NamedTuple

from copydesk.agent import config
from copydesk.agent.coverage.measure.failed_tests import last_error_line
from copydesk.agent.coverage.runner import (
    Engine,
    Redirect,
    RunOptions,
    cached_probe,
    record_tests,
)
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.interpreter import ready
from copydesk.agent.git.snapshot import snapshot
from copydesk.agent.records import Interpreter, TestId
from copydesk.agent.sandbox.own_tests import sandbox_for_own_tests

SECONDS = 120.0


class Collection(NamedTuple):
    """The tests that pytest collects, the last error line of each file that it cannot collect, and
    the interpreter that it was asked in.
    """

    tests: tuple[TestId, ...]
    errors: dict[str, str]
    interpreter: Interpreter


def collect(commit: Commit) -> Collection:
    """Have pytest collect the tests of a commit, as a measure has it, and run none.

    Raises:
        CopydeskError: pytest cannot be started there, or ends before it has collected anything.
    """
    repo = commit.repo
    interpreter = ready(repo)
    settings = config.load(repo, commit.sha)
    with snapshot(repo, commit.sha, entries=commit.checkout.files) as shot:
        guard, _ = sandbox_for_own_tests(settings.personal, interpreter, repo.worktree, shot.path)
        engine = Engine(
            shot.path,
            interpreter,
            guard,
            cached_probe(repo.desk, interpreter),
            compiled=tuple(commit.checkout.extensions),
            redirect=Redirect.of(repo, interpreter),
        )
        options = RunOptions(
            branch=False, tests=settings.project.tests, timeout=SECONDS, collect_only=True
        )
        recording = record_tests(engine, options)
    errors = {name: last_error_line(text) for name, text in recording.errors.items()}
    return Collection(recording.collected, errors, interpreter)
