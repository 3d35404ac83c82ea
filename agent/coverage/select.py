"""Which tests a commit affects.

A trace recorded before still holds for a new tree when nothing it executed, and nothing that
decides what it executes, has changed. What counts: the blocks it executed; names that changed
module-level statements bind, followed through the modules that use them; statements of unknown
effect in modules it imports; data files it read, folders it listed; fixtures of wider scope it
uses; the outcome (what failed runs again); programs it started.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from copydesk.agent.coverage.blocks import Module, compare, parse
from copydesk.agent.coverage.imports import Import, ImportGraph, Sources
from copydesk.agent.coverage.map import CoverageMap, Hit, Trace
from copydesk.agent.coverage.numbits import numbits_to_nums

FAILING = frozenset({"failed", "error"})

FAILED = "failed before"
"""Why a failing test is run again."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of a commit: blob by path, and how to read a blob as text."""

    blobs: Mapping[str, str]
    read: Callable[[str], str]
    imports: Callable[[str], Iterable[Import]] | None = None
    """The imports of a blob, where they are known without reading it."""

    def graph(self) -> ImportGraph:
        """The imports between its Python files."""
        python = {path: blob for path, blob in self.blobs.items() if path.endswith(".py")}
        known = self.imports
        by_path = None if known is None else lambda path: known(python[path])
        return ImportGraph(Sources(python, self.read), imports=by_path)


@dataclass(slots=True)
class Selection:
    """What to run. `carried` holds traces that still hold; `why` counts tests by reason.

    `collect` are the test files to collect: those with tests to run, those whose tests may have
    changed, and those whose import refreshes a stale module. `reachable` are the files that some
    test file imports, directly or through others.
    """

    carried: dict[tuple[str, str], Trace]
    collect: set[str]
    affected: dict[str, str]
    why: dict[str, int] = field(default_factory=dict)
    reachable: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Change:
    """The difference of two trees, as far as Python and data files are concerned."""

    modified: dict[str, tuple[Module, Module]]
    added: set[str]
    deleted: set[str]
    data: set[str]
    folders: set[str]

    @property
    def python(self) -> set[str]:
        return set(self.modified) | self.added | self.deleted


def select(
    base: CoverageMap, old: Tree, new: Tree, is_test_file: Callable[[str], bool]
) -> Selection:
    """Sort the traces of a measured commit into those that hold for a new tree and the rest.

    Args:
        base: The measured commit's map.
        old: Its tree.
        new: The tree of the commit to measure.
        is_test_file: Whether pytest would collect from a file.
    """
    change = _difference(old, new)
    before, after = old.graph(), new.graph()
    return _Selector(base, old, new, change, before, after, is_test_file).run()


def _difference(old: Tree, new: Tree) -> _Change:
    paths = {p for p in old.blobs.keys() | new.blobs.keys() if old.blobs.get(p) != new.blobs.get(p)}
    python = {p for p in paths if p.endswith(".py")}
    added = {p for p in python if p not in old.blobs}
    deleted = {p for p in python if p not in new.blobs}
    modified = {
        p: (parse(old.read(old.blobs[p])), parse(new.read(new.blobs[p])))
        for p in python - added - deleted
    }
    came_or_went = {p for p in paths if (p in old.blobs) != (p in new.blobs)}
    whole = _folders(old.blobs) ^ _folders(new.blobs)
    folders = {posixpath.dirname(p) or "." for p in came_or_went | whole}
    return _Change(modified, added, deleted, paths | whole, folders)


def _folders(paths: Iterable[str]) -> set[str]:
    """The folders that hold some files, and those above them."""
    found: set[str] = set()
    for folder in {posixpath.dirname(p) for p in paths}:
        while folder and folder not in found:
            found.add(folder)
            folder = posixpath.dirname(folder)
    return found


