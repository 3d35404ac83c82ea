"""Which versions of Python, pytest and coverage.py the tests may run with.

What was tried is in tests/agent/coverage/runner/test_versions.py. An older version is known not to
work, and of a major version that is not out yet nothing is known: both are refused, for a measure
might be wrong without a word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from copydesk.agent.errors import CopydeskError


class Range(NamedTuple):
    """The supported versions of a package: the first one, and the first that is too new."""

    first: tuple[int, ...]
    beyond: tuple[int, ...]

    def __str__(self) -> str:
        return f"{_text(self.first)} to {self.beyond[0] - 1}.x"


RANGES: Mapping[str, Range] = {
    "pytest": Range((7, 0), (10,)),
    "coverage": Range((6, 5), (8,)),
}
"""By the name of the package."""

FIRST_PYTHON = (3, 9)


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def require_supported(
    path: object, python: tuple[int, ...], versions: Mapping[str, str | None]
) -> None:
    """Refuse an interpreter with which a measure may be wrong.

    Args:
        path: The interpreter, for the message.
        python: Its version.
        versions: The versions of its packages; None, and what is no number, is not looked at.

    Raises:
        CopydeskError: A version is out of range ("unsupported-version").
    """
    if python[:2] < FIRST_PYTHON:
        raise CopydeskError(
            f"{path} is Python {_text(python)}; tests are measured with Python"
            f" {_text(FIRST_PYTHON)} and later",
            slug="unsupported-version",
            hint="Name another: git config copydesk.python /path/to/python",
        )
    for name, supported in RANGES.items():
        version = versions.get(name)
        numbers = _numbers(version or "")
        if not numbers or supported.first <= numbers < supported.beyond:
            continue
        raise CopydeskError(
            f"{path} has {name} {version}, and copydesk knows {name} {supported}:"
            " with another one a measure may be wrong",
            slug="unsupported-version",
            hint=f"Install: {path} -m pip install"
            f" '{name}>={_text(supported.first)},<{_text(supported.beyond)}';"
            " or a copydesk that knows it",
        )


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers a version begins with; none where it does not begin with one."""
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, match[0].split("."))) if match else ()
