"""The keys: one table for bindings, help and docs."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from copydesk.agent.screen.app import DeskApp
from copydesk.agent.screen.keys import KEYS

SCRIPT = Path(__file__).parents[3] / "docs" / "screen_keys.py"


def test_every_key_does_something_and_is_there_once() -> None:
    assert len({one.key for one in KEYS}) == len(KEYS)
    for one in KEYS:
        name = one.action.removeprefix("app.")
        assert hasattr(DeskApp, f"action_{name}"), name


def test_the_page_of_the_screen_lists_the_keys() -> None:
    spec = importlib.util.spec_from_file_location("screen_keys", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text("utf-8") == module.page(), "run: python docs/screen_keys.py"
