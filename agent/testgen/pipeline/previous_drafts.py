"""What was drafted for a function at other commits, so that it is not drafted again for nothing.

A function that stays as it is keeps the draft that waits for it, and the editor's word on it. One
that no input was found for gets another turn when it, or a file that it imports, has changed.
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

from copydesk.agent.coverage.source import ImportGraph, Tree
from copydesk.agent.desk.database import Database
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Draft, Gap, Json, Sha
from copydesk.agent.testgen.pipeline.draft_status import left_of
from copydesk.agent.testgen.project import function_node

AGAIN = timedelta(days=7)
"""After that long a search that found nothing is made again, whatever else has changed since."""

_DECIDED = ("accepted", "rejected")


@dataclass(slots=True)
class Earlier:
    """The drafts of other commits, as seen from one commit.

    Args:
        repo: The repository.
        db: Its desk.
        sha: The commit that is drafted for.
    """

    repo: Repository
    db: Database
    sha: Sha
    _drafts: dict[tuple[str, str], list[Draft]] = field(init=False, default_factory=dict)
    _tree: Tree = field(init=False)
    _graph: ImportGraph = field(init=False)
    _texts: dict[str, str] = field(init=False, default_factory=dict)
    _around: dict[str, str] = field(init=False, default_factory=dict)
    _bases: dict[Gap, Json] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for draft in self.db.drafts.find((), kind="test"):
            if draft.target and draft.commit != self.sha:
                spot = (draft.target.path, draft.target.function)
                self._drafts.setdefault(spot, []).append(draft)
        files = git.tree(self.repo, self.sha)
        self._tree = Tree({path: entry.blob for path, entry in files.items()}, self._text)
        self._graph = self._tree.graph()

    def chosen(self, gaps: Sequence[Gap]) -> list[Gap]:
        """The gaps of this commit that are drafted for, in order.

        What the commit changed comes first, then what was never tried, then what is worth another
        try; each by its place among the gaps. What was settled at another commit is left out.
        """
        ranked = [(rank, gap) for gap in gaps if (rank := self._rank(gap)) is not None]
        return [gap for _, gap in sorted(ranked, key=lambda pair: pair[0])]

    def _rank(self, gap: Gap) -> int | None:
        known = self.known(gap)
        if any(draft.state in _DECIDED for draft in known):
            return None
        embedded = any(draft.origin == "embedded" for draft in known)
        if embedded:
            left = left_of(gap, known)
            if len(known) > 1 or not (left.lines or left.branches):
                return None
        if gap.changed:
            return 0
        if embedded:  # a model may have more to say; the rest is done
            return 3
        return 2 if self._drafts.get((gap.path, gap.function)) else 1

    def known(self, gap: Gap) -> list[Draft]:
        """The drafts of other commits that still stand for a gap, the latest of each writer.

        Those are drafts of the same function with the same open lines that wait or were decided
        on, and those that came to nothing while nothing that the function imports has changed.
        What they gain is told in the lines of this commit.
        """
        earlier = self._drafts.get((gap.path, gap.function), ())
        basis = self.basis(gap) if earlier else {}
        found: dict[str, Draft] = {}
        for draft in earlier:
            was = draft.evidence.get("basis")
            if not isinstance(was, dict) or was.get("function") != basis["function"]:
                continue
            came_to_nothing = draft.state == "discarded" and not draft.evidence.get("unfinished")
            is_same = was.get("around") == basis["around"] and _is_recent(draft)
            if draft.state in ("ready", *_DECIDED) or (came_to_nothing and is_same):
                found[draft.origin] = _moved(draft, int(basis["first"]) - int(was["first"]))
        return list(found.values())

    def basis(self, gap: Gap) -> Json:
        """What a draft for a gap rests on, to be kept with its evidence.

        Returns:
            "function": a name for its text and its open lines, wherever in the file it stands;
            "first": its first line there; "around": a name for its file and all that imports.
        """
        if gap not in self._bases:
            self._bases[gap] = self._found(gap)
        return self._bases[gap]

    def _found(self, gap: Gap) -> Json:
        source = self._source(gap.path)
        node = function_node(source, gap.function, gap.lines)
        text = ast.get_source_segment(source, node) if node else source
        first = node.lineno if node else 1
        lines = [line - first for line in gap.lines]
        branches = [[_shifted(end, -first) for end in arc] for arc in gap.branches]
        around = self._surroundings(gap.path)
        return {"function": _hash([text, lines, branches]), "first": first, "around": around}

    def _surroundings(self, path: str) -> str:
        """The function's file and all that it imports, and who drafts."""
        if path not in self._around:
            files = self._graph.closure(path) if path in self._graph.sources else ()
            blobs = sorted((name, self._tree.blobs[name]) for name in files)
            self._around[path] = _hash([version("copydesk"), blobs])
        return self._around[path]

    def _source(self, path: str) -> str:
        blob = self._tree.blobs.get(path)
        return self._text(blob) if blob else ""

    def _text(self, blob: str) -> str:
        if blob not in self._texts:
            # all of Python at once: who asks for a file asks for what it imports
            more = () if self._texts else self._graph.sources
            found = git.read_blobs(self.repo, {blob, *(self._tree.blobs[path] for path in more)})
            self._texts |= {one: text.decode("utf-8", "replace") for one, text in found.items()}
        return self._texts[blob]


def _is_recent(draft: Draft) -> bool:
    made = datetime.fromisoformat(draft.created_at)
    return datetime.now(UTC) - made < AGAIN


def _moved(draft: Draft, lines: int) -> Draft:
    """A draft whose function stands so many lines further down."""
    if not lines:
        return draft
    gained = [line + lines for line in draft.evidence.get("gained_lines", ())]
    arcs = [[_shifted(end, lines) for end in a] for a in draft.evidence.get("gained_branches", ())]
    moved = {"gained_lines": gained, "gained_branches": arcs}
    return dataclasses.replace(draft, evidence=draft.evidence | moved)


def _shifted(end: int, lines: int) -> int:
    """A branch's end so many lines further down; one that leaves is minus the first line."""
    return end + lines if end > 0 else end - lines


def _hash(parts: Iterable[object]) -> str:
    return hashlib.sha256(json.dumps(list(parts)).encode()).hexdigest()[:32]
