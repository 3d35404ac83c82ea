"""Every fault of a model server, through the real client, ends in a documented outcome in time."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import ollama
import pydantic
import pytest

from copydesk.agent.desk.model_calls import CallRecord
from copydesk.agent.errors import CopydeskError
from copydesk.agent.model.client import Client
from copydesk.agent.model.faults import (
    OUTCOMES,
    LimitReached,
    ModelFault,
    fault_of,
    of_status,
)
from copydesk.agent.model.types import AnswerOptions, SizeLimits, TimeLimits

sys.path.insert(0, str(Path(__file__).parents[2]))  # the scripted server's own folder
from ollama_faults import END, SHAPED

Serve = Callable[..., Any]
ClientOf = Callable[..., Client]
SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
SHORT = TimeLimits(connect=1.0, first_token=0.4, idle=0.3, total=1.2)
LONG_TEXT = "forty-two is the answer to it all"


@pytest.mark.parametrize("stream", [True, False], ids=["streaming", "plain"])
@pytest.mark.parametrize("fault", END)
def test_a_fault_ends_in_its_outcome(
    ollama_server: Any, client_of: ClientOf, calls: list[CallRecord], fault: str, stream: bool
) -> None:
    outcome, tries = END[fault][:2] if stream else END[fault][2:]
    text = json.dumps({"answer": "forty-two"}) if fault == "fenced" else LONG_TEXT
    known = {"fault": "" if fault == "down" else fault, "load_seconds": 5.0}
    with contextlib.ExitStack() as stack:
        script = stack.enter_context(ollama_server.serve([text], **known))
        client = client_of(script, SHORT)
        if fault == "down":
            stack.close()
        started = time.monotonic()
        prompt = "x = 1\n" * 1500 if fault == "halved" else "?"
        try:
            schema = SCHEMA if fault in SHAPED else None
            ended = client.ask(
                prompt, purpose="test", options=AnswerOptions(schema=schema, stream=stream)
            ).outcome
        except ModelFault as found:
            ended = found.outcome
        seconds = time.monotonic() - started
    assert ended == outcome
    assert ended in {"ok", "cut", *OUTCOMES}
    assert [call.outcome for call in calls] == [outcome] * max(tries, 1)
    assert len(script.asked) == tries
    assert {body["stream"] for body in script.asked} <= {stream}
    assert seconds < max(tries, 1) * SHORT.total + 3.0


def test_the_table_knows_every_fault_of_the_server(ollama_server: Any) -> None:
    assert set(END) == {"down", *ollama_server.FAULTS}


def test_the_page_is_written_from_the_table() -> None:
    path = Path(__file__).parents[3] / "docs/faults.py"
    spec = importlib.util.spec_from_file_location("faults_page", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text("utf-8") == module.page(), "run: python docs/faults.py"


@pytest.mark.parametrize(
    "fault", ["http500", "http503", "killed", "nodone", "empty", "badline", "miderror", "stall"]
)
def test_a_fault_that_passes_is_overcome(
    serve: Serve, client_of: ClientOf, calls: list[CallRecord], fault: str
) -> None:
    script = serve([LONG_TEXT], faults=[fault])
    answer = client_of(script, SHORT).ask("?", purpose="test")
    assert answer.text == LONG_TEXT
    assert len(calls) == 2
    assert script.asked[0]["options"]["seed"] != script.asked[1]["options"]["seed"]


def test_fenced_json_is_unwrapped(serve: Serve, client_of: ClientOf) -> None:
    script = serve([json.dumps({"answer": "x"})], fault="fenced")
    assert (
        client_of(script)
        .ask("?", purpose="test", options=AnswerOptions(schema=SCHEMA))
        .text.startswith("```")
    )
    assert len(script.asked) == 1


def test_prose_instead_of_json_is_said(serve: Serve, client_of: ClientOf) -> None:
    with pytest.raises(ModelFault) as caught:
        client_of(serve(["I think so."])).ask(
            "?", purpose="test", options=AnswerOptions(schema=SCHEMA)
        )
    assert caught.value.outcome == "not_json"


def test_out_of_memory_tries_the_next_smaller_context(serve: Serve, client_of: ClientOf) -> None:
    script = serve(faults=["oom"])
    client_of(script).ask("x" * 10_900, purpose="test", options=AnswerOptions(max_tokens=400))
    assert [body["options"]["num_ctx"] for body in script.asked] == [8192, 4096]


def test_a_model_deleted_after_the_choice_is_missing(
    serve: Serve, client_of: ClientOf, calls: list[CallRecord]
) -> None:
    script = serve()
    client = client_of(script)
    script.models = []
    with pytest.raises(ModelFault) as caught:
        client.ask("?", purpose="test")
    assert caught.value.outcome == "missing"
    assert len(calls) == 1


def test_a_model_turned_remote_after_the_choice_is_not_asked(
    serve: Serve, client_of: ClientOf, ollama_server: Any
) -> None:
    script = serve()
    client = client_of(script)
    script.models = [ollama_server.Model(remote_host="https://ollama.com")]
    with pytest.raises(ModelFault) as caught:
        client.ask("?", purpose="test")
    assert caught.value.outcome == "missing"  # what :local makes of it


def test_an_overflow_is_tried_again_at_the_size_the_server_named(
    serve: Serve, client_of: ClientOf
) -> None:
    script = serve(faults=["toolong"])  # 9,999 tokens of 4,096
    client_of(script).ask("?", purpose="test")
    assert [body["options"]["num_ctx"] for body in script.asked] == [4096, 16384]


def test_no_larger_context_is_tried_than_the_model_has(
    serve: Serve, client_of: ClientOf, ollama_server: Any
) -> None:
    script = serve(models=[ollama_server.Model(context_length=8192)], fault="toolong")
    with pytest.raises(ModelFault, match="longer than"):
        client_of(script).ask("?", purpose="test")
    assert len(script.asked) == 1


def test_a_silent_queue_is_said_with_how_long_it_was_silent(
    serve: Serve, client_of: ClientOf, calls: list[CallRecord]
) -> None:
    with pytest.raises(ModelFault, match=r"no word for \d+ s, though it is loaded"):
        client_of(serve(fault="queued"), SHORT).ask("?", purpose="test")
    assert len(calls) == 1


def test_white_space_takes_no_room_from_an_answer_by_a_schema(
    serve: Serve, client_of: ClientOf
) -> None:
    script = serve(["{" + "\n    " * 30 + '"answer": "x"}'], piece=5)  # 30 blank, 3 others
    options = AnswerOptions(schema=SCHEMA, max_tokens=12)
    answer = client_of(script).ask("?", purpose="test", options=options)
    assert json.loads(answer.text) == {"answer": "x"}
    assert len(script.asked) == 1


def test_json_that_is_no_white_space_is_ended_at_its_limit(
    serve: Serve, client_of: ClientOf, calls: list[CallRecord]
) -> None:
    script = serve([json.dumps({"answer": "abcd efgh " * 40})])
    options = AnswerOptions(schema=SCHEMA, max_tokens=12)
    with pytest.raises(ModelFault, match="length limit"):
        client_of(script).ask("?", purpose="test", options=options)
    assert [call.outcome for call in calls] == ["cut_off", "cut_off"]
    assert all(len(call.response) <= 4 * 25 for call in calls)


def test_a_server_gone_down_is_unavailable(
    ollama_server: Any, client_of: ClientOf, calls: list[CallRecord]
) -> None:
    with ollama_server.serve() as script:
        client = client_of(script)
    with pytest.raises(ModelFault) as caught:
        client.ask("?", purpose="test")
    assert caught.value.outcome == "unavailable"
    assert len(calls) == 1


def test_an_answer_of_too_many_characters_is_cut_off(serve: Serve, client_of: ClientOf) -> None:
    script = serve(["abc def " * 40])
    with pytest.raises(ModelFault, match="more than 100 characters"):
        client_of(script, sizes=SizeLimits(characters=100)).ask("?", purpose="test")


def test_an_answer_of_too_many_bytes_is_cut_off(serve: Serve, client_of: ClientOf) -> None:
    script = serve(["abc def " * 40])
    with pytest.raises(ModelFault, match="too many bytes"):
        client_of(script, sizes=SizeLimits(wire_bytes=1000)).ask("?", purpose="test")


def test_what_was_said_before_a_fault_is_logged(
    serve: Serve, client_of: ClientOf, calls: list[CallRecord]
) -> None:
    with pytest.raises(ModelFault) as caught:
        client_of(serve([LONG_TEXT], fault="miderror")).ask("?", purpose="test")
    assert caught.value.partial == "fort"
    assert calls[0].response == "fort"


def test_the_next_request_is_served_after_an_abandoned_one(
    serve: Serve, client_of: ClientOf
) -> None:
    script = serve([LONG_TEXT], faults=["stall", "stall"])
    client = client_of(script, SHORT)
    with pytest.raises(ModelFault):
        client.ask("?", purpose="test")
    assert client.ask("?", purpose="test").text == LONG_TEXT


def test_a_server_that_hangs_up_at_once_is_a_fault(client_of: ClientOf, serve: Serve) -> None:
    client = client_of(serve(), SHORT)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    client._host = type(client._host)("http", "127.0.0.1", port)
    with pytest.raises(ModelFault) as caught:
        client.ask("?", purpose="test")
    assert caught.value.outcome == "unavailable"


def validation_error() -> Exception:
    try:
        ollama.ChatResponse(done="perhaps")
    except pydantic.ValidationError as error:
        return error
    raise AssertionError


def response_attribute_error() -> Exception:
    try:
        raise ollama.ResponseError("[1]", 500)
    except AttributeError as error:
        return error


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (httpx.ConnectError("x"), "unavailable"),
        (httpx.ConnectTimeout("x"), "unavailable"),
        (ConnectionError("x"), "unavailable"),
        (ConnectionResetError("x"), "unavailable"),
        (httpx.ReadTimeout("x"), "slow"),
        (httpx.RemoteProtocolError("x"), "died"),
        (httpx.ReadError("x"), "died"),
        (httpx.DecodingError("x"), "garbled"),
        (httpx.TooManyRedirects("x"), "not_ollama"),
        (json.JSONDecodeError("x", "", 0), "garbled"),
        (validation_error(), "not_ollama"),
        (response_attribute_error(), "not_ollama"),
        (RuntimeError("x"), "not_ollama"),
        (LimitReached("endless"), "endless"),
        (ModelFault("empty"), "empty"),
        (ollama.ResponseError("model 'x' not found", 404), "missing"),
        (ollama.ResponseError("cloud is disabled", 403), "refused"),
        (ollama.ResponseError("", 403), "refused"),
    ],
)
def test_every_exception_has_its_outcome(error: Exception, outcome: str) -> None:
    fault = fault_of(error)
    assert fault.outcome == outcome
    assert fault.retry is OUTCOMES[outcome][1]
    assert isinstance(fault, CopydeskError)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(httpx.ReadTimeout("x"), "stalled"), (ConnectionResetError("x"), "died")],
)
def test_the_same_exception_midway_means_something_else(error: Exception, outcome: str) -> None:
    fault = fault_of(error, "half an ans")
    assert (fault.outcome, fault.partial) == (outcome, "half an ans")


@pytest.mark.parametrize(
    ("status", "text", "outcome"),
    [
        (500, "cudaMalloc failed: out of memory", "out_of_memory"),
        (500, "failed to allocate buffer", "out_of_memory"),
        (400, '{"error":{"type":"exceed_context_size_error"}}', "overflow"),
        (400, "the input length exceeds the context length", "overflow"),
        (400, '"x" does not support thinking', "refused"),
        (401, "unauthorized", "refused"),
        (499, "", "refused"),
        (502, "<HTML>", "not_ollama"),
        (302, "", "not_ollama"),
        (-1, "unexpected EOF", "crashed"),
        (500, ["no", "text"], "crashed"),
    ],
)
def test_every_status_has_its_outcome(status: int, text: object, outcome: str) -> None:
    assert of_status(status, text) == outcome


def test_a_fault_says_in_one_line_what_happened() -> None:
    fault = ModelFault("crashed", "boom\nstack\nstack")
    assert str(fault) == "the model server failed inside (boom)"
    assert fault.slug == "model-call-failed"
