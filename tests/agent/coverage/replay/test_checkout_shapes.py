"""History with submodules and generated modules is replayed exactly."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.coverage.measure.commit import measure
from copydesk.agent.coverage.replay.replay import commits, replay
from copydesk.agent.coverage.store import load_totals
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import find, set_config

Edit = Callable[[Path], None]
Git = Callable[..., str]

FILES = {
    ".gitignore": "_version.py\n*_pb2.py\n*.so\n__pycache__/\n",
    "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["src", "libs/common"]\n',
    "src/shop/__init__.py": "from shop._version import __version__\n",
    "src/shop/cart.py": (
        "from shop import order_pb2\nimport money\n\n\n"
        "def total(prices, rebate=0):\n    amount = sum(prices)\n"
        "    if rebate:\n        amount -= money.share(amount, rebate)\n"
        "    return order_pb2.pack(amount)\n"
    ),
    "src/shop/words.py": (
        "# coding: latin-1\n\n\ndef greet(name):\n    return 'gr\xfc\xdfe ' + name\n"
    ),
    "tests/test_cart.py": (
        "import pytest\n\nfrom shop import cart\n\n\n"
        "@pytest.mark.parametrize('rebate, left', [(0, 10), (50, 5)])\n"
        "def test_total(rebate, left):\n    assert cart.total([4, 6], rebate) == {'sum': left}\n"
    ),
    "tests/test_words.py": (
        "from shop import words\n\n\ndef test_greet():\n    assert words.greet('x').endswith('x')\n"
    ),
    "tests/test_version.py": (
        "import shop\n\n\ndef test_version():\n    assert shop.__version__.count('.') == 1\n"
    ),
    "tests/test_tables.py": (
        "import tables\n\n\ndef test_size():\n    assert tables.size(3) == 3\n"
    ),
}
LIBRARY = {
    "money.py": (
        "def share(amount, percent):\n    if percent > 100:\n        return amount\n"
        "    return amount * percent // 100\n"
    ),
    "tables.py": "def size(n):\n    return n\n",
    "tests/test_money.py": (
        "import money\n\n\ndef test_all():\n    assert money.share(4, 200) == 4\n"
    ),
}
VERSION = "__version__ = '1.{}'\n"
ORDER = "NAMES = ['sum']\n\n\ndef pack(amount):\n    return {NAMES[0]: amount}\n"


def write(top: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(text, encoding="latin-1" if "latin-1" in text else "utf-8")


def replaced(path: str, old: str, new: str) -> Edit:
    def edit(top: Path) -> None:
        file = top / path
        text = file.read_bytes()
        assert old.encode("latin-1") in text
        file.write_bytes(text.replace(old.encode("latin-1"), new.encode("latin-1")))

    return edit


LIB = "libs/common/"
EDITS: list[Edit] = [
    replaced("src/shop/cart.py", "if rebate:", "if rebate > 0:"),
    replaced(f"{LIB}money.py", "// 100", "// 100 + 0"),
    replaced("src/shop/_version.py", "1.0", "1.1"),  # and nothing else: an empty commit
    replaced("src/shop/words.py", "gr\xfc\xdfe", "Gr\xfc\xdfe"),
    replaced(f"{LIB}tables.py", "return n", "if n < 0:\n        return 0\n    return n"),
    replaced("src/shop/order_pb2.py", "return {", "amount += 0\n    return {"),
    lambda top: write(top, {f"{LIB}rates.py": "RATE = 2\n", "src/shop/rates.py": "import rates\n"}),
    replaced("tests/test_cart.py", "(50, 5)", "(50, 5), (200, 0)"),
    replaced(f"{LIB}money.py", "percent > 100", "percent >= 100"),
    replaced("src/shop/words.py", "return", "name = name\x0c\n    return"),
    lambda top: (top / f"{LIB}rates.py").unlink(),
    replaced("src/shop/order_pb2.py", "'sum'", "'total'"),  # a test fails now
    replaced("src/shop/cart.py", "amount = sum(prices)", "amount = sum(prices)\r    amount += 0"),
    replaced("src/shop/order_pb2.py", "'total'", "'sum'"),
    replaced("src/shop/__init__.py", "from shop._", "ONE = 1\nfrom shop._"),
]


@pytest.fixture
def history(tmp_path: Path, repo: Path, git: Git) -> Path:
    """A repository with a library as submodule, and modules that git ignores."""
    library = tmp_path / "library"
    git(tmp_path, "init", "-q", str(library))
    write(library, LIBRARY)
    git(library, "add", "-A")
    git(library, "commit", "-qm", "a library")
    write(repo, FILES)
    git(repo, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library), LIB)
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "a shop")
    write(repo, {"src/shop/_version.py": VERSION.format(0), "src/shop/order_pb2.py": ORDER})
    set_config(find(repo), "copydesk.python", sys.executable)
    return repo


@pytest.mark.slow
def test_fifteen_commits_with_submodules_and_generated_modules_are_exact(
    history: Path, git: Git, tmp_path: Path
) -> None:
    desk = tmp_path / "desk"
    first = git(history, "rev-parse", "HEAD")
    done = list(replay(find(history), [first], desk=desk))
    for edit in EDITS:
        edit(history)
        for folder in (history / LIB, history):
            git(folder, "add", "-A")
            git(folder, "commit", "-q", "--allow-empty", "-m", "an edit")
        shas = commits(find(history), "HEAD~1..HEAD")
        done += replay(find(history), shas, desk=desk, earlier=done)
    told = [(c.verdict, c.error, c.differences, c.missed) for c in done]
    assert told == [("exact", "", [], [])] * (len(EDITS) + 1)
    assert sum(c.selected < c.total for c in done) > len(EDITS) // 2
    with open_desk(desk) as db:
        paths = {total.path for total in load_totals(db, done[-1].sha) or ()}
    assert {"src/shop/_version.py", "src/shop/order_pb2.py", f"{LIB}money.py"} <= paths


def test_a_generated_module_that_changed_runs_what_used_it(history: Path, git: Git) -> None:
    repo = find(history)
    with open_desk(repo.desk) as db:
        first = measure(db, Commit(repo, git(history, "rev-parse", "HEAD")))
        assert (first.failed, first.total) == (0, 6)
        replaced("src/shop/order_pb2.py", "'sum'", "'total'")(history)
        git(history, "commit", "-q", "--allow-empty", "-m", "nothing")
        second = measure(db, Commit(repo, git(history, "rev-parse", "HEAD")))
        # two tests used it; as they fail for the first time, the others ran beside them as well
        assert (second.selected, second.failed) == (6, 2)
        assert {gap.path for gap in db.gaps.of_commit(second.sha)} <= {"src/shop/cart.py"}
        (history / "src/shop/_version.py").unlink()
        shutil.rmtree(repo.desk / "objects")
        git(history, "commit", "-q", "--allow-empty", "-m", "nothing again")
        third = measure(db, Commit(repo, git(history, "rev-parse", "HEAD")))
        assert third.failed >= 3
