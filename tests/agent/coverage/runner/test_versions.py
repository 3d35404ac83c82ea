"""The supported range of Python, pytest and coverage.py: in each a measure is what a full run says.

Every environment is made with the package index, so all of these are slow: `make test-versions`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.agent.coverage.conftest import interpreter_of

from copydesk.agent.coverage.replay import replay
from copydesk.agent.coverage.runner.coverage_py import Analysis, require_same_counts
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git

ENVIRONMENTS = [
    # Python, pytest, coverage.py
    ("3.9", "pytest==7.0.0", "coverage==6.5.0"),
    ("3.9", "pytest", "coverage"),
    ("3.10", "pytest", "coverage==7.2.0"),
    ("3.11", "pytest==7.4.0", "coverage==7.3.0"),
    ("3.11", "pytest", "coverage==7.5.0"),
    ("3.12", "pytest", "coverage==7.6.0"),
    ("3.12", "pytest", "coverage==7.10.7"),
    ("3.12", "pytest", "coverage==7.12.0"),
    ("3.12", "pytest", "coverage==7.13.0"),
    ("3.12", "pytest", "coverage==7.13.1"),
    ("3.12", "pytest", "coverage==7.13.2"),
    ("3.13", "pytest", "coverage==7.10.0"),
    ("3.13", "pytest", "coverage"),
]

MODULE = '''"""A module."""
import sys


def price(amount, rates=(1,
                         2)):
    """A docstring."""
    if amount:
        return [n for n in range(amount) if n]
    while rates:
        rates = rates[1:]
        try:
            if rates == 3: return 4
        finally:
            amount = 1
    if sys.platform == "nothing":  # pragma: no cover
        print(1)
    return (2 +
            amount)


class Shop:
    """Another docstring."""

    @property
    def sign(self):
        with open(__file__) as file:
            return file.read()

    def close(self):
        raise ValueError(
            "never")
'''

TESTS = """import pytest
from shop import Shop, price


def test_price():
    assert price(3)


def test_none():
    assert price(0) == 3


def test_shop():
    assert Shop().sign
    with pytest.raises(ValueError):
        Shop().close()
"""

CONFIGURATION = """[tool.coverage.run]
branch = {branch}
source = ["."]
omit = ["test_*"]
[tool.pytest.ini_options]
pythonpath = ["."]
filterwarnings = ["ignore::odd.OddWarning"]
"""


@pytest.fixture(scope="module")
def environment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment: of a version, with some packages."""
    version, *packages = request.param
    python = interpreter_of(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    folder = tmp_path_factory.mktemp("environment")
    made = folder / "bin" / "python"
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
    pip = [sys.executable, "-m", "pip", "--python", made, "install", "--quiet"]
    subprocess.run([*pip, "--disable-pip-version-check", *packages], check=True)
    return made


def commit(folder: Path, subject: str) -> None:
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True)
    subprocess.run(["git", "commit", "-q", "-m", subject], cwd=folder, check=True)


@pytest.mark.slow
@pytest.mark.parametrize("environment", ENVIRONMENTS, indirect=True, ids="-".join)
@pytest.mark.parametrize("branch", [True, False], ids=["branches", "lines"])
def test_a_measure_is_what_a_full_run_says_with_every_supported_version(
    environment: Path, branch: bool, repo: Path
) -> None:
    (repo / "shop.py").write_text(MODULE)
    (repo / "odd.py").write_text("class OddWarning(UserWarning):\n    pass\n")
    (repo / "test_shop.py").write_text(TESTS)
    (repo / "pyproject.toml").write_text(CONFIGURATION.format(branch=str(branch).lower()))
    commit(repo, "a shop")
    (repo / "shop.py").write_text(MODULE.replace("amount = 1", "amount = 2 - 1") + "\n\nX = 1\n")
    commit(repo, "the same in other words")
    (repo / "odd.py").write_text("class OddWarning(FutureWarning):\n    odd = 1\n")
    commit(repo, "another category")
    found = git.find(repo)
    shas = replay.commits(found, "HEAD~2..HEAD")
    for comparison in replay.replay(found, shas, python=environment):
        assert comparison.verdict == "exact", comparison


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [("3.9", "pytest==6.2.5", "coverage"), ("3.9", "pytest", "coverage==5.5")],
    indirect=True,
    ids="-".join,
)
def test_what_is_too_old_is_refused(environment: Path, repo: Path) -> None:
    (repo / "test_one.py").write_text("def test_one(): pass\n")
    commit(repo, "one")
    found = git.find(repo)
    shas = [git.resolve(found, "HEAD")]
    with pytest.raises(CopydeskError, match="copydesk knows") as caught:
        list(replay.replay(found, shas, python=environment))
    assert caught.value.slug == "unsupported-version"


@pytest.mark.parametrize(
    "counts",
    [[3, 1, 2, 1], [2, 2, 2, 1], [2, 1, 4, 1], [2, 1, 2, 0]],
    ids=["statements", "missing", "branches", "missing branches"],
)
def test_a_total_that_is_not_what_coverage_counts_is_refused(counts: list[int]) -> None:
    analysis = Analysis((1, 2), (2,), (), ((1, -1),), 2)
    require_same_counts("shop.py", analysis, [2, 1, 2, 1])
    with pytest.raises(CopydeskError, match=r"count shop\.py differently") as caught:
        require_same_counts("shop.py", analysis, counts)
    assert caught.value.slug == "totals-disagree"


def test_a_missing_line_that_is_no_statement_is_refused() -> None:
    with pytest.raises(CopydeskError, match="differently"):
        require_same_counts("shop.py", Analysis((1, 2), (9,), (), (), 0), [2, 1, 0, 0])
