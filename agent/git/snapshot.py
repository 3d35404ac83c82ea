"""The files of a commit, written from git objects with plumbing only.

`git archive`, `checkout-index` and `worktree add` run filters and hooks that a hostile
repository configures; `ls-tree` and `cat-file --batch` run nothing, and are the fastest too.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.command import GitFailed, streaming
from copydesk.agent.git.repository import Entry, Repository, read_blobs, tree
from copydesk.agent.records import Sha, Snapshot
from copydesk.hooks import filesystem

FEW = 20
"""So many files are read in one answer: a stream of them takes longer to begin."""

_MANIFEST = ".copydesk-manifest.json"
_GIT_LOOKALIKE = re.compile(r"\.git[ .]*|git~\d+", re.IGNORECASE)
# HFS+ ignores these code points in names, so ".g\u200cit" is ".git" there (CVE-2014-9390)
_IGNORABLE = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")


@contextlib.contextmanager
def snapshot(
    repo: Repository, sha: Sha, slot: str = "measure", entries: dict[str, Entry] | None = None
) -> Iterator[Snapshot]:
    """Write the files of a commit into a folder of the desk and hold that folder meanwhile.

    A slot is reused: only what differs from the commit it held before is written.

    Args:
        repo: The repository.
        sha: The commit.
        slot: A name for the folder; two uses of one slot wait for each other.
        entries: The files of the commit, where they are known already.

    Yields:
        The snapshot. Its files may be changed while it is held; the next use puts them right.
    """
    home = repo.desk / "snapshot" / slot
    home.mkdir(parents=True, exist_ok=True, mode=0o755)
    with (home.with_name(f"{slot}.lock")).open("w") as lock:
        filesystem.wait_for_lock(lock.fileno())
        where = home / "tree"
        _write(repo, tree(repo, sha) if entries is None else entries, where, home / _MANIFEST)
        yield Snapshot(where, sha)


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


def _write(repo: Repository, files: dict[str, Entry], where: Path, manifest: Path) -> None:
    for path in files:
        check_path(path)
    before: dict[str, list[object]] = {}
    with contextlib.suppress(OSError, ValueError):
        before = json.loads(manifest.read_text())
    manifest.unlink(missing_ok=True)  # a crash from here on means: write everything again
    if not before and where.exists():
        shutil.rmtree(where)
    where.mkdir(exist_ok=True, mode=0o755)
    now: dict[str, list[object]] = {}
    wanted = []
    top = f"{where}/"
    for path, entry in files.items():
        old = before.get(path)
        if old and old[:2] == [entry.mode, entry.blob] and old[2] == _stamp(top + path):
            now[path] = old
        else:
            wanted.append(path)
    _sweep(where, set(now))
    for path, content in _contents(repo, {path: files[path].blob for path in wanted}):
        entry = files[path]
        _write_one(where / path, entry.mode, content)
        now[path] = [entry.mode, entry.blob, _stamp(where / path)]
    partial = manifest.with_suffix(".tmp")
    partial.write_text(json.dumps(now))
    partial.replace(manifest)


def _contents(repo: Repository, blobs: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """The content of files, given as blob by path: one at a time, unless they are few."""
    if len(blobs) <= FEW:
        with contextlib.suppress(GitFailed):  # more than one answer may hold
            found = read_blobs(repo, blobs.values())
            yield from ((path, found[blob]) for path, blob in blobs.items())
            return
    with streaming(repo.common_dir, "cat-file", "--batch") as (ask, answer):
        for path, blob in blobs.items():
            ask.write(f"{blob}\n".encode())
            ask.flush()
            content = answer.read(int(answer.readline().split()[2]))
            answer.read(1)
            yield path, content


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


def _sweep(where: Path, keep: set[str]) -> None:
    """Take out everything but the files to keep and the folders they need."""
    folders = {""}
    for path in keep:
        parent = path.rpartition("/")[0]
        while parent and parent not in folders:
            folders.add(parent)
            parent = parent.rpartition("/")[0]
    for root, directories, names in os.walk(where):
        inside = os.path.relpath(root, where)
        prefix = "" if inside == "." else inside.replace(os.sep, "/") + "/"
        for name in names:
            if prefix + name not in keep:
                Path(root, name).unlink()
        for name in list(directories):
            folder = Path(root, name)
            if folder.is_symlink():
                if prefix + name not in keep:
                    folder.unlink()
                directories.remove(name)
            elif prefix + name not in folders:
                shutil.rmtree(folder)
                directories.remove(name)
