"""Questions to git: refs, commits, trees, blobs, differences."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.command import GitFailed, git
from copydesk.agent.records import LineNo, Sha
from copydesk.hooks import git_files
from copydesk.hooks.patch import FilePatch, parse_patch

_HEX = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository as seen from one of its worktrees.

    `top` is that worktree's top folder (None in a bare repository), `git_dir` its own git
    folder, `common_dir` the one all worktrees share.
    """

    top: Path | None
    git_dir: Path
    common_dir: Path

    @property
    def desk(self) -> Path:
        """The folder where copydesk keeps everything it knows of this repository."""
        return self.common_dir / "copydesk"

    @property
    def worktree(self) -> Path:
        """The top folder of the worktree.

        Raises:
            CopydeskError: The repository is bare.
        """
        if self.top is None:
            raise CopydeskError(
                f"{self.common_dir} is a bare repository",
                slug="bare-repository",
                hint="Run copydesk in a clone or a linked worktree of it.",
            )
        return self.top


class Entry(NamedTuple):
    """A file of a tree: its mode (such as 100644) and the id of its content."""

    mode: str
    blob: str


class CommitInfo(NamedTuple):
    """What a commit says of itself. `date` is ISO 8601 with zone."""

    sha: Sha
    parents: tuple[Sha, ...]
    author: str
    date: str
    subject: str
    body: str


def find(start: Path) -> Repository:
    """The repository that a folder lies in.

    Raises:
        CopydeskError: The folder lies in none.
    """
    try:
        lines = (
            git(
                "rev-parse",
                "--path-format=absolute",
                "--git-dir",
                "--git-common-dir",
                "--is-bare-repository",
                "--is-inside-work-tree",
                cwd=start,
            )
            .decode("utf-8", "surrogateescape")
            .splitlines()
        )
    except (GitFailed, OSError) as error:
        if "dubious ownership" in str(error):
            raise CopydeskError(
                f"git refuses {start}: it belongs to another user",
                slug="dubious-ownership",
                hint=f"git config --global --add safe.directory {start}",
            ) from error
        if "safe.bareRepository" in str(error):
            raise _unusable(start, inside=".git" in start.absolute().parts) from error
        raise CopydeskError(
            f"{start} is not in a git repository",
            slug="not-a-repository",
            hint="Go to your project's folder, or run `git init` there.",
        ) from error
    git_dir, common_dir, bare, inside = lines
    top = None
    if inside == "true":
        said = git("rev-parse", "--path-format=absolute", "--show-toplevel", cwd=start)
        top = Path(os.fsdecode(said.rstrip(b"\n")))
    elif bare != "true":
        raise _unusable(start, inside=True)
    return Repository(top, Path(git_dir), Path(common_dir))


def _unusable(start: Path, *, inside: bool) -> CopydeskError:
    """A folder that looks like a bare repository may have come with a clone: none of it is read."""
    hint = "Run copydesk from a working tree: the project's own folders, or a linked worktree."
    if inside:
        return CopydeskError(f"{start} is inside a .git folder", slug="inside-git-dir", hint=hint)
    return CopydeskError(f"{start} is a bare repository", slug="bare-repository", hint=hint)


def resolve(repo: Repository, revision: str) -> Sha:
    """The full id of the commit that a revision names.

    Raises:
        CopydeskError: It names none; an unborn HEAD says so.
    """
    try:
        said = git(
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            f"{revision}^{{commit}}",
            git_dir=repo.git_dir,
        )
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
    return checked(said.decode().strip())


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
    """The worktrees with their HEAD commits (None where nothing is committed yet)."""
    found: dict[Path, Sha | None] = {}
    here: Path | None = None
    for field in git("worktree", "list", "--porcelain", "-z", git_dir=repo.common_dir).split(b"\0"):
        key, _, value = os.fsdecode(field).partition(" ")
        if key == "worktree":
            here = Path(value)
            found[here] = None
        elif key == "HEAD" and here is not None and set(value) != {"0"}:
            found[here] = checked(value)
    return found


def branch_tips(repo: Repository) -> set[Sha]:
    """The commits that branches point at."""
    said = git("for-each-ref", "--format=%(objectname)", "refs/heads", git_dir=repo.common_dir)
    return {checked(line) for line in said.decode().split()}


def tips(repo: Repository) -> set[Sha]:
    """The commits that branches and the worktrees' HEADs point at."""
    return branch_tips(repo) | {sha for sha in worktrees(repo).values() if sha}


def exists(repo: Repository, shas: Iterable[Sha]) -> set[Sha]:
    """Those of the commits whose objects are still there."""
    asked = "".join(f"{sha}\n" for sha in shas).encode()
    said = git(
        "cat-file",
        "--batch-check=%(objectname) %(objecttype)",
        git_dir=repo.common_dir,
        stdin=asked,
    )
    return {line.split()[0] for line in said.decode().splitlines() if line.endswith(" commit")}


def trees(repo: Repository, shas: Iterable[Sha]) -> dict[Sha, str]:
    """The ids of the commits' trees; those of gone commits are left out."""
    asked = list(shas)
    said = git(
        "cat-file", "--batch-check=%(objectname)", git_dir=repo.common_dir,
        stdin="".join(f"{checked(sha)}^{{tree}}\n" for sha in asked).encode(),
    )  # fmt: skip
    lines = said.decode().splitlines()
    return {s: t for s, t in zip(asked, lines, strict=True) if not t.endswith(" missing")}


def reachable(repo: Repository, include: Iterable[Sha], exclude: Iterable[Sha]) -> list[Sha]:
    """Commits reachable from the one set and not from the other, the oldest first."""
    asked = "".join(f"{sha}\n" for sha in include) + "".join(f"^{sha}\n" for sha in exclude)
    if not asked:
        return []
    said = git(
        "rev-list",
        "--topo-order",
        "--reverse",
        "--stdin",
        git_dir=repo.common_dir,
        stdin=asked.encode(),
    )
    return said.decode().split()


