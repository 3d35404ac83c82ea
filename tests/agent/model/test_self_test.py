"""`copydesk doctor --model` and `copydesk model pull`, against the scripted server."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from copydesk.agent.cli.main import cli
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import find, set_config
from copydesk.agent.model.pull import pull
from copydesk.agent.model.self_test import _slow_check, checks
from copydesk.agent.model.types import ModelSettings

Serve = Callable[..., Any]


def states(host: str, **known: Any) -> dict[str, tuple[str, str]]:
    return {c.name: (c.state, c.message) for c in checks(ModelSettings(host=host, **known))}


def test_a_healthy_server_passes(serve: Serve) -> None:
    found = states(serve().host)
    assert {state for state, _ in found.values()} == {"ok"}
    assert list(found) == [
        *("model server", "cloud", "model", "streamed answer", "answer in one piece"),
        *("answer by schema", "context"),
    ]
    assert "Ollama 0.33.0 at http://127.0.0.1:" in found["model server"][1]
    assert found["context"][1] == "4,096 tokens"
    assert "switched off" in found["cloud"][1]


def test_a_version_is_shown_whole(serve: Serve) -> None:
    assert "Ollama 0.33.0-rc2 at" in states(serve(version="0.33.0-rc2").host)["model server"][1]


def test_a_pull_without_a_network_says_so(serve: Serve) -> None:
    settings = ModelSettings(host=serve(offline=True).host)
    with pytest.raises(CopydeskError, match="does not reach its library") as caught:
        pull(settings, "qwen2.5-coder:7b", lambda *_: None)
    assert caught.value.slug == "model-pull-offline"


def test_a_slow_model_is_said(serve: Serve) -> None:
    script = serve([json.dumps({"double": 8})], pace=0.3, piece=99)
    state, message = states(script.host)["speed"]
    assert state == "note"
    assert "under 5 the daemon asks it for short answers only" in message


@pytest.mark.parametrize(
    ("name", "details", "speed", "others", "fix"),
    [
        ("qwen2.5-coder:7b", "7.6B", 4.0, [], "copydesk model pull qwen3.5:4b"),
        ("qwen2.5-coder:7b", "7.6B", 2.5, [], "copydesk model pull qwen2.5-coder:3b"),
        ("mine:latest", "3.1B", 4.0, [], "copydesk model pull qwen2.5-coder:1.5b"),
        ("a:4b", "", 2.0, ["qwen2.5-coder:1.5b"], 'model = "qwen2.5-coder:1.5b" under'),
        ("a:135m", "134.5M", 4.0, [], "no preferred model is small enough"),
        ("mine:latest", "", 4.0, [], "no preferred model is small enough"),
    ],
)
def test_what_would_be_quicker_is_named(
    name: str, details: str, speed: float, others: list[str], fix: str
) -> None:
    installed = [{"name": name, "details": {"parameter_size": details}}]
    installed += [{"name": other, "details": {}} for other in others]
    assert _slow_check(name, speed, installed).fix.startswith(fix)


def test_an_older_server_is_warned_of(serve: Serve) -> None:
    found = states(serve(version="0.16.1", cloud_disabled=False).host)
    assert found["model server"][0] == "note"
    assert "does not say" in found["cloud"][1]
    assert "available" in states(serve(cloud_disabled=False).host)["cloud"][1]


@pytest.mark.parametrize(
    ("known", "last", "state"),
    [
        ({"version": "0.12.5"}, "model server", "wrong"),
        ({"models": []}, "model", "wrong"),
        ({"fault": "html502"}, "answer by schema", "wrong"),
    ],
)
def test_what_does_not_work_is_named(
    serve: Serve, known: dict[str, Any], last: str, state: str
) -> None:
    found = states(serve(**known).host)
    assert found[last][0] == state


def test_it_stands_behind_doctor_and_in_the_log(serve: Serve, repo: Path) -> None:
    set_config(find(repo), "copydesk.modelHost", serve().host)
    with open_desk(find(repo).desk):
        pass  # where copydesk was never set up, nothing is logged
    done = CliRunner().invoke(cli, ["-C", str(repo), "doctor", "--model"])
    assert done.exit_code == 0
    assert "✓ answer by schema: ok in" in done.output
    with open_desk(find(repo).desk) as db:
        [total] = db.model_calls.totals()
    assert (total["calls"], total["answered"], total["kept"]) == (3, 3, 0)
    said = CliRunner().invoke(cli, ["-C", str(repo), "log", "--model"]).output
    assert "100%" in said
    status = json.loads(CliRunner().invoke(cli, ["-C", str(repo), "status", "--json"]).output)
    assert status["model"]["totals"][0]["calls"] == 3


def test_a_model_is_pulled_with_its_progress(serve: Serve, repo: Path) -> None:
    script = serve()
    told: list[tuple[str, int, int]] = []
    settings = ModelSettings(host=script.host)
    pull(settings, "qwen2.5-coder:7b", lambda *said: told.append(said))
    assert told[-1][0] == "success"
    assert ("pulling 000000000000", 1000, 1000) in told
    set_config(find(repo), "copydesk.modelHost", script.host)
    done = CliRunner().invoke(cli, ["-C", str(repo), "model", "pull", "qwen2.5-coder:7b"])
    assert done.exit_code == 0
    assert "qwen2.5-coder:7b is installed." in done.output
    assert "pulling manifest" in done.output


@pytest.mark.parametrize(
    ("name", "slug"), [("nothing:1b", "model-not-pulled"), ("big:cloud", "model-remote")]
)
def test_what_cannot_be_pulled_is_said(serve: Serve, name: str, slug: str) -> None:
    with pytest.raises(CopydeskError) as caught:
        pull(ModelSettings(host=serve().host), name, lambda *_: None)
    assert caught.value.slug == slug
