"""A commit, and what git says of it, asked once."""

from __future__ import annotations

from functools import cached_property

from copydesk.agent.git.checkout import Checkout, checkout
from copydesk.agent.git.command import GitFailed
from copydesk.agent.git.repository import (
    CommitInfo,
    Entry,
    FileChange,
    Repository,
    changes,
    commit_info,
    exists,
    tree,
)
from copydesk.agent.records import Sha


class Commit:
    """A commit of a repository, handed on by all that work on it.

    Each fact is read from git when it is first asked for, and kept: a commit never changes.

    Args:
        repo: The repository.
        sha: The commit's full id.
    """

    def __init__(self, repo: Repository, sha: Sha) -> None:
        self.repo = repo
        self.sha = sha
        self._trees: dict[Sha, dict[str, Entry]] = {}

    @cached_property
    def info(self) -> CommitInfo:
        """Its parents, author, date and message."""
        return commit_info(self.repo, self.sha)

    @property
    def parent(self) -> Sha | None:
        """Its first parent; None where it has none, or a shallow clone ends here."""
        return self._since_parent[0]

    @property
    def changes(self) -> dict[str, FileChange]:
        """What it changed since its first parent (since nothing where it has none), by path."""
        return self._since_parent[1]

    @cached_property
    def _since_parent(self) -> tuple[Sha | None, dict[str, FileChange]]:
        parents = self.info.parents
        parent = parents[0] if parents else None
        try:
            return parent, changes(self.repo, parent, self.sha)
        except GitFailed:
            if parent is None or exists(self.repo, [parent]):
                raise
            return None, changes(self.repo, None, self.sha)

    @cached_property
    def reverted_changes(self) -> dict[str, FileChange]:
        """The same changes seen backwards, with the lines of its parent; empty without parent."""
        return {} if self.parent is None else changes(self.repo, self.sha, self.parent)

    @property
    def tree(self) -> dict[str, Entry]:
        """Its files, by path."""
        return self.tree_of(self.sha)

    @cached_property
    def checkout(self) -> Checkout:
        """Its files as a checkout has them, with those of submodules and generated ones."""
        return checkout(self.repo, self.sha)

    def tree_of(self, sha: Sha) -> dict[str, Entry]:
        """The files of another commit that it is compared with, by path."""
        if sha not in self._trees:
            self._trees[sha] = tree(self.repo, sha)
        return self._trees[sha]