def ancestors(repo: Repository, sha: Sha, limit: int) -> list[Sha]:
    """The commit and those before it, the nearest first, at most limit of them."""
    said = git(
        "rev-list", f"--max-count={limit:d}", "--topo-order", checked(sha), git_dir=repo.common_dir
    )
    return said.decode().split()


def between(repo: Repository, revisions: str) -> list[Sha]:
    """The commits of a revision or a range A..B, the oldest first."""
    first, dots, last = revisions.partition("..")
    if not dots:
        return [resolve(repo, revisions)]
    return reachable(repo, [resolve(repo, last or "HEAD")], [resolve(repo, first or "HEAD")])


def commit_info(repo: Repository, sha: Sha) -> CommitInfo:
    """What a commit says of itself."""
    said = git(
        "log", "-1", "--no-show-signature", "--format=%P%x00%an%x00%aI%x00%s%x00%b", checked(sha),
        git_dir=repo.common_dir,
    )  # fmt: skip
    parents, author, date, subject, body = said.decode("utf-8", "replace").split("\0", 4)
    return CommitInfo(sha, tuple(parents.split()), author, date, subject, body.strip())


def tree(repo: Repository, sha: Sha) -> dict[str, Entry]:
    """The files of a commit by path (with slashes); submodules are left out."""
    found = {}
    for line in git(
        "ls-tree", "-r", "-z", "--full-tree", checked(sha), git_dir=repo.common_dir
    ).split(b"\0"):
        if line:
            meta, _, path = line.partition(b"\t")
            mode, kind, blob = meta.decode().split()
            if kind == "blob":
                found[os.fsdecode(path)] = Entry(mode, blob)
    return found


def read_blob(repo: Repository, blob: str) -> bytes:
    """The content of a blob."""
    return git("cat-file", "blob", checked(blob), git_dir=repo.common_dir)


def read_blobs(repo: Repository, blobs: Iterable[str]) -> dict[str, bytes]:
    """The contents of many blobs by id, through one git process."""
    wanted = sorted(set(blobs))
    if not wanted:
        return {}
    asked = "".join(f"{checked(blob)}\n" for blob in wanted).encode()
    said = git("cat-file", "--batch", git_dir=repo.common_dir, stdin=asked)
    found, at = {}, 0
    for blob in wanted:
        end = said.index(b"\n", at)
        size = int(said[at:end].split()[2])
        found[blob] = said[end + 1 : end + 1 + size]
        at = end + 1 + size + 1
    return found


def read_file(repo: Repository, sha: Sha, path: str) -> bytes | None:
    """The content of a file in a commit, or None when it is not there."""
    if "\n" in path:  # git takes a name a line
        return (entry := tree(repo, sha).get(path)) and read_blob(repo, entry.blob)
    asked = os.fsencode(f"{checked(sha)}:{path}\n")
    said = git("cat-file", "--batch", git_dir=repo.common_dir, stdin=asked)
    kind, _, size = said.partition(b"\n")[0].partition(b" blob ")
    return said[len(kind) + 7 + len(size) :][: int(size)] if size.isdigit() else None


class FileChange(NamedTuple):
    """How a commit changed a file: the new side's lines, and counts of lines added, removed."""

    lines: tuple[LineNo, ...]
    added: int
    removed: int


def changes(repo: Repository, base: Sha | None, sha: Sha) -> dict[str, FileChange]:
    """What changed between two commits (between nothing and a commit without base), by path.

    A deletion counts as a change of the line it left behind.
    """
    start = ["--root", checked(sha)] if base is None else [checked(base), checked(sha)]
    patch = git(
        "diff-tree", "-r", "-p", "-U0", "--no-renames", "--no-ext-diff", "--no-textconv",
        "--no-commit-id", "--no-color", "--src-prefix=a/", "--dst-prefix=b/", *start,
        git_dir=repo.common_dir,
    )  # fmt: skip
    return {file.path: _file_change(file) for file in parse_patch(patch)}


def _file_change(file: FilePatch) -> FileChange:
    lines = set[int]()
    added = removed = 0
    for _, old_count, first, count in file.hunks:
        lines |= set(range(first, first + count)) or {max(1, first)}
        added += count
        removed += old_count
    return FileChange(tuple(sorted(lines)), added, removed)


def busy(repo: Repository) -> bool:
    """Whether a merge, rebase, cherry-pick or revert is under way in this worktree."""
    return git_files.is_busy(str(repo.git_dir))


def get_config(repo: Repository, key: str) -> str | None:
    """A value of the user's git configuration, or None. Tracked files have no say in it."""
    try:
        said = git("config", "--get", key, git_dir=repo.git_dir)
    except GitFailed:
        return None
    return said.decode("utf-8", "replace").rstrip("\n")


def get_section(repo: Repository, section: str) -> dict[str, str]:
    """All values of one section of the user's git configuration, by key in lower case."""
    asked = rf"^{re.escape(section)}\."
    try:
        said = git("config", "-z", "--get-regexp", asked, git_dir=repo.git_dir)
    except GitFailed:
        return {}
    rows = (row.partition("\n") for row in said.decode("utf-8", "replace").split("\0") if row)
    return {key: value if newline else "true" for key, newline, value in rows}


def set_config(repo: Repository, key: str, value: str | None) -> None:
    """Set a value in the repository's own git configuration; None takes it out."""
    if value is None:
        if get_config(repo, key) is not None:
            git("config", "--local", "--unset-all", key, git_dir=repo.git_dir)
        return
    git("config", "--local", key, value, git_dir=repo.git_dir)
