"""What a run reports of each context, and that nothing of the recorder stays behind.

Each run is one of pytest in a process of its own, with a tracer that records nothing: who executes
which lines is the tracers' business.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.coverage.probe import PROBE, Settings, read

RUN = """
import importlib.machinery, json, os, sys
import pytest
from _pytest.assertion import rewrite
from _pytest.fixtures import FixtureDef
from copydesk_probe import pytest_hooks, recorder, settings, tracers


class NoTracer:
    name, arcs, context = "none", "arcs" in sys.argv[2:], ""
    packing = tracers.OWN_PACKING

    def __init__(self):
        self.hits = tracers.ContextHits()

    def start(self):
        pass

    def stop(self):
        self.hits.add("", {__file__: frozenset({1})})
        path = os.path.join(SETTINGS.root, "shop.py")
        hits = {self.packing.packed(-1, 1), self.packing.packed(1, -1)} if self.arcs else {1, 3}
        self.hits.add("import:shop.py", {path: frozenset(hits)})

    def switch(self, context):
        former, self.context = self.context, context
        return former

    def pause_for(self, collector, replace):
        pass


class Starter:
    def pytest_addoption(self, parser, pluginmanager):
        recording = recorder.Recorder(SETTINGS, NoTracer())
        pytest_hooks.RecordingPlugin(recording).install(pluginmanager)


def state():
    loader = importlib.machinery.SourceFileLoader
    return [
        os.stat, os.lstat, os.access, type(os.environ).__getitem__, type(os.environ).__iter__,
        loader.__dict__.get("exec_module"), loader.get_code, rewrite._rewrite_test,
        rewrite.AssertionRewritingHook.exec_module, FixtureDef.finish, os._exit,
    ]


