"""Where a project that is new to copydesk stands is its floor, until it sets one itself.

`init` asks for it; the first measure after that settles it, in the user's git configuration. A
floor that is there already, in pyproject.toml or there, is never written over.
"""

from __future__ import annotations

import math

from copydesk.agent import config
from copydesk.agent.coverage.store import Measure
from copydesk.agent.git.repository import Repository, get_config, set_config

KEY = config.PERSONAL_KEYS["floor"]
_MARK = "floor-wanted"


def want_floor(repo: Repository) -> None:
    """Have the first measure settle the floor, where the project has none yet."""
    if _is_open(repo):
        repo.desk.mkdir(mode=0o700, parents=True, exist_ok=True)
        (repo.desk / _MARK).touch(0o600)


def settle_floor(repo: Repository, measure: Measure) -> str:
    """Make the total of a measure the floor, if that is wanted and it is under the default.

    Args:
        repo: The repository.
        measure: A measure in which tests ran.

    Returns:
        What was done, in words; "" where nothing was.
    """
    mark = repo.desk / _MARK
    if not mark.exists() or not measure.total or measure.percent is None:
        return ""
    mark.unlink(missing_ok=True)
    usual = config.Project().fail_under
    if measure.percent >= usual or not _is_open(repo):
        return ""
    floor = math.floor(measure.percent * 10) / 10
    set_config(repo, KEY, f"{floor:g}")
    return (
        f"the floor of the total is {floor:g} % from now on, where the project stands"
        f" (git config {KEY}); the goal is {usual:g} %"
    )


def _is_open(repo: Repository) -> bool:
    """Whether nobody has set a floor."""
    _, sources = config.load_project(repo)
    return sources["fail_under"] == "default" and get_config(repo, KEY) is None
