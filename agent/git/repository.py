"""Questions to git: repositories, refs, commits, trees, blobs, differences, configuration."""

from __future__ import annotations

from copydesk.agent.git.configuration import (
    Setting,
    get_config,
    get_section,
    ignored_decisions,
    set_config,
)
from copydesk.agent.git.locate import Repository, busy, find
from copydesk.agent.git.objects import (
    CommitInfo,
    Entry,
    FileChange,
    changes,
    commit_info,
    read_blob,
    read_blobs,
    read_file,
    tree,
    trees,
)
from copydesk.agent.git.revisions import (
    ancestors,
    between,
    branch_tips,
    checked,
    exists,
    is_tracked,
    reachable,
    resolve,
    tips,
    worktrees,
)

__all__ = [
    "CommitInfo",
    "Entry",
    "FileChange",
    "Repository",
    "Setting",
    "ancestors",
    "between",
    "branch_tips",
    "busy",
    "changes",
    "checked",
    "commit_info",
    "exists",
    "find",
    "get_config",
    "get_section",
    "ignored_decisions",
    "is_tracked",
    "reachable",
    "read_blob",
    "read_blobs",
    "read_file",
    "resolve",
    "set_config",
    "tips",
    "tree",
    "trees",
    "worktrees",
]
