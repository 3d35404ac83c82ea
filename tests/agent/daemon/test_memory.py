"""The daemon's scan unloads what was loaded for it, where memory is short."""

from __future__ import annotations

import logging
from functools import partial
from types import ModuleType

import pytest

from copydesk.agent.config import Personal
from copydesk.agent.daemon import scanner as scanning
from copydesk.agent.daemon.file_watcher import FileWatcher
from copydesk.agent.daemon.scanner import Scanner
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import Repository, set_config
from copydesk.agent.model.client import connect
from copydesk.agent.model.loaded_model import LoadedModel, remember, unload_when_short
from copydesk.agent.model.types import ModelSettings


@pytest.mark.parametrize("free", [0, 1 << 50], ids=["short", "plenty"])
def test_a_scan_gives_memory_back_that_is_short(
    found: Repository,
    ollama_server: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    free: int,
) -> None:
    monkeypatch.setattr(
        scanning, "unload_when_short", partial(unload_when_short, free=lambda: free)
    )
    watcher = FileWatcher(found.common_dir, lambda: None)
    logger = logging.getLogger("copydesk-test")
    caplog.set_level(logging.INFO, logger.name)
    with ollama_server.serve() as script, open_desk(found.desk) as db:
        set_config(found, "copydesk.modelHost", script.host)
        client = connect(ModelSettings(host=script.host))
        client.ask("?", purpose="test")
        remember(found.desk, LoadedModel(client.name, client.expires_at()), by_us=True)
        scanner = Scanner(found, db, watcher, logger, lambda python: None)
        for _ in range(2):
            scanner.scan(Personal())
        assert list(script.loaded) == ([client.name] if free else [])
    watcher.stop()
    assert caplog.messages.count(f"memory is short: {client.name} is unloaded") == (not free)
