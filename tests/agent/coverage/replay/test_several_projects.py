"""A monorepo of three projects, replayed commit by commit against full runs of each project."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.coverage.replay.replay import commits, replay
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import find, set_config

Commit = Callable[..., str]

UTILS = "LIMIT = {limit}\n\n\ndef f(x):\n    if x > LIMIT:\n        return 1\n    return 2\n"
TEST = "from {name}.utils import f\n\n\ndef test_f(number):\n    assert f(number) == 1\n"
CONFTEST = (
    "import pytest\n\n\n@pytest.fixture(scope='session')\ndef number():\n    yield {number}\n"
)


def project(folder: str, name: str, configuration: str, tests: str = "tests") -> dict[str, str]:
    """A project whose files are called as those of the others."""
    files = {
        "pyproject.toml": f'[project]\nname = "{name}"\nversion = "1"\n{configuration}',
        f"{name}/__init__.py": "",
        f"{name}/utils.py": UTILS.format(limit=0),
        f"{tests}/conftest.py": CONFTEST.format(number=5),
        f"{tests}/test_utils.py": TEST.format(name=name),
        f"{tests}/data.txt": "1\n",
    }
    return {f"{folder}/{path}": text for path, text in files.items()}


PYTEST = '[tool.pytest.ini_options]\npythonpath = ["."]\ntestpaths = ["tests"]\n'
START = {
    "pyproject.toml": "[tool.ruff]\nline-length = 100\n",
    "README.md": "three projects\n",
    "front/package.json": "{}\n",
    **project("backend", "shop", PYTEST + '[tool.coverage.run]\nsource = ["shop"]\n'),
    **project("my worker", "worker", PYTEST + "[tool.coverage.run]\nbranch = true\n"),
    **project(
        "libs/common", "common",
        '[tool.pytest.ini_options]\naddopts = "-ra"\npythonpath = [".", "../../backend"]\n',
    ),
}  # fmt: skip

CHANGES: list[dict[str, str | None]] = [
    {"backend/shop/utils.py": UTILS.format(limit=1)},
    {"my worker/worker/utils.py": UTILS.format(limit=1) + "\n\ndef g(x):\n    return x and 1\n"},
    {
        "libs/common/tests/test_utils.py": TEST.format(name="common")
        + "\n\ndef test_of_the_other():\n    from shop.utils import f\n\n    assert f(-1) == 2\n"
    },
    {"backend/shop/utils.py": UTILS.format(limit=1).replace("return 2", "return 3")},
    {"backend/shop/utils.py": UTILS.format(limit=1)},
    {"my worker/tests/conftest.py": CONFTEST.format(number=7)},
    {"README.md": "changed\n", "front/app.js": "1\n"},
    {
        "my worker/tests/test_more.py": "from worker.utils import g\n\n\n"
        "def test_g():\n    assert g(0) == 0\n"
    },
    {
        "backend/tests/test_data.py": "import pathlib\n\nHERE = pathlib.Path(__file__).parent\n\n\n"
        "def test_data():\n    assert (HERE / 'data.txt').read_text() == '1\\n'\n"
    },
    {"backend/tests/data.txt": "2\n"},
    {"backend/tests/data.txt": "1\n", "libs/common/common/more.py": "def h():\n    return 4\n"},
    {
        "libs/common/tests/test_more.py": "import common.more\n\n\n"
        "def test_h(request):\n    assert common.more.h() == 4\n"
        "    assert (request.config.rootpath / 'common').is_dir()\n"
    },
    {"libs/common/tests/test_more.py": None},
    {"backend/pyproject.toml": START["backend/pyproject.toml"] + 'omit = ["shop/__init__.py"]\n'},
    {
        "my worker/pyproject.toml": START["my worker/pyproject.toml"].replace(
            PYTEST, PYTEST + 'python_functions = ["test_*", "check_*"]\n'
        ),
        "my worker/tests/test_new.py": "def check_it():\n    from worker.utils import g\n\n"
        "    assert g(1) == 1\n",
    },
    {
        "libs/common/pyproject.toml": START["libs/common/pyproject.toml"]
        + 'python_files = ["test_m*.py"]\n'
    },
]


@pytest.mark.slow
@pytest.mark.timeout(1800)  # 17 commits, each measured and run in full three times
def test_a_monorepo_of_three_projects_is_exact(repo: Path, commit: Commit, tmp_path: Path) -> None:
    set_config(find(repo), "copydesk.ownTests", "plain")
    first = commit(repo, START)
    for change in CHANGES:
        last = commit(repo, change)
    found = find(repo)
    shas = commits(found, f"{first}..{last}")
    assert len(shas) == 17
    rows = list(replay(found, shas, python=Path(sys.executable), desk=tmp_path / "desk"))
    wrong = [(row.subject, row.verdict, row.error, row.differences, row.missed) for row in rows
             if row.verdict != "exact"]  # fmt: skip
    assert not wrong
    assert [row.total for row in rows][:4] == [3, 3, 3, 4]
    assert rows[1].selected == 1, rows[1].reason
    assert rows[7].selected == 0, rows[7].reason
    assert (rows[-2].selected, rows[-1].selected) == (3, 0), [row.reason for row in rows[-2:]]
    with open_desk(tmp_path / "desk") as db:
        totals = {one.folder: one for one in db.measures.projects(last)}
    assert totals.keys() == {"backend", "libs/common", "my worker"}
    assert [totals[name].total for name in sorted(totals)] == [2, 2, 2]
    assert [totals[name].branch for name in sorted(totals)] == [False, False, True]
