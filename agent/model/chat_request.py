"""One request to a model and what has come back of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Final

from copydesk.agent.model import json_schema
from copydesk.agent.model.faults import LimitReached, ModelFault
from copydesk.agent.model.types import SizeLimits
from copydesk.agent.records import Json

BUCKETS: Final = (4096, 8192, 16384, 32768)
"""The context lengths we ask for; another one each time would reload the model each time."""

SPARE = 256  # tokens of the chat template
_TEMPERATURE = 0.2
LEFT_OUT: Final = "# ... (lines left out)"
_MARGIN = 0.9
_THOUGHT = re.compile(r"\A\s*<think>.*?</think>\s*", re.S)


def estimate(text: str) -> int:
    """The tokens of a text, guessed on the high side: a third of its bytes in UTF-8."""
    return -(-len(text.encode("utf-8", "replace")) // 3)


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it will be sent."""

    purpose: str
    messages: tuple[tuple[str, str], ...]
    max_tokens: int
    num_ctx: int
    seed: int
    schema: Json | None
    version: str = ""
    stream: bool = True

    @property
    def prompt(self) -> str:
        """All that is sent, as one text."""
        return "\n\n".join(text for _, text in self.messages)

    @property
    def options(self) -> dict[str, int | float]:
        """The options as Ollama names them."""
        return {
            "num_ctx": self.num_ctx,
            "num_predict": self.max_tokens,
            "seed": self.seed,
            "temperature": _TEMPERATURE,
        }


@dataclass(slots=True)
class Heard:
    """What has come back so far."""

    pieces: list[str] = field(default_factory=list)
    size: int = 0
    last: str = ""
    repeats: int = 0
    done: bool = False
    reason: str = ""
    prompt_tokens: int = 0
    output_tokens: int = 0

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self.pieces)

    def hear(self, piece: str, limits: SizeLimits) -> None:
        """Count a piece of an answer or of a thought.

        Raises:
            LimitReached: It says too much, or the same over and over.
        """
        if not piece:
            return
        self.size += len(piece)
        self.repeats = self.repeats + 1 if piece == self.last else 1
        self.last = piece
        if self.size > limits.characters:
            raise LimitReached("endless", f"more than {limits.characters:,} characters")
        if self.repeats >= limits.repeats:
            raise LimitReached("endless", f"{piece!r} {self.repeats} times")


def shrunk(call: Call, fault: ModelFault) -> Call | None:
    """The request with lines left out of its longest text, by the server's own count of tokens.

    llama-server names the tokens it counted and those it has room for; without both figures
    there is nothing to go by.
    """
    said = dict(re.findall(r"(n_prompt_tokens|n_ctx)\W+(\d+)", fault.detail))
    if len(said) < 2:
        return None
    room = int(said["n_ctx"]) - call.max_tokens - SPARE
    longest = max(range(len(call.messages)), key=lambda n: len(call.messages[n][1]))
    role, text = call.messages[longest]
    others = len(call.prompt) - len(text)
    share = (room / int(said["n_prompt_tokens"]) * len(call.prompt) - others) / len(text)
    lines = text.split("\n")
    keep = int(len(lines) * share * _MARGIN) // 2
    if keep < 1 or share >= 1:
        return None
    short = "\n".join([*lines[:keep], LEFT_OUT, *lines[-keep:]])
    messages = (*call.messages[:longest], (role, short), *call.messages[longest + 1 :])
    return replace(call, messages=messages, seed=call.seed + 1)


def finished(call: Call, heard: Heard, version: tuple[int, ...]) -> tuple[str, str]:
    """The text of a whole answer and its outcome.

    Raises:
        ModelFault: It only looks whole.
    """
    text = _THOUGHT.sub("", heard.text)
    if not heard.done:
        raise ModelFault("unfinished", partial=text)
    if _was_truncated(call, heard.prompt_tokens, version):
        raise ModelFault("truncated", f"{heard.prompt_tokens} tokens read", partial=text)
    cut = heard.reason == "length"
    if not text.strip():  # a model that cannot stop thinking may think up all its room
        raise ModelFault("cut" if cut else "empty")
    if call.schema is None:
        return text, "cut" if cut else "ok"
    try:
        value = json_schema.loads(text)
    except ValueError as error:
        raise ModelFault("cut" if cut else "not_json", str(error), partial=text) from None
    if wrong := json_schema.problem(value, call.schema):
        raise ModelFault("wrong_schema", wrong, partial=text)
    return text, "ok"


def _was_truncated(call: Call, evaluated: int, version: tuple[int, ...]) -> bool:
    """Whether the server threw a part of the prompt away and answered all the same.

    It keeps num_ctx - (num_ctx - keep) // 2 tokens, keep being 4 or 5 (llm/llama_server.go), of
    the context it really has. The second test is for one smaller than the one asked for; since
    0.30 the count includes what came from a cache. Text with many blanks has 5 or 6 bytes a token.
    """
    guess = estimate(call.prompt)
    halves = {call.num_ctx - (call.num_ctx - keep) // 2 for keep in (4, 5)}
    if evaluated in halves and guess > evaluated:
        return True
    return version >= (0, 30) and guess > 1000 and 0 < evaluated < guess * 0.4
