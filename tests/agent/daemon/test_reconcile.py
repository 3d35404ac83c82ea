from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.config import Personal
from copydesk.agent.daemon.reconcile import Seen, pending, reconcile
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import Repository, find

Git = Callable[..., str]
Commit = Callable[..., str]


@pytest.fixture
def db(found: Repository) -> Iterator[Database]:
    with open_desk(found.desk) as connection:
        yield connection


def jobs(db: Database) -> dict[str, str]:
    return dict(db.execute("SELECT subject, state FROM jobs WHERE kind = 'measure' ORDER BY id"))


def recorded(db: Database) -> set[str]:
    return {sha for (sha,) in db.execute("SELECT sha FROM commits")}


def test_a_repository_without_commits_is_nothing_special(tmp_path: Path, git: Git) -> None:
    (tmp_path / "fresh").mkdir()
    git(tmp_path / "fresh", "init", "-q")
    fresh = find(tmp_path / "fresh")
    with open_desk(fresh.desk) as db:
        assert reconcile(fresh, db) == Seen()
        assert not pending(fresh, db)
        git(tmp_path / "fresh", "commit", "-q", "--allow-empty", "-m", "first")
        assert pending(fresh, db)
        seen = reconcile(fresh, db)
        assert seen.commits == 1
        assert list(jobs(db)) == list(seen.tips)


def test_at_first_only_what_is_checked_out_is_measured(
    found: Repository, db: Database, repo: Path, git: Git, commit: Commit
) -> None:
    commit(repo, {"a.py": "1"})
    git(repo, "branch", "other")
    head = commit(repo, {"a.py": "2"})
    reconcile(found, db)
    assert jobs(db) == {head: "ready"}
    assert not pending(found, db)
    assert reconcile(found, db) == Seen()


def test_of_a_burst_the_tip_comes_first_and_all_is_recorded(
    found: Repository, db: Database, repo: Path, commit: Commit
) -> None:
    reconcile(found, db)
    shas = [commit(repo, {"a.py": str(n)}, message=f"no {n} \x01 ü") for n in range(5)]
    assert pending(found, db)
    seen = reconcile(found, db)
    assert (seen.tips, seen.commits) == ((shas[-1],), 5)
    assert set(shas) <= recorded(db)
    asked = queue_of(db)
    assert asked[0] == shas[-1]
    assert set(asked) >= set(shas)
    row = db.execute(
        "SELECT parents, author, subject FROM commits WHERE sha = ?", (shas[1],)
    ).fetchone()
    assert row == (shas[0], "Ada Author", "no 1 \x01 ü")


def queue_of(db: Database) -> list[str]:
    """The commits that wait to be measured, in the order in which they will be."""
    rows = db.execute("SELECT subject FROM jobs WHERE state = 'ready' ORDER BY priority DESC, id")
    return [str(sha) for (sha,) in rows]


def pulled(repo: Path, git: Git, count: int, mine: int) -> list[str]:
    """Commits that arrive at once: the last `mine` of them are the user's own, then a foreign tip.

    Made by plumbing, for 500 commits by porcelain would take a minute.
    """
    lines, parent = [], git(repo, "rev-parse", "HEAD")
    for number in range(count):
        who = "ada@example.com" if count - 1 - mine <= number < count - 1 else "bob@example.com"
        start = f"from {parent}\n" if number == 0 else ""
        lines.append(
            f"commit refs/heads/main\nauthor A <{who}> {number} +0000\n"
            f"committer A <{who}> {number} +0000\ndata 1\nx\n{start}"
        )
    subprocess.run(
        ["git", "fast-import", "--quiet", "--force"],
        cwd=repo, input="\n".join(lines).encode(), check=True,
    )  # fmt: skip
    return git(repo, "rev-list", "--reverse", f"{parent}..main").split()


@pytest.mark.parametrize(
    ("which", "burst", "expected"),
    [("tips", 20, 0), ("author", 20, 20), ("author", 5, 5), ("author", 0, 0), ("all", 20, 499)],
)
def test_a_pull_of_five_hundred_commits_asks_for_few_measures_and_the_tip_first(
    found: Repository,
    db: Database,
    repo: Path,
    git: Git,
    which: Any,
    burst: float,
    expected: int,
) -> None:
    personal = Personal(measures=which, burst=burst)
    reconcile(found, db, personal)
    before = set(queue_of(db))
    shas = pulled(repo, git, 500, mine=30)
    seen = reconcile(found, db, personal)
    assert (len(shas), seen.commits) == (500, 500)
    asked = [sha for sha in queue_of(db) if sha not in before]
    assert asked[0] == shas[-1]
    assert len(asked) == 1 + expected
    if which == "author":  # the newest of the author's own
        assert asked[1:] == shas[499 - expected : 499]
    assert set(shas) <= recorded(db)
    assert reconcile(found, db, personal) == Seen()


