"""Changes of module-level code, followed through the modules that use it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from copydesk.agent.coverage.selection.import_time import ImportTimeCalls
from copydesk.agent.coverage.selection.tree_comparison import TreeComparison
from copydesk.agent.coverage.source import (
    ChangedNames,
    ModuleDifference,
    Tree,
    cached_functions,
    compare_modules,
    hooks_into_pytest,
    may_mention,
    parse,
)
from copydesk.agent.coverage.store import Hit, Trace


@dataclass(slots=True)
class ModuleChanges:
    """What the change of module-level code reaches.

    `modules` are files whose import may do anything now that it did not do before, `names` are
    bound differently, and `hooks_changed` says that pytest is hooked into differently.
    """

    trees: TreeComparison
    modules: set[str] = field(default_factory=set)
    names: ChangedNames = field(default_factory=ChangedNames)
    hooks_changed: bool = False
    _visible: dict[tuple[frozenset[str], str, str], set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, trees: TreeComparison, imports: Collection[Trace]) -> ModuleChanges:
        """Follow the changes of module-level code to their end.

        Args:
            trees: The two trees.
            imports: The traces of the imports of modules, as the measured commit has them.
        """
        changes = cls(trees)
        changes._compare_modules()
        changes._look_for_hooks()
        calls = ImportTimeCalls(imports, trees.module)
        changes._add_imports_that_differ(calls)
        for origin in changes.names.by_origin:
            changes._follow_names(origin, calls)
        return changes

    def __bool__(self) -> bool:
        return bool(self.modules or self.names)

    def visible_names(self, imported: frozenset[str], path: str, blob: str) -> set[str]:
        """The changed names that mean something in a file version.

        Args:
            imported: The modules that are imported.
            path: The file.
            blob: Its version.
        """
        key = (imported, path, blob)
        if key not in self._visible:  # which many tests share
            self._visible[key] = self.names.visible_in(
                path, imported, lambda: self.trees.old.read(blob)
            )
        return self._visible[key]

    def _compare_modules(self) -> None:
        """Compare the modules that are in both trees; all of those in one alone are reached."""
        change = self.trees.change
        for path, (old, new) in change.modified.items():
            delta = compare_modules(old, new)
            self._add_names(path, delta)
            self.hooks_changed = self.hooks_changed or delta.hooks
            if delta.anything:
                self.modules.add(path)
        self.modules |= change.added | change.deleted

    def _add_names(self, path: str, delta: ModuleDifference) -> None:
        if not delta.names:
            return
        old, new = self.trees.old, self.trees.new
        self.names.add(
            path, delta.names, old=old.read(old.blobs[path]), new=new.read(new.blobs[path])
        )
        if delta.calls:
            sources = self._sources_around(path)
            self.names.follow(path, cached_functions(sources))

    def _sources_around(self, path: str) -> list[str]:
        """The sources of a module and of all that it imports, before and after the change."""
        paths = self.trees.closure(path)
        sources = []
        for graph in (self.trees.before, self.trees.after):
            sources += [graph.sources[path] for path in paths & graph.sources.keys()]
        return sources

    def _look_for_hooks(self) -> None:
        """Look for pytest's hooks in conftest files that came or went."""
        change = self.trees.change
        added = self._has_hooks(change.added, self.trees.new)
        deleted = self._has_hooks(change.deleted, self.trees.old)
        self.hooks_changed = self.hooks_changed or added or deleted

    def _has_hooks(self, paths: Collection[str], tree: Tree) -> bool:
        for path in paths:
            if path.endswith("conftest.py"):
                module = parse(tree.read(tree.blobs[path]))
                if hooks_into_pytest(module):
                    return True
        return False

    def _add_imports_that_differ(self, calls: ImportTimeCalls) -> None:
        """Add the modules whose import ran a changed function, or read what has changed."""
        for trace in calls.traces:
            if self._ran_changed_function(trace, calls) or self.trees.changed_data.reason(trace):
                self.modules.add(trace.name)

    def _ran_changed_function(self, trace: Trace, calls: ImportTimeCalls) -> bool:
        trees = self.trees
        if not trees.outdated_hits.executed_by(trace):
            return False
        if all(map(trees.is_unchanged, trace.hits)):
            return False
        return calls.ran_changed_function(trace, trees.new_module)

    def _follow_names(self, origin: str, calls: ImportTimeCalls) -> None:
        """Follow the names of one module through those that import it, to the end."""
        graph = self.trees.after
        users = graph.importers([origin]) & set(graph.sources)
        names = self.names.by_origin[origin]

        def names_in(hit: Hit) -> Collection[str]:
            return self.names.in_file(hit.path, self.trees.source(hit), origin)

        size = -1
        while size != len(names) + len(self.modules):
            size = len(names) + len(self.modules)
            self._follow_once(origin, users)
            self.modules.update(calls.modules_using(names_in, users, self.trees.source))

    def _follow_once(self, origin: str, users: frozenset[str]) -> None:
        """Follow the names of one module a step further.

        Args:
            origin: That module.
            users: The files that import it.
        """
        for path in users - self.modules:
            source = self.trees.after.sources[path]
            if may_mention(source, self.names.in_file(path, source, origin)):
                self._follow_into(path, source, origin)

    def _follow_into(self, path: str, source: str, origin: str) -> None:
        """Add what the statements of a module bind that mention changed names."""
        names = self.names.in_file(path, source, origin)
        for block in parse(source).statements():
            if block.mentions.isdisjoint(names):
                continue
            if block.binds is None:
                self.modules.add(path)
                return
            if not block.binds <= names and "import" not in block.mentions:
                self.names.follow(origin, block.binds)
                names = self.names.in_file(path, source, origin)
