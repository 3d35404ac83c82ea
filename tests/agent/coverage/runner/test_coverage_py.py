from __future__ import annotations

import sys
from pathlib import Path

import pytest

from copydesk.agent.coverage.probe import PROBE
from copydesk.agent.coverage.runner.coverage_py import Engine
from copydesk.agent.coverage.runner.project_config import (
    configuration,
    has_pytest_configuration,
    pytest_cov_options,
    report_rules,
)
from copydesk.agent.coverage.runner.run_tests import RunOptions, record_tests
from copydesk.agent.coverage.source.functions import functions
from copydesk.agent.coverage.store.gaps import find_gaps
from copydesk.agent.errors import CopydeskError
from copydesk.agent.process import run, scrubbed_environment
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
    none = configuration(tmp_path)
    assert report_rules(tmp_path) == []
    (tmp_path / "pyproject.toml").write_text("= broken")
    (tmp_path / "setup.cfg").write_text("no section")
    (tmp_path / "tox.ini").write_text("no section")
    assert pytest_cov_options(tmp_path) == ([], False)
    broken = configuration(tmp_path)
    assert len(broken) == len(none) + 3
    (tmp_path / "tox.ini").write_text("still no section")
    assert configuration(tmp_path) != broken


TABLES = [
    # what changes; whether tests run otherwise; whether coverage's report is another
    ("pyproject.toml", "[project]\ndependencies = ['X']\n", False, False),
    ("pyproject.toml", "[tool.ruff]\nline-length = 'X'\n", False, False),
    ("pyproject.toml", "[tool.coverage.report]\nexclude_also = ['X']\n", False, True),
    ("pyproject.toml", "[tool.coverage.run]\nsource = ['X']\n", False, True),
    ("pyproject.toml", "[tool.coverage.run]\npatch = ['X']\n", True, True),
    ("pyproject.toml", "[tool.pytest.ini_options]\naddopts = 'X'\n", True, False),
    ("pyproject.toml", "[tool.pytest-enabler.mypy]\naddopts = 'X'\n", True, False),
    ("pyproject.toml", "[tool.nobody-knows]\nx = 'X'\n", True, False),
    ("pytest.toml", "[pytest]\naddopts = ['X']\n", True, False),
    (".coveragerc", "[run]\nomit = X\n", False, True),
    (".coveragerc", "[run]\nconcurrency = X\n", True, True),
    (".coveragerc", "[report]\nomit = X\n", False, True),
    (".coveragerc.toml", "[run]\nomit = ['X']\n", False, True),
    ("setup.cfg", "[mypy]\npython_version = X\n", False, False),
    ("setup.cfg", "[mypy-attr.*]\nfollow = X\n", False, False),
    ("setup.cfg", "[metadata]\nname = X\n", False, False),
    ("setup.cfg", "[coverage:run]\nsource = X\n", False, True),
    ("setup.cfg", "[coverage:run]\ncore = X\n", True, True),
    ("setup.cfg", "[coverage:html]\ntitle = X\n", False, True),
    ("setup.cfg", "[tool:pytest]\naddopts = X\n", True, False),
    ("tox.ini", "[testenv]\ncommands = X\n", False, False),
    ("tox.ini", "[flake8]\nignore = X\n", False, False),
    ("tox.ini", "[of our own]\nx = X\n", True, False),
]


@pytest.mark.parametrize(("name", "text", "runs", "reports"), TABLES)
def test_a_setting_counts_where_it_is_read(
    tmp_path: Path, name: str, text: str, runs: bool, reports: bool
) -> None:
    found = []
    for value in ("one", "two"):
        (tmp_path / name).write_text(text.replace("X", value))
        found.append((configuration(tmp_path, ["pytest-xdist==3"]), report_rules(tmp_path)))
    (run, rules), (other_run, other_rules) = found
    assert ((run != other_run), (rules != other_rules)) == (runs, reports)


def test_a_linter_counts_where_a_plugin_brings_it_into_the_tests(tmp_path: Path) -> None:
    texts = ("[flake8]\nignore = A\n", "[flake8]\nignore = B\n")
    found = set()
    for text in texts:
        (tmp_path / "setup.cfg").write_text(text)
        found.add(str(configuration(tmp_path, ["pytest-flake8==1.1"])))
    assert len(found) == 2


