"""How many tokens a text is: never fewer than the server counts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent import config
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.model_calls import CallRecord
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import find
from copydesk.agent.model.client import Client
from copydesk.agent.model.settings import model_settings
from copydesk.agent.model.tokens import MOST_LEARNED, byte_guess, estimate, learned_factor
from copydesk.agent.model.types import AnswerOptions

sys.path.insert(0, str(Path(__file__).parent))  # the samples' own folder
from token_samples import SAMPLES

CALL = CallRecord("test", "tiny:1b", "sha", "", "", {}, 0, 9, 1.0, "ok")


@pytest.fixture
def db(repo: Path) -> Iterator[Database]:
    with open_desk(repo / "desk") as opened:
        yield opened


@pytest.mark.parametrize("kind", SAMPLES)
def test_the_estimate_is_never_below_the_servers_count(kind: str) -> None:
    text, tokens = SAMPLES[kind]
    assert tokens <= estimate(text) <= tokens * 2


@given(st.lists(st.sampled_from(sorted(SAMPLES)), min_size=1, max_size=6))
def test_nor_is_it_for_a_prompt_of_several_kinds(kinds: list[str]) -> None:
    text = "\n\n".join(SAMPLES[kind][0] for kind in kinds)
    assert estimate(text) >= sum(SAMPLES[kind][1] for kind in kinds)


@given(st.text(), st.text())
def test_a_longer_text_has_no_fewer_tokens_than_its_bytes_tell(text: str, more: str) -> None:
    assert estimate(text) >= byte_guess(text)
    assert byte_guess(text + more) >= byte_guess(text)


@pytest.mark.parametrize(("guess", "counted"), [(922, 966), (1274, 1389), (1559, 1720)])
def test_what_a_server_counted_makes_up_for_a_low_estimate(guess: int, counted: int) -> None:
    # three dev log prompts as a real Ollama 0.33 counted them
    prompt = "abc" * guess
    assert estimate(prompt) == guess
    assert estimate(prompt) * learned_factor([(prompt, counted)]) >= counted


def test_the_highest_count_is_learned_from_and_a_short_prompt_is_not() -> None:
    prompt = "abc" * 1000
    assert learned_factor([]) == 1.0
    assert learned_factor([(prompt, 1100), (prompt, 1300), (prompt, 800)]) == 1.3
    assert learned_factor([("hi", 40)]) == 1.0
    assert learned_factor([(prompt, 90_000)]) == MOST_LEARNED


def test_the_desk_tells_what_a_model_read(db: Database, repo: Path) -> None:
    prompt = "abc" * 1000
    db.model_calls.add(replace(CALL, prompt=prompt, prompt_tokens=1200))
    db.model_calls.add(replace(CALL, prompt="cut", prompt_tokens=900, outcome="truncated"))
    db.model_calls.add(replace(CALL, prompt="other", prompt_tokens=900, digest="another"))
    settings = model_settings(config.load(find(repo)), db)
    assert settings.counted_prompts("sha") == [(prompt, 1200)]
    assert model_settings(config.load(find(repo))).counted_prompts("sha") == []


def test_the_room_asked_for_grows_with_what_was_counted(
    serve: Callable[..., Any], client_of: Callable[..., Client]
) -> None:
    prompt, options = "abc" * 3000, AnswerOptions(max_tokens=512)
    script = serve()
    client_of(script).ask(prompt, purpose="test", options=options)
    client_of(script, counted_prompts=lambda _digest: [(prompt, 4000)]).ask(
        prompt, purpose="test", options=options
    )
    assert [body["options"]["num_ctx"] for body in script.asked] == [4096, 8192]
