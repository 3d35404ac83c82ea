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
from datetime import UTC, datetime, timedelta
from functools import cached_property
from importlib.metadata import version

from copydesk.agent.coverage.source import ImportGraph, Tree
from copydesk.agent.desk.database import Database
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import read_blobs
from copydesk.agent.records import Draft, Gap, Json
from copydesk.agent.source_text import decode_source
from copydesk.agent.testgen.pipeline.draft_status import has_open_lines, without_reached
from copydesk.agent.testgen.project import function_node
from copydesk.hooks import failpoints

RETRY_AFTER = timedelta(days=7)
"""After that long a search that found nothing is made again, whatever else has changed since."""

_DECIDED = ("accepted", "rejected")
_STANDING = ("ready", "asks", *_DECIDED)

# the order in which gaps are drafted for
_CHANGED, _NEVER_TRIED, _TRIED, _LEFT_FOR_A_MODEL = range(4)


class PreviousDrafts:
    """The drafts of other commits, as seen from one commit. Read when they are first asked for.

    Args:
        db: The desk.
        commit: The commit that is drafted for.
    """

    def __init__(self, db: Database, commit: Commit) -> None:
        self.db = db
        self.commit = commit
        self._texts: dict[str, str] = {}
        self._surroundings: dict[str, str] = {}
        self._bases: dict[Gap, Json] = {}

    @cached_property
    def _by_function(self) -> dict[tuple[str, str], list[Draft]]:
        """The test drafts of other commits by path and function, oldest first."""
        by_function: dict[tuple[str, str], list[Draft]] = {}
        for draft in self.db.drafts.find((), kind="test"):
            if draft.target and draft.commit != self.commit.sha:
                key = (draft.target.path, draft.target.function)
                by_function.setdefault(key, []).append(draft)
        return by_function

    @cached_property
    def _tree(self) -> Tree:
        blobs = {path: entry.blob for path, entry in self.commit.tree.items()}
        return Tree(blobs, self._text)

    @cached_property
    def _graph(self) -> ImportGraph:
        return self._tree.graph()

    def choose_gaps(self, gaps: Sequence[Gap]) -> list[Gap]:
        """The gaps of this commit that are drafted for, in order.

        What the commit changed comes first, then what was never tried, then what is worth another
        try; each by its place among the gaps. What was settled at another commit is left out.
        """
        ranked = []
        for gap in gaps:
            name = f"{gap.path}::{gap.function}"
            with self.db.failed_items.contained("draft", self.commit.sha, name):
                rank = self._rank(gap)
                if rank is not None:
                    ranked.append((rank, gap))
        ranked.sort(key=lambda pair: pair[0])
        return [gap for _, gap in ranked]

    def _rank(self, gap: Gap) -> int | None:
        """The place of a gap in the order, or None when nothing is drafted for it."""
        failpoints.failpoint(f"draft {gap.path}::{gap.function}")
        standing = self.standing(gap)
        if any(draft.state in _DECIDED for draft in standing):
            return None
        tried_embedded = any(draft.origin == "embedded" for draft in standing)
        tried_model = len(standing) > 1
        if tried_embedded and (tried_model or not has_open_lines(without_reached(gap, standing))):
            return None
        if gap.changed:
            return _CHANGED
        if tried_embedded:
            return _LEFT_FOR_A_MODEL
        return _TRIED if (gap.path, gap.function) in self._by_function else _NEVER_TRIED

    def standing(self, gap: Gap) -> list[Draft]:
        """The drafts of other commits that still stand for a gap, the latest of each writer.

        Those are drafts of the same function with the same open lines that wait or were decided
        on, and those that came to nothing while nothing that the function imports has changed.
        What they gain is told in the lines of this commit.
        """
        drafts = self._by_function.get((gap.path, gap.function), ())
        if not drafts:
            return []
        basis = self.basis(gap)
        by_writer: dict[str, Draft] = {}
        for draft in drafts:
            if _stands(draft, basis):
                shift = int(basis["first"]) - int(draft.evidence["basis"]["first"])
                by_writer[draft.origin] = _move_down(draft, shift)
        return list(by_writer.values())

    def basis(self, gap: Gap) -> Json:
        """What a draft for a gap rests on, to be kept with its evidence.

        Returns:
            "function": a hash of its text and its open lines, wherever in the file it stands;
            "first": its first line there; "around": a hash of its file and all that imports.
        """
        if gap not in self._bases:
            self._bases[gap] = self._compute_basis(gap)
        return self._bases[gap]

    def _compute_basis(self, gap: Gap) -> Json:
        source = self._source(gap.path)
        node = function_node(source, gap.function, gap.lines)
        text = ast.get_source_segment(source, node) if node else source
        first = node.lineno if node else 1
        lines = [line - first for line in gap.lines]
        branches = [_move_arc(arc, -first) for arc in gap.branches]
        around = self._hash_of_imports(gap.path)
        return {"function": _hash([text, lines, branches]), "first": first, "around": around}

    def _hash_of_imports(self, path: str) -> str:
        """A hash of a file and all that it imports, and of the copydesk that drafts."""
        if path not in self._surroundings:
            files = self._graph.closure(path) if path in self._graph.sources else ()
            blobs = sorted((name, self._tree.blobs[name]) for name in files)
            self._surroundings[path] = _hash([version("copydesk"), blobs])
        return self._surroundings[path]

    def _source(self, path: str) -> str:
        blob = self._tree.blobs.get(path)
        return self._text(blob) if blob else ""

    def _text(self, blob: str) -> str:
        if blob not in self._texts:
            # all of Python at once: who asks for a file asks for what it imports
            paths = () if self._texts else self._graph.sources
            blobs = {blob, *(self._tree.blobs[path] for path in paths)}
            for name, data in read_blobs(self.commit.repo, blobs).items():
                self._texts[name] = decode_source(data)
        return self._texts[blob]


def _stands(draft: Draft, basis: Json) -> bool:
    """Whether a draft of another commit holds for a function with this basis."""
    old_basis = draft.evidence.get("basis")
    if not isinstance(old_basis, dict) or old_basis.get("function") != basis["function"]:
        return False
    if draft.state in _STANDING:
        return True
    if draft.state != "discarded" or draft.evidence.get("unfinished"):
        return False
    return bool(old_basis.get("around") == basis["around"]) and _is_recent(draft)


def _is_recent(draft: Draft) -> bool:
    age = datetime.now(UTC) - datetime.fromisoformat(draft.created_at)
    return age < RETRY_AFTER


def _move_down(draft: Draft, lines: int) -> Draft:
    """A draft whose function stands so many lines further down."""
    if not lines:
        return draft
    evidence = dict(draft.evidence)
    evidence["gained_lines"] = [line + lines for line in evidence.get("gained_lines", ())]
    arcs = evidence.get("gained_branches", ())
    evidence["gained_branches"] = [_move_arc(arc, lines) for arc in arcs]
    return dataclasses.replace(draft, evidence=evidence)


def _move_arc(arc: Iterable[int], lines: int) -> list[int]:
    """A branch so many lines further down; an end that leaves is minus the first line."""
    return [end + lines if end > 0 else end - lines for end in arc]


def _hash(parts: Iterable[object]) -> str:
    return hashlib.sha256(json.dumps(list(parts)).encode()).hexdigest()[:32]
