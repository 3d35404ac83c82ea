"""One request to a model and what has come back of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Final

from copydesk.agent.model import json_schema
from copydesk.agent.model.faults import LimitReached, ModelFault
from copydesk.agent.model.tokens import byte_guess, estimate
from copydesk.agent.model.types import AnswerOptions, SizeLimits
from copydesk.agent.records import Json

BUCKETS: Final = (4096, 8192, 16384, 32768)
"""The context lengths we ask for; another one each time would reload the model each time."""

SPARE = 256  # tokens of the chat template
_TEMPERATURE = 0.2
LEFT_OUT: Final = "# ... (lines left out)"
_MARGIN = 0.9
_BLANK_SHARE = 3  # up to two thirds of what models write by a schema is white space
_THOUGHT = re.compile(r"\A\s*<think>.*?</think>\s*", re.S)


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One request as it will be sent.

    `messages` are pairs of role and text, `num_ctx` is the context length it asks for, `version`
    that of the prompt.
    """

    purpose: str
    messages: tuple[tuple[str, str], ...]
    num_ctx: int
    answer: AnswerOptions
    version: str = ""

    @property
    def prompt(self) -> str:
        """All that is sent, as one text."""
        return "\n\n".join(text for _, text in self.messages)

    @property
    def ollama_options(self) -> dict[str, int | float]:
        """The options as Ollama names them."""
        return {
            "num_ctx": self.num_ctx,
            "num_predict": self._most_tokens,
            "seed": self.answer.seed,
            "temperature": _TEMPERATURE,
        }

    @property
    def _most_tokens(self) -> int:
        """The longest answer that the server may write: by a schema with white space in it, as far
        as the context has room. ReceivedAnswer counts what is none."""
        longest = self.answer.max_tokens
        if self.answer.schema is None:
            return longest
        left = self.num_ctx - estimate(self.prompt) - SPARE
        return max(longest, min(longest * _BLANK_SHARE, left))

    def with_next_seed(self) -> ChatRequest:
        """The same request with another seed."""
        return replace(self, answer=replace(self.answer, seed=self.answer.seed + 1))


@dataclass(slots=True)
class ReceivedAnswer:
    """What has come back so far."""

    pieces: list[str] = field(default_factory=list)
    size: int = 0
    last: str = ""
    repeats: int = 0
    written: int = 0
    is_complete: bool = False
    end_reason: str = ""
    prompt_tokens: int = 0
    output_tokens: int = 0
    writing_seconds: float = 0.0

    @property
    def pace(self) -> dict[str, float]:
        """How long the server says it wrote, for the log; empty where it does not."""
        if not self.writing_seconds:
            return {}
        return {"writing_seconds": round(self.writing_seconds, 3)}

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self.pieces)

    def count(self, piece: str, limits: SizeLimits) -> None:
        """Count a piece of an answer or of a thought.

        Raises:
            LimitReached: It says too much, or the same over and over.
        """
        if not piece:
            return
        self.size += len(piece)
        self.written += not piece.isspace()
        self.repeats = self.repeats + 1 if piece == self.last else 1
        self.last = piece
        if self.size > limits.characters:
            raise LimitReached("endless", f"more than {limits.characters:,} characters")
        if self.repeats >= limits.repeats:
            raise LimitReached("endless", f"{piece!r} {self.repeats} times")


def named_sizes(detail: str) -> tuple[int, int] | None:
    """The tokens that a server has counted in a prompt, and those that its context holds; None
    where it does not name both.

    Args:
        detail: Its answer that the prompt is too long.
    """
    figures = dict(re.findall(r"(n_prompt_tokens|n_ctx)\W+(\d+)", detail))
    if len(figures) == 2:
        return int(figures["n_prompt_tokens"]), int(figures["n_ctx"])
    words = re.search(r"request \((\d+) tokens\).*?context size \((\d+) tokens\)", detail)
    return (int(words[1]), int(words[2])) if words else None


def shortened(request: ChatRequest, fault: ModelFault) -> ChatRequest | None:
    """The request with lines left out of its longest text, by the server's own count of tokens.

    Args:
        request: What was sent.
        fault: The server's answer that it is too long; without the figures in it there is nothing
            to go by.

    Returns:
        A request that should fit, or None where none can be made.
    """
    sizes = named_sizes(fault.detail)
    if sizes is None:
        return None
    prompt_tokens, context = sizes
    room = context - request.answer.max_tokens - SPARE
    fitting_length = room / prompt_tokens * len(request.prompt)
    longest = max(range(len(request.messages)), key=lambda n: len(request.messages[n][1]))
    role, text = request.messages[longest]
    share = (fitting_length - (len(request.prompt) - len(text))) / len(text)
    lines = text.split("\n")
    half = int(len(lines) * share * _MARGIN) // 2
    if half < 1 or share >= 1:
        return None
    messages = list(request.messages)
    messages[longest] = (role, "\n".join([*lines[:half], LEFT_OUT, *lines[-half:]]))
    return replace(request, messages=tuple(messages)).with_next_seed()


def check_answer(
    request: ChatRequest, received: ReceivedAnswer, version: tuple[int, ...]
) -> tuple[str, str]:
    """The text of an answer that has ended, and its outcome.

    Args:
        request: What was asked.
        received: What came back.
        version: The server's version.

    Raises:
        ModelFault: The answer is cut, empty, or not of the shape that was asked for.
    """
    text = _THOUGHT.sub("", received.text)
    if not received.is_complete:
        raise ModelFault("unfinished", partial=text)
    if _was_truncated(request, received.prompt_tokens, version):
        raise ModelFault("truncated", f"{received.prompt_tokens} tokens read", partial=text)
    is_cut = received.end_reason == "length"
    if not text.strip():  # a model that cannot stop thinking may think up all its room
        raise ModelFault("cut_off" if is_cut else "empty")
    if request.answer.schema is not None:
        _check_json(text, request.answer.schema, is_cut=is_cut)
        return text, "ok"
    return text, "cut" if is_cut else "ok"


def _check_json(text: str, schema: Json, *, is_cut: bool) -> None:
    try:
        value = json_schema.parse_json(text)
    except ValueError as error:
        raise ModelFault("cut_off" if is_cut else "not_json", str(error), partial=text) from None
    if problem := json_schema.schema_problem(value, schema):
        raise ModelFault("wrong_schema", problem, partial=text)


def _was_truncated(request: ChatRequest, evaluated: int, version: tuple[int, ...]) -> bool:
    """Whether the server threw a part of the prompt away and answered all the same.

    It keeps num_ctx - (num_ctx - keep) // 2 tokens, keep being 4 or 5 (llm/llama_server.go), of
    the context it really has. The second test is for one smaller than the one asked for; since
    0.30 the count includes what came from a cache. Text with many blanks has 5 or 6 bytes a token.

    Args:
        request: What was asked.
        evaluated: The tokens of the prompt that the server says it read.
        version: The server's version.
    """
    guess = byte_guess(request.prompt)
    halves = {request.num_ctx - (request.num_ctx - keep) // 2 for keep in (4, 5)}
    if evaluated in halves and estimate(request.prompt) > evaluated:
        return True
    return version >= (0, 30) and guess > 1000 and 0 < evaluated < guess * 0.4
