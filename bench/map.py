"""Maps that travel with git, on real history: `make bench-map PROJECT=... RANGE=A..B`.

Two clones measure the commits of a range in turn. Each fetches the other's maps, measures the next
commit from them, and pushes. A third clone runs every test of every commit; what counts of each
file, and what is executed and missing of it, must be the same. Of each push the bytes of the pack
that git sends are counted, and in the end those of the remote after its garbage collection. With
`--without-truth` the third clone is left out, for long ranges.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from copydesk.agent.coverage.exchange import fetch_maps, place, push_maps
from copydesk.agent.coverage.measure import measure
from copydesk.agent.coverage.replay import replay as replaying
from copydesk.agent.coverage.store import load_totals
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git import repository as git
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.map_repository import open_map_repository
from copydesk.agent.git.repository import Repository, set_config
from copydesk.agent.records import Json

PLACE = place("maps", None)


@dataclass
class Machine:
    """A clone with a desk."""

    name: str
    repo: Repository
    db: Database

    def measure(self, sha: str, *, full: bool = False) -> Json:
        """Measure a commit; how many tests ran, and processor and wall time in seconds."""
        processor, started = replaying.processor_time(), time.monotonic()
        done = measure(self.db, Commit(self.repo, sha), full=full)
        return {
            "selected": done.selected,
            "total": done.total,
            "reason": done.reason,
            "processor": round(replaying.processor_time() - processor, 2),
            "seconds": round(time.monotonic() - started, 2),
        }

    def lines(self, sha: str) -> Json:
        """What is said of the lines of a measured commit, by file."""
        totals = load_totals(self.db, sha) or []
        return {t.path: (t.executed, t.arcs, t.statements, t.missing) for t in totals}


@contextmanager
def machine(stack: ExitStack, project: Path, python: Path, folder: Path) -> Iterator[Machine]:
    """A new clone of a project."""
    subprocess.run(["git", "clone", "-q", "--no-checkout", project, folder], check=True)
    repo = git.find(folder)
    subprocess.run(
        ["git", "-C", folder, "remote", "add", "maps", folder.parent / "maps.git"], check=True
    )
    set_config(repo, "copydesk.python", str(python))
    yield Machine(folder.name, repo, stack.enter_context(open_desk(repo.desk)))


def pack_bytes(repo: Repository, before: str | None) -> int:
    """Bytes of the pack that a push of the maps sent, which the remote had up to a commit."""
    maps = open_map_repository(repo)
    revisions = f"{maps.tip(PLACE.known_ref)}\n" + (f"^{before}\n" if before else "")
    words = ["git", "--git-dir", maps.folder, "pack-objects", "--revs", "--thin", "--stdout", "-q"]
    return len(subprocess.run(words, input=revisions.encode(), stdout=-1, check=True).stdout)


def replay(options: argparse.Namespace, folder: Path) -> list[Json]:
    """Measure commits in turn; a row each, printed as it is known."""
    remote = folder / "maps.git"
    subprocess.run(["git", "init", "-q", "--bare", remote], check=True)
    rows = []
    with ExitStack() as stack:
        names = ("ann", "ben", "truth")
        ann, ben, truth = (
            stack.enter_context(machine(stack, options.project, options.python, folder / name))
            for name in names
        )
        shas = replaying.commits(ann.repo, options.range, options.limit)
        for number, sha in enumerate(shas):
            here = (ann, ben)[number % 2]
            started = time.monotonic()
            fetch_maps(here.repo, here.db, PLACE)
            fetched = time.monotonic() - started
            before = open_map_repository(here.repo).tip(PLACE.known_ref)
            row = {"commit": sha[:10], "machine": here.name} | here.measure(sha)
            push_maps(here.repo, here.db, PLACE, [sha], who=here.name)
            row |= {"fetch": round(fetched, 2), "pushed": pack_bytes(here.repo, before)}
            if not options.without_truth:
                full = truth.measure(sha, full=True)
                row["full"] = {key: full[key] for key in ("processor", "seconds")}
                row["exact"] = truth.lines(sha) == here.lines(sha)
            rows.append(row)
            print(json.dumps(row), flush=True)
    subprocess.run(["git", "-C", remote, "gc", "-q", "--prune=now"], check=True)
    return rows


def main() -> None:
    """Replay, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path)
    parser.add_argument("range")
    parser.add_argument("--python", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=20)
    parser.add_argument("--without-truth", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="copydesk-map-"))
    try:
        rows = replay(options, folder)
        stored = (folder / "maps.git" / "objects").rglob("*")
        size = sum(path.stat().st_size for path in stored if path.is_file())
        own = subprocess.run(
            ["git", "-C", options.project, "count-objects", "-v"],
            capture_output=True, text=True, check=True,
        ).stdout.split("size-pack: ")[1].split()[0]  # fmt: skip
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    pushed = sorted(row["pushed"] for row in rows[1:]) or [0]
    print(f"{len(rows)} commits; exact: {sum(row.get('exact', False) for row in rows)}")
    median = pushed[len(pushed) // 2]
    print(f"first push {rows[0]['pushed']:,} bytes; later: median {median:,}, most {pushed[-1]:,}")
    print(f"remote after gc {size:,} bytes; the project's pack {int(own):,} KiB")
    selected = sum(row["selected"] for row in rows[1:])
    print(
        f"tests run after the first measure: {selected:,} of {sum(r['total'] for r in rows[1:]):,}"
    )


if __name__ == "__main__":
    main()
