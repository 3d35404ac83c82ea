"""What a model server is and what it has."""

from __future__ import annotations

import os
import re
import time
from typing import Final

from copydesk.agent.model import choose_model
from copydesk.agent.model.faults import ModelUnavailable
from copydesk.agent.model.hosts import Host, allowed_host
from copydesk.agent.model.privacy import same_model
from copydesk.agent.model.transport import NoSuchModel, fetch
from copydesk.agent.model.types import ModelSettings
from copydesk.agent.records import Json

OLDEST: Final = (0, 12, 6)
"""The first Ollama that knows `truncate`."""


def survey(settings: ModelSettings, seconds: float) -> tuple[Host, tuple[int, ...], list[Json]]:
    """Ask the server what it is and what it has; loads nothing.

    Args:
        settings: The user's; without a host $OLLAMA_HOST counts.
        seconds: For both questions together.

    Returns:
        Its address, its version, and the raw entries of /api/tags.

    Raises:
        ModelUnavailable: It may not be asked, does not answer, is not Ollama, or is too old.
    """
    end = time.monotonic() + seconds
    raw = settings.host or os.environ.get("OLLAMA_HOST")
    host = allowed_host(raw, settings.allow_remote)
    text = version_text(host, seconds)
    version = _version(text)
    if version < OLDEST:
        raise ModelUnavailable(
            f"Ollama {text} is too old: copydesk needs 0.12.6 or newer",
            slug="model-server-old",
            hint="update Ollama; your models stay",
        )
    tags = fetch(host, "/api/tags", seconds=max(end - time.monotonic(), 0.1)).get("models") or []
    return host, version, [entry for entry in tags if isinstance(entry, dict)]


def version_text(host: Host, seconds: float) -> str:
    """A server's version as it names itself, such as 0.33.0-rc2."""
    return str(fetch(host, "/api/version", seconds=seconds).get("version", ""))


def _version(text: str) -> tuple[int, ...]:
    """The numbers of a version; a build of one's own says 0.0.0 and counts as the newest."""
    numbers = tuple(int(n) for n in re.findall(r"\d+", text.partition("-")[0])[:3])
    return numbers if any(numbers) else (999,)


def show(host: Host, name: str, seconds: float) -> Json:
    """The raw answer of /api/show for one model.

    Raises:
        ModelUnavailable: The server does not answer, or has no such model.
    """
    try:
        return fetch(host, "/api/show", {"model": name}, seconds=seconds)
    except NoSuchModel:
        raise choose_model.not_installed(name) from None


def context_length(details: Json) -> int:
    """The tokens a model was trained for, out of its /api/show; 0 when it does not say."""
    info = details.get("model_info")
    for key, value in info.items() if isinstance(info, dict) else ():
        if key.endswith(".context_length") and isinstance(value, int):
            return value
    return 0


def size_of(entry: Json) -> int:
    """The bytes of a model, out of its entry in /api/tags; 0 when the server does not say."""
    size = entry.get("size")
    return size if isinstance(size, int) else 0


def loaded_models(host: Host, seconds: float) -> list[Json]:
    """The raw entries of /api/ps; none when the server does not say."""
    try:
        entries = fetch(host, "/api/ps", seconds=seconds).get("models") or []
    except ModelUnavailable:
        return []
    return [entry for entry in entries if isinstance(entry, dict)]


def room_bytes(host: Host, seconds: float) -> int:
    """The memory there is for a model: what is free, and what loaded ones would give back.

    In the memory of a graphics card they take nothing of what is free, and fit all the same.
    """
    sizes = (entry.get("size") for entry in loaded_models(host, seconds))
    return choose_model.free_bytes() + sum(size for size in sizes if isinstance(size, int))


def allocated(host: Host, name: str, seconds: float) -> int:
    """The context a loaded model really got, out of /api/ps; 0 when the server does not say.

    Short of memory, a server gives less than it was asked for and says so nowhere else.
    """
    for entry in loaded_models(host, seconds):
        if same_model(str(entry.get("name")), name):
            length = entry.get("context_length")
            return length if isinstance(length, int) else 0
    return 0


def expires_at(host: Host, name: str, seconds: float) -> str:
    """When a loaded model will be unloaded, as the server writes it; "" when it is not loaded."""
    for entry in loaded_models(host, seconds):
        if same_model(str(entry.get("name")), name):
            return str(entry.get("expires_at") or "")
    return ""


def in_use_by_others(host: Host, name: str, size: int, seconds: float) -> str:
    """The model that this one would push out of the memory; "" where there is none.

    What stands in the memory of a graphics card is taken to leave no room there: how much it has
    is not told.

    Args:
        host: The server.
        name: The model that is to be loaded.
        size: Its bytes.
        seconds: How long the server may take to answer.
    """
    entries = loaded_models(host, seconds)
    if any(same_model(str(entry.get("name")), name) for entry in entries):
        return ""
    fits = size <= choose_model.free_bytes() * choose_model.SHARE
    for entry in entries:
        if entry.get("size_vram") or not fits:
            return str(entry.get("name"))
    return ""
