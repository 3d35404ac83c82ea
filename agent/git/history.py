"""A repository's history as the text that the predictor reads."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from copydesk.agent.git.command import GitFailed, git, streaming
from copydesk.agent.git.repository import Repository, checked, find, resolve
from copydesk.agent.records import Sha
from copydesk.predictor.subjects.commits.history import FORMAT

_IGNORED = ".git-blame-ignore-revs"
_BLAME_SECONDS = 30.0


@dataclass(slots=True)
class GitHistory:
    """The history of one commit; what the predictor calls a History."""

    repo: Repository
    tip: Sha
    _ignored: list[str] | None = None

    def patches(self, after: str | None = None) -> Iterator[bytes]:
        """The lines of the log, as they come; see the protocol."""
        revisions = [checked(self.tip), *([f"^{checked(after)}"] if after else [])]
        with streaming(
            self.repo.common_dir,
            *(
                "-c",
                "core.quotePath=false",
                "-c",
                "diff.renames=true",
                "-c",
                "diff.renameLimit=400",
            ),
            "--no-literal-pathspecs",  # for the *.py below, which is ours
            *("log", "--no-merges", "--reverse", "--no-show-signature", "--no-notes"),
            *("-M", "-p", "-U0", "--no-color", "--no-ext-diff", "--no-textconv"),
            *("--src-prefix=a/", "--dst-prefix=b/", "--encoding=UTF-8", "--no-mailmap"),
            *(f"--format={FORMAT}", *revisions, "--", "*.py"),
        ) as (_, output):
            for line in output:
                yield line.rstrip(b"\r\n")

    def texts(self, files: Sequence[tuple[str, str]]) -> Iterator[str | None]:
        """The texts of files (commit and path), in the order asked, through one git process."""
        if not files:
            return
        with streaming(self.repo.common_dir, "cat-file", "--batch") as (questions, answers):
            # from another thread: git stops reading when nobody takes its answers
            asking = threading.Thread(target=_ask, args=(questions, files), daemon=True)
            asking.start()
            for _ in files:
                head = answers.readline().split()
                if len(head) == 3 and head[1] == b"blob":
                    raw = answers.read(int(head[2]) + 1)[:-1]
                    yield raw.decode("utf-8", "replace")
                else:
                    yield None
            asking.join()

    def blame(self, commit: str, path: str, lines: Sequence[tuple[int, int]]) -> bytes:
        """Who wrote ranges of lines; b"" where git cannot say."""
        ranges = [f"-L{first:d},{last:d}" for first, last in lines]
        try:
            return git(
                *(
                    "-c",
                    "core.quotePath=false",
                    "blame",
                    "-w",
                    "--porcelain",
                    *self._skipped(),
                    *ranges,
                    checked(commit),
                ),
                *("--", path),
                git_dir=self.repo.common_dir,
                timeout=_BLAME_SECONDS,
            )
        except GitFailed:
            return b""

    def _skipped(self) -> list[str]:
        """Commits that the project wants ignored (reformatting), as options."""
        if self._ignored is None:
            text = b""
            with contextlib.suppress(GitFailed):
                text = git("cat-file", "blob", f"{self.tip}:{_IGNORED}", git_dir=self.repo.git_dir)
            lines = text.decode("utf-8", "replace").split("\n")
            words = [line.partition("#")[0].strip() for line in lines]
            self._ignored = [f"--ignore-rev={word}" for word in words if self._is_commit(word)]
        return self._ignored

    def _is_commit(self, sha: str) -> bool:
        if len(sha) not in (40, 64) or not set(sha) <= set("0123456789abcdef"):
            return False
        try:
            git("cat-file", "-e", f"{sha}^{{commit}}", git_dir=self.repo.common_dir)
        except GitFailed:
            return False
        return True


def _ask(pipe: IO[bytes], files: Sequence[tuple[str, str]]) -> None:
    with contextlib.suppress(OSError, ValueError):
        for commit, path in files:
            pipe.write(os.fsencode(f"{commit}:{path}\n"))
        pipe.flush()


def open_history(folder: Path, revision: str = "HEAD") -> GitHistory:
    """The history of a repository's revision.

    Args:
        folder: The repository; not a bare one.
        revision: Its tip.

    Raises:
        CopydeskError: It is no repository, or has no such commit.
    """
    repo = find(folder)
    return GitHistory(repo, resolve(repo, revision))