@dataclass(slots=True)
class _Selector:
    base: CoverageMap
    old: Tree
    new: Tree
    change: _Change
    before: ImportGraph
    after: ImportGraph
    is_test_file: Callable[[str], bool]
    wild: set[str] = field(default_factory=set)
    names: dict[str, set[str]] = field(default_factory=dict)
    """Changed names by the module whose change they follow from: who does not import that module,
    directly or through others, cannot see them."""
    _seen: dict[frozenset[str], set[str]] = field(default_factory=dict)
    _closures: dict[str, frozenset[str]] = field(default_factory=dict)
    _held: dict[Hit, bool] = field(default_factory=dict)
    _needed: dict[frozenset[tuple[str, str]], str | None] = field(default_factory=dict)

    def run(self) -> Selection:
        self._spread()
        reasons: dict[tuple[str, str], str] = {}
        for key, trace in self.base.traces.items():
            if key[0] != "import" and (reason := self._reason(trace)):
                reasons[key] = reason
        self._through_fixtures(reasons)
        stale = self._stale_imports()
        collect = self._files_to_collect(reasons, stale, reasons)
        carried = {
            key: trace
            for key, trace in self.base.traces.items()
            if key not in reasons
            and not (key[0] == "import" and key[1] in stale)
            and (key[0] != "test" or file_of(key[1]) in self.new.blobs)
        }
        affected = {name: why for (kind, name), why in reasons.items() if kind == "test"}
        counts: dict[str, int] = {}
        for why in affected.values():
            counts[why] = counts.get(why, 0) + 1
        return Selection(carried, collect, affected, counts, self._reachable())

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
                self.names[path] = set(delta.names)
            if delta.anything:
                self.wild.add(path)
        self.wild |= self.change.added | self.change.deleted
        for path, names in self.names.items():
            self._spread_from(path, names)

    def _spread_from(self, origin: str, names: set[str]) -> None:
        """Follow the names of one module through those that import it."""
        sources = self.after.sources
        users = self.after.importers([origin]) & set(sources)
        grew = True
        while grew:
            grew = False
            for path in users - self.wild:
                if not _may_mention(sources[path], names):
                    continue
                for block in parse(sources[path]).statements():
                    if not block.mentions & names:
                        continue
                    if block.binds is None:
                        self.wild.add(path)
                        grew = True
                        break
                    if not block.binds <= names and not self._imports(block.mentions):
                        names |= block.binds
                        grew = True

    def _names_within(self, around: frozenset[str]) -> set[str]:
        """The changed names that can be seen from where some modules are imported."""
        if not self.names:
            return set()
        if around not in self._seen:
            seen = (names for path, names in self.names.items() if path in around)
            self._seen[around] = set().union(*seen)
        return self._seen[around]

    @staticmethod
    def _imports(mentions: frozenset[str]) -> bool:
        return "import" in mentions  # it binds the very names it mentions

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
        if trace.outcome in FAILING:
            return FAILED
        blobs = self.new.blobs
        for hit in trace.hits:
            # of most files nothing changed, and that is seen without looking the hit up
            if blobs.get(hit.path) != hit.blob and not self._holds(hit):
                return f"executes changed code in {hit.path}"
        if self.wild or self.names:
            around = self._around(trace)
            if hit_by := around & self.wild:
                return f"imports {min(hit_by)}, whose module-level code changed"
            if (names := self._names_within(around)) and self._mentions(trace, names):
                return "uses a changed module-level name"
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
        return None

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
        now = self.new.blobs.get(hit.path)
        if now is None:
            return False
        if now == hit.blob:
            return True
        old, new = parse(self.old.read(hit.blob)), parse(self.new.read(now))
        keys = {old.lines[n].block for n in numbits_to_nums(hit.lines) if n in old.lines}
        return all(new.holds(old.blocks[key]) for key in keys)

    def _mentions(self, trace: Trace, names: set[str]) -> bool:
        own = trace.name.partition("::")[2].replace("::", ".").partition("[")[0].split(".")
        if names & {*own, *trace.needed("name")}:
            return True
        for hit in trace.hits:
            source = self.old.read(hit.blob)
            if not _may_mention(source, names):
                continue
            module = parse(source)
            keys = {module.lines[n].block for n in numbits_to_nums(hit.lines) if n in module.lines}
            if any(module.blocks[key].mentions & names for key in keys):
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
        if path not in self.new.blobs or not all(self._holds(hit) for hit in trace.hits):
            return True
        if path in self.change.modified:
            old, new = self.change.modified[path]
            if {b.key for b in old.statements()} != {b.key for b in new.statements()}:
                return True
        if not self.wild and not self.names:
            return False
        around = self._closure(path)
        if around & self.wild:
            return True
        return self._uses_names(path, self._names_within(around))

    def _uses_names(self, path: str, names: set[str]) -> bool:
        if not names or not _may_mention(self.after.sources[path], names):
            return False
        statements = parse(self.after.sources[path]).statements()
        return any(b.mentions & names and not self._imports(b.mentions) for b in statements)

    def _files_to_collect(
        self,
        reasons: dict[tuple[str, str], str],
        stale: set[str],
        affected: dict[tuple[str, str], str],
    ) -> set[str]:
        test_files = {p for p in self.new.blobs if p.endswith(".py") and self.is_test_file(p)}
        known = {file_of(name) for name in self.base.tests()}
        collect = {file_of(name) for (kind, name) in reasons if kind != "fixture"}
        collect |= test_files & (self.change.added | set(self.change.modified))
        # parametrisation and the like: what a test file collects depends on what it imports
        collect |= {p for p in known & test_files if self._collection_changed(p)}
        collect &= self.new.blobs.keys()
        missing = {m for m in stale if m in self.new.blobs}
        for path in collect:
            missing -= self.after.closure(path, lazy=False)
        for path in (
            []
            if not missing
            else sorted(
                known & test_files, key=lambda p: -len(self.after.closure(p, lazy=False) & missing)
            )
        ):
            reach = self.after.closure(path, lazy=False) & missing
            if reach:
                collect.add(path)
                missing -= reach
        for module in missing:  # imported while tests run, or by a computed name
            recorded = self._recorded_importers(module)
            collect |= test_files & {name for kind, name in recorded if kind == "import"}
            for name, trace in self.base.tests().items():
                fixtures = {("fixture", fixture) for fixture in trace.needed("fixture")}
                asks = (
                    module in self._closure(file_of(name)) or {("test", name), *fixtures} & recorded
                )
                if asks and ("test", name) not in reasons:
                    affected["test", name] = f"imports {module} while it runs"
                    collect.add(file_of(name))
        return collect & self.new.blobs.keys()

    def _recorded_importers(self, module: str) -> set[tuple[str, str]]:
        """The contexts that were seen to import a module, directly or through others."""
        found, todo = {("import", module)}, [module]
        while todo:
            wanted = ("import", todo.pop())
            for key, trace in self.base.traces.items():
                if wanted in trace.needs and key not in found:
                    found.add(key)
                    todo += [key[1]] if key[0] == "import" else []
        return found

    def _collection_changed(self, path: str) -> bool:
        if not self.wild and not self.names:
            return False
        around = self.after.closure(path)
        if around & self.wild:
            return True
        return self._uses_names(path, self._names_within(around))


def file_of(node_id: str) -> str:
    """The file that a test stands in."""
    return node_id.partition("::")[0]


def _may_mention(source: str, names: set[str]) -> bool:
    """Whether one of some names stands in a source: a search is quicker than taking it apart."""
    return any(name in source for name in names)
