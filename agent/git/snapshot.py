"""The files of a commit, written from git objects with plumbing only.

`git archive`, `checkout-index` and `worktree add` run filters and hooks that a hostile
repository configures; `ls-tree` and `cat-file --batch` run nothing, and are the fastest too.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
from collections.abc import Container, Iterator
from pathlib import Path

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import side_objects
from copydesk.agent.git.checkout import checkout
from copydesk.agent.git.command import GitFailed, streaming
from copydesk.agent.git.conversions import Conversions, read_conversions
from copydesk.agent.git.minimal_repository import (
    asks_git,
    remove_repository,
    write_repository,
)
from copydesk.agent.git.repository import Entry, Repository, read_blobs
from copydesk.agent.records import Sha, Snapshot
from copydesk.agent.text import clean
from copydesk.hooks import filesystem

FEW = 20
"""So many files are read in one answer: a stream of them takes longer to begin."""

_MANIFEST = ".copydesk-manifest.json"
_RULES = ""
"""No path: the manifest's row for the rules by which the files were converted."""

_GIT_LOOKALIKE = re.compile(r"\.git[ .]*|git~\d+", re.IGNORECASE)
# HFS+ ignores these code points in names, so ".g\u200cit" is ".git" there (CVE-2014-9390)
_IGNORABLE = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")


@contextlib.contextmanager
def snapshot(
    repo: Repository,
    sha: Sha,
    slot: str = "measure",
    entries: dict[str, Entry] | None = None,
    *,
    asked_by_tests: bool = False,
) -> Iterator[Snapshot]:
    """Write the files of a commit into a folder of the desk and hold that folder meanwhile.

    A slot is reused: only what differs from the commit it held before is written.

    Args:
        repo: The repository.
        sha: The commit.
        slot: A name for the folder; two uses of one slot wait for each other.
        entries: Its files by path, where they are known already; as checked out when left out.
        asked_by_tests: Make it a repository of its own where the commit's tests may ask git.

    Yields:
        The snapshot. Its files may be changed while it is held; the next use puts them right.
    """
    home = repo.desk / "snapshot" / slot
    home.mkdir(parents=True, exist_ok=True, mode=0o755)
    with (home.with_name(f"{slot}.lock")).open("w") as lock:
        filesystem.wait_for_lock(lock.fileno())
        folder = home / "tree"
        files = checkout(repo, sha).files if entries is None else entries
        conversions = read_conversions(repo, files)
        _write(repo, files, folder, home / _MANIFEST, conversions)
        is_repository = asked_by_tests and asks_git(repo, sha)
        objects = write_repository(repo, sha, folder) if is_repository else ()
        try:
            line_ends = "crlf" if conversions.line_ends.are_crlf else ""
            yield Snapshot(
                folder, sha, frozenset(files), conversions.unconverted, objects, line_ends
            )
        finally:
            if is_repository:
                remove_repository(folder)


def check_path(path: str) -> None:
    """Refuse a path that would leave the snapshot or pass for a git folder.

    Raises:
        CopydeskError: The path is one of those.
    """
    parts = path.split("/")
    for part in parts:
        plain = _IGNORABLE.sub("", part)
        if part in ("", ".", "..") or _GIT_LOOKALIKE.fullmatch(plain) or "\0" in part:
            raise CopydeskError(
                f"the commit holds a path that git itself would refuse: {path!r}",
                slug="unsafe-path",
                hint="Such a commit cannot be measured.",
            )


def _stamp(path: str | Path) -> list[int] | None:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return [status.st_mtime_ns, status.st_size, status.st_mode, status.st_ino]


Manifest = dict[str, list[object]]
"""By path: mode, blob and stamp of each file that stands as it was written."""


def _write(
    repo: Repository,
    files: dict[str, Entry],
    folder: Path,
    manifest: Path,
    conversions: Conversions,
) -> None:
    """Bring a folder to hold these files and no others."""
    for path in files:
        check_path(path)
    before = _read_manifest(manifest)
    manifest.unlink(missing_ok=True)  # a crash from here on means: write everything again
    rules: Manifest = {_RULES: [conversions.digest]} if conversions.digest else {}
    if folder.exists() and (not before or before.get(_RULES) != rules.get(_RULES)):
        shutil.rmtree(folder)
        before = {}
    folder.mkdir(exist_ok=True, mode=0o755)
    unchanged = _unchanged(files, before, folder)
    for path in list(filter(conversions.always_new, unchanged)):
        del unchanged[path]
    _remove_others(folder, set(unchanged))
    written = _write_files(repo, files, unchanged, folder, conversions)
    partial = manifest.with_suffix(".tmp")
    partial.write_text(json.dumps(unchanged | written | rules))
    partial.replace(manifest)


