"""What is noted of each event, in the process of the tests and in the Pythons that they start.

Called here as Python calls them: no tracer sees what an audit hook does.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from copydesk.agent.coverage.probe.copydesk_probe import (
    child_process,
    dependencies,
    outcomes,
    programs,
    tracers,
    unaudited_calls,
)
from copydesk.agent.coverage.probe.copydesk_probe.child_process import ChildProcess
from copydesk.agent.coverage.probe.copydesk_probe.child_reports import ChildReports
from copydesk.agent.coverage.probe.copydesk_probe.dependencies import Dependencies

TEST = "test:test_a.py::test_a"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "tree").mkdir()
    (tmp_path / "reports").mkdir()
    return tmp_path / "tree"


@pytest.fixture
def noted(tree: Path) -> Dependencies:
    tracer: Any = SimpleNamespace(context=TEST)
    scope = tracers.SourceScope(str(tree))
    return Dependencies(scope, tracer, str(tree.parent / "reports"))


def events(tree: Path) -> list[tuple[str, tuple[Any, ...], set[tuple[str, str]]]]:
    """Events of the interpreter, and what is noted of them."""
    name = str(tree / "n.txt")
    anything = {("process", "")}
    return [
        ("open", (name, None, os.O_RDONLY), {("file", "n.txt")}),
        ("open", (name, None, os.O_WRONLY), set()),
        ("open", (str(tree.parent), None, 0), set()),
        ("sqlite3.connect", (name,), {("file", "n.txt")}),
        ("os.listdir", (str(tree / "folder"),), {("folder", "folder")}),
        ("os.listdir", (3,), set()),
        ("os.system", ("true",), anything),
        ("subprocess.Popen", (None, ["git", "status"], None, None), anything),
        ("subprocess.Popen", (None, ["git", "status"], None, {}), anything),
        ("import", ("shop",), set()),
    ]


def test_each_event_is_noted_for_its_context(tree: Path, noted: Dependencies) -> None:
    audit = noted.audit_hook()
    for event, args, expected in events(tree):
        noted.needs.clear()
        audit(event, args)
        assert noted.needs.get(TEST, set()) == expected, (event, args)
    noted.needs.clear()
    audit("open", (3, None, 0))  # a descriptor
    audit("open", (b"", None, 0))
    audit("open", (str(tree / "a.pyc"), None, 0))
    audit("open", ())  # what goes wrong never fails the user's own call
    noted.status_asked(str(tree / "none.txt"))
    noted.status_asked("/elsewhere")
    noted.status_asked(b"relative")
    noted.variable_read("SHOP")
    assert noted.needs.pop(TEST) == {("file", "none.txt"), ("env", "SHOP")}
    noted.stop()
    audit("open", (str(tree / "n.txt"), None, 0))
    assert not noted.needs


def test_between_tests_only_code_of_the_tree_counts(tree: Path, noted: Dependencies) -> None:
    noted._tracer.context = ""
    audit = noted.audit_hook()
    for event, args, _ in events(tree):
        audit(event, args)
    noted.variable_read("SHOP")
    assert noted.needs == {}
    code = compile("audit('open', (name, None, 0))", str(tree / "conftest.py"), "exec")
    exec(code, {"audit": audit, "name": str(tree / "n.txt")})
    assert noted.needs == {"": {("file", "n.txt")}}


def test_what_an_import_reads_is_the_import_systems(tree: Path, noted: Dependencies) -> None:
    noted._tracer.context = "import:shop.py"
    audit = noted.audit_hook()
    code = compile("note(*args)", "<frozen importlib._bootstrap>", "exec")
    for event, path in (("open", tree / "shop.py"), ("os.listdir", tree)):
        exec(code, {"note": audit, "args": (event, (str(path), None, 0)), "__name__": "x"})
    assert noted.needs == {}
    audit("os.listdir", (str(tree / "folder"),))
    audit("subprocess.Popen", (None, ["git", "status"], None, None))  # started by nobody of ours
    assert noted.needs == {"import:shop.py": {("folder", "folder")}}


def test_pytest_for_itself_depends_on_no_variable(noted: Dependencies) -> None:
    code = compile("note('SHOP')", "<pytest>", "exec")
    exec(code, {"note": noted.variable_read, "__name__": "_pytest.config"})
    assert noted.needs == {}


def test_a_python_that_does_not_report_may_read_anything(
    tree: Path, noted: Dependencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(programs.CONTEXT, TEST)
    monkeypatch.setenv("PYTHONPATH", programs.PROBE_FOLDER)
    audit = noted.audit_hook()
    audit("subprocess.Popen", (None, ["python3", "-c", "pass"], None, None))
    audit("subprocess.Popen", ("cat", ["cat", "n.txt"], str(tree), None))
    assert noted.needs == {TEST: {("file", "n.txt")}}
    noted.add_children()
    assert noted.needs == {TEST: {("file", "n.txt"), ("process", "")}}


def test_a_fork_writes_down_what_it_needs(
    tree: Path, noted: Dependencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dependencies.os, "getpid", lambda: -1)
    noted.add("file", "n.txt")
    noted.add("file", "n.txt")
    monkeypatch.undo()
    (report,) = (tree.parent / "reports").iterdir()
    assert report.read_text() == f"{TEST}\0file n.txt\0"


def test_a_report_that_was_not_begun_is_of_no_context_yet(tree: Path) -> None:
    folder = tree.parent / "reports"
    (folder / "1").write_text("test:a\0child \0")
    assert ChildReports(str(folder)).contexts() == {"test:a"}
    (folder / "2").write_text("test")
    assert "?" in ChildReports(str(folder)).contexts()
    assert ChildReports(str(folder / "none")).read() == ({}, {})


def test_a_child_notes_each_event_once(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "addaudithook", lambda hook: None)
    monkeypatch.setattr(sys, "dont_write_bytecode", sys.dont_write_bytecode)
    for name in ("watch_status", "watch_variables"):
        monkeypatch.setattr(child_process, name, lambda *args: None)
    reports = tree.parent / "reports"
    child = ChildProcess(str(reports), f"{tree}{os.sep}", TEST)
    child.start()
    expected = {("child", "")}
    for event, args, needs in [*events(tree), *events(tree)]:
        child.audit(event, args)
        expected |= needs
    child.audit("os.listdir", (str(tree),))
    monkeypatch.setenv(programs.CONTEXT, TEST)
    monkeypatch.setenv("PYTHONPATH", programs.PROBE_FOLDER)
    child.audit("subprocess.Popen", (None, ["cat", "other.txt"], str(tree), None))
    child.audit("subprocess.Popen", (None, ["python3"], str(tree), None))
    needs, counts = ChildReports(str(reports)).read()
    assert needs == {TEST: expected | {("folder", "."), ("file", "other.txt")}}
    assert counts == {TEST: 1}


def test_paths_and_variables_are_noted_where_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    with monkeypatch.context() as patched:
        unaudited_calls.watch_status("stat", asked.append, patched.setattr)
        status = os.stat
        status(tmp_path)
        status(path=tmp_path)
        unaudited_calls.watch_variables(asked.append, patched.setattr)
        os.environ.get("SHOP")
        os.environ.get("COPYDESK_OWN")
        dict(os.environ)
        with pytest.raises(TypeError):
            os.environ[3]  # type: ignore[index]
    assert asked[:2] == [tmp_path, tmp_path]
    assert "SHOP" in asked
    assert "COPYDESK_OWN" not in asked


def test_outcomes_are_written_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPYDESK_OUTCOMES", str(tmp_path / "outcomes"))
    monkeypatch.setattr(outcomes, "OUTCOMES", {})
    for when, outcome in (("setup", "passed"), ("call", "failed"), ("teardown", "passed")):
        failed = outcome == "failed"
        report = SimpleNamespace(nodeid="a", when=when, outcome=outcome, failed=failed)
        outcomes.pytest_runtest_logreport(report)
    outcomes.pytest_unconfigure()
    assert json.loads((tmp_path / "outcomes").read_text()) == {"a": "failed"}
