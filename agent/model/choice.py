"""Which installed model to use. Nothing is ever pulled."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from copydesk.agent.model.faults import ModelUnavailable
from copydesk.agent.model.privacy import full_name, is_remote, refuse_cloud, remote_model
from copydesk.agent.records import Json

PREFERENCE: Final[tuple[str, ...]] = (
    # 32 GB: mixtures of experts, quick for their size
    "qwen3-coder:30b",
    "gemma4:26b",
    # 16 GB
    "qwen2.5-coder:14b",
    "gpt-oss:20b",
    "gemma4:latest",
    "qwen3.5:9b",
    # 8 GB
    "qwen2.5-coder:7b",
    "qwen3.5:4b",
    "gemma3:4b",
    "llama3.1:8b",
    "qwen2.5-coder:3b",
    "qwen2.5-coder:1.5b",
)
"""Best first. Tags come and go, so each is only used when /api/tags lists it."""

_SHARE = 0.8  # of the memory; the rest is the context's and the user's


def memory_bytes() -> int:
    """The memory of this machine in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def candidates(installed: Sequence[Json], wanted: str | None, memory: int) -> list[Json]:
    """The models to try, best first.

    Args:
        installed: The raw entries of /api/tags.
        wanted: The one the user set, or None.
        memory: Bytes of this machine; larger models come last.

    Raises:
        ModelUnavailable: None is installed, or the wanted one is not, or it is remote.
    """
    if wanted:
        return [_wanted(installed, wanted)]
    local = [entry for entry in installed if not is_remote(entry) and _usable(entry)]
    if not local:
        raise none_usable()
    order = {name: place for place, name in enumerate(PREFERENCE)}

    def rank(entry: Json) -> tuple[bool, int]:
        too_big = int(entry.get("size") or 0) > memory * _SHARE
        return too_big, order.get(str(entry.get("name")), len(order))

    return sorted(local, key=rank)


def _usable(entry: Json) -> bool:
    """False for a model that says it cannot complete text; older servers say nothing here."""
    try:
        refuse_cloud(str(entry.get("name", "")))
    except ModelUnavailable:
        return False
    return "completion" in (entry.get("capabilities") or ["completion"])


def _wanted(installed: Sequence[Json], wanted: str) -> Json:
    refuse_cloud(wanted)
    for entry in installed:
        if entry.get("name") == full_name(wanted):
            if is_remote(entry):
                raise remote_model(wanted)
            return entry
    raise not_installed(wanted)


def none_usable() -> ModelUnavailable:
    """There is a server, but nothing on it that could be asked."""
    return ModelUnavailable(
        "Ollama has no local model that writes text",
        slug="no-model",
        hint="copydesk model pull qwen2.5-coder:7b (or the size your memory allows)",
    )


def not_installed(name: str) -> ModelUnavailable:
    """The model that was set is not there."""
    return ModelUnavailable(
        f"the model {name} is not installed",
        slug="model-not-installed",
        hint=f"copydesk model pull {name}, or take `model` out of [tool.copydesk]",
    )
