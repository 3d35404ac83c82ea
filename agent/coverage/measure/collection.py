"""Collecting the tests of a commit without running one: what pytest finds, and what stops it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
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
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.interpreter import ready
from copydesk.agent.git.snapshot import snapshot
from copydesk.agent.projects import lies_in, projects_of
from copydesk.agent.records import Interpreter, Snapshot, TestId
from copydesk.agent.sandbox.own_tests import sandbox_for_own_tests

SECONDS = 120.0


class Collection(NamedTuple):
    """The tests that pytest collects in a project.

    Attributes:
        folder: The project's.
        tests: What is collected.
        errors: The last error line of each file that cannot be collected.
        interpreter: What was asked; None where nothing could be.
        problem: Why nothing could be collected at all, if that is so.
    """

    folder: str
    tests: tuple[TestId, ...] = ()
    errors: Mapping[str, str] = MappingProxyType({})
    interpreter: Interpreter | None = None
    problem: CopydeskError | None = None


def collect(commit: Commit) -> list[Collection]:
    """Have pytest collect the tests of each project of a commit, as a measure has it; run none.

    A project in which pytest cannot be started, or ends before it has collected anything, costs
    itself alone.
    """
    folders = projects_of(commit)
    collections: list[Collection] = []
    with snapshot(commit.repo, commit.sha, entries=commit.checkout.files) as shot:
        for folder in folders:
            try:
                collections.append(_collect_in(folder, folders, commit, shot))
            except CopydeskError as error:
                collections.append(Collection(folder, problem=error))
    return collections


def _collect_in(folder: str, folders: Sequence[str], commit: Commit, shot: Snapshot) -> Collection:
    """Collect the tests of one of the projects that lie in some folders."""
    repo = commit.repo
    interpreter = ready(repo, folder)
    personal = config.load_personal(repo)[0]
    guard, _ = sandbox_for_own_tests(personal, interpreter, repo.worktree, shot.path)
    engine = Engine(
        shot.path,
        interpreter,
        guard,
        cached_probe(repo.desk, interpreter),
        compiled=tuple(commit.checkout.extensions),
        redirect=Redirect.of(repo, interpreter),
        folder=folder,
    )
    options = RunOptions(
        branch=False,
        tests=config.load_project(repo, commit.sha, folder)[0].tests,
        timeout=SECONDS,
        collect_only=True,
        ignored=tuple(one for one in folders if one != folder and lies_in(one, folder)),
    )
    recording = record_tests(engine, options)
    errors = {name: last_error_line(text) for name, text in recording.errors.items()}
    return Collection(folder, recording.collected, errors, interpreter)
