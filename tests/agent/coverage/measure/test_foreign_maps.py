"""Measures that start from what another machine measured: two clones, a bare remote, real runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.coverage.exchange import encode, fetch_maps, local, place, push_maps
from copydesk.agent.coverage.measure import foreign_records
from copydesk.agent.coverage.measure.commit import measure
from copydesk.agent.coverage.store import Trace, load_map, load_totals, nums_to_numbits
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.measures import Measure
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import Repository, find, resolve, set_config

PRICES = "src/shop/prices.py"


@dataclass
class Machine:
    """A clone, its desk, and what is done there."""

    top: Path
    repo: Repository
    db: Database

    def measure(self, **more: bool) -> Measure:
        return measure(self.db, Commit(self.repo, resolve(self.repo, "HEAD")), **more)

    def push(self) -> list[str]:
        tips = [resolve(self.repo, "HEAD")]
        return push_maps(self.repo, self.db, place("maps", None), tips, who="Ann").names

    def fetch(self) -> int:
        return len(fetch_maps(self.repo, self.db, place("maps", None)).new)

    def said(self) -> dict[str, Any]:
        """All that the measure of HEAD says of lines."""
        totals = load_totals(self.db, resolve(self.repo, "HEAD"))
        assert totals is not None
        return {t.path: (t.executed, t.arcs, t.statements, t.missing) for t in totals}


@pytest.fixture
def machines(project: Path, tmp_path: Path) -> Iterator[tuple[Machine, Machine]]:
    """Two clones of the project that know a remote for maps."""
    remote, other = tmp_path / "maps.git", tmp_path / "other"
    subprocess.run(["git", "init", "-q", "--bare", remote], check=True)
    subprocess.run(["git", "clone", "-q", project, other], check=True)
    for top in (project, other):
        subprocess.run(["git", "-C", top, "remote", "add", "maps", remote], check=True)
        set_config(find(top), "copydesk.python", sys.executable)
    ann, ben = find(project), find(other)
    with open_desk(ann.desk) as at_anns, open_desk(ben.desk) as at_bens:
        yield Machine(project, ann, at_anns), Machine(other, ben, at_bens)


Change = Callable[..., None]


@pytest.fixture
def change(commit: Callable[..., str], machines: tuple[Machine, Machine]) -> Change:
    """Commit an edit at the first machine, and have it at the other."""

    def go(path: str, old: str, new: str) -> None:
        ann, ben = machines
        text = (ann.top / path).read_text()
        assert old in text
        commit(ann.top, {path: text.replace(old, new)}, f"{old} to {new}")
        subprocess.run(["git", "-C", ben.top, "pull", "-q"], check=True)

    return go


@pytest.mark.timeout(900)
def test_a_clone_starts_from_what_another_measured(
    machines: tuple[Machine, Machine], change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, ben = machines
    monkeypatch.setattr(foreign_records, "LEAST", 1)
    first = ann.measure()
    assert len(ann.push()) == 1
    assert ben.fetch() == 1
    change(PRICES, "return f'{value:.2f}'", "return f'{value:.3f}'[:-1]")
    warm = ben.measure()
    assert (warm.selected, warm.total) == (2, 6)  # one is affected, one is looked at again
    assert warm.base == first.sha
    assert "starts from the map of Ann, from maps" in warm.reason
    ((source, tests, _),) = ben.db.foreign_maps.shares(warm.sha)
    assert (source, tests) == ("Ann, from maps", 4)
    said = ben.said()
    full = ben.measure(full=True)
    assert ben.said() == said
    assert (full.covered, full.executable) == (warm.covered, warm.executable)
    assert ben.db.foreign_maps.shares(full.sha) == []


def lie(ann: Machine, monkeypatch: pytest.MonkeyPatch, alter: Callable[[Trace], Trace]) -> None:
    """Let the first machine push a map in which records are altered."""

    def altered(traces: Any) -> dict[str, bytes]:
        return encode(alter(trace) for trace in traces)

    with monkeypatch.context() as patch:
        patch.setattr(local, "encode", altered)
        ann.push()


def claims_more(trace: Trace) -> Trace:
    """The record of a test that says it executed every line."""
    if trace.name != "tests/test_prices.py::test_label":
        return trace
    hits = tuple(
        hit._replace(lines=nums_to_numbits(range(1, 17))) if hit.path == PRICES else hit
        for hit in trace.hits
    )
    return trace._replace(hits=hits)


@pytest.mark.timeout(900)
def test_a_map_that_claims_too_much_is_found_out(
    machines: tuple[Machine, Machine], change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, ben = machines
    ann.measure()
    lie(ann, monkeypatch, claims_more)
    assert ben.fetch() == 1
    change("tests/test_stock.py", "assert shelf.items", "assert len(shelf.items)")
    monkeypatch.setattr(foreign_records, "LEAST", 6)
    found_out = ben.measure()
    assert "the map of Ann, from maps does not hold" in found_out.reason
    assert f"test_label does not execute what it claims of {PRICES}" in found_out.reason
    assert found_out.selected == 6
    (row,) = ben.db.foreign_maps.all()
    assert row.state == "refused"
    assert ben.db.foreign_maps.shares(found_out.sha) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("what", ["test left out", "other count", "other environment", "shallow"])
def test_a_map_that_does_not_fit_is_not_silently_used(
    machines: tuple[Machine, Machine],
    change: Change,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    ann, ben = machines
    ann.measure()
    if what == "test left out":
        real = local.local_map

        def without(*words: Any) -> Any:
            made = real(*words)
            assert made
            loaded = load_map(ann.db, made.about.commit)
            assert loaded
            kept = [t for t in loaded.traces.values() if not t.name.endswith("test_total")]
            about = replace(made.about, tests=made.about.tests - 1)
            return replace(made, about=about, files=encode(kept))

        monkeypatch.setattr("copydesk.agent.coverage.exchange.travel.local_map", without)
    elif what == "other count":
        monkeypatch.setattr(local, "encode", lambda traces: encode(list(traces)[:3]))
    elif what == "other environment":
        parts = {"python": "cpython 9.9"}
        ann.db.execute("UPDATE environments SET fingerprint = ?", ("f" * 24,))
        ann.db.execute("UPDATE measures SET environment = ?", ("f" * 24,))
        ann.db.foreign_maps.put_environment("f" * 24, parts)
    else:
        monkeypatch.setattr(local, "encode", lambda traces: encode(map(elsewhere, traces)))
    ann.push()
    if what in ("other count", "shallow"):
        with pytest.raises(Exception, match="refused"):
            ben.fetch()
        assert ben.db.foreign_maps.all() == []
    else:
        ben.fetch()
    change("tests/test_stock.py", "assert shelf.items", "assert len(shelf.items)")
    done = ben.measure()
    assert done.total == 6
    if what == "test left out":
        assert done.base is not None
        traces = load_map(ben.db, done.sha)
        assert traces
        assert "tests/test_prices.py::test_total" in traces.tests()
    else:
        assert done.selected == 6
    if what == "other environment":
        assert ben.db.foreign_maps.shares(done.sha) == []
        ben.db.foreign_maps.accept(["python", "platform"])
        assert ben.measure().selected == 0  # nothing changes for a commit measured here


def elsewhere(trace: Trace) -> Trace:
    return trace._replace(hits=tuple(hit._replace(blob="0" * 40) for hit in trace.hits))
