"""Suites of every shape, on each Python: the first measure is what coverage.py itself says.

Each is replayed like real history, a measure against `coverage run -m pytest`, and its total is
held against what `pytest --cov` reports where that is how the project measures.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.coverage.replay.replay import commits, replay
from copydesk.agent.coverage.store.totals import load_totals
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import find
from copydesk.agent.process import scrubbed_environment

SHAPES = {
    "src/pkg/__init__.py": "",
    "src/pkg/work.py": (
        "import asyncio\n\n\n"
        "def sign(value):\n"
        '    """Its sign.\n\n    >>> sign(-3)\n    -1\n    """\n'
        "    if value < 0:\n        return -1\n"
        "    return 0 if value == 0 else 1\n\n\n"
        "async def doubled(value):\n    await asyncio.sleep(0)\n"
        "    if value:\n        value *= 2\n    return value\n\n\n"
        "async def numbers(n):\n    for i in range(n):\n        yield i\n\n\n"
        "def in_thread(into):\n    for n in range(2):\n        into.append(n)\n\n\n"
        "def in_fork(status):\n    code = status + 1\n    return code\n\n\n"
        "def in_coverage(value):\n    if value:\n        value += 1\n    return value\n\n\n"
        "def in_pytester():\n    return 'inner'\n"
    ),
    "src/pkg/deep/__init__.py": "",
    "src/pkg/deep/late.py": "WORD = 'late'\n\n\ndef word():\n    return WORD\n",
    "src/pkg/words.txt": "one two\n",
    "tests/test_cases.py": (
        "import unittest\n\nfrom pkg import work\n\n\n"
        "class Base(unittest.TestCase):\n"
        "    @classmethod\n    def setUpClass(cls):\n        cls.value = work.sign(0)\n\n"
        "    def setUp(self):\n        self.addCleanup(work.sign, 1)\n\n\n"
        "class TestSign(Base):\n"
        "    def test_sign(self):\n"
        "        for n, sign in ((-2, -1), (0, 0)):\n"
        "            with self.subTest(n=n):\n"
        "                self.assertEqual(work.sign(n), sign + self.value)\n\n"
        "    @unittest.skip('not now')\n    def test_skipped(self):\n        work.in_fork(1)\n\n"
        "    @unittest.expectedFailure\n    def test_wrong(self):\n"
        "        self.assertEqual(work.sign(2), 2)\n\n\n"
        "class TestLoop(unittest.IsolatedAsyncioTestCase):\n"
        "    async def test_numbers(self):\n"
        "        self.assertEqual([n async for n in work.numbers(2)], [0, 1])\n"
    ),
    "tests/test_async.py": (
        "import asyncio\n\nimport pytest\nimport pytest_asyncio\n\nfrom pkg import work\n\n\n"
        "@pytest_asyncio.fixture\nasync def four():\n    return await work.doubled(2)\n\n\n"
        "@pytest.mark.asyncio\nasync def test_gathered(four):\n"
        "    assert await asyncio.gather(work.doubled(0), work.doubled(2)) == [0, four]\n\n\n"
        "@pytest.mark.asyncio\nasync def test_left_early():\n"
        "    async for n in work.numbers(3):\n        break\n"
    ),
    "tests/test_processes.py": (
        "import os\nimport threading\nfrom concurrent.futures import ThreadPoolExecutor\n\n"
        "from pkg import work\n\n\n"
        "def test_threads():\n    found = []\n"
        "    thread = threading.Thread(target=work.in_thread, args=(found,))\n"
        "    thread.start()\n    thread.join()\n"
        "    with ThreadPoolExecutor(2) as pool:\n"
        "        assert list(pool.map(work.sign, [1, -1])) == [1, -1]\n"
        "    assert found == [0, 1]\n\n\n"
        "def test_fork():\n    pid = os.fork()\n"
        "    if pid == 0:\n        os._exit(work.in_fork(2))\n"
        "    assert os.WEXITSTATUS(os.waitpid(pid, 0)[1]) == 3\n\n\n"
        "def test_elsewhere(tmp_path, monkeypatch):\n    monkeypatch.chdir(tmp_path)\n"
        "    from pkg.deep import late\n\n    assert late.word() == 'late'\n\n\n"
        "def test_above():\n    was = os.getcwd()\n    os.chdir('src/pkg')\n"
        "    try:\n        assert open('words.txt').read() == 'one two\\n'\n"
        "    finally:\n        os.chdir(was)\n"
    ),
    "tests/test_tools.py": (
        "import coverage\n\nfrom pkg import work\n\n"
        "pytest_plugins = ['pytester']\n\n\n"
        "def test_inside_coverage():\n"
        "    measured = coverage.Coverage(data_file=None, config_file=False)\n"
        "    measured.start()\n    work.in_coverage(1)\n    measured.stop()\n"
        "    assert measured.get_data().measured_files() is not None\n"
        "    assert work.sign(1) == 1\n\n\n"
        "def test_inside_pytest(pytester):\n"
        "    pytester.makepyfile(\n"
        "        'from pkg import work\\n\\ndef test_in():\\n    assert work.in_pytester()\\n'\n"
        "    )\n"
        "    ran = pytester.runpytest_inprocess('-p', 'no:cov', '-p', 'no:xdist')\n"
        "    ran.assert_outcomes(passed=1)\n"
    ),
}  # fmt: skip
DOCTESTS = ["--doctest-modules", "--import-mode=importlib"]
WORKERS = [*DOCTESTS, "-n", "2", "--cov=pkg", "--cov-branch"]
LATER = ("return 0 if value == 0 else 1", "result = 0 if value == 0 else 1\n    return result")


def by_pytest_cov(python: Path, folder: Path, output: Path) -> dict[str, tuple[list[int], int]]:
    """The missing lines and the number of branches of each file, by the project's own run."""
    environ = scrubbed_environment({"PYTHONPATH": "src"})
    words = ["-q", "-p", "no:cacheprovider", f"--cov-report=json:{output}"]
    subprocess.run([python, "-m", "pytest", *words], cwd=folder, env=environ, check=True)
    files = json.loads(output.read_text())["files"]
    return {p: (f["missing_lines"], f["summary"]["num_branches"]) for p, f in files.items()}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"], indirect=True)
