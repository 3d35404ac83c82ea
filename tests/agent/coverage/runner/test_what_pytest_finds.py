"""What pytest imports by itself counts; what it would not collect by itself is left out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from copydesk.agent.coverage.probe.copydesk_probe.collection import WantedFiles
from copydesk.agent.coverage.runner.coverage_py import Engine
from copydesk.agent.coverage.runner.run_tests import Recording, RunOptions, record_tests
from copydesk.agent.coverage.store import numbits_to_nums
from copydesk.agent.records import Interpreter

PYTHON = Interpreter(
    Path(sys.executable), sys.version_info[:3], Path(sys.prefix), Path(sys.base_prefix), "test"
)
TEST = "def test_one():\n    assert True\n"
FILES = {
    "odd.py": "class OddWarning(UserWarning):\n    pass\n",
    "named.py": "WORDS = []\n\n\ndef pytest_configure(config):\n    WORDS.append(1)\n",
    "entry.py": "X = 1\n",
    "entry-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: entry\nVersion: 1\n",
    "entry-1.dist-info/entry_points.txt": "[pytest11]\nentry = entry\n",
    "lib/__init__.py": "",
    "lib/doc.py": '"""\n>>> 1\n2\n"""\n',
    "tests/__init__.py": "",
    "tests/check_a.py": TEST,
    "tests/test_b.py": TEST,
    "tests/left/check_c.py": TEST,
    "tests/sub/conftest.py": "collect_ignore = ['check_e.py']\n",
    "tests/sub/check_d.py": TEST,
    "tests/sub/check_e.py": TEST,
    "tests/build/check_f.py": TEST,
    "tests/usage.rst": ">>> 1\n1\n",
    "docs/usage.rst": ">>> 1\n1\n",
    "pytest.ini": (
        "[pytest]\npythonpath = .\ntestpaths = tests\npython_files = check_*.py\n"
        "norecursedirs = build\nfilterwarnings = ignore::odd.OddWarning\n"
        "addopts = -p named --doctest-modules --doctest-glob=*.rst --ignore=tests/left\n"
    ),
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def recorded(tree: Path, files: Sequence[str] | None, *, branch: bool = False) -> Recording:
    return record_tests(Engine(tree, PYTHON), RunOptions(branch=branch, files=files))


@pytest.mark.parametrize("branch", [False, True], ids=["lines", "branches"])
def test_what_pytest_imports_before_its_plugins_counts(tree: Path, branch: bool) -> None:
    run = recorded(tree, ["tests/check_a.py"], branch=branch)
    lines = {}
    for context in ("import:odd.py", "import:named.py", "import:entry.py", ""):
        for path, bits in run.lines[context].items():
            lines[context, path] = set(numbits_to_nums(bits))
    assert lines["import:odd.py", "odd.py"] == {1, 2}
    assert {1, 4} <= lines["import:named.py", "named.py"]
    assert lines["import:entry.py", "entry.py"] == {1}
    assert 5 in lines["", "named.py"]


def test_selected_files_are_a_part_of_what_a_full_run_collects(tree: Path) -> None:
    everything = recorded(tree, None).collected
    files = [path for path in FILES if path.endswith((".py", ".rst"))]
    assert set(recorded(tree, files).collected) == set(everything)
    assert {name.partition("::")[0] for name in everything} == {
        *("tests/check_a.py", "tests/sub/check_d.py", "tests/usage.rst")
    }


def test_selected_files_run_in_the_order_that_was_asked_for(tree: Path) -> None:
    run = recorded(tree, ["tests/sub/check_d.py", "tests/check_a.py", "lib/doc.py"])
    assert run.collected == ("tests/sub/check_d.py::test_one", "tests/check_a.py::test_one")


def test_folders_with_nothing_wanted_are_not_looked_into() -> None:
    wanted = WantedFiles(["/tree"], ["tests/a/test_x.py"], ["tests/b/conftest.py"])
    for path in ("/tree/tests", "/tree/tests/a/test_x.py", "/tree/tests/a/__init__.py"):
        assert not wanted.is_left_out(path)
    assert not wanted.is_left_out("/tree/tests/b")
    for path in ("/tree/lib", "/tree/tests/a/test_y.py", "/tree/tests/c/__init__.py"):
        assert wanted.is_left_out(path)
