"""Which of the installed models is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from copydesk.agent.model.choose_model import PREFERENCE, candidates, free_bytes
from copydesk.agent.model.faults import ModelUnavailable

GB = 10**9


def entry(name: str, size: float = 1, **more: object) -> dict[str, object]:
    return {"name": name, "size": int(size * GB), **more}


def first(*installed: dict[str, object], wanted: str | None = None, memory: float = 16) -> str:
    return str(candidates(installed, wanted, int(memory * GB))[0]["name"])


def test_the_first_of_the_list_wins() -> None:
    assert first(entry("z:1b"), entry("llama3.1:8b"), entry("qwen2.5-coder:7b")) == (
        "qwen2.5-coder:7b"
    )


def test_any_model_is_better_than_none() -> None:
    assert first(entry("z:1b"), entry("y:1b")) == "z:1b"


def test_a_model_larger_than_the_memory_comes_last() -> None:
    big, small = entry("qwen3-coder:30b", 19), entry("z:1b")
    assert first(big, small) == "z:1b"
    assert first(big, small, memory=32) == "qwen3-coder:30b"
    assert first(big) == "qwen3-coder:30b"


def test_the_wanted_one_wins_over_all() -> None:
    assert first(entry("qwen2.5-coder:7b"), entry("z:latest"), wanted="z") == "z:latest"


def test_a_wanted_one_that_is_not_installed_is_never_replaced() -> None:
    with pytest.raises(ModelUnavailable) as caught:
        first(entry("qwen2.5-coder:7b"), wanted="z:1b")
    assert caught.value.slug == "model-not-installed"
    assert "model pull z:1b" in caught.value.hint


def test_remote_and_embedding_models_are_left_out() -> None:
    with pytest.raises(ModelUnavailable) as caught:
        first(
            entry("a:cloud"),
            entry("b:1b", remote_host="https://ollama.com"),
            entry("c:1b", capabilities=["embedding"]),
        )
    assert caught.value.slug == "no-model"


def test_the_list_has_no_cloud_and_no_doubles() -> None:
    assert len(set(PREFERENCE)) == len(PREFERENCE)
    assert not [name for name in PREFERENCE if "cloud" in name]


def test_of_models_that_are_all_too_big_the_smallest_is_tried() -> None:
    assert first(entry("qwen2.5-coder:14b", 9), entry("z:3b", 2), memory=1) == "z:3b"


def test_the_free_memory_is_read(tmp_path: Path) -> None:
    told = tmp_path / "meminfo"
    told.write_text("MemTotal:  24000000 kB\nMemAvailable:   1000 kB\nBuffers: 1 kB\n")
    assert free_bytes(told) == 1_024_000
    assert free_bytes(tmp_path / "none") > 10**8
    assert 0 < free_bytes() <= free_bytes(tmp_path / "none")
