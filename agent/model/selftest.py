"""What there is to know about the user's own model server, and whether it does what we need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from copydesk.agent.errors import CopydeskError
from copydesk.agent.model.client import connect
from copydesk.agent.model.faults import ModelUnavailable
from copydesk.agent.model.hosts import Host
from copydesk.agent.model.server import allocated, survey
from copydesk.agent.model.transport import fetch
from copydesk.agent.model.types import ModelSettings

RELIABLE: Final = (0, 32)
"""The first Ollama whose every model keeps a JSON schema while thinking is off."""

_SECONDS = 5.0
_CODE = "def double(n):\n    return 2 * n\n"
_SCHEMA = {
    "type": "object",
    "properties": {"double": {"type": "integer", "minimum": 0, "maximum": 99}},
    "required": ["double"],
}
_SHAPE = "Answer as JSON: {double: number}."


class Check(NamedTuple):
    """One thing looked at. `state` is ok, note (works, with less) or wrong."""

    name: str
    state: str
    said: str
    fix: str = ""


def checks(settings: ModelSettings) -> Iterator[Check]:
    """Look at server, version, cloud and model, then ask it three small things.

    Stops at the first thing without which the rest cannot work. Loads the model.
    """
    try:
        host, version, installed = survey(settings, _SECONDS)
    except CopydeskError as error:
        yield Check("model server", "wrong", str(error), error.hint)
        return
    said = ".".join(map(str, version)) if version < (999,) else "a build of your own"
    count = f"{len(installed)} installed"
    old = version < RELIABLE
    yield Check(
        "model server",
        "note" if old else "ok",
        f"Ollama {said} at {host.url}, {count}",
        "0.32 or newer keeps to a JSON schema with every model" if old else "",
    )
    yield Check("cloud", "ok", _cloud(host))
    try:
        client = connect(settings)
    except ModelUnavailable as error:
        yield Check("model", "wrong", str(error), error.hint)
        return
    yield Check("model", "ok", f"{client.name}, {client.digest[:12] or 'no digest'}")
    code = f"Write one pytest test for this function.\n\n{_CODE}"
    for name, prompt, schema, stream in (
        ("streamed answer", code, None, True),
        ("answer in one piece", code, None, False),
        ("answer by schema", f"What is the double of 4? {_SHAPE}", _SCHEMA, True),
    ):
        try:
            answer = client.ask(
                prompt, purpose="doctor", max_tokens=200, schema=schema, stream=stream
            )
        except CopydeskError as error:
            yield Check(name, "wrong", str(error), "copydesk log --model")
            continue
        speed = answer.output_tokens / max(answer.seconds, 0.001)
        yield Check(
            name,
            "ok",
            f"{answer.outcome} in {answer.seconds:.1f} s, {answer.prompt_tokens} tokens in,"
            f" {answer.output_tokens} out, {speed:.0f} a second",
        )
    got = allocated(host, client.name, _SECONDS)
    yield Check("context", "ok" if got else "note", f"{got:,} tokens" if got else "not told")


def _cloud(host: Host) -> str:
    try:
        cloud = fetch(host, "/api/status", seconds=_SECONDS).get("cloud")
    except CopydeskError:
        return "this server does not say; remote models are refused here in any case"
    off = isinstance(cloud, dict) and cloud.get("disabled")
    said = "switched off in the server" if off else "available in the server"
    return f"{said}; remote models are refused here in any case"
