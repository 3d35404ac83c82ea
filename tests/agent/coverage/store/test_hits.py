from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from coverage import numbits as theirs
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.agent.coverage.measure.reusable_totals import find_reusable_totals
from copydesk.agent.coverage.runner.coverage_py import Environment
from copydesk.agent.coverage.runner.project_info import ProjectInfo
from copydesk.agent.coverage.selection.outdated_hits import OutdatedHits
from copydesk.agent.coverage.store import hits as hit_rows
from copydesk.agent.coverage.store.hits import LazyHits
from copydesk.agent.coverage.store.numbits import numbits_to_nums, nums_to_numbits
from copydesk.agent.coverage.store.totals import executed_lines, unite_hits
from copydesk.agent.coverage.store.traces import (
    CoverageMap,
    Trace,
    add_traces,
    load_traces,
)
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.packed_ids import compress_ids, pack_ids, unpack_ids
from copydesk.agent.desk.store import open_desk
from copydesk.agent.desk.traces import Hit

FILES = ("a.py", "b.py", "c.py", "test_a.py")
HITS = st.builds(
    Hit,
    st.sampled_from(FILES),
    st.sampled_from(["old", "now"]),
    st.sets(st.integers(1, 20), min_size=1).map(nums_to_numbits),
    st.just(b""),
)
MAPS = st.lists(st.lists(HITS, max_size=4, unique=True).map(sorted), max_size=6)


def traces(hits: list[list[Hit]]) -> list[Trace]:
    return [Trace("test", f"t{n}", "passed", 0.0, tuple(mine)) for n, mine in enumerate(hits)]


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with open_desk(tmp_path_factory.mktemp("desk")) as db:
        db.execute("PRAGMA synchronous = off")  # of hundreds of small transactions
        yield db


@given(st.sets(st.integers(0, 3000)))
def test_numbits_are_those_of_coverage(numbers: set[int]) -> None:
    bits = nums_to_numbits(numbers)
    assert bits == theirs.nums_to_numbits(numbers)
    assert numbits_to_nums(bits) == theirs.numbits_to_nums(bits) == sorted(numbers)


@given(st.sets(st.integers(0, 2**31 - 1)))
def test_packed_ids_are_what_they_were(numbers: set[int]) -> None:
    assert unpack_ids(pack_ids(numbers)) == sorted(numbers)


@settings(max_examples=25)
@given(found=MAPS)
def test_hits_are_read_when_they_are_asked_for(db: Database, found: list[list[Hit]]) -> None:
    made = traces(found)
    stored = load_traces(db, add_traces(db, made, "e"))
    assert all(isinstance(t.hits, LazyHits) for t in stored)
    stored.sort(key=lambda t: t.id or 0)
    assert [sorted(t.hits) for t in stored] == found
    for kept, trace in zip(stored, made, strict=True):
        assert len(kept.hits) == len(trace.hits)
        assert sorted(kept.hits[:]) == sorted(trace.hits)
        assert kept.hits == kept._replace().hits
        assert hash(kept.hits) == hash(tuple(kept.hits))


def test_who_asks_often_gets_all_at_once(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hit_rows, "LONE_READS", 2)
    found = [[Hit(f"{n}.py", "b", nums_to_numbits([n]))] for n in range(1, 10)]
    stored = load_traces(db, add_traces(db, traces(found), "e"))
    asked: list[str] = []
    db.connection.set_trace_callback(asked.append)
    try:
        assert [hit.path for t in stored for hit in t.hits] == [f"{n}.py" for n in range(1, 10)]
    finally:
        db.connection.set_trace_callback(None)
    assert len(asked) == 3


@settings(max_examples=40)
@given(found=MAPS, changed=st.sets(st.sampled_from(FILES)))
def test_what_is_on_the_desk_is_concerned_by_the_same_changes(
    db: Database, found: list[list[Hit]], changed: set[str]
) -> None:
    made = traces(found)
    stored = sorted(load_traces(db, add_traces(db, made, "e")), key=lambda t: t.id or 0)
    files = OutdatedHits(changed, dict.fromkeys(FILES[1:], "now"))
    assert [files.executed_by(t) for t in stored] == [
        any(h.path in changed and (h.path == FILES[0] or h.blob == "old") for h in t.hits)
        for t in made
    ]
    assert list(map(files.executed_by, made)) == list(map(files.executed_by, stored))


