"""The one way to ask a model. Streams always, waits never for ever, logs every call."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from copydesk.agent.desk.model_calls import CallRecord
from copydesk.agent.errors import CopydeskError
from copydesk.agent.model import choose_model
from copydesk.agent.model.chat_request import (
    BUCKETS,
    SPARE,
    Call,
    Heard,
    estimate,
    finished,
    shrunk,
)
from copydesk.agent.model.circuit_breaker import TROUBLE
from copydesk.agent.model.faults import ModelFault, ModelUnavailable, fault_of
from copydesk.agent.model.hosts import Host
from copydesk.agent.model.privacy import hide_secrets, is_remote, local_name, remote_model
from copydesk.agent.model.server import allocated, context_length, room_bytes, show, survey
from copydesk.agent.model.transport import fetch, strict_transport
from copydesk.agent.model.types import Answer, ModelSettings, SizeLimits, TimeLimits
from copydesk.agent.records import Json

if TYPE_CHECKING:
    import ollama

__all__ = [
    "BUCKETS",
    "Answer",
    "CallRecord",
    "Client",
    "ModelFault",
    "ModelSettings",
    "ModelUnavailable",
    "SizeLimits",
    "TimeLimits",
    "available",
    "connect",
    "estimate",
]

KEEP_ALIVE: Final = "5m"
"""How long the server keeps the model loaded after a request; Ollama's own default."""

PROBE_SECONDS: Final = 2.0
_LOADED_SECONDS = 270.0  # within KEEP_ALIVE
_TOKENS_A_SECOND = 20.0  # read by a slow machine
_ALWAYS_THINKS = ("gpt-oss",)  # has no off, only low, medium and high
_PAUSES = {"busy": 1.0, "crashed": 5.0, "out_of_memory": 5.0, "died": 1.0}


