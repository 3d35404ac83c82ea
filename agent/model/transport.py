"""The bytes between us and the model server."""

from __future__ import annotations

import contextlib
import functools
import http.client
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from copydesk.agent.model.faults import LimitReached, ModelUnavailable
from copydesk.agent.model.hosts import Host
from copydesk.agent.model.types import SizeLimits, TimeLimits
from copydesk.agent.records import Json
from copydesk.agent.text import one_line

if TYPE_CHECKING:
    import httpx

_MAX_REPLY = 8 << 20
_INFERENCE = ("/api/chat", "/api/generate")
# in a piece of text the quotes are escaped, so only a field of the server's own matches
_REMOTE_FIELD = re.compile(rb'(?<!\\)"remote_(?:host|model)"\s*:\s*"[^"]')
_FIELD_LENGTH = 80


class NoSuchModel(Exception):
    """The server answered 404 to a question about a model."""


def fetch(host: Host, path: str, body: Json | None = None, *, seconds: float) -> Json:
    """Ask the server for a small JSON object: no proxy, no redirect, no credentials.

    The standard library serves here, not httpx: `copydesk status` cannot wait 0.4 s for an
    import, and the fields that name a remote model must be read raw.

    Args:
        host: The server.
        path: Such as /api/version.
        body: What to post; None gets.
        seconds: For the whole exchange.

    Raises:
        ModelUnavailable: Nothing answers in time, or what answers is not Ollama.
        NoSuchModel: It answered 404 to a post.
    """
    kind = http.client.HTTPSConnection if host.scheme == "https" else http.client.HTTPConnection
    connection = kind(host.name, host.port, timeout=seconds)
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    payload = None if body is None else json.dumps(body).encode()
    try:
        with _ended_after(connection, seconds):
            connection.request(
                "GET" if body is None else "POST", host.path + path, payload, headers
            )
            response = connection.getresponse()
            raw = response.read(_MAX_REPLY)
            status = response.status
    except (OSError, http.client.HTTPException) as error:
        raise ModelUnavailable(
            f"no model server answers at {host.url} ({type(error).__name__})",
            slug="model-server-down",
            hint="start Ollama: ollama serve",
        ) from error
    finally:
        connection.close()
    if status == 404 and body is not None:
        raise NoSuchModel(one_line(raw.decode("utf-8", "replace")))
    return _object(host, path, status, raw)


def _object(host: Host, path: str, status: int, raw: bytes) -> Json:
    with contextlib.suppress(ValueError):
        value = json.loads(raw)
        if status == 200 and isinstance(value, dict):
            return value
    answer_text = one_line(raw.decode("utf-8", "replace"), 80)
    raise ModelUnavailable(
        f"what answers at {host.url}{path} is not Ollama (status {status}: {answer_text})",
        slug="model-server-odd",
        hint="check the address: copydesk config --set model_host=127.0.0.1:11434",
    )


@contextlib.contextmanager
def _ended_after(connection: http.client.HTTPConnection, seconds: float) -> Iterator[None]:
    """Break the connection after a while: a socket's time-out begins anew with each byte."""

    def end() -> None:
        with contextlib.suppress(OSError, AttributeError):
            connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Watch:
    """What one call may still use up, checked with each chunk of bytes."""

    def __init__(self, times: TimeLimits, sizes: SizeLimits) -> None:
        self.deadline = time.monotonic() + times.total
        self.room = sizes.wire_bytes
        self.tail = b""

    def saw(self, chunk: bytes) -> None:
        """Count a chunk.

        Raises:
            LimitReached: Too long, too much, or it comes from another machine.
        """
        self.room -= len(chunk)
        if self.room < 0:
            raise LimitReached("endless", "too many bytes")
        if time.monotonic() > self.deadline:
            raise LimitReached("too_long")
        window = self.tail + chunk
        if _REMOTE_FIELD.search(window):
            raise LimitReached("remote")
        self.tail = window[-_FIELD_LENGTH:]


def strict_transport(times: TimeLimits, sizes: SizeLimits) -> httpx.BaseTransport:
    """A transport for one call that adds what the ollama package has no argument for.

    It sends `truncate: false` (a prompt that is too long becomes an error instead of half a
    prompt), never an Authorization header (the package sends $OLLAMA_API_KEY to any host), asks
    for uncompressed bytes, gives the first byte and the later ones their own time limits, and
    stops an answer that has used up its time or size or says that it is remote.
    """
    import httpx  # 0.2 s, so only when a model is really called

    watch = Watch(times, sizes)

    class Watched(httpx.SyncByteStream):
        def __init__(self, inner: httpx.SyncByteStream) -> None:
            self.inner = inner

        def __iter__(self) -> Iterator[bytes]:
            for chunk in self.inner:
                watch.saw(chunk)
                yield chunk

        def close(self) -> None:
            self.inner.close()

    class Strict(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            timeouts = {"connect": times.connect, "write": times.idle, "pool": times.connect}
            timeouts["read"] = min(times.first_token, times.total)
            response = super().handle_request(_strict(request, timeouts))
            # httpcore reads this dictionary again when the body begins
            timeouts["read"] = min(times.idle, times.total)
            assert isinstance(response.stream, httpx.SyncByteStream)
            response.stream = Watched(response.stream)
            return response

    return Strict(trust_env=False, verify=_certificates())


@functools.cache
def _certificates() -> ssl.SSLContext:
    """What https servers are checked against; reading it takes longer than a short answer."""
    import httpx  # loaded already by whoever makes a transport

    return httpx.create_ssl_context(trust_env=False)


def _strict(request: httpx.Request, timeouts: dict[str, float]) -> httpx.Request:
    import httpx  # loaded already by whoever made the request

    body: Any = request.read()
    if request.method == "POST" and request.url.path.endswith(_INFERENCE):
        body = json.dumps({"truncate": False} | json.loads(body)).encode()
    dropped = (b"content-length", b"authorization", b"accept-encoding", b"cookie")
    headers = [(k, v) for k, v in request.headers.raw if k.lower() not in dropped]
    headers.append((b"Accept-Encoding", b"identity"))
    extensions = {**request.extensions, "timeout": timeouts}
    return httpx.Request(
        request.method, request.url, headers=headers, content=body, extensions=extensions
    )
