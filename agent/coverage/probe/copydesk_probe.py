"""The pytest plugin that records what each test executes and depends on.

Runs inside the user's pytest (`-p copydesk_probe`), with the user's plugins on. It reads
$COPYDESK_PROBE, a JSON file, and writes its report where that says.

Lines belong to the context that executed them: a test ("test:<node id>"), a fixture of wider
scope ("fixture:<scope>:<where>:<name>"), the import of a module ("import:<path>"), or "" for
what runs between them.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import json
import os
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

import copydesk_bytecode
import copydesk_children
import copydesk_fixtures
import copydesk_libraries
import copydesk_origin
import copydesk_stream
import copydesk_tracers
import pytest
from copydesk_outcomes import outcome_of, worse
from copydesk_pack import numbits, pairs

with open(os.environ.pop("COPYDESK_PROBE"), encoding="utf-8") as _file:
    SETTINGS = json.load(_file)
ROOT = os.path.realpath(SETTINGS["root"]) + os.sep
SCOPE = copydesk_tracers.Scope(ROOT)
TRACER = copydesk_tracers.choose(SCOPE, SETTINGS["branch"], SETTINGS["scratch"])

TESTS: dict[str, dict[str, Any]] = {}
PROCESS, STARTER = os.getpid(), os.getppid()
COLLECTED: list[str] = []
COLLECT_ERRORS: dict[str, str] = {}
NEEDS: dict[str, set[tuple[str, str]]] = {}
CHILDREN: dict[str, int] = {}
"""How many Pythons a context started."""
ENDED: set[str] = set()
"""The tests of which the tear-down was reported."""
SET_UP: dict[int, Any] = {}
"""The fixtures of wider scope that are set up."""
GONE = 76
"""The exit code of a run whose starter is gone."""
MEASURED: Any = None  # has coverage.py measure children, where the configuration says so


def relative(path: str) -> str | None:
    """A path as the repository knows it, or None when it lies outside."""
    full = os.path.abspath(path)
    return full[len(ROOT) :].replace(os.sep, "/") if full.startswith(ROOT) else None


def need(kind: str, name: str) -> None:
    """Note that the current context depends on something."""
    if os.getpid() == PROCESS:
        NEEDS.setdefault(TRACER.context, set()).add((kind, name))
    else:
        copydesk_children.forked(SETTINGS["children"], ROOT, TRACER.context).note(kind, name)


def switch(context: str) -> str:
    """Go on under another context, which programs are told of too; returns the former one."""
    if context.startswith(("test:", "fixture:")) or not context:
        os.environ[copydesk_children.CONTEXT] = context
        if MEASURED is not None:
            MEASURED.enter(context)
    former: str = TRACER.switch(context)
    return former


@contextlib.contextmanager
def under(context: str) -> Any:
    """Let another context own what runs meanwhile."""
    former = switch(context)
    try:
        yield
    finally:
        switch(former)


# --- imports -----------------------------------------------------------------------------------
def wrap_loader(loader: type) -> None:
    """Let the import of a module own what its module body executes."""
    inner = loader.exec_module  # type: ignore[attr-defined]

    def exec_module(self: Any, module: Any) -> None:
        __tracebackhide__ = True
        path = relative(getattr(module, "__file__", None) or os.sep)
        if path is None:
            inner(self, module)
            LIBRARIES.came(module)
            return None
        need("import", path)
        with under("import:" + path):
            NEEDS.setdefault("import:" + path, set())
            return inner(self, module)  # type: ignore[no-any-return]

    loader.exec_module = exec_module  # type: ignore[attr-defined]


# --- data files --------------------------------------------------------------------------------
COMPILED = (".pyc", ".pyo", ".so", ".pyd")


def opened(args: tuple[Any, ...]) -> None:
    """Note a file that was read."""
    path, flags = args[0], args[2] or 0
    if type(path) is str and not flags & 3 and not path.endswith(COMPILED):
        inside = relative(path)
        if inside is not None and not (path.endswith(".py") and copydesk_origin.is_import()):
            need("file", inside)


def listed(args: tuple[Any, ...]) -> None:
    """Note a folder that was listed, by the import system too: a module may appear there."""
    if TRACER.context.startswith("import:") and copydesk_origin.is_import():
        return  # which modules a module imports is read from its source
    inside = relative(os.fsdecode(args[0]) if args[0] else os.curdir)
    if inside is not None and not isinstance(args[0], int):
        need("folder", inside)


def looked_up(name: str) -> None:
    """Note an environment variable by name; its value is looked at by who starts the tests."""
    if not copydesk_origin.is_pytest() and (TRACER.context or copydesk_origin.is_from(SCOPE)):
        need("env", name)


def started(args: tuple[Any, ...]) -> None:
    """Note that a program was started, of which nothing more is known."""
    need("process", "")


def subprocess_started(args: tuple[Any, ...]) -> None:
    """Note that a program was started; a Python will say itself what it reads."""
    try:
        reports, names = copydesk_children.started(args, TRACER.context)
    except Exception:
        need("process", "")
        return
    if reports:
        CHILDREN[TRACER.context] = CHILDREN.get(TRACER.context, 0) + 1
    for inside in filter(None, map(relative, names)):
        need("file", inside)


def hear_children() -> None:
    """Take in what the programs said that were started."""
    needs, counts = copydesk_children.read(SETTINGS["children"])
    for context, found in needs.items():
        NEEDS.setdefault(context, set()).update(n for n in found if n[0] != "child")
    for context, expected in CHILDREN.items():
        if counts.get(context, 0) < expected:
            NEEDS.setdefault(context, set()).add(("process", ""))


def connected(args: tuple[Any, ...]) -> None:
    """Note a SQLite file: the library opens it by itself, unseen."""
    opened((os.fsdecode(args[0]), None, 0))


WATCHED: dict[str, Callable[[tuple[Any, ...]], None]] = {
    **dict.fromkeys(("open",), opened),
    **dict.fromkeys(("sqlite3.connect",), connected),
    **dict.fromkeys(("os.listdir", "os.scandir", "glob.glob"), listed),
    **dict.fromkeys(("os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty"), started),
    "subprocess.Popen": subprocess_started,
}


def audit(event: str, args: tuple[Any, ...], watched: Any = WATCHED.get) -> None:
    """Note files read, folders listed and programs started.

    Called for everything that anything does, so what is not watched must end at once.
    """
    note = watched(event)
    if note is not None:
        heard(note, args)


def heard(note: Callable[[tuple[Any, ...]], None], args: tuple[Any, ...]) -> None:
    """Note something that concerns us. What goes wrong must never fail the user's own call."""
    with contextlib.suppress(Exception):
        if concerned(note):
            note(args)


