"""Modules whose import may execute other lines than recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from copydesk.agent.coverage.selection.module_changes import ModuleChanges
from copydesk.agent.coverage.selection.tree_comparison import TreeComparison
from copydesk.agent.coverage.source import may_mention, parse
from copydesk.agent.coverage.store import CoverageMap, Trace


@dataclass(slots=True)
class StaleImports:
    """Finds the imports that have to be recorded again.

    Args:
        base: The measured commit's map.
        trees: Its tree and the new one.
        changes: What the change of module-level code reaches.
        constants: The lines on which another constant stands now, by the context of the import,
            of modules in which nothing else has changed.
    """

    base: CoverageMap
    trees: TreeComparison
    changes: ModuleChanges
    constants: Mapping[tuple[str, str], frozenset[int]]

    def find(self) -> set[str]:
        """The modules whose import may execute other lines than recorded."""
        return {
            name
            for (kind, name), trace in self.base.traces.items()
            if kind == "import" and self._is_stale(name, trace)
        }

    def _is_stale(self, path: str, trace: Trace) -> bool:
        if path not in self.trees.new.blobs:
            return True
        only_constants = ("import", path) in self.constants
        if self._executed_changed_code(trace, leave_out=path if only_constants else None):
            return True
        if not only_constants and self.trees.has_other_statements(path):
            return True
        return bool(self.changes) and self._is_reached(path, self.trees.closure(path))

    def _executed_changed_code(self, trace: Trace, leave_out: str | None) -> bool:
        if not self.trees.outdated_hits.executed_by(trace):
            return False
        hits = (hit for hit in trace.hits if hit.path != leave_out)
        return not all(map(self.trees.is_unchanged, hits))

    def _is_reached(self, path: str, imported: frozenset[str]) -> bool:
        """Whether a change of module-level code reaches the import of a module.

        Args:
            path: The module.
            imported: It and all that it imports.
        """
        return not imported.isdisjoint(self.changes.modules) or self._uses_names(path, imported)

    def _uses_names(self, path: str, imported: frozenset[str]) -> bool:
        source = self.trees.after.sources[path]
        names = self.changes.names.visible_in(path, imported, lambda: source)
        if not names or not may_mention(source, names):
            return False
        constants = self.constants.get(("import", path), frozenset())
        for block in parse(source).statements():
            mentions_name = not block.mentions.isdisjoint(names)
            if (
                mentions_name
                and "import" not in block.mentions
                and constants.isdisjoint(block.lines)
            ):
                return True
        return False

    def collection_changed(self, test_file: str) -> bool:
        """Whether other tests may be collected from a test file: parametrisation and the like."""
        return bool(self.changes) and self._is_reached(
            test_file, self.trees.after.closure(test_file)
        )
