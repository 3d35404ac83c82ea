"""Asking a model: the happy path, what goes over the wire, and how a model is found."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.desk.model_calls import CallRecord
from copydesk.agent.model import choose_model
from copydesk.agent.model import client as client_module
from copydesk.agent.model.chat_request import LEFT_OUT, ChatRequest, shortened
from copydesk.agent.model.client import Client, available, connect, estimate
from copydesk.agent.model.faults import ModelFault, ModelUnavailable
from copydesk.agent.model.hosts import Host
from copydesk.agent.model.server import allocated
from copydesk.agent.model.types import AnswerOptions, ModelSettings, SizeLimits, TimeLimits

Serve = Callable[..., Any]
ClientOf = Callable[..., Client]
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string", "maxLength": 40}, "n": {"type": "integer"}},
    "required": ["answer", "n"],
}


def test_an_answer_carries_its_text_and_counts(
    serve: Serve, client_of: ClientOf, calls: list[CallRecord]
) -> None:
    client = client_of(serve(["def test_x():\n    assert f(1) == 2\n"]))
    answer = client.ask("Write a test.", system="You write tests.", purpose="test")
    assert answer.text == "def test_x():\n    assert f(1) == 2\n"
    assert answer.outcome == "ok"
    assert answer.model == "qwen2.5-coder:7b"
    assert len(answer.digest) == 64
    assert answer.prompt_tokens > 0
    assert answer.output_tokens > 0
    [call] = calls
    assert call.prompt == "You write tests.\n\nWrite a test."
    assert call.response == answer.text
    assert call.outcome == "ok"
    assert call.purpose == "test"
    assert call.options["num_predict"] == 512


def test_every_request_is_bounded_and_strict(
    serve: Serve, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "not-for-you")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    script = serve()
    client_of(script).ask("hi", purpose="test", options=AnswerOptions(max_tokens=7, seed=3))
    [body] = script.asked
    assert body["truncate"] is False
    assert body["think"] is False
    assert body["stream"] is True
    assert body["model"] == "qwen2.5-coder:7b:local"
    assert body["options"] == {"num_ctx": 4096, "num_predict": 7, "seed": 3, "temperature": 0.2}
    for request in script.requests:
        assert "authorization" not in {name.lower() for name in request["headers"]}


def test_a_model_name_goes_plain_to_a_server_that_does_not_know_local(
    serve: Serve, client_of: ClientOf
) -> None:
    script = serve(version="0.17.9")
    client_of(script).ask("hi", purpose="test")
    assert script.asked[0]["model"] == "qwen2.5-coder:7b"


@pytest.mark.parametrize(
    ("size", "bucket"),
    [(30, 4096), (9_000, 4096), (12_000, 8192), (40_000, 16384), (60_000, 32768)],
)
def test_the_context_comes_from_few_buckets(
    serve: Serve, client_of: ClientOf, size: int, bucket: int
) -> None:
    script = serve()
    client_of(script).ask("x" * size, purpose="test")
    assert script.loads == [("qwen2.5-coder:7b", bucket)]


def test_prompts_of_one_bucket_do_not_reload_the_model(serve: Serve, client_of: ClientOf) -> None:
    script = serve()
    client = client_of(script)
    for size in (10, 500, 5_000):
        client.ask("x" * size, purpose="test")
    assert len(script.loads) == 1


def test_a_prompt_beyond_every_bucket_is_never_sent(serve: Serve, client_of: ClientOf) -> None:
    script = serve()
    with pytest.raises(ModelFault) as caught:
        client_of(script).ask("x" * 200_000, purpose="test")
    assert caught.value.outcome == "overflow"
    assert script.asked == []


def test_the_training_length_bounds_the_context(
    serve: Serve, client_of: ClientOf, ollama_server: Any
) -> None:
    script = serve(models=[ollama_server.Model(context_length=2048)])
    client = client_of(script)
    client.ask("hi", purpose="test")
    assert script.asked[0]["options"]["num_ctx"] == 2048
    with pytest.raises(ModelFault, match="longer than"):
        client.ask("x" * 9000, purpose="test")


def test_a_schema_is_sent_and_checked(serve: Serve, client_of: ClientOf) -> None:
    script = serve([json.dumps({"answer": "yes", "n": 4})])
    answer = client_of(script).ask("Is it?", purpose="test", options=AnswerOptions(schema=SCHEMA))
    assert json.loads(answer.text) == {"answer": "yes", "n": 4}
    assert script.asked[0]["format"] == SCHEMA


def test_a_wrong_shape_is_sent_back_once_with_what_is_wrong(
    serve: Serve, client_of: ClientOf, calls: list[CallRecord]
) -> None:
    script = serve(['{"answer": "yes"}', '{"answer": "yes", "n": 1}'])
    answer = client_of(script).ask("Is it?", purpose="test", options=AnswerOptions(schema=SCHEMA))
    assert json.loads(answer.text)["n"] == 1
    assert "lacks 'n'" in script.asked[1]["messages"][-1]["content"]
    assert script.asked[1]["messages"][-2]["content"] == '{"answer": "yes"}'
    assert [call.outcome for call in calls] == ["wrong_schema", "ok"]


def test_a_cut_document_gets_more_room(serve: Serve, client_of: ClientOf) -> None:
    whole = '{"answer": "' + "y" * 30 + '", "n": 1}'
    script = serve([whole])
    answer = client_of(script).ask(
        "Is it?", purpose="test", options=AnswerOptions(schema=SCHEMA, max_tokens=8)
    )
    assert json.loads(answer.text)["n"] == 1
    assert [body["options"]["num_predict"] for body in script.asked] == [24, 48]


def test_cut_plain_text_is_kept_and_said_to_be_cut(serve: Serve, client_of: ClientOf) -> None:
    answer = client_of(serve(["abcdefghijkl"])).ask(
        "?", purpose="test", options=AnswerOptions(max_tokens=2)
    )
    assert (answer.text, answer.outcome) == ("abcdefgh", "cut")


@pytest.mark.parametrize(("name", "think"), [("gpt-oss:20b", "low"), ("qwen3.5:9b", False)])
def test_models_think_as_little_as_they_can(
    serve: Serve, client_of: ClientOf, ollama_server: Any, name: str, think: object
) -> None:
    abilities = ("completion", "thinking")
    script = serve(models=[ollama_server.Model(name, capabilities=abilities)])
    client_of(script).ask("?", purpose="test")
    assert [body["think"] for body in script.asked] == [think]


def test_a_model_that_thought_up_all_its_room_gets_more(serve: Serve, client_of: ClientOf) -> None:
    script = serve(["forty-two"], faults=["thoughtless"])
    assert (
        client_of(script).ask("?", purpose="test", options=AnswerOptions(max_tokens=50)).text
        == "forty-two"
    )
    assert [body["options"]["num_predict"] for body in script.asked] == [50, 100]


def test_a_thought_that_slipped_into_the_text_is_dropped(serve: Serve, client_of: ClientOf) -> None:
    answer = client_of(serve(["<think>hm\nhm</think>\n42"])).ask("?", purpose="test")
    assert answer.text == "42"


def test_secrets_never_reach_the_wire_or_the_log(
    serve: Serve, client_of: ClientOf, calls: list[CallRecord]
) -> None:
    script = serve()
    key = "AKIA" + "A" * 16
    client_of(script).ask(f"key = {key}", system=f"also {key}", purpose="test")
    assert key not in json.dumps(script.asked)
    assert key not in calls[0].prompt
    assert "[hidden]" in calls[0].prompt


def test_the_longer_of_overflowing_prompts_gets_the_next_bucket(
    serve: Serve, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "estimate", lambda text: len(text) // 40)
    script = serve(overflow="native")
    client_of(script).ask("x" * 20_000, purpose="test")
    assert [body["options"]["num_ctx"] for body in script.asked] == [4096, 8192]


def test_a_server_that_cuts_prompts_silently_is_found_out(
    serve: Serve, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = serve(overflow="rendered")
    client = client_of(script)
    # an old server ignores `truncate`, and this prompt is denser than the estimate
    monkeypatch.setattr(client_module, "estimate", lambda text: min(len(text) // 5, 3000))
    drop_truncate(script)
    with pytest.raises(ModelFault) as caught:
        client.ask("x" * 20_000, purpose="test")
    assert caught.value.outcome == "truncated"


def drop_truncate(script: Any) -> None:
    """Make the server blind to `truncate`, as servers before 0.12.6 are."""
    load = script.load

    def blind(model: Any, num_ctx: int, keep_alive: object) -> int:
        script.requests[-1]["body"].pop("truncate", None)
        return int(load(model, num_ctx, keep_alive))

    script.load = blind


def test_a_context_smaller_than_asked_is_found_out(
    serve: Serve, client_of: ClientOf, ollama_server: Any
) -> None:
    model = ollama_server.Model()
    script = serve(models=[model], overflow="rendered")
    client = client_of(script)
    client.ask("?", purpose="test")
    model.context_length = 1024  # lowered behind our back
    drop_truncate(script)
    with pytest.raises(ModelFault) as caught:
        client.ask("x" * 6_000, purpose="test")
    assert caught.value.outcome == "truncated"


def test_the_server_is_found_by_the_environment(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", serve().host)
    assert connect(ModelSettings()).name == "qwen2.5-coder:7b"
    assert available(ModelSettings()) == (True, "qwen2.5-coder:7b", "")


def test_no_server_is_said_at_once() -> None:
    ok, name, reason = available(ModelSettings())
    assert (ok, name) == (False, "")
    assert "no model server answers" in reason
    with pytest.raises(ModelUnavailable) as caught:
        connect(ModelSettings())
    assert caught.value.slug == "model-server-down"


def test_the_prose_model_writes_prose(serve: Serve, ollama_server: Any) -> None:
    models = [ollama_server.Model("a:1b"), ollama_server.Model("b:1b")]
    settings = ModelSettings(host=serve(models=models).host, model="a:1b", prose_model="b:1b")
    assert connect(settings).name == "a:1b"
    assert connect(settings, prose=True).name == "b:1b"


@pytest.mark.parametrize("version", ["0.12.5", "0.5.1", "0.9.0-rc1"])
def test_servers_too_old_to_be_strict_are_refused(serve: Serve, version: str) -> None:
    with pytest.raises(ModelUnavailable, match=version) as caught:
        connect(ModelSettings(host=serve(version=version).host))
    assert caught.value.slug == "model-server-old"


@pytest.mark.parametrize("version", ["0.12.6", "0.33.0-rc2", "0.0.0", "1.0"])
def test_newer_servers_and_builds_of_ones_own_are_taken(serve: Serve, version: str) -> None:
    assert connect(ModelSettings(host=serve(version=version).host)).name


def test_a_model_that_only_embeds_is_passed_over(serve: Serve, ollama_server: Any) -> None:
    embeds = ollama_server.Model("nomic-embed-text:latest", capabilities=["embedding"])
    script = serve(models=[embeds, ollama_server.Model("tiny:1b")])
    assert connect(ModelSettings(host=script.host)).name == "tiny:1b"
    only = serve(models=[embeds])
    with pytest.raises(ModelUnavailable) as caught:
        connect(ModelSettings(host=only.host))
    assert caught.value.slug == "no-model"


def test_what_loaded_models_take_up_counts_as_free(
    serve: Serve, ollama_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose_model, "free_bytes", lambda: 2 * 10**9)
    large = ollama_server.Model("qwen2.5-coder:7b", size=4_700_000_000)
    small = ollama_server.Model("qwen2.5-coder:1.5b", size=1_000_000_000)
    script = serve(models=[large, small])
    settings = ModelSettings(host=script.host)
    assert (connect(settings).name, available(settings)[1]) == ("qwen2.5-coder:1.5b",) * 2
    script.load(large, 4096, None)
    assert (connect(settings).name, available(settings)[1]) == ("qwen2.5-coder:7b",) * 2


def test_a_model_deleted_between_list_and_show_is_said(serve: Serve, ollama_server: Any) -> None:
    script = serve()
    script.find = lambda _name: ollama_server.Script.find(script, "gone")
    with pytest.raises(ModelUnavailable) as caught:
        connect(ModelSettings(host=script.host))
    assert caught.value.slug == "model-not-installed"


def test_importing_the_room_loads_no_heavy_library() -> None:
    probe = (
        "import sys, copydesk.agent.model.client, copydesk.agent.model.transport;"
        "print([m for m in ('ollama', 'httpx', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_status_waits_no_longer_than_two_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, never answers
        started = time.monotonic()
        ok, _, reason = available(ModelSettings(host=f"127.0.0.1:{silent.getsockname()[1]}"))
    assert not ok
    assert reason
    assert time.monotonic() - started < 2.8


def test_something_else_at_the_address_is_said(serve: Serve) -> None:
    script = serve()
    with pytest.raises(ModelUnavailable, match="is not Ollama") as caught:
        connect(ModelSettings(host=f"{script.host}/another/service"))
    assert caught.value.slug == "model-server-odd"


def test_a_secure_server_is_spoken_to_securely(serve: Serve) -> None:
    plain = serve().host.removeprefix("http://")
    with pytest.raises(ModelUnavailable) as caught:
        connect(ModelSettings(host=f"https://{plain}"))
    assert caught.value.slug == "model-server-down"  # what answers does not speak TLS


@given(st.text())
def test_the_estimate_never_falls_below_a_third_of_the_bytes(text: str) -> None:
    assert estimate(text) * 3 >= len(text.encode("utf-8", "replace"))


def test_times_and_sizes_have_sane_defaults() -> None:
    assert TimeLimits().load > 300  # Ollama itself gives up loading after 300 s
    assert SizeLimits().repeats == 100


def test_the_model_is_loaded_by_a_request_of_its_own(serve: Serve, client_of: ClientOf) -> None:
    script = serve()
    told: list[tuple[str, int]] = []
    client = client_of(script, on_progress=lambda what, tokens: told.append((what, tokens)))
    client.ask("?", purpose="test")
    client.ask("?", purpose="test")
    chats = [c["body"] for c in script.requests if c["path"] == "/api/chat"]
    assert [bool(body["messages"]) for body in chats] == [False, True, True]
    assert not any("keep_alive" in body for body in chats)  # how long is the user's affair
    assert {body["options"]["num_ctx"] for body in chats} == {4096}
    assert told[:3] == [("loading", 0), ("reading", 0), ("writing", 1)]


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [("slowload", "slow"), ("loadcrash", "crashed"), ("html502", "not_ollama")],
)
def test_a_load_that_fails_is_a_fault(
    serve: Serve, client_of: ClientOf, calls: list[CallRecord], fault: str, outcome: str
) -> None:
    script = serve(load_fault=fault)
    times = TimeLimits(connect=1.0, load=0.2, first_token=9.0)
    with pytest.raises(ModelFault) as caught:
        client_of(script, times).ask("?", purpose="test")
    assert caught.value.outcome == outcome
    assert script.asked == []
    assert calls


def test_less_context_than_asked_for_is_seen_before_asking(
    serve: Serve, client_of: ClientOf
) -> None:
    script = serve(allocates=2048)
    client = client_of(script)
    assert client.ask("?", purpose="test").text == "ok"
    with pytest.raises(ModelFault, match="of 2,048") as caught:
        client.ask("x" * 6_000, purpose="test")
    assert caught.value.outcome == "overflow"
    assert len(script.asked) == 1


def test_a_server_without_ps_is_believed(serve: Serve, client_of: ClientOf) -> None:
    script = serve()
    client = client_of(script)
    script.loaded = {}
    assert allocated(client._host, "gone:1b", 1.0) == 0
    assert allocated(Host("http", "127.0.0.1", 9), "gone:1b", 0.5) == 0


def test_a_prompt_too_long_is_cut_by_the_servers_count(
    serve: Serve, client_of: ClientOf, ollama_server: Any
) -> None:
    script = serve(models=[ollama_server.Model(context_length=4096)])
    fit = script.fit
    script.fit = lambda count, num_ctx, body: fit(count * 3, num_ctx, body)  # an odd tokenizer
    prompt = "\n".join(f"line {n} of many" for n in range(350))
    assert (
        client_of(script).ask(prompt, purpose="test", options=AnswerOptions(max_tokens=64)).text
        == "ok"
    )
    first, second = (body["messages"][-1]["content"] for body in script.asked)
    assert first == prompt
    assert LEFT_OUT in second
    assert second.startswith("line 0 of")
    assert second.endswith("line 349 of many")


def test_an_overflow_without_figures_is_not_cut() -> None:
    request = ChatRequest("test", (("user", "a\nb\nc"),), 4096, AnswerOptions(max_tokens=10))
    assert shortened(request, ModelFault("overflow", "too long")) is None
    figures = '"n_prompt_tokens":9000,"n_ctx":128'
    assert shortened(request, ModelFault("overflow", figures)) is None


@pytest.mark.parametrize(("loaded", "asked"), [(8192, 8192), (32768, 32768), (2048, 4096)])
def test_a_context_that_is_loaded_and_large_enough_is_used_as_it_is(
    serve: Serve, client_of: ClientOf, loaded: int, asked: int
) -> None:
    script = serve()
    script.load(script.models[0], loaded, "2h")  # by the user
    client_of(script).ask("x" * 9000, purpose="test", options=AnswerOptions(max_tokens=200))
    assert script.asked[0]["options"]["num_ctx"] == asked
    assert len(script.loads) == (1 if loaded == asked else 2)


def test_a_model_in_use_is_not_pushed_out_by_the_daemon(
    serve: Serve, client_of: ClientOf, ollama_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = ollama_server.Model("chat:7b")
    script = serve(models=[ollama_server.Model(), chat])
    script.load(chat, 4096, None)
    monkeypatch.setattr(choose_model, "free_bytes", lambda: 5_000_000_000)
    client = client_of(script, spares_others=True)
    with pytest.raises(ModelUnavailable) as caught:
        client.ask("?", purpose="test")
    assert str(caught.value) == "chat:7b is loaded, and qwen2.5-coder:7b would take its place"
    assert caught.value.slug == "model-in-use"
    assert client_of(script).ask("?", purpose="test").text == "ok"  # somebody asked for it
    monkeypatch.setattr(choose_model, "free_bytes", lambda: 6_000_000_000)
    assert client.ask("?", purpose="test").text == "ok"  # both fit, or ours is loaded already


@pytest.mark.parametrize(
    "name",
    ["Qwen2.5-Coder:7B", "library/qwen2.5-coder:7b", "qwen2.5-coder:7b:local"],
)
def test_a_model_may_be_named_as_the_server_takes_it(
    serve: Serve, client_of: ClientOf, name: str
) -> None:
    assert client_of(serve(), model=name).ask("?", purpose="test").text == "ok"
