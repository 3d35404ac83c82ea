"""Completion is put where the shell looks, in the account of whoever asks."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An account without anything in it."""
    folder = tmp_path / "account"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "ZDOTDIR"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(run: Any, tmp_path: Path, shell: str) -> None:
    done = run(tmp_path, "completion", shell)
    assert done.exit_code == 0
    assert "_COPYDESK_COMPLETE" in done.output


@pytest.mark.parametrize(
    ("shell", "place"),
    [
        ("bash", ".local/share/bash-completion/completions/copydesk"),
        ("zsh", ".local/share/zsh/site-functions/_copydesk"),
        ("fish", ".config/fish/completions/copydesk.fish"),
    ],
)
def test_installed_twice_is_installed_once(run: Any, home: Path, shell: str, place: str) -> None:
    page = home / ".local/share/man/man1/copydesk.1"
    for _ in range(2):
        done = run(home, "completion", shell, "--install")
        assert done.exit_code == 0, done.output
        assert f"Wrote {home / place}\nWrote {page}\n" in done.output
    assert (home / place).read_text() == run(home, "completion", shell).output.removesuffix("\n")
    assert page.read_text().startswith(".TH COPYDESK")
    if shell == "zsh":
        start = (home / ".zshrc").read_text()
        assert start.count("fpath=") == 1
        assert start.endswith("copydesk's completion\n")


def test_what_is_in_the_start_file_of_zsh_stays(run: Any, home: Path) -> None:
    (home / ".zshrc").write_bytes(b"alias x=y # caf\xe9")
    assert run(home, "completion", "zsh", "--install").exit_code == 0
    lines = (home / ".zshrc").read_bytes().split(b"\n")
    assert lines[0] == b"alias x=y # caf\xe9"
    assert len(lines) == 3


def test_the_shell_is_the_one_of_the_account(
    run: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHELL", "/usr/bin/fish")
    assert "function _copydesk_completion" in run(home, "completion").output
    monkeypatch.setenv("SHELL", "/bin/tcsh")
    done = run(home, "completion", "--install")
    assert done.exit_code == 2
    assert "$SHELL says 'tcsh'" in done.output
    assert list(home.iterdir()) == []


def test_a_place_that_cannot_be_written_is_a_problem(run: Any, home: Path) -> None:
    (home / ".local").write_text("in the way")
    done = run(home, "completion", "bash", "--install")
    assert done.exit_code == 2
    assert "cannot be written" in done.output


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_bash_reads_what_was_installed(run: Any, home: Path) -> None:
    run(home, "completion", "bash", "--install")
    script = home / ".local/share/bash-completion/completions/copydesk"
    done = subprocess.run(
        ["bash", "-c", f". '{script}' && complete -p copydesk"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "_copydesk_completion" in done.stdout
