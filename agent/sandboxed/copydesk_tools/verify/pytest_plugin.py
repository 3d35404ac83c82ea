"""Runs one draft inside the user's own pytest and says what happened, test by test.

Started in the sandbox by the user's interpreter (3.9 or later); standard library and pytest only.
Reads its orders as JSON from standard input and writes numbered records to $COPYDESK_REPORT_FD:
claims, which testgen/verify/run_report.py judges. After collection each further run is a fork of
milliseconds; a mutant replaces the code of live function objects, so that names bound by
`from module import function` see it too.
"""

from __future__ import annotations

import ast
import contextlib
import gc
import importlib.machinery
import json
import os
import select
import signal
import sys
import time
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

MAX_WHY = 2000


class Reporter:
    """Writes numbered records; nothing the tested program starts inherits the descriptor."""

    def __init__(self) -> None:
        self.fd = int(os.environ.pop("COPYDESK_REPORT_FD"))
        os.set_inheritable(self.fd, False)
        self.count = 0

    def write(self, kind: str, **fields: Any) -> None:
        """Write one record whole."""
        _send(self.fd, {"n": self.count, "kind": kind, **fields})
        self.count += 1


class Edition:
    """The code objects of the target file as it is, and the way to put others in their place."""

    def __init__(self, path: str, source: str, mine: Callable[[str], bool]) -> None:
        self.path = path
        self.source = source
        self.mine = mine
        self.codes = _index(compile(source, path, "exec", dont_inherit=True))
        self.place = {code: key for key, code in self.codes.items()}
        self.by_line: dict[tuple[str, int], Any] = {}
        for key, code in self.codes.items():
            self.by_line.setdefault((code.co_name, code.co_firstlineno), key)
        self.loaded = False
        # looked up once: between the forks this process makes no new ones
        self.functions = [
            f
            for f in gc.get_objects()
            if type(f) is types.FunctionType and mine(f.__code__.co_filename)
        ]

    def probe(self, definitions: list[int]) -> types.CodeType:
        """The module with a raise at the start of the functions defined on these lines.

        It raises BaseException itself, which no `except Exception` on the way can swallow.
        """
        tree = ast.parse(self.source)
        for node in ast.walk(tree):
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            if node.lineno in definitions:
                where = 1 if ast.get_docstring(node) is not None and node.body[1:] else 0
                alarm = ast.parse("raise BaseException('the probe was reached')").body[0]
                for part in ast.walk(alarm):
                    ast.copy_location(part, node.body[where])
                node.body.insert(where, alarm)
        return compile(tree, self.path, "exec", dont_inherit=True)

    def mutant(self, start: int, end: int, text: str) -> types.CodeType:
        """The module with one edit."""
        source = self.source[:start] + text + self.source[end:]
        return compile(source, self.path, "exec", dont_inherit=True)

    def install(self, module: types.CodeType) -> int:
        """Put the code of a changed module into every live function of the target file.

        A module that is imported only later gets the changed code from its loader.

        Returns:
            How many live functions changed.
        """
        new, changed = _index(module), 0
        for function in self.functions:
            code = function.__code__
            key = self.place.get(code) or self.by_line.get((code.co_name, code.co_firstlineno))
            if key in new and new[key] != self.codes[key]:
                with contextlib.suppress(ValueError):  # other free variables: cannot be swapped
                    function.__code__ = new[key]
                    changed += 1
        self._intercept(module)
        return changed

    def _intercept(self, module: types.CodeType) -> None:
        loader = importlib.machinery.SourceFileLoader
        original = loader.get_code

        def get_code(this: Any, fullname: str) -> Any:
            if not self.mine(this.path):
                return original(this, fullname)
            self.loaded = True
            return module

        loader.get_code = get_code  # type: ignore


