"""Commits on a made-up calendar."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Git = Callable[..., str]


@pytest.fixture
def story(repo: Path, git: Git, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Commit files on a day: story(day, files, message, author) returns the new sha."""

    def commit(
        day: int, files: dict[str, str | None], message: str, author: str = "Ada <ada@x.org>"
    ) -> str:
        for name, text in files.items():
            target = repo / name
            if text is None:
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        stamp = f"{1_600_000_000 + 86_400 * day} +0000"
        monkeypatch.setenv("GIT_COMMITTER_DATE", stamp)
        git(repo, "add", "-A")
        git(repo, "commit", "-q", f"--author={author}", f"--date={stamp}", "-m", message)
        return git(repo, "rev-parse", "HEAD")

    return commit
