"""What a commit and a machine pay for copydesk: `python bench/hooks.py [PART ...]`.

Parts: commit (added to `git commit`), seen (until the daemon knows of a commit), piped (a commit
whose output is read through a pipe while the daemon starts), rest (memory and CPU of a daemon with
nothing to do), many (the same after ten thousand commits, and `copydesk status`).

Rounds are interleaved, so that only ratios within one table mean anything. As root the commits are
timed under SCHED_FIFO, which keeps other programs of the machine out of the figures.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from copydesk.agent.desk.gaps import GapRow
from copydesk.agent.desk.store import open_desk, transaction
from copydesk.agent.git.repository import find
from copydesk.agent.setup.git_hooks import write_hook_scripts
from copydesk.agent.setup.precommit_config import COMMIT_ENTRY, GATE_ENTRY
from copydesk.hooks import native_hooks, start_daemon

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
BIN = Path(sys.executable).parent
STAGE = """\
default_stages: [pre-commit]
repos:
  - repo: local
    hooks:
"""
HOOK = """\
      - id: {id}
        name: {id}
        language: system
        entry: {entry}
        pass_filenames: false
        always_run: true
        stages: [{stage}]
"""
DAEMON = """
import sys
from pathlib import Path
from copydesk.agent.daemon import service
sys.exit(service.run(Path(sys.argv[1]), worker_command=[sys.executable, "-c", ""]))
"""


def git(where: Path, *words: str) -> str:
    """Run git in a folder."""
    return subprocess.run(
        ["git", *words], cwd=where, check=True, capture_output=True, text=True
    ).stdout.strip()


def repository(top: Path, files: int = 60) -> Path:
    """A repository with some Python files."""
    where = top / "repo"
    where.mkdir(parents=True)
    git(where, "init", "-q", "-b", "main")
    git(where, "config", "user.name", "sandbox")
    git(where, "config", "user.email", "sandbox@example.org")
    for number in range(files):
        (where / f"m{number}.py").write_text("".join(f"x{n} = {n}\n" for n in range(100)))
    git(where, "add", "-A")
    git(where, "commit", "-q", "-m", "first")
    return where


@contextlib.contextmanager
def daemon(where: Path, code: str = DAEMON) -> Iterator[subprocess.Popen[bytes]]:
    """A daemon whose jobs do nothing: what is timed is everything around them."""
    common = find(where).common_dir
    child = subprocess.Popen([sys.executable, "-c", code, str(common)])
    while not start_daemon.daemon_runs(str(common)):
        time.sleep(0.01)
    try:
        yield child
    finally:
        child.terminate()
        child.wait()


@contextlib.contextmanager
def alone() -> Iterator[bool]:
    """Run before everybody else on this machine, where we may."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    except (OSError, AttributeError):
        yield False
        return
    try:
        yield True
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


class Cost(NamedTuple):
    """What one `git commit` costs: wall time, CPU of all that it waits for, CPU of what it leaves
    running (the look whether the daemon lives); milliseconds."""

    wall: float
    cpu: float
    behind: float


