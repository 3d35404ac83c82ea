"""Records what runs in this process: which lines each context executes, and on what it depends.

A context is a test ("test:<node id>"), a fixture of wider scope ("fixture:<scope>:<where>:<name>"),
the import of a module ("import:<path>"), or "" for what runs between them.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import os
import sys
from collections.abc import Iterator
from typing import Any, Callable

from . import fixtures
from .compiled_modules import CompiledModules
from .dependencies import Dependencies
from .encoding import arc_pairs, numbits
from .library_hooks import LibraryHooks
from .programs import CONTEXT, REPORTS, TREE
from .replacements import Replacements
from .settings import Settings
from .tracers import Hits, SourceScope, Tracer, choose_tracer
from .unaudited_calls import watch_status, watch_variables


class Recorder:
    """Tracer, dependencies and children of one run, from `install` to `remove`.

    Args:
        settings: What the run is told.
        tracer: Records lines; the cheapest sound one when left out.
    """

    def __init__(self, settings: Settings, tracer: Tracer | None = None) -> None:
        self.settings = settings
        self.scope = SourceScope(settings.root)
        self.tracer = tracer or choose_tracer(
            self.scope, settings.branch, settings.data_file, settings.concurrency
        )
        self.dependencies = Dependencies(self.scope, self.tracer, settings.child_reports)
        self._child_coverage: Any = None  # where the project has children measured
        self._replacements = Replacements()
        self._libraries = LibraryHooks(
            lambda collector: self.tracer.pause_for(collector, self._replacements.replace),
            self.dependencies.python_started,
            self.dependencies.program_started,
            self._replacements.replace,
        )
        self._libraries.watch("_pytest.assertion.rewrite", self._watch_rewriting)
        self._libraries.watch("_pytest.fixtures", self._watch_fixtures)
        self._compiled_modules: CompiledModules | None = None
        self._fixture_torn_down: Callable[[Any], Any] = id  # nobody is to be told yet
        self._is_started = False

    # --- contexts --------------------------------------------------------------------------------
    def switch(self, context: str) -> str:
        """Go on under another context, which programs are told of too; returns the former one."""
        if context.startswith(("test:", "fixture:")) or not context:
            os.environ[CONTEXT] = context
            if self._child_coverage is not None:
                self._child_coverage.enter(context)
        return self.tracer.switch(context)

    @contextlib.contextmanager
    def under(self, context: str) -> Iterator[None]:
        """Let another context own what runs meanwhile."""
        former = self.switch(context)
        try:
            yield
        finally:
            self.switch(former)

    # --- from the start to the end ---------------------------------------------------------------
    def start(self) -> None:
        """Start recording, before pytest is imported: none of it is imported here."""
        self._is_started = True
        replace = self._replacements.replace
        if self.settings.compiled_modules:
            is_in_tree = self.scope.__contains__
            folder = self.settings.compiled_modules
            self._compiled_modules = CompiledModules(folder, is_in_tree, replace)
            self._compiled_modules.serve_imports()
        self._own_module_bodies(importlib.machinery.SourceFileLoader)
        for name in ("stat", "lstat", "access"):
            watch_status(name, self.dependencies.status_asked, replace)
        watch_variables(self.dependencies.variable_read, replace)
        self._libraries.watch_imported()
        os.environ.update(
            {REPORTS: self.settings.child_reports, TREE: self.scope.root, CONTEXT: ""}
        )
        self._measure_children()
        sys.addaudithook(self.dependencies.audit_hook())
        self.tracer.start()

    def install(self, fixture_torn_down: Callable[[Any], Any]) -> None:
        """Tell a plugin of pytest what it has to know; starts recording where nobody did.

        Args:
            fixture_torn_down: Told each fixture of wider scope that was torn down.
        """
        self._fixture_torn_down = fixture_torn_down
        if not self._is_started:
            self.start()

    def _watch_rewriting(self, module: Any) -> None:
        """pytest's own way to load test files, plugins and conftest files."""
        if self._compiled_modules is not None:
            self._compiled_modules.serve_rewriting()
        self._own_module_bodies(module.AssertionRewritingHook)

    def _watch_fixtures(self, module: Any) -> None:
        fixtures.watch_teardown(
            module.FixtureDef,
            self.under,
            lambda definition: self._fixture_torn_down(definition),
            self._replacements.replace,
        )

    def remove(self) -> None:
        """Stop recording, take in what children recorded, and put everything back."""
        self.tracer.stop()
        self.dependencies.stop()
        self._replacements.restore()
        for variable in (REPORTS, TREE, CONTEXT):
            os.environ.pop(variable, None)
        self.dependencies.add_children()
        if self._child_coverage is not None:
            self._child_coverage.stop()
            self._child_coverage.take_in(self.tracer.hits.add, self.scope.root)

    def _own_module_bodies(self, loader: type) -> None:
        """Let the import of a module own what its module body executes."""
        original = loader.exec_module  # type: ignore[attr-defined]

        def exec_module(this_loader: Any, module: Any) -> None:
            __tracebackhide__ = True
            path = self.scope.relative(getattr(module, "__file__", None) or os.sep)
            if path is None:
                original(this_loader, module)
                self._libraries.module_imported(module)
                return
            self.dependencies.add("import", path)
            context = "import:" + path
            with self.under(context):
                self.dependencies.of(context)
                original(this_loader, module)
            self._libraries.module_imported(module)  # the project may be one of them

        self._replacements.replace(loader, "exec_module", exec_module)

    def _measure_children(self) -> None:
        """Have children measured where the project's coverage configuration says so."""
        if not self.settings.child_data:
            return
        from .child_coverage import ChildCoverage  # coverage.py takes its time to import

        child_coverage = ChildCoverage(self.settings, self.tracer, self._replacements.replace)
        if child_coverage.is_wanted():
            self._child_coverage = child_coverage
            child_coverage.start()

    # --- for the report --------------------------------------------------------------------------
    def encode_hits(self, path: str, hits: Hits) -> list[str] | None:
        """The hits of one file as the report has them: [path, lines, arcs].

        None where it is none of the repository's files.
        """
        relative = self.scope.relative(path)
        if relative is None or path not in self.scope or not hits:
            return None
        if not self.tracer.arcs:
            return [relative, numbits(hits), ""]
        arcs = [self.tracer.packing.unpacked(arc) for arc in hits]
        lines = {line for arc in arcs for line in arc if line > 0}
        return [relative, numbits(lines), arc_pairs(arcs)]

    def contexts_with_children(self) -> set[str]:
        """The contexts that have started a Python, which may have more to report."""
        return {*self.dependencies.child_counts, *self.dependencies.reports.contexts()}
