from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from copydesk.agent.cli.main import cli
from copydesk.agent.daemon import control
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import find, set_config
from copydesk.hooks import native_hooks


def run(repo: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["-C", str(repo), "doctor", *words])
    return result.exit_code, result.output


def states(repo: Path) -> dict[str, dict[str, str]]:
    _, output = run(repo, "--json")
    return {finding["name"]: finding for finding in json.loads(output)}


def test_everything_that_matters_is_looked_at(repo: Path) -> None:
    set_config(find(repo), "copydesk.python", sys.executable)
    found = states(repo)
    assert list(found) == [
        *(
            "interpreter",
            "hooks",
            "daemon",
            "watching",
            "desk",
            "queue",
            "tests",
            "coverage",
            "sandbox",
            "model",
            "disk",
        )
    ]
    assert found["interpreter"]["state"] == "ok"
    assert found["hooks"]["fix"] == "copydesk init"
    assert found["daemon"]["state"] == "note"
    assert "embedded drafter" in found["model"]["said"]


def test_what_is_wrong_has_its_cure_and_the_exit_code_says_so(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_config(find(repo), "copydesk.python", "/no/such/python")
    set_config(find(repo), "copydesk.sandbox", "off")
    set_config(find(repo), "copydesk.bin", "/somewhere")
    with open_desk(find(repo).desk) as db:
        db.jobs.enqueue("measure", "a" * 40)
        job = db.jobs.lease()
        assert job
        db.jobs.fail(job, "it broke", final=True)
    code, output = run(repo)
    assert code == 1
    assert "✗ interpreter: git config copydesk.python names /no/such/python" in output
    assert "git config copydesk.python /path/to/python" in output
    assert "· sandbox: tier off" in output
    assert "it broke" in output
    assert "· hooks: git runs none of copydesk's hooks" in output


def test_whose_hooks_git_runs_is_said(repo: Path, git: Callable[..., str]) -> None:
    hooks = repo / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for name, text in (("pre-commit", "#!/bin/sh\nlefthook run"), ("pre-push", "#!/bin/sh\nx")):
        (hooks / name).write_text(text)
        (hooks / name).chmod(0o755)
    native_hooks.install(str(hooks))
    set_config(find(repo), "copydesk.bin", "/somewhere")
    found = states(repo)["hooks"]
    assert found["state"] == "ok"
    assert f"pre-commit: lefthook ({hooks / 'pre-commit'})" in found["said"]
    assert "pre-push: somebody else" in found["said"]
    assert f"post-commit: copydesk ({hooks / 'post-commit'})" in found["said"]
    git(repo, "config", "core.hooksPath", ".husky/_")
    (repo / ".husky/_").mkdir(parents=True)
    (repo / ".husky/_/post-commit").write_text("#!/bin/sh\n")
    (repo / ".husky/_/post-commit").chmod(0o755)
    found = states(repo)["hooks"]
    assert found["state"] == "note"
    assert "core.hooksPath is" in found["said"]
    assert "post-commit: husky" in found["said"]


def test_a_damaged_desk_and_one_that_was_set_aside_are_seen(repo: Path) -> None:
    desk = find(repo).desk
    with open_desk(desk):
        pass
    assert states(repo)["desk"]["state"] == "ok"
    (desk / "damaged/20260101T000000").mkdir(parents=True)
    found = states(repo)["desk"]
    assert (found["state"], "was moved to" in found["said"]) == ("note", True)
    data = bytearray((desk / "desk.db").read_bytes())
    data[8192:12288] = b"\xff" * 4096
    (desk / "desk.db").write_bytes(data)
    assert states(repo)["desk"]["state"] == "wrong"


def test_what_holds_the_daemon_back_and_an_old_one_are_seen(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from copydesk.agent.cli import doctor

    with open_desk(find(repo).desk):
        pass
    monkeypatch.setattr(doctor, "pause_reason", lambda *_: "the moon is full")
    assert "the moon is full" in states(repo)["daemon"]["said"]
    monkeypatch.setattr(
        control, "status", lambda _: control.Status(True, 7, "0.0.1", sys.prefix, 0.0)
    )
    assert states(repo)["daemon"]["said"].startswith("process 7 is copydesk 0.0.1")
    monkeypatch.setattr(doctor.Path, "is_file", lambda _: False)
    assert "no inotify limits" in states(repo)["watching"]["said"]


def test_a_full_disk_is_seen(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from copydesk.agent.cli import doctor

    monkeypatch.setattr(doctor, "LOW_DISK", 1 << 60)
    assert states(repo)["disk"]["state"] == "wrong"
    monkeypatch.setattr(doctor.space, "LOW_BYTES", 1 << 60)
    assert states(repo)["disk"]["said"].startswith("full: ")


def test_settings_in_a_file_of_the_repository_are_named_as_what_does_not_count(
    repo: Path, git: Callable[..., str]
) -> None:
    (repo / ".gitconfig").write_text("[copydesk]\n\tsandbox = off\n")
    git(repo, "config", "include.path", "../.gitconfig")
    assert "copydesk.sandbox" in states(repo)["settings"]["said"]
