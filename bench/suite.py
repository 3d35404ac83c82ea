"""What a measure costs in a project of 20,000 tests over 2,000 files: `make bench-suite`.

The project is made up. Once it is measured in full, commits change one function each; for every
one of them a measure is held against pytest's own collection of the files that it selects, one
after the other. CPU seconds, medians.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from counting import cpu

from copydesk.agent.coverage.measure import commit as measuring
from copydesk.agent.coverage.runner import Engine, Recording, RunOptions
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git import repository as git
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.interpreter import inspect
from copydesk.agent.process import scrubbed_environment
from copydesk.agent.records import Interpreter

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"

FUNCTIONS = 20
"""In each module of the project."""


def module(number: int, modules: int) -> str:
    """A module of functions with a branch each; it imports one that stands before it."""
    first = f"from shop.part{number // 2} import work0 as before\n\n\n" if number else ""
    body = [
        f"def work{n}(value):\n    if value > {n}:\n        value += {number}\n"
        f"    else:\n        value -= {n}\n    return value\n"
        for n in range(FUNCTIONS)
    ]
    return first + "\n\n".join(body)


def tests(number: int, modules: int, count: int) -> str:
    """A test file of one module, each test for another of its functions."""
    part = number % modules
    body = [
        f"def test_work{n}():\n    assert part.work{n % FUNCTIONS}({n}) is not None\n"
        for n in range(count)
    ]
    return f"from shop import part{part} as part\n\n\n" + "\n\n".join(body)


def write(folder: Path, files: int = 2000, count: int = 10) -> None:
    """Write the project and commit it.

    Args:
        folder: Where; made.
        files: How many test files; there is a module for every ten.
        count: How many tests in each.
    """
    modules = max(files // 10, 1)
    (folder / "src" / "shop").mkdir(parents=True)
    (folder / "src" / "shop" / "__init__.py").write_text("")
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\ntestpaths = ['tests']\n")
    for number in range(modules):
        (folder / "src" / "shop" / f"part{number}.py").write_text(module(number, modules))
    for number in range(files):
        path = folder / "tests" / f"group{number // 50}" / f"test_{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(tests(number, modules, count))
    for words in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "A project")):
        who = ("-c", "user.name=sandbox", "-c", "user.email=sandbox@example.org")
        subprocess.run(["git", *who, *words], cwd=folder, check=True)


class SandboxRunner:
    """The project and its desk, and what the newest measure cost, by part."""

    def __init__(self, folder: Path, python: Path) -> None:
        self.folder = folder
        self.repo = git.find(folder)
        self.git("config", "copydesk.ownTests", "plain")
        self.python: Interpreter = inspect(self.repo, python.absolute(), "--python").interpreter
        self.files: list[str] = []
        self.collected = self.ended = 0.0
        original = measuring.record_tests

        def record_tests(engine: Engine, options: RunOptions) -> Recording:
            self.files, started = list(options.files or ()), cpu()
            found = original(engine, options)
            self.ended = cpu()
            self.collected = self.ended - started
            return found

        measuring.record_tests = record_tests

    def git(self, *words: str) -> None:
        """Run git in it."""
        who = ("-c", "user.name=sandbox", "-c", "user.email=sandbox@example.org")
        subprocess.run(["git", *who, *words], cwd=self.folder, check=True)

    def change(self, number: int) -> None:
        """Commit a change of one function."""
        path = self.folder / "src" / "shop" / f"part{number}.py"
        text = path.read_text().replace(
            f"value += {number}\n", f"value += {number}\n        _ = 1\n", 1
        )
        path.write_text(text)
        self.git("commit", "-q", "-a", "-m", "Change a function")

    def measure(self) -> dict[str, float]:
        """Measure HEAD."""
        sha = git.resolve(self.repo, "HEAD")
        before = self.size()
        with open_desk(self.repo.desk) as db:
            started = cpu()
            done = measuring.measure(db, Commit(self.repo, sha), interpreter=self.python)
            ended = cpu()
        return {
            "whole measure": ended - started,
            "of it pytest with the probe": self.collected,
            "of it before pytest: snapshot, selection": self.ended - self.collected - started,
            "of it after pytest: map update, total, gaps": ended - self.ended,
            "selected tests": done.selected,
            "desk, KB more": (self.size() - before) / 1000,
        }

    def size(self) -> int:
        """Bytes of the desk."""
        path = self.repo.desk / "desk.db"
        if not path.exists():
            return 0
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return path.stat().st_size

    def collection(self) -> float:
        """What pytest takes to collect the files that were selected last."""
        env = scrubbed_environment(
            {"PYTHONPATH": str(self.folder / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
        )
        words = ["-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider", *self.files]
        started = cpu()
        subprocess.run(
            [self.python.path, *words], cwd=self.folder, env=env, check=True, capture_output=True
        )
        return cpu() - started


def table(first: dict[str, float], rounds: list[dict[str, float]], command: str) -> str:
    """The medians as a section of the page."""
    middle = {name: statistics.median(r[name] for r in rounds) for name in rounds[0]}
    base = middle["pytest --collect-only of the selected files"]
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    kind = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    lines = [f"## A suite of {first['selected tests']:,} tests, {day}", ""]
    lines += [f"{kind}; {len(rounds)} commits of one function each; `{command}`", ""]
    lines += ["| what | CPU seconds | × that collection |", "| --- | ---: | ---: |"]
    for name, value in middle.items():
        if name not in ("selected tests", "desk, KB more"):
            lines.append(f"| {name} | {value:.2f} | {value / base:.2f} |")
    lines.append(f"| first full measure | {first['whole measure']:.1f} | |")
    lines += ["", f"A commit selects {middle['selected tests']:.0f} tests (median) and the desk"]
    lines[-1] += f" grows by {middle['desk, KB more']:.0f} KB; the first measure makes it"
    lines[-1] += f" {first['desk, KB more'] / 1000:.1f} MB."
    return "\n".join([*lines, ""])


def main() -> None:
    """Run the benchmark, print its table and append it to docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", type=Path, default=Path(sys.executable))
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--tests", type=int, default=10, help="in each file")
    parser.add_argument("--commits", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="copydesk-bench-") as folder:
        top = Path(folder) / "shop"
        write(top, options.files, options.tests)
        sandbox = SandboxRunner(top, options.python)
        first, rounds = sandbox.measure(), []
        for number in range(options.commits):
            sandbox.change(max(options.files // 10, 1) // 2 + number)
            spent = sandbox.measure()
            spent["pytest --collect-only of the selected files"] = sandbox.collection()
            rounds.append(spent)
            print(spent, file=sys.stderr, flush=True)
    words = f"bench/suite.py --files {options.files} --tests {options.tests}"
    text = table(first, rounds, words)
    print(text)
    with PAGE.open("a", encoding="utf-8") as page:
        page.write("\n" + text)


if __name__ == "__main__":
    main()
