"""What there is to know about the user's own model server, and whether it does what we need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from copydesk.agent.errors import CopydeskError
from copydesk.agent.model.client import Client, connect
from copydesk.agent.model.faults import ModelUnavailable
from copydesk.agent.model.hosts import Host
from copydesk.agent.model.server import allocated, survey, version_text
from copydesk.agent.model.transport import fetch
from copydesk.agent.model.types import AnswerOptions, ModelSettings

RELIABLE: Final = (0, 32)
"""The first Ollama whose every model keeps a JSON schema while thinking is off."""

_SECONDS = 5.0
_CODE = "def double(n):\n    return 2 * n\n"
_SCHEMA = {
    "type": "object",
    "properties": {"double": {"type": "integer", "minimum": 0, "maximum": 99}},
    "required": ["double"],
}
_FUNCTION = f"Write one pytest test for this function.\n\n{_CODE}"
_DOUBLE = "What is the double of 4? Answer as JSON: {double: number}."
_QUESTIONS: Final = {
    "streamed answer": (_FUNCTION, AnswerOptions(max_tokens=200)),
    "answer in one piece": (_FUNCTION, AnswerOptions(max_tokens=200, stream=False)),
    "answer by schema": (_DOUBLE, AnswerOptions(max_tokens=200, schema=_SCHEMA)),
}
"""What the model is asked, by what is tested."""


class Check(NamedTuple):
    """One thing looked at. `state` is ok, note (works, with less) or wrong."""

    name: str
    state: str
    message: str
    fix: str = ""


def checks(settings: ModelSettings) -> Iterator[Check]:
    """Look at server, version, cloud and model, then ask it three small things.

    Stops at the first thing without which the others cannot work. Loads the model.
    """
    try:
        host, version, installed = survey(settings, _SECONDS)
    except CopydeskError as error:
        yield Check("model server", "wrong", str(error), error.hint)
        return
    yield _server_check(host, version, len(installed))
    yield Check("cloud", "ok", _cloud(host))
    try:
        client = connect(settings)
    except ModelUnavailable as error:
        yield Check("model", "wrong", str(error), error.hint)
        return
    yield Check("model", "ok", f"{client.name}, {client.digest[:12] or 'no digest'}")
    for name, (prompt, options) in _QUESTIONS.items():
        yield _answer_check(client, name, prompt, options)
    length = allocated(host, client.name, _SECONDS)
    if length:
        yield Check("context", "ok", f"{length:,} tokens")
    else:
        yield Check("context", "note", "not told")


def _server_check(host: Host, version: tuple[int, ...], count: int) -> Check:
    number = version_text(host, _SECONDS) if version < (999,) else "a build of your own"
    message = f"Ollama {number} at {host.url}, {count} installed"
    if version < RELIABLE:
        fix = "0.32 or newer keeps to a JSON schema with every model"
        return Check("model server", "note", message, fix)
    return Check("model server", "ok", message)


def _answer_check(client: Client, name: str, prompt: str, options: AnswerOptions) -> Check:
    """Ask one question, and tell how it went."""
    try:
        answer = client.ask(prompt, purpose="doctor", options=options)
    except CopydeskError as error:
        return Check(name, "wrong", str(error), "copydesk log --model")
    speed = answer.output_tokens / max(answer.seconds, 0.001)
    return Check(
        name,
        "ok",
        f"{answer.outcome} in {answer.seconds:.1f} s, {answer.prompt_tokens} tokens in,"
        f" {answer.output_tokens} out, {speed:.0f} a second",
    )


def _cloud(host: Host) -> str:
    try:
        cloud = fetch(host, "/api/status", seconds=_SECONDS).get("cloud")
    except CopydeskError:
        return "this server does not say; remote models are refused here in any case"
    is_off = isinstance(cloud, dict) and cloud.get("disabled")
    state = "switched off" if is_off else "available"
    return f"{state} in the server; remote models are refused here in any case"
