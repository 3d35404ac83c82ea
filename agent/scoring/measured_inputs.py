"""What a measured commit adds to what its history says of a function."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from copydesk.agent.coverage.store import Total, load_totals
from copydesk.agent.desk.database import Database
from copydesk.agent.git import repository as git
from copydesk.agent.git.commit import Commit
from copydesk.agent.records import Gap, LineNo, Sha
from copydesk.agent.source_text import decode_source
from copydesk.agent.testgen.verify import mutants


def add_coverage(db: Database, sha: Sha) -> int:
    """Note how much of each function that a commit changed its tests execute.

    Returns:
        Of how many functions that is known.
    """
    totals_by_path = {total.path: total for total in load_totals(db, sha) or ()}
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


def _covered_share(total: Total, first: LineNo, last: LineNo) -> float | None:
    """The share of the statements from one line to another that tests execute."""
    statements = sum(first <= line <= last for line in total.statements)
    missing = sum(first <= line <= last for line in total.missing)
    return None if not statements else round(1 - missing / statements, 4)


def count_mutation_sites(commit: Commit, gaps: Iterable[Gap]) -> dict[Gap, int]:
    """How many mutants could be made of the uncovered lines of each gap.

    None is run: no test executes those lines, so none could notice. A file that does not parse
    leaves its gaps out.
    """
    gaps_by_path: dict[str, list[Gap]] = {}
    for gap in gaps:
        gaps_by_path.setdefault(gap.path, []).append(gap)
    counts: dict[Gap, int] = {}
    for path, source in _sources(commit, gaps_by_path).items():
        with contextlib.suppress(SyntaxError, ValueError, RecursionError):
            counts |= _count_in_file(source, gaps_by_path[path])
    return counts


def _sources(commit: Commit, paths: Collection[str]) -> dict[str, bytes]:
    """The content of files of a commit, by path; those that it does not have are left out."""
    if not paths:
        return {}
    blobs = {path: commit.tree[path].blob for path in paths if path in commit.tree}
    texts = git.read_blobs(commit.repo, blobs.values())
    return {path: texts[blob] for path, blob in blobs.items()}


def _count_in_file(source: bytes, gaps: Sequence[Gap]) -> dict[Gap, int]:
    lines = {line for gap in gaps for line in gap.lines}
    sites = mutants.sites(decode_source(source), lines, module_level=True)
    sites_by_line = Counter(site.line for site in sites)
    return {gap: sum(sites_by_line[line] for line in gap.lines) for gap in gaps}
