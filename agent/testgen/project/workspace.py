"""All that drafting needs of one commit: its tree, its sandbox, how well that guards."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from copydesk.agent import config
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.interpreter import ready
from copydesk.agent.git.repository import Repository
from copydesk.agent.git.snapshot import snapshot
from copydesk.agent.projects import projects_of
from copydesk.agent.records import (
    Sha,
)
from copydesk.agent.sandbox.own_tests import allowed_paths
from copydesk.agent.sandbox.runner import SandboxRunner, Visible
from copydesk.agent.sandbox.tier import detect
from copydesk.agent.testgen.project.layout import source_roots
from copydesk.agent.testgen.project.tools import TOOLS


@dataclass(frozen=True, slots=True)
class Workspace:
    """A commit's tree with a sandbox to run it on.

    `trusting`: in tier partial, what a model wrote may be run too.
    """

    tree: Path
    sandbox: SandboxRunner
    trusting: bool = False


@contextlib.contextmanager
def open_workspace(repo: Repository, sha: Sha, slot: str = "draft") -> Iterator[Workspace]:
    """Hold the tree of a commit, ready to run drafts in.

    Args:
        repo: The repository.
        sha: The commit.
        slot: The folder it stands in; two uses of one slot wait for each other.

    Raises:
        CopydeskError: No interpreter can run the project's tests.
    """
    folders = projects_of(Commit(repo, sha))
    interpreter, personal = ready(repo, folders[0]), config.load(repo, sha).personal
    with snapshot(repo, sha, slot) as shot:
        capability = detect(personal.sandbox, interpreter, outside=(repo.worktree,))
        read_only = allowed_paths(personal, repo.worktree)
        roots = list(source_roots(shot.path))
        for folder in filter(None, folders):
            own = source_roots(shot.path / folder)
            roots += [folder if root == "." else f"{folder}/{root}" for root in own]
        yield Workspace(
            shot.path,
            SandboxRunner(
                shot.path,
                repo.worktree,
                interpreter,
                capability,
                visible=Visible(tuple(roots), TOOLS, read_only),
            ),
            personal.sandbox == "partial",
        )
