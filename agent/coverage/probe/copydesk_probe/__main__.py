"""`python -m copydesk_probe` runs `python -m pytest`, recorded from before its first import."""

from __future__ import annotations

import runpy

from .start import started_recorder

started_recorder()
runpy.run_module("pytest", run_name="__main__", alter_sys=True)
