"""The start of a recorded run: before pytest itself is imported.

What pytest imports before it has read its plugins counts as under `coverage run -m pytest`: plugins
that the configuration, the environment or an entry point name, categories of warnings, and pytest
and pluggy themselves where they are the project.
"""

from __future__ import annotations

import os

from .recorder import Recorder
from .settings import VARIABLE, Settings

_running: Recorder | None = None


def started_recorder() -> Recorder:
    """The recorder of this process, which records from the first call on.

    It is told what the file says that $COPYDESK_PROBE names.
    """
    global _running
    if _running is None:
        _running = Recorder(Settings.read(os.environ.pop(VARIABLE)))
        _running.start()
    return _running
