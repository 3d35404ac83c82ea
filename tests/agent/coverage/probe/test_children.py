"""What programs that tests start depend on, and compiled modules that are kept."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.coverage.probe import PROBE
from copydesk.agent.coverage.probe.copydesk_probe import child_process, child_reports, programs
from copydesk.agent.coverage.runner.run_tests import shrink
from copydesk.agent.desk.measures import Measure
from copydesk.agent.git.repository import find

Measured = Callable[..., Measure]

STARTS = f"""\
import os
import subprocess
import sys


def python(*words):
    subprocess.run([{sys.executable!r}, *words], check=True, cwd='src')


def test_runs_a_module():
    python('-c', 'import shop.stock')


def test_leaves_the_environment_aside():
    python('-I', '-c', 'pass')


def test_prints():
    subprocess.run('cat ../data/names.txt', shell=True, check=True, cwd='src')


def test_runs_another_program():
    subprocess.run(['sh', '-c', 'test -e src && echo $HOME'], check=True)


def test_forks():
    import multiprocessing

    worker = multiprocessing.get_context('fork').Process(target=print)
    worker.start()
    worker.join()


def test_reads_in_a_child_of_a_child():
    inner = "open('../data/names.txt').read()"
    python('-c', f'import subprocess, sys; subprocess.run([sys.executable, "-c", {{inner!r}}])')


def test_is_spawned():
    # without closing what is open, subprocess takes posix_spawn; from Python 3.13 on, mostly
    inner = 'import subprocess, sys; subprocess.run([sys.executable, "-c", "1"], close_fds=False)'
    env = {{**os.environ, 'PYTHONSAFEPATH': '1'}}
    subprocess.run([{sys.executable!r}, '-c', inner], check=True, close_fds=False, env=env)


def test_clears_the_environment():
    subprocess.run([{sys.executable!r}, '-S', '-c', 'pass'], check=True, env={{}})
