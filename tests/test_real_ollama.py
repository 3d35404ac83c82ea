"""What a real Ollama answers otherwise than the scripted one does.

    REAL_OLLAMA_HOST=http://127.0.0.1:11434 pytest -m real_ollama -s tests/test_real_ollama.py

The first local model that is installed, or REAL_OLLAMA_MODEL, is asked for a few words; it is
loaded and unloaded. Nothing is downloaded or deleted. Each difference is printed on a line.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from ollama_questions import Question, ask, differences, questions
from ollama_server import Model, serve


def installed(host: str) -> dict[str, Any]:
    """The entry of the model to ask about."""
    with urllib.request.urlopen(f"{host}/api/tags", timeout=10) as reply:
        entries = json.load(reply)["models"]
    wanted = os.environ.get("REAL_OLLAMA_MODEL")
    local = [entry for entry in entries if not entry.get("remote_host")]
    chosen = [entry for entry in local if wanted in (None, entry["name"])]
    if not chosen:
        pytest.skip("that Ollama has no such local model")
    return dict(chosen[0])


@pytest.mark.real_ollama
@pytest.mark.timeout(3600)
def test_a_real_server_is_compared_with_the_scripted_one() -> None:
    host = os.environ.get("REAL_OLLAMA_HOST")
    if not host:
        pytest.skip("set REAL_OLLAMA_HOST to the address of a running Ollama")
    entry = installed(host)
    lines: list[str] = []
    answered = 0
    asked = list(questions(entry["name"]))
    with serve(models=[Model(entry["name"], size=entry["size"])]) as script:
        for question in asked:
            real = ask(host, question)
            answered += bool(real.status)
            lines += differences(question, real, ask(script.host, question))
    print(f"{len(asked)} questions about {entry['name']}, {len(lines)} differences")
    print(*lines, sep="\n")
    assert answered == len(asked)


def test_the_scripted_server_answers_as_itself() -> None:
    with serve() as one, serve() as other:
        for question in questions("qwen2.5-coder:7b"):
            answers = ask(one.host, question), ask(other.host, question)
            assert differences(question, *answers) == []


def test_a_difference_is_named() -> None:
    question = Question("GET /api/tags", "GET", "/api/tags")
    with serve() as script:
        reply = ask(script.host, question)
    assert reply.status == 200
    [line] = differences(question, reply._replace(status=503), reply)
    assert line == "GET /api/tags: status is 503, of the test server 200"
    assert ask(script.host, question).kind == "ConnectionRefusedError"
