"""What a measured commit adds to what its history says of a function."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable

from copydesk.agent.coverage.store import totals
from copydesk.agent.desk.database import Database
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Gap, LineNo, Sha
from copydesk.agent.testgen.verify import mutants


def add_coverage(db: Database, sha: Sha) -> int:
    """Note how much of each function that a commit changed its tests execute.

    Returns:
        Of how many functions that is known.
    """
    totals_by_path = {total.path: total for total in totals.of_commit(db, sha) or ()}
    measured = []
    for function in db.mined_history.functions_of(sha):
        total = totals_by_path.get(function.path)
        if total is None:
            continue
        share = _covered_share(total, function.first_line, function.last_line)
        if share is not None:
            inputs = function.inputs | {"covered_share": share}
            measured.append(function._replace(inputs=inputs))
    db.mined_history.replace_inputs(measured)
    return len(measured)


def _covered_share(total: totals.Total, first: LineNo, last: LineNo) -> float | None:
    statements = sum(first <= line <= last for line in total.statements)
    missing = sum(first <= line <= last for line in total.missing)
    return None if not statements else round(1 - missing / statements, 4)


def surviving_mutants(repo: Repository, sha: Sha, gaps: Iterable[Gap]) -> dict[Gap, int]:
    """How many small faults could be put on the uncovered lines of each gap.

    They all survive: no test executes those lines, so none can notice. A file that does not parse
    leaves its gaps out.
    """
    by_path: dict[str, list[Gap]] = {}
    for gap in gaps:
        by_path.setdefault(gap.path, []).append(gap)
    if not by_path:
        return {}
    blobs = {path: entry.blob for path, entry in git.tree(repo, sha).items() if path in by_path}
    texts = git.read_blobs(repo, blobs.values())
    found: dict[Gap, int] = {}
    for path, blob in blobs.items():
        lines = {line for gap in by_path[path] for line in gap.lines}
        with contextlib.suppress(SyntaxError, ValueError, RecursionError):
            source = texts[blob].decode("utf-8")
            places = Counter(m.line for m in mutants.sites(source, lines, module_level=True))
            for gap in by_path[path]:
                found[gap] = sum(places[line] for line in gap.lines)
    return found
