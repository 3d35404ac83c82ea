"""The gate's policy on commits that say they keep what the code does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from copydesk.agent.behaviour import (
    BehaviourSearch,
    compare_commit,
    difference_words,
    kind_of,
)
from copydesk.agent.coverage.gate import Verdict
from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import Repository
from copydesk.agent.progress import Progress
from copydesk.agent.records import Sha

MOST_COMMITS = 50
"""Commits of a change that are looked at, the newest."""


def with_behaviour(
    verdict: Verdict, policy: str, repo: Repository, db: Database, commits: list[Sha]
) -> Verdict:
    """The verdict with what commits changed that say they keep what the code does.

    Args:
        verdict: The verdict on the coverage of the change.
        policy: "" leaves it as it is; "say" remarks on it; "stop" stops the change.
        repo: The repository.
        db: Its desk; what is not compared there is not judged.
        commits: The commits of the change, see `keeping_commits`.
    """
    words = tuple(_suspects(db, commits)) if policy else ()
    if not words:
        return verdict
    if policy == "stop":
        return replace(verdict, verdict="fail", reasons=(*verdict.reasons, *words))
    return replace(verdict, remarks=(*verdict.remarks, *words))


def keeping_commits(repo: Repository, base: Sha, head: Sha) -> list[Sha]:
    """The commits of a change that call themselves a refactor, style, docs or the like."""
    commits = git.reachable(repo, [head], [base])[-MOST_COMMITS:]
    infos = [(sha, Commit(repo, sha).info) for sha in commits]
    return [sha for sha, i in infos if kind_of(f"{i.subject}\n\n{i.body}") == "keeps"]


def compare_commits(repo: Repository, db: Database, commits: list[Sha], say: Progress) -> None:
    """Compare commits with their parents; where nothing may be run, that is said."""
    for sha in commits:
        try:
            list(compare_commit(BehaviourSearch(repo, db, say), sha))
        except CopydeskError as error:
            say(f"{sha[:8]} was not compared with its parent: {error}")


def _suspects(db: Database, commits: list[Sha]) -> Iterator[str]:
    for sha in commits:
        for row in db.comparisons.of_commit(sha):
            if row.is_suspect and row.state != "fine":
                first = next(iter(row.detail.get("differences") or ()), None)
                shown = f": {difference_words(first)}" if first else ""
                claim = f"{sha[:8]} keeps what the code does by its words"
                yield f"{claim}, but {row.name} differs{shown}"
