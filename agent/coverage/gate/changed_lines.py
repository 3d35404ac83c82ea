"""The lines that a change adds or alters."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from copydesk.agent.coverage.gate.changed_statements import ChangedStatements
from copydesk.agent.coverage.gate.verdict import LineStatus
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git
from copydesk.agent.git.command import git as run_git
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import LineNo, Sha
from copydesk.agent.source_text import decode_source
from copydesk.hooks import diff
from copydesk.hooks.gate import is_test
from copydesk.hooks.patch import parse_patch
from copydesk.hooks.source_lines import python_lines

AT_ONCE = 200
"""How many files are read by one git process."""

KEPT = 2000
"""How many texts are kept in memory."""

INDEX = "GIT_INDEX_FILE"
"""The variable by which git names the index that is staged into."""

_PARTIAL = r"^(extensions\.partialclone|remote\..*\.(promisor|partialclonefilter))$"
"""The settings of a clone that left objects on the other side."""


@dataclass(frozen=True, slots=True)
class Change:
    """Changed files by path: the new blob's id and the lines that were added or altered.

    Lines are those that Python counts, which are not git's where a carriage return stands alone.
    """

    files: Mapping[str, tuple[str, tuple[LineNo, ...]]]

    @property
    def lines(self) -> dict[str, tuple[LineNo, ...]]:
        """The changed lines by path."""
        return {path: lines for path, (_, lines) in self.files.items()}


def staged_change(repo: Repository, also: Collection[str] = ()) -> Change:
    """What is staged in the worktree of the current folder.

    GIT_INDEX_FILE counts as git set it: `git commit -a` stages into another index.

    Args:
        repo: The repository.
        also: Files that count besides those named *.py.

    Raises:
        CopydeskError: Git cannot say.
    """
    try:
        return _change(repo, diff.patch(["--cached"], _pathspecs(also)))
    except OSError as error:
        raise _no_diff(repo, f"git cannot say what is staged: {error}", "HEAD") from error


def change_between(repo: Repository, base: Sha, head: Sha, also: Collection[str] = ()) -> Change:
    """What a commit changed since it left a base, as a pull request shows it.

    Args:
        repo: The repository.
        base: What the commit is compared with.
        head: The commit.
        also: Files that count besides those named *.py.

    Raises:
        CopydeskError: The two have no common ancestor here, or this clone lacks files of theirs.
    """
    ends = (git.checked(merge_base(repo, base, head)), git.checked(head))
    words = ("--no-literal-pathspecs", "diff", *diff.DIFF_OPTIONS, *ends, "--", *_pathspecs(also))
    try:
        return _change(repo, run_git(*words, git_dir=repo.git_dir))
    except CopydeskError as error:
        raise _no_diff(repo, f"git cannot compare the two: {error}", f"{base}...{head}") from error


def index_file(repo: Repository, environ: Mapping[str, str]) -> Path:
    """The index that is staged into: `git commit -a` names another one than the worktree's."""
    path = environ.get(INDEX)
    return Path(path).absolute() if path else repo.git_dir / "index"


def _pathspecs(also: Collection[str]) -> tuple[str, ...]:
    return (*diff.PYTHON_FILES, *(f":(top,literal){path}" for path in sorted(also)))


def _no_diff(repo: Repository, problem: str, compared: str) -> CopydeskError:
    if _is_partial_clone(repo):
        return CopydeskError(
            "this clone lacks the content of files that are to be compared: it is a partial one"
            " (--filter)",
            slug="partial-clone",
            hint=f"`git diff {compared} >/dev/null` has git fetch what is lacking.",
        )
    return CopydeskError(problem, slug="no-verdict", hint="`git status` may say more.")


def _is_partial_clone(repo: Repository) -> bool:
    with contextlib.suppress(CopydeskError):
        return bool(run_git("config", "--get-regexp", _PARTIAL, git_dir=repo.git_dir))
    return False


def merge_base(repo: Repository, base: Sha, head: Sha) -> Sha:
    """The commit where two lines of history part.

    Raises:
        CopydeskError: None is known here. What the base removed since would count as added by
            the head then, so nothing is compared.
    """
    try:
        output = run_git("merge-base", git.checked(base), git.checked(head), git_dir=repo.git_dir)
    except CopydeskError as error:
        raise _no_merge_base(repo, base, head) from error
    return git.checked(output.decode().split()[0])


def _no_merge_base(repo: Repository, base: Sha, head: Sha) -> CopydeskError:
    problem = f"git knows no common ancestor of {base[:8]} and {head[:8]}"
    if run_git("rev-parse", "--is-shallow-repository", git_dir=repo.git_dir).strip() == b"true":
        return CopydeskError(
            f"{problem}: this clone is shallow",
            slug="no-merge-base",
            hint="`git fetch --unshallow` fetches its history; a CI job sets its depth to 0 for it"
            " (GitHub: fetch-depth: 0, GitLab: GIT_DEPTH: 0).",
        )
    return CopydeskError(
        f"{problem}: they share no history",
        slug="no-merge-base",
        hint="Name a base that the change grew from.",
    )


def _change(repo: Repository, patch: bytes) -> Change:
    """A patch as a change, without links, submodules and files that only lost lines."""
    changed = [file for file in parse_patch(patch) if file.new_lines and file.is_source()]
    files: dict[str, tuple[str, tuple[LineNo, ...]]] = {}
    for start in range(0, len(changed), AT_ONCE):
        group = changed[start : start + AT_ONCE]
        contents = git.read_blobs(repo, [file.blob for file in group])
        for file in group:
            if file.blob not in contents:
                raise CopydeskError(f"git has no object {file.blob}", slug="git-failed")
            lines = python_lines(contents[file.blob], file.new_lines)
            files[file.path] = (file.blob, tuple(lines))
    return Change(files)


def texts(repo: Repository, change: Change | None = None) -> Callable[[str], str]:
    """A reader of blobs, as text with plain line ends, which keeps what it has read last.

    Args:
        repo: The repository.
        change: Its files will be asked for, mostly in their order: many are read at once.
    """
    return _BlobReader(repo, [blob for blob, _ in change.files.values()] if change else [])


@dataclass(slots=True)
class _BlobReader:
    repo: Repository
    expected: Sequence[str]
    _texts: dict[str, str] = field(default_factory=dict)

    def __call__(self, blob: str) -> str:
        """The text of a blob."""
        if blob not in self._texts:
            self._read(blob)
        return self._texts[blob]

    def _read(self, blob: str) -> None:
        if len(self._texts) > KEPT:
            self._texts.clear()
        blobs = [blob]
        if blob in self.expected:
            start = self.expected.index(blob)
            blobs = list(self.expected[start : start + AT_ONCE])
        for name, content in git.read_blobs(self.repo, blobs).items():
            self._texts[name] = decode_source(content)
        if blob not in self._texts:
            raise CopydeskError(f"git has no object {blob}", slug="git-failed")


def unknown_statuses(
    change: Change, read: Callable[[str], str], paths: Iterable[str] | None = None
) -> dict[str, LineStatus]:
    """The changed lines of files of which nothing is known; tests need no tests themselves.

    Args:
        change: The change.
        read: The text of a blob.
        paths: The files; all of the change where left out.
    """
    statuses = {}
    for path in change.files if paths is None else paths:
        blob, lines = change.files[path]
        if not is_test(path):
            statuses[path] = ChangedStatements(read(blob), lines).unknown()
    return statuses
