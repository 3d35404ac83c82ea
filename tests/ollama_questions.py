"""Small questions to an Ollama, and what of an answer can be compared with another server's."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

Json = dict[str, Any]
_SECONDS = 300.0
_SHORT = {"num_predict": 8, "num_ctx": 2048, "seed": 1}
_NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


class Question(NamedTuple):
    """One request."""

    name: str
    method: str
    path: str
    body: Json | bytes | None = None


class Reply(NamedTuple):
    """What of an answer is the same each time: status, media type, whether it came in chunks, the
    fields of its first and last line, why it ended, and its error with names and figures hidden."""

    status: int
    kind: str
    chunked: bool
    first: tuple[str, ...]
    last: tuple[str, ...]
    reason: str
    error: str


def questions(model: str) -> Iterator[Question]:
    """All questions about an installed model. Nothing is downloaded, and it stays installed."""
    for path in ("/", "/api/version", "/api/tags", "/api/ps", "/api/status", "/api/nothing"):
        yield Question(f"GET {path}", "GET", path)
    yield Question("HEAD /", "HEAD", "/")
    for path in ("/api/chat", "/api/generate", "/api/show", "/api/pull"):
        yield Question(f"GET {path}", "GET", path)
        yield Question(f"{path} without a body", "POST", path)
        yield Question(f"{path} with half a body", "POST", path, b'{"model": "x')
        yield Question(f"{path} with a list", "POST", path, b"[1]")
        yield Question(f"{path} with a number for a name", "POST", path, {"model": 5})
        yield Question(f"{path} without a name", "POST", path, {"model": ""})
    short = model.removesuffix(":latest")
    names = {model: "its name", model.upper(): "in capitals", f"library/{short}": "with library/"}
    names |= {f"{model}:local": "with :local", "no-such-model": "not installed"}
    names |= {"no-such-model:1b": "not installed, with a tag", "no-such:cloud": "a cloud name"}
    names |= {"no-such:cloud:local": "a cloud name with :local", "no such name": "no name"}
    for name, words in names.items():
        yield Question(f"show, {words}", "POST", "/api/show", {"model": name})
        yield Question(f"load, {words}", "POST", "/api/chat", {"model": name, "messages": []})
    yield from _answers(model)


def _answers(model: str) -> Iterator[Question]:
    """Questions that have the model write a few words, and that load or unload it."""
    hello = [{"role": "user", "content": "Say hello."}]
    chat: Json = {"model": model, "messages": hello, "options": _SHORT}
    variants: dict[str, Json] = {
        "streamed": {},
        "in one piece": {"stream": False},
        "by a schema": {"format": _NUMBER, "options": _SHORT | {"num_predict": 40}},
        "by a bad format": {"format": "yaml"},
        "by a schema that cannot be kept": {"format": {"type": "no-such-type"}},
        "with thinking": {"think": True},
        "without thinking": {"think": False},
        "of no token": {"options": _SHORT | {"num_predict": 0}, "stream": False},
        "too long, not truncated": {"messages": _long(), "truncate": False},
        "too long, not shifted": {"messages": _long(), "truncate": False, "shift": False},
        "too long": {"messages": _long(), "stream": False},
        "with a bad keep_alive": {"keep_alive": "soon"},
        "with options of a wrong type": {"options": "many"},
        "with messages of a wrong type": {"messages": "hello"},
    }
    for words, extra in variants.items():
        yield Question(f"chat, {words}", "POST", "/api/chat", chat | extra)
    prompt: Json = {"model": model, "prompt": "Say hello.", "options": _SHORT}
    yield Question("generate, streamed", "POST", "/api/generate", prompt)
    yield Question("generate, in one piece", "POST", "/api/generate", prompt | {"stream": False})
    for keep_alive in ("0", 0):
        body = {"model": model, "messages": [], "keep_alive": keep_alive, "stream": False}
        yield Question(f"unload by {keep_alive!r}", "POST", "/api/chat", body)


def _long() -> list[Json]:
    return [{"role": "user", "content": "one two three " * 2000}]


def ask(host: str, question: Question) -> Reply:
    """Ask a server one question.

    Args:
        host: Its address, such as http://127.0.0.1:11434.
        question: What to ask.
    """
    connection = http.client.HTTPConnection(urlsplit(host).netloc, timeout=_SECONDS)
    body = question.body
    raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    try:
        headers = {"Content-Type": "application/json"}
        connection.request(question.method, question.path, raw, headers)
        response = connection.getresponse()
        text = response.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return Reply(0, type(error).__name__, False, (), (), "", "")
    finally:
        connection.close()
    lines = [_object(line) for line in text.splitlines() if line.strip()] or [{}]
    kind = (response.headers.get("Content-Type") or "").partition(";")[0]
    return Reply(
        response.status,
        kind,
        response.headers.get("Transfer-Encoding") == "chunked",
        tuple(sorted(lines[0])),
        tuple(sorted(lines[-1])),
        str(lines[-1].get("done_reason", "")),
        _plain(str(lines[-1].get("error", ""))),
    )


def differences(question: Question, real: Reply, ours: Reply) -> list[str]:
    """In what the scripted server's answer differs from a real one's, a line each."""
    return [
        f"{question.name}: {field} is {theirs!r}, of the test server {own!r}"
        for field, theirs, own in zip(Reply._fields, real, ours, strict=True)
        if theirs != own
    ]


def _object(line: str) -> Json:
    try:
        value = json.loads(line)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _plain(error: str) -> str:
    """An error without the figures and quoted names in it."""
    return re.sub(r"\d+", "N", re.sub(r"'[^']*'|\"[^\"]*\"", "X", error))
