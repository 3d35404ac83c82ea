"""Judges a folder of test modules the same way, whoever wrote them: run, rerun, lines, mutants.

`python judging.py ORDERS.json` in the environment of the benchmark; the orders say what to do and
where the answer goes. Knows nothing of copydesk.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import random
import signal
import sys
import time
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import pytest

OPTIONS = ["-q", "-p", "no:cacheprovider", "-W", "ignore", "--no-header", "--tb=no"]
SECONDS = 10
"""One run of the tests against one mutant; a mutant that takes longer counts apart."""


class Outcomes:
    """A pytest plugin: the tests in a shuffled order, how each ended, and the lines of each."""

    def __init__(self, seed: int, only: list[str] | None, cov: Any) -> None:
        self.seed, self.cov = seed, cov
        self.only = None if only is None else set(only)
        self.bad: set[str] = set()
        self.good: set[str] = set()

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Keep the chosen tests; shuffle them where a seed is given."""
        if self.only is not None:
            items[:] = [item for item in items if item.nodeid in self.only]
        if self.seed:
            random.Random(self.seed).shuffle(items)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Any:
        """Tell coverage.py which test runs."""
        if self.cov:
            self.cov.switch_context(item.nodeid)
        result = yield
        if self.cov:
            self.cov.switch_context("")
        return result

    def pytest_runtest_logreport(self, report: Any) -> None:
        """A test that is expected to fail, strictly, and does, is as good as one that passes."""
        expected = report.outcome == "skipped" and hasattr(report, "wasxfail")
        if report.when == "call" and (report.passed or expected):
            self.good.add(report.nodeid)
        elif not report.passed:
            self.bad.add(report.nodeid)


def main() -> int:
    """Follow the orders."""
    orders = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    answer = once(orders) if orders["do"] == "run" else mutants(orders)
    Path(orders["answer"]).write_text(json.dumps(answer), "utf-8")
    return 0


def once(orders: dict[str, Any]) -> dict[str, Any]:
    """Run the tests once, perhaps under coverage.py with a context a test."""
    cov = None
    if orders.get("files"):
        from coverage import Coverage

        cov = Coverage(data_file=None, config_file=False, include=orders["files"])
        cov.start()
    plugin = Outcomes(orders.get("seed", 0), orders.get("only"), cov)
    pytest.main([*OPTIONS, *orders["tests"]], plugins=[plugin])
    lines: dict[str, dict[str, list[str]]] = {}
    if cov:
        cov.stop()
        for file in orders["files"]:
            contexts = cov.get_data().contexts_by_lineno(file)
            lines[file] = {str(line): [c for c in by if c] for line, by in contexts.items()}
    return {"passed": sorted(plugin.good - plugin.bad), "lines": lines}


class Changed(SourceFileLoader):
    """Loads a module with another text than its file holds."""

    text = ""

    def get_code(self, fullname: str) -> Any:
        """Compile the text, past every cache."""
        return compile(self.text, self.path, "exec", dont_inherit=True)


class Finder:
    """Finds one module by its name, before anybody else does."""

    def __init__(self, module: str, path: str, text: str) -> None:
        self.module, self.path, self.text = module, path, text

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The spec of the changed module; None for every other one."""
        if name != self.module:
            return None
        loader = Changed(name, self.path)
        loader.text = self.text
        file = Path(self.path)
        package = [str(file.parent)] if file.name == "__init__.py" else None
        return importlib.util.spec_from_file_location(
            name, self.path, loader=loader, submodule_search_locations=package
        )


def mutants(orders: dict[str, Any]) -> dict[str, Any]:
    """Run each mutant in a fork of a process that has loaded pytest and no code of the package."""
    verdicts = []
    for mutant in orders["mutants"]:
        pid = os.fork()
        if pid == 0:
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            finder = Finder(mutant["module"], mutant["path"], mutant["text"])
            sys.meta_path.insert(0, finder)
            with contextlib.suppress(BaseException):
                code = pytest.main([*OPTIONS, "-x", *mutant["tests"]])
                os._exit(int(code))
            os._exit(1)
        verdicts.append(_wait(pid))
    return {"verdicts": verdicts}


def _wait(pid: int) -> str:
    ends = time.monotonic() + SECONDS
    while time.monotonic() < ends:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return "survived" if status == 0 else "killed"
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return "too long"


if __name__ == "__main__":
    sys.exit(main())
