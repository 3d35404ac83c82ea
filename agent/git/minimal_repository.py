"""A git repository around a snapshot, for tests that ask git: `git describe`, setuptools_scm.

It is at the commit and has the tags; objects are the user's own, reached as alternates and never
written to. Nothing of the user's configuration, hooks, branches or remotes is in it. It is made
anew for each use and goes with it, for a test may write to it.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from copydesk.agent.git import side_objects
from copydesk.agent.git.command import GitFailed, git
from copydesk.agent.git.locate import Repository
from copydesk.agent.git.revisions import checked
from copydesk.agent.records import Sha

_ASKING = (
    *("setuptools_scm", "hatch_vcs", "versioneer", "dunamai", "pbr", "pygit2", "dulwich", "git"),
)
"""Words in the source of whoever asks git."""


def asks_git(repo: Repository, sha: Sha) -> bool:
    """Whether a Python file of a commit may ask git."""
    patterns = [word for name in _ASKING for word in ("-e", name)]
    try:
        git(
            "--no-literal-pathspecs",  # for the *.py below, which is ours
            "grep", "-q", "-I", "-w", "-F", "--no-textconv", *patterns, checked(sha), "--", "*.py",
            git_dir=repo.common_dir,
        )  # fmt: skip
    except GitFailed:  # nothing found is an error to git
        return False
    return True


def write_repository(repo: Repository, sha: Sha, top: Path) -> tuple[Path, ...]:
    """Make a folder the worktree of a repository at a commit.

    Args:
        repo: The repository that the commit is of.
        sha: The commit.
        top: The folder, with the files of the commit.

    Returns:
        The folders of objects that it refers to, which git has to see as well.
    """
    folder = top / ".git"
    for name in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "info"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    objects = [repo.common_dir / "objects", *_alternates(repo.common_dir / "objects")]
    if (side := side_objects.folder(repo)).is_dir():
        objects += [side, *_alternates(side)]
    lines = [os.fsencode(path) for path in objects if "\n" not in str(path)]
    (folder / "objects/info/alternates").write_bytes(b"\n".join([*lines, b""]))
    (folder / "HEAD").write_text(f"{sha}\n")
    (folder / "config").write_text(_configuration(sha))
    for name in ("shallow", "info/exclude"):
        if (repo.common_dir / name).is_file():
            shutil.copyfile(repo.common_dir / name, folder / name)
    tags = git(
        "for-each-ref", "--format=%(objectname) %(refname)", "refs/tags", git_dir=repo.common_dir
    )
    (folder / "packed-refs").write_bytes(tags)
    git("read-tree", checked(sha), git_dir=folder)
    return tuple(objects)


def remove_repository(top: Path) -> None:
    """Take the repository away again, whatever the tests have made of it."""
    folder = top / ".git"
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _configuration(sha: Sha) -> str:
    sha256 = len(sha) == 64
    text = f"[core]\n\trepositoryformatversion = {int(sha256)}\n\tbare = false\n"
    return text + ("[extensions]\n\tobjectFormat = sha256\n" if sha256 else "")


def _alternates(objects: Path) -> list[Path]:
    """The folders that a folder of objects refers to itself."""
    try:
        lines = (objects / "info" / "alternates").read_bytes().split(b"\n")
    except OSError:
        return []
    paths = [objects / os.fsdecode(line) for line in lines if line and line[:1] not in b'#"']
    return [path for path in paths if path.is_dir()]
