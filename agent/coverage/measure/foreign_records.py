"""Records that others made, held against runs here.

A map that somebody else measured is believed as long as it holds: with each measure that carries
such records over, a few of their tests run again. A record that claims another outcome, or lines
that the test does not execute when it runs twice, disproves the map: it is refused, the measures
that rest on it go, and every test runs. Lines that a run alone executes on top prove nothing: in a
run of all tests another test may have warmed what it would execute.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from copydesk.agent.coverage.selection import Selection
from copydesk.agent.coverage.source import file_of
from copydesk.agent.coverage.store import Trace, executed_lines
from copydesk.agent.desk.connection import transaction
from copydesk.agent.desk.database import Database
from copydesk.agent.records import Sha, TestId

Context = tuple[str, str]

LEAST, MOST = 3, 25
"""How many tests are run again at least and at most, as far as there are so many."""

SHARE = 0.01
"""The share of the tests that others recorded which is run again."""

LONGEST = 2.0
"""Seconds of a test that is run again at most; others' turn comes with an audit of every test."""

SHOWN = 3
"""How many tests are named where more than these disprove a map."""

REASON = "run again: somebody else recorded it"


@dataclass(frozen=True, slots=True)
class Sample:
    """Records of others that are made again, in the tree of a commit."""

    former: Mapping[Context, Trace]
    blobs: Mapping[str, str]
    read: Callable[[str], str]

    def difference(self, former: Trace, now: Trace | None) -> str:
        """What a record claims that a run does not show, in words; empty where it holds."""
        if now is None:
            return "is gone"
        if now.outcome != former.outcome:
            return f"was {former.outcome}, is {now.outcome}"
        claimed = executed_lines([former], self.blobs, self.read)
        shown = executed_lines([now], self.blobs, self.read)
        paths = []
        for path, lines in claimed.items():
            if path not in shown or not lines.lines <= shown[path].lines:
                paths.append(path)
        return f"does not execute what it claims of {', '.join(sorted(paths))}" if paths else ""


def take_sample(db: Database, selection: Selection, sha: Sha) -> dict[Context, Trace]:
    """Have some tests run again whose records others made.

    Args:
        db: The desk.
        selection: What runs and what is carried over; the sample changes sides in it.
        sha: The commit that is measured, which decides what is taken.

    Returns:
        The records.
    """
    tests = {
        trace.id: key
        for key, trace in selection.carried.items()
        if key[0] == "test" and trace.id is not None
    }
    foreign = db.foreign_maps.foreign(tests)
    keys = [tests[identity] for identity in foreign]
    quick = [key for key in keys if selection.carried[key].seconds <= LONGEST]
    count = min(MOST, max(LEAST, round(SHARE * len(keys))))
    sample = {}
    for key in sorted(quick, key=lambda key: _rank(sha, key[1]))[:count]:
        sample[key] = selection.carried.pop(key)
        selection.affected[key[1]] = REASON
        selection.collect.add(file_of(key[1]))
    if sample:
        selection.why[REASON] = len(sample)
    return sample


def _rank(sha: Sha, name: TestId) -> str:
    """A number for a test: nobody who wrote a map knew which commits follow."""
    return hashlib.sha256(f"{sha} {name}".encode("utf-8", "surrogatepass")).hexdigest()


def with_files_of(files: Sequence[str] | None, sample: Iterable[Context]) -> list[str] | None:
    """Test files to collect, with those of a sample; None for all."""
    if files is None:
        return None
    return list(dict.fromkeys([*files, *sorted(file_of(name) for _, name in sample)]))


def disproved(
    db: Database,
    sample: Sample,
    traces: Iterable[Trace],
    again: Callable[[Collection[TestId]], Iterable[Trace]],
) -> str:
    """Hold a sample against what ran; a map that it disproves is refused.

    Args:
        db: The desk.
        sample: The records of others.
        traces: What this measure recorded.
        again: Runs tests once more: what goes by chance disproves nothing.

    Returns:
        What is wrong, in words; empty where the records hold.
    """
    suspects = _differences(sample, traces)
    if not suspects:
        return ""
    confirmed = _differences(sample, again(set(suspects)))
    wrong = {name: words for name, words in suspects.items() if confirmed.get(name) == words}
    if not wrong:
        return ""
    return _refuse(db, sample, wrong)


def _refuse(db: Database, sample: Sample, wrong: Mapping[TestId, str]) -> str:
    """Refuse the maps of some records, and drop the measures that rest on them.

    Args:
        db: The desk.
        sample: The records of others.
        wrong: What is wrong with some of them, by the test.

    Returns:
        Whose maps they are, and what is wrong, in words.
    """
    ids = {t.id: name for (_, name), t in sample.former.items() if t.id is not None}
    maps = {o for i, o in db.foreign_maps.foreign(ids).items() if ids[i] in wrong}
    sources = sorted({m.source for identity in maps if (m := db.foreign_maps.get(identity))})
    listed = "; ".join(f"{name} {words}" for name, words in sorted(wrong.items())[:SHOWN])
    words = f"the map of {', '.join(sources)} does not hold: {listed}"
    with transaction(db):
        for identity in maps:
            for sha in db.foreign_maps.resting_on(identity):
                db.measures.delete(sha)
            db.foreign_maps.refuse(identity, words)
    return words


def _differences(sample: Sample, traces: Iterable[Trace]) -> dict[TestId, str]:
    now = {trace.name: trace for trace in traces if trace.kind == "test"}
    differences = {}
    for (_, name), former in sample.former.items():
        words = sample.difference(former, now.get(name))
        if words:
            differences[name] = words
    return differences
