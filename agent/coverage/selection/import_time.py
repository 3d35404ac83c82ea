"""What ran while modules were imported: the reach of a change that is not in their statements.

A module's names may hold what a function returned, a file said or a variable was while it was
imported. Where one of these changed, what the module binds is not known any more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from copydesk.agent.coverage.source import Block, Module, may_mention
from copydesk.agent.coverage.store import Hit, Trace, numbits_to_nums


def touched(module: Module, hit: Hit) -> set[str]:
    """The keys of the blocks that a hit executed something of."""
    return {module.lines[n].block for n in numbits_to_nums(hit.lines) if n in module.lines}


@dataclass(slots=True)
class ImportTime:
    """The functions that imports executed.

    Args:
        traces: The traces of imports.
        parsed: A version of a file, taken apart.
    """

    traces: Collection[Trace]
    parsed: Callable[[Hit], Module]

    def rewritten(self, trace: Trace, now: Callable[[Hit], Module | None]) -> bool:
        """Whether an import executed a function whose body is another one now.

        Args:
            trace: The import.
            now: The new version of a hit's file: None where there is none.
        """
        for hit in trace.hits:
            new = now(hit)
            for block in self._called(trace, hit):
                if new is None or not new.holds(block):
                    return True
        return False

    def _called(self, trace: Trace, hit: Hit) -> Iterator[Block]:
        module = self.parsed(hit)
        for key in touched(module, hit):
            if key.startswith("f:") or hit.path != trace.name:
                yield module.blocks[key]

    def users(
        self,
        meant: Callable[[Hit], Collection[str]],
        among: Collection[str],
        text: Callable[[Hit], str],
    ) -> Iterator[str]:
        """The modules whose import executed a function that mentions one of some names.

        Args:
            meant: The names that mean something in a hit's file.
            among: The files in which they may.
            text: The source of a hit's file.
        """
        for trace in self.traces:
            for hit in trace.hits:
                if hit.path not in among:
                    continue
                names = meant(hit)
                if not may_mention(text(hit), names):
                    continue
                if any(
                    not b.mentions.isdisjoint(names) or b.name in names
                    for b in self._called(trace, hit)
                ):
                    yield trace.name
                    break


def recorded_importers(
    module: str, traces: Mapping[tuple[str, str], Trace]
) -> set[tuple[str, str]]:
    """The contexts that were seen to import a module, directly or through others.

    Args:
        module: Its path.
        traces: The traces of a commit.
    """
    found, todo = {("import", module)}, [module]
    while todo:
        wanted = ("import", todo.pop())
        for key, trace in traces.items():
            if wanted in trace.needs and key not in found:
                found.add(key)
                todo += [key[1]] if key[0] == "import" else []
    return found
