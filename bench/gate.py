"""What the gate costs: `make bench-gate`, and with `--data` beside diff-cover.

The hook against the interpreter's own start, with a map of 5,000 tests and 100,000 lines and a
change of 400 lines; `copydesk gate --data` and `diff-cover` on the same Cobertura file. Each
round runs all of them in turn, since only ratios within a run mean anything on a machine that
does other things too. CPU seconds of the child and its children, medians.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from coverage.numbits import nums_to_numbits

from copydesk.agent.coverage.store import Outline
from copydesk.agent.desk.migrations import STEPS, migrate
from copydesk.agent.desk.packed_ids import compress_ids, pack_ids
from copydesk.agent.process import scrubbed_environment

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
FILES, LINES, TESTS = 300, 334, 5000
CHANGED_FILES, CHANGED_LINES = 8, 50
BIN = Path(sys.executable).parent


class Made:
    """A repository of FILES files with a change, in the commit or staged, and a measured desk."""

    def __init__(self, folder: Path) -> None:
        self.top, self.folder = folder / "made", folder
        self.top.mkdir()
        self.environ = scrubbed_environment({"CI": "1", "HOME": str(folder)})
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "sandbox")
        self.git("config", "user.email", "sandbox@example.org")
        for number in range(FILES):
            self.write(number, lambda line: f"    x += {line}")
        self.git("add", "-A")
        self.git("commit", "--quiet", "-m", "base")
        for number in range(CHANGED_FILES):
            self.write(
                number, lambda line: f"    x {'+' if line > CHANGED_LINES + 5 else '-'}= {line}"
            )
        self.git("add", "-A")
        self.desk()

    def write(self, number: int, text: Callable[[int], str]) -> None:
        """Write one file: a function a dozen lines."""
        lines = [
            f"def f{n}(x):" if n % 12 == 0 else "    return x" if n % 12 == 11 else text(n)
            for n in range(LINES)
        ]
        path = self.top / f"pkg/sub{number % 10}/m{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")

    def git(self, *words: str) -> str:
        """Run git, which must succeed."""
        argv = ["git", *words]
        ended = subprocess.run(
            argv, cwd=self.top, env=self.environ, capture_output=True, check=True
        )
        return ended.stdout.decode()

    def desk(self) -> None:
        """The desk as if what is staged had been measured: all but one line in ten reached."""
        folder = self.top / ".git" / "copydesk"
        folder.mkdir()
        db = sqlite3.connect(folder / "desk.db", isolation_level=None)
        db.execute("PRAGMA journal_mode = wal")
        migrate(db)
        db.execute(f"PRAGMA user_version = {len(STEPS)}")
        db.execute("BEGIN")
        totals = []
        for entry in self.git("ls-files", "--stage").splitlines():
            blob, path = entry.split("\t")[0].split()[1], entry.split("\t")[1]
            totals.append(self._measured_file(db, path, blob))
        traces = [self._trace(db, number) for number in range(TESTS)]
        db.execute(
            "INSERT INTO measures VALUES (?, NULL, 'made', 'e', 'python', 0, 1, ?, ?, 0, 0, ?, ?,"
            " 90.0, 1.0, ?, ?, '')",
            (self.git("rev-parse", "HEAD").strip(), TESTS, TESTS, FILES * LINES,
             FILES * LINES * 9 // 10, compress_ids(traces), compress_ids(totals)),
        )  # fmt: skip
        db.execute("COMMIT")
        db.close()

    def _measured_file(self, db: sqlite3.Connection, path: str, blob: str) -> int:
        """A file with its outline, its totals and twenty hits; the id of its totals."""
        file = _insert(db, "INSERT INTO files (path, blob) VALUES (?, ?)", (path, blob))
        outline = Outline.of((self.top / path).read_text("utf-8"))
        db.execute(
            "INSERT OR IGNORE INTO known VALUES ('outline/2/bench', ?, ?)",
            (blob, json.dumps(outline)),
        )
        lines = range(1, LINES + 1)
        missing = [n for n in lines if n % 10 == 9]
        reached = nums_to_numbits(sorted(set(lines) - set(missing)))
        totals = _insert(
            db,
            "INSERT INTO totals (file_id, environment, executed, statements, excluded,"
            " missing) VALUES (?, 'e', ?, ?, x'', ?)",
            (file, reached, nums_to_numbits(lines), json.dumps(missing)),
        )
        for part in range(20):
            hit = nums_to_numbits([n for n in lines if n % 20 == part])
            db.execute("INSERT INTO hits (file_id, lines) VALUES (?, ?)", (file, hit))
        return totals

    def _trace(self, db: sqlite3.Connection, number: int) -> int:
        """A test that passed, with forty of the hits; the id of its trace."""
        name = f"tests/test_{number % 100}.py::test_{number}"
        db.execute("INSERT INTO contexts (kind, name) VALUES ('test', ?)", (name,))
        hits = pack_ids((number * 7 + k * 13) % (FILES * 20) + 1 for k in range(40))
        return _insert(
            db,
            "INSERT INTO traces (context_id, environment, outcome, seconds, hits, needs,"
            " recorded_at) VALUES (last_insert_rowid(), 'e', 'passed', 0.1, ?, '[]', 0)",
            (hits,),
        )

    def xml(self) -> Path:
        """A Cobertura file of the same."""
        path = self.folder / "coverage.xml"
        files = []
        for name in self.git("ls-files").splitlines():
            rows = "".join(
                f'<line number="{n}" hits="{int(n % 10 != 9)}"/>' for n in range(1, LINES + 1)
            )
            files.append(f'<class name="m" filename="{name}"><lines>{rows}</lines></class>')
        top = f"<sources><source>{self.top}</source></sources>"
        path.write_text(
            f'<?xml version="1.0" ?><coverage version="7" line-rate="0.9">{top}<packages>'
            f'<package name="p"><classes>{"".join(files)}</classes></package></packages></coverage>'
        )
        return path

    def cost(self, argv: Sequence[str | Path], codes: Sequence[int]) -> tuple[float, float]:
        """CPU and wall seconds of a program."""
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        ended = subprocess.run(
            argv, cwd=self.top, env=self.environ, capture_output=True, check=False
        )
        wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        if ended.returncode not in codes:
            raise SystemExit(f"{argv} ended with {ended.returncode}:\n{ended.stderr.decode()}")
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def _insert(db: sqlite3.Connection, sql: str, values: tuple[object, ...]) -> int:
    """Insert a row; its id."""
    return db.execute(sql, values).lastrowid or 0


def measured(project: Made, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """CPU and wall seconds by what was run."""
    python = str(BIN / "python")
    hook: dict[str, tuple[Sequence[str | Path], tuple[int, ...]]] = {
        "python, importing site alone": ((python, "-c", "pass"), (0,)),
        "git diff --cached": (("git", "diff", "--cached", "-U0", "--", "*.py"), (0,)),
        "the gate hook": ((BIN / "copydesk-gate",), (1,)),
    }
    costs: dict[str, list[tuple[float, float]]] = {}
    for _ in range(rounds):
        for name, (argv, codes) in hook.items():
            costs.setdefault(name, []).append(project.cost(argv, codes))
    project.git("commit", "--quiet", "-m", "change")
    xml = str(project.xml())
    data: dict[str, tuple[Sequence[str | Path], tuple[int, ...]]] = {
        "copydesk gate --data": (
            (BIN / "copydesk", "gate", "--base", "HEAD~1", "--data", xml, "--fail-under", "0"), (1,)
        ),
    }  # fmt: skip
    differ = shutil.which("diff-cover", path=f"{BIN}{os.pathsep}{os.environ['PATH']}")
    if differ:
        data["diff-cover"] = (
            (differ, xml, "--compare-branch", "HEAD~1", "--fail-under", "95"), (1,)
        )  # fmt: skip
    for _ in range(rounds):
        for name, (argv, codes) in data.items():
            costs.setdefault(name, []).append(project.cost(argv, codes))
    return costs


def table(found: dict[str, list[tuple[float, float]]], rounds: int) -> str:
    """What was found, as Markdown."""
    rows = [
        f"| {name} | {1000 * statistics.median(cpu for cpu, _ in costs):.0f}"
        f" | {1000 * statistics.median(wall for _, wall in costs):.0f} |"
        for name, costs in found.items()
    ]
    lines = (
        f"## The gate, Python {platform.python_version()}, {datetime.date.today()}",
        "",
        f"Linux {platform.machine()}, {os.cpu_count()} cores; {rounds} rounds; a map of {TESTS:,}"
        f" tests and {FILES * LINES:,} lines, a change of {CHANGED_FILES * CHANGED_LINES} lines in"
        f" {CHANGED_FILES} files; `bench/gate.py --rounds {rounds}`",
        "",
        "| run | CPU ms | wall ms |",
        "| --- | ---: | ---: |",
        *rows,
    )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the benchmark, print its table and append it to docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--print", action="store_true", dest="only", help="leave the page alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="copydesk-bench-") as folder:
        costs = table(measured(Made(Path(folder)), options.rounds), options.rounds)
    print(costs)
    if not options.only:
        with PAGE.open("a", encoding="utf-8") as page:
            page.write("\n" + costs)


if __name__ == "__main__":
    main()