@settings(max_examples=60)
@given(before=MAPS, keeps=st.sets(st.integers(0, 5)), more=MAPS, renewed=st.sampled_from(FILES))
def test_what_stands_and_what_is_open_make_the_whole(
    db: Database,
    before: list[list[Hit]],
    keeps: set[int],
    more: list[list[Hit]],
    renewed: str,
) -> None:
    """Each file that stands had the same executed lines in the commit before."""
    old = dict.fromkeys(FILES, "now")
    new = old | {renewed: "newer"}
    texts = dict.fromkeys(("old", "now", "newer"), "x = 1\n" * 20)
    ids = add_traces(db, traces(before), "e")
    stored = load_traces(db, ids)
    base = CoverageMap("f" * 40, "e", False, {(t.kind, t.name): t for t in stored}, complete=True)
    was = executed_lines(stored, old, texts.__getitem__)
    with_totals(db, base, {p: nums_to_numbits(e.lines) for p, e in was.items() if p != "test_a.py"})
    now = [t for n, t in enumerate(stored) if n in keeps]
    now += [t._replace(name=f"new {t.name}") for t in traces(more)]
    project = ProjectInfo(
        Environment("e", False, "rules"), frozenset({"a.py"}), frozenset(FILES[:3])
    )
    found = find_reusable_totals(db, base, now, old=old, new=new, project=project)
    assert found is not None
    is_now = executed_lines(now, new, texts.__getitem__)
    assert all(was[path] == is_now[path] for path in found.by_path)
    open_ones = unite_hits(found.hits, new, texts.__getitem__)
    assert {p: e for p, e in is_now.items() if p in found.changed} == open_ones
    assert found.changed >= set(FILES[:3]) - found.by_path.keys()
    assert renewed in found.changed


def with_totals(db: Database, base: CoverageMap, lines: dict[str, bytes]) -> None:
    """Put totals of a measured commit on the desk."""
    ids = []
    for path, bits in lines.items():
        db.execute("INSERT OR IGNORE INTO files (path, blob) VALUES (?, 'now')", (path,))
        (file,) = db.execute(
            "SELECT id FROM files WHERE path = ? AND blob = 'now'", (path,)
        ).fetchone()
        row = (file, "rules", bits)
        db.execute(
            "INSERT OR IGNORE INTO totals (file_id, environment, executed, statements, excluded,"
            " missing) VALUES (?, ?, ?, x'', x'', '[]')",
            row,
        )
        where = "file_id = ? AND environment = ? AND executed = ?"
        (one,) = db.execute(f"SELECT id FROM totals WHERE {where}", row).fetchone()
        ids.append(one)
    db.execute(
        "INSERT OR REPLACE INTO measures (sha, reason, environment, interpreter, branch, selected,"
        " total, passed, failed, skipped, executable, covered, percent, seconds, traces, totals,"
        " measured_at) VALUES (?, '', 'e', '', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ?, ?, '')",
        (base.sha, compress_ids([]), compress_ids(ids)),
    )


def test_what_is_no_whole_map_leaves_nothing_to_reuse(db: Database) -> None:
    project = ProjectInfo(Environment("e", False, "rules"), frozenset(), frozenset())
    for whole, sha in ((False, "f" * 40), (True, "e" * 40)):
        base = CoverageMap(sha, "e", False, complete=whole)
        assert find_reusable_totals(db, base, [], old={}, new={}, project=project) is None


def test_the_map_of_a_desk_outlives_no_connection(tmp_path: Path) -> None:
    with open_desk(tmp_path) as db:
        (stored,) = load_traces(db, add_traces(db, traces([[Hit("a.py", "1", b"\2")]]), "e"))
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        list(stored.hits)