def concerned(note: Any = None) -> bool:
    """Whether what happens now belongs to a context, or is done by code of the tree."""
    context = TRACER.context
    if context.startswith(("test:", "fixture:")):
        return True
    if context and note is not started and note is not subprocess_started:
        return True
    return bool(copydesk_origin.is_from(SCOPE))


LIBRARIES = copydesk_libraries.Libraries(
    TRACER.watch, lambda args: heard(subprocess_started, args), lambda args: heard(started, args)
)


def asked(path: Any) -> None:
    """Note a file that a test only asks for."""
    whole = type(path) is str and path[:1] == "/" and "/." not in path and "//" not in path
    if whole and not path.startswith(ROOT):
        return  # outside, as most are
    heard(opened, (os.fsdecode(path), None, 0))


# --- pytest ------------------------------------------------------------------------------------
@pytest.hookimpl(hookwrapper=True)
def pytest_load_initial_conftests(early_config: Any) -> Any:
    """Leave the measuring to us: pytest-cov would run a second tracer."""
    early_config.known_args_namespace.cov_source = []
    early_config.known_args_namespace.no_cov = True
    yield


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_cmdline_main(config: Any) -> Any:
    """One process, no early stop, whatever the project's addopts say."""
    option = config.option
    for name, value in (("numprocesses", None), ("dist", "no"), ("tx", []), ("maxfail", 0)):
        if hasattr(option, name):
            setattr(option, name, value)
    yield


