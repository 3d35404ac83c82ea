"""What was loaded for the daemon is unloaded when memory is short; what others use is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.model.activity import ActivityFile
from copydesk.agent.model.client import Client
from copydesk.agent.model.loaded_model import LoadedModel, remember, unload_when_short
from copydesk.agent.model.types import ModelSettings
from copydesk.agent.records import Sha

MODEL = "qwen2.5-coder:7b"
PLENTY = 1 << 50


@pytest.fixture
def script(serve: Callable[..., Any], client_of: Callable[..., Client], tmp_path: Path) -> Any:
    """A server that has loaded a model for the daemon, whose desk remembers it."""
    server = serve()
    client = client_of(server)
    client.ask("?", purpose="test")
    remember(tmp_path, LoadedModel(client.name, client.expires_at()), by_us=client.has_loaded)
    return server


def unload(script: Any, desk: Path, free: int = 0) -> str:
    return unload_when_short(desk, lambda: ModelSettings(host=script.host), free=lambda: free)


def test_what_we_loaded_goes_when_memory_is_short(script: Any, tmp_path: Path) -> None:
    assert unload(script, tmp_path, PLENTY) == ""
    assert MODEL in script.loaded
    assert unload(script, tmp_path) == MODEL
    assert script.loaded == {}
    assert unload(script, tmp_path) == ""


def test_what_others_have_asked_since_stays(script: Any, tmp_path: Path) -> None:
    script.loaded[MODEL] = (4096, datetime.now(UTC) + timedelta(hours=2))
    assert unload(script, tmp_path) == ""
    assert MODEL in script.loaded


def test_what_was_loaded_before_us_is_not_remembered(
    serve: Callable[..., Any], client_of: Callable[..., Client], tmp_path: Path
) -> None:
    server = serve()
    server.loaded[MODEL] = (8192, datetime.now(UTC) + timedelta(hours=2))
    client = client_of(server)
    client.ask("?", purpose="test")
    assert not client.has_loaded
    remember(tmp_path, LoadedModel(client.name, client.expires_at()), by_us=client.has_loaded)
    assert unload(server, tmp_path) == ""
    assert MODEL in server.loaded


def test_nothing_is_unloaded_while_it_is_asked(script: Any, tmp_path: Path) -> None:
    with ActivityFile(tmp_path, "draft", Sha("1a2b3c4d")):
        assert unload(script, tmp_path) == ""
    assert unload(script, tmp_path) == MODEL


def test_a_model_that_is_asked_again_is_still_ours(
    script: Any, client_of: Callable[..., Client], tmp_path: Path
) -> None:
    client = client_of(script)
    client.ask("?", purpose="test")
    remember(tmp_path, LoadedModel(client.name, client.expires_at()), by_us=client.has_loaded)
    assert unload(script, tmp_path) == MODEL


def test_a_server_that_is_away_has_nothing_to_unload(tmp_path: Path) -> None:
    remember(tmp_path, LoadedModel(MODEL, "2026-12-01T00:00:00Z"), by_us=True)
    settings = ModelSettings(host="http://127.0.0.1:1")
    assert unload_when_short(tmp_path, lambda: settings, free=lambda: 0) == ""


def test_a_model_deleted_meanwhile_is_no_error(script: Any, tmp_path: Path) -> None:
    entries = script.models
    script.find = lambda name: type(script)(models=[]).find(name)
    assert entries
    assert unload(script, tmp_path) == ""
