"""A real repository with its desk, and the steps run by hand."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copydesk.agent.daemon.job_steps import STEPS
from copydesk.agent.daemon.step_context import StepContext
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.jobs import MODEL_KINDS
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import Repository, find, resolve, set_config
from copydesk.agent.records import Draft

FIRST = {
    "shop.py": "def price(amount, rate=2):\n    return amount * rate\n",
    "tests/test_shop.py": "from shop import price\n\n\n"
    "def test_price():\n    assert price(3) == 6\n",
    "pyproject.toml": "[tool.pytest.ini_options]\ntestpaths = ['tests']\npythonpath = ['.']\n",
}
SECOND = {
    "shop.py": "def price(amount, rate=2):\n"
    "    if amount < 0:\n        raise ValueError('an amount is never negative')\n"
    "    return amount * rate\n\n\n"
    "def label(amount):\n    if amount > 100:\n        return 'much'\n    return 'little'\n",
}


class Bench:
    """A repository with its desk, and the steps run by hand."""

    first = FIRST

    def __init__(self, path: Path, db: Database) -> None:
        self.path, self.db = path, db
        self.repo: Repository = find(path)
        self.said: list[str] = []

    def step(self, kind: str, sha: str) -> None:
        if kind in MODEL_KINDS:  # it waits for what others have asked for
            self.db.execute("UPDATE jobs SET state = 'done' WHERE state = 'ready'")
        STEPS[kind](StepContext(self.repo, self.db, self.said.append), sha)

    def head(self) -> str:
        return resolve(self.repo, "HEAD")

    def tests(self) -> list[Draft]:
        return self.db.drafts.find(kind="test")

    def pytest(self) -> int:
        run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        return subprocess.run(run, cwd=self.path, capture_output=True).returncode


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first `second` leaves a copy of its repository for the others."""
    return tmp_path_factory.mktemp("flow") / "second"


@pytest.fixture
def bench(
    repo: Path, commit: Callable[..., str], kept: Path, request: pytest.FixtureRequest
) -> Iterator[Bench]:
    if "second" in request.fixturenames and kept.exists():
        shutil.rmtree(repo)
        shutil.copytree(kept, repo, symlinks=True)
    else:
        commit(repo, dict(FIRST), "Sell things")
        set_config(find(repo), "copydesk.python", sys.executable)
    with open_desk(find(repo).desk) as db:
        yield Bench(repo, db)


@pytest.fixture
def second(bench: Bench, commit: Callable[..., str], kept: Path) -> str:
    """Two measured commits; the second has open lines."""
    if kept.exists():
        return bench.head()
    bench.step("measure", bench.head())
    sha = commit(bench.path, dict(SECOND), "Refuse negative amounts\n\nA customer found one.")
    bench.step("measure", sha)
    bench.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copytree(bench.path, kept, symlinks=True)
    return sha
