"""What there is to know about the user's own model server, and whether it does what we need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from copydesk.agent.errors import CopydeskError
from copydesk.agent.model import choose_model
from copydesk.agent.model.background import SLOW
from copydesk.agent.model.client import Client, connect
from copydesk.agent.model.faults import ModelUnavailable
from copydesk.agent.model.hosts import Host
from copydesk.agent.model.server import allocated, survey, version_text
from copydesk.agent.model.transport import fetch
from copydesk.agent.model.types import AnswerOptions, ModelSettings
from copydesk.agent.records import Json

RELIABLE: Final = (0, 32)
"""The first Ollama whose every model keeps a JSON schema while thinking is off."""

_SECONDS = 5.0
_SMALLER = 0.75  # of the parameters; less of a difference is not felt
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
    speeds: list[float] = []
    for name, (prompt, options) in _QUESTIONS.items():
        yield _answer_check(client, name, prompt, options, speeds)
    if speeds and max(speeds) < SLOW:
        yield _slow_check(client.name, max(speeds), installed)
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


def _slow_check(name: str, speed: float, installed: list[Json]) -> Check:
    """What a slow model is used for, and which would be better."""
    message = (
        f"{name} writes {speed:.1f} tokens a second here; under {SLOW:g} the daemon asks it for"
        " short answers only"
    )
    names = {str(entry.get("name")): entry for entry in installed}
    details = names.get(name, {}).get("details") or {}
    size = choose_model.billions(name.partition(":")[2]) or choose_model.billions(
        str(details.get("parameter_size"))
    )
    better = choose_model.quicker(size, min(speed / SLOW, _SMALLER))
    if not better:
        return Check("speed", "note", message, "no preferred model is small enough to be quicker")
    if better in names:
        return Check("speed", "note", message, f'model = "{better}" under [tool.copydesk]')
    return Check("speed", "note", message, f"copydesk model pull {better}")


def _answer_check(
    client: Client, name: str, prompt: str, options: AnswerOptions, speeds: list[float]
) -> Check:
    """Ask one question, tell how it went, and add the tokens a second to `speeds`."""
    try:
        answer = client.ask(prompt, purpose="doctor", options=options)
    except CopydeskError as error:
        return Check(name, "wrong", str(error), "copydesk log --model")
    speed = answer.output_tokens / max(answer.seconds, 0.001)
    if answer.writing_seconds and answer.output_tokens:
        speeds.append(answer.output_tokens / answer.writing_seconds)
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