__file__ = "/elsewhere/run.py"
SETTINGS = settings.Settings.read(sys.argv[1])
os.chdir(SETTINGS.root)
sys.path.insert(0, SETTINGS.root)
before = state()
code = pytest.main(["-q", "-p", "no:cacheprovider", "--rootdir=."], plugins=[Starter()])
assert state() == before, "something was not put back"
assert not any(name.startswith("COPYDESK_") for name in os.environ)
sys.exit(code)
"""

FILES = {
    "pytest.ini": "[pytest]\npython_files = test_*.py\nmarkers = slow\n",
    "shop.py": "import data\n\nVALUE = 3\n",
    "data.py": "import os\n\nNAMES = open(os.path.dirname(__file__) + '/n.txt').read()\n",
    "n.txt": "apple",
    "folder/inside.txt": "",
    "conftest.py": (
        "import pytest\n\n\n@pytest.fixture(scope='module')\ndef wide():\n    yield 1\n\n\n"
        "@pytest.fixture(scope='module')\ndef plain():\n    return 1\n\n\n"
        "@pytest.fixture(scope='module')\ndef bad():\n    raise OSError\n"
    ),
    "test_broken.py": "import nothing_like_it\n",
    "test_all.py": (
        "import multiprocessing\nimport os\nimport sqlite3\nimport subprocess\nimport sys\n\n"
        "import pytest\nimport shop\n\n\n"
        "def test_file(wide):\n    assert open('n.txt').read()\n\n\n"
        "def test_write():\n    open(os.devnull, 'w').close()\n\n\n"
        "def test_folder(plain):\n    os.listdir('folder')\n    os.listdir()\n"
        "    os.path.exists('folder/none.txt')\n    os.stat(path='n.txt')\n\n\n"
        "def test_variable():\n    os.environ.get('SHOP')\n    dict(os.environ)\n\n\n"
        "def test_database():\n    sqlite3.connect('n.txt').close()\n\n\n"
        "def test_child():\n    subprocess.run([sys.executable, '-c', 'open(\"n.txt\")'])\n\n\n"
        "def test_filter():\n    subprocess.run(['cat', 'folder/inside.txt'])\n\n\n"
        "def test_program():\n    subprocess.run(['sh', '-c', 'true && true'])\n\n\n"
        "def test_shell():\n    os.system('true')\n\n\n"
        "def test_fork():\n    pid = os.fork()\n    if not pid:\n        open('n.txt')\n"
        "        os._exit(0)\n    os.waitpid(pid, 0)\n\n\n"
        "def test_spawn():\n"
        "    worker = multiprocessing.get_context('spawn').Process(target=print)\n"
        "    worker.start()\n    worker.join()\n\n\n"
        "def test_fails():\n    assert 0, 'why'\n\n\n"
        "def test_error(bad):\n    pass\n\n\n"
        "@pytest.mark.skip\ndef test_skipped(wide):\n    pass\n\n\n"
        "@pytest.mark.xfail\ndef test_expected():\n    assert 0\n\n\n"
        "def test_not_again():\n    assert 0\n"
    ),
}

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(tmp_path: Path, measuring: dict[str, str]) -> Run:
    """Run the files; returns the report."""
    tree = tmp_path / "tree"
    for path, text in FILES.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    (tmp_path / "children").mkdir()

    def go(*words: str, **changes: Any) -> dict[str, Any]:
        report = tmp_path / "report"
        report.unlink(missing_ok=True)
        values: dict[str, Any] = {
            "root": str(tree), "branch": False, "concurrency": [], "data_file": "",
            "report": str(report), "report_seconds": 0.0, "child_data": "",
            "child_reports": str(tmp_path / "children"),
            "source": ["."], "omit": [], "test_files": None, "conftests": [],
            "skipped_tests": ["test_all.py::test_not_again"],
            "compiled_modules": str(tmp_path / "compiled"),
        }  # fmt: skip
        settings = tmp_path / "settings.json"
        settings.write_text(Settings(**(values | changes)).to_json())
        env = {"PYTHONPATH": str(PROBE), "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.defpath}
        env |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **measuring}
        argv = [sys.executable, "-c", RUN, str(settings), *words]
        ended = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
        assert ended.returncode in (0, 1, 2), ended.stdout + ended.stderr
        return read(report.read_bytes())

    return go


def needs(report: dict[str, Any], test: str) -> set[tuple[str, str]]:
    return {tuple(need) for need in report["needs"].get(f"test:test_all.py::{test}", ())}


def test_a_run_reports_outcomes_and_what_each_test_depends_on(run: Run) -> None:
    report = run("--continue-on-collection-errors", test_files=["test_all.py"])
    assert "end" in report
    outcomes = {name.partition("::")[2]: t["outcome"] for name, t in report["tests"].items()}
    special = {"test_fails": "failed", "test_error": "error", "test_skipped": "skipped"}
    special["test_expected"] = "xfailed"
    assert outcomes == dict.fromkeys(outcomes, "passed") | special
    assert "test_not_again" not in outcomes
    assert "test_all.py::test_not_again" in report["collected"]
    assert "why" in report["tests"]["test_all.py::test_fails"]["message"]
    assert needs(report, "test_file") == {("file", "n.txt")}
    assert needs(report, "test_write") == set()
    assert needs(report, "test_folder") == {
        ("folder", "folder"), ("file", "folder/none.txt"), ("file", "n.txt"),
        *{n for n in needs(report, "test_folder") if n[0] == "folder"},
    }  # fmt: skip
    assert ("env", "SHOP") in needs(report, "test_variable")
    assert ("file", "n.txt") in needs(report, "test_database")
    assert ("file", "n.txt") in needs(report, "test_child")
    assert ("process", "") not in needs(report, "test_child")
    assert ("file", "folder/inside.txt") in needs(report, "test_filter")
    assert ("process", "") not in needs(report, "test_filter")
    for name in ("test_program", "test_shell", "test_fork"):
        assert ("process", "") in needs(report, name)
    assert ("file", "n.txt") in needs(report, "test_fork")
    assert {tuple(need) for need in report["needs"]["import:data.py"]} >= {("file", "n.txt")}
    assert ["python_files", "test_*.py"] in report["needs"][""]


def test_wider_fixtures_are_contexts_of_their_own(run: Run) -> None:
    report = run(test_files=["test_all.py"])
    fixtures = {name.partition("::")[2]: t["fixtures"] for name, t in report["tests"].items()}
    assert fixtures["test_file"] == ["fixture:module::wide"]
    assert fixtures["test_error"] == ["fixture:module::bad"]
    assert fixtures["test_skipped"] == []
    assert report["open"] == []


def test_lines_and_arcs_are_reported_for_files_of_the_tree_alone(run: Run) -> None:
    report = run(test_files=["test_all.py"])
    assert report["pieces"] == [["shop.py", "0a", ""]]
    assert report["contexts"]["import:shop.py"] == [0]
    ((path, lines, arcs),) = run("arcs", test_files=["test_all.py"])["pieces"]
    assert (path, lines) == ("shop.py", "02")
    assert arcs == "ffffffff0100000001000000ffffffff"


def test_a_file_that_cannot_be_collected_is_reported(run: Run) -> None:
    report = run()
    assert list(report["errors"]) == ["test_broken.py"]
    assert "nothing_like_it" in report["errors"]["test_broken.py"]


def test_compiled_modules_are_used_again(run: Run, tmp_path: Path) -> None:
    first = run(test_files=["test_all.py"])
    compiled = {path: path.stat().st_mtime_ns for path in (tmp_path / "compiled").iterdir()}
    assert compiled
    second = run(test_files=["test_all.py"])
    assert {path: path.stat().st_mtime_ns for path in compiled} == compiled
    assert sorted(first["needs"]["import:data.py"]) == sorted(second["needs"]["import:data.py"])
    assert first["tests"].keys() == second["tests"].keys()
