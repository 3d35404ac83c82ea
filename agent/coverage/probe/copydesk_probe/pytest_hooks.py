"""pytest's hooks in a recorded run: each test is a context, and its outcome is kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from time import perf_counter
from typing import Any

import pytest

from . import fixtures
from .collection import WantedFiles
from .outcomes import outcome_of, worse_of
from .recorder import Recorder
from .redirect import Redirect
from .report_stream import ReportStream

ORPHANED = 76
"""The exit code of a run whose starter is gone."""

ONE_PROCESS: tuple[tuple[str, Any], ...] = (
    ("numprocesses", None),
    ("dist", "no"),
    ("tx", []),
    ("maxfail", 0),
    ("randomly_seed", 0),  # of pytest-randomly: else two runs draw and order differently
)
"""Options and their values for a run in one process, to its end, that another one can repeat."""

MESSAGE_CHARACTERS = 2000
"""How much is kept of what pytest says of a failure."""


class RecordingPlugin:
    """Tells the recorder which test runs, and writes the report.

    Args:
        recorder: Not installed yet.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._process, self._starter = os.getpid(), os.getppid()
        self._tests: dict[str, dict[str, Any]] = {}
        self._wanted: WantedFiles | None = None  # what pytest finds by itself
        self._collected: list[str] = []
        self._collect_errors: dict[str, str] = {}
        self._torn_down: set[str] = set()
        self._open_fixtures: dict[int, Any] = {}
        self._stream = ReportStream(
            recorder.settings.report,
            recorder.settings.report_seconds,
            recorder.tracer.hits,
            recorder.encode_hits,
            recorder.dependencies.needs,
            self._tests,
        )

    def install(self, pluginmanager: Any) -> None:
        """Register the hooks and start recording."""
        pluginmanager.register(self, "copydesk-probe")
        self._recorder.install(lambda fixture: self._open_fixtures.pop(id(fixture), None))

    # --- the run ---------------------------------------------------------------------------------
    @pytest.hookimpl(hookwrapper=True)
    def pytest_load_initial_conftests(self, early_config: Any) -> Iterator[None]:
        """Leave the measuring to us: pytest-cov would run a second tracer."""
        early_config.known_args_namespace.cov_source = []
        early_config.known_args_namespace.no_cov = True
        yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config: Any) -> Iterator[None]:
        """One process, no early stop, whatever the project's addopts say."""
        for name, value in ONE_PROCESS:
            if hasattr(config.option, name):
                setattr(config.option, name, value)
        yield

    def pytest_configure(self, config: Any) -> None:
        """Note what files pytest collects, and collect no more of them than was asked for."""
        patterns = [*config.getini("python_files"), *(config.option.doctestglob or ["test*.txt"])]
        if config.option.doctestmodules:
            patterns.append("*.py")
        between_tests = self._recorder.dependencies.of("")
        between_tests.update(("python_files", pattern) for pattern in patterns)
        settings = self._recorder.settings
        if settings.test_files is not None:
            roots = {settings.root, os.path.realpath(settings.root)}
            self._wanted = WantedFiles(roots, settings.test_files, settings.conftests)
            # pytest names tests from the project's folder, which may be one of the repository
            project_root = os.path.realpath(config.rootpath)
            project = os.path.relpath(project_root, os.path.realpath(settings.root))
            self._wanted.project = "" if project == "." else project.replace(os.sep, "/") + "/"

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Write the end of the report."""
        if os.getpid() != self._process:
            return  # a test forked and let its copy of pytest run to the end
        self._recorder.remove()
        tracer = self._recorder.tracer.name
        redirect = Redirect.from_environment()
        strays = redirect.strays() if redirect else []
        self._stream.finish(
            {**self._pending(), **self._collection(), "tracer": tracer, "strays": strays}
        )

    # --- collection ------------------------------------------------------------------------------
    @pytest.hookimpl(tryfirst=True)
    def pytest_ignore_collect(self, collection_path: Any) -> bool | None:
        """Leave out what is not wanted; of the rest pytest decides as ever."""
        if self._wanted is not None and self._wanted.is_left_out(str(collection_path)):
            return True
        return None

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, config: Any, items: list[Any]) -> Iterator[None]:
        """Order the tests before pytest and the project's hooks do; take out what need not run."""
        if self._wanted is not None:
            self._wanted.take_from(items)
        yield
        self._collected.extend(item.nodeid for item in items)
        skipped_tests = set(self._recorder.settings.skipped_tests)
        deselected = [item for item in items if item.nodeid in skipped_tests]
        if deselected:
            config.hook.pytest_deselected(items=deselected)
            items[:] = [item for item in items if item.nodeid not in skipped_tests]

    def pytest_collectreport(self, report: Any) -> None:
        """Keep the files that could not be collected."""
        if report.failed:
            self._collect_errors[report.nodeid] = str(report.longrepr)[-MESSAGE_CHARACTERS:]

    # --- tests -----------------------------------------------------------------------------------
    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: Any) -> Iterator[None]:
        """A test owns its own set-up, call and tear-down."""
        former = self._recorder.switch("test:" + item.nodeid)
        started = perf_counter()
        names = sorted(getattr(item, "fixturenames", ()))
        self._tests[item.nodeid] = {"outcome": "passed", "fixtures": [], "names": names}
        yield
        self._tests[item.nodeid]["seconds"] = perf_counter() - started
        self._recorder.switch(former)
        if os.getpid() == self._process:
            self._test_ended(item.nodeid)

    def _test_ended(self, nodeid: str) -> None:
        if os.getppid() != self._starter:
            os._exit(ORPHANED)  # nobody waits for the report
        if nodeid in self._torn_down:
            self._stream.ended.append(nodeid)
        self._stream.tick(self._pending)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: Any) -> Iterator[None]:
        """A test needs the wider fixtures that it has set up."""
        yield
        if item.nodeid in self._tests:
            self._tests[item.nodeid]["fixtures"] = fixtures.set_up_contexts(item)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        """A fixture of wider scope owns what it executes: every test that uses it needs it."""
        if fixturedef.scope == "function":
            yield
            return
        former = self._recorder.switch(fixtures.context_of(fixturedef))
        self._open_fixtures[id(fixturedef)] = fixturedef
        yield
        self._recorder.switch(former)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Keep the worst outcome of a test's phases."""
        entry = self._tests.get(report.nodeid)
        if entry is None:
            return
        entry["outcome"] = worse_of(entry["outcome"], outcome_of(report))
        if report.when == "teardown":
            self._torn_down.add(report.nodeid)
        if report.failed:
            entry["message"] = str(getattr(report, "longreprtext", ""))[-MESSAGE_CHARACTERS:]

    # --- the report ------------------------------------------------------------------------------
    def _collection(self) -> dict[str, Any]:
        """What pytest collected."""
        return {"collected": self._collected, "errors": self._collect_errors}

    def _pending(self) -> dict[str, Any]:
        """What a run that ends here leaves open: fixtures, and contexts that may get more."""
        open_fixtures = set()
        for definition in self._open_fixtures.values():
            if not fixtures.has_empty_teardown(definition):
                open_fixtures.add(fixtures.context_of(definition))
        running = {f"test:{name}" for name in self._tests if name not in self._torn_down}
        return {
            **({} if self._stream.has_begun else self._collection()),
            "open": sorted(open_fixtures),
            "doubtful": sorted(running | self._recorder.contexts_with_children()),
        }