def _index(module: types.CodeType) -> dict[Any, types.CodeType]:
    """Every code object below a module by the names and first lines on the way to it."""
    found: dict[Any, types.CodeType] = {}

    def walk(code: types.CodeType, path: tuple[Any, ...]) -> None:
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                key = (*path, constant.co_name, constant.co_firstlineno)
                while key in found:
                    key = (*key, "again")
                found[key] = constant
                walk(constant, key)

    walk(module, ())
    return found


class Ladder:
    """The pytest plugin: collects once, then does what its orders say."""

    def __init__(
        self, orders: dict[str, Any], reporter: Reporter, compared: Any, contained: Any, tracer: Any
    ) -> None:
        self.orders, self.reporter, self.compared = orders, reporter, compared
        self.contained, self.tracer = contained, tracer
        self.sink: list[list[Any]] | None = None
        self.touched: dict[str, set[int]] = {}
        self.took = 0.0

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """Say that pytest is up: from here on a failure is the draft's."""
        self.contained.said.clear()
        self.reporter.write("ready", python=list(sys.version_info[:3]), pytest=pytest.__version__)

    def pytest_collectreport(self, report: Any) -> None:
        """Say what could not be collected."""
        if report.failed:
            self.reporter.write("broken", id=report.nodeid, why=report.longreprtext[-MAX_WHY:])

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Say how one phase of one test went."""
        outcome = report.outcome
        if hasattr(report, "wasxfail"):
            outcome = "xfailed" if report.skipped else "xpassed"
        if type(report) is not pytest.TestReport and not report.failed:
            return  # a subtest that passed
        why = report.longreprtext[-MAX_WHY:] if report.failed else ""
        self.contained.printed(len(report.capstdout) + len(report.capstderr))
        record = [report.nodeid, report.when, outcome, why]
        if self.sink is not None:
            self.sink.append(record)
        else:
            self.reporter.write("report", report=record)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool:
        """Run in place of pytest's own loop; other plugins' orders of the tests do not count."""
        gc.enable()
        if self.orders.get("imports"):
            self.reporter.write("imported", arcs=self.tracer.stop())
        items = self.arrange(session.items)
        self.reporter.write("collected", ids=[item.nodeid for item in items])
        if session.testsfailed:
            return True
        if self.orders.get("alone"):
            passed = [self.alone(item) for item in items]
            if not all(passed):
                return True  # the rest would only say it again, or never end
        if any(self.orders.get(name) for name in ("probe", "mutants", "twice")):
            self.change(items)
        if self.orders.get("together", True):
            run(items)
        if self.orders.get("guarded"):
            self.contained.left_behind()
        self.reporter.write("outside", said=self.contained.said)
        return True

    def arrange(self, items: list[Any]) -> list[Any]:
        """The expected tests, in the order that was asked for."""
        order = {name: place for place, name in enumerate(self.orders["order"])}
        kept = []
        for place, item in enumerate(items):
            base = item.nodeid.split("[")[0]
            rank = order.get(item.nodeid, order.get(base))
            if rank is not None:
                kept.append((rank, place, item))
        return [item for _, _, item in sorted(kept, key=lambda entry: entry[:2])]

    def alone(self, item: Any) -> bool:
        """Run one test in a fork of its own, and trace it; returns whether it passed."""

        def work() -> dict[str, Any]:
            self.tracer.start()
            run([item])
            arcs = self.tracer.stop()
            said = self.contained.said
            return {"arcs": arcs, "compared": self.compared.last, "outside": said}

        said = self.fork(work, self.orders["alone_seconds"])
        self.reporter.write("alone", id=item.nodeid, **said)
        self.touched[item.nodeid] = {abs(line) for arc in said.get("arcs", ()) for line in arc}
        self.took += said["seconds"]
        return [report[2] for report in said["reports"]] == ["passed"] * 3

    def change(self, items: list[Any]) -> None:
        """Run the tests against the probe and the mutants, each in a fork."""
        edition: Any = None
        if not self.orders.get("twice"):
            edition = Edition(self.tracer.target, self.orders["source"], self.tracer.mine)
        seconds = self.orders.get("mutant_seconds") or max(1.0, 0.5 + 5 * self.took)
        began = time.monotonic()

        def attempt(
            module: types.CodeType | None, wanted: list[str] | None, seconds: float = seconds
        ) -> dict[str, Any]:
            def work() -> dict[str, Any]:
                # nobody reads why a test notices a mutant, and pytest's own words take long
                items[0].config.option.tbstyle = "native"
                changed = edition.install(module) if module is not None else 0
                run([item for item in items if wanted is None or item.nodeid in wanted])
                return {"applied": bool(changed or (edition and edition.loaded))}

            return self.fork(work, seconds)

        if self.orders.get("probe"):
            probe = edition.probe(self.orders["probe"])
            longest = self.orders["alone_seconds"]
            self.reporter.write("probe", **attempt(probe, None, longest))
        mutants = list(self.reachable(self.orders.get("mutants", ())))
        if not mutants and not self.orders.get("twice"):
            return
        self.reporter.write("unmutated", **attempt(None, None))
        for place, (start, end, text, wanted) in mutants:
            if time.monotonic() - began > self.orders["budget_seconds"]:
                return
            said = attempt(edition.mutant(start, end, text), wanted)
            self.reporter.write("mutant", mutant=place, **said)

    def reachable(self, mutants: list[Any]) -> Iterator[tuple[int, Any]]:
        """The mutants to try and the tests to try each with.

        Where the order leaves it to us (`most`), those that run its lines, as seen when each
        test ran alone; none at all where the tests are too slow to run so often in one go.
        """
        most = self.orders.get("most")
        if most is None:
            yield from enumerate(mutants)
        elif self.took <= self.orders["quick_seconds"]:
            for place, (start, end, text, (first, last)) in enumerate(mutants):
                lines = range(first, last + 1)
                wanted = [name for name, seen in self.touched.items() if seen.intersection(lines)]
                if wanted and most:
                    most -= 1
                    yield place, (start, end, text, wanted)

    def fork(self, work: Callable[[], dict[str, Any]], seconds: float) -> dict[str, Any]:
        """Do something in a copy of this process.

        Returns:
            What it returned, its test reports under "reports", and under "ended" one of "done",
            "timeout" (it was killed after so many seconds) and "lost" (it died).
        """
        reading, writing = os.pipe()
        began = time.monotonic()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # forking next to threads is known and wanted here
            child = os.fork()
        if child == 0:
            code = 1
            try:
                os.close(reading)
                self.sink = []
                said = work()
                _send(writing, {**said, "reports": self.sink})
                code = 0
            finally:
                os._exit(code)
        os.close(writing)
        try:
            received = _receive(reading, seconds)
        finally:
            os.close(reading)
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        took = round(time.monotonic() - began, 4)
        if isinstance(received, str):
            return {"ended": received, "reports": [], "seconds": took}
        return {**received, "ended": "done", "seconds": took}


def run(items: list[Any]) -> None:
    """Run tests one after the other, as pytest's own loop does."""
    for place, item in enumerate(items):
        following = items[place + 1] if place + 1 < len(items) else None
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


def _send(fd: int, said: dict[str, Any]) -> None:
    data = json.dumps(said).encode() + b"\n"
    while data:
        data = data[os.write(fd, data) :]


def _receive(fd: int, seconds: float) -> Any:
    """One line of JSON, or "timeout" or "lost"."""
    ends, data = time.monotonic() + seconds, b""
    while not data.endswith(b"\n"):
        left = ends - time.monotonic()
        if left <= 0 or not select.select([fd], [], [], left)[0]:
            return "timeout"
        chunk = os.read(fd, 1 << 16)
        if not chunk:
            return "lost"
        data += chunk
    with contextlib.suppress(ValueError):
        said = json.loads(data)
        return said if isinstance(said, dict) else "lost"
    return "lost"
