"""The project's own tests in the sandbox: the same record, and nothing else in reach."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.agent.sandbox.conftest import own_interpreter

from copydesk.agent.config import Personal
from copydesk.agent.coverage.runner.coverage_py import Engine
from copydesk.agent.coverage.runner.run_tests import Recording, RunOptions, record_tests
from copydesk.agent.errors import CopydeskError
from copydesk.agent.process import ProcessError
from copydesk.agent.sandbox import own_tests
from copydesk.agent.sandbox.tier import Tier, detect

PYTHON = own_interpreter()

TESTS = {
    "lib.py": (
        "import os, sqlite3, subprocess, sys\n\n\n"
        "def sign(n):\n    if n < 0:\n        return -1\n    return 1\n\n\n"
        "def lines(path):\n    return open(path).read().split()\n\n\n"
        "def child():\n    code = 'import lib; lib.sign(-1)'\n"
        "    return subprocess.run([sys.executable, '-c', code]).returncode\n"
    ),
    "names.txt": "a b\n",
    "test_lib.py": (
        "import os, pathlib, sqlite3\n\nimport lib\n\n\n"
        "def test_sign():\n    assert lib.sign(2) == 1\n\n\n"
        "def test_lines():\n    assert lib.lines('names.txt') == ['a', 'b']\n\n\n"
        "def test_child():\n    assert lib.child() == 0\n\n\n"
        "def test_sqlite(tmp_path):\n    sqlite3.connect(tmp_path / 'x').close()\n\n\n"
        "def test_writes_beside_the_sources():\n    pathlib.Path('out.txt').write_text('x')\n\n\n"
        "def test_listing():\n    assert 'lib.py' in os.listdir('.')\n\n\n"
        "def test_wrong():\n    assert lib.sign(0) == 0\n"
    ),
}

Make = Callable[..., Path]


@pytest.fixture
def project(tmp_path: Path) -> Make:
    def make(files: dict[str, str], name: str = "tree") -> Path:
        top = tmp_path / name
        top.mkdir()
        for path, text in files.items():
            (top / path).write_text(text)
        return top

    return make


@pytest.fixture
def guard(tmp_path: Path) -> Callable[..., own_tests.OwnTestsSandbox]:
    def make(tree: Path, **settings: object) -> own_tests.OwnTestsSandbox:
        personal = dataclasses.replace(Personal(), **settings)  # type: ignore[arg-type]
        found, why = own_tests.sandbox_for_own_tests(personal, PYTHON, tmp_path / "work", tree)
        if found is None:
            pytest.skip(why)
        return found

    return make


def recorded(
    tree: Path, guard: own_tests.OwnTestsSandbox | None, timeout: float = 120
) -> Recording:
    engine = Engine(tree, PYTHON, guard)
    return record_tests(engine, RunOptions(branch=True, timeout=timeout))


def test_what_is_recorded_is_the_same_with_and_without_the_guard(
    project: Make, guard: Callable[..., own_tests.OwnTestsSandbox]
) -> None:
    plain = recorded(project(TESTS, "plain"), None)
    tree = project(TESTS, "guarded")
    guarded = recorded(tree, guard(tree))
    assert {n: t.outcome for n, t in guarded.tests.items()} == {
        n: t.outcome for n, t in plain.tests.items()
    }
    assert guarded.tests["test_lib.py::test_wrong"].outcome == "failed"
    assert guarded.lines == plain.lines
    assert guarded.arcs == plain.arcs
    assert guarded.needs == plain.needs
    assert guarded.tracer == plain.tracer
    assert (tree / "out.txt").exists()  # the snapshot is theirs to use up


RENAMES = """
import os, pathlib, shutil, tempfile

HERE = pathlib.Path(__file__).parent

def test_out_of_the_tree(tmp_path):
    for number, rename in enumerate((os.rename, os.replace, shutil.move, pathlib.Path.rename)):
        (HERE / f"made{number}").write_text("text")
        rename(HERE / f"made{number}", tmp_path / f"moved{number}")
        assert (tmp_path / f"moved{number}").read_text() == "text"

def test_into_the_tree():
    descriptor, name = tempfile.mkstemp()
    os.close(descriptor)
    os.replace(name, HERE / "written")
    os.link(HERE / "written", name)
    assert (HERE / "written").exists()
"""


def test_renames_between_tree_and_temporary_folder_work_as_outside(
    project: Make, guard: Callable[..., own_tests.OwnTestsSandbox]
) -> None:
    tree = project({"test_renames.py": RENAMES})
    run = recorded(tree, guard(tree))
    assert {test.outcome for test in run.tests.values()} == {"passed"}, run.output


HARM = """
import json, os, pathlib, socket, sys

