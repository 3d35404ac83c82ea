from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from copydesk.agent.cli.main import cli
from copydesk.agent.desk import queue
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import find, set_config


def run(repo: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["-C", str(repo), "doctor", *words])
    return result.exit_code, result.output


def states(repo: Path) -> dict[str, dict[str, str]]:
    _, output = run(repo, "--json")
    return {finding["name"]: finding for finding in json.loads(output)}


def test_everything_that_matters_is_looked_at(repo: Path) -> None:
    set_config(find(repo), "copydesk.python", sys.executable)
    found = states(repo)
    assert list(found) == ["interpreter", "hooks", "daemon", "queue", "sandbox", "model", "disk"]
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
        queue.put(db, "measure", "a" * 40)
        job = queue.lease(db)
        assert job
        queue.fail(db, job, "it broke", final=True)
    code, output = run(repo)
    assert code == 1
    assert "✗ interpreter: git config copydesk.python names /no/such/python" in output
    assert "git config copydesk.python /path/to/python" in output
    assert "· sandbox: tier off" in output
    assert "it broke" in output
    assert "✓ hooks" in output


def test_a_full_disk_is_seen(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from copydesk.agent.cli import doctor

    monkeypatch.setattr(doctor, "LOW_DISK", 1 << 60)
    assert states(repo)["disk"]["state"] == "wrong"
