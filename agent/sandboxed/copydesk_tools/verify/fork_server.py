"""A process with pytest in memory, of which each test run is a copy.

It knows no orders and reads no results: a run that looks around in its memory finds what every
other run finds there. Runs in the user's interpreter (3.9 or later).
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import json
import os
import socket
import sys
import types
from collections.abc import Iterator
from typing import Any, NoReturn

_IMPORTED_LATE = ("pdb", "faulthandler", "tomllib", "tomli", "iniconfig")
"""What pytest imports while it starts."""


class ForkServer:
    """Serves one supervisor.

    Args:
        control: Where requests come from: a line of JSON with the descriptor to report to.
        arguments: pytest's.
    """

    def __init__(self, control: socket.socket, arguments: list[str]) -> None:
        self.control = control
        self.arguments = arguments

    def serve(self) -> NoReturn:
        """Fork a run for each request, say its pid and, once it has ended, that it has."""
        code = 1
        try:
            with open(os.devnull, "rb") as nothing:
                os.dup2(nothing.fileno(), 0)
            gc.freeze()  # the garbage collector of a run need not look at what all have
            while True:
                request, descriptors = self._receive()
                if not request:
                    break
                self._run(request, descriptors)
            code = 0
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _receive(self) -> tuple[bytes, list[int]]:
        request, descriptors, _, _ = socket.recv_fds(self.control, 1 << 16, 2)
        while request and not request.endswith(b"\n"):
            request += self.control.recv(1 << 20)
        return request, list(descriptors)

    def _run(self, request: bytes, descriptors: list[int]) -> None:
        child = os.fork()
        if child == 0:
            self.control.close()
            be_a_run(request, descriptors, self.arguments)
        for descriptor in descriptors:
            os.close(descriptor)
        self.control.sendall(b"%d\n" % child)
        os.waitpid(child, 0)
        self.control.sendall(b"0\n")


def be_a_run(request: bytes, descriptors: list[int], arguments: list[str]) -> NoReturn:
    """Become a run of pytest, and end with it, past any exit handler."""
    code = 1
    try:
        from .audit_side_effects import untouched_copies
        from .own_domain import leave_the_others_alone
        from .pytest_plugin import run_pytest

        orders = json.loads(request)
        report = begin_streams(descriptors)
        hidden = untouched_copies() if orders.get("guarded") else ()
        leave_the_others_alone(tuple(folder for folder in hidden if os.path.isdir(folder)))
        sys.argv = ["pytest", *arguments]
        code = run_pytest(orders, report, arguments)
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def begin_streams(descriptors: list[int]) -> int:
    """Give a run streams of its own: what one sets on a stream that it shares, others would see.

    Args:
        descriptors: Where to report to, and where the output goes.

    Returns:
        Where to report to.
    """
    report, output = descriptors
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, stream in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, stream)
    os.close(nothing)
    os.close(output)
    sys.stdin = open(os.devnull, encoding="utf-8")
    return report


def leave_the_import_path() -> str:
    """Take the folder of this package off sys.path and out of the environment; returns it."""
    tools = os.environ.pop("COPYDESK_TOOLS", "")
    sys.path[:] = [folder for folder in sys.path if not tools or folder != tools]
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join(p for p in paths if p and p != tools)
    return tools


def import_pytest(arguments: list[str]) -> None:
    """Import pytest and its plugins, once for all runs, and nothing of the project."""
    with without_the_tree():
        import pytest  # noqa: F401

        from . import audit_side_effects, failed_comparison, own_domain, pytest_plugin  # noqa: F401

        leave_plugins_as_they_are()
        for name in (*_IMPORTED_LATE, *plugin_modules(arguments)):
            with contextlib.suppress(Exception):  # pytest itself will say so
                importlib.import_module(name)
        look_for_fixtures_once()
        begin_a_configuration(arguments)


def begin_a_configuration(arguments: list[str]) -> None:
    """Do the first half of pytest's configuration, which asks nothing of the project, once for all.

    It takes a fifth of the time of a short run.
    """
    import _pytest.config as of_pytest

    original = getattr(of_pytest, "get_config", None)
    if original is None:
        return
    begun = original(list(arguments), None)

    def get_config(*_: Any, **__: Any) -> Any:
        of_pytest.get_config = original
        return begun

    of_pytest.get_config = get_config


@contextlib.contextmanager
def without_the_tree() -> Iterator[None]:
    """Nothing is imported from the project's tree in here."""
    before, top = list(sys.path), os.path.realpath(os.getcwd())
    sys.path[:] = [folder for folder in before if not _below(folder, top)]
    try:
        yield
    finally:
        sys.path[:] = before
        sys.path_importer_cache.clear()
        importlib.invalidate_caches()


