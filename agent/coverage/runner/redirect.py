"""Imports from editable installs lead to the commit's tree instead of the working tree.

What the user's interpreter is told; `copydesk_probe.redirect` does it there.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from copydesk.agent.coverage import probe
from copydesk.agent.git.repository import Repository, worktrees
from copydesk.agent.records import Interpreter
from copydesk.agent.sandbox.editable_installs import editable_roots


@dataclass(frozen=True, slots=True)
class Redirect:
    """What of a repository is installed in editable mode.

    `worktrees` are its working trees, `kept` what lies in one and is no part of it: virtual
    environments, the git folder. `roots` are the folders of a working tree, relative to it, that
    stand on the interpreter's import path.
    """

    worktrees: tuple[Path, ...]
    kept: tuple[Path, ...]
    roots: tuple[str, ...]

    @classmethod
    def of(cls, repo: Repository, python: Interpreter) -> Redirect:
        """What is installed for an interpreter."""
        tops = tuple(dict.fromkeys([*([repo.top] if repo.top else []), *worktrees(repo)]))
        kept = (repo.common_dir, repo.git_dir, python.prefix, python.base_prefix)
        return cls(tops, kept, editable_roots(python, tops))

    def variables(self, tree: Path) -> dict[str, str]:
        """The environment variable that has imports lead to a tree."""
        settings = {
            "worktrees": list(map(os.path.realpath, self.worktrees)),
            "kept": list(map(os.path.realpath, self.kept)),
            "tree": str(tree),
            "roots": [root for root in self.roots if (tree / root).is_dir()],
        }
        return {probe.REDIRECT: json.dumps(settings)}
