"""What a scripted Ollama knows: its models, its answers, its faults; see ollama_server.py."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

Json = dict[str, Any]
Answers = Iterable[str] | Callable[[Json], str]
CRASH = (
    "model runner has unexpectedly stopped, this may be due to resource limitations"
    " or an internal error, check ollama server logs for details"
)
BUSY = "server busy, please try again.  maximum pending requests exceeded"
TOO_LONG = {"message": "request (9999 tokens) exceeds the available context size (4096 tokens)"}
TOO_LONG |= {"type": "exceed_context_size_error"}
EARLY_FAULTS: dict[str, tuple[int, str]] = {
    "http500": (500, CRASH),
    "http503": (503, BUSY),
    "oom": (500, "model requires more system memory (9.1 GiB) than is available (3.2 GiB)"),
    "loadoom": (
        500,
        "llama-server process has terminated: exit status 1:"
        " ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 4983886848",
    ),
    "oomkill": (500, "llama-server process has terminated: signal: killed"),
    "loadcrash": (500, "llama-server process has terminated: exit status 2: error loading model"),
    "gone": (404, "model 'qwen2.5-coder:7b' not found"),
    "cloudoff": (403, "ollama cloud is disabled: remote inference is unavailable"),
    "nothink": (400, '"qwen2.5-coder:7b" does not support thinking'),
    "toolong": (400, json.dumps({"error": TOO_LONG})),
    "toobig": (400, json.dumps({"error": TOO_LONG | {"n_prompt_tokens": 70_000, "n_ctx": 4096}})),
}
FAULTS: dict[str, str] = {
    "http500": "500, the runner crashed",
    "http503": "503, the queue is full",
    "oom": "500, not enough memory",
    "loadoom": "500, the memory for the model cannot be had",
    "oomkill": "500, the system ended the runner for want of memory",
    "loadcrash": "500, the model cannot be loaded",
    "gone": "404, the model was deleted meanwhile",
    "cloudoff": "403, the request is not allowed",
    "nothink": "400, the model cannot do what was asked",
    "toolong": "400, the prompt exceeds the context",
    "halved": "200, but the prompt was cut to half of the context",
    "toobig": "400, the prompt exceeds every context, and the server says by how much",
    "slowload": "the model is pushed out and loaded again for too long",
    "queued": "silence before the first word, for others are answered first",
    "frozen": "silence, and nothing else is answered any more",
    "stall": "silence in the middle of an answer",
    "drip": "single bytes, without end",
    "killed": "the server dies in the middle of an answer",
    "miderror": "an error in the middle of an answer",
    "badline": "a line of JSON that is cut",
    "emptyline": "an empty line",
    "nomessage": "JSON that is not Ollama's",
    "nodone": "an answer without its end mark",
    "endless": "the same words again and again",
    "empty": "an answer without a word",
    "thoughtless": "no word, for thinking took all the room",
    "blanks": "JSON with more white space than the answer may be long",
    "truncjson": "JSON that is cut at the length limit",
    "wrongschema": "JSON of another shape",
    "fenced": "JSON in a fenced block",
    "html502": "502 with a page of HTML, from a proxy",
    "notobject": "500 whose JSON is no object",
    "redirect": "302 to another machine",
    "remotechunk": "an answer that says it is from another machine",
}
"""Everything that can be made to go wrong, in words."""


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
    load_fault: str = ""  # of a request that only loads the model
    allocates: int = 0  # the longest context there is memory for; 0 is any
    cloud_disabled: bool = True
    offline: bool = False  # a pull does not reach the library
    max_queue: int = 512
    load_seconds: float = 1.0  # of the fault slowload
    pace: float = 0.0  # seconds between two pieces
    piece: int = 4  # characters in one
    host: str = ""
    requests: list[Json] = field(default_factory=list)  # {"path", "body", "headers"}
    loads: list[tuple[str, int]] = field(default_factory=list)
    loaded: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    closing: threading.Event = field(default_factory=threading.Event)
    frozen: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.one_at_a_time = threading.Lock()  # OLLAMA_NUM_PARALLEL is 1
        self.queue = threading.Semaphore(self.max_queue)
        self._texts = None if callable(self.answers) else list(self.answers)

    @property
    def asked(self) -> list[Json]:
        """The bodies of all inference requests; those that only load the model are none."""
        paths = ("/api/chat", "/api/generate")
        bodies = [call["body"] for call in self.requests if call["path"] in paths]
        return [body for body in bodies if body.get("messages") or body.get("prompt")]

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
        short = name.lower().removeprefix("registry.ollama.ai/").removeprefix("library/")
        full = short if ":" in short.rsplit("/", 1)[-1] else short + ":latest"
        for model in self.models:
            if model.name.lower() == full and not (local and model.remote):
                return model
        raise ApiError(404, f"model '{name}' not found")

    def load(self, model: Model, num_ctx: int, keep_alive: object) -> int:
        """Load or reload; returns the context length in force (clamped to the training's)."""
        num_ctx = min(num_ctx, model.context_length, self.allocates or num_ctx)
        if self.loaded.get(model.name, (0,))[0] != num_ctx:
            self.loads.append((model.name, num_ctx))
        self.loaded[model.name] = (num_ctx, datetime.now(UTC) + timedelta(minutes=5))
        if keep_alive in (0, "0", "0s"):
            del self.loaded[model.name]
        return num_ctx

    def fit(self, count: int, num_ctx: int, body: Json) -> int:
        """The tokens evaluated: all, about half of the context, or an error."""
        if count < num_ctx:
            return count
        native = self.overflow == "native"
        if native or body.get("truncate") is False:
            words = f"request ({count} tokens) exceeds the available context size"
            words += f" ({num_ctx} tokens), try increasing it"
            inner = {"code": 400, "message": words, "type": "exceed_context_size_error"}
            inner |= {"n_prompt_tokens": count, "n_ctx": num_ctx}
            raise ApiError(400, json.dumps({"error": inner}) if native else words)
        return num_ctx - max((num_ctx - 4) // 2, 1)


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
        if self.fault == "thoughtless" and self.chat:
            line["message"] = {"role": "assistant", "content": "", "thinking": text}
        if self.fault == "nomessage":
            line = {"answer": text}
        if self.fault == "remotechunk":
            line |= {"remote_host": "https://ollama.com", "remote_model": "big"}
        return line | extra

    def last(self, reason: str, produced: int, text: str = "") -> Json:
        end = time.perf_counter_ns()
        return self.frame(
            text,
            done=True,
            done_reason=reason,
            total_duration=end - self.started,
            load_duration=self.loaded - self.started,
            prompt_eval_count=self.prompt_tokens,
            prompt_eval_duration=1_000_000,
            eval_count=produced,
            eval_duration=end - self.loaded,
        )


def rules(entries: Sequence[Json]) -> Callable[[Json], str]:
    """Answers by what the request says: the first entry whose `when` is found speaks."""

    def say(request: Json) -> str:
        said = "\n".join(m.get("content", "") for m in request.get("messages", []))
        said += request.get("prompt", "")
        found = (e for e in entries if re.search(e.get("when", ""), said))
        return str(next(found, {"say": "ok"})["say"])

    return say
