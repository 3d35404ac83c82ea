from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent import config
from copydesk.agent.coverage.measure import measure
from copydesk.agent.coverage.store import Measure
from copydesk.agent.daemon.first_floor import settle_floor, want_floor
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import find, get_config, set_config

HALF = "def f(n):\n    if n:\n        return 1\n    return 2\n"
TEST = "from lib import f\n\n\ndef test_f():\n    assert f(1) == 1\n"


@pytest.fixture
def measured(repo: Path, commit: Callable[..., str]) -> Measure:
    """A project of which tests reach 3 of 4 lines."""
    sha = commit(repo, {"lib.py": HALF, "tests/test_lib.py": TEST})
    with open_desk(find(repo).desk) as db:
        return measure(db, Commit(find(repo), sha))


def test_the_first_measure_after_init_is_the_floor_once(repo: Path, measured: Measure) -> None:
    assert settle_floor(find(repo), measured) == "", "nobody asked for one"
    want_floor(find(repo))
    assert "75 % from now on" in settle_floor(find(repo), measured)
    project, sources = config.load_project(find(repo))
    assert (project.fail_under, sources["fail_under"]) == (75.0, "git config copydesk.floor")
    assert settle_floor(find(repo), measured) == ""
    want_floor(find(repo))
    assert not (find(repo).desk / "floor-wanted").exists()


@pytest.mark.parametrize("place", ["pyproject.toml", "git config"])
def test_a_floor_that_is_there_is_not_written_over(
    repo: Path, measured: Measure, place: str
) -> None:
    want_floor(find(repo))
    if place == "git config":
        set_config(find(repo), "copydesk.floor", "40")
    else:
        (repo / "pyproject.toml").write_text("[tool.copydesk]\nfail_under = 40\n")
    assert settle_floor(find(repo), measured) == ""
    assert config.load_project(find(repo))[0].fail_under == 40
    assert get_config(find(repo), "copydesk.floor") == ("40" if place == "git config" else None)


def test_a_project_above_the_goal_keeps_it_as_its_floor(repo: Path, measured: Measure) -> None:
    want_floor(find(repo))
    assert settle_floor(find(repo), measured._replace(percent=97.0)) == ""
    assert config.load_project(find(repo))[0].fail_under == 95
