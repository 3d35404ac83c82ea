"""What the sandbox costs, and whether its limits hold: `make bench-sandbox`.

Plain pytest and the same pytest in the sandbox take turns, so that both meet the same machine; the
figure is the median of the differences within a pair. Limits are looked at from outside, every
10 ms, while a program eats what it can. Prints Markdown for docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import datetime
import functools
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from copydesk.agent.records import Candidate, Gap, Interpreter
from copydesk.agent.sandbox import processes
from copydesk.agent.sandbox.records import Capability, Outcome, Tier
from copydesk.agent.sandbox.runner import Limits, SandboxRunner, Visible
from copydesk.agent.sandbox.tier import detect
from copydesk.agent.testgen.project import TOOLS
from copydesk.agent.testgen.verify import verify

SOURCE = "def grade(points):\n    if points >= 90:\n        return 'A'\n    return 'B'\n"
TEST = "from grades import grade\n\n\ndef test_x():\n    assert grade(90) == 'A'\n"
PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_grades.py")
PLAIN = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def main() -> None:
    """Run everything and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--part", choices=("cost", "ladder", "limits"), action="append")
    parser.add_argument("--observe", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.observe:
        observe(options.observe)
        return
    parts = options.part or ["cost", "ladder", "limits"]
    python = Interpreter(
        Path(sys.executable), sys.version_info[:3], Path(sys.prefix), Path(sys.base_prefix), ""
    )
    capability = detect("auto", python)
    if capability.tier is not Tier.FULL:
        raise SystemExit(f"tier {capability.tier}: {capability.reason}")
    day = datetime.datetime.now(datetime.UTC).date()
    load = os.getloadavg()[0]
    print(f"## The sandbox, {capability.reason}, {day}\n")
    print(f"{os.cpu_count()} cores, load {load:.1f} at the start; `bench/sandbox.py`\n")
    with tempfile.TemporaryDirectory(prefix="copydesk-bench-") as folder:
        top, tree = Path(folder, "top"), Path(folder, "tree")
        top.mkdir()
        tree.mkdir()
        (tree / "grades.py").write_text(SOURCE)
        (tree / "test_grades.py").write_text(TEST)
        sandbox = SandboxRunner(tree, top, python, capability, visible=Visible(tools=TOOLS))
        if "cost" in parts:
            cost(sandbox, options.rounds)
        if "ladder" in parts:
            ladder(sandbox, max(3, options.rounds // 3))
        if "limits" in parts:
            limits(tree, top, python, capability)


def timed(work: Callable[[], object]) -> float:
    """Wall seconds of some work: the CPU time of what ends in a pid namespace is not told to us."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def plain(tree: Path, *words: str) -> None:
    """Run a Python command without any guard; it must succeed."""
    environment = {"PATH": os.defpath, **PLAIN}
    subprocess.run(
        [sys.executable, *words], cwd=tree, env=environment, check=True, stdout=subprocess.DEVNULL
    )


def guarded(sandbox: SandboxRunner, *words: str) -> None:
    """Run the same in the sandbox; it must succeed."""
    outcome = sandbox.run(["python", *words], env=PLAIN)
    assert outcome.returncode == 0, outcome


def cost(sandbox: SandboxRunner, rounds: int) -> None:
    """What the sandbox adds to a command."""
    print("| command | plain, ms | in the sandbox, ms | added, ms |")
    print("| --- | ---: | ---: | ---: |")
    for name, words in {"python -c pass": ("-c", "pass"), "pytest, one test": PYTEST}.items():
        pairs = []
        for number in range(rounds + 1):
            a = timed(functools.partial(plain, sandbox.tree, *words))
            b = timed(functools.partial(guarded, sandbox, *words))
            if number:  # the first round fills caches
                pairs.append((a, b))
        walls = [[a for a, _ in pairs], [b for _, b in pairs]]
        added = statistics.median(b - a for a, b in pairs)
        before, after = (1000 * statistics.median(w) for w in walls)
        least, most = (1000 * min(w) for w in walls)
        print(
            f"| {name} | {before:.0f} (least {least:.0f}) | {after:.0f} (least {most:.0f}) |"
            f" {1000 * added:.0f} |"
        )
    print()


def ladder(sandbox: SandboxRunner, rounds: int) -> None:
    """What the whole ladder costs, in runs of plain pytest."""
    gap = Gap("0" * 40, "grades.py", "grade", 1, 4, (3,), ((2, 3),))
    environment = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

    class Lean(SandboxRunner):
        def run(self, *args: object, **how: object) -> Outcome:
            how["env"] = environment | dict(how.get("env") or {})  # type: ignore[call-overload]
            return super().run(*args, **how)  # type: ignore[arg-type]

    sandbox.__class__ = Lean
    walls, plains = [], []
    for _ in range(rounds):
        plains.append(timed(lambda: plain(sandbox.tree, *PYTEST)))
        candidate = Candidate(gap, "sandbox", TEST, ())
        walls.append(timed(functools.partial(verify, candidate, sandbox.tree, sandbox)))
    sandbox.__class__ = SandboxRunner
    plain_median = statistics.median(plains)
    ladder_median = statistics.median(walls)
    print(
        "One draft up the whole ladder (4 sandboxes, mutants in forks): median"
        f" {ladder_median:.2f} s of wall time, {ladder_median / plain_median:.1f} × a plain run of"
        f" its test ({plain_median:.2f} s) measured in turns with it.\n"
    )


EATERS = {
    "memory": "x = []\nwhile True: x.append(bytearray(b'x' * (1 << 22)))",
    "memory, by children": (
        "import os, time\nfor _ in range(30):\n    if os.fork() == 0:\n        x = []\n"
        "        while True: x.append(bytearray(b'x' * (1 << 20)))\ntime.sleep(60)"
    ),
    "processes": (
        "import os, time\ntry:\n    while True:\n        if os.fork() == 0: time.sleep(60)\n"
        "except OSError: pass\ntime.sleep(1)"
    ),
    "disk": (
        "n = 0\ntry:\n    while True:\n"
        "        n += 1; open('f%d' % n, 'wb').write(bytes(1 << 20))\n"
        "except OSError: pass\nimport time; time.sleep(0.5)"
    ),
}


@contextlib.contextmanager
def observed(mark: str) -> Iterator[dict[str, int]]:
    """The most memory and processes of a marked run at any one time, seen from outside.

    By a process of its own: a thread would keep the one that holds the run to its limits waiting.
    """
    most = {"memory": 0, "processes": 0}
    argv = [sys.executable, __file__, "--observe", mark]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        child.stdout.readline()
        yield most
        child.send_signal(signal.SIGINT)
        most["memory"], most["processes"] = map(int, child.stdout.readline().split())


def observe(mark: str) -> None:
    """Look every 10 ms until interrupted, then print the most memory and processes seen."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell has it ignored
    memory = count = 0
    print("looking", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            family = processes.process_tree(set(marked(mark)) - {os.getpid()})
            inside = [pid for pid in family if not _is_bubblewrap(pid)]
            used = processes.usage(inside, 0)
            memory, count = max(memory, used.memory), max(count, used.processes)
            time.sleep(0.01)
    print(memory, count)


def marked(mark: str) -> list[int]:
    """The processes with a mark among the words of their command line."""
    pids = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                if mark.encode() in (entry / "cmdline").read_bytes().split(b"\0"):
                    pids.append(int(entry.name))
    return pids


def _is_bubblewrap(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip() == "bwrap"
    return False


def limits(tree: Path, top: Path, python: Interpreter, capability: Capability) -> None:
    """Whether the limits hold, seen from outside."""
    allowed = Limits(
        wall_seconds=30.0, memory=1 << 30, processes=64, tree_size=128 << 20, file_size=64 << 20
    )
    sandbox = SandboxRunner(tree, top, python, capability, limits=dataclasses.replace(allowed))
    print("| what is eaten | limit | most, seen from outside | ended | alive 2 s later |")
    print("| --- | ---: | ---: | --- | ---: |")
    for name, code in EATERS.items():
        mark = uuid.uuid4().hex
        free = os.statvfs(tree)
        with observed(mark) as most:
            outcome = sandbox.run(["python", "-c", code, mark])
        after = os.statvfs(tree)
        time.sleep(2)
        written = (free.f_bfree - after.f_bfree) * free.f_frsize >> 20
        if name == "disk":
            limit, most_seen = "0 MiB of the host's", f"{max(0, written)} MiB"
        elif name == "processes":
            limit, most_seen = str(allowed.processes), str(most["processes"])
        else:
            limit, most_seen = f"{allowed.memory >> 20} MiB", f"{most['memory'] >> 20} MiB"
        why = outcome.reason or outcome.ended
        print(f"| {name} | {limit} | {most_seen} | {why} | {len(marked(mark))} |")
    print()


if __name__ == "__main__":
    main()
