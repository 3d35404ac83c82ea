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
import hashlib
import json
import re
import select
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Literal

Json = dict[str, Any]
Answers = Iterable[str] | Callable[[Json], str]
CRASH = (
    "model runner has unexpectedly stopped, this may be due to resource limitations"
    " or an internal error, check ollama server logs for details"
)
BUSY = "server busy, please try again.  maximum pending requests exceeded"
EARLY_FAULTS: dict[str, tuple[int, str]] = {
    "http500": (500, CRASH),
    "http503": (503, BUSY),
    "oom": (500, "model requires more system memory (9.1 GiB) than is available (3.2 GiB)"),
    "loadcrash": (500, "llama-server process has terminated: exit status 2: error loading model"),
}
FAULTS = (
    *EARLY_FAULTS,
    *("slowload", "truncjson", "wrongschema", "empty", "fenced", "endless", "miderror", "stall"),
    *("killed", "badline", "nodone", "html502", "emptyline", "notobject", "redirect"),
    *("nomessage", "remotechunk", "drip"),
)


class ApiError(Exception):
    """An error Ollama would answer with."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass
class Model:
    """One installed model as /api/tags and /api/show tell it."""

    name: str = "qwen2.5-coder:7b"
    size: int = 4_700_000_000
    context_length: int = 32768
    capabilities: Sequence[str] = ("completion", "tools")
    remote_host: str = ""
    remote_model: str = ""

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.name.encode()).hexdigest()

    @property
    def remote(self) -> Json:
        pairs = {"remote_host": self.remote_host, "remote_model": self.remote_model}
        return {key: value for key, value in pairs.items() if value}

    @property
    def details(self) -> Json:
        return {
            "parent_model": "",
            "format": "gguf",
            "family": "qwen2",
            "families": ["qwen2"],
            "parameter_size": "7.6B",
            "quantization_level": "Q4_K_M",
        }


@dataclass
class Script:
    """Everything a server knows, and what it was asked."""

    answers: Answers = ("ok",)
    models: Sequence[Model] = field(default_factory=lambda: [Model()])
    version: str = "0.33.0"
    overflow: Literal["native", "rendered"] = "native"
    fault: str = ""
    faults: list[str] = field(default_factory=list)  # one a request, before `fault`
    cloud_disabled: bool = True
    max_queue: int = 512
    load_seconds: float = 1.0  # of the fault slowload
    pace: float = 0.0  # seconds between two pieces
    piece: int = 4  # characters in one
    host: str = ""
    requests: list[Json] = field(default_factory=list)  # {"path", "body", "headers"}
    loads: list[tuple[str, int]] = field(default_factory=list)
    loaded: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    closing: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.one_at_a_time = threading.Lock()  # OLLAMA_NUM_PARALLEL is 1
        self.queue = threading.Semaphore(self.max_queue)
        self._texts = None if callable(self.answers) else list(self.answers)

    @property
    def asked(self) -> list[Json]:
        """The bodies of all inference requests."""
        paths = ("/api/chat", "/api/generate")
        return [call["body"] for call in self.requests if call["path"] in paths]

    def answer(self, request: Json) -> str:
        if self._texts is None:
            assert callable(self.answers)
            return self.answers(request)
        return self._texts.pop(0) if len(self._texts) > 1 else (self._texts or [""])[0]

    def next_fault(self) -> str:
        return self.faults.pop(0) if self.faults else self.fault

    def newer_than(self, version: str) -> bool:
        def numbers(text: str) -> list[int]:
            return [int(n) for n in re.findall(r"\d+", text)[:3]]

        return numbers(self.version) >= numbers(version)

    def find(self, name: str) -> Model:
        """The model of that name; with the suffix :local never a remote one."""
        if not name:
            raise ApiError(400, "model is required")
        low, local = name.lower(), False
        if low.endswith((":cloud", "-cloud")):
            raise ApiError(403, "ollama cloud is disabled: remote inference is unavailable")
        if low.endswith(":local") and self.newer_than("0.18.0"):
            name, local = name[: -len(":local")], True
        full = name if ":" in name.rsplit("/", 1)[-1] else name + ":latest"
        for model in self.models:
            if model.name == full and not (local and model.remote):
                return model
        raise ApiError(404, f"model '{name}' not found")

    def load(self, model: Model, num_ctx: int, keep_alive: object) -> int:
        """Load or reload; returns the context length in force (clamped to the training's)."""
        num_ctx = min(num_ctx, model.context_length)
        if self.loaded.get(model.name, (0,))[0] != num_ctx:
            self.loads.append((model.name, num_ctx))
        self.loaded[model.name] = (num_ctx, datetime.now(UTC) + timedelta(minutes=5))
        if keep_alive in (0, "0", "0s"):
            del self.loaded[model.name]
        return num_ctx


def tokens(text: str) -> int:
    """Four bytes a token, as a stand-in for a tokenizer."""
    return -(-len(text.encode()) // 4)


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def smallest(schema: Json) -> Any:
    """The plainest value that a JSON schema allows."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    if kind == "object":
        return {key: smallest(part) for key, part in sorted(schema.get("properties", {}).items())}
    if kind == "array":
        return [smallest(schema.get("items", {}))] * schema.get("minItems", 0)
    return {"string": "text", "integer": 1, "number": 1.5, "boolean": True}.get(kind)


@dataclass
class Reply:
    """One inference on its way out."""

    request: Json
    chat: bool
    fault: str
    prompt_tokens: int
    started: int
    loaded: int

    def frame(self, text: str, **extra: Any) -> Json:
        line: Json = {"model": self.request.get("model"), "created_at": now()}
        if self.chat:
            line["message"] = {"role": "assistant", "content": text}
        else:
            line["response"] = text
        line["done"] = False
        if self.fault == "nomessage":
            line = {"answer": text}
        if self.fault == "remotechunk":
            line |= {"remote_host": "https://ollama.com", "remote_model": "big"}
        return line | extra

    def last(self, reason: str, produced: int) -> Json:
        end = time.perf_counter_ns()
        return self.frame(
            "",
            done=True,
            done_reason=reason,
            total_duration=end - self.started,
            load_duration=self.loaded - self.started,
            prompt_eval_count=self.prompt_tokens,
            prompt_eval_duration=1_000_000,
            eval_count=produced,
            eval_duration=end - self.loaded,
        )


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
        routes = {"/": self.root, "/api/version": self.version, "/api/status": self.status}
        routes |= {"/api/tags": self.tags, "/api/ps": self.ps}
        self.guarded(routes.get(self.path, self.nowhere))

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            body = json.loads(raw) if raw else None
        except ValueError as error:
            return self.json(400, {"error": str(error)})
        if not isinstance(body, dict):
            return self.json(400, {"error": "missing request body"})
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
        self.plain(404, b"404 page not found")

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
        if known:
            lines += [part, part | {"completed": total}, {"status": "success"}]
        else:
            lines += [{"error": "pull model manifest: file does not exist"}]
        if not body.get("stream", True):
            return self.json(200 if known else 500, lines[-1])
        self.start_stream()
        for line in lines:
            self.line(line)
        return self.end_stream()

    # -- inference

    def infer(self, body: Json) -> None:
        script, chat = self.script, self.path == "/api/chat"
        started = time.perf_counter_ns()
        model, fault = script.find(body.get("model", "")), script.next_fault()
        self.early(fault)
        if body.get("think") and "thinking" not in model.capabilities:
            raise ApiError(400, f'"{body["model"]}" does not support thinking')
        form = body.get("format")
        if form not in (None, "", "json") and not isinstance(form, dict):
            raise ApiError(400, f'invalid format: {form!r}; expected "json" or a valid JSON Schema')
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
        if not prompt and keep_alive == 0:
            script.loaded.pop(model.name, None)
            return self.json(200, reply.frame("", done=True, done_reason="unload"))
        if fault == "slowload" and script.closing.wait(script.load_seconds):
            raise BrokenPipeError
        options = body.get("options") or {}
        num_ctx = script.load(model, int(options.get("num_ctx", 4096)), keep_alive)
        if not prompt:
            return self.json(200, reply.frame("", done=True, done_reason="load"))
        count = self.fit(tokens("\n".join(prompt)), num_ctx, body)
        reply = Reply(body, chat, fault, count, started, time.perf_counter_ns())
        return self.speak(reply, int(options.get("num_predict", -1)))

    def fit(self, count: int, num_ctx: int, body: Json) -> int:
        """The tokens evaluated: all, about half of the context, or an error."""
        if count < num_ctx:
            return count
        native = self.script.overflow == "native"
        if native or body.get("truncate") is False:
            words = f"request ({count} tokens) exceeds the available context size"
            words += f" ({num_ctx} tokens), try increasing it"
            inner = {"code": 400, "message": words, "type": "exceed_context_size_error"}
            inner |= {"n_prompt_tokens": count, "n_ctx": num_ctx}
            raise ApiError(400, json.dumps({"error": inner}) if native else words)
        return num_ctx - max((num_ctx - 4) // 2, 1)

    def text(self, reply: Reply) -> str:
        form, fault = reply.request.get("format"), reply.fault
        if fault in ("truncjson", "wrongschema", "empty"):
            wrong = {"truncjson": '{"answer": "forty-tw', "wrongschema": '{"odd": [1, 2, 3]}'}
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
        said, reason = [], "length" if reply.fault == "truncjson" else "stop"
        stream = bool(reply.request.get("stream", True))
        if stream:
            self.start_stream()
        for piece in self.pieces(reply):
            if 0 <= limit <= len(said):
                reason = "length"
                break
            said.append(piece)
            if self.hung_up() or self.script.closing.wait(self.script.pace):
                raise BrokenPipeError  # closing the connection cancels
            if stream:
                self.line(reply.frame(piece))
                if self.midway(reply):
                    return None
        end = reply.last(reason, len(said))
        if reply.fault == "nodone":  # Ollama <= 0.33.3 after 30 repeated tokens
            end = reply.frame("")
        if not stream:
            key = {"message": {"role": "assistant", "content": "".join(said)}}
            return self.json(200, end | (key if reply.chat else {"response": "".join(said)}))
        if reply.fault != "nodone":
            self.line(end)
        return self.end_stream()

    def midway(self, reply: Reply) -> bool:
        """Play a fault after a piece was sent; True when the reply is over."""
        fault = reply.fault
        if fault == "stall":
            while not self.script.closing.wait(0.02) and not self.hung_up():
                pass
        elif fault == "drip":  # bytes without end, but never a whole line
            while not self.script.closing.wait(0.02) and not self.hung_up():
                self.chunk(b" ")
        elif fault == "miderror":
            self.line({"error": "an error was encountered while running the model: EOF"})
            self.end_stream()
            return True
        elif fault == "badline":
            self.chunk(b'{"model": "x", "mess\n')
            self.end_stream()
            return True
        elif fault == "emptyline":
            self.chunk(b"\n")
        if fault not in ("killed", "stall", "drip"):
            return False
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True
        return True

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
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

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
        """A client that goes away in the middle is expected here."""


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


def _rules(entries: Sequence[Json]) -> Callable[[Json], str]:
    def say(request: Json) -> str:
        said = "\n".join(m.get("content", "") for m in request.get("messages", []))
        said += request.get("prompt", "")
        found = (e for e in entries if re.search(e.get("when", ""), said))
        return str(next(found, {"say": "ok"})["say"])

    return say


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
    answers = _rules(entries) if entries and isinstance(entries[0], dict) else entries
    models = [Model(name) for name in given.model] or [Model()]
    known = {"models": models, "fault": given.fault, "version": given.version}
    with serve(answers, port=given.port, **known) as script:
        print(script.host, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
