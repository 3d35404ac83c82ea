"""What goes into a model and what comes out of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from copydesk.agent.desk.model_calls import CallRecord
from copydesk.agent.model.circuit_breaker import CircuitBreaker
from copydesk.agent.model.hosts import Host
from copydesk.agent.records import Json


def _unlogged(_call: CallRecord) -> None:
    """Log nothing."""


TokenProgress = Callable[[str, int], None]
"""Told what a model does: "loading", "reading" and, with each piece, "writing", "" when a request
has ended; and the pieces."""


def silent(_step: str, _pieces: int) -> None:
    """Show nothing."""


def _no_limit() -> float:
    """As many seconds as it takes."""
    return math.inf


def _none_counted(_digest: str) -> list[tuple[str, int]]:
    """No prompts that a server counted."""
    return []


def _at_once() -> bool:
    """Nothing goes ahead."""
    return True


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What the user set about the model; all of it from their own git config.

    `host` None means $OLLAMA_HOST, else Ollama's default. `model` None means the first
    installed one of the preference list. `prose_model` writes stories when it is set.
    `seconds_left` says how long the next request may take, or raises ModelUnavailable; `make_way`
    is called before each, waits for what goes ahead, and says False where that takes too long.
    With `spares_others` no model is pushed out of the server's memory. `counted_prompts` tells, by
    a model's digest, prompts that it read and the tokens that the server counted in them.
    """

    host: str | None = None
    model: str | None = None
    prose_model: str | None = None
    allow_remote: bool = False
    on_call: Callable[[CallRecord], None] = _unlogged
    on_progress: TokenProgress = silent
    seconds_left: Callable[[], float] = _no_limit
    make_way: Callable[[], bool] = _at_once
    spares_others: bool = False
    counted_prompts: Callable[[str], list[tuple[str, int]]] = _none_counted
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker, compare=False)


@dataclass(frozen=True, slots=True)
class ServedModel:
    """An installed model on a server.

    `version` is the server's; `name` the model as the user knows it; `digest` for the log;
    `context_length` what it was trained for, in tokens, 0 when unknown; `size` its bytes.
    """

    host: Host
    version: tuple[int, ...]
    name: str
    digest: str
    context_length: int
    size: int = 0


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How long a model may take, in seconds.

    `load` is for a request of its own that only loads the model, which Ollama itself gives up
    after 300 s. `first_token` is for reading the prompt, and grows by a second for each 20 tokens
    of it; `idle` is the longest silence after that, `total` the longest answer.
    """

    connect: float = 5.0
    load: float = 330.0
    first_token: float = 30.0
    idle: float = 60.0
    total: float = 900.0

    def within(self, seconds: float) -> TimeLimits:
        """The same limits where all together must be over in so many seconds."""
        seconds = max(seconds, 0.1)
        idle = min(self.idle, seconds / 2)
        rest = seconds - idle  # the end of the total is seen when the next byte comes
        return TimeLimits(
            min(self.connect, rest),
            min(self.load, rest),
            min(self.first_token, rest),
            idle,
            min(self.total, rest),
        )


@dataclass(frozen=True, slots=True)
class SizeLimits:
    """How much a model may say: characters, equal pieces in a row, bytes on the wire."""

    characters: int = 60_000
    repeats: int = 100
    wire_bytes: int = 32 << 20


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """What answer is asked for.

    `max_tokens` is the longest answer. With a JSON `schema` the text is JSON of that shape. The
    same `seed` mostly gives the same answer. With `stream` the answer comes piece by piece; one
    that comes whole cannot be timed, shown or ended before all of it is there, so only a
    self-test asks for that.
    """

    max_tokens: int = 512
    schema: Json | None = None
    seed: int = 0
    stream: bool = True


DEFAULT_OPTIONS: Final = AnswerOptions()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said.

    `outcome` is "ok", or "cut" when it ran into max_tokens in plain text. `seconds` is the
    wall time of the request that answered, `writing_seconds` what the server wrote for by its own
    clock, 0 where it does not say.
    """

    text: str
    model: str
    digest: str
    prompt_tokens: int
    output_tokens: int
    seconds: float
    outcome: str = "ok"
    writing_seconds: float = 0.0
