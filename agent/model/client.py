"""The one way to ask a model. Streams always, waits never for ever, logs every call."""

from __future__ import annotations

import contextlib
import math
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
    ChatRequest,
    ReceivedAnswer,
    check_answer,
    named_sizes,
    shortened,
)
from copydesk.agent.model.faults import LimitReached, ModelFault, ModelUnavailable, fault_of
from copydesk.agent.model.privacy import hide_secrets, is_remote, local_name, remote_model
from copydesk.agent.model.server import (
    allocated,
    context_length,
    expires_at,
    in_use_by_others,
    room_bytes,
    show,
    size_of,
    survey,
)
from copydesk.agent.model.tokens import estimate, learned_factor
from copydesk.agent.model.transport import fetch, strict_transport
from copydesk.agent.model.types import (
    DEFAULT_OPTIONS,
    Answer,
    AnswerOptions,
    ModelSettings,
    ServedModel,
    SizeLimits,
    TimeLimits,
)

if TYPE_CHECKING:
    import ollama

__all__ = [
    "BUCKETS",
    "Answer",
    "AnswerOptions",
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

PROBE_SECONDS: Final = 2.0
_TOKENS_A_SECOND = 20.0  # read by a slow machine
_ALWAYS_THINKS = ("gpt-oss",)  # has no off, only low, medium and high
_PAUSES = {"busy": 1.0, "crashed": 5.0, "out_of_memory": 5.0, "died": 1.0}


class Client:
    """One installed, local model on one server.

    Args:
        model: The model and its server.
        settings: The user's.
        times: Time limits of a call.
        sizes: Size limits of an answer.
        pause: Waits between two tries; takes seconds.
    """

    def __init__(
        self,
        model: ServedModel,
        settings: ModelSettings,
        *,
        times: TimeLimits,
        sizes: SizeLimits,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self.name = model.name
        self.digest = model.digest
        self._host = model.host
        self._version = model.version
        self._context_length = model.context_length or BUCKETS[-1]
        self._settings = settings
        self._times = times
        self._sizes = sizes
        self._pause = pause
        self._size = model.size
        self._factor = 0.0  # not known yet
        self.has_loaded = False

    def ask(
        self,
        prompt: str,
        *,
        purpose: str,
        system: str = "",
        version: str = "",
        options: AnswerOptions = DEFAULT_OPTIONS,
    ) -> Answer:
        """Ask once, and once more when a second try can help.

        Args:
            prompt: The question; keys and passwords in it are hidden before it is sent.
            purpose: What for, for the log.
            system: Standing instructions.
            version: Of the prompt, for the log.
            options: What answer is asked for.

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
        self._spare_others()
        num_ctx = self._room(messages, options.max_tokens)
        request = ChatRequest(purpose, messages, num_ctx, options, version)
        try:
            return self._try(request)
        except ModelFault as fault:
            second = self._second_try(request, fault)
            if second is None:
                raise
            self._pause(_PAUSES.get(fault.outcome, 0.0))
        return self._try(second)

    def expires_at(self) -> str:
        """When the server will unload the model, as it writes it; "" where it is not loaded."""
        return expires_at(self._host, self.name, self._times.connect)

    def make_way(self) -> bool:
        """Wait for work that goes ahead of a model's; False when that takes too long."""
        return self._settings.make_way()

    def _spare_others(self) -> None:
        """Refuse to push a model out that somebody else uses, where that is not to be done."""
        if not self._settings.spares_others:
            return
        other = in_use_by_others(self._host, self.name, self._size, self._times.connect)
        if other:
            raise ModelUnavailable(
                f"{other} is loaded, and {self.name} would take its place",
                slug="model-in-use",
                hint="It is asked when the other is unloaded, or when `model` names the other.",
            )

    def _tokens(self, text: str) -> int:
        """The tokens of a text for this model, on the high side, by what was counted before."""
        self._factor = self._factor or learned_factor(self._settings.counted_prompts(self.digest))
        return math.ceil(estimate(text) * self._factor)

    def _room(self, messages: tuple[tuple[str, str], ...], max_tokens: int) -> int:
        """The context that is loaded, where it holds prompt and answer, else the smallest bucket
        that does: the user's own setting stays, and no model is loaded again for less."""
        need = sum(self._tokens(text) for _, text in messages) + max_tokens + SPARE
        fits = [bucket for bucket in BUCKETS if bucket >= need]
        if not fits or need > self._context_length:
            raise ModelFault("overflow", f"about {need:,} tokens of {self._context_length:,}")
        loaded = allocated(self._host, self.name, self._times.connect)
        return loaded if loaded >= need else min(fits[0], self._context_length)

    def _second_try(self, request: ChatRequest, fault: ModelFault) -> ChatRequest | None:
        """The request to try after a fault, or None when trying again is no use."""
        if not fault.retry:
            return None
        if fault.outcome == "overflow":
            return self._with_room(request, fault) or shortened(request, fault)
        if fault.outcome == "out_of_memory":
            return self._with_context(request, step=-1)
        again = request.with_next_seed()
        if fault.outcome == "cut_off":
            options = replace(again.answer, max_tokens=request.answer.max_tokens * 2)
            again = replace(again, answer=options)
        if fault.outcome in ("not_json", "wrong_schema"):
            reproach = f"That answer cannot be used: {fault.detail}. Answer with the JSON alone."
            turn = (("assistant", fault.partial[:4000]), ("user", reproach))
            again = replace(again, messages=request.messages + turn)
        return replace(again, num_ctx=self._room(again.messages, again.answer.max_tokens))

    def _with_room(self, request: ChatRequest, fault: ModelFault) -> ChatRequest | None:
        """The request with the context that the prompt needs by the server's own count; None where
        the model or the server has none as long as that."""
        sizes = named_sizes(fault.detail)
        if sizes is None:
            return self._with_context(request, step=1)
        prompt_tokens, context = sizes
        self._factor = max(self._factor, learned_factor([(request.prompt, prompt_tokens)]))
        if context < request.num_ctx:  # all that the server has memory for
            self._context_length = min(self._context_length, context)
        need = prompt_tokens + request.answer.max_tokens
        fits = [bucket for bucket in BUCKETS if bucket >= need > request.num_ctx]
        if not fits or need > self._context_length:
            return None
        return replace(request, num_ctx=min(fits[0], self._context_length))

    def _with_context(self, request: ChatRequest, *, step: int) -> ChatRequest | None:
        """The request with the next larger or smaller context; None where it would not fit."""
        now = request.num_ctx
        others = sorted(bucket for bucket in BUCKETS if (bucket - now) * step > 0)
        if not others:
            return None
        bucket = others[0] if step > 0 else others[-1]
        need = self._tokens(request.prompt) + request.answer.max_tokens
        if not need <= bucket <= self._context_length:
            return None
        return replace(request, num_ctx=bucket)

    def _try(self, request: ChatRequest) -> Answer:
        if not self.make_way():
            raise ModelUnavailable("what is to be measured goes first", slug="model-waits")
        allowed = self._settings.seconds_left()
        received, started = ReceivedAnswer(), time.monotonic()
        try:
            self._load(request, self._times.within(allowed))
            self._settings.on_progress("reading", 0)
            times = self._times.within(started + allowed - time.monotonic())
            self._receive(request, received, times)
            text, outcome = check_answer(request, received, self._version)
        except Exception as error:  # eight types and more, see faults.fault_of
            seconds = time.monotonic() - started
            fault = self._fault(error, request, received, (seconds, allowed))
            self._log(request, received, seconds, fault.outcome)
            raise fault from error
        except BaseException:  # the process is told to end
            self._log(request, received, time.monotonic() - started, "cancelled")
            raise
        seconds = time.monotonic() - started
        self._log(request, received, seconds, outcome)
        read = [(request.prompt, received.prompt_tokens)]
        self._factor = max(self._factor, learned_factor(read))
        counts = (received.prompt_tokens, received.output_tokens)
        pace = received.writing_seconds
        return Answer(text, self.name, self.digest, *counts, seconds, outcome, pace)

    def _fault(
        self,
        error: Exception,
        request: ChatRequest,
        received: ReceivedAnswer,
        time_used: tuple[float, float],
    ) -> ModelFault:
        """The fault that an error is.

        Args:
            error: What came.
            request: What was asked.
            received: What had come back until then.
            time_used: The seconds it took, and how many it might have taken.
        """
        seconds, allowed = time_used
        fault = fault_of(error, received.text, started=received.size > 0)
        is_late = fault.outcome in ("slow", "stalled", "too_long")
        if is_late and seconds >= allowed - min(self._times.idle, allowed / 2) - 0.5:
            return ModelFault("out_of_time", fault.detail, partial=fault.partial)
        if fault.outcome == "slow" and self._is_queued(request, received):
            wait = f"no word for {seconds:.0f} s, though it is loaded: others go first, or it reads"
            busy = ModelFault("busy", f"{wait} slowly")
            busy.retry = False  # whoever asks again stands at the end of the queue
            return busy
        return fault

    def _is_queued(self, request: ChatRequest, received: ReceivedAnswer) -> bool:
        """Whether a request seems to wait in the server's queue, of which Ollama sends no word:
        the server is alive, the model is loaded, and yet nothing has come."""
        if received.size or not request.answer.stream:
            return False
        return bool(allocated(self._host, self.name, self._times.connect))

    def _open(self, times: TimeLimits, seconds: float) -> ollama.Client:
        """The ollama package's client for one exchange, its first word due within `seconds`."""
        import ollama  # 0.4 s, so only when a model is really called

        return ollama.Client(
            host=self._host.url,
            transport=strict_transport(replace(times, first_token=seconds), self._sizes),
            trust_env=False,  # a proxy of the environment would see the prompts
            follow_redirects=False,
        )

    def _load(self, request: ChatRequest, times: TimeLimits) -> None:
        """Have the model loaded before it is asked, with a time limit of its own.

        Raises:
            ModelFault: The context it got is too small for the request.
        """
        if allocated(self._host, self.name, self._times.connect) == request.num_ctx:
            return
        self._settings.on_progress("loading", 0)
        with self._open(times, times.load) as client:
            client.chat(
                model=local_name(self.name, self._version),
                messages=[],
                options={"num_ctx": request.num_ctx},
            )
        self.has_loaded = True
        got = allocated(self._host, self.name, self._times.connect)
        if got and got < request.num_ctx:
            self._context_length = got
            self._room(request.messages, request.answer.max_tokens)

    def _receive(self, request: ChatRequest, received: ReceivedAnswer, times: TimeLimits) -> None:
        """Send the request, and take in the answer as it comes."""
        arguments: dict[str, Any] = {
            "model": local_name(self.name, self._version),
            "messages": [{"role": role, "content": text} for role, text in request.messages],
            "think": "low" if self.name.startswith(_ALWAYS_THINKS) else False,
            "format": request.answer.schema,
            "options": request.ollama_options,
        }
        if not request.answer.stream:
            with self._open(times, times.total) as client:
                self._take_in(client.chat(**arguments, stream=False), request, received)
            return
        seconds = times.first_token + self._tokens(request.prompt) / _TOKENS_A_SECOND
        with (
            self._open(times, seconds) as client,
            contextlib.closing(client.chat(**arguments, stream=True)) as stream,
        ):
            for part in stream:
                self._take_in(part, request, received)
                self._settings.on_progress("writing", len(received.pieces))

    def _take_in(
        self, part: ollama.ChatResponse, request: ChatRequest, received: ReceivedAnswer
    ) -> None:
        thought, text = part.message.thinking or "", part.message.content or ""
        received.count(thought, self._sizes)
        received.count(text, self._sizes)
        if text:
            received.pieces.append(text)
        if request.answer.schema is not None and received.written > request.answer.max_tokens:
            raise LimitReached("cut_off", f"{received.written} pieces of JSON")
        if part.done:
            received.is_complete, received.end_reason = True, part.done_reason or ""
            received.prompt_tokens = part.prompt_eval_count or 0
            received.output_tokens = part.eval_count or 0
            received.writing_seconds = (part.eval_duration or 0) / 1e9

    def _log(
        self, request: ChatRequest, received: ReceivedAnswer, seconds: float, outcome: str
    ) -> None:
        self._settings.breaker.record(outcome)
        version = {"prompt": request.version} if request.version else {}
        self._settings.on_call(
            CallRecord(
                purpose=request.purpose,
                model=self.name,
                digest=self.digest,
                prompt=request.prompt,
                response=received.text,
                options=request.ollama_options | version | received.pace,
                prompt_tokens=received.prompt_tokens,
                output_tokens=received.output_tokens,
                seconds=seconds,
                outcome=outcome,
            )
        )
        self._settings.on_progress("", 0)


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
    chosen = (settings.prose_model if prose else None) or settings.model
    for entry in choose_model.candidates(installed, chosen, room_bytes(host, times.connect)):
        name, digest = str(entry["name"]), str(entry.get("digest") or "")
        details = show(host, name, times.connect)
        if chosen and is_remote(details):
            raise remote_model(name)
        if chosen or (not is_remote(details) and choose_model.completes_text(details)):
            length = context_length(details)
            model = ServedModel(host, version, name, digest, length, size_of(entry))
            return Client(model, settings, times=times, sizes=sizes or SizeLimits(), pause=pause)
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
        models = choose_model.candidates(installed, settings.model, room)
    except CopydeskError as error:
        return False, "", str(error)
    name = str(models[0]["name"])
    if wait := settings.breaker.seconds_left:
        times = settings.breaker.failures
        return False, name, f"{name} failed {times} times in a row; it is asked in {wait:.0f} s"
    return True, name, ""
