from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk

DATA = Path(__file__).parents[2] / "data" / "community"


@pytest.fixture
def data() -> Path:
    """The sample exports."""
    return DATA


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    with open_desk(tmp_path / "desk") as database:
        yield database


@pytest.fixture
def discord_file(tmp_path: Path) -> Callable[..., Path]:
    """Write what DiscordChatExporter would of a channel with these messages."""

    def write(messages: list[dict[str, Any]], *, name: str = "export.json", at: str = "") -> Path:
        document: dict[str, Any] = {
            "guild": {"id": "9", "name": "Lanternworks"},
            "channel": {"id": "77", "type": "GuildTextChat", "category": "dev", "name": "talk"},
            "messages": messages,
        }
        if at:
            document = {"exportedAt": at, **document}
        path = tmp_path / name
        path.write_text(json.dumps(document), "utf-8")
        return path

    return write


@pytest.fixture
def discord_message() -> Callable[..., dict[str, Any]]:
    """One message as DiscordChatExporter writes it."""

    def build(identity: int, content: str, *, author: str = "5", **more: Any) -> dict[str, Any]:
        return {
            "id": str(identity),
            "type": "Default",
            "timestamp": f"2026-11-{1 + identity % 28:02d}T18:00:00+00:00",
            "content": content,
            "author": {"id": author, "name": f"name{author}", "nickname": f"Nick{author}"},
            **more,
        }

    return build
