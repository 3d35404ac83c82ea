"""How fast the screen is: first paint, keys, memory, beside a bare Textual program.

    python bench/screen.py [DRAFTS [FILES]]
    python bench/screen.py --thirty

Both run in processes of their own on a terminal of 80 by 24 characters (a pseudo-terminal); the
time to the first paint is from the start of the process to the first draft (or line) on it, and
that of a key from the key to the first bytes drawn because of it. `--thirty` has thirty drafts
decided on with a key each, and takes the time until the last one stands in its file.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import resource
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import find
from copydesk.agent.records import Draft, Target

BARE = """
from textual.app import App
from textual.widgets import Footer, OptionList
class Bare(App):
    BINDINGS = [("q", "quit", "quit")]
    def compose(self):
        yield OptionList(*(f"line {n}" for n in range({count})))
        yield Footer()
Bare().run()
"""
REVIEW = (
    "import sys; sys.argv = ['copydesk', 'review'];"
    " from copydesk.agent.cli.main import main; main()"
)
KEYS = 60
THIRTY = 30
"""Drafts that `--thirty` decides on."""
SOURCE = "def label(price):\n    if price < 0:\n        return 'refund'\n    return f'{price}'\n"


def make_project(top: Path, drafts: int, files: int) -> None:
    """A repository with so many files, and so many verified drafts for them on its desk."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", *words], cwd=top, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "-q")
    git("config", "user.name", "Bench")
    git("config", "user.email", "bench@example.com")
    (top / "tests").mkdir()
    for number in range(files):
        (top / f"mod{number}.py").write_text(SOURCE)
        test = f"from mod{number} import label\n\n\ndef test_label():\n    assert label(1) == '1'\n"
        (top / "tests" / f"test_mod{number}.py").write_text(test)
    git("add", "-A")
    git("commit", "-qm", "Add modules")
    sha = git("rev-parse", "HEAD")
    with open_desk(find(top).desk) as db:
        for number in range(drafts):
            db.drafts.add(a_draft(number, files, sha))


def a_draft(number: int, files: int, sha: str) -> Draft:
    """A verified draft with evidence as long as usual."""
    module = f"mod{number % files}"
    cases = "".join(f"    assert label(-{n}) == 'refund'\n" for n in range(1, 12))
    rungs = ("asserts", "passes", "isolated", "reaches", "mutants", "repeats", "behaviour")
    evidence = {
        "verdict": "verified", "tier": "full", "seconds": 2.5, "gained_lines": [3],
        "rungs": [{"name": name, "passed": True, "detail": "as it should be"} for name in rungs],
        "mutants_killed": number % 7, "mutants_total": 7, "tests": [f"test_refund_{number}"],
        "survivors": [f"{module}.py:2: < became <="], "notes": ["a note of usual length"],
    }  # fmt: skip
    return Draft(
        id=0, kind="test", state="ready", commit=sha, title=f"Tests for label in {module}.py",
        origin=f"writer {number}", path="", evidence=evidence,
        content=f"from {module} import label\n\n\ndef test_refund_{number}():\n{cases}",
        target=Target(f"{module}.py", "label", (3,)),
    )  # fmt: skip


