"""A file that cannot be written is a message with a cure, whichever command writes it."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.cli.error_report import refusal_of_system
from copydesk.agent.desk import ownership

Git = Callable[..., str]


@pytest.fixture
def copy(measured_shop: Path, tmp_path: Path) -> Path:
    """The measured shop, to be changed at will."""
    return Path(shutil.copytree(measured_shop, tmp_path / "copy", symlinks=True))


@pytest.fixture(params=["no folder", "a file for a folder", "too long"])
def nowhere(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A path at which nothing can be written, for root either."""
    (tmp_path / "file").write_text("")
    places = {
        "no folder": tmp_path / "none" / "out.html",
        "a file for a folder": tmp_path / "file" / "out.html",
        "too long": tmp_path / ("x" * 300 + ".html"),
    }
    return str(places[request.param])


@pytest.mark.parametrize(
    "command", ["report -o", "coverage --format json -o", "coverage -o", "backup"]
)
def test_the_message_names_the_file_and_a_cure(
    run: Any, copy: Path, nowhere: str, command: str
) -> None:
    result = run(copy, *command.split(), nowhere)
    assert result.exit_code == 2, result.output
    assert "bug" not in result.output
    assert nowhere in result.stderr
    assert len(result.stderr.splitlines()) == 3


def test_a_ci_job_says_its_verdict_though_a_file_cannot_be_written(
    run: Any, copy: Path, nowhere: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", nowhere)
    quality = tmp_path / "quality.json"
    words = ["ci", "--fail-under", "0", "--report", nowhere, "--code-quality", str(quality)]
    result = run(copy, *words)
    assert "Total: " in result.stdout
    assert result.stderr.count(f"{nowhere} cannot be written") == 2
    assert quality.exists()
    assert result.exit_code in (1, 2)  # what the gate says of the commit goes first


def test_an_ending_that_names_no_form_is_refused(run: Any, copy: Path) -> None:
    result = run(copy, "report", "-o", "report.pdf")
    assert result.exit_code == 2
    assert ".pdf" in result.output
    assert not (copy / "report.pdf").exists()
    assert run(copy, "report", "-o", "report.pdf", "--format", "md").exit_code == 0


def test_nothing_is_left_where_a_file_could_not_be_put(run: Any, copy: Path) -> None:
    (copy / "out.md").mkdir()
    (copy / "out.md" / "inside").write_text("")
    before = sorted(copy.iterdir())
    run(copy, "coverage", "--format", "json", "-o", str(copy / "out.md"))
    assert sorted(copy.iterdir()) == before


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENAMETOOLONG, errno.ENOSPC])
def test_what_the_system_refuses_is_no_bug(number: int) -> None:
    refusal = refusal_of_system(OSError(number, os.strerror(number), "/some/where"))
    assert refusal is not None
    assert str(refusal) == f"/some/where: {os.strerror(number)}"
    assert refusal.hint


def test_another_error_stays_a_bug() -> None:
    assert refusal_of_system(FileNotFoundError(errno.ENOENT, "gone", "x")) is None
    assert refusal_of_system(ValueError("x")) is None


def test_a_desk_of_another_user_names_that_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = tmp_path / "copydesk"
    desk.mkdir()
    monkeypatch.setattr(ownership.os, "access", lambda *_: False)
    monkeypatch.setattr(ownership.os, "geteuid", lambda: 4_000_000)
    error = ownership.desk_not_writable(desk / "desk.db", "Permission denied")
    assert "belongs to " in error.hint
    assert "a clone of your own" in error.hint


@pytest.mark.parametrize("name", ["objects", "spool", "daemon.lock"])
def test_every_file_of_a_desk_of_another_user_names_that_user(
    repo: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    desk = repo / ".git/copydesk"
    desk.mkdir()
    monkeypatch.setattr(ownership.os, "access", lambda *_: False)
    monkeypatch.setattr(ownership.os, "geteuid", lambda: 4_000_000)
    error = refusal_of_system(PermissionError(errno.EACCES, "Permission denied", str(desk / name)))
    assert error is not None
    assert error.slug == "desk-not-writable"
    assert "a clone of your own" in error.hint
    other = refusal_of_system(PermissionError(errno.EACCES, "Permission denied", str(repo / "x")))
    assert other is not None
    assert other.slug == "refused-by-system"
    assert "belongs to " in other.hint


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="root may write anywhere")
@pytest.mark.parametrize("command", ["measure", "daemon start", "init --native --yes"])
def test_a_git_folder_that_cannot_be_written_is_a_message_with_its_cure(
    run: Any, repo: Path, command: str
) -> None:
    folders = [repo / ".git", *(path for path in (repo / ".git").rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        done = run(repo, *command.split())
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert done.exit_code == 2, done.output
    assert "bug" not in done.output
    # of its own configuration git itself says which file it is
    assert "Check the rights of " in done.output or "this user cannot write there" in done.output
    assert "delete" not in done.output.lower()