def _below(folder: str, top: str) -> bool:
    full = os.path.realpath(folder)
    inside = full == top or full.startswith(top + os.sep)
    return inside and not full.startswith(os.path.realpath(sys.prefix) + os.sep)


def plugin_modules(arguments: list[str]) -> Iterator[str]:
    """The modules of the plugins that pytest is going to load, as far as that is known."""
    from _pytest.config import default_plugins

    named = {word for flag, word in zip(arguments, arguments[1:]) if flag == "-p"}
    named |= {word[2:] for word in arguments if word.startswith("-p") and len(word) > 2}
    off = {word[3:] for word in named if word.startswith("no:")}
    for name in default_plugins:
        if name not in off:
            yield "_pytest." + name
    if not os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD"):
        yield from _installed_plugins(named, off)


def _installed_plugins(named: set[str], off: set[str]) -> Iterator[str]:
    """The modules of the installed plugins that are neither named on the command line nor off."""
    for entry in _entry_points():
        module = entry.value.partition(":")[0].strip()
        if entry.name not in off and not {entry.name, module} & named and _is_installed(module):
            yield module


def _entry_points() -> Iterator[Any]:
    import importlib.metadata

    for distribution in importlib.metadata.distributions():
        for entry in distribution.entry_points:
            if entry.group == "pytest11":
                yield entry


def _is_installed(module: str) -> bool:
    """Whether a module lies outside of the project: one that is developed in it does not."""
    try:
        spec = importlib.util.find_spec(module.partition(".")[0])
    except (ImportError, ValueError):
        return False
    if spec is None:
        return False
    places = [*(spec.submodule_search_locations or ()), spec.origin or ""]
    top = os.path.realpath(os.getcwd())
    return all(not place or not _below(place, top) for place in places)


def look_for_fixtures_once() -> None:
    """Spare each run the search of pytest's own modules for fixtures.

    It goes through all names of each, which is a quarter of the time of a short run. A run looks
    through stand-ins that hold the fixtures and nothing else.
    """
    from _pytest.fixtures import FixtureManager

    original = getattr(FixtureManager, "parsefactories", None)
    if original is None:
        return
    modules = [module for name, module in sys.modules.items() if name.startswith("_pytest.")]
    stand_ins = {id(module): _with_fixtures_only(module) for module in modules}

    def parsefactories(this: Any, *arguments: Any, **named: Any) -> Any:
        holder = named.get("holder", arguments[0] if arguments else None)
        if id(holder) not in stand_ins:
            original(this, *arguments, **named)
            return
        stand_in = stand_ins[id(holder)]
        if stand_in is None:
            return
        if "holder" in named:
            original(this, *arguments, **{**named, "holder": stand_in})
        else:
            original(this, stand_in, *arguments[1:], **named)

    FixtureManager.parsefactories = parsefactories  # type: ignore


def _with_fixtures_only(module: Any) -> Any:
    """A module with nothing but a module's fixtures; None where there are none."""
    fixtures = {name: value for name, value in vars(module).items() if _is_fixture(value)}
    if not fixtures:
        return None
    stand_in = types.ModuleType(module.__name__)
    vars(stand_in).update(fixtures)
    return stand_in


def _is_fixture(value: Any) -> bool:
    is_one = type(value).__name__ == "FixtureFunctionDefinition"  # from pytest 8.4 on
    return is_one or hasattr(value, "_pytestfixturefunction")


def leave_plugins_as_they_are() -> None:
    """Keep pytest from rewriting the assertions in every module of every installed plugin.

    Without a cache it may write to, that took 1.0 of 1.5 s of CPU next to Hypothesis and anyio.
    The tests' own assertions are rewritten as ever.
    """
    from _pytest.config import Config

    def mark(this: Any, hook: Any, *_: Any) -> None:
        this.pluginmanager.rewrite_hook = hook

    if hasattr(Config, "_mark_plugins_for_rewrite"):
        Config._mark_plugins_for_rewrite = mark  # type: ignore
