"""The lines that a change adds or alters."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git
from copydesk.agent.git.command import git as run_git
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import LineNo, Sha
from copydesk.agent.source_text import decode_source
from copydesk.hooks import gate as hook


@dataclass(frozen=True, slots=True)
class Change:
    """Changed Python files by path: the new blob's id and the lines that were added or altered."""

    files: Mapping[str, tuple[str, tuple[LineNo, ...]]]

    @property
    def lines(self) -> dict[str, tuple[LineNo, ...]]:
        """The changed lines by path."""
        return {path: lines for path, (_, lines) in self.files.items()}


def staged_change() -> Change:
    """What is staged in the worktree of the current folder.

    GIT_INDEX_FILE counts as git set it: `git commit -a` stages into another index.

    Raises:
        CopydeskError: Git cannot say.
    """
    try:
        return _change(hook.patch(["--cached"]))
    except OSError as error:
        raise CopydeskError(
            f"git cannot say what is staged: {error}",
            slug="no-verdict",
            hint="`git status` may say more.",
        ) from error


def change_between(repo: Repository, base: Sha, head: Sha) -> Change:
    """What a commit changed since it left a base, as a pull request shows it."""
    ends = (git.checked(merge_base(repo, base, head)), git.checked(head))
    return _change(run_git("diff", *hook.DIFF_OPTIONS, *ends, "--", git_dir=repo.git_dir))


def merge_base(repo: Repository, base: Sha, head: Sha) -> Sha:
    """The commit where two lines of history part; the base itself where they share none."""
    try:
        output = run_git("merge-base", git.checked(base), git.checked(head), git_dir=repo.git_dir)
    except CopydeskError:
        return base
    return git.checked(output.decode().split()[0])


def _change(patch: bytes) -> Change:
    files = {}
    for path, (blob, lines) in hook.changed_lines(patch).items():
        if path.endswith(".py"):
            files[path] = (blob, tuple(lines))
    return Change(files)


def texts(repo: Repository) -> Callable[[str], str]:
    """A reader of blobs, as text with plain line ends, which keeps what it has read."""

    @functools.cache
    def read(blob: str) -> str:
        return decode_source(git.read_blob(repo, blob))

    return read
