"""What Discord does with the calls of a webhook, as its documentation of August 2026 says.

In-process behind `httpx.MockTransport` (`transport`), or on the loopback address (`serve`).
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import httpx

WEBHOOK_ID, TOKEN = "900000000000000001", "To-ken_1"
PATH = f"/api/webhooks/{WEBHOOK_ID}/{TOKEN}"

Fault = Literal["", "429", "401", "403", "404", "500", "502 after", "drop", "drop after", "away"]
"""What goes wrong with a call: "after" is after Discord posted the message."""


class Dropped(Exception):
    """The connection is closed without an answer."""


@dataclass
class Reply:
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class DiscordServer:
    """A webhook of a forum or of a text channel; `faults` are those of the next calls."""

    channel: Literal["forum", "text"] = "forum"
    faults: list[Fault] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    threads: dict[str, str] = field(default_factory=dict)
    remaining: int = 5
    retry_after: float = 0.25

    def handle(self, method: str, target: str, content_type: str, body: bytes) -> Reply:
        path, _, query_text = target.partition("?")
        query = dict(pair.split("=", 1) for pair in query_text.split("&") if pair)
        if method == "GET":
            return self._read(path, query)
        payload = self._payload(content_type, body)
        self.requests.append((method, target, payload))
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "429":
            limited = {"message": "You are being rate limited.", "retry_after": self.retry_after}
            return Reply(429, limited | {"global": False}, {"Retry-After": "1"})
        if fault in ("401", "403", "404"):
            return Reply(int(fault), {"message": f"No ({fault})", "code": 10015})
        if fault == "500":
            return Reply(500, "Internal Server Error")
        if fault == "drop":
            raise Dropped
        reply = self._execute(path, query, payload)
        if fault == "502 after":
            return Reply(502, "<html>Bad Gateway</html>")
        if fault == "drop after":
            raise Dropped
        return reply

    def _payload(self, content_type: str, body: bytes) -> dict[str, Any]:
        if content_type.startswith("application/json"):
            return json.loads(body)
        assert content_type.startswith("multipart/form-data")
        form = message_from_bytes(
            b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body, policy=HTTP
        )
        fields = {}
        for part in form.iter_parts():
            name = part.get_param("name", header="content-disposition")
            fields[name] = part.get_payload(decode=True)
        payload = json.loads(fields["payload_json"])
        for attachment in payload["attachments"]:
            attachment["bytes"] = fields[f"files[{attachment['id']}]"]
        return payload

    def _execute(self, path: str, query: dict[str, str], payload: dict[str, Any]) -> Reply:
        if path != PATH:
            return Reply(404, {"message": "Unknown Webhook", "code": 10015})
        refusal = self._refusal(query, payload)
        if refusal:
            return Reply(400, refusal)
        number = 910000000000000000 + len(self.messages)
        channel = query.get("thread_id", "920000000000000000")
        if "thread_name" in payload:
            channel = str(number)
            self.threads[channel] = payload["thread_name"]
        message = {
            "id": str(number),
            "channel_id": channel,
            "webhook_id": WEBHOOK_ID,
            "content": payload.get("content", "").strip(),
            "attachments": [
                {"id": str(number), "filename": file["filename"], "size": len(file["bytes"])}
                for file in payload.get("attachments", [])
            ],
            "mention_everyone": False,
            "mentions": [],
        }
        if "poll" in payload:
            message["poll"] = payload["poll"] | {"results": {"is_finalized": False}}
        self.messages.append(message)
        self.remaining = self.remaining - 1 if self.remaining else 4
        headers = {
            "X-RateLimit-Limit": "5",
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset-After": "0.5",
            "X-RateLimit-Bucket": "b1",
        }
        if query.get("wait") != "true":
            return Reply(204, None, headers)
        return Reply(200, message, headers)

    def _refusal(self, query: dict[str, str], payload: dict[str, Any]) -> dict[str, Any] | None:
        if not any(payload.get(key) for key in ("content", "poll", "embeds", "attachments")):
            return {"message": "Cannot send an empty message", "code": 50006}
        if len(payload.get("content", "").encode("utf-16-le")) > 4000:
            return {"message": "Invalid Form Body", "code": 50035}
        named, in_thread = "thread_name" in payload, "thread_id" in query
        if self.channel == "forum" and not named and not in_thread:
            return {
                "message": "Webhooks posted to forum channels must have a thread_name or thread_id",
                "code": 220001,
            }
        if self.channel == "text" and named:
            return {
                "message": "Webhooks can only create threads in forum channels",
                "code": 220003,
            }
        if in_thread and query["thread_id"] not in self.threads:
            return {"message": "Unknown Channel", "code": 10003}
        if named and (in_thread or not 1 <= len(payload["thread_name"]) <= 100):
            return {"message": "Invalid Form Body", "code": 50035}
        return None

    def _read(self, path: str, query: dict[str, str]) -> Reply:
        match = re.fullmatch(re.escape(PATH) + r"/messages/(\d+)", path)
        for message in self.messages:
            here = query.get("thread_id", "920000000000000000") == message["channel_id"]
            if match and here and message["id"] == match[1]:
                return Reply(200, message)
        return Reply(404, {"message": "Unknown Message", "code": 10008})

    def transport(self) -> httpx.MockTransport:
        """Answers without a socket; the same as over one."""

        def answer(request: httpx.Request) -> httpx.Response:
            if request.method == "POST" and self.faults[:1] == ["away"]:
                self.faults.pop(0)
                raise httpx.ConnectError("refused", request=request)
            target = request.url.raw_path.decode()
            kind = request.headers.get("Content-Type", "")
            try:
                reply = self.handle(request.method, target, kind, request.read())
            except Dropped:
                raise httpx.RemoteProtocolError("closed", request=request) from None
            content = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
            return httpx.Response(reply.status, headers=reply.headers, content=content)

        return httpx.MockTransport(answer)

    @contextlib.contextmanager
    def serve(self) -> Iterator[str]:
        """Serve on the loopback address: the address of the webhook."""
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                kind = self.headers.get("Content-Type", "")
                try:
                    reply = owner.handle(self.command, self.path, kind, body)
                except Dropped:
                    linger = struct.pack("ii", 1, 0)
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    self.connection.close()
                    self.close_connection = True
                    return
                text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
                content = b"" if reply.status == 204 else text.encode()
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _answer

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}{PATH}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
