"""What the daemon has had loaded is unloaded again when memory is short, and nothing else."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from copydesk.agent.errors import CopydeskError
from copydesk.agent.model.activity import read_activity
from copydesk.agent.model.choose_model import free_bytes
from copydesk.agent.model.types import ModelSettings

NAME: Final = "model_loaded.json"
SHORT: Final = 0.1
"""Of the whole memory; with less than that free, memory is short."""

_SECONDS = 2.0


class LoadedModel(NamedTuple):
    """A model that was loaded for the daemon, and the end of its stay that the server named after
    our last request. A later end says that somebody else has asked it since."""

    name: str
    expires_at: str


def remember(desk: Path, loaded: LoadedModel, *, by_us: bool) -> None:
    """Keep that a model is loaded because the daemon asked it.

    Args:
        desk: The desk's folder.
        loaded: The model as the server has it now.
        by_us: Whether it was loaded for this work; else it must have been so for earlier work.
    """
    before = _read(desk)
    if loaded.expires_at and (by_us or (before is not None and before.name == loaded.name)):
        with contextlib.suppress(OSError):  # a full disk does not end the work
            (desk / NAME).write_text(json.dumps(loaded._asdict()), "utf-8")


def unload_when_short(
    desk: Path, settings: Callable[[], ModelSettings], *, free: Callable[[], int] = free_bytes
) -> str:
    """Unload what the daemon has had loaded, where memory is short and nobody else has asked it.

    Args:
        desk: The desk's folder.
        settings: Tells where the server is; only called when memory is short.
        free: The free memory in bytes.

    Returns:
        The model that was unloaded; "" where none was.
    """
    loaded = _read(desk)
    if loaded is None or read_activity(desk) is not None or free() >= SHORT * _whole_memory():
        return ""
    (desk / NAME).unlink(missing_ok=True)
    try:
        return loaded.name if _unload(settings(), loaded) else ""
    except CopydeskError:
        return ""  # no server, nothing loaded


def _unload(settings: ModelSettings, loaded: LoadedModel) -> bool:
    # a daemon at rest stays small: http.client is only loaded when something is loaded
    from copydesk.agent.model.server import expires_at, survey
    from copydesk.agent.model.transport import NoSuchModel, fetch

    host, _, _ = survey(settings, _SECONDS)
    if expires_at(host, loaded.name, _SECONDS) != loaded.expires_at:
        return False
    body = {"model": loaded.name, "messages": [], "keep_alive": 0, "stream": False}
    try:
        fetch(host, "/api/chat", body, seconds=_SECONDS)
    except NoSuchModel:
        return False
    return True


def _read(desk: Path) -> LoadedModel | None:
    """What was last remembered; None where nothing was."""
    try:
        return LoadedModel(**json.loads((desk / NAME).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _whole_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
