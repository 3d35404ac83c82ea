"""Maps pushed, fetched and pruned between clones and a bare remote, with real git."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.coverage.exchange import index as indexes
from copydesk.agent.coverage.exchange import remote_maps
from copydesk.agent.coverage.exchange.index import NewMap, read_index, read_map
from copydesk.agent.coverage.exchange.remote_maps import Place, fetch, place, prune, push
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import map_repository

HERE = Place("origin")
Machines = Callable[[str], Any]
MakeMap = Callable[..., NewMap]


def pushed(machine: Any, *new: NewMap, say: Callable[[str], None] = lambda _: None) -> Any:
    by_commit = {each.about.commit: each for each in new}
    return push(machine.maps, HERE, list(by_commit), by_commit.get, say)


def git(where: Path, *words: str, **more: Any) -> str:
    done = subprocess.run(["git", "-C", where, *words], check=True, capture_output=True, **more)
    return done.stdout.decode().strip()


def test_what_one_pushes_the_other_fetches(machine: Machines, remote: Path, a_map: MakeMap) -> None:
    ann, ben = machine("ann"), machine("ben")
    assert fetch(ben.maps, HERE).tip is None
    one = a_map("a" * 40)
    assert pushed(ann, one).names == [one.about.name]
    fetched = fetch(ben.maps, HERE)
    assert fetched.new == {one.about.name: one.about}
    files = read_map(ben.maps, fetched.index[one.about.name])
    assert files == {**one.files, "about": one.about.to_json()}
    again = fetch(ben.maps, HERE)
    assert (again.new, again.index) == ({}, fetched.index)
    assert pushed(ann, one).names == []
    assert pushed(ben, a_map("a" * 40, at=9)).names == []  # somebody measured that already
    # the user's own repository has neither refs nor objects of it
    for top in (ann.top, ben.top):
        assert git(top, "for-each-ref") == ""
        assert git(top, "count-objects").startswith("0 objects")


def test_who_is_slower_tries_again_on_top(machine: Machines, a_map: MakeMap) -> None:
    ann, ben = machine("ann"), machine("ben")
    one, two = a_map("a" * 40), a_map("c" * 40)
    said: list[str] = []
    real = ann.maps.__class__.push

    def overtaken(self: Any, *words: Any) -> None:
        if self.folder == ann.maps.folder and not said:
            pushed(ben, two)
        real(self, *words)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(map_repository.MapRepository, "push", overtaken)
        result = pushed(ann, one, say=said.append)
    assert (result.attempts, result.total, len(said)) == (2, 2, 1)
    assert fetch(ben.maps, HERE).index.keys() == {one.about.name, two.about.name}


def test_a_remote_that_refuses_is_said_at_once(
    machine: Machines, remote: Path, a_map: MakeMap
) -> None:
    hook = remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'no maps here' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(CopydeskError, match="no maps here"):
        pushed(machine("ann"), a_map("a" * 40))
    with pytest.raises(CopydeskError):
        fetch(machine("ben").maps, Place("nowhere"))


def test_maps_of_forks_have_places_of_their_own(machine: Machines, a_map: MakeMap) -> None:
    ann = machine("ann")
    theirs = place("origin", "alice")
    push(ann.maps, theirs, ["a" * 40], a_map)
    assert fetch(ann.maps, HERE).index == {}
    assert len(fetch(ann.maps, theirs).index) == 1
    assert theirs.origin == "origin alice"
    assert place("../else", None).known_ref.count("/") == 4
    for name in ("../team", "-x", "a b", "a.lock"):
        with pytest.raises(CopydeskError):
            place("origin", name)
    with pytest.raises(CopydeskError):
        place("--upload-pack=x", None)


def test_pruning_keeps_what_is_reached_and_holds_nothing_else(
    machine: Machines, remote: Path, a_map: MakeMap
) -> None:
    ann, ben = machine("ann"), machine("ben")
    pushed(ann, a_map("a" * 40, number=1))
    pushed(ann, a_map("c" * 40, at=2, number=2), a_map("d" * 40, at=3, number=3))
    result = prune(ann.maps, HERE, lambda shas: {"c" * 40} & set(shas))
    assert (len(result.names), result.total) == (2, 1)
    fetched = fetch(ben.maps, HERE)
    assert [name[0] for name in fetched.index] == ["c"]
    assert git(remote, "rev-list", "--count", remote_maps.TEAM) == "1"
    assert prune(ann.maps, HERE, set).names == []
    assert ann.maps.size() > 0
    pushed(ben, a_map("a" * 40, at=7))
    assert len(fetch(ann.maps, HERE).index) == 2


def test_a_second_map_is_sent_as_the_difference(
    machine: Machines, remote: Path, a_map: MakeMap
) -> None:
    ann = machine("ann")
    rows = b"".join(b"%d %d\n" % (n, n * n * 7919 % 10_007) for n in range(40_000))
    one = a_map("a" * 40)
    first = NewMap(one.about, {**one.files, "hits/big.py.hits": rows})
    pushed(ann, first)
    git(remote, "gc", "-q")
    before = stored(remote)
    two = a_map("c" * 40, at=2)
    pushed(ann, NewMap(two.about, {**two.files, "hits/big.py.hits": rows + b"one more\n"}))
    assert stored(remote) - before < len(rows) / 50


def stored(remote: Path) -> int:
    # few objects are unpacked on arrival, and no longer are differences then
    git(remote, "gc", "-q")
    return sum(path.stat().st_size for path in (remote / "objects").rglob("*") if path.is_file())


def forged(remote: Path, files: dict[str, bytes | tuple[str, bytes]]) -> None:
    """Let the team's ref name a commit of these files; a pair is a mode and a content."""
    stream = b"commit refs/copydesk/map/team\ncommitter x <> 0 +0000\ndata 0\n"
    for path, value in files.items():
        mode, content = value if isinstance(value, tuple) else ("100644", value)
        stream += b"M %s inline %s\n" % (mode.encode(), path.encode())
        stream += b"data %d\n%s\n" % (len(content), content)
    git(remote, "fast-import", "--quiet", "--force", input=stream)