@pytest.mark.parametrize("options", [DOCTESTS, WORKERS], ids=["lines", "pytest-cov and xdist"])
def test_a_suite_of_every_shape(
    options: list[str], python: Path, repo: Path, commit: Callable[..., str], tmp_path: Path
) -> None:
    settings = {"pyproject.toml": (
        f"[tool.pytest.ini_options]\naddopts = {json.dumps(options)}\n"
        "testpaths = ['src', 'tests']\n[tool.coverage.run]\nsource = ['pkg']\n"
    )}  # fmt: skip
    start = commit(repo, SHAPES | settings, "start")
    changed = SHAPES["src/pkg/work.py"].replace(*LATER)
    commit(repo, {"src/pkg/work.py": changed}, "a body")
    repository, place = find(repo), tmp_path / "desk"
    shas = commits(repository, f"{start}..HEAD")
    found = list(replay(repository, shas, python=python, place=place))
    assert [(c.verdict, c.differences, c.missed, c.error) for c in found] == [
        ("exact", [], [], "")
    ] * 2
    assert (found[0].selected, found[0].total) == (13, 13)
    assert 5 <= found[1].selected < 13
    outcomes = [outcome for outcome in found[1].outcomes.values() if outcome != "passed"]
    assert sorted(outcomes) == ["skipped", "xfailed"]
    with open_desk(place) as db:
        totals = {t.path: (list(t.missing), t.branches) for t in load_totals(db, shas[1]) or ()}
    missing = {changed.splitlines()[n - 1].strip() for n in totals["src/pkg/work.py"][0]}
    # what only a fork executes, and what runs while the test itself has coverage.py measure
    fork, coverage = {"code = status + 1", "return code"}, {"if value:", "value += 1"}
    assert missing == {*fork, *coverage, "return value"}
    if options is WORKERS:
        assert totals == by_pytest_cov(python, repo, tmp_path / "own.json")
