"""Which tests a commit affects.

A trace recorded before still holds for a new tree when nothing it executed, and nothing that
decides what it executes, has changed. What counts: the blocks it executed; names that changed
module-level statements bind, followed through the modules that use them; statements of unknown
effect in modules it imports, and what these executed and read while they were imported; data
files it read, folders it listed, environment variables it looked at; fixtures of wider scope it
uses; the outcome (what failed runs again); programs it started. What ran outside of all tests,
such as pytest's hooks in a conftest file, concerns them all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from copydesk.agent.coverage.selection.import_time import ImportTime, recorded_importers, touched
from copydesk.agent.coverage.selection.rerun_outcomes import AGAIN, FAILED
from copydesk.agent.coverage.selection.touched_traces import Concern
from copydesk.agent.coverage.source import (
    Change,
    ImportGraph,
    Module,
    Names,
    Tree,
    compare,
    difference,
    file_of,
    hooks_into_pytest,
    may_mention,
    parse,
    swapped_in,
)
from copydesk.agent.coverage.source import cached_functions as caches
from copydesk.agent.coverage.store import CoverageMap, Hit, Trace, numbits_to_nums

SESSION = ("session", "")
"""The context of what runs between tests: pytest's hooks in conftest files and plugins."""


@dataclass(slots=True)
class Selection:
    """What to run. `carried` holds traces that still hold; `why` counts tests by reason.

    `collect` are the test files to collect: those with tests to run, those whose tests may have
    changed, and those whose import refreshes a stale module. `reachable` are the files that some
    test file imports, directly or through others. `whole` says that even which files pytest
    collects may have changed, `held` are tests that run again although all they need is the same:
    they failed before.
    """

    carried: dict[tuple[str, str], Trace]
    collect: set[str]
    affected: dict[str, str]
    why: dict[str, int] = field(default_factory=dict)
    reachable: Callable[[], frozenset[str]] = frozenset
    whole: bool = False
    held: frozenset[str] = frozenset()


def select(
    base: CoverageMap,
    old: Tree,
    new: Tree,
    is_test_file: Callable[[str], bool],
) -> Selection:
    """Sort the traces of a measured commit into those that hold for a new tree and the rest.

    Args:
        base: The measured commit's map.
        old: Its tree.
        new: The tree of the commit to measure.
        is_test_file: Whether pytest would collect from a file.
    """
    change = difference(old, new)
    before, after = old.graph(), new.graph()
    concern = Concern(change.data, new.blobs)
    return _Selector(base, old, new, change, concern, before, after, is_test_file).run()


