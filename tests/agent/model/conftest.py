"""A scripted Ollama and a quick client for it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from copydesk.agent.model.calls import CallRecord, ModelSettings, SizeLimits, TimeLimits
from copydesk.agent.model.client import Client, connect

QUICK = TimeLimits(connect=2.0, first_token=2.0, idle=0.5, total=4.0)


@pytest.fixture(scope="session")
def ollama_server() -> ModuleType:
    """tests/ollama_server.py as a module."""
    path = Path(__file__).parents[2] / "ollama_server.py"
    spec = importlib.util.spec_from_file_location("ollama_server", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["ollama_server"] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


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