def test_every_way_to_make_a_commit_is_seen(
    found: Repository, db: Database, repo: Path, tmp_path: Path, git: Git, commit: Commit
) -> None:
    commit(repo, {"a.py": "1"})
    reconcile(found, db)
    known = set(git(repo, "rev-list", "--all").split())
    git(repo, "checkout", "-q", "-b", "topic")
    commit(repo, {"b.py": "1"})
    reconcile(found, db)
    git(repo, "checkout", "-q", "main")
    commit(repo, {"c.py": "1"})
    git(repo, "checkout", "-q", "topic")
    git(repo, "rebase", "-q", "main")
    reconcile(found, db)
    git(repo, "checkout", "-q", "main")
    git(repo, "merge", "-q", "--no-ff", "-m", "merge", "topic")
    plumbed = git(repo, "commit-tree", "-m", "plumbing", "main^{tree}", "-p", "main")
    git(repo, "update-ref", "refs/heads/deep/er", plumbed)
    git(repo, "checkout", "-q", "--detach")
    commit(repo, {"d.py": "1"})
    linked = tmp_path / "linked"
    git(repo, "worktree", "add", "-q", "-b", "beside", str(linked))
    commit(linked, {"e.py": "1"})
    reconcile(found, db)
    git(repo, "pack-refs", "--all")
    assert reconcile(found, db) == Seen()
    reachable = set(git(repo, "rev-list", "--branches", "HEAD").split())
    assert reachable - known <= recorded(db)


def test_a_waiting_measure_of_a_commit_that_was_amended_away_is_given_up(
    found: Repository, db: Database, repo: Path, git: Git, commit: Commit
) -> None:
    reconcile(found, db)
    first = commit(repo, {"a.py": "1"})
    reconcile(found, db)
    git(repo, "commit", "-q", "--amend", "-m", "better")
    assert reconcile(found, db).dropped == 1
    assert jobs(db)[first] == "dropped"
    git(repo, "reset", "-q", "--hard", first)
    reconcile(found, db)
    assert jobs(db)[first] == "ready"


def test_a_measure_that_has_begun_may_end(
    found: Repository, db: Database, repo: Path, commit: Commit
) -> None:
    reconcile(found, db)
    first = commit(repo, {"a.py": "1"})
    reconcile(found, db)
    db.execute("UPDATE jobs SET state = 'running' WHERE subject = ?", (first,))
    commit(repo, {"a.py": "2"})
    assert reconcile(found, db).dropped == 0
    assert jobs(db)[first] == "running"


def test_a_worktree_in_the_middle_of_something_is_left_alone(
    found: Repository, db: Database, repo: Path, tmp_path: Path, git: Git, commit: Commit
) -> None:
    linked = tmp_path / "linked"
    git(repo, "worktree", "add", "-q", "-b", "beside", str(linked))
    reconcile(found, db)
    git_dir = Path(git(linked, "rev-parse", "--absolute-git-dir"))
    git(linked, "checkout", "-q", "--detach")
    picked = commit(linked, {"a.py": "1"})
    (git_dir / "rebase-merge").mkdir()
    other = commit(repo, {"b.py": "1"})
    assert reconcile(found, db).tips == (other,)
    assert not pending(found, db)
    (git_dir / "rebase-merge").rmdir()
    assert reconcile(found, db).tips == (picked,)


def test_a_worktree_whose_folder_is_gone_does_no_harm(
    found: Repository, db: Database, repo: Path, tmp_path: Path, git: Git
) -> None:
    git(repo, "worktree", "add", "-q", "-b", "beside", str(tmp_path / "linked"))
    shutil.rmtree(tmp_path / "linked")
    assert reconcile(found, db).commits == 1


def test_tips_whose_objects_are_gone_are_no_hindrance(
    found: Repository, db: Database, repo: Path, commit: Commit
) -> None:
    reconcile(found, db)
    db.execute("INSERT INTO tips (sha) VALUES (?)", ("1" * 40,))
    sha = commit(repo, {"a.py": "1"})
    assert reconcile(found, db).tips == (sha,)
    assert db.execute("SELECT sha FROM tips").fetchall() == [(sha,)]


def test_a_commit_made_during_the_first_look_is_measured(
    found: Repository,
    db: Database,
    repo: Path,
    commit: Commit,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from copydesk.agent.daemon import reconcile as module

    made: list[str] = []

    def then_commit(question: Callable[[Repository], object]) -> Callable[[Repository], object]:
        def ask(where: Repository) -> object:
            answer = question(where)
            if not made:  # between the first question to git and the second
                made.append(commit(repo, {"a.py": "1"}))
            return answer

        return ask

    for name in ("branch_tips", "worktrees"):
        monkeypatch.setattr(module, name, then_commit(getattr(module, name)))
    reconcile(found, db)
    reconcile(found, db)
    assert jobs(db)[made[0]] == "ready"


def test_a_branch_whose_object_is_missing_costs_that_branch_alone(
    found: Repository, db: Database, repo: Path, commit: Commit
) -> None:
    commit(repo, {"a.py": "1"})
    reconcile(found, db)
    (repo / ".git" / "refs" / "heads" / "broken").write_text(f"{'1' * 40}\n")
    head = commit(repo, {"a.py": "2"})
    assert reconcile(found, db).tips == (head,)
    assert jobs(db)[head] == "ready"
    assert not pending(found, db)
