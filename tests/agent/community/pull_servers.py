"""Servers that answer as Discord and GitHub do, with the faults that a schedule asks for."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "s3cret-token-of-a-bot"
START = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass
class Server:
    """What the server holds, and what it was asked. `faults` are taken one a request."""

    messages: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    channels: dict[str, dict[str, Any]] = field(default_factory=dict)
    issues: list[dict[str, Any]] = field(default_factory=list)
    comments: list[dict[str, Any]] = field(default_factory=list)
    discussions: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    revoked: bool = False
    skew: timedelta = timedelta()
    asked: list[tuple[str, str]] = field(default_factory=list)
    before_answer: Callable[[], None] = lambda: None
    address: str = ""

    def post(self, channel: str, text: str) -> dict[str, Any]:
        """A message is written in a channel."""
        rows = self.messages.setdefault(channel, [])
        number = sum(map(len, self.messages.values())) + 1
        row = {
            "id": str(10_000 + number),
            "type": 0,
            "channel_id": channel,
            "timestamp": (START + timedelta(minutes=number)).isoformat(),
            "content": text,
            "author": {"id": str(number % 7), "username": f"reader{number % 7}"},
        }
        rows.append(row)
        self.channels.setdefault(channel, {"id": channel, "type": 0, "name": f"room {channel}"})
        return row


def stamp(seconds: int) -> str:
    """A time as GitHub writes it."""
    return (START + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def comment(number: int, seconds: int) -> dict[str, Any]:
    """A comment as GitHub's REST writes it."""
    return {
        "id": number,
        "node_id": f"IC_{number}",
        "html_url": f"https://github.com/o/r/issues/1#issuecomment-{number}",
        "issue_url": "https://api.github.com/repos/o/r/issues/1",
        "user": {"login": f"reader{number % 5}", "type": "User"},
        "author_association": "NONE",
        "created_at": stamp(seconds),
        "updated_at": stamp(seconds),
        "body": f"comment {number}",
    }


class _Handler(BaseHTTPRequestHandler):
    state: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer("GET", None)

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", 0))
        self._answer("POST", json.loads(self.rfile.read(length)))

    def _answer(self, method: str, body: Any) -> None:
        state = self.state
        parts = urlsplit(self.path)
        state.asked.append((method, parts.path))
        state.before_answer()
        fault = state.faults.pop(0) if state.faults else ""
        if state.revoked or TOKEN not in self.headers.get("authorization", ""):
            return self._send(401, {"message": "Bad credentials"})
        if fault == "reset":
            self.close_connection = True
            self.connection.close()
            return None
        if fault:
            return self._fault(fault)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        status, content = route(state, parts.path, query, body)
        return self._send(status, content)

    def _fault(self, fault: str) -> None:
        now = datetime.now(UTC) + self.state.skew
        answers: dict[str, tuple[int, Any, dict[str, str]]] = {
            "429": (429, {"message": "slow", "retry_after": 0.3}, {"Retry-After": "1"}),
            "500": (500, {"message": "oops"}, {}),
            "502": (502, "<html>bad gateway", {}),
            "limit": (
                403,
                {"message": "API rate limit exceeded"},
                {
                    "X-RateLimit-Remaining": "0",
                    "X-RateLimit-Reset": str(int(now.timestamp()) + 9),
                },
            ),
            "secondary": (403, {"message": "You have exceeded a secondary rate limit"}, {}),
            "long": (429, {"message": "slow"}, {"Retry-After": "4000"}),
        }
        status, content, headers = answers[fault]
        self._send(status, content, headers)

    def _send(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        data = content.encode() if isinstance(content, str) else json.dumps(content).encode()
        self.send_response_only(status)
        self.send_header("Date", format_datetime(datetime.now(UTC) + self.state.skew, usegmt=True))
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


def route(state: Server, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
    """What the real server would say."""
    steps = path.strip("/").split("/")
    if steps[0] == "channels":
        return discord_channel(state, steps[1:], query)
    if steps[0] == "guilds":
        threads = [c for c in state.channels.values() if c.get("parent_id")]
        return 200, {"threads": threads}
    if steps[0] == "repos":
        return github_list(state, "/".join(steps[3:]), query)
    if steps[0] == "graphql":
        return 200, graphql(state, body["variables"])
    return 404, {"message": "Not Found"}


def discord_channel(state: Server, steps: Sequence[str], query: dict[str, str]) -> tuple[int, Any]:
    """A channel, its archived threads, or a page of its messages, the newest of it first."""
    channel = state.channels.get(steps[0])
    if channel is None:
        return 404, {"message": "Unknown Channel", "code": 10003}
    if len(steps) == 1:
        return 200, channel
    if steps[1] == "threads":
        return 200, {"threads": [], "has_more": False}
    after = int(query["after"])
    rows = [row for row in state.messages.get(steps[0], ()) if int(row["id"]) > after]
    return 200, rows[: int(query["limit"])][::-1]


def github_list(state: Server, part: str, query: dict[str, str]) -> tuple[int, Any]:
    """A page of issues or comments by the time of their change; no releases."""
    rows = {"issues": state.issues, "issues/comments": state.comments}.get(part, [])
    since = query.get("since", "")
    chosen = sorted((row for row in rows if row["updated_at"] >= since), key=_by_change)
    size, page = int(query["per_page"]), int(query["page"])
    return 200, chosen[(page - 1) * size : page * size]


def _by_change(row: dict[str, Any]) -> tuple[str, int]:
    return row["updated_at"], row["id"]


def graphql(state: Server, variables: dict[str, Any]) -> Any:
    """A page of two discussions, the one that changed last first; or more comments of one."""
    if "id" in variables:
        (discussion,) = (d for d in state.discussions if d["id"] == variables["id"])
        nodes = discussion["all_comments"][int(variables["after"]) :]
        return {"data": {"node": {"comments": {"pageInfo": {}, "nodes": nodes}}}}
    ordered = sorted(state.discussions, key=lambda d: d["updatedAt"], reverse=True)
    start = int(variables["after"] or 0)
    nodes = [
        {
            **{key: value for key, value in d.items() if key != "all_comments"},
            "comments": {
                "nodes": d["all_comments"][:2],
                "pageInfo": {"hasNextPage": len(d["all_comments"]) > 2, "endCursor": "2"},
            },
        }
        for d in ordered[start : start + 2]
    ]
    info = {"hasNextPage": start + 2 < len(ordered), "endCursor": str(start + 2)}
    return {"data": {"repository": {"discussions": {"pageInfo": info, "nodes": nodes}}}}


def schedule(seed: int, length: int) -> list[str]:
    """Faults for so many requests, most of them none."""
    chance = random.Random(seed)
    kinds = ["429", "500", "502", "limit", "secondary", "reset", "long"]
    return [chance.choice(kinds) if chance.random() < 0.45 else "" for _ in range(length)]


@contextmanager
def serving() -> Iterator[Server]:
    """A server on a free port of this machine."""
    state = Server()
    handler = type("Handler", (_Handler,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
