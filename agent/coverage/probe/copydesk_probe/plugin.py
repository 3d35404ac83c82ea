"""The pytest plugin of a recorded run, `-p copydesk_probe.plugin`.

It reads the file that $COPYDESK_PROBE names and writes its report where that says. Short, for
pytest compiles a plugin anew in every run, to rewrite its assertions.
"""

from __future__ import annotations

import os
from typing import Any

from .pytest_hooks import RecordingPlugin
from .recorder import Recorder
from .settings import VARIABLE, Settings


def pytest_addoption(parser: Any, pluginmanager: Any) -> None:
    """Start recording, before any conftest is read: this is called as soon as it is loaded."""
    RecordingPlugin(Recorder(Settings.read(os.environ.pop(VARIABLE)))).install(pluginmanager)