def _write_files(
    repo: Repository,
    files: dict[str, Entry],
    unchanged: Container[str],
    folder: Path,
    conversions: Conversions,
) -> Manifest:
    """Write the files that are not as they should be; their rows of the manifest."""
    blobs = {path: entry.blob for path, entry in files.items() if path not in unchanged}
    written: Manifest = {}
    for path, content in _contents(repo, blobs):
        entry = files[path]
        if entry.mode != "120000":
            content = conversions.apply(path, entry.blob, content)
        try:
            _write_one(folder / path, entry.mode, content)
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            # git's own checkout leaves such a file out as well
            conversions.unconverted[path] = f"{path[:200]} is left out: its name is too long here"
            continue
        written[path] = [entry.mode, entry.blob, _stamp(folder / path)]
    return written


def _read_manifest(manifest: Path) -> Manifest:
    with contextlib.suppress(OSError, ValueError):
        return dict(json.loads(manifest.read_text()))
    return {}


def _unchanged(files: dict[str, Entry], before: Manifest, folder: Path) -> Manifest:
    """The rows of files that stand in the folder as they should."""
    unchanged: Manifest = {}
    top = f"{folder}/"
    for path, entry in files.items():
        row = before.get(path)
        if row and row[:2] == [entry.mode, entry.blob] and row[2] == _stamp(top + path):
            unchanged[path] = row
    return unchanged


def _contents(repo: Repository, blobs: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """The content of files, given as blob by path: one at a time, unless they are few."""
    if len(blobs) <= FEW:
        with contextlib.suppress(GitFailed):  # more than one answer may hold
            contents = read_blobs(repo, blobs.values())
            for path, blob in blobs.items():
                if blob not in contents:
                    raise _not_here(path)
                yield path, contents[blob]
            return
    with streaming(repo.common_dir, "cat-file", "--batch", extra=side_objects.variables(repo)) as (
        ask,
        answer,
    ):
        for path, blob in blobs.items():
            ask.write(f"{blob}\n".encode())
            ask.flush()
            head = answer.readline()
            if head.endswith(b" missing\n"):
                raise _not_here(path)
            content = answer.read(int(head.split()[2]))
            answer.read(1)
            yield path, content


def _not_here(path: str) -> CopydeskError:
    return CopydeskError(
        f"the content of {clean(path, keep='')} is not in this repository",
        slug="content-missing",
        hint="The clone may be a partial one: `git fetch --refetch --no-filter` brings all of it.",
    )


def _write_one(path: Path, mode: str, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if mode == "120000":
        path.symlink_to(os.fsdecode(content))
        return
    bits = 0o755 if mode == "100755" else 0o644
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, bits)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
    path.chmod(bits)  # whatever the umask: the sandbox's user must be able to read it


def _remove_others(top: Path, keep: set[str]) -> None:
    """Take out everything but the files to keep and the folders they need."""
    needed = _parents(keep)
    for root, directories, names in os.walk(top):
        relative = os.path.relpath(root, top)
        prefix = "" if relative == "." else relative.replace(os.sep, "/") + "/"
        for name in names:
            if prefix + name not in keep:
                Path(root, name).unlink()
        for name in list(directories):
            path = prefix + name
            folder = Path(root, name)
            if not folder.is_symlink() and path in needed:
                continue
            directories.remove(name)  # not to be walked into
            if not folder.is_symlink():
                shutil.rmtree(folder)
            elif path not in keep:
                folder.unlink()


def _parents(paths: set[str]) -> set[str]:
    """All folders above some paths."""
    folders = {""}
    for path in paths:
        parent = path.rpartition("/")[0]
        while parent and parent not in folders:
            folders.add(parent)
            parent = parent.rpartition("/")[0]
    return folders