def test_a_report_that_is_made_of_the_analyses_is_that_of_coverage(
    tmp_path: Path, measuring: dict[str, str]
) -> None:
    lines = "def f(a):\n    if a:\n        return (1 +\n                2)\n    return 0\n\n\n"
    lines += "def g():  # pragma: no cover\n    pass\n\n\nfor n in range(2):\n    f(n)\n"
    (tmp_path / "lib.py").write_text(lines)
    (tmp_path / "bad.py").write_text("def (\n")
    (tmp_path / "none.py").write_text("")
    ask = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from copydesk_probe import coverage_queries as r\n"
        "arcs = [[-1, 1], [1, 8], [8, 12], [12, 13], [13, 12], [-1, 2], [2, 3], [3, -1]]\n"
        "for branch in (True, False):\n"
        "    lines = arcs if branch else [1, 2, 3, 4, 8, 12, 13]\n"
        "    request = dict(executed={'lib.py': lines, 'none.py': [], 'bad.py': []},\n"
        "        default_source=['.'], default_omit=[], branch=branch)\n"
        "    cov = r.open_coverage(request, branch=branch)\n"
        "    r.add_executed(request, cov)\n"
        "    found = r.analyses(cov)\n"
        "    assert found == r.json_report(cov), (found, r.json_report(cov))\n"
        "    assert 'lib.py' in found and found['lib.py']['missing'], found\n"
        "sys.path.insert(0, '')\n"
        "root = r.tree_root()\n"
        "assert r.module_name(root + '/pkg/__init__.py') == 'pkg'\n"
        "assert r.module_name(root + '/pkg/lib.py') == 'pkg.lib'\n"
        "r.pretend_imported(root, 'lib')\n"
        "assert sys.modules['lib'].__file__ == root + '/lib.py'\n"
        "r.pretend_imported(root, 'nothing_of_it')\n"
        "assert 'nothing_of_it' not in sys.modules\n"
        "lazy = r.LazyModule('colorsys', 'rgb_to_hsv')\n"
        "assert lazy.rgb_to_hsv(0, 0, 0) == (0.0, 0.0, 0)\n"
        "assert lazy.ONE_THIRD and not hasattr(lazy, '__path__')\n"
    )
    env = scrubbed_environment(measuring)
    run([sys.executable, "-c", ask, str(PROBE)], cwd=tmp_path, env=env)


def test_installed_packages_are_part_of_the_fingerprint(tmp_path: Path) -> None:
    lent = tmp_path / "lent"
    with_more = Interpreter(
        PYTHON.path, PYTHON.version, PYTHON.prefix, PYTHON.base_prefix, "", lent
    )
    one = Engine(tmp_path, with_more).environment(())
    (lent / "more-1.dist-info").mkdir(parents=True)
    (lent / "more-1.dist-info" / "METADATA").write_text("Name: more\nVersion: 1\n")
    assert Engine(tmp_path, with_more).environment(()).fingerprint != one.fingerprint
    engine = Engine(tmp_path, PYTHON)
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
        record_tests(Engine(tmp_path, PYTHON), RunOptions(branch=False, timeout=3))


def test_a_suite_that_is_killed_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text("import os\n\ndef test_x():\n    os.kill(os.getpid(), 9)\n")
    with pytest.raises(CopydeskError, match="pytest was killed: by the kernel"):
        record_tests(Engine(tmp_path, PYTHON), RunOptions(branch=False))


def test_functions_of_a_source_and_of_none() -> None:
    source = "@d\ndef f():\n    def inner():\n        pass\n\n\n"
    source += "if 1:\n    class K:\n        async def m(self): ...\n"
    assert [(s.name, s.first, s.last) for s in functions(source)] == [("f", 1, 4), ("K.m", 9, 9)]
    assert functions("def (") == []
    assert find_gaps("0" * 40, [], lambda blob: "", {}) == []


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
    assert before != now("[pytest]\naddopts = -v\n[of a plugin]\nx = 1\n")  # it may read that
    assert before != now("[options.entry_points]\npytest11 = x\n[pytest]\naddopts = -v\n")
    assert now("no section\n") != now("none\n")