class Terminal:
    """A program on a pseudo-terminal of 80 by 24 characters."""

    def __init__(self, code: str, where: Path) -> None:
        self.ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environment = dict(os.environ) | {"TERM": "xterm-256color"}
        for name in ("COLUMNS", "LINES", "NO_COLOR", "ACCESSIBLE"):
            environment.pop(name, None)
        self.started = time.perf_counter()
        self.child = subprocess.Popen(
            [sys.executable, "-c", code], cwd=where, env=environment, start_new_session=True,
            stdin=theirs, stdout=theirs, stderr=theirs,
        )  # fmt: skip
        os.close(theirs)

    def until(self, pattern: str, seconds: float = 60) -> float:
        """Read until something is drawn; the moment at which it was."""
        drawn, end = b"", time.perf_counter() + seconds
        while not re.search(pattern.encode(), drawn):
            if time.perf_counter() > end or self.child.poll() is not None:
                raise SystemExit(f"nothing like {pattern} was drawn: {drawn[-2000:]!r}")
            if select.select([self.ours], [], [], 0.05)[0]:
                try:
                    drawn += os.read(self.ours, 65536)
                except OSError:
                    raise SystemExit(f"it ended: {drawn[-2000:]!r}") from None
        return time.perf_counter()

    def key(self, key: bytes) -> float:
        """Press a key; seconds until the first byte of what it changed is drawn."""
        self.drain()
        began = time.perf_counter()
        os.write(self.ours, key)
        select.select([self.ours], [], [], 10)
        return time.perf_counter() - began

    def drain(self) -> None:
        """Read until nothing more is drawn for a while."""
        while select.select([self.ours], [], [], 0.12)[0]:
            os.read(self.ours, 65536)

    def close(self) -> float:
        """Quit; the most memory that the program has had, in MB."""
        peak = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{self.child.pid}/status").read_text())
        os.write(self.ours, b"q")
        end = time.perf_counter() + 20
        while self.child.poll() is None and time.perf_counter() < end:
            if select.select([self.ours], [], [], 0.05)[0]:
                try:
                    os.read(self.ours, 65536)
                except OSError:
                    break
        self.child.kill()
        self.child.wait()
        os.close(self.ours)
        return int(peak[1]) / 1024 if peak else 0.0


def measure(code: str, where: Path, pattern: str) -> dict[str, float]:
    """First paint in seconds, keys in milliseconds, memory in MB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    terminal = Terminal(code, where)
    paint = terminal.until(pattern) - terminal.started
    terminal.drain()
    keys = [terminal.key(b"\x1b[B") * 1000 for _ in range(KEYS)]
    memory = terminal.close()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "first_paint_s": round(paint, 3),
        "key_median_ms": round(statistics.median(keys), 1),
        "key_p95_ms": round(sorted(keys)[int(0.95 * KEYS)], 1),
        "memory_mb": round(memory, 1),
        "cpu_s": round(used, 2),
    }


def decide_thirty() -> dict[str, float]:
    """Accept thirty waiting drafts of ten files with a key each; seconds from the first key."""
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        make_project(top, THIRTY, 10)
        terminal = Terminal(REVIEW, top)
        terminal.until("mod[0-9]+.py::label")
        terminal.drain()
        began = time.perf_counter()
        for _ in range(THIRTY):
            terminal.key(b"a")
        pressed = time.perf_counter() - began
        accepted = 0
        with open_desk(find(top).desk) as db:
            while accepted < THIRTY and time.perf_counter() - began < 600:
                terminal.drain()
                accepted = len(db.drafts.find(("accepted",)))
        written = time.perf_counter() - began
        terminal.close()
        tests = sum(path.read_text().count("def test_refund_") for path in top.glob("tests/*.py"))
    return {
        "keys_each": 1,
        "accepted": accepted,
        "tests_written": tests,
        "last_key_s": round(pressed, 1),
        "last_written_s": round(written, 1),
    }


def main() -> None:
    """Print both programs' figures and their ratio as JSON; the best of three runs of each."""
    if sys.argv[1:] == ["--thirty"]:
        print(json.dumps(decide_thirty(), indent=2))
        return
    drafts = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    files = int(sys.argv[2]) if len(sys.argv) > 2 else 300
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        make_project(top, drafts, files)
        bare, screen = {}, {}
        for _ in range(3):
            for kept, code, pattern in (
                (bare, BARE.replace("{count}", str(drafts)), "line 3"),
                (screen, REVIEW, "mod[0-9]+.py::label"),
            ):
                for name, value in measure(code, top, pattern).items():
                    kept[name] = min(value, kept.get(name, value))
    ratio = {name: round(screen[name] / bare[name], 2) for name in bare if bare[name]}
    print(json.dumps({"drafts": drafts, "files": files, "bare": bare, "screen": screen,
                      "ratio": ratio}, indent=2))  # fmt: skip


if __name__ == "__main__":
    main()
