"""Each way in which Python starts a process: a test depends on what the process reads and runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.coverage.runner.coverage_py import Engine
from copydesk.agent.git.interpreter import inspect
from copydesk.agent.git.repository import find

JOBS = "def read(path):\n    with open(path) as file:\n        return file.read()\n"
STARTS = """\
import multiprocessing
import os
import pathlib
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

import jobs

READ = [sys.executable, '-c', 'import jobs; jobs.read("words.txt")']


def ended(pid):
    return os.WEXITSTATUS(os.waitpid(pid, 0)[1])


def worker(method):
    found = multiprocessing.get_context(method).Process(target=jobs.read, args=('words.txt',))
    found.start()
    found.join()
    return found.exitcode


def test_forked():
    pid = os.fork()
    if pid == 0:
        jobs.read('words.txt')
        os._exit(0)
    assert ended(pid) == 0


def test_forked_twice():
    pid = os.fork()
    if pid == 0:
        inner = os.fork()
        if inner == 0:
            jobs.read('words.txt')
            os._exit(0)
        os._exit(ended(inner))
    assert ended(pid) == 0


def test_forked_and_replaced():
    pid = os.fork()
    if pid == 0:
        os.execv(sys.executable, READ)
    assert ended(pid) == 0


def test_posix_spawn():
    assert ended(os.posix_spawn(sys.executable, READ, os.environ)) == 0


def test_spawnv():
    assert os.spawnv(os.P_WAIT, sys.executable, READ) == 0


def test_system():
    assert os.system(f"{sys.executable} -c 'import jobs; jobs.read(\\"words.txt\\")'") == 0


def test_worker_forked():
    assert worker('fork') == 0


def test_worker_spawned():
    assert worker('spawn') == 0


def test_worker_of_a_server():
    assert worker('forkserver') == 0


def test_pool():
    with ProcessPoolExecutor(1, multiprocessing.get_context('spawn')) as pool:
        assert pool.submit(jobs.read, 'words.txt').result() == 'one\\n'


def test_asks():
    assert not pathlib.Path('later.txt').exists()


def test_asks_in_a_child():
    ask = 'import pathlib; assert not pathlib.Path("later.txt").is_file()'
    subprocess.run([sys.executable, '-c', ask], check=True)


def test_nothing():
    assert jobs.read
"""
SECOND = "\n\ndef test_worker_of_the_same_server():\n    assert worker('forkserver') == 0\n"


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"], indirect=True)
def test_a_test_depends_on_what_it_starts(
    python: Path, repo: Path, trial_of: Callable[[Engine], Any]
) -> None:
    trial = trial_of(Engine(repo, inspect(find(repo), python, "test").interpreter))
    files = {"jobs.py": JOBS, "words.txt": "one\n", "pytest.ini": "[pytest]\n", "notes.txt": ""}
    files["test_a.py"] = STARTS + SECOND
    base = trial.full(files)
    assert {t.outcome for t in base if t.kind == "test"} == {"passed"}
    asking = {"test_asks", "test_asks_in_a_child"}
    every = {t.name.partition("::")[2] for t in base if t.kind == "test"} - {"test_nothing"}
    every -= asking
    assert len(every) == 11

    def affected(path: str, text: str) -> set[str]:
        _, selection = trial.incremental(base, files, files | {path: text})
        return {name.partition("::")[2] for name in selection.affected}

    assert affected("notes.txt", "words") == set()
    assert affected("later.txt", "") == asking
    assert affected("jobs.py", JOBS.replace("return file", "return '' + file")) == every
    # what the fork server's processes read counts for the test that needed the server first
    assert affected("words.txt", "two\n") == every - {"test_worker_of_the_same_server"}
