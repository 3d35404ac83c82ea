"""A user's environment, and no daemon left behind."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from copydesk.agent.git.repository import Repository, find, set_config


@pytest.fixture
def found(repo: Path) -> Repository:
    """The repository, with an interpreter that has what measuring needs."""
    known = find(repo)
    set_config(known, "copydesk.python", sys.executable)
    return known
