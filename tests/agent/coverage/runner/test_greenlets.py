"""Which greenlets a project's coverage configuration names."""

from __future__ import annotations

from pathlib import Path

import pytest

from copydesk.agent.coverage.runner.project_config import greenlets


@pytest.mark.parametrize(
    ("name", "text", "named"),
    [
        ("pyproject.toml", "[tool.coverage.run]\nconcurrency = ['gevent', 'thread']", ["gevent"]),
        (".coveragerc", "[run]\nconcurrency = thread, greenlet\n", ["greenlet"]),
        ("setup.cfg", "[coverage:run]\nconcurrency =\n    eventlet\n", ["eventlet"]),
        ("tox.ini", "[coverage:run]\nconcurrency = multiprocessing\n", []),
        ("pyproject.toml", "[tool]\ncoverage = 'gevent'\n", []),
        ("pyproject.toml", "not toml", []),
    ],
)
def test_greenlets_are_named_in_the_coverage_configuration(
    tmp_path: Path, name: str, text: str, named: list[str]
) -> None:
    (tmp_path / name).write_text(text)
    assert greenlets(tmp_path) == named
