"""What is certain after a call of the webhook, by its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from copydesk.agent.desk.publishing import SentPart
from copydesk.agent.stories.sending.discord_calls import (
    Answer,
    Arrived,
    DiscordCalls,
    NotSent,
    Refused,
    Unknown,
)
from copydesk.agent.stories.sending.webhook import parse_webhook

PART = SentPart(1, 1, 1, "hook", "sending", {"content": "x"}, None, "", "", "")
MESSAGE = {"id": "9", "channel_id": "8"}


def calls_to(answer: Callable[[httpx.Request], httpx.Response]) -> DiscordCalls:
    client = httpx.Client(transport=httpx.MockTransport(answer), trust_env=False)
    return DiscordCalls(parse_webhook("https://discord.com/api/webhooks/1/t"), client)


@pytest.mark.parametrize(
    ("status", "body", "headers", "answer"),
    [
        (200, MESSAGE, {}, Arrived("8", "9")),
        (200, MESSAGE, {"X-RateLimit-Remaining": "0"}, Arrived("8", "9", 1.0)),
        (
            200,
            MESSAGE,
            {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "2.5"},
            Arrived("8", "9", 2.5),
        ),
        (
            200,
            MESSAGE,
            {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "-1"},
            Arrived("8", "9", 1.0),
        ),
        (200, {"id": "9; DROP", "channel_id": "8"}, {}, Unknown("no id")),
        (200, [MESSAGE], {}, Unknown("no id")),
        (204, None, {}, Unknown("204")),
        (429, {"retry_after": 0.5}, {"Retry-After": "9"}, NotSent("", 0.5)),
        (429, {}, {"Retry-After": "9"}, NotSent("", 9.0)),
        (429, {"retry_after": "soon"}, {}, NotSent("", 5.0)),
        (400, {"code": 50035, "message": "Invalid\x1b Form"}, {}, Refused(400, 50035, "")),
        (302, {}, {"Location": "https://evil.example"}, Refused(302, 0, "")),
        (503, {}, {}, Unknown("503")),
    ],
)
def test_an_answer_says_what_is_certain(
    status: int, body: Any, headers: dict[str, str], answer: Answer
) -> None:
    given = calls_to(lambda _: httpx.Response(status, headers=headers, json=body)).post(PART, "")
    assert type(given) is type(answer)
    if isinstance(answer, Arrived):
        assert given == answer
    if isinstance(answer, NotSent) and isinstance(given, NotSent):
        assert given.retry_after == answer.retry_after
    if isinstance(answer, Refused) and isinstance(given, Refused):
        assert (given.status, given.code) == (answer.status, answer.code)
        assert "\x1b" not in given.why


def test_an_answer_that_is_no_json_is_no_certainty() -> None:
    calls = calls_to(lambda _: httpx.Response(200, content=b"<html>"))
    assert isinstance(calls.post(PART, ""), Unknown)


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (httpx.ConnectError, NotSent),
        (httpx.ConnectTimeout, NotSent),
        (httpx.ProxyError, NotSent),
        (httpx.ReadTimeout, Unknown),
        (httpx.WriteError, Unknown),
        (httpx.RemoteProtocolError, Unknown),
    ],
)
def test_only_what_was_never_connected_was_certainly_not_sent(
    error: type[httpx.HTTPError], answer: type[Answer]
) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error("https://discord.com/api/webhooks/1/t")

    given = calls_to(fail).post(PART, "")
    assert type(given) is answer
    assert "webhooks" not in repr(given)
    with pytest.raises(ConnectionError) as caught:
        calls_to(fail).message("9", "8")
    assert "webhooks" not in str(caught.value)


def test_a_message_is_there_is_not_there_or_is_not_known() -> None:
    assert calls_to(lambda _: httpx.Response(200, json=MESSAGE)).message("9", "") == MESSAGE
    assert calls_to(lambda _: httpx.Response(404, json={})).message("9", "") is None
    with pytest.raises(ConnectionError, match="503"):
        calls_to(lambda _: httpx.Response(503)).message("9", "8")
