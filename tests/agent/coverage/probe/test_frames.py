"""Tests see below them what `python -m pytest` shows them: nearly the frames, the same main."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.measures import Measure
from copydesk.agent.git.repository import find, set_config

DeskOf = Callable[[Path], tuple[Database, Callable[[str], Measure]]]

TESTS = """\
import sys


def test_below():
    frame, below = sys._getframe(), []
    while frame:
        below.append(frame.f_code.co_name)
        frame = frame.f_back
    main = sys.modules["__main__"]
    seen = {
        "frames": len(below),
        "main": (main.__spec__.name, main.__package__, main.__file__ == main.__spec__.origin),
        "loader": main.__loader__ is main.__spec__.loader,
        "cached": main.__cached__ == main.__spec__.cached,
        "names": sorted(name for name in vars(main) if not name.startswith("__")),
        "program": sys.argv[0] == main.__file__,
    }
    raise AssertionError(repr(seen))
"""


def test_a_measured_test_sees_what_a_plain_run_shows_it(
    repo: Path, commit: Callable[..., str], desk_of: DeskOf
) -> None:
    sha = commit(repo, {"tests/test_below.py": TESTS})
    set_config(find(repo), "copydesk.python", sys.executable)
    plain = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=repo, capture_output=True, text=True, check=False,
    )  # fmt: skip
    desk, measure = desk_of(repo)
    assert measure(sha).failed == 1
    (failed,) = desk.failed_tests.of_commit(sha)
    assert "'pytest.__main__', 'pytest', True" in plain.stdout
    seen, plainly = what_was_seen(failed.output), what_was_seen(plain.stdout)
    assert seen.pop("frames") == plainly.pop("frames") + 1  # that of copydesk_probe.__main__
    assert seen == plainly


def what_was_seen(report: str) -> dict[str, Any]:
    """What the test said, from pytest's report of it."""
    lines = [line for line in report.splitlines() if line.startswith("E ")]
    seen: dict[str, Any] = ast.literal_eval(lines[0].split("AssertionError: ")[1])
    return seen
