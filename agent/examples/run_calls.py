"""Run pieces of code on a commit's tree; what counts is what came back twice the same."""

from __future__ import annotations

import json
import math
import re
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from copydesk.agent.sandbox.runner import SandboxRunner

START = (
    "import os, sys; sys.path.insert(0, os.environ['COPYDESK_TOOLS']);"
    " from copydesk_tools.examples.main import main; sys.exit(main())"
)
COMMAND = shlex.join(("python", "-c", START))
"""What the sandbox starts; the code comes on standard input."""

CALL_SECONDS = 5.0
"""What one piece of code may take."""
_START_SECONDS = 20.0
# two processes that differ in what a result must not hang on
_FIRST = {"PYTHONHASHSEED": "0", "TZ": "UTC", "COLUMNS": "80"}
_SECOND = {"PYTHONHASHSEED": "4021", "TZ": "Asia/Kolkata", "COLUMNS": "117"}
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")


class Result(NamedTuple):
    """What code gave: what was printed and returned, and whether an exception ended it."""

    text: str
    raised: bool


def run_calls(
    sandbox: SandboxRunner, codes: Sequence[str], *, until: float = math.inf
) -> list[Result | None]:
    """Run pieces of code, each by itself, in two processes that differ.

    Args:
        sandbox: Runs them; its tools folder is TOOLS.
        codes: What to run, as typed at the prompt, without the prompt.
        until: When to stop, as time.monotonic() counts; what did not end by then gives None.

    Returns:
        A result for each; None where it hung, died, was not the same twice, or holds an address
        in memory.
    """
    first = _run(sandbox, codes, _FIRST, until)
    second = _run(sandbox, codes, _SECOND, until)
    return [
        one if one == other and one is not None and not _ADDRESS.search(one.text) else None
        for one, other in zip(first, second, strict=True)
    ]


def _run(
    sandbox: SandboxRunner, codes: Sequence[str], env: Mapping[str, str], until: float
) -> list[Result | None]:
    """One process over all codes; what it says of itself is a claim, so it is read warily."""
    nothing: list[Result | None] = [None] * len(codes)
    seconds = min(_START_SECONDS + CALL_SECONDS * len(codes), until - time.monotonic())
    if seconds <= 0:
        return nothing
    limits = replace(sandbox.limits, wall_seconds=min(sandbox.limits.wall_seconds, seconds))
    request = json.dumps({"codes": list(codes), "seconds": CALL_SECONDS}).encode()
    outcome = sandbox.run(("python", "-c", START), env=env, stdin=request, limits=limits)
    if outcome.ended != "exit" or outcome.returncode != 0:
        return nothing
    try:
        report = json.loads(outcome.report)
    except (ValueError, RecursionError):
        return nothing
    if not isinstance(report, list) or len(report) != len(codes):
        return nothing
    return [_result(value) for value in report]


def _result(value: Any) -> Result | None:
    match value:
        case [str(text), bool(raised)]:
            return Result(text, raised)
    return None
