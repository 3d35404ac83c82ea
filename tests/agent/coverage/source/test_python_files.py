from __future__ import annotations

import pytest

from copydesk.agent.coverage.source.python_files import DEFAULT_PATTERNS, is_test_file


@pytest.mark.parametrize(
    ("path", "patterns", "collected"),
    [
        ("test_a.py", DEFAULT_PATTERNS, True),
        ("tests/a_test.py", DEFAULT_PATTERNS, True),
        ("tests/a.py", DEFAULT_PATTERNS, False),
        ("test_data/a.py", DEFAULT_PATTERNS, False),
        ("conftest.py", DEFAULT_PATTERNS, False),
        ("shop/checks/a.py", ("checks/*.py",), True),
        ("shop/a.py", ("checks/*.py",), False),
        ("shop/check_a.py", ("check_*.py",), True),
    ],
)
def test_what_pytest_collects_is_a_test_file(
    path: str, patterns: tuple[str, ...], collected: bool
) -> None:
    assert is_test_file(path, patterns) is collected
