"""Questions to git about refs and commits: what they name, and what can be reached from where;
and about the index: what it tracks."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.command import GitFailed, git
from copydesk.agent.git.locate import Repository
from copydesk.agent.records import Sha

_HEX = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def resolve(repo: Repository, revision: str) -> Sha:
    """The full id of the commit that a revision names.

    Raises:
        CopydeskError: It names none; an unborn HEAD says so.
    """
    try:
        output = git(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}",
            git_dir=repo.git_dir,
        )  # fmt: skip
    except GitFailed as error:
        if revision == "HEAD" and _unborn(repo):
            raise CopydeskError(
                "this repository has no commit yet",
                slug="no-commits",
                hint="Make the first one; copydesk measures commits.",
            ) from error
        raise CopydeskError(
            f"{revision!r} is not a commit, a branch or a tag",
            slug="no-such-revision",
            hint="`git log --oneline` lists commits; branches and tags work too.",
        ) from error
    return checked(output.decode().strip())


def _unborn(repo: Repository) -> bool:
    """Whether HEAD names a branch that has no commit; a damaged repository is something else."""
    try:
        git("rev-parse", "--verify", "--quiet", "HEAD", git_dir=repo.git_dir)
    except GitFailed:
        return True
    return False


def checked(sha: str) -> Sha:
    """The same id, proven to be hexadecimal, so that it can never be read as an option."""
    if not _HEX.fullmatch(sha):
        raise CopydeskError(f"not an object id: {sha!r}", slug="git-failed")
    return sha


def worktrees(repo: Repository) -> dict[Path, Sha | None]:
    """The worktrees by their top folder, with their HEAD commits.

    Where nothing is committed yet the commit is None.
    """
    heads: dict[Path, Sha | None] = {}
    top: Path | None = None
    output = git("worktree", "list", "--porcelain", "-z", git_dir=repo.common_dir)
    for field in output.split(b"\0"):
        key, _, value = os.fsdecode(field).partition(" ")
        if key == "worktree":
            top = Path(value)
            heads[top] = None
        elif key == "HEAD" and top is not None and set(value) != {"0"}:
            heads[top] = checked(value)
    return heads


def is_tracked(top: Path, *paths: Path) -> bool:
    """Whether the index of a worktree holds one of these paths, or anything below it.

    Args:
        top: The worktree's top folder.
        paths: Relative to that.
    """
    try:
        output = git("ls-files", "-z", "--", *map(str, paths), cwd=top)
    except (GitFailed, OSError):  # no worktree any more; then nothing of it is run either
        return True
    return bool(output)


def branch_tips(repo: Repository) -> set[Sha]:
    """The commits that branches point at."""
    output = git("for-each-ref", "--format=%(objectname)", "refs/heads", git_dir=repo.common_dir)
    return {checked(line) for line in output.decode().split()}


def tips(repo: Repository) -> set[Sha]:
    """The commits that branches and the worktrees' HEADs point at."""
    return branch_tips(repo) | {sha for sha in worktrees(repo).values() if sha}


def exists(repo: Repository, shas: Iterable[Sha]) -> set[Sha]:
    """Those of the commits whose objects are still there."""
    output = git(
        "cat-file", "--batch-check=%(objectname) %(objecttype)", git_dir=repo.common_dir,
        stdin="".join(f"{sha}\n" for sha in shas).encode(),
    )  # fmt: skip
    lines = output.decode().split("\n")
    return {line.split()[0] for line in lines if line.endswith(" commit")}


def reachable(repo: Repository, include: Iterable[Sha], exclude: Iterable[Sha]) -> list[Sha]:
    """Commits reachable from the one set and not from the other, the oldest first."""
    revisions = [*include, *(f"^{sha}" for sha in exclude)]
    if not revisions:
        return []
    output = git(
        "rev-list", "--topo-order", "--reverse", "--stdin", git_dir=repo.common_dir,
        stdin="".join(f"{revision}\n" for revision in revisions).encode(),
    )  # fmt: skip
    return output.decode().split()


def ancestors(repo: Repository, sha: Sha, limit: int) -> list[Sha]:
    """The commit and those before it, the nearest first, at most limit of them."""
    output = git(
        "rev-list", f"--max-count={limit:d}", "--topo-order", checked(sha), git_dir=repo.common_dir
    )
    return output.decode().split()


def parent_of(repo: Repository, sha: Sha) -> Sha | None:
    """The first parent of a commit; None where it has none, or a shallow clone ends here."""
    output = git("rev-list", "--parents", "--max-count=1", checked(sha), git_dir=repo.common_dir)
    parents = output.decode().split()[1:]
    return parents[0] if parents else None


def last_before(repo: Repository, sha: Sha, when: float) -> Sha | None:
    """The newest commit on the first-parent line of another that is older than a Unix time."""
    output = git(
        "rev-list", "--max-count=1", "--first-parent", f"--before={int(when):d}", checked(sha),
        git_dir=repo.common_dir,
    )  # fmt: skip
    return output.decode().strip() or None


def tag_before(repo: Repository, sha: Sha) -> Sha | None:
    """The commit of the nearest tag among the ancestors of a commit, itself left out."""
    parent = parent_of(repo, sha)
    if parent is None:
        return None
    try:
        output = git("describe", "--tags", "--abbrev=0", parent, git_dir=repo.common_dir)
    except GitFailed:
        return None
    return resolve(repo, output.decode().strip())


def merge_base(repo: Repository, first: Sha, second: Sha) -> Sha | None:
    """The nearest commit that two commits share; None where there is none, or one is gone."""
    try:
        output = git(
            "merge-base", checked(first), checked(second), git_dir=repo.common_dir
        )  # fmt: skip
    except GitFailed:
        return None
    return output.decode().split()[0]


def between(repo: Repository, revisions: str) -> list[Sha]:
    """The commits of a revision or a range A..B, the oldest first."""
    first, dots, last = revisions.partition("..")
    if not dots:
        return [resolve(repo, revisions)]
    return reachable(repo, [resolve(repo, last or "HEAD")], [resolve(repo, first or "HEAD")])