FORMAT = b"copydesk map 1\n"
NAME = f"{'a' * 40}-{'e' * 24}-b-1"
FOLDER = f"maps/aa/{NAME}"


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"readme": b"hello"}, "no map"),
        ({"format": b"copydesk map 2\n"}, "another format"),
        ({"format": FORMAT, "maps": b"file"}, "no tree"),
        ({"format": FORMAT, "maps/aa/x/about": b"{}"}, "a map called"),
        ({"format": FORMAT, f"maps/bb/{NAME}/about": b"{}"}, "wrong place"),
        ({"format": FORMAT, "maps/aa": b"file"}, "where a folder belongs"),
        ({"format": FORMAT, f"{FOLDER}/other": b"{}"}, "does not say"),
        ({"format": FORMAT, f"{FOLDER}/about": b"{}"}, "cannot be read"),
        ({"format": FORMAT, f"{FOLDER}/about": b'{"format": 2}'}, "of format '2'"),
        ({"format": FORMAT, f"{FOLDER}/about": ("120000", b"/etc/passwd")}, "no tree of plain"),
        ({"format": FORMAT, f"{FOLDER}/about": ("100755", b"{}")}, "no tree of plain"),
    ],
)
def test_what_is_no_map_is_refused_and_not_stored(
    machine: Machines,
    remote: Path,
    files: dict[str, bytes | tuple[str, bytes]],
    why: str,
) -> None:
    forged(remote, files)
    ben = machine("ben")
    with pytest.raises(CopydeskError, match=why) as refused:
        fetch(ben.maps, HERE)
    assert refused.value.slug == "map-refused"
    assert stored_objects(ben) == []
    assert ben.maps.tip(HERE.known_ref) is None


def stored_objects(machine: Any) -> list[Path]:
    folders = [machine.maps.folder, machine.top / ".git" / "objects"]
    return [p for folder in folders for p in folder.rglob("*") if is_object(p)]


def is_object(path: Path) -> bool:
    return path.suffix == ".pack" or (path.is_file() and len(path.parent.name) == 2)