class Client:
    """One installed, local model on one server.

    Args:
        host: The server.
        name: The model as the user knows it.
        digest: Its digest, for the log.
        version: The server's version.
        context_length: What the model was trained for, in tokens; 0 when unknown.
        settings: The user's.
        times: Time limits of a call.
        sizes: Size limits of an answer.
        pause: Waits between two tries; takes seconds.
    """

    def __init__(
        self,
        host: Host,
        name: str,
        digest: str,
        *,
        version: tuple[int, ...],
        context_length: int,
        settings: ModelSettings,
        times: TimeLimits,
        sizes: SizeLimits,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self.name = name
        self.digest = digest
        self._host = host
        self._version = version
        self._context_length = context_length or BUCKETS[-1]
        self._settings = settings
        self._times = times
        self._sizes = sizes
        self._pause = pause
        self._loaded = (0, 0.0)  # the context length and when it was last used

    def ask(
        self,
        prompt: str,
        *,
        system: str = "",
        purpose: str,
        max_tokens: int = 512,
        schema: Json | None = None,
        seed: int = 0,
        version: str = "",
        stream: bool = True,
    ) -> Answer:
        """Ask once, and once more when a second try can help.

        Args:
            prompt: The question; keys and passwords in it are hidden before it is sent.
            system: Standing instructions.
            purpose: What for, for the log.
            max_tokens: The longest answer.
            schema: The JSON schema of the answer; its text is then JSON of that shape.
            seed: The same seed mostly gives the same answer.
            version: Of the prompt, for the log.
            stream: Have the answer come piece by piece. One that comes whole cannot be timed,
                shown or ended before all of it is there, so only a self-test asks for that.

        Returns:
            The answer; plain text that ran into max_tokens has the outcome "cut".

        Raises:
            ModelFault: Both tries failed, or the first in a way that will not change.
            ModelUnavailable: The server has failed too often to be asked now.
        """
        self._settings.breaker.check(
            lambda: fetch(self._host, "/api/version", seconds=PROBE_SECONDS)
        )
        parts = [("system", hide_secrets(system)), ("user", hide_secrets(prompt))]
        messages = tuple((role, text) for role, text in parts if text)
        num_ctx = self._room(messages, max_tokens)
        call = Call(purpose, messages, max_tokens, num_ctx, seed, schema, version, stream)
        try:
            return self._try(call)
        except ModelFault as fault:
            again = self._second(call, fault)
            if again is None:
                raise
            self._pause(_PAUSES.get(fault.outcome, 0.0))
        return self._try(again)

    def _room(self, messages: tuple[tuple[str, str], ...], max_tokens: int) -> int:
        """The smallest bucket that holds prompt and answer."""
        need = sum(estimate(text) for _, text in messages) + max_tokens + SPARE
        fits = [bucket for bucket in BUCKETS if bucket >= need]
        if not fits or need > self._context_length:
            raise ModelFault("overflow", f"about {need:,} tokens of {self._context_length:,}")
        return min(fits[0], self._context_length)

    def _second(self, call: Call, fault: ModelFault) -> Call | None:
        """The request to try after a fault, or None when trying again is no use."""
        if not fault.retry:
            return None
        if fault.outcome in ("overflow", "out_of_memory"):
            place = BUCKETS.index(call.num_ctx) if call.num_ctx in BUCKETS else -1
            place += 1 if fault.outcome == "overflow" else -1
            need = estimate(call.prompt) + call.max_tokens
            if not 0 <= place < len(BUCKETS) or not need <= BUCKETS[place] <= self._context_length:
                return shrunk(call, fault) if fault.outcome == "overflow" else None
            return replace(call, num_ctx=BUCKETS[place])
        again = replace(call, seed=call.seed + 1)
        if fault.outcome == "cut":
            again = replace(again, max_tokens=call.max_tokens * 2)
        if fault.outcome in ("not_json", "wrong_schema"):
            wrong = f"That answer cannot be used: {fault.detail}. Answer with the JSON alone."
            said = (("assistant", fault.partial[:4000]), ("user", wrong))
            again = replace(again, messages=call.messages + said)
        return replace(again, num_ctx=self._room(again.messages, again.max_tokens))

    def _try(self, call: Call) -> Answer:
        heard, started = Heard(), time.monotonic()
        try:
            self._load(call)
            self._settings.on_progress("reading", 0)
            self._listen(call, heard)
            self._loaded = (call.num_ctx, time.monotonic())
            text, outcome = finished(call, heard, self._version)
        except Exception as error:  # eight types and more, see faults.fault_of
            fault = fault_of(error, heard.text, started=heard.size > 0)
            if fault.outcome in TROUBLE:
                self._loaded = (0, 0.0)
            self._log(call, heard, time.monotonic() - started, fault.outcome)
            raise fault from error
        seconds = time.monotonic() - started
        self._log(call, heard, seconds, outcome)
        counts = (heard.prompt_tokens, heard.output_tokens)
        return Answer(text, self.name, self.digest, *counts, seconds, outcome)

    def _open(self, seconds: float) -> ollama.Client:
        """The ollama package's client for one exchange, its first word due within `seconds`."""
        import ollama  # 0.4 s, so only when a model is really called

        return ollama.Client(
            host=self._host.url,
            transport=strict_transport(replace(self._times, first_token=seconds), self._sizes),
            trust_env=False,  # a proxy of the environment would see the prompts
            follow_redirects=False,
        )

    def _load(self, call: Call) -> None:
        """Have the model loaded before it is asked, with a time limit of its own.

        Raises:
            ModelFault: The context it got is too small for the request.
        """
        loaded, used = self._loaded
        if loaded == call.num_ctx and time.monotonic() - used < _LOADED_SECONDS:
            return
        self._settings.on_progress("loading", 0)
        with self._open(self._times.load) as client:
            client.chat(
                model=local_name(self.name, self._version),
                messages=[],
                options={"num_ctx": call.num_ctx},
                keep_alive=KEEP_ALIVE,
            )
        got = allocated(self._host, self.name, self._times.connect)
        if got and got < call.num_ctx:
            self._context_length = got
            self._room(call.messages, call.max_tokens)

    def _listen(self, call: Call, heard: Heard) -> None:
        seconds = self._times.first_token + estimate(call.prompt) / _TOKENS_A_SECOND
        known: dict[str, Any] = {
            "model": local_name(self.name, self._version),
            "messages": [{"role": role, "content": text} for role, text in call.messages],
            "think": "low" if self.name.startswith(_ALWAYS_THINKS) else False,
            "format": call.schema,
            "options": call.options,
            "keep_alive": KEEP_ALIVE,
        }
        if not call.stream:
            with self._open(self._times.total) as client:
                self._hear(client.chat(**known, stream=False), heard)
            return
        with (
            self._open(seconds) as client,
            contextlib.closing(client.chat(**known, stream=True)) as stream,
        ):
            for part in stream:
                self._hear(part, heard)
                self._settings.on_progress("writing", len(heard.pieces))

    def _hear(self, part: ollama.ChatResponse, heard: Heard) -> None:
        heard.hear(part.message.thinking or "", self._sizes)
        heard.hear(part.message.content or "", self._sizes)
        if part.message.content:
            heard.pieces.append(part.message.content)
        if part.done:
            heard.done, heard.reason = True, part.done_reason or ""
            heard.prompt_tokens = part.prompt_eval_count or 0
            heard.output_tokens = part.eval_count or 0

    def _log(self, call: Call, heard: Heard, seconds: float, outcome: str) -> None:
        self._settings.breaker.record(outcome)
        self._settings.on_call(
            CallRecord(
                purpose=call.purpose,
                model=self.name,
                digest=self.digest,
                prompt=call.prompt,
                response=heard.text,
                options=call.options | ({"prompt": call.version} if call.version else {}),
                prompt_tokens=heard.prompt_tokens,
                output_tokens=heard.output_tokens,
                seconds=seconds,
                outcome=outcome,
            )
        )


def connect(
    settings: ModelSettings,
    *,
    prose: bool = False,
    times: TimeLimits | None = None,
    sizes: SizeLimits | None = None,
    pause: Callable[[float], object] = time.sleep,
) -> Client:
    """Find the server, choose an installed local model, and make sure it is one.

    Args:
        settings: The user's.
        prose: Take the model for stories when one is set.
        times: Other time limits than the usual.
        sizes: Other size limits than the usual.
        pause: Waits between two tries.

    Raises:
        ModelUnavailable: No server, no model, or none that may be used.
    """
    times = times or TimeLimits()
    host, version, installed = survey(settings, max(times.connect, 2.0))
    wanted = (settings.prose_model if prose else None) or settings.model
    for entry in choose_model.candidates(installed, wanted, room_bytes(host, times.connect)):
        name = str(entry["name"])
        told = show(host, name, times.connect)
        if is_remote(told):
            if wanted:
                raise remote_model(name)
            continue
        if not wanted and "completion" not in (told.get("capabilities") or ["completion"]):
            continue
        return Client(
            host,
            name,
            str(entry.get("digest") or ""),
            version=version,
            context_length=context_length(told),
            settings=settings,
            times=times,
            sizes=sizes or SizeLimits(),
            pause=pause,
        )
    raise choose_model.none_usable()


def available(settings: ModelSettings, *, seconds: float = 2.0) -> tuple[bool, str, str]:
    """Whether a model could be asked now, for `copydesk status`.

    Returns:
        Whether there is one, its name ("" without one), and why not ("" when there is one).
        Takes at most `seconds`; loads nothing.
    """
    end = time.monotonic() + seconds
    try:
        host, _, installed = survey(settings, seconds)
        room = room_bytes(host, max(end - time.monotonic(), 0.1))
        found = choose_model.candidates(installed, settings.model, room)
    except CopydeskError as error:
        return False, "", str(error)
    name = str(found[0]["name"])
    if left := settings.breaker.seconds_left:
        times = settings.breaker.failures
        return False, name, f"{name} failed {times} times in a row; it is asked in {left:.0f} s"
    return True, name, ""
