"""Download a model, because the user said so."""

from __future__ import annotations

from collections.abc import Callable

from copydesk.agent.errors import CopydeskError
from copydesk.agent.model.faults import ModelFault, fault_of
from copydesk.agent.model.privacy import refuse_cloud
from copydesk.agent.model.server import survey
from copydesk.agent.model.transport import strict_transport
from copydesk.agent.model.types import ModelSettings, SizeLimits, TimeLimits

DAY = 86400.0
_SECONDS = 5.0
_OFFLINE = ("no such host", "dial tcp", "network is unreachable", "name resolution", "proxyconnect")
"""What Ollama says where it does not reach its library."""


def pull(settings: ModelSettings, name: str, progress: Callable[[str, int, int], None]) -> None:
    """Have the server download a model. What was downloaded before an end in between stays.

    Args:
        settings: The user's.
        name: The model, as Ollama's library names it.
        progress: Told what is going on, the bytes that are there, and all bytes (0: unknown).

    Raises:
        ModelUnavailable: No server, or the name is that of a model elsewhere.
        CopydeskError: The download failed.
    """
    refuse_cloud(name)
    host, _, _ = survey(settings, _SECONDS)
    import ollama  # 0.4 s, so only when a model is really called

    times = TimeLimits(first_token=300.0, idle=300.0, total=DAY)
    last = ""
    try:
        with ollama.Client(
            host=host.url,
            transport=strict_transport(times, SizeLimits(wire_bytes=1 << 30)),
            trust_env=False,
            follow_redirects=False,
        ) as client:
            for part in client.pull(name, stream=True):
                last = part.status or ""
                progress(last, part.completed or 0, part.total or 0)
        if last != "success":
            raise ModelFault("unfinished")
    except Exception as error:  # eight types and more, see faults.fault_of
        fault = fault_of(error)
        if any(phrase in fault.detail.lower() for phrase in _OFFLINE):
            raise CopydeskError(
                f"{name} was not downloaded: Ollama does not reach its library ({fault.detail})",
                slug="model-pull-offline",
                hint="Try again with a network; what is there already is kept.",
            ) from error
        raise CopydeskError(
            f"{name} was not downloaded: {fault}",
            slug="model-not-pulled",
            hint="Check the name at ollama.com/library; what is there already is kept.",
        ) from error
