"""How the page is started: whom it answers, and what it sends."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

import copydesk.predictor.streamlit_app as page

TOP = Path(__file__).parents[2]


def test_it_answers_this_machine_alone_and_sends_no_statistics(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(page, "find_spec", lambda name: name)
    monkeypatch.setattr(os, "execv", lambda program, words: started.append(words))
    page.launch(["--subject", "commits"])
    (words,) = started
    assert "--server.address=127.0.0.1" in words
    assert "--browser.gatherUsageStats=false" in words
    assert words[-3:] == ["--", "--subject", "commits"]
    assert page._under_streamlit() is False


def test_without_streamlit_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=r"copydesk\[app\]"):
        page.launch([])


def test_a_checkout_says_the_same_to_streamlit_itself() -> None:
    settings = tomllib.loads((TOP / ".streamlit/config.toml").read_text("utf-8"))
    assert settings["server"]["address"] == "127.0.0.1"
    assert settings["browser"]["gatherUsageStats"] is False
