"""What goes into a model and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from copydesk.agent.desk.model_calls import CallRecord
from copydesk.agent.model.circuit_breaker import CircuitBreaker


def _unlogged(_call: CallRecord) -> None:
    """Log nothing."""


TokenProgress = Callable[[str, int], None]
"""Told what a model does: "loading", "reading" and, with each piece, "writing"; and the pieces."""


def silent(_step: str, _pieces: int) -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What the user set about the model; all of it from their own git config.

    `host` None means $OLLAMA_HOST, else Ollama's default. `model` None means the first
    installed one of the preference list. `prose_model` writes stories when it is set.
    """

    host: str | None = None
    model: str | None = None
    prose_model: str | None = None
    allow_remote: bool = False
    on_call: Callable[[CallRecord], None] = _unlogged
    on_progress: TokenProgress = silent
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker, compare=False)


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


@dataclass(frozen=True, slots=True)
class SizeLimits:
    """How much a model may say: characters, equal pieces in a row, bytes on the wire."""

    characters: int = 60_000
    repeats: int = 100
    wire_bytes: int = 32 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said.

    `outcome` is "ok", or "cut" when it ran into max_tokens in plain text. `seconds` is the
    wall time of the request that answered.
    """

    text: str
    model: str
    digest: str
    prompt_tokens: int
    output_tokens: int
    seconds: float
    outcome: str = "ok"
