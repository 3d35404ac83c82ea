"""The trees of a measured commit and of another one, side by side."""

from __future__ import annotations

from dataclasses import dataclass, field

from copydesk.agent.coverage.selection.changed_data import ChangedData
from copydesk.agent.coverage.selection.import_time import executed_blocks
from copydesk.agent.coverage.selection.outdated_hits import OutdatedHits
from copydesk.agent.coverage.source import (
    ImportGraph,
    Module,
    Tree,
    TreeDifference,
    compare_trees,
    parse,
)
from copydesk.agent.coverage.store import Hit, numbits_to_nums


@dataclass(slots=True)
class TreeComparison:
    """Two trees, what differs between them, and what follows from that for hits and traces.

    `before` and `after` are the import graphs of the old and the new tree.
    """

    old: Tree
    new: Tree
    change: TreeDifference
    changed_data: ChangedData
    outdated_hits: OutdatedHits
    before: ImportGraph
    after: ImportGraph
    _closures: dict[str, frozenset[str]] = field(default_factory=dict)
    _unchanged: dict[Hit, bool] = field(default_factory=dict)

    @classmethod
    def of(cls, old: Tree, new: Tree) -> TreeComparison:
        """Compare two trees."""
        change = compare_trees(old, new)
        data, hits = ChangedData(change, new.variables), OutdatedHits(change.data, new.blobs)
        return cls(old, new, change, data, hits, old.graph(), new.graph())

    def closure(self, path: str) -> frozenset[str]:
        """The file and all that it imports, before or after the change."""
        if path not in self._closures:
            files: frozenset[str] = frozenset()
            for graph in (self.before, self.after):
                if path in graph.sources:
                    files |= graph.closure(path)
            self._closures[path] = files
        return self._closures[path]

    def source(self, hit: Hit) -> str:
        """The text of the file version that a hit is of."""
        return self.old.read(hit.blob)

    def module(self, hit: Hit) -> Module:
        """The file version that a hit is of, in blocks."""
        return parse(self.source(hit))

    def new_module(self, hit: Hit) -> Module | None:
        """The new version of a hit's file, in blocks; None where the file is gone."""
        blob = self.new.blobs.get(hit.path)
        return None if blob is None else parse(self.new.read(blob))

    def is_unchanged(self, hit: Hit) -> bool:
        """Whether every block that a hit executed stands unchanged in the new tree."""
        if hit not in self._unchanged:
            self._unchanged[hit] = self._stands_in_new_tree(hit)
        return self._unchanged[hit]

    def _stands_in_new_tree(self, hit: Hit) -> bool:
        if not self.outdated_hits.is_outdated(hit):
            return True
        new = self.new_module(hit)
        if new is None:
            return False
        old = self.module(hit)
        return all(new.holds(old.blocks[key]) for key in executed_blocks(old, hit))

    def ran_changed_module(self, hit: Hit) -> bool:
        """Whether a hit ran a module's own body, as a script does, which is another one now."""
        if hit.path not in self.change.modified:
            return False
        old, new = self.module(hit), self.change.modified[hit.path][1]
        return _statements(old) != _statements(new) and old.was_run(numbits_to_nums(hit.lines))

    def has_other_statements(self, path: str) -> bool:
        """Whether a module has other module-level statements than before."""
        if path not in self.change.modified:
            return False
        old, new = self.change.modified[path]
        return _statements(old) != _statements(new)


def _statements(module: Module) -> set[str]:
    return {block.key for block in module.statements()}