def pytest_configure(config: Any) -> None:
    """Collect only what was asked for."""
    patterns = [*config.getini("python_files"), *(config.option.doctestglob or ["test*.txt"])]
    if config.option.doctestmodules:
        patterns.append("*.py")
    for pattern in patterns:
        NEEDS.setdefault("", set()).add(("python_files", pattern))
    if SETTINGS["files"] is not None:
        config.args = [os.path.join(ROOT, path) for path in SETTINGS["files"]]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Take out the tests whose recorded run still holds; the rest by likelihood to fail."""
    COLLECTED.extend(item.nodeid for item in items)
    carried = set(SETTINGS["carried"])
    kept = [item for item in items if item.nodeid not in carried]
    if len(kept) != len(items):
        config.hook.pytest_deselected(items=[i for i in items if i.nodeid in carried])
        items[:] = kept


def pytest_collectreport(report: Any) -> None:
    """Keep the files that could not be collected."""
    if report.failed:
        COLLECT_ERRORS[report.nodeid] = str(report.longrepr)[-2000:]


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: Any) -> Any:
    """A test owns its own set-up, call and tear-down."""
    former = switch("test:" + item.nodeid)
    started = perf_counter()
    names = sorted(getattr(item, "fixturenames", ()))
    TESTS[item.nodeid] = {"outcome": "passed", "fixtures": [], "names": names}
    yield
    TESTS[item.nodeid]["seconds"] = perf_counter() - started
    switch(former)
    if os.getpid() == PROCESS:
        if os.getppid() != STARTER:
            os._exit(GONE)  # nobody waits for what is left
        if item.nodeid in ENDED:
            STREAM.ended.append(item.nodeid)
        STREAM.tick(so_far)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_setup(item: Any) -> Any:
    """A test needs the wider fixtures that it has set up."""
    yield
    if item.nodeid in TESTS:
        TESTS[item.nodeid]["fixtures"] = copydesk_fixtures.used(item)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_fixture_setup(fixturedef: Any) -> Any:
    """A fixture of wider scope owns what it executes: every test that uses it needs it."""
    if fixturedef.scope == "function":
        yield
        return
    former = switch(copydesk_fixtures.context(fixturedef))
    SET_UP[id(fixturedef)] = fixturedef
    yield
    switch(former)


def pytest_runtest_logreport(report: Any) -> None:
    """Keep the worst thing that happened to a test."""
    entry = TESTS.get(report.nodeid)
    if entry is None:
        return
    entry["outcome"] = worse(entry["outcome"], outcome_of(report))
    if report.when == "teardown":
        ENDED.add(report.nodeid)
    if report.failed:
        entry["message"] = str(getattr(report, "longreprtext", ""))[-2000:]


def piece_of(path: str, piece: frozenset[int]) -> Any:
    """One piece for the report, or None where it is none of the repository's."""
    inside = relative(path)
    if inside is None or path not in SCOPE or not piece:
        return None
    if not TRACER.arcs:
        return [inside, numbits(piece), ""]
    arcs = [copydesk_tracers.unpacked(arc) for arc in piece]
    return [inside, numbits({n for arc in arcs for n in arc if n > 0}), pairs(arcs)]


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Write the end of the report."""
    if os.getpid() != PROCESS:
        return  # a test forked and let its copy of pytest run to the end
    TRACER.stop()
    hear_children()
    if MEASURED is not None:
        MEASURED.take_in(TRACER.kept.add, ROOT)
    STREAM.finish({**so_far(), **collected(), "tracer": TRACER.name})


def collected() -> dict[str, Any]:
    """What pytest collected."""
    return {"collected": COLLECTED, "errors": COLLECT_ERRORS}


def so_far() -> dict[str, Any]:
    """What a run that ends here leaves open: fixtures, and who may have more to say."""
    open_ones = [d for d in SET_UP.values() if not copydesk_fixtures.ends_alone(d)]
    started = {
        *(f"test:{name}" for name in TESTS if name not in ENDED),
        *CHILDREN,
        *copydesk_children.heard(SETTINGS["children"]),
    }
    return {
        **({} if STREAM.begun else collected()),
        "open": sorted({copydesk_fixtures.context(d) for d in open_ones}),
        "doubtful": sorted(started),
    }


STREAM = copydesk_stream.Stream(
    SETTINGS["report"], SETTINGS["every"], TRACER.kept, piece_of, NEEDS, TESTS
)


def install() -> None:
    """Start recording, before any conftest is read."""
    from _pytest.assertion.rewrite import AssertionRewritingHook

    if SETTINGS["bytecode"]:
        kept = copydesk_bytecode.Bytecode(SETTINGS["bytecode"], SCOPE.__contains__)
        kept.serve_imports()
        kept.serve_rewriting()
    copydesk_fixtures.watch_ends(under, lambda ended: SET_UP.pop(id(ended), None))
    wrap_loader(AssertionRewritingHook)
    wrap_loader(importlib.machinery.SourceFileLoader)
    for name in ("stat", "lstat", "access"):
        copydesk_children.watch_status(name, asked)
    copydesk_origin.watch_variables(looked_up)
    LIBRARIES.present()
    os.environ[copydesk_children.REPORTS] = SETTINGS["children"]
    os.environ[copydesk_children.TREE] = ROOT
    os.environ[copydesk_children.CONTEXT] = ""
    measure_children()
    sys.addaudithook(audit)
    TRACER.start()


def measure_children() -> None:
    """Have children measured where the project's coverage configuration says so."""
    global MEASURED
    if SETTINGS["measured"]:
        from copydesk_measured import Measured  # coverage.py takes its time to import

        found = Measured(SETTINGS["measured"], SETTINGS["defaults"], TRACER)
        if found.multiprocessing or found.patches:
            MEASURED = found
            found.start()


install()
