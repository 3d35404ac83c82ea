"""What commits changed, as plain values that offers can hold against messages."""

from __future__ import annotations

from collections.abc import Iterable

from copydesk.agent.community.offers import Change
from copydesk.agent.coverage.source import functions
from copydesk.agent.git import repository as git
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Sha
from copydesk.agent.source_text import decode_source


def changes_of(repo: Repository, shas: Iterable[Sha]) -> list[Change]:
    """The changes of commits, with the functions that hold changed lines as `path::name`."""
    return [_change(Commit(repo, sha)) for sha in shas]


def _change(commit: Commit) -> Change:
    changes = commit.changes
    blobs = {path: commit.tree[path].blob for path in changes if path in commit.tree}
    blobs = {path: blob for path, blob in blobs.items() if path.endswith(".py")}
    texts = git.read_blobs(commit.repo, blobs.values())
    names = set()
    for path, blob in blobs.items():
        lines = changes[path].lines
        for span in functions(decode_source(texts[blob])):
            if any(span.first <= line <= span.last for line in lines):
                names.add(f"{path}::{span.name}")
    return Change(commit.sha, commit.info.subject, frozenset(changes), frozenset(names))
