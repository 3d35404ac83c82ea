"""The scripted server speaks as Ollama's own description says."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import ollama
import pytest

Serve = Callable[..., Any]
DATA = Path(__file__).parents[2] / "data"
CHAT = {"model": "qwen2.5-coder:7b", "messages": [{"role": "user", "content": "hi"}]}
GENERATE = {"model": "qwen2.5-coder:7b", "prompt": "hi"}


@cache
def description() -> dict[str, Any]:
    from ruamel.yaml import YAML

    loaded: dict[str, Any] = YAML(typ="safe").load(DATA / "ollama-openapi.yaml")
    return loaded


def validate(value: object, name: str) -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": f"#/components/schemas/{name}",
        "components": description()["components"],
    }
    jsonschema.Draft202012Validator(schema).validate(value)


def request(host: str, path: str, body: object = None, method: str = "") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(host.removeprefix("http://"), timeout=5)
    payload = None if body is None else json.dumps(body)
    connection.request(method or ("POST" if payload else "GET"), path, payload)
    response = connection.getresponse()
    try:
        return response.status, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/api/version", None, "VersionResponse"),
        ("/api/tags", None, "ListResponse"),
        ("/api/ps", None, "PsResponse"),
        ("/api/show", {"model": "qwen2.5-coder:7b"}, "ShowResponse"),
        ("/api/chat", CHAT | {"stream": False}, "ChatResponse"),
        ("/api/chat", CHAT | {"stream": False, "format": {"type": "object"}}, "ChatResponse"),
        ("/api/chat", {"model": "qwen2.5-coder:7b", "messages": []}, "ChatResponse"),
        ("/api/generate", GENERATE | {"stream": False}, "GenerateResponse"),
        ("/api/generate", {"model": "qwen2.5-coder:7b", "keep_alive": 0}, "GenerateResponse"),
        ("/api/pull", {"model": "qwen2.5-coder:7b", "stream": False}, "StatusResponse"),
    ],
)
def test_a_whole_reply_fits_the_description(
    serve: Serve, path: str, body: object, name: str
) -> None:
    host = serve().host
    request(host, "/api/chat", CHAT)  # so that something is loaded
    status, raw = request(host, path, body)
    assert status == 200
    validate(json.loads(raw), name)


@pytest.mark.parametrize(
    ("path", "body", "name"),
    [
        ("/api/chat", CHAT, "ChatStreamEvent"),
        ("/api/generate", GENERATE, "GenerateStreamEvent"),
        ("/api/pull", {"model": "qwen2.5-coder:7b"}, "StatusEvent"),
    ],
)
def test_each_line_of_a_stream_fits_the_description(
    serve: Serve, path: str, body: object, name: str
) -> None:
    status, raw = request(serve(["some longer answer"]).host, path, body)
    lines = [json.loads(line) for line in raw.splitlines()]
    assert status == 200
    assert len(lines) > 2
    for line in lines:
        validate(line, name)


def test_our_requests_fit_the_description(serve: Serve, client_of: Callable[..., Any]) -> None:
    script = serve()
    client_of(script).ask("hi", system="be brief", purpose="test")
    [body] = script.asked
    body = {k: v for k, v in body.items() if k != "truncate"}  # not described, but known to it
    validate({k: v for k, v in body.items() if v is not None}, "ChatRequest")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/nowhere", None, 404),
        ("/nowhere", {"a": 1}, 404),
        ("/api/show", {"model": "x"}, 404),
        ("/api/chat", CHAT | {"model": "x:1b"}, 404),
        ("/api/chat", CHAT | {"model": "x:cloud"}, 403),
        ("/api/chat", CHAT | {"model": ""}, 400),
        ("/api/chat", CHAT | {"think": True}, 400),
        ("/api/chat", CHAT | {"format": "xml"}, 500),
        ("/api/chat", [1], 400),
        ("/api/pull", {"model": "x", "stream": False}, 500),
    ],
)
def test_errors_have_ollamas_status(serve: Serve, path: str, body: object, status: int) -> None:
    assert request(serve().host, path, body)[0] == status


def test_liveness_and_status(serve: Serve) -> None:
    host = serve().host
    assert request(host, "/") == (200, b"Ollama is running")
    assert request(host, "/", method="HEAD") == (200, b"")
    cloud = json.loads(request(host, "/api/status")[1])["cloud"]
    assert cloud == {"disabled": True, "source": "env"}
    assert request(serve(version="0.16.1").host, "/api/status")[0] == 404


def test_a_full_queue_is_busy(serve: Serve) -> None:
    status, raw = request(serve(max_queue=0).host, "/api/chat", CHAT)
    assert status == 503
    assert b"server busy" in raw


def test_a_foreign_host_header_is_refused(serve: Serve) -> None:
    connection = http.client.HTTPConnection(serve().host.removeprefix("http://"), timeout=5)
    connection.request("GET", "/api/tags", headers={"Host": "evil.example"})
    assert connection.getresponse().status == 403
    connection.close()


def test_loading_reloading_and_unloading(serve: Serve) -> None:
    script = serve()
    client = ollama.Client(host=script.host, trust_env=False)
    client.chat("qwen2.5-coder:7b", [], options={"num_ctx": 8192})
    assert client.ps().models[0].context_length == 8192
    client.generate("qwen2.5-coder:7b", "hi", options={"num_ctx": 4096})
    client.generate("qwen2.5-coder:7b", "hi", options={"num_ctx": 4096}, keep_alive=0)
    assert [num_ctx for _, num_ctx in script.loads] == [8192, 4096]
    assert client.ps().models == []
    client.close()


def test_a_remote_model_is_not_found_as_local(serve: Serve, ollama_server: Any) -> None:
    script = serve(models=[ollama_server.Model("mine:latest", remote_host="https://ollama.com")])
    assert request(script.host, "/api/chat", CHAT | {"model": "mine"})[0] == 200
    assert request(script.host, "/api/chat", CHAT | {"model": "mine:latest:local"})[0] == 404
    assert json.loads(request(script.host, "/api/tags")[1])["models"][0]["remote_host"]


@pytest.mark.parametrize(
    ("overflow", "truncate", "status", "words"),
    [
        ("native", True, 400, b"exceed_context_size_error"),
        ("rendered", True, 200, b'"prompt_eval_count": 2050'),
        ("rendered", False, 400, b"exceeds the available context"),
    ],
)
def test_a_prompt_too_long(
    serve: Serve, overflow: str, truncate: bool, status: int, words: bytes
) -> None:
    message = [{"role": "user", "content": "x" * 40_000}]
    body = {"messages": message, "truncate": truncate, "options": {"num_ctx": 4096}}
    got, raw = request(serve(overflow=overflow).host, "/api/chat", CHAT | body)
    assert got == status
    assert words in raw


def test_a_schema_is_answered_in_its_shape(serve: Serve) -> None:
    properties = {
        "a": {"type": "array", "items": {"type": "integer"}, "minItems": 2},
        "b": {"enum": ["x", "y"]},
        "c": {"type": "boolean"},
        "d": {"type": "number"},
    }
    body = CHAT | {"format": {"type": "object", "properties": properties}, "stream": False}
    said = json.loads(request(serve().host, "/api/chat", body)[1])["message"]["content"]
    assert json.loads(said) == {"a": [1, 1], "b": "x", "c": True, "d": 1.5}


def test_answers_may_depend_on_the_request(serve: Serve) -> None:
    script = serve(lambda body: body["messages"][-1]["content"].upper())
    client = ollama.Client(host=script.host, trust_env=False)
    said = client.chat("qwen2.5-coder:7b", [{"role": "user", "content": "hi"}])
    assert said.message.content == "HI"
    client.close()


def test_it_runs_by_itself(tmp_path: Path) -> None:
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps([{"when": "clamp", "say": "clamped"}, {"say": "else"}]))
    script = Path(__file__).parents[2] / "ollama_server.py"
    argv = [sys.executable, str(script), "--port", "0", "--answers", str(answers)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        host = child.stdout.readline().strip()
        for prompt, said in (("test clamp", b"clam"), ("other", b"else")):
            body = CHAT | {"messages": [{"role": "user", "content": prompt}]}
            assert said in request(host, "/api/chat", body)[1]
        child.terminate()
