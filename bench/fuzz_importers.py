"""Mutate the sample exports and import them: no exception, no hang, every kept message valid.

    python bench/fuzz_importers.py SAMPLES [SECONDS_EACH]

SAMPLES is a folder of exports, such as tests/data/community. A mutated file that fails is kept and
named.
"""

from __future__ import annotations

import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from copydesk.agent.community.import_files import import_file
from copydesk.agent.community.label_messages import label_messages
from copydesk.agent.desk.store import open_desk
from copydesk.agent.progress import silent

SLOW_SECONDS = 10.0
_ODD = [b"\0", b"\xff\xfe", b"\xed\xa0\xbd", b"1e999", b"-1", b"null", b"[" * 300, b"{", b'"']
_ODD += [b"</", b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"&a;", b"]]>", b"2026-13-45T99:99", b"\\ud83d"]

Mutation = Callable[[random.Random, bytearray], None]


def flip(chance: random.Random, data: bytearray) -> None:
    """Another byte at a place."""
    data[chance.randrange(len(data))] = chance.randrange(256)


def cut(chance: random.Random, data: bytearray) -> None:
    """A stretch is missing."""
    start = chance.randrange(len(data))
    del data[start : start + chance.randrange(1, 200)]


def repeat(chance: random.Random, data: bytearray) -> None:
    """A stretch is there once more."""
    start = chance.randrange(len(data))
    data[start:start] = data[start : start + chance.randrange(1, 400)]


def insert(chance: random.Random, data: bytearray) -> None:
    """Something odd at a place."""
    place = chance.randrange(len(data))
    data[place:place] = chance.choice(_ODD)


def swap_values(chance: random.Random, data: bytearray) -> None:
    """What stands between two colons or angle brackets is something odd."""
    mark = chance.choice([b":", b">"])
    start = data.find(mark, chance.randrange(len(data)))
    if start >= 0:
        end = data.find(b"," if mark == b":" else b"<", start)
        data[start + 1 : max(end, start + 1)] = chance.choice(_ODD)


MUTATIONS: tuple[Mutation, ...] = (flip, cut, repeat, insert, swap_values)


def main(samples: Path, seconds: float) -> int:
    """Fuzz each sample for so many seconds; 1 if anything failed."""
    failures = 0
    for path in sorted(samples.iterdir()):
        if path.suffix not in (".json", ".xml", ".csv"):
            continue
        chance = random.Random(path.name)
        original = path.read_bytes()
        until = time.monotonic() + seconds
        files = kept = 0
        with tempfile.TemporaryDirectory() as folder, open_desk(Path(folder) / "desk") as db:
            while time.monotonic() < until:
                data = bytearray(original)
                for _ in range(chance.choice([1, 1, 2, 5, 20])):
                    chance.choice(MUTATIONS)(chance, data)
                    data = data or bytearray(b"x")
                mutated = Path(folder) / f"mutated{path.suffix}"
                mutated.write_bytes(data)
                began = time.monotonic()
                try:
                    imported = import_file(db, mutated, names=True, complete=True, progress=silent)
                except Exception as error:  # what is looked for
                    failures += 1
                    place = Path(tempfile.gettempdir()) / f"fuzz-{failures}-{path.name}"
                    place.write_bytes(data)
                    print(f"{place}: {type(error).__name__}: {error}"[:200])
                    continue
                if time.monotonic() - began > SLOW_SECONDS:
                    failures += 1
                    print(f"{path.name}: {time.monotonic() - began:.0f} s for one file")
                files += 1
                kept += imported.new
            label_messages(db, silent)
            invalid = sum(not valid(message) for message in db.feedback.messages())
            failures += invalid
        print(f"{path.name}: {files:,} files, {kept:,} messages kept, {invalid} invalid")
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{failures} failures; at most {megabytes:.0f} MB")
    return int(bool(failures))


def valid(message: object) -> bool:
    """Whether a listed message has what every message has."""
    values = vars(message) if hasattr(message, "__dict__") else message._asdict()  # type: ignore[attr-defined]
    years = 1990 <= time.gmtime(values["created_at"]).tm_year <= 2201
    return bool(years and values["external_id"] and values["kind"])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 600.0))
