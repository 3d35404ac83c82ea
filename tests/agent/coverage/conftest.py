"""A small project with the shapes that incremental coverage has to get right."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copydesk.agent.coverage.measure import Measure, measure
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import Repository, find, set_config

PROJECT = {
    "src/shop/__init__.py": "from shop.prices import total\n",
    "src/shop/prices.py": (
        "LIMIT = 100\n\n\n"
        "def total(prices, rate=0.0):\n"
        "    if not prices:\n        return 0\n"
        "    value = sum(prices) * (1 + rate)\n"
        "    if value > LIMIT:\n        value = LIMIT\n"
        "    return value\n\n\n"
        "def label(value):\n"
        "    if value < 0:\n        return 'refund'\n"
        "    return f'{value:.2f}'\n"
    ),
    "src/shop/stock.py": (
        "from pathlib import Path\n\n\n"
        "class Shelf:\n    size = 3\n\n"
        "    def __init__(self):\n        self.items = []\n\n"
        "    def put(self, item):\n"
        "        if len(self.items) >= self.size:\n            raise OverflowError(item)\n"
        "        self.items.append(item)\n\n\n"
        "def names(path):\n    return Path(path).read_text().split()\n"
    ),
    "src/shop/unused.py": "def nothing():\n    return None\n",
    "data/names.txt": "apple pear\n",
    "tests/conftest.py": (
        "import pytest\n\nfrom shop.stock import Shelf\n\n\n"
        "@pytest.fixture(scope='module')\ndef shelf():\n    made = Shelf()\n    made.put('one')\n"
        "    return made\n"
    ),
    "tests/test_prices.py": (
        "import pytest\n\nfrom shop import prices\n\n\n"
        "def test_total():\n    assert prices.total([1, 2]) == 3\n\n\n"
        "@pytest.mark.parametrize('value', [prices.LIMIT + 1, 1000])\n"
        "def test_limit(value):\n    assert prices.total([value]) == prices.LIMIT\n\n\n"
        "def test_label():\n    assert prices.label(1) == '1.00'\n"
    ),
    "tests/test_stock.py": (
        "from shop.stock import names\n\n\n"
        "def test_shelf(shelf):\n    assert shelf.items\n\n\n"
        "def test_names():\n    assert names('data/names.txt')\n"
    ),
    "pyproject.toml": "[tool.pytest.ini_options]\ntestpaths = ['tests']\n",
}


@pytest.fixture
def project(repo: Path, commit: Callable[..., str]) -> Path:
    """The project, committed, to be run by the interpreter of this suite."""
    commit(repo, dict(PROJECT), "project")
    set_config(find(repo), "copydesk.python", sys.executable)
    return repo


@pytest.fixture
def desk(project: Path) -> Iterator[sqlite3.Connection]:
    with open_desk(find(project).desk) as db:
        yield db


@pytest.fixture
def measured(project: Path, desk: sqlite3.Connection) -> Callable[..., Measure]:
    """Measure a commit of the project: measured() for HEAD."""
    from copydesk.agent.git.repository import resolve

    repository: Repository = find(project)

    def go(revision: str = "HEAD", **more: bool) -> Measure:
        return measure(repository, desk, resolve(repository, revision), **more)

    return go
