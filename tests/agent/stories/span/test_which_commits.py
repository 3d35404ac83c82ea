"""The commits that somebody asks for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import find
from copydesk.agent.stories import span

Commit = Callable[..., str]
Git = Callable[..., str]


@pytest.fixture
def history(repo: Path, commit: Commit, git: Git, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Four commits, one a week, two of them tagged."""
    shas = []
    for week in range(4):
        for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
            monkeypatch.setenv(name, f"2026-11-{1 + 7 * week:02d}T10:00:00+00:00")
        shas.append(commit(repo, {"a.txt": str(week)}))
        if week % 2:
            git(repo, "tag", f"v{week}")
    return shas


def test_ranges_and_single_commits(repo: Path, history: list[str], git: Git) -> None:
    found = find(repo)
    assert span.range_of(found, f"{history[0]}..v3") == (history[0], history[1:])
    assert span.range_of(found, "v1") == (history[0], [history[1]])
    first = git(repo, "rev-list", "--max-parents=0", "HEAD")
    assert span.range_of(found, first) == ("", [first])
    assert span.since(found, "v1") == (history[1], history[2:])


def test_a_release_begins_at_the_tag_before(repo: Path, history: list[str], git: Git) -> None:
    found = find(repo)
    assert span.release(found, "v3") == (history[1], history[2:])
    first = git(repo, "rev-list", "--max-parents=0", "HEAD")
    assert span.release(found, "v1") == ("", [first, *history[:2]])
    assert span.release(found, first) == ("", [first])


def test_a_week(repo: Path, history: list[str]) -> None:
    now = datetime.fromisoformat("2026-11-23T10:00:00+00:00").timestamp()
    assert span.week(find(repo), now) == (history[2], history[3:])


def test_nothing_to_tell(repo: Path, history: list[str]) -> None:
    with pytest.raises(CopydeskError, match=r"no commit in v3\.\.v1"):
        span.range_of(find(repo), "v3..v1")
    with pytest.raises(CopydeskError, match="no commit in the last seven days"):
        span.week(find(repo), 4e9)
