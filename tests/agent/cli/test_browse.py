"""Datasette on the desk: on this machine alone, behind a token, and nothing can be written."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from copydesk.agent.cli import browse
from copydesk.agent.desk.browse_pages import QUESTIONS, browse_metadata
from copydesk.agent.git import repository


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_is_answered_by_a_desk(measured_shop: Path, name: str) -> None:
    desk = repository.find(measured_shop).desk / "desk.db"
    with contextlib.closing(sqlite3.connect(f"file:{desk}?mode=ro", uri=True)) as db:
        cursor = db.execute(QUESTIONS[name].sql)
        columns = [column[0] for column in cursor.description]
        rows = cursor.fetchall()
    assert len(columns) == len(set(columns))
    if name in ("riskiest_gaps", "slowest_tests", "losing_coverage"):
        assert rows


def test_every_table_and_view_is_described_and_only_root_may_look(measured_shop: Path) -> None:
    desk = repository.find(measured_shop).desk / "desk.db"
    pages = browse_metadata("shop", desk)
    tables = pages["databases"]["desk"]["tables"]
    assert tables["drafts_waiting"]["description"] == "What the editor has not decided on yet."
    assert tables["traces"]["hidden"]
    assert pages["allow"] == {"id": "root"}
    with contextlib.closing(sqlite3.connect(f"file:{desk}?mode=ro", uri=True)) as db:
        for name, table in tables.items():
            for facet in table.get("facets", ()):
                db.execute(f'SELECT "{facet}" FROM "{name}" LIMIT 1')


def test_where_it_is_not_installed_the_command_is_named(
    run: Any, repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    done = run(repo, "browse")
    assert done.exit_code == 2
    assert "-m pip install 'copydesk[browse]'` adds it" in done.output
    monkeypatch.setattr(sys, "prefix", "/home/ada/.local/share/pipx/venvs/copydesk")
    assert "`pipx inject copydesk datasette` adds it" in run(repo, "browse").output


def test_without_a_desk_none_is_made(run: Any, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    done = run(repo, "browse")
    assert (done.exit_code, "there is no desk here yet" in done.output) == (2, True)
    assert not (repo / ".git" / "copydesk").exists()


def test_it_is_started_on_this_machine_alone(
    run: Any, measured_shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(browse, "_run", lambda command, folder: started.append(command) or 0)
    assert run(measured_shop, "browse", "--no-open").exit_code == 0
    [command] = started
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert "--root" in command
    assert "--open" not in command
    assert run(measured_shop, "browse", "--port", "8123").exit_code == 0
    assert (started[1][started[1].index("--port") + 1], started[1][-1]) == ("8123", "--open")


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("datasette"), reason="the extra `browse`")
def test_only_the_token_lets_anybody_look(measured_shop: Path, process: Callable[..., Any]) -> None:
    words = [sys.executable, "-m", "copydesk.agent.cli.main", "browse", "--no-open"]
    with subprocess.Popen(
        words, cwd=measured_shop, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        try:
            assert server.stdout
            output = ""
            while "startup complete" not in output:
                line = server.stdout.readline()
                assert line, output
                output += line
            found = re.search(r"http://127\.0\.0\.1:\d+/-/auth-token\?token=\w+", output)
            assert found, output
            top = found[0].split("/-/")[0]
            with httpx.Client(base_url=top, trust_env=False) as client:
                assert client.get("/desk").status_code == 403
                assert client.get("/desk/drafts.json").status_code == 403
                client.get(found[0])
                assert "What waits for a decision" in client.get("/desk").text
                answer = client.get("/desk/riskiest_gaps.json?_shape=array").json()
                assert {row["path"] for row in answer} == {"prices.py"}
                write = client.get("/desk.json", params={"sql": "delete from drafts"})
                assert write.status_code == 400
                assert client.get("/desk.db").status_code in (403, 404)
        finally:
            server.terminate()
