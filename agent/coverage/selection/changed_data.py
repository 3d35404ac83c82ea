"""Tests that read what changed: data files, folders, environment variables, other programs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from copydesk.agent.coverage.source import GIT_HEAD, TreeDifference
from copydesk.agent.coverage.store import Trace


@dataclass(slots=True)
class ChangedData:
    """What differs between two trees besides code that is imported.

    Args:
        change: How the trees differ.
        variables: The digest of an environment variable's value by its name; None where the
            values are not known, and count as unchanged.
    """

    change: TreeDifference
    variables: Callable[[str], str] | None
    _reasons: dict[frozenset[tuple[str, str]], str | None] = field(default_factory=dict)

    def reason(self, trace: Trace) -> str | None:
        """Why what a test read may differ now, in words; None where it does not."""
        if trace.needs not in self._reasons:  # which many tests share
            self._reasons[trace.needs] = self._find_reason(trace)
        return self._reasons[trace.needs]

    def _find_reason(self, trace: Trace) -> str | None:
        if not trace.needed("file").isdisjoint(self.change.data):
            return "reads a changed file"
        if not trace.needed("folder").isdisjoint(self.change.folders):
            return "lists a changed folder"
        may_differ = self.change.python or GIT_HEAD in self.change.data
        if may_differ and trace.needed("process"):
            return "starts programs"
        if any(map(self._is_changed_variable, trace.needed("env"))):
            return "reads a changed environment variable"
        return None

    def _is_changed_variable(self, recorded: str) -> bool:
        """Whether an environment variable, recorded as name=digest, has another value now."""
        name, _, digest = recorded.rpartition("=")
        return self.variables is not None and self.variables(name) != digest
