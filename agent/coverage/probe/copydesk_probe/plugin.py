"""The pytest plugin of a recorded run, `-p copydesk_probe.plugin`.

It tells the recorder which test runs. Short, for pytest compiles a plugin anew in every run, to
rewrite its assertions.
"""

from __future__ import annotations

from typing import Any

from .pytest_hooks import RecordingPlugin
from .start import started_recorder


def pytest_addoption(parser: Any, pluginmanager: Any) -> None:
    """Tell the recorder of tests, before any conftest is read: called as soon as it is loaded."""
    RecordingPlugin(started_recorder()).install(pluginmanager)
