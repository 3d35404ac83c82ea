"""What ran while modules were imported: the reach of a change that is not in their statements.

A module's names may hold what a function returned, a file said or a variable was while it was
imported. Where one of these changed, what the module binds is not known any more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from copydesk.agent.coverage.source import Block, Module, may_mention
from copydesk.agent.coverage.store import Hit, Trace, numbits_to_nums


def executed_blocks(module: Module, hit: Hit) -> set[str]:
    """The keys of the blocks that a hit executed something of."""
    return {module.lines[n].block for n in numbits_to_nums(hit.lines) if n in module.lines}


@dataclass(slots=True)
class ImportTimeCalls:
    """The functions that imports executed.

    Args:
        traces: The traces of imports.
        module: Takes the file version that a hit is of apart.
    """

    traces: Collection[Trace]
    module: Callable[[Hit], Module]

    def ran_changed_function(
        self, trace: Trace, new_module: Callable[[Hit], Module | None]
    ) -> bool:
        """Whether an import executed a function whose body is another one now.

        Args:
            trace: The import.
            new_module: The new version of a hit's file: None where there is none.
        """
        for hit in trace.hits:
            new = new_module(hit)
            for block in self._called(trace, hit):
                if new is None or not new.holds(block):
                    return True
        return False

    def _called(self, trace: Trace, hit: Hit) -> Iterator[Block]:
        """The blocks of a hit that are no statements of the imported module itself."""
        module = self.module(hit)
        for key in executed_blocks(module, hit):
            if key.startswith("f:") or hit.path != trace.name:
                yield module.blocks[key]

    def modules_using(
        self,
        names: Callable[[Hit], Collection[str]],
        files: Collection[str],
        source: Callable[[Hit], str],
    ) -> Iterator[str]:
        """The modules whose import executed a function that mentions one of some names.

        Args:
            names: The names that mean something in a hit's file.
            files: The files in which they may.
            source: The source of a hit's file.
        """
        for trace in self.traces:
            for hit in trace.hits:
                if hit.path in files and self._mentions(trace, hit, names(hit), source(hit)):
                    yield trace.name
                    break

    def _mentions(self, trace: Trace, hit: Hit, names: Collection[str], source: str) -> bool:
        if not may_mention(source, names):
            return False
        for block in self._called(trace, hit):
            if block.name in names or not block.mentions.isdisjoint(names):
                return True
        return False


def recorded_importers(
    module: str, traces: Mapping[tuple[str, str], Trace]
) -> set[tuple[str, str]]:
    """The contexts that were seen to import a module, directly or through others.

    Args:
        module: Its path.
        traces: The traces of a commit.
    """
    importers = {("import", module)}
    unvisited = [module]
    while unvisited:
        need = ("import", unvisited.pop())
        for key, trace in traces.items():
            if need not in trace.needs or key in importers:
                continue
            importers.add(key)
            kind, name = key
            if kind == "import":
                unvisited.append(name)
    return importers