"""


def selected(done: Measure, db: Any) -> set[str]:
    """The tests that ran, by name."""
    from copydesk.agent.coverage.store.traces import load_map

    found, former = load_map(db, done.sha), load_map(db, done.base or "")
    assert found is not None
    assert former is not None
    old = {t.id for t in former.tests().values()}
    return {name.partition("::")[2] for name, t in found.tests().items() if t.id not in old}


def test_a_test_that_starts_programs_depends_on_what_they_read(
    project: Path, desk: Any, measured: Measured, commit: Callable[..., str]
) -> None:
    commit(project, {"tests/test_starts.py": STARTS})
    assert measured().failed == 0
    anything = {
        *("test_leaves_the_environment_aside", "test_runs_another_program"),
        *("test_forks", "test_clears_the_environment"),
    }
    commit(project, {"src/shop/unused.py": "def nothing():\n    return 1\n"})
    assert selected(measured(), desk) == anything
    text = (project / "src/shop/stock.py").read_text()
    commit(project, {"src/shop/stock.py": text + "\n\ndef more():\n    pass\n"})
    assert selected(measured(), desk) == anything | {"test_runs_a_module"}
    commit(project, {"src/shop/late.py": ""})  # a folder that the import system listed
    assert selected(measured(), desk) >= anything | {"test_runs_a_module"}
    commit(project, {"data/names.txt": "plum pear\n"})
    read = {"test_names", "test_prints", "test_reads_in_a_child_of_a_child"}
    assert selected(measured(), desk) == read
    commit(project, {"README.md": "words\n"})
    assert measured().selected == 0


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["python3", "-m", "x"], True),
        (["python3", "-u", "-c", "x"], True),
        (["python3", "x.py", "-I"], True),
        (["python3", "-Ec", "x"], None),
        (["cat", "-"], False),
        (["sh", "-c", "cat file"], False),
        (["sh", "-c", "cat *"], None),
        (["sh", "x.sh"], None),
        (["git", "status"], None),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_known_of_a_program(argv: list[str], said: bool | None) -> None:
    seen = {"COPYDESK_CONTEXT": "test:t", "PYTHONPATH": str(PROBE), "PATH": os.defpath}
    if said is None:
        with pytest.raises(programs.Untracked):
            programs.inspect_start((None, argv, None, seen), "test:t")
    else:
        assert programs.inspect_start((None, argv, None, seen), "test:t")[0] is said
    with pytest.raises(programs.Untracked):  # made for another test
        programs.inspect_start((None, argv, None, seen), "test:u")


def test_a_script_is_known_by_its_first_line(tmp_path: Path) -> None:
    for name, line, known in [("a", "#!/usr/bin/python3", True), ("b", "#!/bin/sh", False)]:
        (tmp_path / name).write_text(line + "\n")
        (tmp_path / name).chmod(0o755)
        assert programs.is_python(name, {"PATH": str(tmp_path)}) is known
    assert not programs.is_python("no-such-program", {"PATH": str(tmp_path)})


def test_a_child_that_reads_bytecode_depends_on_its_source(
    tmp_path: Path, measuring: dict[str, str]
) -> None:
    tree, reports = tmp_path / "tree", tmp_path / "reports"
    tree.mkdir()
    reports.mkdir()
    (tree / "lib.py").write_text("x = 1\n")
    subprocess.run([sys.executable, "-m", "compileall", "-q", tree], check=True)
    env = {"COPYDESK_CHILDREN": str(reports), "COPYDESK_TREE": f"{tree}{os.sep}"}
    env |= {"COPYDESK_CONTEXT": "test:t", "PYTHONPATH": f"{PROBE}{os.pathsep}{tree}", **measuring}
    subprocess.run([sys.executable, "-c", "import lib"], env=env, cwd=tmp_path, check=True)
    needs, counts = child_reports.ChildReports(str(reports)).read()
    assert counts == {"test:t": 1}
    assert ("file", "lib.py") in needs["test:t"]


def test_the_next_sitecustomize_is_loaded_too(tmp_path: Path, measuring: dict[str, str]) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.mine = 'loaded'\n")
    path = os.pathsep.join([str(PROBE), str(tmp_path)])
    said = subprocess.run(
        [sys.executable, "-c", "import sys; print(sys.mine)"],
        env={"PYTHONPATH": path, **measuring}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.stdout == "loaded\n", said.stderr


def test_compiled_modules_are_kept_by_their_content(
    project: Path, measured: Measured, commit: Callable[..., str]
) -> None:
    measured()
    (folder,) = (find(project).desk / "bytecode").iterdir()
    kept = {path.name for path in folder.iterdir()}
    assert kept
    text = (project / "tests/test_prices.py").read_text()
    commit(project, {"tests/test_prices.py": text.replace("== 3", "== 4")})
    assert measured().failed == 1  # not the code of the former version
    assert {path.name for path in folder.iterdir()} > kept
    commit(project, {"tests/test_prices.py": text})
    before = {path.name for path in folder.iterdir()}
    assert measured().failed == 0
    assert {path.name for path in folder.iterdir()} == before


def test_code_whose_compilation_warns_is_compiled_each_time(
    project: Path, measured: Measured, commit: Callable[..., str]
) -> None:
    bad = "import shop\n\n\ndef test_escape():\n    assert len('\\\\d') == 2\n"
    bad = bad.replace("'\\\\d'", "'\\d'")
    settings = "[tool.pytest.ini_options]\nfilterwarnings = ['error']\n"
    commit(project, {"tests/test_escape.py": bad, "pyproject.toml": settings})
    assert measured().failed == 1
    commit(project, {"README.md": "words\n"})
    assert measured().failed == 1


def test_a_folder_of_compiled_modules_does_not_grow_for_ever(tmp_path: Path) -> None:
    folder = tmp_path / "bytecode"
    folder.mkdir()
    for number in range(10):
        path = folder / str(number)
        path.write_bytes(b"x" * 100)
        os.utime(path, (number, number))
    shrink(folder, 1000)
    assert len(list(folder.iterdir())) == 10
    shrink(folder, 999)
    assert {path.name for path in folder.iterdir()} == {"6", "7", "8", "9"}
    shrink(tmp_path / "not there")


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("pkg/__pycache__/lib.cpython-311.pyc", "pkg/lib.py"),
        ("__pycache__/lib.cpython-313.opt-1.pyc", "lib.py"),
        ("pkg/lib.pyc", "pkg/lib.pyc"),
        ("__pycache__/notes.txt", "__pycache__/notes.txt"),
    ],
)
def test_a_compiled_module_stands_for_its_source(path: str, source: str) -> None:
    assert child_process.source_of(path) == source