@dataclass(slots=True)
class _Selector:
    base: CoverageMap
    old: Tree
    new: Tree
    change: Change
    concern: Concern
    before: ImportGraph
    after: ImportGraph
    is_test_file: Callable[[str], bool]
    wild: set[str] = field(default_factory=set)
    names: Names = field(default_factory=Names)
    _shown: dict[tuple[frozenset[str], str, str], set[str]] = field(default_factory=dict)
    _closures: dict[str, frozenset[str]] = field(default_factory=dict)
    hooks: bool = False
    held: set[str] = field(default_factory=set)
    swapped: dict[tuple[str, str], frozenset[int]] = field(default_factory=dict)
    _held: dict[Hit, bool] = field(default_factory=dict)
    _needed: dict[frozenset[tuple[str, str]], str | None] = field(default_factory=dict)

    def run(self) -> Selection:
        self.swapped = swapped_in(self.change.modified, self.old, self.new)
        self._spread()
        failing = {k: AGAIN[t.outcome] for k, t in self.base.traces.items() if t.outcome in AGAIN}
        wide = self.wild or self.names or self.change.texts
        asked = (
            (key, self._reason(trace))
            for key, trace in self.base.traces.items()
            if key[0] != "import"
            and (wide or self.concern.trace(trace) or self._around_changed(trace))
        )
        reasons = {key: reason for key, reason in asked if reason}
        whole = self.hooks or SESSION in reasons
        if whole:
            every = (key for key in self.base.traces if key[0] != "import")
            reasons = dict.fromkeys(every, "runs under hooks of pytest that changed") | reasons
        self._through_fixtures(reasons)
        failed = (key for key in failing.keys() - reasons.keys() if failing[key] == FAILED)
        self.held = {name for kind, name in failed if kind == "test"}
        reasons |= failing
        stale = self._stale_imports()
        collect = self._files_to_collect(reasons, stale, reasons)
        carried = {} if whole else self.base.traces.copy()
        gone = self.base.test_files - self.new.blobs.keys()
        without_file = [k for k in carried if k[0] == "test" and file_of(k[1]) in gone]
        for key in {*reasons, *(("import", path) for path in stale), *without_file}:
            carried.pop(key, None)
        carried |= {key: self._renewed(carried[key]) for key in carried.keys() & self.swapped}
        affected = {name: why for (kind, name), why in reasons.items() if kind == "test"}
        found = dict(Counter(affected.values())), self._reachable, whole, frozenset(self.held)
        return Selection(carried, collect, affected, *found)

    def _reachable(self) -> frozenset[str]:
        return self.after.reachable(
            path
            for path in self.after.sources
            if self.is_test_file(path) or path.endswith("conftest.py")
        )

    # --- module-level changes ------------------------------------------------------------------
    def _spread(self) -> None:
        """Follow changed module-level names through the modules that use them, to the end."""
        for path, (old, new) in self.change.modified.items():
            delta = compare(old, new)
            if delta.names:
                texts = (tree.read(tree.blobs[path]) for tree in (self.old, self.new))
                self.names.add(path, delta.names, *texts)
            if delta.names and delta.calls:
                around = [(g, p) for g in (self.before, self.after) for p in self._closure(path)]
                sources = (graph.sources[p] for graph, p in around if p in graph.sources)
                self.names.follow(path, caches.filled(sources))
            self.hooks |= delta.hooks
            if delta.anything:
                self.wild.add(path)
        self.wild |= self.change.added | self.change.deleted
        for paths, tree in ((self.change.added, self.new), (self.change.deleted, self.old)):
            for path in (p for p in paths if p.endswith("conftest.py")):
                self.hooks |= hooks_into_pytest(parse(tree.read(tree.blobs[path])))
        imported = [t for t in self.base.traces.values() if t.kind == "import"]
        at_import = ImportTime(imported, self._parsed)
        for trace in imported:
            moved = self.concern.trace(trace) and not all(map(self._holds, trace.hits))
            if (moved and at_import.rewritten(trace, self._now)) or self._around_changed(trace):
                self.wild.add(trace.name)
        for path in self.names.by_origin:
            self._spread_from(path, at_import)

    def _spread_from(self, origin: str, at_import: ImportTime) -> None:
        """Follow the names of one module through those that import it."""
        users = self.after.importers([origin]) & set(self.after.sources)
        names, size = self.names.by_origin[origin], -1
        while size != (size := len(names) + len(self.wild)):
            self._spread_once(origin, users)
            meant = lambda hit: self.names.at(origin, hit.path, self.old.read(hit.blob))  # noqa: E731
            self.wild.update(at_import.users(meant, users, lambda hit: self.old.read(hit.blob)))

    def _spread_once(self, origin: str, users: frozenset[str]) -> None:
        """Follow changed names one step."""
        for path in users - self.wild:
            source = self.after.sources[path]
            if not may_mention(source, names := self.names.at(origin, path, source)):
                continue
            for block in parse(source).statements():
                if not block.mentions & names:
                    continue
                if block.binds is None:
                    self.wild.add(path)
                    break
                if not block.binds <= names and "import" not in block.mentions:
                    self.names.follow(origin, block.binds)
                    names = self.names.at(origin, path, source)

    def _visible(self, around: frozenset[str], path: str, blob: str) -> set[str]:
        key = (around, path, blob)
        if key not in self._shown:  # which many tests share
            self._shown[key] = self.names.visible(around, path, lambda: self.old.read(blob))
        return self._shown[key]

    def _parsed(self, hit: Hit) -> Module:
        return parse(self.old.read(hit.blob))

    def _now(self, hit: Hit) -> Module | None:
        blob = self.new.blobs.get(hit.path)
        return None if blob is None else parse(self.new.read(blob))

    def _closure(self, path: str) -> frozenset[str]:
        """All that a file imports, before or after the change."""
        if path not in self._closures:
            found: frozenset[str] = frozenset()
            for graph in (self.before, self.after):
                if path in graph.sources:
                    found |= graph.closure(path)
            self._closures[path] = found
        return self._closures[path]

    # --- one trace -----------------------------------------------------------------------------
    def _reason(self, trace: Trace) -> str | None:
        """Why a test or fixture must run again, or None."""
        if self.concern.trace(trace):
            for hit in trace.hits:
                # of most files nothing changed, and that is seen without looking the hit up
                if self.concern.hit(hit) and (
                    not self._holds(hit) or self._ran_module_that_changed(hit)
                ):
                    return f"executes changed code in {hit.path}"
        if self.wild or self.names:
            around = self._around(trace)
            if hit_by := around & self.wild:
                return f"imports {min(hit_by)}, whose module-level code changed"
            if self.names.within(around) and self._mentions(trace, around):
                return "uses a changed module-level name"
        if trace.kind == "test" and file_of(trace.name) in self.change.texts:
            return "its file changed"  # a text with examples
        return self._around_changed(trace)

    def _around_changed(self, trace: Trace) -> str | None:
        """Why what a context read may differ, or None."""
        if trace.needs not in self._needed:  # which many tests share
            self._needed[trace.needs] = self._reason_of_needs(trace)
        return self._needed[trace.needs]

    def _reason_of_needs(self, trace: Trace) -> str | None:
        if trace.needed("file") & self.change.data:
            return "reads a changed file"
        if trace.needed("folder") & self.change.folders:
            return "lists a changed folder"
        if self.change.python and trace.needed("process"):
            return "starts programs"
        if self.new.variables and any(map(self._differs, trace.needed("env"))):
            return "reads a changed environment variable"
        return None

    def _differs(self, recorded: str) -> bool:
        name, _, value = recorded.rpartition("=")
        assert self.new.variables is not None
        return self.new.variables(name) != value

    def _around(self, trace: Trace) -> frozenset[str]:
        """The modules a trace may have a part of: what its file, or what it executed, imports."""
        around = self._closure(file_of(trace.name)) if trace.kind == "test" else frozenset()
        # a module imported by a computed name is in no import statement
        others = {hit.path for hit in trace.hits} - around
        return around.union(*map(self._closure, others)) if others else around

    def _holds(self, hit: Hit) -> bool:
        """Whether every block of a hit stands unchanged in the new tree."""
        if hit not in self._held:
            self._held[hit] = self._stands(hit)
        return self._held[hit]

    def _stands(self, hit: Hit) -> bool:
        if not self.concern.hit(hit):
            return True
        now = self.new.blobs.get(hit.path)
        if now is None:
            return False
        old, new = self._parsed(hit), parse(self.new.read(now))
        return all(new.holds(old.blocks[key]) for key in touched(old, hit))

    def _ran_module_that_changed(self, hit: Hit) -> bool:
        """Whether it ran a module's own body, as a script does, which is another one now."""
        if hit.path not in self.change.modified:
            return False
        old, new = self._parsed(hit), self.change.modified[hit.path][1]
        if {b.key for b in old.statements()} == {b.key for b in new.statements()}:
            return False
        return old.was_run(numbits_to_nums(hit.lines))

    def _mentions(self, trace: Trace, around: frozenset[str]) -> bool:
        own = trace.name.partition("::")[2].replace("::", ".").partition("[")[0].split(".")
        if self.names.within(around) & {*own, *trace.needed("name")}:
            return True
        for hit in trace.hits:
            source = self.old.read(hit.blob)
            names = self._visible(around, hit.path, hit.blob)
            if not may_mention(source, names):
                continue
            module = parse(source)
            for block in map(module.blocks.__getitem__, touched(module, hit)):
                if block.mentions & names or block.name in names:
                    return True
        return False

    def _through_fixtures(self, reasons: dict[tuple[str, str], str]) -> None:
        """A test depends on the wider fixtures it uses, and their record on all their users."""
        if not any(kind == "fixture" for kind, _ in reasons):
            return
        for key, trace in self.base.traces.items():
            if key[0] != "test" or key in reasons:
                continue
            for fixture in trace.needed("fixture"):
                if ("fixture", fixture) in reasons:
                    reasons[key] = "uses a fixture that changed"

    # --- imports and collection ----------------------------------------------------------------
    def _stale_imports(self) -> set[str]:
        """Modules whose import may execute other lines than recorded."""
        return {
            name
            for (kind, name), trace in self.base.traces.items()
            if kind == "import" and self._is_stale(name, trace)
        }

    def _is_stale(self, path: str, trace: Trace) -> bool:
        known = self.swapped.get(("import", path))
        if path not in self.new.blobs:
            return True
        if self.concern.trace(trace):
            hits = (hit for hit in trace.hits if hit.path != path or not known)
            if not all(map(self._holds, hits)):
                return True
        if path in self.change.modified and not known:
            old, new = self.change.modified[path]
            if {b.key for b in old.statements()} != {b.key for b in new.statements()}:
                return True
        if not self.wild and not self.names:
            return False
        around = self._closure(path)
        if around & self.wild:
            return True
        return self._uses_names(path, around)

    def _uses_names(self, path: str, around: frozenset[str]) -> bool:
        source = self.after.sources[path]
        names = self.names.visible(around, path, lambda: source)
        if not names or not may_mention(source, names):
            return False
        known = self.swapped.get(("import", path), frozenset())
        return any(
            b.mentions & names and "import" not in b.mentions and known.isdisjoint(b.lines)
            for b in parse(source).statements()
        )

    def _renewed(self, trace: Trace) -> Trace:
        """The import of a module as it would be recorded now that it has other constants."""
        now = self.new.blobs[trace.name]
        hits = (hit._replace(blob=now) if hit.path == trace.name else hit for hit in trace.hits)
        return trace._replace(hits=tuple(sorted(hits)), id=None)

    def _files_to_collect(
        self,
        reasons: dict[tuple[str, str], str],
        stale: set[str],
        affected: dict[tuple[str, str], str],
    ) -> set[str]:
        test_files = set(filter(self.is_test_file, self.new.blobs))
        known = self.base.test_files
        collect = {file_of(name) for (kind, name) in reasons if kind != "fixture"}
        collect |= test_files & self.change.data
        # parametrisation and the like: what a test file collects depends on what it imports
        sources = known & test_files & self.after.sources.keys()
        collect |= set(filter(self._collection_changed, sources if self.wild or self.names else ()))
        collect &= self.new.blobs.keys()
        missing = {m for m in stale if m in self.new.blobs}
        for path in collect & self.after.sources.keys() if missing else ():
            missing -= self.after.closure(path, lazy=False)
        for path in sorted(
            sources if missing else (),
            key=lambda p: -len(self.after.closure(p, lazy=False) & missing),
        ):
            reach = self.after.closure(path, lazy=False) & missing
            if reach:
                collect.add(path)
                missing -= reach
        for module in missing:  # imported while tests run, or by a computed name
            recorded = recorded_importers(module, self.base.traces)
            collect |= test_files & {name for kind, name in recorded if kind == "import"}
            for name, trace in self.base.tests().items():
                fixtures = {("fixture", fixture) for fixture in trace.needed("fixture")}
                asks = (
                    module in self._closure(file_of(name)) or {("test", name), *fixtures} & recorded
                )
                if asks:
                    self.held.discard(name)
                if asks and ("test", name) not in reasons:
                    affected["test", name] = f"imports {module} while it runs"
                    collect.add(file_of(name))
        return collect & self.new.blobs.keys()

    def _collection_changed(self, path: str) -> bool:
        return bool((around := self.after.closure(path)) & self.wild) or self._uses_names(
            path, around
        )
