"""Modules that git ignores and the tests import: what a build or a version tool has left.

A commit does not hold them, a checkout in which the tests pass does. They are taken from the
worktree as they stand: modules that some source mentions by name, never tests, never what may be
private, never what git would take into a commit.
"""

from __future__ import annotations

import os
import posixpath
import re
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from copydesk.agent.git import side_objects
from copydesk.agent.git.command import GitFailed, git
from copydesk.agent.git.locate import Repository
from copydesk.agent.git.objects import Entry

LARGEST = 16 << 20
"""Bytes of one file."""

LARGEST_TOGETHER = 64 << 20
"""Bytes of all of them."""

MOST = 1000
"""How many there may be."""

_MOST_SEEN = 20_000
"""So many entries of ignored folders are looked at."""

_EXTENSIONS = (".so", ".pyd", ".dylib")
_NOT_GENERATED = frozenset(
    {"venv", "env", "node_modules", "build", "dist", "site-packages", "__pycache__", "htmlcov"}
)
_NEVER = frozenset(
    {"conftest.py", "sitecustomize.py", "usercustomize.py", "setup.py", "noxfile.py"}
)
_TEST = re.compile(r"test_.*\.py|.*_test\.py|tests?\.py")
_PRIVATE = re.compile(
    r"secret|credential|passw|private|local_settings|settings_local|(^|_)(api_?keys?|env|local)$",
    re.IGNORECASE,
)
_STEM = re.compile(r"[^.]+")


@dataclass(slots=True)
class Generated:
    """Generated modules of a worktree.

    Attributes:
        files: Those that are provided, by path.
        withheld: Why others are not, though a source mentions them, by path.
    """

    files: dict[str, Entry] = field(default_factory=dict)
    withheld: dict[str, str] = field(default_factory=dict)


def read_generated(
    repo: Repository, commit: str, tracked: Collection[str], worktree: Path | None = None
) -> Generated:
    """The generated modules that a commit's tests need, from the worktree.

    Args:
        repo: The repository.
        commit: The commit, of the repository or of a submodule.
        tracked: The paths of its files.
        worktree: Where it is checked out.
    """
    generated = Generated()
    if worktree is None:
        return generated
    candidates = {}
    for path in ignored_modules(worktree):
        if path not in tracked and (status := _regular(worktree / path)):
            candidates[path] = status
    if not candidates:
        return generated
    needed = _needed(repo, commit, worktree, candidates)
    provided, generated.withheld = _within_limits({p: candidates[p].st_size for p in needed})
    try:
        blobs = side_objects.add_files(repo, [worktree / path for path in provided])
    except GitFailed as error:  # one went away meanwhile, or is not ours to read
        generated.withheld |= dict.fromkeys(provided, str(error))
        return generated
    for path, blob in zip(provided, blobs, strict=True):
        executable = candidates[path].st_mode & stat.S_IXUSR
        generated.files[path] = Entry("100755" if executable else "100644", blob)
    return generated


def _within_limits(sizes: Mapping[str, int]) -> tuple[list[str], dict[str, str]]:
    """Which modules of these sizes may be provided, and why the others are not."""
    provided: list[str] = []
    withheld: dict[str, str] = {}
    room = LARGEST_TOGETHER
    for path, size in sizes.items():
        if reason := _why_withheld(path, size, room, len(provided)):
            withheld[path] = reason
        else:
            provided.append(path)
            room -= size
    return provided, withheld


def _why_withheld(path: str, size: int, room: int, count: int) -> str:
    if is_private(path):
        return "git ignores it and its name says that it is private"
    if size > min(LARGEST, room) or count >= MOST:
        return "git ignores it and it is too large to be provided"
    return ""


def is_private(path: str) -> bool:
    """Whether the name of an ignored module says that what it holds is nobody else's business."""
    return _PRIVATE.search(_stem(path)) is not None


def _regular(path: Path) -> os.stat_result | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return status if stat.S_ISREG(status.st_mode) and "\n" not in str(path) else None


def ignored_modules(worktree: Path) -> Iterator[str]:
    """The paths of what could be a generated module: a module that git ignores.

    Args:
        worktree: Where it is looked for.
    """
    options = ("-z", "--others", "--ignored", "--exclude-standard", "--directory")
    try:
        output = git("ls-files", *options, cwd=worktree)
    except (GitFailed, OSError):
        return
    seen = 0
    for raw in output.split(b"\0"):
        path = os.fsdecode(raw)
        if path.endswith("/"):
            for name in _modules_below(worktree, path):
                seen += 1
                if seen > _MOST_SEEN:
                    return
                yield name
        elif _may_be_generated(path):
            yield path


def _modules_below(worktree: Path, folder: str) -> Iterator[str]:
    """The modules in an ignored folder, unless it is an environment or what a tool keeps."""
    if _is_other(folder.rstrip("/")):
        return
    for root, folders, names in os.walk(worktree / folder):
        if "pyvenv.cfg" in names or "conda-meta" in folders:
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not _is_other(name))
        relative = posixpath.relpath(root, worktree)
        for name in sorted(names):
            path = f"{relative}/{name}"
            if _may_be_generated(path):
                yield path


def _is_other(folder: str) -> bool:
    parts = folder.split("/")
    return any(part in _NOT_GENERATED or part.startswith(".") for part in parts)


def _may_be_generated(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    if not name.endswith((".py", *_EXTENSIONS)) or name in _NEVER or _TEST.fullmatch(name):
        return False
    return not (folder and _is_other(folder))


def _stem(path: str) -> str:
    """The name by which a module is imported: that of its folder for __init__.py."""
    folder, _, name = path.rpartition("/")
    stem = _STEM.match(name)
    if stem is None or stem[0] == "__init__":
        return folder.rpartition("/")[2]
    return stem[0]


def _needed(
    repo: Repository, commit: str, worktree: Path, candidates: Mapping[str, object]
) -> list[str]:
    """Those whose name stands in a file of the commit, or in another one that is needed."""
    stems: dict[str, list[str]] = {}
    for path in candidates:
        stems.setdefault(_stem(path), []).append(path)
    new = _mentioned(repo, commit, stems)
    needed: dict[str, None] = {}
    while new:
        paths = [path for stem in sorted(new) for path in stems.pop(stem)]
        needed |= dict.fromkeys(paths)
        words = set[str]()
        for path in paths:
            if path.endswith(".py"):
                words |= _words(worktree / path)
        new = words & stems.keys()
    return sorted({*needed, *_packages_around(needed, candidates)})


def _packages_around(needed: Collection[str], candidates: Mapping[str, object]) -> Iterator[str]:
    """The __init__.py of the folders that needed modules lie in, where they are generated too."""
    for path in needed:
        folder = posixpath.dirname(path)
        while folder:
            if (package := f"{folder}/__init__.py") in candidates:
                yield package
            folder = posixpath.dirname(folder)


def _mentioned(repo: Repository, commit: str, stems: Collection[str]) -> set[str]:
    """Those names that stand as words in the Python files of a commit."""
    patterns = [word for stem in stems for word in ("-e", stem)]
    try:
        output = git(
            "--no-literal-pathspecs",  # for the *.py below, which is ours
            "grep", "-I", "-h", "-o", "-w", "-F", "--no-textconv", *patterns, commit, "--", "*.py",
            git_dir=repo.common_dir, extra=side_objects.variables(repo),
        )  # fmt: skip
    except GitFailed:  # nothing found is an error to git
        return set()
    return set(os.fsdecode(output).split("\n")) & set(stems)


def _words(path: Path) -> set[str]:
    try:
        text = path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return set()
    return set(re.findall(r"\w+", text))
