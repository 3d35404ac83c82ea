"""Commits beside a model that writes two tokens a second: `python bench/slow_model.py`.

Two repositories get the same commits in turn, each with copydesk's hooks and its own daemon. One
has no model; the other has a server (tests/ollama_server.py, on this machine) that writes two
tokens a second and does not come to an end by itself. For each commit: the seconds until it is
measured, and until its story and the embedded drafter's tests are on the desk. The turns change, so
that what else goes on slows both alike. Besides, what `copydesk status` said meanwhile.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import ollama_server

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import Repository, find
from copydesk.agent.model.background import seconds_used

COPYDESK = (str(Path(sys.executable).with_name("copydesk")),)
PACE = 0.5
"""Seconds between two tokens."""
FUNCTION = (
    "\n\ndef twice_{n}(amount):\n    if amount < {n}:\n        return {n}\n    return amount * 2\n"
)
FILES = {
    "shop.py": "def price(amount, rate=2):\n    return amount * rate\n",
    "tests/test_shop.py": "from shop import price\n\n\n"
    "def test_price():\n    assert price(3) == 6\n",
    "pyproject.toml": "[tool.pytest.ini_options]\ntestpaths = ['tests']\npythonpath = ['.']\n",
}


class Waits(NamedTuple):
    """Seconds from a commit until it was measured, and until its story and drafts were there."""

    measured: float
    written: float


class Side:
    """One repository with its daemon.

    Args:
        folder: Where it is to be.
        settings: Git settings of copydesk's, besides the interpreter.
    """

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.folder = folder
        self._run("git", "init", "-q", str(folder))
        for name, value in {"user.name": "sandbox", "user.email": "sandbox@example.org"}.items():
            self.git("config", name, value)
        for name, value in {"python": sys.executable, **settings}.items():
            self.git("config", f"copydesk.{name}", value)
        self._write(FILES)
        self.commit("Open the shop")
        self._run(*COPYDESK, "init", "--native", "--yes")

    @property
    def repo(self) -> Repository:
        """The repository."""
        return find(self.folder)

    def git(self, *words: str) -> str:
        """Run git."""
        return self._run("git", *words)

    def add(self, number: int) -> str:
        """Commit a new function that nobody tests; returns the commit."""
        text = FILES["shop.py"] + FUNCTION.format(n=number + 2)
        self._write({f"shop_{number}.py": text})
        return self.commit(f"Add twice {number}")

    def commit(self, subject: str) -> str:
        """Commit all; returns the commit."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", subject, "--no-verify")
        return self.git("rev-parse", "HEAD").strip()

    def status(self) -> dict[str, object]:
        """What `copydesk status` says."""
        status: dict[str, object] = json.loads(self._run(*COPYDESK, "status", "--json"))
        return status

    def _write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def _run(self, *words: str) -> str:
        folder = self.folder if self.folder.is_dir() else self.folder.parent
        done = subprocess.run(words, cwd=folder, check=False, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{words}: {done.stdout}{done.stderr}")
        return done.stdout


def is_written(db: Database, sha: str) -> bool:
    """Whether a commit's story and an embedded draft are on the desk."""
    story = db.stories.growing()
    return (
        story is not None
        and story.span.last == sha
        and bool(db.drafts.find(kind="test", commit=sha))
    )


def wait_for(db: Database, sha: str, limit: float, look: Callable[[], None]) -> Waits:
    """The waits of a commit that was made just now."""
    began = time.monotonic()
    measured = written = float("inf")
    while (took := time.monotonic() - began) < limit and written == float("inf"):
        if measured == float("inf") and db.measures.get(sha):
            measured = took
        if measured < float("inf") and is_written(db, sha):
            written = took
        time.sleep(0.2)
    look()
    return Waits(measured, written)


@contextlib.contextmanager
def two_sides(top: Path, budget: float) -> Iterator[tuple[Side, Side, ollama_server.Script]]:
    """A repository without a model and one with a slow one, and that one's server."""
    with ollama_server.serve(["word " * 20_000], pace=PACE, piece=5) as script:
        plain = Side(top / "plain", {"modelHost": "127.0.0.1:9"})
        beside = Side(top / "beside", {"modelHost": script.host, "modelSeconds": str(budget)})
        try:
            yield plain, beside, script
        finally:
            for side in (plain, beside):
                subprocess.run([*COPYDESK, "daemon", "stop"], cwd=side.folder, check=False)


def main() -> int:
    """Print the waits, their ratio, and what the model's lane took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commits", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=60.0, help="begin no commit after that")
    parser.add_argument("--budget", type=float, default=120.0, help="seconds an hour for the model")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds to wait for a commit")
    parser.add_argument("--folder", help="an empty folder to work in, which is kept")
    options = parser.parse_args()
    said: collections.Counter[str] = collections.Counter()
    waits: list[list[Waits]] = []
    with contextlib.ExitStack() as stack:
        name = options.folder or stack.enter_context(tempfile.TemporaryDirectory())
        os.environ["HOME"] = name
        plain, beside, script = stack.enter_context(two_sides(Path(name), options.budget))
        desks = [(s, stack.enter_context(open_desk(s.repo.desk))) for s in (plain, beside)]
        for _, db in desks:
            while not db.stories.growing():
                time.sleep(0.2)

        def look() -> None:
            model = beside.status()["model"]
            assert isinstance(model, dict)
            said[str(model["doing"] and model["doing"]["step"])] += 1

        ends = time.monotonic() + options.minutes * 60
        for number in range(options.commits):
            pair = {}
            for side, db in sorted(desks, key=lambda one: one[0] is plain, reverse=number % 2):
                pair[side] = wait_for(db, side.add(number), options.limit, look)
            waits.append([pair[plain], pair[beside]])
            print(number, *waits[-1], flush=True)
            if time.monotonic() > ends:
                break
        used = seconds_used(desks[1][1])
    missing = sum(w.written == float("inf") for pair in waits for w in pair)
    ratios = [
        sum(getattr(p[1], f) for p in waits) / sum(getattr(p[0], f) for p in waits)
        for f in Waits._fields
    ]
    median = statistics.median(pair[1].measured / pair[0].measured for pair in waits)
    print(
        f"{len(waits)} commits, {missing} missing; with the model measured in {ratios[0]:.2f} x,"
        f" written in {ratios[1]:.2f} x (median of pairs {median:.2f});"
        f" model {used:.1f} of {options.budget:.0f} s, {len(script.asked)} requests"
    )
    print(dict(said))
    return int(bool(missing) or used > options.budget + 15)


if __name__ == "__main__":
    sys.exit(main())
