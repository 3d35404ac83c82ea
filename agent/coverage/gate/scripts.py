"""Python scripts in a change whose names do not end in .py, and that were not measured."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from copydesk.agent.coverage.gate.changed_lines import INDEX, index_file, merge_base
from copydesk.agent.coverage.gate.request import GateRequest
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git
from copydesk.agent.git.command import git as run_git
from copydesk.agent.git.repository import Repository
from copydesk.agent.text import plural

MOST = 200
"""How many files without an ending are looked into."""

_RAW = ("--no-literal-pathspecs", "diff", "--raw", "-z", "--no-abbrev", "--no-renames",
        "--diff-filter=AM", "--ignore-submodules=all")  # fmt: skip
_OTHERS = (":(top)", ":(top,exclude,glob)**/*.py")
_PYTHON = re.compile(rb"#![^\n]*\b(python|pypy)[\d.]*\b")
_FILE_MODES = ("100644", "100755")


def remark_on_scripts(repo: Repository, request: GateRequest) -> tuple[str, ...]:
    """What is to be said of changed scripts of which there is no verdict; empty where none are.

    Args:
        repo: The repository.
        request: What is judged; files in it count already.
    """
    try:
        blobs = dict(_changed_blobs(repo, request))
        contents = git.read_blobs(repo, blobs.values())
    except CopydeskError:  # a clone that lacks some of them: what was asked for is judged
        return ()
    scripts = [
        path for path, blob in sorted(blobs.items()) if _PYTHON.match(contents.get(blob, b""))
    ]
    if not scripts:
        return ()
    names = ", ".join(scripts[:3]) + (", ..." if len(scripts) > 3 else "")
    return (
        f"no verdict on {plural(len(scripts), 'Python script')} whose name does not end in .py"
        f" ({names}): such a file counts once a test executes it; `--data` judges those that a"
        " coverage file names",
    )


def _changed_blobs(repo: Repository, request: GateRequest) -> Iterator[tuple[str, str]]:
    """Changed files that may be scripts, with their blobs."""
    ends = ["--cached"]
    if request.base is not None and request.head is not None:
        ends = [merge_base(repo, request.base, request.head), request.head]
    words = (*_RAW, *ends, "--", *_OTHERS)
    index = {INDEX: str(index_file(repo, os.environ))}
    fields = os.fsdecode(run_git(*words, git_dir=repo.git_dir, extra=index)).split("\0")
    count = 0
    for entry, path in zip(fields[::2], fields[1::2], strict=False):
        _, mode, _, blob = entry.split()[:4]
        is_nameless = "." not in path.rpartition("/")[2]
        if mode in _FILE_MODES and is_nameless and path not in request.change.files:
            yield path, blob
            count += 1
            if count == MOST:
                return
