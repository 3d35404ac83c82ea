"""A server that speaks Ollama's wire format, with scripted answers and faults by name.

Standard library only. Behaviour follows Ollama 0.33 (server/routes.go, llm/llama_server.go):
streaming is the default, NDJSON over chunked HTTP/1.1, errors as {"error": "..."}, one request
at a time, load and unload by an empty conversation, a reload when num_ctx changes, two styles
of context overflow.

    with serve(["first answer", "second answer"]) as server:
        connect(ModelSettings(host=server.host, ...))

    python tests/ollama_server.py --port 11999 --answers answers.json

answers.json is a list of texts (given in order, the last one for ever) or of objects
{"when": regular expression, "say": text}, of which the first that matches speaks.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

sys.path.insert(0, str(Path(__file__).parent))  # when it is loaded by its path
from ollama_faults import hold, midway, whole
from ollama_script import (
    BUSY,
    EARLY_FAULTS,
    FAULTS,
    Answers,
    ApiError,
    Json,
    Model,
    Reply,
    Script,
    now,
    rules,
    smallest,
    tokens,
)

FIELD_TYPES = {"model": str, "messages": list, "options": dict}
POSTED = ("/api/chat", "/api/generate", "/api/show", "/api/pull")
NO_NETWORK = (
    'pull model manifest: Get "https://registry.ollama.ai/v2/library/x/manifests/latest":'
    " dial tcp: lookup registry.ollama.ai: no such host"
)
CUT = ("truncjson", "thoughtless")
__all__ = ["FAULTS", "Model", "Script", "serve"]


class Handler(BaseHTTPRequestHandler):
    """Ollama's routes over one Script."""

    protocol_version = "HTTP/1.1"
    script: ClassVar[Script]

    def log_message(self, *_args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.script.requests.append({"path": self.path, "body": {}, "headers": dict(self.headers)})
        if self.script.frozen.is_set():
            return hold(self)
        routes = {"/": self.root, "/api/version": self.version, "/api/status": self.status}
        routes |= {"/api/tags": self.tags, "/api/ps": self.ps}
        return self.guarded(routes.get(self.path, self.nowhere))

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            body = json.loads(raw) if raw else None
        except ValueError as error:
            return self.json(400, {"error": str(error)})
        if not isinstance(body, dict):
            return self.json(400, {"error": "missing request body"})
        for key, kind in FIELD_TYPES.items():
            if not isinstance(body.get(key, kind()), kind):
                return self.json(400, {"error": f"json: cannot unmarshal field {key}"})
        headers = dict(self.headers)
        self.script.requests.append({"path": self.path, "body": body, "headers": headers})
        routes: dict[str, Callable[[Json], None]] = {"/api/show": self.show, "/api/pull": self.pull}
        routes |= {"/api/chat": self.infer, "/api/generate": self.infer}
        route = routes.get(self.path)
        return self.guarded(lambda: route(body) if route else self.nowhere())

    def guarded(self, route: Callable[[], None]) -> None:
        """Run a route; refuse foreign Host headers; turn errors into Ollama's bodies."""
        host = self.headers.get("Host", "").rsplit(":", 1)[0].strip("[]")
        try:
            if host not in ("localhost", "127.0.0.1", "::1"):
                self.plain(403, b"")
            else:
                route()
        except ApiError as error:
            self.json(error.status, {"error": error.message})
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    # -- plain routes

    def nowhere(self) -> None:
        if self.path in POSTED:
            return self.plain(405, b"405 method not allowed")
        return self.plain(404, b"404 page not found")

    def root(self) -> None:
        self.plain(200, b"Ollama is running")

    def version(self) -> None:
        self.json(200, {"version": self.script.version})

    def status(self) -> None:
        if not self.script.newer_than("0.16.2"):
            return self.nowhere()
        disabled = self.script.cloud_disabled
        cloud = {"disabled": disabled, "source": "env" if disabled else "none"}
        return self.json(200, {"cloud": cloud})

    def entry(self, model: Model) -> Json:
        names = {"name": model.name, "model": model.name, "size": model.size}
        return names | {"digest": model.digest, "details": model.details}

    def tags(self) -> None:
        extra = {"modified_at": now()}
        models = [self.entry(m) | extra | m.remote for m in self.script.models]
        self.json(200, {"models": models})

    def ps(self) -> None:
        loaded = [
            self.entry(model)
            | {"size_vram": 0, "expires_at": until.isoformat(), "context_length": num_ctx}
            for model in self.script.models
            for num_ctx, until in [self.script.loaded.get(model.name, (0, datetime.now(UTC)))]
            if num_ctx
        ]
        self.json(200, {"models": loaded})

    def show(self, body: Json) -> None:
        model = self.script.find(body.get("model") or body.get("name", ""))
        info = {"general.architecture": "qwen2", "qwen2.context_length": model.context_length}
        reply = {
            "modelfile": f"FROM {model.name}\n",
            "parameters": "",
            "template": "{{ .Prompt }}",
            "details": model.details,
            "model_info": info,
            "capabilities": list(model.capabilities),
            "modified_at": now(),
        }
        self.json(200, reply | model.remote)

    def pull(self, body: Json) -> None:
        name = body.get("model", "")
        known = any(model.name == name for model in self.script.models)
        digest, total = "sha256:" + "0" * 64, 1000
        part: Json = {"status": f"pulling {digest[7:19]}", "digest": digest, "total": total}
        lines: list[Json] = [{"status": "pulling manifest"}]
        if self.script.offline:
            lines += [{"error": NO_NETWORK}]
        elif known:
            lines += [part, part | {"completed": total}]
            steps = ("verifying sha256 digest", "writing manifest", "success")
            lines += [{"status": step} for step in steps]
        else:
            lines += [{"error": "pull model manifest: file does not exist"}]
        if not body.get("stream", True):
            return self.json(200 if "error" not in lines[-1] else 500, lines[-1])
        self.start_stream()
        for line in lines:
            self.line(line)
        return self.end_stream()

    # -- inference

    def infer(self, body: Json) -> None:
        script, chat = self.script, self.path == "/api/chat"
        started = time.perf_counter_ns()
        model = script.find(body.get("model", ""))
        loads = not (body.get("messages") or body.get("prompt"))
        fault = script.load_fault if loads else script.next_fault()
        self.early(fault)
        if body.get("think") and "thinking" not in model.capabilities:
            raise ApiError(400, f'"{body["model"]}" does not support thinking')
        form = body.get("format")
        if form not in (None, "", "json") and not isinstance(form, dict):
            raise ApiError(500, f'invalid format: {form!r}; expected "json" or a valid JSON Schema')
        if not script.queue.acquire(blocking=False):
            raise ApiError(503, BUSY)
        try:
            with script.one_at_a_time:
                self.turn(body, chat, model, fault, started)
        finally:
            script.queue.release()

    def early(self, fault: str) -> None:
        """The faults that come before a byte of an answer."""
        if fault in EARLY_FAULTS:
            raise ApiError(*EARLY_FAULTS[fault])
        if fault == "html502":
            self.plain(502, b"<html><body>502 Bad Gateway</body></html>", "text/html")
        elif fault == "notobject":
            self.plain(500, b'["not", "an", "object"]', "application/json")
        elif fault == "redirect":
            self.plain(302, b"", headers={"Location": "http://127.0.0.2:9/api/chat"})
        else:
            return
        raise BrokenPipeError  # answered already

    def turn(self, body: Json, chat: bool, model: Model, fault: str, started: int) -> None:
        script = self.script
        prompt = [m.get("content", "") for m in body.get("messages", [])] if chat else []
        prompt += [body[key] for key in ("system", "prompt") if not chat and body.get(key)]
        reply = Reply(body, chat, "", 0, started, started)
        keep_alive = body.get("keep_alive")
        if not prompt and keep_alive in (0, "0"):
            script.loaded.pop(model.name, None)
            return self.json(200, reply.frame("", done=True, done_reason="unload"))
        if fault == "frozen":
            script.frozen.set()
        if fault in ("queued", "frozen"):
            hold(self)
            raise BrokenPipeError
        if fault == "slowload":
            script.loaded.pop(model.name, None)
            if script.closing.wait(script.load_seconds):
                raise BrokenPipeError
        options = body.get("options") or {}
        num_ctx = script.load(model, int(options.get("num_ctx", 4096)), keep_alive)
        if not prompt:
            return self.json(200, reply.frame("", done=True, done_reason="load"))
        count = self.script.fit(tokens("\n".join(prompt)), num_ctx, body)
        count = num_ctx - (num_ctx - 4) // 2 if fault == "halved" else count
        reply = Reply(body, chat, fault, count, started, time.perf_counter_ns())
        return self.speak(reply, int(options.get("num_predict", -1)))

    def text(self, reply: Reply) -> str:
        form, fault = reply.request.get("format"), reply.fault
        if fault in ("truncjson", "wrongschema", "empty", "blanks"):
            wrong = {"blanks": "{" + ("\n" + " " * 18) * 120 + '"answer": "forty-two"}'}
            wrong |= {"truncjson": '{"answer": "forty-tw', "wrongschema": '{"odd": [1, 2, 3]}'}
            return wrong.get(fault, "")
        text = self.script.answer(reply.request)
        if isinstance(form, dict) and text == "ok":
            text = json.dumps(smallest(form))
        return f"```json\n{text}\n```" if fault == "fenced" else text

    def pieces(self, reply: Reply) -> Iterator[str]:
        if reply.fault == "endless":
            while True:
                yield "la "
        text, step = self.text(reply), self.script.piece
        for start in range(0, len(text), step):
            yield text[start : start + step]

    def speak(self, reply: Reply, limit: int) -> None:
        """Send the pieces, as a stream or as one object, with the faults that come midway."""
        said, reason = [], "length" if reply.fault in CUT else "stop"
        stream = bool(reply.request.get("stream", True))
        if stream:
            self.start_stream()
        for piece in self.pieces(reply):
            if 0 < limit <= len(said):
                reason = "length"
                break
            said.append(piece)
            if self.hung_up() or self.script.closing.wait(self.script.pace):
                raise BrokenPipeError  # closing the connection cancels
            if stream:
                self.line(reply.frame(piece))
                if midway(self, reply):
                    return None
        text = "" if stream else "".join(said)
        end = reply.last(reason, len(said), text)
        if reply.fault == "nodone":  # Ollama <= 0.33.3 after 30 repeated tokens
            end = reply.frame(text)
        if not stream:
            return None if whole(self, reply, end) else self.json(200, end)
        if reply.fault != "nodone":
            self.line(end)
        return self.end_stream()

    # -- plumbing

    def hung_up(self) -> bool:
        """True once the client has closed the connection."""
        try:
            if not select.select([self.connection], [], [], 0)[0]:
                return False
            return self.connection.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            return True

    def plain(
        self, status: int, body: bytes, kind: str = "text/plain", headers: Json | None = None
    ) -> None:
        self.head(status, kind, len(body), headers)
        if self.command != "HEAD":
            self.wfile.write(body)

    def head(self, status: int, kind: str, length: int, headers: Json | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()

    def json(self, status: int, value: Json) -> None:
        self.plain(status, json.dumps(value).encode(), "application/json; charset=utf-8")

    def start_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def line(self, value: Json) -> None:
        self.chunk(json.dumps(value).encode() + b"\n")

    def chunk(self, raw: bytes) -> None:
        self.wfile.write(f"{len(raw):x}\r\n".encode() + raw + b"\r\n")
        self.wfile.flush()

    def end_stream(self) -> None:
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is expected here; anything else is a bug."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextlib.contextmanager
def serve(answers: Answers = ("ok",), *, port: int = 0, **known: Any) -> Iterator[Script]:
    """Run a server in a thread.

    Args:
        answers: Texts in order (the last for ever), or a function of the request's body.
        port: 0 takes a free one.
        known: The other fields of Script.

    Yields:
        The Script: its `host` is the address, `requests`, `asked` and `loads` what happened.
    """
    script = Script(answers=answers, **known)
    handler = type("ScriptedHandler", (Handler,), {"script": script})
    server = Server(("127.0.0.1", port), handler)
    script.host = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield script
    finally:
        script.closing.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def main(argv: Sequence[str] | None = None) -> None:
    """Serve until interrupted; prints the address on one line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--port", type=int, default=11434)
    parser.add_argument("--answers", type=Path)
    parser.add_argument("--model", action="append", default=[])
    parser.add_argument("--fault", choices=FAULTS, default="")
    parser.add_argument("--version", default="0.33.0")
    given = parser.parse_args(argv)
    entries = json.loads(given.answers.read_text()) if given.answers else ["ok"]
    answers = rules(entries) if entries and isinstance(entries[0], dict) else entries
    models = [Model(name) for name in given.model] or [Model()]
    known = {"models": models, "fault": given.fault, "version": given.version}
    with serve(answers, port=given.port, **known) as script:
        print(script.host, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
