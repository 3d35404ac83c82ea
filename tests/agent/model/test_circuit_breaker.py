"""A server that keeps failing is left alone, and asked one small thing before it is trusted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from copydesk.agent.model.circuit_breaker import NEUTRAL, TROUBLE, CircuitBreaker
from copydesk.agent.model.client import Client, ModelFault, ModelUnavailable
from copydesk.agent.model.faults import OUTCOMES

Serve = Callable[..., Any]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_every_outcome_is_known_to_the_breaker() -> None:
    assert set(OUTCOMES) >= TROUBLE | NEUTRAL
    assert not TROUBLE & NEUTRAL


def test_it_opens_after_three_failures_and_for_longer_each_time() -> None:
    clock = Clock()
    breaker = CircuitBreaker(clock=clock)
    for _ in range(2):
        breaker.record("died")
        assert breaker.seconds_left == 0.0
    waits = []
    for _ in range(8):
        breaker.record("crashed")
        waits.append(breaker.seconds_left)
    assert waits == [30, 60, 120, 240, 480, 600, 600, 600]
    assert not breaker.half_open
    clock.now += 600
    assert breaker.half_open
    breaker.record("missing")
    assert breaker.half_open
    breaker.record("wrong_schema")
    assert breaker.failures == 0


@pytest.mark.parametrize(
    ("past", "failures"),
    [
        ([], 0),
        ([("died", 9.0), ("died", 8.0), ("ok", 7.0), ("died", 6.0)], 2),
        ([("missing", 9.0), ("slow", 8.0), ("refused", 7.0), ("busy", 6.0)], 2),
        ([("cut", 9.0), ("died", 8.0)], 0),
    ],
)
def test_it_remembers_what_the_log_says(past: list[tuple[str, float]], failures: int) -> None:
    assert CircuitBreaker(past).failures == failures


def test_open_it_asks_nothing_and_half_open_one_thing(
    serve: Serve, client_of: Callable[..., Client]
) -> None:
    clock = Clock()
    breaker = CircuitBreaker(clock=clock)
    script = serve(["fine"], fault="killed")
    client = client_of(script, breaker=breaker)
    for _ in range(2):
        with pytest.raises(ModelFault):
            client.ask("?", purpose="test")
    assert breaker.failures == 4
    seen = len(script.requests)
    with pytest.raises(ModelUnavailable, match="asked again in 60 s") as caught:
        client.ask("?", purpose="test")
    assert caught.value.slug == "model-resting"
    assert len(script.requests) == seen
    clock.now += 60
    script.fault = ""
    assert client.ask("?", purpose="test").text == "fine"
    assert script.requests[seen]["path"] == "/api/version"
    assert breaker.failures == 0


def test_a_probe_that_fails_opens_it_again(
    ollama_server: Any, client_of: Callable[..., Client]
) -> None:
    clock = Clock()
    breaker = CircuitBreaker([("died", 1.0)] * 3, clock=clock)
    with ollama_server.serve() as script:
        client = client_of(script, breaker=breaker)
    assert breaker.half_open
    with pytest.raises(ModelUnavailable) as caught:
        client.ask("?", purpose="test")
    assert caught.value.slug == "model-server-down"
    assert breaker.seconds_left == 60
