"""Which installed model to use. Nothing is ever pulled."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from copydesk.agent.model.faults import ModelUnavailable
from copydesk.agent.model.privacy import is_remote, refuse_cloud, remote_model, same_model
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

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([bm])\b", re.I)

SHARE: Final = 0.8
"""Of the free memory; the rest is the context's and the user's."""


def billions(text: str) -> float:
    """The parameters of a model in billions, out of its name or of what a server says: 7 for
    `qwen2.5-coder:7b`, 0.135 for `134.5M`; 0 where it does not tell."""
    size = _SIZE.search(text)
    if not size:
        return 0.0
    return float(size[1]) / (1000 if size[2].lower() == "m" else 1)


def quicker(size: float, share: float) -> str:
    """The largest preferred model that is smaller by so much; "" where none is that small.

    Args:
        size: The parameters of the slow model, in billions.
        share: The part of them that would be quick enough, since speed goes by size.
    """
    smaller = [name for name in PREFERENCE if 0 < billions(name.partition(":")[2]) <= size * share]
    return max(smaller, key=lambda name: billions(name.partition(":")[2]), default="")


def free_bytes(meminfo: Path = Path("/proc/meminfo")) -> int:
    """The memory that programs could still take, in bytes; all of it where that is not told."""
    try:
        line = re.search(r"^MemAvailable:\s+(\d+) kB$", meminfo.read_text("ascii"), re.M)
    except (OSError, UnicodeDecodeError):
        line = None
    if line:
        return int(line[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def candidates(installed: Sequence[Json], chosen: str | None, memory: int) -> list[Json]:
    """The models to try, best first.

    Args:
        installed: The raw entries of /api/tags.
        chosen: The one the user set, or None.
        memory: Free bytes, what models of the server take up included; models that do not fit
            into four fifths of it come last, the smallest first.

    Raises:
        ModelUnavailable: None is installed, or the chosen one is not, or it is remote.
    """
    if chosen:
        return [_chosen(installed, chosen)]
    local = [entry for entry in installed if not is_remote(entry) and _usable(entry)]
    if not local:
        raise none_usable()
    preference = {name: position for position, name in enumerate(PREFERENCE)}

    def rank(entry: Json) -> tuple[bool, int]:
        size = int(entry.get("size") or 0)
        if size > memory * SHARE:
            return True, size
        return False, preference.get(str(entry.get("name")), len(preference))

    return sorted(local, key=rank)


def _usable(entry: Json) -> bool:
    """False for a remote model, and for one that says it cannot complete text."""
    try:
        refuse_cloud(str(entry.get("name", "")))
    except ModelUnavailable:
        return False
    return completes_text(entry)


def completes_text(entry: Json) -> bool:
    """Whether a model completes text; older servers do not say, and then it is taken to."""
    return "completion" in (entry.get("capabilities") or ["completion"])


def _chosen(installed: Sequence[Json], name: str) -> Json:
    """The entry of the model the user set."""
    refuse_cloud(name)
    for entry in installed:
        if same_model(str(entry.get("name")), name):
            if is_remote(entry):
                raise remote_model(name)
            return entry
    raise not_installed(name)


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
