"""Run one draft in the user's own pytest: what the sandbox starts.

The command line is pytest's, the draft last. The orders come as JSON on standard input, and the
records go to the file descriptor named by COPYDESK_REPORT_FD.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import Any, List

import pytest

from ..elsewhere import settle
from .audit_side_effects import SideEffects
from .failed_comparison import FailedComparison
from .line_tracer import Tracer
from .pytest_plugin import DraftPlugin, Reporter


def main(arguments: List[str]) -> None:
    """Run pytest with both plugins and leave with pytest's code, past any exit handler.

    Args:
        arguments: pytest's.
    """
    comparison, side_effects = FailedComparison(arguments[-1]), SideEffects()
    _leave_the_import_path()
    orders = json.loads(sys.stdin.buffer.read())
    sys.stdin = open(os.devnull, encoding="utf-8")
    sys.argv = ["pytest", *arguments]
    place = settle.place_of(orders)
    if place is not None:
        settle.settle(place)
        settle.toggle_repository()
        settle.age_files(os.path.dirname(orders["target"]) or ".")
        sys.argv = list(place.arguments[0])
    reporter = Reporter()
    tracer = Tracer(os.path.realpath(orders["target"]))
    plugin = DraftPlugin(orders, reporter, comparison, side_effects, tracer)
    _leave_plugins_as_they_are()
    if orders.get("imports"):
        tracer.start()
    code = int(pytest.main(arguments, plugins=[plugin, comparison]))
    reporter.write("end", code=code)
    with contextlib.suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _leave_the_import_path() -> None:
    """Take the folder of this package off sys.path and out of the environment."""
    tools = os.environ.pop("COPYDESK_TOOLS", "")
    sys.path[:] = [folder for folder in sys.path if not tools or folder != tools]
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join(p for p in paths if p and p != tools)


def _leave_plugins_as_they_are() -> None:
    """Keep pytest from rewriting the assertions in every module of every installed plugin.

    Without a cache it may write to, that took 1.0 of 1.5 s of CPU next to Hypothesis and anyio.
    The tests' own assertions are rewritten as ever.
    """
    from _pytest.config import Config

    def mark(this: Any, hook: Any, *_: Any) -> None:
        this.pluginmanager.rewrite_hook = hook

    if hasattr(Config, "_mark_plugins_for_rewrite"):
        Config._mark_plugins_for_rewrite = mark  # type: ignore
