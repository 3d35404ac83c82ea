from __future__ import annotations

import sys
from pathlib import Path

import pytest

from copydesk.agent.coverage.collect import collect
from copydesk.agent.coverage.engine import Engine
from copydesk.agent.coverage.gaps import find, functions
from copydesk.agent.coverage.project import (
    configuration,
    has_pytest_configuration,
    pytest_cov_options,
)
from copydesk.agent.errors import CopydeskError
from copydesk.agent.records import Interpreter

PYTHON = Interpreter(
    Path(sys.executable), sys.version_info[:3], Path(sys.prefix), Path(sys.base_prefix), "test"
)


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("pytest.ini", "", True),
        ("pyproject.toml", "", True),
        ("tox.ini", "[pytest]\n", True),
        ("tox.ini", "[testenv]\n", False),
        ("setup.cfg", "[tool:pytest]\n", True),
        ("setup.cfg", "not an ini file", False),
        ("README", "", False),
    ],
)
def test_whether_pytest_stops_at_the_tree(
    tmp_path: Path, name: str, text: str, found: bool
) -> None:
    (tmp_path / name).write_text(text)
    assert has_pytest_configuration(tmp_path) is found


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", "[tool.pytest.ini_options]\naddopts = ['--cov=pkg', '--cov-branch']\n"),
        ("pyproject.toml", "[tool.pytest.ini_options]\naddopts = '--cov=pkg --cov-branch'\n"),
        ("pytest.ini", "[pytest]\naddopts = --cov=pkg --cov-branch\n"),
        ("setup.cfg", "[tool:pytest]\naddopts = --cov=pkg --cov-branch 'unbalanced\n"),
    ],
)
def test_what_pytest_cov_would_measure(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert pytest_cov_options(tmp_path) == (["pkg"], True)


def test_no_configuration_and_a_broken_one(tmp_path: Path) -> None:
    assert pytest_cov_options(tmp_path) == ([], False)
    assert configuration(tmp_path) == []
    (tmp_path / "pyproject.toml").write_text("= broken")
    (tmp_path / "setup.cfg").write_text("no section")
    (tmp_path / "tox.ini").write_text("no section")
    assert pytest_cov_options(tmp_path) == ([], False)
    assert len(configuration(tmp_path)) == 2


def test_dependencies_are_part_of_the_fingerprint(tmp_path: Path) -> None:
    engine = Engine(tmp_path, PYTHON)
    (tmp_path / "pyproject.toml").write_text("[project]\ndependencies = ['a']\n")
    one = engine.environment(())
    (tmp_path / "pyproject.toml").write_text("[project]\ndependencies = ['b']\n")
    assert engine.environment(()).fingerprint != one.fingerprint
    assert engine.environment(("tests",)) != engine.environment(())


def test_a_broken_coverage_configuration_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / ".coveragerc").write_text("[run]\nbranch = perhaps\n")
    with pytest.raises(CopydeskError, match="cannot read this project") as caught:
        Engine(tmp_path, PYTHON).environment(())
    assert caught.value.slug == "coverage-failed"


def test_the_lent_folder_is_on_the_path(tmp_path: Path) -> None:
    lent = Interpreter(
        *(getattr(PYTHON, n) for n in ("path", "version", "prefix")),
        PYTHON.base_prefix,
        "t",
        tmp_path,
    )
    assert str(tmp_path) in Engine(tmp_path, lent).environ()["PYTHONPATH"]


def test_a_suite_that_never_ends_is_stopped(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text("import time\n\ndef test_x():\n    time.sleep(60)\n")
    with pytest.raises(CopydeskError, match="took longer than 3 s"):
        collect(Engine(tmp_path, PYTHON), files=None, carried=(), branch=False, timeout=3)


def test_functions_of_a_source_and_of_none() -> None:
    source = "@d\ndef f():\n    def inner():\n        pass\n\n\n"
    source += "if 1:\n    class K:\n        async def m(self): ...\n"
    assert [(s.name, s.first, s.last) for s in functions(source)] == [("f", 1, 4), ("K.m", 9, 9)]
    assert functions("def (") == []
    assert find("0" * 40, [], lambda blob: "", {}) == []


@pytest.mark.parametrize("setting", ["source", "source_pkgs"])
def test_a_source_that_names_a_package_counts_its_files(tmp_path: Path, setting: str) -> None:
    for name in ("src/pkg/__init__.py", "src/pkg/used.py", "src/pkg/unused.py", "src/other.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    (tmp_path / ".coveragerc").write_text(f"[run]\n{setting} =\n    pkg\n    nowhere\n")
    counted = Engine(tmp_path, PYTHON).counted(["src/pkg/used.py", "src/other.py"])
    assert counted == ["src/pkg/__init__.py", "src/pkg/unused.py", "src/pkg/used.py"]


def test_what_is_left_out_is_looked_for_in_the_tree_and_not_above_it(tmp_path: Path) -> None:
    tree = tmp_path / "tests" / "test"
    for name in ("lib.py", "a/b.py", "a/tests/c.py", "a/d_test.py", "test_e.py", "a/conftest.py"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("x = 1\n")
    assert Engine(tree, PYTHON).counted(["lib.py", "a/b.py", "a/tests/c.py"]) == [
        "a/b.py",
        "lib.py",
    ]


def test_what_tox_and_packaging_say_is_no_configuration_of_a_test_run(tmp_path: Path) -> None:
    def now(text: str) -> list[str]:
        (tmp_path / "tox.ini").write_text(text)
        return configuration(tmp_path)

    before = now("[tox]\nenvlist = py311\n[testenv]\ndeps = x\n[pytest]\naddopts = -v\n")
    assert before == now("[tox]\nenvlist = py312\n[pytest]\naddopts = -v\n[metadata]\nname = x\n")
    assert before != now("[pytest]\naddopts = -q\n")
    assert before != now("[pytest]\naddopts = -v\n[flake8]\nx = 1\n")  # a plugin may read it
    assert before != now("[options.entry_points]\npytest11 = x\n[pytest]\naddopts = -v\n")
    assert now("no section\n") == ["tox.ini\nno section\n"]
