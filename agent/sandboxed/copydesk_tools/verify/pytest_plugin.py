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

from ..elsewhere import settle
from ..elsewhere.reads import EVERY, Reads
from ..search.run import fake_clock

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


class TargetCode:
    """The code objects of the target file as it is, and the way to put others in their place."""

    def __init__(self, path: str, source: str, is_target: Callable[[str], bool]) -> None:
        self.path = path
        self.source = source
        self.is_target = is_target
        self.codes = _index(compile(source, path, "exec", dont_inherit=True))
        self.keys = {code: key for key, code in self.codes.items()}
        self.by_line: dict[tuple[str, int], Any] = {}
        for key, code in self.codes.items():
            self.by_line.setdefault((code.co_name, code.co_firstlineno), key)
        self.loaded = False
        # looked up once: between the forks this process makes no new ones
        self.functions = [
            f
            for f in gc.get_objects()
            if type(f) is types.FunctionType and is_target(f.__code__.co_filename)
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
            key = self.keys.get(code) or self.by_line.get((code.co_name, code.co_firstlineno))
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
            if not self.is_target(this.path):
                return original(this, fullname)
            self.loaded = True
            return module

        loader.get_code = get_code  # type: ignore


def _index(module: types.CodeType) -> dict[Any, types.CodeType]:
    """Every code object below a module by the names and first lines on the way to it."""
    codes: dict[Any, types.CodeType] = {}

    def walk(code: types.CodeType, path: tuple[Any, ...]) -> None:
        for constant in code.co_consts:
            if isinstance(constant, types.CodeType):
                key = (*path, constant.co_name, constant.co_firstlineno)
                while key in codes:
                    key = (*key, "again")
                codes[key] = constant
                walk(constant, key)

    walk(module, ())
    return codes


class DraftPlugin:
    """The pytest plugin: collects once, then does what its orders say."""

    def __init__(
        self,
        orders: dict[str, Any],
        reporter: Reporter,
        comparison: Any,
        side_effects: Any,
        tracer: Any,
    ) -> None:
        self.orders, self.reporter, self.comparison = orders, reporter, comparison
        self.side_effects, self.tracer = side_effects, tracer
        self.sink: list[list[Any]] | None = None
        self.touched: dict[str, set[int]] = {}
        self.took = 0.0
        self.place = settle.place_of(orders)
        self.reads = Reads(os.getcwd())
        self.reads.active = False

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """Say that pytest is up: from here on a failure is the draft's."""
        self.side_effects.said.clear()
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
        self.side_effects.printed(len(report.capstdout) + len(report.capstderr))
        record = [report.nodeid, report.when, outcome, why]
        if self.sink is not None:
            self.sink.append(record)
        else:
            self.reporter.write("report", report=record)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_pyfunc_call(self) -> Any:
        """Note what a test reads of the environment while it runs, not what its fixtures do."""
        self.reads.active = self.sink is not None
        yield
        self.reads.active = False

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
            self.side_effects.left_behind()
        self.reporter.write("outside", said=self.side_effects.said)
        return True

    def arrange(self, items: list[Any]) -> list[Any]:
        """The expected tests, in the order that was asked for."""
        order = {name: rank for rank, name in enumerate(self.orders["order"])}
        ranked = []
        for item in items:
            base = item.nodeid.split("[")[0]
            rank = order.get(item.nodeid, order.get(base))
            if rank is not None:
                ranked.append((rank, item))
        ranked.sort(key=lambda entry: entry[0])  # those of one rank stay in pytest's order
        return [item for _, item in ranked]

    def alone(self, item: Any) -> bool:
        """Run one test in a fork of its own, and trace it; returns whether it passed."""

        def work() -> dict[str, Any]:
            self.tracer.start()
            run([item])
            arcs = self.tracer.stop()
            return {
                "arcs": arcs,
                "compared": self.comparison.last,
                "outside": self.side_effects.said,
                "variables": [name for name in self.reads.names if name != EVERY],
            }

        answer = self.fork(work, self.orders["alone_seconds"])
        self.reporter.write("alone", id=item.nodeid, **answer)
        self.touched[item.nodeid] = {abs(line) for arc in answer.get("arcs", ()) for line in arc}
        self.took += answer["seconds"]
        return [report[2] for report in answer["reports"]] == ["passed"] * 3

    def change(self, items: list[Any]) -> None:
        """Run the tests against the probe and the mutants, each in a fork."""
        code: Any = None
        if not self.orders.get("twice"):
            code = TargetCode(self.tracer.target, self.orders["source"], self.tracer.is_target)
        seconds = self.orders.get("mutant_seconds") or max(1.0, 0.5 + 5 * self.took)
        began = time.monotonic()

        def attempt(
            module: types.CodeType | None,
            tests: list[str] | None,
            seconds: float = seconds,
            prepare: Callable[[], None] = lambda: None,
        ) -> dict[str, Any]:
            def work() -> dict[str, Any]:
                prepare()
                # nobody reads why a test notices a mutant, and pytest's own words take long
                items[0].config.option.tbstyle = "native"
                changed = code.install(module) if module is not None else 0
                run([item for item in items if tests is None or item.nodeid in tests])
                return {"applied": bool(changed or (code and code.loaded))}

            return self.fork(work, seconds)

        if self.orders.get("probe"):
            probe = code.probe(self.orders["probe"])
            longest = self.orders["alone_seconds"]
            self.reporter.write("probe", **attempt(probe, None, longest))
        mutants = list(self.reachable(self.orders.get("mutants", ())))
        if not mutants and not self.orders.get("twice"):
            return
        if self.place is not None:
            self.go_elsewhere(self.place, attempt)
            return
        self.reporter.write("unmutated", **attempt(None, None))
        for number, (start, end, text, tests) in mutants:
            if time.monotonic() - began > self.orders["budget_seconds"]:
                return
            answer = attempt(code.mutant(start, end, text), tests)
            self.reporter.write("mutant", mutant=number, **answer)

    def go_elsewhere(self, place: Any, attempt: Callable[..., dict[str, Any]]) -> None:
        """Run the tests started otherwise, and on another day."""

        def start_otherwise() -> None:
            settle.start_otherwise(place, self.orders.get("variables", ()))

        self.reporter.write("unmutated", **attempt(None, None, prepare=start_otherwise))
        shift = fake_clock.SHIFTS[(self.orders["place"] - 1) % len(fake_clock.SHIFTS)]
        for kind, seconds in (("another day", shift), ("same day", 0.0)):
            # a day that differs in nothing, but is told by the same stand-ins, clears them
            answer = attempt(None, None, prepare=lambda by=seconds: fake_clock.shift(by))
            self.reporter.write(kind, **answer)
            if not any(report[2] == "failed" for report in answer["reports"]):
                return

    def reachable(self, mutants: list[Any]) -> Iterator[tuple[int, Any]]:
        """The mutants to try and the tests to try each with.

        Where the order leaves it to us (`most`), those that run its lines, as seen when each
        test ran alone; none at all where the tests are too slow to run so often in one go.
        """
        most = self.orders.get("most")
        if most is None:
            yield from enumerate(mutants)
        elif self.took <= self.orders["quick_seconds"]:
            for number, (start, end, text, (first, last)) in enumerate(mutants):
                lines = range(first, last + 1)
                tests = [name for name, ran in self.touched.items() if ran.intersection(lines)]
                if tests and most:
                    most -= 1
                    yield number, (start, end, text, tests)

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
                _send(writing, {**work(), "reports": self.sink})
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
    for item, following in zip(items, [*items[1:], None]):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


def _send(fd: int, record: dict[str, Any]) -> None:
    data = json.dumps(record).encode() + b"\n"
    while data:
        data = data[os.write(fd, data) :]


def _receive(fd: int, seconds: float) -> Any:
    """One line of JSON, or "timeout" or "lost"."""
    ends, data = time.monotonic() + seconds, b""
    while not data.endswith(b"\n"):
        remaining = ends - time.monotonic()
        if remaining <= 0 or not select.select([fd], [], [], remaining)[0]:
            return "timeout"
        chunk = os.read(fd, 1 << 16)
        if not chunk:
            return "lost"
        data += chunk
    with contextlib.suppress(ValueError):
        answer = json.loads(data)
        return answer if isinstance(answer, dict) else "lost"
    return "lost"
