"""Runs one draft inside the user's own pytest and says what happened, test by test.

Run in the user's interpreter (3.9 or later); standard library and pytest only. It is given the
tests and their order, the same for every version of the target, and writes records: claims, which
testgen/verify/run_report.py judges. Each test that is to run alone does so in a fork.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from ..elsewhere import settle
from ..elsewhere.reads import EVERY, Reads
from ..search.run import fake_clock
from .audit_side_effects import SideEffects, untouched_copies
from .checked_values import NOT_CHECKED, Checker, check_values_in, makes_up_values
from .failed_comparison import FailedComparison
from .line_tracer import Tracer
from .quoted_source import quote_as

MAX_WHY = 2000


class Reporter:
    """Writes numbered records; nothing the tested program starts inherits the descriptor."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        os.set_inheritable(fd, False)
        self.count = 0

    def write(self, kind: str, **fields: Any) -> None:
        """Write one record whole."""
        _send(self.fd, {"n": self.count, "kind": kind, **fields})
        self.count += 1


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
        self.place = settle.place_of(orders)
        self.checker = Checker(side_effects.ask, side_effects.name)
        check_values_in(comparison.path, self.checker)
        self.reads = Reads(os.getcwd())
        self.reads.active = False

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        """Say that pytest is up: from here on a failure is the draft's."""
        self.side_effects.start_anew()
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
        if self.orders.get("short"):
            # nobody reads how a test came to notice a mutant, and pytest's own words take long
            session.config.option.tbstyle = "line"
        if self.orders.get("imports"):
            self.reporter.write("imported", arcs=self.tracer.stop())
        items = self.arrange(session.items)
        self.reporter.write("collected", ids=[item.nodeid for item in items])
        if session.testsfailed:
            self.leave(1)
        if not self.checker.is_used and makes_up_values(self.comparison.path):
            self.side_effects.ask(NOT_CHECKED)
        if self.orders.get("alone"):
            passed = [self.alone(item) for item in items]
            if not all(passed):
                self.leave(0)  # the rest would only say it again, or never end
        self.prepare()
        run(items)
        if self.orders.get("guarded"):
            self.side_effects.left_behind()
        self.reporter.write("outside", said=self.side_effects.said, asked=self.side_effects.asked)
        self.leave(int(bool(session.testsfailed)))
        return True

    def prepare(self) -> None:
        """Change what the tests run in, where that is asked for, now that all is imported."""
        manners = self.orders.get("manner", "").split(", ")
        if "otherwise" in manners and self.place is not None:
            settle.start_otherwise(self.place, self.orders.get("variables") or ())
        if "another day" in manners:
            fake_clock.shift(fake_clock.SHIFTS[(self.orders["place"] - 1) % len(fake_clock.SHIFTS)])
        if "same day" in manners:
            # a day that differs in nothing, but is told by the same stand-ins, clears them
            fake_clock.shift(0.0)

    def leave(self, code: int) -> None:
        """End this process here: what pytest does after the tests tells nothing more of them."""
        self.reporter.write("end", code=code)
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)

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
            self.side_effects.start_anew()
            self.tracer.start()
            run([item])
            arcs = self.tracer.stop()
            return {
                "arcs": arcs,
                "compared": self.comparison.last,
                "outside": self.side_effects.said,
                "asked": self.side_effects.asked,
                "variables": [name for name in self.reads.names if name != EVERY],
            }

        answer = self.fork(work, self.orders["alone_seconds"])
        self.reporter.write("alone", id=item.nodeid, **answer)
        return [report[2] for report in answer["reports"]] == ["passed"] * 3

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


def run_pytest(orders: dict[str, Any], report: int, arguments: list[str]) -> int:
    """Run the draft in this process as the orders say; mostly ends the process itself.

    Args:
        orders: The tests in their `order`, and more for a first run; see DraftPlugin.
        report: The descriptor to write records to.
        arguments: pytest's, the draft last.

    Returns:
        pytest's code, where it did not come to the tests.
    """
    target = orders.get("target") or ""
    comparison = FailedComparison(arguments[-1])
    side_effects = SideEffects(target, untouched_copies() if orders.get("guarded") else ())
    if "source" in orders:
        quote_as(target, orders["source"])
    place = settle.place_of(orders)
    if place is not None:
        settle.settle(place)
        sys.argv = list(place.arguments[0])
    reporter = Reporter(report)
    tracer = Tracer(os.path.realpath(target))
    plugin = DraftPlugin(orders, reporter, comparison, side_effects, tracer)
    if orders.get("imports"):
        tracer.start()
    code = int(pytest.main(arguments, plugins=[plugin, comparison]))
    reporter.write("end", code=code)
    return code


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
