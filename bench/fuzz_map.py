"""Damaged and hostile maps for some minutes: `python bench/fuzz_map.py --minutes 10`.

Two kinds in turn: files of a map altered at random bytes, lines or JSON values and decoded, and a
pack of maps altered at random bytes and fetched with git. Each must be refused with its error, or
hold nothing but what a map may hold; anything else ends the run with the input's seed. What a
decoder takes at most, in seconds and memory, is printed too.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

from copydesk.agent.coverage.exchange import decode, encode, limits
from copydesk.agent.coverage.exchange.about import About
from copydesk.agent.coverage.exchange.index import NewMap, read_map
from copydesk.agent.coverage.exchange.remote_maps import Place, fetch, push
from copydesk.agent.coverage.store import Hit, Trace, nums_to_numbits, pack_arcs
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.map_repository import open_map_repository
from copydesk.agent.git.repository import find

PLACE = Place("origin")
VALUES = (None, True, -1, 0, 1 << 31, 1 << 64, 1e308, "", "../x", "\0", "x" * 70_000, [], {}, [[]])


def a_map(chance: random.Random) -> list[Trace]:
    """Traces of some tests of some files."""
    traces = []
    for number in range(chance.randint(1, 12)):
        lines = sorted(chance.sample(range(1, 400), chance.randint(0, 30)))
        arcs = [(chance.choice((-1, 1)) * a, b) for a, b in pairwise(lines)]
        blob = f"{chance.getrandbits(160):040x}"
        path = chance.choice(("a.py", "src/b.py"))
        hit = Hit(path, blob, nums_to_numbits(lines), pack_arcs(arcs))
        needs = frozenset({("import", path), ("env", f"X={number}")})
        name = f"tests/test_{number % 3}.py::test_{number}"
        traces.append(Trace("test", name, "passed", 0.1, (hit,), needs))
    return traces


def altered(content: bytes, chance: random.Random) -> bytes:
    """A content with some bytes, a line or a JSON value altered."""
    kind = chance.randrange(3)
    if kind == 0 or not content:
        changed = bytearray(content)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(changed) + 1)
            changed[at : at + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
        return bytes(changed)
    lines = content.split(b"\n")
    at = chance.randrange(len(lines))
    if kind == 1:
        lines[at] = chance.choice((b"", lines[at] * 2, chance.choice(lines)))
        return b"\n".join(lines)
    head, _, text = lines[at].rpartition(b" ") if b" " in lines[at] else (b"", b"", lines[at])
    try:
        value = json.loads(text)
    except ValueError:
        return content[: chance.randrange(len(content))]
    place = value
    while isinstance(place, list) and chance.random() < 0.7:
        inner = [one for one in place if isinstance(one, list)]
        if not inner:
            break
        place = chance.choice(inner)
    if isinstance(place, list) and place:
        place[chance.randrange(len(place))] = chance.choice(VALUES)
    lines[at] = (head + b" " if head else b"") + json.dumps(value).encode()
    return b"\n".join(lines)


def try_files(seed: int, outcomes: Counter[str]) -> None:
    """Decode one altered map."""
    chance = random.Random(seed)
    files = dict(encode(a_map(chance)))
    for _ in range(chance.randint(1, 3)):
        path = chance.choice(sorted(files))
        files[path] = altered(files[path], chance)
    try:
        for trace in decode(files):
            assert trace.kind in limits.KINDS
            assert trace.outcome in limits.OUTCOMES
            assert all(limits.is_inside(hit.path) for hit in trace.hits)
        outcomes["files: read"] += 1
    except CopydeskError as error:
        if error.slug != "map-refused":
            raise
        outcomes["files: refused"] += 1


class Remote:
    """A bare repository with a pack of maps, and a clone that fetches it."""

    def __init__(self, folder: Path) -> None:
        self.bare = folder / "maps.git"
        subprocess.run(["git", "init", "-q", "--bare", self.bare], check=True)
        tops = [folder / name for name in ("ann", "ben")]
        for top in tops:
            subprocess.run(["git", "init", "-q", top], check=True)
            subprocess.run(["git", "-C", top, "remote", "add", "origin", self.bare], check=True)
        maker, self.maps = (open_map_repository(find(top)) for top in tops)
        about = About("a" * 40, "e" * 24, True, {}, "Ann", 1)
        files = encode(a_map(random.Random(1)))
        push(maker, PLACE, ["a" * 40], lambda _: NewMap(about, files))
        subprocess.run(["git", "-C", self.bare, "repack", "-a", "-d", "-q"], check=True)
        (self.pack,) = (self.bare / "objects" / "pack").glob("*.pack")
        self.content = self.pack.read_bytes()
        self.pack.chmod(0o644)

    def attempt(self, seed: int, outcomes: Counter[str]) -> None:
        """Fetch one altered pack."""
        chance = random.Random(seed)
        changed = bytearray(self.content)
        for _ in range(chance.randint(1, 3)):
            changed[chance.randrange(12, len(changed))] = chance.randrange(256)
        self.pack.write_bytes(bytes(changed))
        try:
            fetched = fetch(self.maps, PLACE)
            for tree in fetched.index.values():
                decode({p: c for p, c in read_map(self.maps, tree).items() if p != "about"})
            outcomes["packs: whole"] += 1
        except CopydeskError:
            outcomes["packs: refused"] += 1
            assert self.maps.tip(PLACE.known_ref) is None
            assert not list(self.maps.folder.glob("incoming-*"))
            assert not list((self.maps.folder / "objects" / "pack").glob("*.pack"))
        self.maps.drop(PLACE.known_ref)
        for left in (self.maps.folder / "objects" / "pack").iterdir():
            left.unlink()


def main() -> None:
    """Try for as long as was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="copydesk-fuzz-"))
    outcomes: Counter[str] = Counter()
    slowest, seed, end = 0.0, options.seed, time.monotonic() + 60 * options.minutes
    try:
        remote = Remote(folder)
        while time.monotonic() < end:
            started = time.process_time()
            try:
                try_files(seed, outcomes)
                slowest = max(slowest, time.process_time() - started)
                if seed % 50 == 0:
                    remote.attempt(seed, outcomes)
            except Exception:
                print(f"seed {seed}")
                raise
            seed += 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{options.minutes:g} minutes: {dict(outcomes)}")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"slowest decoding {slowest:.3f} s of CPU; {memory:.0f} MB at most")


if __name__ == "__main__":
    main()