def test_a_name_that_leads_out_of_the_tree_is_refused(machine: Machines, remote: Path) -> None:
    """git itself does not write such a tree, but whoever attacks does."""
    blob = git(remote, "hash-object", "-w", "--stdin", input=FORMAT)
    raw = b"".join(b"100644 %s\0%s" % (n, bytes.fromhex(blob)) for n in (b"..", b"format"))
    words = ("hash-object", "-w", "-t", "tree", "--literally", "--stdin")
    tree = git(remote, *words, input=raw)
    made = f"tree {tree}\nauthor x <> 0 +0000\ncommitter x <> 0 +0000\n\n".encode()
    commit = git(remote, "hash-object", "-w", "-t", "commit", "--stdin", input=made)
    git(remote, "update-ref", remote_maps.TEAM, commit)
    ben = machine("ben")
    with pytest.raises(CopydeskError, match="refused"):
        fetch(ben.maps, HERE)
    assert stored_objects(ben) == []
    with pytest.raises(CopydeskError, match="leads out"):
        map_repository._parse_tree("0" * 40, raw)
    with pytest.raises(CopydeskError, match="no tree"):
        map_repository._parse_tree("0" * 40, raw[len(raw) // 2 - 2 : -3])


def test_a_flipped_bit_is_refused_and_nothing_is_stored(
    machine: Machines, remote: Path, a_map: MakeMap
) -> None:
    pushed(machine("ann"), a_map("a" * 40))
    git(remote, "repack", "-a", "-d", "-q")
    (pack,) = (remote / "objects" / "pack").glob("*.pack")
    ben = machine("ben")
    content = pack.read_bytes()
    pack.chmod(0o644)
    for at in range(20, len(content) - 21, len(content) // 7):
        damaged = bytearray(content)
        damaged[at] ^= 1 << random.Random(at).randrange(8)
        pack.write_bytes(bytes(damaged))
        with pytest.raises(CopydeskError):
            fetch(ben.maps, HERE)
        assert stored_objects(ben) == []
    pack.write_bytes(content)
    assert len(fetch(ben.maps, HERE).index) == 1


def test_an_object_that_claims_much_is_not_read(
    machine: Machines, remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(map_repository, "MAX_OBJECT", 100_000)
    forged(remote, {"format": FORMAT, f"{FOLDER}/about": b"0" * 200_000})
    ben = machine("ben")
    with pytest.raises(CopydeskError, match="claims 200,000 bytes"):
        fetch(ben.maps, HERE)
    assert stored_objects(ben) == []


def test_a_map_of_too_many_or_too_large_files_is_not_read(
    machine: Machines, a_map: MakeMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = machine("ann")
    one = a_map("a" * 40)
    pushed(ann, one)
    tree = fetch(ann.maps, HERE).index[one.about.name]
    monkeypatch.setattr(indexes, "MAX_MAP_BYTES", 10)
    with pytest.raises(CopydeskError, match="claim more"):
        read_map(ann.maps, tree)
    monkeypatch.setattr(map_repository, "MAX_ENTRIES", 1)
    with pytest.raises(CopydeskError, match="more than 1"):
        read_map(ann.maps, tree)
    with pytest.raises(CopydeskError, match="missing"):
        ann.maps.read(["0" * 40])


def test_a_fetch_that_was_killed_leaves_nothing_for_ever(machine: Machines) -> None:
    ann = machine("ann")
    left = ann.maps.folder / "incoming-old"
    left.mkdir()
    os.utime(left, (0, 0))
    young = ann.maps.folder / "incoming-young"
    young.mkdir()
    map_repository.open_map_repository(ann.maps.repo)
    assert (left.exists(), young.exists()) == (False, True)


def interleaved(machines: list[Any], a_map: MakeMap, choose: random.Random, count: int) -> None:
    """Two machines push maps, in whatever order, each overtaken by the other at random."""
    waiting = {id(m): [] for m in machines}
    for number in range(count):
        commit = f"{choose.randrange(8):x}" * 40
        waiting[id(choose.choice(machines))].append(a_map(commit, at=number, number=number + 1))
    real = map_repository.MapRepository.push

    def overtaken(self: Any, *words: Any) -> None:
        others = [m for m in machines if m.maps.folder != self.folder and waiting[id(m)]]
        if others and choose.random() < 0.5:
            pushed(others[0], waiting[id(others[0])].pop())
        real(self, *words)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(map_repository.MapRepository, "push", overtaken)
        while any(waiting.values()):
            each = choose.choice([m for m in machines if waiting[id(m)]])
            pushed(each, waiting[id(each)].pop())


@pytest.mark.parametrize(
    "rounds", [2, pytest.param(200, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])]
)
def test_no_interleaving_of_two_pushers_loses_a_map(
    machine: Machines, remote: Path, a_map: MakeMap, rounds: int
) -> None:
    machines = [machine("ann"), machine("ben")]
    for seed in range(rounds):
        choose = random.Random(seed)
        pushed_names: set[str] = set()

        def counted(commit: str, at: int, number: int) -> NewMap:
            made = a_map(commit, at=at, number=number)
            pushed_names.add(made.about.commit)  # noqa: B023  used within this round only
            return made

        interleaved(machines, counted, choose, 4)
        tips = {fetch(m.maps, HERE).tip for m in machines}
        (tip,) = tips
        indexes_there = [read_index(m.maps, tip) for m in machines]
        assert indexes_there[0] == indexes_there[1]
        assert {name[:40] for name in indexes_there[0]} == pushed_names
        git(remote, "update-ref", "-d", remote_maps.TEAM)
        for each in machines:
            each.maps.drop(HERE.known_ref)
