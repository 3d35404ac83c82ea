from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.daemon import control, log
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import interpreter
from copydesk.agent.git.repository import Repository, find, get_config
from copydesk.agent.setup import initialise
from copydesk.agent.setup.git_hooks import hooks_folder
from copydesk.agent.setup.initialise import set_up, undo
from copydesk.agent.setup.precommit_config import HOOK_TYPES, NAME

Git = Callable[..., str]


def setup(repo: Repository, *, native: bool = False) -> list[str]:
    return set_up(repo, native=native, repo_url=None, rev=None, progress=lambda _: None)


def installed(repo: Path) -> set[str]:
    return {p.name for p in (repo / ".git/hooks").iterdir() if p.suffix != ".sample"}


@pytest.fixture
def no_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a CI machine."""
    monkeypatch.setenv("CI", "1")


def test_it_sets_everything_up_and_says_so(found: Repository, repo: Path) -> None:
    said = "\n".join(setup(found))
    assert f"Wrote {NAME}." in said
    assert "Python" in said
    assert "Queued the first measure" in said
    assert "daemon is running" in said
    assert installed(repo) == set(HOOK_TYPES)
    assert get_config(found, "copydesk.bin") == str(Path(sys.executable).parent)
    with open_desk(found.desk) as db:
        assert db.execute("SELECT kind FROM jobs").fetchone() == ("measure",)


@pytest.mark.usefixtures("no_daemon")
def test_nothing_is_written_where_a_link_of_the_tree_leads(
    found: Repository, repo: Path, git: Git, tmp_path: Path
) -> None:
    other = tmp_path / "of-another-project.yaml"
    other.write_text("repos: []\n")
    (repo / NAME).symlink_to(other)
    git(repo, "add", NAME)
    with pytest.raises(CopydeskError, match="is not written: it leads to"):
        setup(found)
    assert installed(repo) == set()
    said = "\n".join(setup(found, native=True))  # which needs no such file
    assert "post-commit: installed" in said
    undo(found)
    assert other.read_text() == "repos: []\n"


def test_a_commit_goes_through_our_hooks(found: Repository, repo: Path, git: Git) -> None:
    setup(found)
    control.stop(found)
    (repo / "a.py").write_text("x = 1\n")
    git(repo, "add", "-A")
    done = subprocess.run(
        ["git", "commit", "-m", "x"], cwd=repo, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0
    assert "copydesk gate" in done.stderr
    assert done.stderr.count("Passed") == 2
    until = time.monotonic() + 20
    hooks: set[str] = set()
    while not {"pre-commit", "post-commit"} <= hooks:
        assert time.monotonic() < until
        hooks = set(re.findall(r"notified by (\S+) in", "\n".join(log.tail(found.desk, 100))))
    assert control.status(found).running


@pytest.mark.usefixtures("no_daemon")
def test_who_has_no_copydesk_passes(found: Repository, repo: Path, git: Git) -> None:
    setup(found)
    git(repo, "config", "--unset", "copydesk.bin")
    (repo / "a.py").write_text("x = 1\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-m", "x")


@pytest.mark.usefixtures("no_daemon")
def test_undoing_leaves_no_trace_but_the_desk(found: Repository, repo: Path, git: Git) -> None:
    config = (repo / ".git/config").read_text()
    setup(found)
    said = "\n".join(undo(found))
    assert f"Deleted {NAME}" in said
    assert str(found.desk) in said
    assert git(repo, "status", "--porcelain") == ""
    assert installed(repo) == set()
    assert (repo / ".git/config").read_text().split() == config.split()
    assert (found.desk / "desk.db").exists()
    assert not (found.desk / "hooks").exists()
    assert not undo(found)[:-1]


@pytest.mark.usefixtures("no_daemon")
def test_undoing_gives_a_configuration_back_to_the_byte(found: Repository, repo: Path) -> None:
    text = b"# mine\r\nrepos:   [ ]   # none\r\n"
    (repo / NAME).write_bytes(text)
    setup(found)
    assert b"copydesk-gate" in (repo / NAME).read_bytes()
    assert any("git add" in said for said in setup(found)) is False
    undo(found)
    assert (repo / NAME).read_bytes() == text


@pytest.mark.usefixtures("no_daemon")
def test_undoing_keeps_what_was_changed_since(found: Repository, repo: Path) -> None:
    setup(found)
    with (repo / NAME).open("a") as file:
        file.write("fail_fast: true\n")
    setup(found)
    undo(found)
    assert (repo / NAME).read_text().split() == ["repos:", "fail_fast:", "true"]


@pytest.mark.usefixtures("no_daemon")
def test_a_file_that_is_ours_but_for_its_spaces_goes_too(found: Repository, repo: Path) -> None:
    setup(found)
    with (repo / NAME).open("a") as file:
        file.write("\n")
    undo(found)
    assert not (repo / NAME).exists()


@pytest.mark.usefixtures("no_daemon")
def test_hooks_of_pre_commit_that_were_there_stay(found: Repository, repo: Path) -> None:
    script = Path(sys.executable).parent / "pre-commit"
    (repo / NAME).write_text("repos: []\n")
    subprocess.run([script, "install"], cwd=repo, check=True, capture_output=True)
    setup(found)
    undo(found)
    assert installed(repo) == {"pre-commit"}


def test_doing_it_twice_is_doing_it_once(found: Repository, repo: Path) -> None:
    setup(found)
    text = (repo / NAME).read_text()
    assert any("already" in said for said in setup(found))
    assert (repo / NAME).read_text() == text
    with open_desk(found.desk) as db:
        assert db.execute("SELECT count(*) FROM jobs WHERE kind = 'measure'").fetchone() == (1,)
    assert "Stopped the daemon." in undo(found)


@pytest.mark.usefixtures("no_daemon")
def test_a_hook_repository_can_be_named(found: Repository, repo: Path) -> None:
    set_up(found, native=False, repo_url="https://example.com/x", rev="v1", progress=lambda _: None)
    text = (repo / NAME).read_text()
    assert "- repo: https://example.com/x\n  rev: v1\n" in text


@pytest.mark.usefixtures("no_daemon")
def test_native_hooks_need_no_pre_commit(
    found: Repository, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(initialise, "_pre_commit_program", lambda: None)
    said = "\n".join(setup(found, native=True))
    assert installed(repo) == {"post-commit", "post-merge", "post-rewrite"}
    assert "post-commit: installed" in said
    assert not (repo / NAME).exists()
    undo(found)
    assert installed(repo) == set()


@pytest.mark.usefixtures("no_daemon")
def test_native_hooks_and_the_gate_go_together(found: Repository, repo: Path) -> None:
    (repo / NAME).write_text("repos: []\n")
    setup(found, native=True)
    text = (repo / NAME).read_text()
    assert "copydesk-gate" in text
    assert "copydesk-commit" not in text
    assert installed(repo) == {"pre-commit", "pre-push", *HOOK_TYPES[2:]}
    undo(found)
    assert (repo / NAME).read_text() == "repos: []\n"
    assert installed(repo) == set()


@pytest.mark.usefixtures("no_daemon")
def test_hooks_that_live_elsewhere(found: Repository, repo: Path, git: Git) -> None:
    git(repo, "config", "core.hooksPath", ".husky/_")
    assert hooks_folder(found) == repo / ".husky/_"
    with pytest.raises(CopydeskError, match="husky") as error:
        setup(found)
    assert error.value.slug == "hooks-path"
    assert get_config(found, "copydesk.bin") is None
    said = "\n".join(setup(found, native=True))
    assert "husky writes" in said
    assert (repo / ".husky/_/post-commit").exists()
    undo(found)
    assert not (repo / ".husky/_/post-commit").exists()


def test_the_hooks_folder_is_found_in_every_scope(
    found: Repository, repo: Path, git: Git, tmp_path: Path
) -> None:
    assert hooks_folder(found) == repo / ".git/hooks"
    git(repo, "config", "--global", "core.hooksPath", "~/hooks")
    assert hooks_folder(found) == Path(os.environ["HOME"]) / "hooks"
    git(repo, "config", "extensions.worktreeConfig", "true")
    git(repo, "config", "--worktree", "core.hooksPath", "/else where")
    assert hooks_folder(found) == Path("/else where")


def test_without_pre_commit_it_says_what_to_do(
    found: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(initialise, "_scripts_folder", lambda: tmp_path)
    monkeypatch.setenv("PATH", str(Path(shutil.which("git") or "").parent))
    if shutil.which("pre-commit"):
        pytest.skip("pre-commit is beside git here")
    with pytest.raises(CopydeskError) as error:
        setup(found)
    assert error.value.slug == "no-pre-commit"


@pytest.mark.usefixtures("no_daemon")
def test_a_pre_commit_that_fails_is_quoted(
    found: Repository, repo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "pre-commit"
    broken.write_text("#!/bin/sh\necho it is broken; exit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(initialise, "_pre_commit_program", lambda: str(broken))
    with pytest.raises(CopydeskError, match="it is broken") as error:
        setup(found)
    assert error.value.slug == "pre-commit-failed"
    assert not (repo / NAME).exists()


@pytest.mark.usefixtures("no_daemon")
def test_undoing_without_pre_commit_does_what_it_can(
    found: Repository, repo: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    setup(found)
    monkeypatch.setattr(initialise, "_pre_commit_program", lambda: str(tmp_path / "missing"))
    assert any("could not take" in said for said in undo(found))
    setup_again = tmp_path / "x"
    setup_again.touch()
    (found.desk / "setup.json").write_text('{"types": ["pre-commit"]}')
    monkeypatch.setattr(initialise, "_pre_commit_program", lambda: None)
    assert any("pre-commit is gone" in said for said in undo(found))


@pytest.mark.usefixtures("no_daemon")
def test_the_shells_environment_is_remembered(
    found: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    setup(found)
    assert get_config(found, interpreter.RECORDED) is None
    python = tmp_path / "env/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "env"))
    setup(found)
    assert get_config(found, interpreter.RECORDED) == str(python)
    assert any("recordedPython" in said for said in undo(found))


@pytest.mark.usefixtures("no_daemon")
def test_what_the_environment_lacks_is_said_not_fatal(
    found: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = interpreter.find(found)._replace(pytest=None)

    def fail(*_: object) -> interpreter.ProjectPython:
        raise interpreter.missing_error(lacking)

    monkeypatch.setattr(interpreter, "find", lambda *_: lacking)
    monkeypatch.setattr(interpreter, "provide", fail)
    assert "Nothing can be measured yet" in setup(found)[0]


@pytest.mark.usefixtures("no_daemon")
def test_a_repository_without_commits(tmp_path: Path, git: Git, found: Repository) -> None:
    (tmp_path / "fresh").mkdir()
    git(tmp_path / "fresh", "init", "-q")
    git(tmp_path / "fresh", "config", "copydesk.python", sys.executable)
    fresh = find(tmp_path / "fresh")
    assert not any("Queued" in said for said in setup(fresh))


@pytest.mark.usefixtures("no_daemon")
def test_a_linked_configuration_stays_a_link(found: Repository, repo: Path, tmp_path: Path) -> None:
    (tmp_path / "shared.yaml").write_text("repos: []\n")
    (repo / NAME).symlink_to(tmp_path / "shared.yaml")
    setup(found)
    assert (repo / NAME).is_symlink()
    assert "copydesk-gate" in (tmp_path / "shared.yaml").read_text()


@pytest.mark.usefixtures("no_daemon")
def test_a_configuration_that_is_no_text_is_refused(found: Repository, repo: Path) -> None:
    (repo / NAME).write_bytes(b"\xff\xfe")
    with pytest.raises(CopydeskError) as error:
        setup(found)
    assert error.value.slug == "bad-precommit-config"


def test_native_hooks_after_undoing_leave_pre_commit_alone(found: Repository, repo: Path) -> None:
    (repo / ".pre-commit-config.yaml").write_text("repos: []\n")
    setup(found)
    initialise.undo(found)
    setup(found, native=True)
    assert (repo / ".pre-commit-config.yaml").read_text() == "repos: []\n"
    assert "pre-push" not in installed(repo)
    setup(found)
    assert "copydesk-gate" in (repo / ".pre-commit-config.yaml").read_text()


@pytest.mark.parametrize("native", [False, True])
def test_a_configuration_that_pre_commit_refuses_is_left_as_it_is(
    found: Repository, repo: Path, native: bool
) -> None:
    text = "repos:\n- repo: https://example.com/x\n  hooks:\n  - id: black\n"
    (repo / ".pre-commit-config.yaml").write_text(text)
    with pytest.raises(CopydeskError, match="pre-commit does not take") as caught:
        setup(found, native=native)
    assert caught.value.slug == "bad-precommit-config"
    assert (repo / ".pre-commit-config.yaml").read_text() == text


def test_the_floor_is_asked_for_where_none_is_set(found: Repository, repo: Path) -> None:
    setup(found, native=True)
    assert (found.desk / "floor-wanted").exists()
