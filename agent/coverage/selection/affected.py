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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from copydesk.agent.coverage.selection.collected_files import SESSION, CollectedFiles
from copydesk.agent.coverage.selection.import_time import executed_blocks
from copydesk.agent.coverage.selection.module_changes import ModuleChanges
from copydesk.agent.coverage.selection.rerun_outcomes import FAILED, RERUN_REASONS
from copydesk.agent.coverage.selection.run_together import affect_companions
from copydesk.agent.coverage.selection.stale_imports import StaleImports
from copydesk.agent.coverage.selection.tree_comparison import TreeComparison
from copydesk.agent.coverage.source import (
    ImportGraph,
    Tree,
    file_of,
    may_mention,
    modules_with_changed_constants,
)
from copydesk.agent.coverage.store import CoverageMap, Hit, Trace

Context = tuple[str, str]
"""What a trace is of: its kind (test, fixture, import, session) and its name."""


@dataclass(slots=True)
class Selection:
    """What to run. `carried` holds traces that still hold; `why` counts tests by reason.

    `collect` are the test files to collect: those with tests to run, those whose tests may have
    changed, and those whose import refreshes a stale module. `reachable` are the files that some
    test file imports, directly or through others. `all_files` says that even which files pytest
    collects may have changed, `only_failed` are tests that run again although all they need is the
    same: they failed before.
    """

    carried: dict[Context, Trace]
    collect: set[str]
    affected: dict[str, str]
    why: dict[str, int] = field(default_factory=dict)
    reachable: Callable[[], frozenset[str]] = frozenset
    all_files: bool = False
    only_failed: frozenset[str] = frozenset()


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
    trees = TreeComparison.of(old, new)
    imports = [trace for trace in base.traces.values() if trace.kind == "import"]
    changes = ModuleChanges.of(trees, imports)
    reasons = _AffectedTraces(base, trees, changes).find()
    all_files = changes.hooks_changed or SESSION in reasons
    if all_files:
        _affect_all(base, reasons)
    _affect_users_of_fixtures(base, reasons)
    only_failed = _affect_failed(base, reasons)
    affect_companions(base, reasons)
    constants = modules_with_changed_constants(trees.change.modified, old, new)
    stale_imports = StaleImports(base, trees, changes, constants)
    stale = stale_imports.find()
    collected = CollectedFiles(base, trees, stale_imports, is_test_file)
    collect, importing = collected.choose(stale, reasons)
    affected = {name: why for (kind, name), why in reasons.items() if kind == "test"}
    invalid = {*reasons, *(("import", path) for path in stale)}
    return Selection(
        carried={} if all_files else _carried(base, new, invalid, constants),
        collect=collect,
        affected=affected,
        why=dict(Counter(affected.values())),
        reachable=lambda: _reachable(trees.after, is_test_file),
        all_files=all_files,
        only_failed=frozenset(only_failed - importing),
    )


def _reachable(graph: ImportGraph, is_test_file: Callable[[str], bool]) -> frozenset[str]:
    """The files that a test file or a conftest file imports, directly or through others."""
    roots = (p for p in graph.sources if is_test_file(p) or p.endswith("conftest.py"))
    return graph.reachable(roots)


def _affect_all(base: CoverageMap, reasons: dict[Context, str]) -> None:
    for key in base.traces:
        if key[0] != "import":
            reasons.setdefault(key, "runs under hooks of pytest that changed")


def _affect_users_of_fixtures(base: CoverageMap, reasons: dict[Context, str]) -> None:
    """A test depends on the wider fixtures it uses, and their record on all their users."""
    fixtures = {name for kind, name in reasons if kind == "fixture"}
    if not fixtures:
        return
    for key, trace in base.traces.items():
        is_unaffected_test = key[0] == "test" and key not in reasons
        if is_unaffected_test and not trace.needed("fixture").isdisjoint(fixtures):
            reasons[key] = "uses a fixture that changed"


def _affect_failed(base: CoverageMap, reasons: dict[Context, str]) -> set[str]:
    """Add what is run again for its outcome.

    Returns:
        The tests that failed and that nothing else affects.
    """
    rerun = {}
    for key, trace in base.traces.items():
        if trace.outcome in RERUN_REASONS:
            rerun[key] = RERUN_REASONS[trace.outcome]
    only_failed = set()
    for (kind, name), reason in rerun.items():
        if kind == "test" and reason == FAILED and (kind, name) not in reasons:
            only_failed.add(name)
    reasons.update(rerun)
    return only_failed