def test_reach():
    said = {}
    for name in sys.argv[-1:] and TARGETS:
        try: said[name] = open(name).read()
        except OSError as error: said[name] = error.strerror
    for name in OUTSIDE:
        try: pathlib.Path(name, "mark").write_text("x"); said["wrote " + name] = True
        except OSError: pass
    try: socket.create_connection(("127.0.0.1", PORT), timeout=2); said["net"] = "reached"
    except OSError: said["net"] = "absent"
    said["env"] = {n: os.environ.get(n) for n in ("TOKEN", "LET_IN", "HOME", "LC_ALL")}
    pathlib.Path("said.json").write_text(json.dumps(said))
"""


@pytest.mark.parametrize("network", [False, True])
def test_the_rest_of_the_machine_is_out_of_reach_but_for_what_is_named(
    project: Make,
    guard: Callable[..., own_tests.OwnTestsSandbox],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    network: bool,
) -> None:
    for name, value in {"TOKEN": "secret", "LET_IN": "yes", "LC_ALL": "C.UTF-8"}.items():
        monkeypatch.setenv(name, value)
    secret, shown = tmp_path / "work" / "secret", tmp_path / "data" / "shown"
    for path in (secret, shown):
        path.parent.mkdir()
        path.write_text(path.name)
    outside = [str(Path.home()), str(tmp_path / "data"), sys.prefix, "/usr"]
    with socket.create_server(("127.0.0.1", 0)) as server:
        head = f"TARGETS = {[str(secret), str(shown)]}\nOUTSIDE = {outside}\n"
        head += f"PORT = {server.getsockname()[1]}\n"
        tree = project({"test_x.py": head + HARM})
        found = recorded(
            tree,
            guard(
                tree,
                own_tests_network=network,
                own_tests_paths=str(tmp_path / "data"),
                own_tests_variables="LET_IN",
            ),
        )
    assert [t.outcome for t in found.tests.values()] == ["passed"], found.output
    said = json.loads((tree / "said.json").read_text())
    assert said[str(secret)] == "No such file or directory"
    assert said[str(shown)] == "shown"
    assert said["net"] == ("reached" if network else "absent")
    assert said["env"] == {"TOKEN": None, "LET_IN": "yes", "HOME": "/tmp/home", "LC_ALL": "C.UTF-8"}
    assert not [folder for folder in outside if os.path.exists(f"{folder}/mark")]  # noqa: PTH110


def test_a_suite_that_meets_a_limit_is_one_clear_error(
    project: Make, guard: Callable[..., own_tests.OwnTestsSandbox]
) -> None:
    tree = project({"test_x.py": "import time\n\ndef test_x():\n    time.sleep(60)\n"})
    with pytest.raises(CopydeskError, match="took longer than 3 s") as caught:
        recorded(tree, guard(tree), timeout=3)
    assert caught.value.slug == "suite-broken"
    broken = dataclasses.replace(guard(tree), shown=(tree / "gone",))
    with pytest.raises(ProcessError, match="the sandbox did not start"):
        broken.run(["true"], folders=own_tests.FolderAccess(tree), env={}, timeout=9)


def test_the_guard_is_part_of_what_outcomes_follow_from(
    project: Make, guard: Callable[..., own_tests.OwnTestsSandbox]
) -> None:
    tree = project({"lib.py": ""})
    guards = [None, guard(tree), guard(tree, own_tests_network=True)]
    found = {Engine(tree, PYTHON, g).environment(()).fingerprint for g in guards}
    assert len(found) == 3


def test_the_user_decides_what_happens_without_a_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(**settings: object) -> tuple[own_tests.OwnTestsSandbox | None, str]:
        personal = dataclasses.replace(Personal(), **settings)  # type: ignore[arg-type]
        return own_tests.sandbox_for_own_tests(personal, PYTHON, tmp_path, tmp_path / "tree")

    assert ask(own_tests="plain") == (None, "as copydesk.ownTests says")
    assert ask(sandbox="off")[0] is None
    with pytest.raises(CopydeskError, match="switched off") as caught:
        ask(sandbox="off", own_tests="sandbox")
    assert caught.value.slug == "own-tests-unguarded"
    if detect("auto", PYTHON, outside=(tmp_path,)).tier is Tier.FULL:
        assert (
            "would cover"
            in own_tests.sandbox_for_own_tests(Personal(), PYTHON, tmp_path, Path("/"))[1]
        )