# Orphans of the commit become children of this process, so that their CPU is counted, too.
COUNTED = """
import ctypes, os, sys, time
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
begun = time.perf_counter()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(child, 0)
wall = time.perf_counter() - begun
behind = 0.0
try:
    while True:
        usage = os.wait3(0)[2]
        behind += usage.ru_utime + usage.ru_stime
except ChildProcessError:
    pass
print(wall, used.ru_utime + used.ru_stime, behind)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def timed(where: Path, number: int) -> Cost:
    """The cost of one `git commit` of a staged change."""
    (where / "m0.py").write_text(f"x = {number}\n")
    git(where, "add", "-A")
    argv = [sys.executable, "-S", "-c", COUNTED, "git", "commit", "-q", "-m", f"no {number}"]
    finished = subprocess.run(argv, cwd=where, capture_output=True, text=True)
    if finished.returncode:
        sys.exit(finished.stdout + finished.stderr)
    figures = finished.stdout.splitlines()[-1].split()
    return Cost(*(float(figure) * 1000 for figure in figures))


class Stage(NamedTuple):
    """Hooks that pre-commit is to run at a stage."""

    name: str
    entries: tuple[str, ...]


class CommitScenes:
    """One repository, with the hooks that each scene has in turn."""

    def __init__(self, where: Path) -> None:
        self.where = where
        self.hooks = where / ".git" / "hooks"
        write_hook_scripts(find(where))

    def clear(self) -> None:
        """Leave no hook."""
        shutil.rmtree(self.hooks, ignore_errors=True)
        self.hooks.mkdir()
        (self.where / ".git" / "info" / "exclude").write_text(".pre-commit-config.yaml\n")
        (self.where / ".pre-commit-config.yaml").unlink(missing_ok=True)

    def shell(self) -> None:
        """A hook of the shell that does next to nothing."""
        self.clear()
        (self.hooks / "post-commit").write_text("#!/bin/sh\nprintf x >>.git/x\n")
        (self.hooks / "post-commit").chmod(0o755)

    def framework(self, *stages: Stage) -> None:
        """Hooks that pre-commit runs."""
        self.clear()
        text = STAGE
        words: list[str | Path] = [BIN / "pre-commit", "install"]
        for stage in stages:
            words += ["--hook-type", stage.name]
            for number, entry in enumerate(stage.entries):
                hook_id = f"{stage.name}{number}"
                text += HOOK.format(id=hook_id, entry=entry, stage=stage.name)
        (self.where / ".pre-commit-config.yaml").write_text(text)
        subprocess.run(words, cwd=self.where, check=True, stdout=subprocess.DEVNULL)

    def put(self, native: bool, *stages: Stage) -> Callable[[], None]:
        """What installs hooks of pre-commit, and our native ones beside them."""

        def install() -> None:
            if stages:
                self.framework(*stages)
            else:
                self.clear()
            if native:
                native_hooks.install(str(self.hooks))

        return install


NONE, SHELL, NATIVE = "no hook", "a shell hook that appends a byte", "copydesk's native hook"
USERS = "pre-commit stage with one hook of the user's"
GATE = "the same with the gate"
GATE_SCRIPT = "the same with the gate's console script, as from a remote repository"
DEFAULT = "the gate there and the native notification, as `copydesk init` writes them"
FRAMEWORK = "gate and notification by pre-commit, as `copydesk init --framework` writes them"


def commit(top: Path, rounds: int) -> list[str]:
    """What our hooks add to `git commit`."""
    where = repository(top)
    scenes = CommitScenes(where)
    users = Stage("pre-commit", ("/bin/true",))
    gate = Stage("pre-commit", ("/bin/true", GATE_ENTRY))
    script = Stage("pre-commit", ("/bin/true", f"{BIN}/copydesk-gate"))
    installers = {
        NONE: scenes.clear,
        SHELL: scenes.shell,
        NATIVE: scenes.put(True),
        USERS: scenes.put(False, users),
        GATE: scenes.put(False, gate),
        GATE_SCRIPT: scenes.put(False, script),
        DEFAULT: scenes.put(True, gate),
        FRAMEWORK: scenes.put(False, gate, Stage("post-commit", (COMMIT_ENTRY,))),
    }
    costs: dict[str, list[Cost]] = {name: [] for name in installers}
    with daemon(where):
        number = 0
        for turn in range(rounds + 1):
            for name, install in installers.items():
                install()
                number += 1
                with alone():
                    spent = timed(where, number)
                if turn:  # the first warms the caches
                    costs[name].append(spent)
                time.sleep(0.05)
    return commit_table(costs, rounds)


def commit_table(costs: dict[str, list[Cost]], rounds: int) -> list[str]:
    """The figures of all scenes, and the differences within a round."""

    def median(name: str, figure: str) -> float:
        return statistics.median(getattr(cost, figure) for cost in costs[name])

    def added(with_it: str, without: str, figure: str = "cpu") -> float:
        pairs = zip(costs[with_it], costs[without], strict=True)
        return statistics.median(getattr(a, figure) - getattr(b, figure) for a, b in pairs)

    lines = [
        "| `git commit` with | wall ms | CPU ms | added CPU ms | CPU ms afterwards |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {name} | {median(name, 'wall'):.1f} | {median(name, 'cpu'):.1f} |"
        f" {added(name, NONE):.1f} | {median(name, 'behind'):.1f} |"
        for name in costs
    ]
    return [
        *lines,
        "",
        "Medians of the differences within a round, CPU of all that git waits for:"
        f" native notification {added(NATIVE, NONE):+.1f} ms;"
        f" gate and native notification over the user's own pre-commit hook"
        f" {added(DEFAULT, USERS):+.1f} ms ({added(DEFAULT, USERS, 'wall'):+.1f} ms of wall time),"
        f" the gate alone {added(GATE, USERS):+.1f} ms,"
        f" its console script {added(GATE_SCRIPT, USERS):+.1f} ms;"
        f' both by pre-commit {added(FRAMEWORK, USERS):+.1f} ms. "Afterwards" is the look whether'
        f" the daemon lives, for which git does not wait. {rounds} rounds.",
    ]


def seen(top: Path, rounds: int) -> list[str]:
    """How long after `git commit` has returned the daemon knows of the commit, hooks off."""
    where = repository(top)
    desk = find(where).desk
    spent = []
    with contextlib.ExitStack() as stack:
        with alone():
            stack.enter_context(daemon(where))
        time.sleep(1.0)
        with contextlib.closing(sqlite3.connect(f"file:{desk}/desk.db?mode=ro", uri=True)) as db:
            for number in range(rounds):
                with alone():
                    timed(where, number)
                    sha = (where / ".git/refs/heads/main").read_text().strip()
                started = time.perf_counter()
                query = "SELECT 1 FROM commits WHERE sha = ?"
                while not db.execute(query, (sha,)).fetchone():
                    time.sleep(0.001)
                    assert time.perf_counter() - started < 60
                spent.append((time.perf_counter() - started) * 1000)
                time.sleep(0.1)
    return [
        f"Hooks off, {rounds} of {rounds} commits seen; after `git commit` had returned: median"
        f" {statistics.median(spent):.0f} ms, p95 {sorted(spent)[int(rounds * 0.95)]:.0f} ms."
    ]


def piped(top: Path, rounds: int) -> list[str]:
    """A commit read through a pipe while it starts the daemon."""
    where = repository(top)
    spent: dict[str, list[float]] = {"native hook": [], "through pre-commit": []}
    for turn in range(rounds):
        for name, values in spent.items():
            hooks = where / ".git" / "hooks"
            shutil.rmtree(hooks, ignore_errors=True)
            if name == "native hook":
                native_hooks.install(str(hooks))
            else:
                text = STAGE + HOOK.format(
                    id="c", entry=f"{BIN}/copydesk-commit", stage="post-commit"
                )
                (where / ".pre-commit-config.yaml").write_text(text)
                subprocess.run(
                    [BIN / "pre-commit", "install", "--hook-type", "post-commit"], cwd=where,
                    check=True, stdout=subprocess.DEVNULL,
                )  # fmt: skip
            line = f"git commit --allow-empty -m piped{turn} 2>&1 | cat"
            with alone():
                started = time.perf_counter()
                subprocess.run(["sh", "-c", line], cwd=where, check=True, stdout=subprocess.DEVNULL)
                values.append(time.perf_counter() - started)
            until = time.monotonic() + 30
            while not start_daemon.daemon_runs(str(where / ".git")) and time.monotonic() < until:
                time.sleep(0.01)
            subprocess.run([BIN / "copydesk", "daemon", "stop"], cwd=where, check=True,
                           stdout=subprocess.DEVNULL)  # fmt: skip
    medians = "; ".join(
        f"{name} median {statistics.median(values):.2f} s, longest {max(values):.2f} s"
        for name, values in spent.items()
    )
    return [f"`git commit 2>&1 | cat` while the daemon starts, {rounds} times each: {medians}."]


def at_rest(child: subprocess.Popen[bytes], seconds: float) -> str:
    """Memory and CPU time of a daemon that has nothing to do."""

    def ticks() -> int:
        fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(fields[n]) for n in (11, 12, 13, 14))

    def switches() -> int:
        rows = Path(f"/proc/{child.pid}/status").read_text().splitlines()
        return sum(int(row.split()[1]) for row in rows if row.startswith("voluntary"))

    time.sleep(5.0)
    before, slept = ticks(), switches()
    time.sleep(seconds)
    status = Path(f"/proc/{child.pid}/status").read_text()
    rss = next(int(r.split()[1]) for r in status.splitlines() if r.startswith("VmRSS"))
    spent = (ticks() - before) / os.sysconf("SC_CLK_TCK")
    return (
        f"{rss / 1024:.1f} MB resident; {spent:.2f} s of CPU (git that it asked included) and"
        f" {switches() - slept} wake-ups of its main thread in {seconds:.0f} s"
    )


def rest(top: Path, seconds: float) -> list[str]:
    """A daemon with nothing to do."""
    with daemon(repository(top)) as child:
        return [f"At rest: {at_rest(child, seconds)}; it looks around every 45 s."]


def many(top: Path, seconds: float, commits: int = 10_000) -> list[str]:
    """The same with a long history of measured commits, made up."""
    where = repository(top)
    parts = [
        f"commit refs/heads/main\nauthor b <sandbox@example.org> {n} +0000\n"
        f"committer b <sandbox@example.org> {n} +0000\ndata 1\nx\n"
        + ("from refs/heads/main^0\n" if n == 0 else "")
        for n in range(commits)
    ]
    subprocess.run(
        ["git", "fast-import", "--quiet", "--force"], cwd=where, check=True,
        input="".join(parts).encode(),
    )  # fmt: skip
    shas = git(where, "rev-list", "--reverse", "main").split()
    repo = find(where)
    with open_desk(repo.desk) as db, transaction(db):
        packed = zlib.compress(b"\0" * 4000)
        for number, sha in enumerate(shas):
            moment = f"2026-01-01T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}"
            db.execute("INSERT INTO commits VALUES (?, '', 'b', ?, 'x', 0)", (sha, moment))
            db.execute(
                "INSERT INTO jobs (kind, subject, state, added_at, ended_at)"
                " VALUES ('measure', ?, 'done', 0, 0)", (sha,),
            )  # fmt: skip
            db.execute(
                "INSERT INTO measures (sha, reason, environment, interpreter, branch, selected,"
                " total, passed, failed, skipped, executable, covered, percent, seconds, traces,"
                " totals, measured_at)"
                " VALUES (?, '', 'e', '', 0, 9, 1000, 1000, 0, 0, 9000, 8000, 88.8, 1, ?, ?, ?)",
                (sha, packed, packed, moment),
            )
            gaps = [GapRow(f"m{n}.py", "f", 1, 9, "[1,2]", "[]", 0.1, "[]", 0) for n in range(3)]
            db.gaps.replace(sha, db.gaps.prepare(gaps))
            db.execute(
                "INSERT INTO drafts (kind, state, sha, title, origin, path, target_function,"
                " content, created_at)"
                " VALUES ('devlog', ?, ?, 't', 'template', 'p', ?, 'words', '2026')",
                ("ready" if number % 50 == 0 else "rejected", sha, str(number)),
            )
        db.execute("INSERT INTO tips VALUES (?)", (shas[-1],))
    size = (repo.desk / "desk.db").stat().st_size / 1e6
    with daemon(where) as child:
        idle = at_rest(child, seconds)
        status, plain = [], []
        for _ in range(10):
            for argv, values in (
                ([str(BIN / "copydesk"), "status"], status),
                ([sys.executable, "-c", "import sqlite3, click"], plain),
            ):
                with alone():
                    started = time.perf_counter()
                    subprocess.run(argv, cwd=where, check=True, stdout=subprocess.DEVNULL)
                    values.append((time.perf_counter() - started) * 1000)
    return [
        f"After {commits:,} commits (made up; desk {size:.0f} MB): {idle}. `copydesk status` takes"
        f" {statistics.median(status):.0f} ms (median of 10;"
        f" `python -c 'import sqlite3, click'` {statistics.median(plain):.0f} ms)."
    ]


def main() -> None:
    """Run the parts that are named, all without a name, and add what they found to the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=300.0, help="at rest")
    options = parser.parse_args()
    parts: dict[str, Callable[[Path], list[str]]] = {
        "commit": lambda top: commit(top, options.rounds),
        "seen": lambda top: seen(top, options.rounds * 4),
        "piped": lambda top: piped(top, max(3, options.rounds // 3)),
        "rest": lambda top: rest(top, options.seconds),
        "many": lambda top: many(top, options.seconds / 5),
    }
    for name in options.parts or parts:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["XDG_STATE_HOME"] = str(Path(folder) / "state")
            os.environ["PRE_COMMIT_HOME"] = str(Path(folder) / "pre-commit")
            lines = parts[name](Path(folder))
        print("\n".join(lines), flush=True)
        add(name, lines)


def add(part: str, lines: list[str]) -> None:
    """Put a part's findings into the page, in the place of its former ones."""
    text = PAGE.read_text("utf-8")
    title = f"## Hooks and daemon: {part}"
    before, _, rest_of = text.partition(f"\n{title}")
    _, next_heading, after = rest_of.partition("\n## ")
    with contextlib.suppress(OSError):
        load = f", load {os.getloadavg()[0]:.0f}"
    about = (
        f"{time.strftime('%Y-%m-%d')}, {platform.system()} {platform.machine()},"
        f" {os.cpu_count()} cores{load}, Python {platform.python_version()},"
        f" {git(Path(), 'version').replace('version ', '')}; `bench/hooks.py {part}`"
    )
    body = "\n".join(lines)
    PAGE.write_text(
        f"{before.rstrip()}\n\n{title}\n\n{about}\n\n{body}\n"
        + (f"\n## {after}" if next_heading else ""),
        "utf-8",
    )


if __name__ == "__main__":
    main()
