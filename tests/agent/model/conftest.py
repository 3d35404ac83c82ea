"""A scripted Ollama and a quick client for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import ModuleType
from typing import Any

import pytest

from copydesk.agent.desk.model_calls import CallRecord
from copydesk.agent.model.client import Client, connect
from copydesk.agent.model.types import ModelSettings, SizeLimits, TimeLimits

QUICK = TimeLimits(connect=2.0, first_token=2.0, idle=0.5, total=4.0)


@pytest.fixture
def serve(ollama_server: ModuleType) -> Iterator[Callable[..., Any]]:
    """Start a scripted server that lives as long as the test: serve(answers, fault=...)."""
    with ExitStack() as stack:
        yield lambda *args, **known: stack.enter_context(ollama_server.serve(*args, **known))


@pytest.fixture
def calls() -> list[CallRecord]:
    """The log of the client made by `ask_of`."""
    return []


@pytest.fixture
def client_of(calls: list[CallRecord]) -> Callable[..., Client]:
    """A client of a scripted server that waits for nothing longer than it must."""

    def make(
        script: Any, times: TimeLimits = QUICK, sizes: SizeLimits | None = None, **known: Any
    ) -> Client:
        settings = ModelSettings(host=script.host, on_call=calls.append, **known)
        return connect(settings, times=times, sizes=sizes, pause=lambda _seconds: None)

    return make
