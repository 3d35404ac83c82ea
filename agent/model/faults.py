"""Every way a model call goes wrong, under a name that the log, the desk and the docs share."""

from __future__ import annotations

import json
from typing import Final

from copydesk.agent.errors import CopydeskError
from copydesk.agent.text import one_line

OUTCOMES: Final[dict[str, tuple[str, bool]]] = {
    "unavailable": ("the model server does not answer", False),
    "slow": ("the model did not begin to answer in time", False),
    "stalled": ("the model stopped answering midway", True),
    "too_long": ("the answer took longer than the time for one call", False),
    "died": ("the connection broke in the middle of an answer", True),
    "crashed": ("the model server failed inside", True),
    "out_of_memory": ("the model does not fit into memory", True),
    "busy": ("the model server has others to answer first", True),
    "missing": ("the model is not installed any more", False),
    "refused": ("the model server refused the request", False),
    "overflow": ("the prompt is longer than the model's context", True),
    "truncated": ("the model server cut the prompt", False),
    "not_ollama": ("something other than Ollama answers at that address", False),
    "garbled": ("a line of the answer was not JSON", True),
    "unfinished": ("the answer ended without its end mark", True),
    "endless": ("the model repeated itself or said too much", True),
    "empty": ("the model said nothing", True),
    "cut_off": ("the answer reached its length limit before it was whole", True),
    "not_json": ("the answer is not JSON", True),
    "wrong_schema": ("the answer does not have the asked shape", True),
    "remote": ("the answer came from another machine", False),
    "cancelled": ("the work was ended in the middle of an answer", False),
    "out_of_time": ("the time that a model may take in an hour was over", False),
}
"""Outcome -> what it means in words, and whether one more try can help."""

_PHRASES = {
    "out_of_memory": (
        *("out of memory", "failed to allocate", "requires more system memory", "cudamalloc"),
        *("insufficient memory", "not enough memory", "allocation failed", "hipmalloc failed"),
        *("out of device memory", "signal: killed"),
    ),
    "overflow": ("exceed_context_size", "exceeds the available context", "context length"),
}
"""What a server's error says in words, whatever its status."""


class ModelUnavailable(CopydeskError):
    """There is no model to ask: the job waits, nothing is lost."""


class ModelFault(CopydeskError):
    """One call to a model failed.

    Args:
        outcome: A key of OUTCOMES.
        detail: What the server or the library said.
        partial: What had been answered until then.
    """

    def __init__(self, outcome: str, detail: str = "", *, partial: str = "") -> None:
        words, retry = OUTCOMES[outcome]
        details = f" ({one_line(detail)})" if detail.strip() else ""
        super().__init__(f"{words}{details}", slug="model-call-failed", hint="copydesk log --model")
        self.outcome = outcome
        self.retry = retry
        self.detail = detail
        self.partial = partial


class LimitReached(Exception):
    """A limit of ours ended the call; `outcome` says which."""

    def __init__(self, outcome: str, detail: str = "") -> None:
        super().__init__(detail or outcome)
        self.outcome = outcome


def fault_of(error: Exception, partial: str = "", *, started: bool | None = None) -> ModelFault:
    """Name what went wrong, whatever the libraries below raised.

    ollama 0.6.3 raises eight types for the faults of one server, the types differ between
    streams and whole answers, and its own error class raises AttributeError when the body is
    JSON but no object; so this takes every Exception and never raises.

    Args:
        error: The exception as it came.
        partial: The text received before.
        started: Whether a first piece had come; by default, whether `partial` is not empty.
    """
    if isinstance(error, ModelFault):
        return error
    if isinstance(error, LimitReached):
        return ModelFault(error.outcome, str(error), partial=partial)
    begun = bool(partial) if started is None else started
    return ModelFault(_outcome(error, begun), _detail(error), partial=partial)


def _outcome(error: Exception, begun: bool) -> str:
    import ollama  # 0.4 s; whoever maps a fault of it has paid already

    if isinstance(error, ollama.ResponseError):
        return of_status(error.status_code, error.error)
    for types, outcome in _outcomes(begun):
        if isinstance(error, types):
            return outcome
    return "not_ollama"


def _outcomes(begun: bool) -> list[tuple[tuple[type[Exception], ...], str]]:
    """Exceptions and what each means, the more special first.

    Args:
        begun: Whether a first piece of the answer had come.
    """
    import httpx  # costs 0.2 s; whoever maps a fault of it has paid already
    import pydantic

    return [
        ((httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol), "unavailable"),
        ((httpx.TimeoutException, TimeoutError), "stalled" if begun else "slow"),
        ((httpx.NetworkError, httpx.ProtocolError), "died"),
        ((json.JSONDecodeError, UnicodeDecodeError, httpx.DecodingError), "garbled"),
        ((pydantic.ValidationError, AttributeError, httpx.HTTPError), "not_ollama"),
        ((OSError,), "died" if begun else "unavailable"),
    ]


def _detail(error: Exception) -> str:
    message = getattr(error, "error", None)
    return message if isinstance(message, str) else str(error) or type(error).__name__


def of_status(status: int, message: object) -> str:
    """The outcome of an HTTP error of Ollama (-1: an error line in the middle of a stream)."""
    text = message.lower() if isinstance(message, str) else ""
    if "<html" in text or "<!doctype" in text or 300 <= status < 400:
        return "not_ollama"
    if status == 503:
        return "busy"
    for outcome, phrases in _PHRASES.items():
        if any(phrase in text for phrase in phrases):
            return outcome
    if status == 404:
        return "missing"
    return "refused" if 400 <= status < 500 else "crashed"
