"""The test files to collect, so that what is affected runs and stale imports are recorded anew."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from copydesk.agent.coverage.selection.import_time import recorded_importers
from copydesk.agent.coverage.selection.stale_imports import StaleImports
from copydesk.agent.coverage.selection.tree_comparison import TreeComparison
from copydesk.agent.coverage.source import file_of
from copydesk.agent.coverage.store import CoverageMap

SESSION = ("session", "")
"""The context of what runs between tests: pytest's hooks in conftest files and plugins."""


@dataclass(slots=True)
class CollectedFiles:
    """Chooses the test files to collect.

    Args:
        base: The measured commit's map.
        trees: Its tree and the new one.
        imports: What finds stale imports.
        is_test_file: Whether pytest would collect from a file.
    """

    base: CoverageMap
    trees: TreeComparison
    imports: StaleImports
    is_test_file: Callable[[str], bool]

    def choose(
        self, stale: set[str], reasons: dict[tuple[str, str], str]
    ) -> tuple[set[str], set[str]]:
        """Choose the files.

        Args:
            stale: The modules whose import is to be recorded again.
            reasons: Why each context runs again; tests that import stale modules are added.

        Returns:
            The files, and the tests that import a stale module while they run.
        """
        blobs = self.trees.new.blobs.keys()
        test_files = set(filter(self.is_test_file, blobs))
        collect = {file_of(name) for kind, name in reasons if kind != "fixture"}
        collect |= test_files & self.trees.change.data
        measured_files = self.base.test_files & test_files & self.trees.after.sources.keys()
        collect |= set(filter(self.imports.collection_changed, measured_files))
        collect &= blobs
        missing = self._collect_importers(stale & blobs, collect, measured_files)
        importing_tests = set[str]()
        for module in sorted(missing):  # imported while tests run, or by a computed name
            importers = recorded_importers(module, self.base.traces)
            collect |= test_files & {name for kind, name in importers if kind == "import"}
            for test in self._tests_importing(module, importers):
                importing_tests.add(test)
                if ("test", test) not in reasons:
                    reasons["test", test] = f"imports {module} while it runs"
                    collect.add(file_of(test))
            if SESSION in importers and measured_files and not collect & blobs:
                collect.add(min(measured_files))  # pytest itself imports it, whatever it collects
        return collect & blobs, importing_tests

    def _collect_importers(
        self, stale: set[str], collect: set[str], candidates: Collection[str]
    ) -> set[str]:
        """Add files to collect that import stale modules, as few as will do.

        Args:
            stale: The stale modules.
            collect: The files to collect so far; more are added.
            candidates: The test files that may be added.

        Returns:
            The stale modules that none of the files imports while it is collected.
        """
        graph = self.trees.after
        missing = set(stale)
        if not missing:
            return missing
        for path in collect & graph.sources.keys():
            missing -= graph.closure(path, lazy=False)

        def rank(path: str) -> tuple[int, str]:
            return -len(graph.closure(path, lazy=False) & missing), path

        for path in sorted(candidates, key=rank):
            imported = graph.closure(path, lazy=False) & missing
            if imported:
                collect.add(path)
                missing -= imported
        return missing

    def _tests_importing(self, module: str, importers: Collection[tuple[str, str]]) -> list[str]:
        """The tests that import a module, or may do so while they run.

        Args:
            module: The module.
            importers: The contexts that were recorded to import it.
        """
        tests = []
        for name, trace in self.base.tests().items():
            contexts = {("test", name)}
            contexts.update(("fixture", fixture) for fixture in trace.needed("fixture"))
            may_import = module in self.trees.closure(file_of(name))
            if may_import or not contexts.isdisjoint(importers):
                tests.append(name)
        return tests