def _carried(
    base: CoverageMap,
    new: Tree,
    invalid: set[Context],
    constants: Mapping[Context, frozenset[int]],
) -> dict[Context, Trace]:
    """The traces that hold for a new tree.

    Args:
        base: The measured commit's map.
        new: The new tree.
        invalid: The contexts that have to be run again.
        constants: The imports of modules in which nothing but constants has changed.
    """
    deleted_files = base.test_files - new.blobs.keys()
    carried = {}
    for key, trace in base.traces.items():
        kind, name = key
        is_deleted_test = kind == "test" and file_of(name) in deleted_files
        if key not in invalid and not is_deleted_test:
            carried[key] = _renewed(trace, new) if key in constants else trace
    return carried


def _renewed(trace: Trace, new: Tree) -> Trace:
    """The import of a module as it would be recorded now that it has other constants."""
    blob = new.blobs[trace.name]
    hits = (hit._replace(blob=blob) if hit.path == trace.name else hit for hit in trace.hits)
    return trace._replace(hits=tuple(sorted(hits)), id=None)


@dataclass(slots=True)
class _AffectedTraces:
    """Finds the traces of tests, fixtures and the session that do not hold any more."""

    base: CoverageMap
    trees: TreeComparison
    changes: ModuleChanges

    def find(self) -> dict[Context, str]:
        """Why each of them does not hold, in words."""
        ask_all = bool(self.changes or self.trees.change.texts)
        executed_by = self.trees.outdated_hits.executed_by
        reasons = {}
        for key, trace in self.base.traces.items():
            if key[0] == "import":
                continue
            if ask_all or executed_by(trace) or self.trees.changed_data.reason(trace):
                reason = self._reason(trace)
                if reason:
                    reasons[key] = reason
        return reasons

    def _reason(self, trace: Trace) -> str | None:
        reason = self._reason_of_hits(trace) or self._reason_of_imports(trace)
        if reason:
            return reason
        if trace.kind == "test" and file_of(trace.name) in self.trees.change.texts:
            return "its file changed"  # a text with examples
        return self.trees.changed_data.reason(trace)

    def _reason_of_hits(self, trace: Trace) -> str | None:
        outdated_hits = self.trees.outdated_hits
        if outdated_hits.executed_by(trace):
            for hit in trace.hits:
                # of most files nothing changed, and that is seen without looking the hit up
                if outdated_hits.is_outdated(hit) and self._is_affected(hit):
                    return f"executes changed code in {hit.path}"
        return None

    def _is_affected(self, hit: Hit) -> bool:
        return not self.trees.is_unchanged(hit) or self.trees.ran_changed_module(hit)

    def _reason_of_imports(self, trace: Trace) -> str | None:
        if not self.changes:
            return None
        imported = self._imported(trace)
        reached = imported & self.changes.modules
        if reached:
            return f"imports {min(reached)}, whose module-level code changed"
        if self.changes.names.of_modules(imported) and self._uses_names(trace, imported):
            return "uses a changed module-level name"
        return None

    def _imported(self, trace: Trace) -> frozenset[str]:
        """The modules a trace may have a part of: what its file, or what it executed, imports."""
        closure = self.trees.closure
        imported = closure(file_of(trace.name)) if trace.kind == "test" else frozenset()
        # a module imported by a computed name is in no import statement
        executed = {hit.path for hit in trace.hits} - imported
        return imported.union(*map(closure, executed)) if executed else imported

    def _uses_names(self, trace: Trace, imported: frozenset[str]) -> bool:
        own_names = trace.name.partition("::")[2].replace("::", ".").partition("[")[0].split(".")
        names = self.changes.names.of_modules(imported)
        if not names.isdisjoint(own_names) or not names.isdisjoint(trace.needed("name")):
            return True
        return any(self._mentions_names(hit, imported) for hit in trace.hits)

    def _mentions_names(self, hit: Hit, imported: frozenset[str]) -> bool:
        """Whether a block that a hit executed mentions a changed name, or is a function of it."""
        names = self.changes.visible_names(imported, hit.path, hit.blob)
        if not may_mention(self.trees.source(hit), names):
            return False
        module = self.trees.module(hit)
        for key in executed_blocks(module, hit):
            block = module.blocks[key]
            if block.name in names or not block.mentions.isdisjoint(names):
                return True
        return False
