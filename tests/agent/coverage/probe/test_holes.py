"""Holes of selecting tests, one small project each: the change, and what has to follow from it.

Each is measured incrementally and in full, and both have to say the same. The table in
docs/explanation/incremental-coverage.md names these tests.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from copydesk.agent.coverage.store.totals import executed_lines
from copydesk.agent.coverage.store.traces import Trace

A = "def test_a():\n    assert 1\n"
LIB = "import lib\n\n\ndef test_a():\n    assert lib.N == 2\n"
WORDS = "def words():\n    return 2\n"
DECORATOR = "def twice(f):\n    def inner():\n        return 2 * f()\n    return inner\n"
FLAG = "def test_a(request):\n    assert request.config.flag == 1\n"
ENCODES = (
    "import json\nimport lib\n\n\ndef test_a():\n    assert json.dumps({}, cls=lib.E) == '{}'\n"
)
ENCODER = (
    "import json\n\n\nclass E(json.JSONEncoder):\n    def encode(self, o, word='{}'):\n"
    "        return word\n"
)
INIT_SUBCLASS = "class Base:\n    names = []\n\n    def __init_subclass__(cls):\n        Base.names.append(cls)\n"
CASE = "from base import Base\n\n\nclass TestX(Base):\n    def test_a(self):\n        pass\n"
SHARED = "import pytest\n\n\n@pytest.fixture(scope='module')\ndef shared():\n    return 1\n"
SHARES = "def test_a(shared):\n    assert shared\n"
WIDE = "import pytest\n\nimport lib\n\n\n@pytest.fixture(scope='{}')\ndef shared():\n    return lib.words()\n"
ENDS = (
    "import pytest\n\nimport lib\n\n\n@pytest.fixture(scope='session')\ndef shared():\n    yield 2\n"
    "    assert lib.words() == 2\n"
)
TWO = "def test_a(shared):\n    assert shared == 2\n"
IN_A_CLASS = (
    "import pytest\n\n\nclass TestA:\n    @pytest.fixture(scope='class')\n    def made(self):\n"
    "        return {}\n\n    def test_a(self, made):\n        assert made == 1\n\n"
    "    def test_b(self):\n        pass\n"
)
USES = "\n\n@pytest.fixture(scope='session')\ndef base():\n    return {}\n"
PARAMS = "import pytest\nimport lib\n\n\n@pytest.mark.parametrize('w', {})\ndef test_a(w):\n    assert w\n"


class Case(NamedTuple):
    """A project, a change of it (None for a file that goes), and the tests that are affected."""

    files: dict[str, str]
    change: dict[str, str | None]
    affected: set[str]


def case(files: dict[str, str], change: dict[str, str | None], *affected: str) -> Case:
    return Case({"pytest.ini": "[pytest]\n"} | files, change, set(affected))


ONE = "test_a.py::test_a"
CASES = {
    # what runs while modules are imported
    "constant_from_a_function": case(
        {"lib.py": WORDS + "\n\nN = words()\n", "test_a.py": LIB},
        {"lib.py": WORDS.replace("2", "3") + "\n\nN = words()\n"}, ONE,
    ),
    "constant_from_a_function_of_another_module": case(
        {"base.py": WORDS, "lib.py": "import base\nN = base.words()\n", "test_a.py": LIB},
        {"base.py": WORDS.replace("2", "3")}, ONE,
    ),
    "constant_through_a_function": case(
        {"lib.py": "L = 2\n\n\ndef f():\n    return L\n\n\nN = f()\n", "test_a.py": LIB},
        {"lib.py": "L = 3\n\n\ndef f():\n    return L\n\n\nN = f()\n"}, ONE,
    ),
    "body_of_a_decorator": case(
        {"deco.py": DECORATOR, "lib.py": "from deco import twice\n\n\n@twice\ndef N():\n    pass\n",
         "test_a.py": LIB.replace("lib.N == 2", "callable(lib.N)")},
        {"deco.py": DECORATOR.replace("return inner", "return 2")}, ONE,
    ),
    "hook_of_a_class_that_is_made": case(
        {"base.py": INIT_SUBCLASS, "lib.py": "from base import Base\n\n\nclass S(Base):\n    x = 1\n",
         "test_a.py": LIB.replace("lib.N == 2", "len(lib.Base.names) == 1")},
        {"base.py": INIT_SUBCLASS + "        Base.names.append(cls)\n"}, ONE,
    ),
    "data_read_by_a_module": case(
        {"lib.py": "N = len(open('data.txt').read().split())\n", "data.txt": "a b", "test_a.py": LIB},
        {"data.txt": "a b c"}, ONE,
    ),
    "parametrised_from_a_file": case(
        {"lib.py": "", "data.txt": "a b", "test_a.py": PARAMS.format("open('data.txt').read()")},
        {"data.txt": "a"}, ONE + "[a]", ONE + "[ ]", ONE + "[b]",
    ),
    "parametrised_from_a_function": case(
        {"lib.py": "def f():\n    return [1]\n", "test_a.py": PARAMS.format("lib.f()")},
        {"lib.py": "def f():\n    return [1, 2]\n"}, ONE + "[1]",
    ),
    # what pytest looks for by itself
    "hook_whose_body_changes": case(
        {"conftest.py": "def pytest_configure(config):\n    config.flag = 1\n", "test_a.py": FLAG},
        {"conftest.py": "def pytest_configure(config):\n    config.flag = 2\n"}, ONE,
    ),
    "helper_of_a_hook": case(
        {"conftest.py": "import lib\n\n\ndef pytest_configure(config):\n    config.flag = lib.f()\n",
         "lib.py": "def f():\n    return 1\n", "test_a.py": FLAG},
        {"lib.py": "def f():\n    return 2\n"}, ONE,
    ),
    "new_hook": case(
        {"conftest.py": "import os\n", "test_a.py": A},
        {"conftest.py": "def pytest_runtest_setup(item):\n    raise ValueError\n"}, ONE,
    ),
    "files_that_are_ignored": case(
        {"conftest.py": "collect_ignore = ['test_b.py']\n", "test_a.py": A, "test_b.py": A},
        {"conftest.py": "collect_ignore = []\n"}, ONE,
    ),
    "plugins_that_are_named": case(
        {"conftest.py": "pytest_plugins = []\n", "test_a.py": A, "plug.py": (
            "import pytest\n\n\n@pytest.fixture(autouse=True)\ndef z():\n    assert 0\n"
        )},
        {"conftest.py": "pytest_plugins = ['plug']\n"}, ONE,
    ),
    "mark_of_a_module": case(
        {"test_a.py": "import pytest\n\npytestmark = []\n\n\n" + A},
        {"test_a.py": "import pytest\n\npytestmark = pytest.mark.skip\n\n\n" + A}, ONE,
    ),
    "mark_that_leaves_a_shared_fixture_to_nobody": case(
        {"conftest.py": SHARED, "test_a.py": "import pytest\n\npytestmark = []\n\n\n" + SHARES},
        {"test_a.py": "import pytest\n\npytestmark = pytest.mark.skip\n\n\n" + SHARES}, ONE,
    ),
    "new_fixture_for_every_test": case(
        {"test_a.py": "import pytest\n\n\n" + A},
        {"test_a.py": "import pytest\n\n\n@pytest.fixture(autouse=True)\ndef z():\n    assert 0\n\n\n"
         + A}, ONE,
    ),
    "new_set_up_of_a_module": case(
        {"test_a.py": A}, {"test_a.py": "def setup_module():\n    assert 0\n\n\n" + A}, ONE,
    ),
    "new_set_up_of_a_base_class": case(
        {"base.py": "import unittest\n\n\nclass Base(unittest.TestCase):\n    pass\n",
         "test_a.py": CASE},
        {"base.py": "import unittest\n\n\nclass Base(unittest.TestCase):\n    def setUp(self):\n"
         "        assert 0\n"}, "test_a.py::TestX::test_a",
    ),
    "examples_in_a_text": case(
        {"test_t.txt": ">>> 1\n1\n", "test_a.py": A}, {"test_t.txt": ">>> 1\n2\n"},
        "test_t.txt::test_t.txt",
    ),
    "new_text_with_examples": case({"test_a.py": A}, {"test_t.txt": ">>> 1\n2\n"}),
    "new_example_in_a_docstring": case(
        {"pytest.ini": "[pytest]\naddopts = --doctest-modules\n", "test_a.py": A,
         "lib.py": "def f():\n    '''Nothing.'''\n"},
        {"lib.py": "def f():\n    '''>>> 1\n    2\n    '''\n"},
    ),
    # fixtures of wider scope
    **{
        f"fixture_of_a_{scope}": case(
            {"sub/__init__.py": "", "sub/conftest.py": WIDE.format(scope), "lib.py": WORDS,
             "conftest.py": "", "sub/test_a.py": TWO, "sub/test_b.py": TWO, "test_c.py": A},
            {"sub/conftest.py": WIDE.format(scope).replace("words()", "words() + 1")},
            "sub/test_a.py::test_a", "sub/test_b.py::test_a",
        )
        for scope in ("module", "package", "session")
    },
    "fixture_of_a_class": case(
        {"test_a.py": IN_A_CLASS.format(1)}, {"test_a.py": IN_A_CLASS.format(2)},
        "test_a.py::TestA::test_a",
    ),
    "what_a_shared_fixture_calls": case(
        {"conftest.py": WIDE.format("session"), "lib.py": WORDS, "test_a.py": TWO, "test_b.py": A},
        {"lib.py": WORDS.replace("2", "3")}, ONE,
    ),
    "end_of_a_shared_fixture": case(
        {"conftest.py": ENDS, "lib.py": WORDS, "test_a.py": TWO, "test_b.py": TWO},
        {"conftest.py": ENDS.replace("== 2", "== 3")}, ONE, "test_b.py::test_a",
    ),
    "what_the_end_of_a_shared_fixture_calls": case(
        {"conftest.py": ENDS, "lib.py": WORDS, "test_a.py": TWO, "test_b.py": TWO},
        {"lib.py": WORDS.replace("2", "3")}, ONE, "test_b.py::test_a",
    ),
    "fixture_that_a_shared_fixture_uses": case(
        {"conftest.py": SHARED.replace("shared()", "shared(base)").replace("1", "base")
         + USES.format(1), "test_a.py": SHARES.replace("assert shared", "assert shared == 1")},
        {"conftest.py": SHARED.replace("shared()", "shared(base)").replace("1", "base")
         + USES.format(2)}, ONE,
    ),
    "parameters_of_a_shared_fixture": case(
        {"conftest.py": SHARED.replace("'module'", "'module', params=[1, 2]"), "test_a.py": SHARES},
        {"conftest.py": SHARED.replace("'module'", "'module', params=[1, 3]")},
        ONE + "[1]", ONE + "[2]",
    ),
    "scope_of_a_fixture": case(
        {"conftest.py": WIDE.format("module"), "lib.py": WORDS,
         "test_a.py": TWO + "\n\ndef test_b(shared):\n    assert shared == 2\n"},
        {"conftest.py": WIDE.format("function")}, ONE, "test_a.py::test_b",
    ),
    "nearer_fixture_of_the_same_name": case(
        {"conftest.py": WIDE.format("session"), "lib.py": WORDS, "test_a.py": TWO,
         "sub/test_b.py": TWO, "sub/conftest.py": "import pytest\n"},
        {"sub/conftest.py": "import pytest\n\n\n@pytest.fixture(scope='package')\ndef shared():\n"
         "    return 3\n"}, "sub/test_b.py::test_a",
    ),
    "nearer_fixture_that_goes": case(
        {"conftest.py": WIDE.format("session"), "lib.py": WORDS,
         "test_a.py": "import pytest\n\n\n@pytest.fixture(scope='module')\ndef shared():\n"
         "    return 3\n\n\ndef test_a(shared):\n    assert shared == 3\n"},
        {"test_a.py": "import pytest\n\n\ndef test_a(shared):\n    assert shared == 3\n"}, ONE,
    ),
    "trace_function_that_a_test_takes_out": case(
        {"lib.py": WORDS, "test_a.py": "import sys\n\nimport lib\n\n\ndef test_a():\n"
         "    sys.settrace(None)\n\n\ndef test_b():\n    assert lib.words() == 2\n"},
        {"lib.py": WORDS.replace("2", "3")}, "test_a.py::test_b",
    ),
    # what a library or the language looks for
    "override_that_comes": case(
        {"lib.py": "import json\n\n\nclass E(json.JSONEncoder):\n    x = 1\n", "test_a.py": ENCODES},
        {"lib.py": ENCODER.replace("'{}'", "'[]'")}, ONE,
    ),
    "default_of_an_override": case(
        {"lib.py": ENCODER, "test_a.py": ENCODES}, {"lib.py": ENCODER.replace("'{}'", "'[]'")}, ONE,
    ),
    "field_of_a_dataclass": case(
        {"lib.py": "from dataclasses import dataclass\n\n\n@dataclass\nclass P:\n    n: int = 1\n",
         "test_a.py": LIB.replace("lib.N == 2", "'1' in repr(lib.P())")},
        {"lib.py": "from dataclasses import dataclass\n\n\n@dataclass\nclass P:\n    n: int = 2\n"},
        ONE,
    ),
    "member_of_an_enumeration": case(
        {"lib.py": "from enum import Enum\n\n\nclass P(Enum):\n    RED = 1\n",
         "test_a.py": LIB.replace("lib.N == 2", "[p.value for p in lib.P] == [1]")},
        {"lib.py": "from enum import Enum\n\n\nclass P(Enum):\n    RED = 2\n"}, ONE,
    ),
    "attribute_access_of_a_module": case(
        {"lib.py": "X = 1\n", "test_a.py": LIB.replace("lib.N == 2", "not hasattr(lib, 'foo')")},
        {"lib.py": "X = 1\n\n\ndef __getattr__(name):\n    return 1\n"}, ONE,
    ),
    "script_that_is_run": case(
        {"script.py": "print(1)\n",
         "test_a.py": "import runpy\n\n\ndef test_a():\n    runpy.run_path('script.py')\n"},
        {"script.py": "print(1)\nX = 1 / 0\n"}, ONE,
    ),
    "source_read_as_data": case(
        {"lib.py": "VERSION = 1  # one\n",
         "test_a.py": "def test_a():\n    assert 'one' in open('lib.py').read()\n"},
        {"lib.py": "VERSION = 1  # two\n"}, ONE,
    ),
    # what must select nothing
    "new_function": case(
        {"lib.py": WORDS + "\n\nN = 2\n", "test_a.py": LIB},
        {"lib.py": WORDS + "\n\nN = 2\n\n\ndef g():\n    return 1\n"},
    ),
    "new_method": case(
        {"lib.py": "class C:\n    def f(self):\n        return 2\n\n\nN = 2\n", "test_a.py": LIB},
        {"lib.py": "class C:\n    def f(self):\n        return 2\n\n    def g(self):\n        return 1"
         "\n\n\nN = 2\n"},
    ),
}  # fmt: skip


def lines(traces: list[Trace], files: Mapping[str, str]) -> dict[str, frozenset[int]]:
    """The executed lines by path."""
    found = executed_lines(traces, files, lambda blob: blob)
    return {path: what.lines for path, what in found.items() if what.lines}


def outcomes(traces: list[Trace]) -> dict[str, str]:
    """The outcomes by test."""
    return {t.name: t.outcome for t in traces if t.kind == "test"}


QUICK = {
    *("constant_from_a_function", "constant_through_a_function", "data_read_by_a_module"),
    *("hook_whose_body_changes", "files_that_are_ignored", "mark_of_a_module"),
    "mark_that_leaves_a_shared_fixture_to_nobody",
    *("new_example_in_a_docstring", "examples_in_a_text", "override_that_comes"),
    *("field_of_a_dataclass", "script_that_is_run", "source_read_as_data", "new_function"),
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in CASES]
)
def test_a_change_that_no_executed_line_shows(trial: Any, name: str) -> None:
    check(trial, name)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("python", ["3.10", "3.12", "3.13"], indirect=True)
def test_the_same_changes_on_other_pythons(trial_elsewhere: Any) -> None:
    for name in CASES:
        check(trial_elsewhere, name)


MORE = {("fixture_of_a_class", (3, 13)): {"test_a.py::TestA::test_b"}}
"""What other Pythons run besides, by case and version."""


def check(trial: Any, name: str) -> None:
    files, change, affected = CASES[name]
    after = {p: text for p, text in {**files, **change}.items() if text is not None}
    base = trial.full(files)
    assert set(outcomes(base).values()) == {"passed"}, name
    traces, selection = trial.incremental(base, files, after)
    truth = trial.full(after)
    assert outcomes(traces) == outcomes(truth), name
    assert lines(traces, after) == lines(truth, after), name
    more = MORE.get((name, trial.engine.interpreter.version[:2]), set())
    assert set(selection.affected) == affected | more, name


def test_a_changed_environment_variable(trial: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "lib.py": "import os\n\nN = os.environ.get('AT_IMPORT', '2')\n",
        "test_a.py": LIB.replace("== 2", "== '2'"),
        "test_b.py": (
            "import os, subprocess, sys\n\n\ndef test_reads():\n    assert os.getenv('READ') is None\n"
            "\n\ndef test_asks():\n    assert 'ASKED' not in os.environ\n"
            "\n\ndef test_copies():\n    assert {**os.environ}\n"
            "\n\ndef test_child():\n    text = 'import os; os.environ[\"NEVER\"]'\n"
            f"    assert subprocess.run([{sys.executable!r}, '-c', text]).returncode == 1\n"
        ),
        "pytest.ini": "[pytest]\n",
    }
    traces = trial.full(files)
    needs = {t.name.partition("::")[2]: t.needed("env") for t in traces if t.kind == "test"}
    assert not needs["test_copies"]
    expected = {"AT_IMPORT": ONE, "READ": "test_b.py::test_reads", "ASKED": "test_b.py::test_asks"}
    for name, test in {**expected, "NEVER": "test_b.py::test_child"}.items():
        monkeypatch.setenv(name, "a secret value")
        traces, selection = trial.incremental(traces, files, files)
        assert selection.affected.keys() == {test}
        assert outcomes(traces) == outcomes(trial.full(files))
        monkeypatch.delenv(name)
        traces, selection = trial.incremental(traces, files, files)
        assert selection.affected.keys() == {test}
        assert set(outcomes(traces).values()) == {"passed"}
    assert "secret" not in str([t.needs for t in traces])


GENERATOR = (
    "KEPT = []\n\n\ndef numbers():\n    try:\n        yield 1\n    finally:\n        ended()\n\n\n"
    "def ended():\n    return 1\n"
)
LATE = (
    "import lib\n\n\ndef test_a():\n    lib.KEPT.append(lib.numbers())\n    assert next(lib.KEPT[0])\n\n\n"
    "def test_b():\n"
)
DRIVEN = (
    "import pytest\nimport lib\n\n\n@pytest.fixture(scope='module')\ndef shared(request):\n"
    "    return lib.size(request.module.WORDS)\n"
)
SIZE = "def size(words):\n    if words:\n        return 'some'\n    return 'none'\n"
CACHE = "CACHE = {}\n\n\ndef value():\n    if not CACHE:\n        CACHE['n'] = 2\n    return CACHE['n']\n"
DOCUMENTED = {
    "order_of_tests": case(
        {"lib.py": CACHE, "test_a.py": (
            "import lib\n\n\ndef test_a():\n    assert lib.value()\n\n\n"
            "def test_b():\n    assert lib.value()\n"
        )},
        {"test_a.py": (
            "import lib\n\n\ndef test_a():\n    assert 1\n\n\n"
            "def test_b():\n    assert lib.value()\n"
        )}, ONE,
    ),
    "generator_that_is_closed_late": case(
        {"lib.py": GENERATOR, "test_a.py": LATE + "    lib.KEPT.clear()\n"},
        {"test_a.py": LATE + "    lib.KEPT.clear()\n    assert 1\n"}, "test_a.py::test_b",
    ),
    "shared_fixture_that_other_tests_drive": case(
        {"conftest.py": DRIVEN, "lib.py": SIZE, "test_a.py": "WORDS = [1]\n\n\n" + SHARES,
         "test_b.py": "WORDS = []\n\n\n" + SHARES}, {"test_a.py": None}, ONE,
    ),
    "computed_name": case(
        {"lib.py": "X = 1\n", "test_a.py": LIB.replace("lib.N == 2", "not hasattr(lib, 'new' + 'er')")},
        {"lib.py": "X = 1\n\n\ndef newer():\n    return 1\n"},
    ),
    "whole_environment": case(
        {"test_a.py": "import os\n\n\ndef test_a():\n    assert 'HOLE' not in dict(os.environ)\n"}, {},
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_documented_hole_is_mended_by_a_full_measure(
    trial: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, change, affected = DOCUMENTED[name]
    after = {p: text for p, text in {**files, **change}.items() if text is not None}
    base = trial.full(files)
    monkeypatch.setenv("HOLE", "1")
    traces, selection = trial.incremental(base, files, after)
    truth = trial.full(after)
    assert set(selection.affected) == affected
    same = outcomes(traces) == outcomes(truth) and lines(traces, after) == lines(truth, after)
    assert not same, "closed: say so in docs/explanation/incremental-coverage.md"


def test_each_hole_in_the_docs_names_a_test() -> None:
    top = Path(__file__).parents[4]
    text = (top / "docs/explanation/incremental-coverage.md").read_text()
    section = text.partition("## Each hole and its test")[2].partition("\n## ")[0]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("| ")][2:]
    assert len(rows) > 30
    named = set()
    for _, hole, test, state, _ in rows:
        path, _, name = test.strip(" `").partition("::")
        function, _, case_name = name.rstrip("]").partition("[")
        assert f"def {function}(" in (top / "tests/agent/coverage" / path).read_text(), hole
        assert state.strip() in ("closed", "documented"), hole
        named.add(case_name)
    assert {*CASES, *DOCUMENTED} <= named
