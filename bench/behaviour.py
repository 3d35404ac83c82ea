"""Whether seeded changes of behaviour are shown, and rewrites are not: `make bench-behaviour`.

Functions of real packages get one fault each (operator, constant, boundary, swapped arguments,
dropped branch), or a rewrite that keeps what they do. Each pair of versions is compared as a
commit's is. Results are stored by package, so that a run can be resumed.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import datetime
import json
import platform
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from packages import PACKAGES, Package, described, environment
from packages import unpack as unpacked
from seeded import Seeded, faults, rewrites

from copydesk.agent.behaviour import Comparison, changed_functions, compare_function
from copydesk.agent.records import Interpreter
from copydesk.agent.sandbox.runner import SandboxRunner, Visible
from copydesk.agent.sandbox.tier import detect
from copydesk.agent.testgen.project import TOOLS, Workspace

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
LITERALS = 3


def workspace(tree: Path, python: Interpreter, sandbox: str) -> Workspace:
    """A tree and a sandbox for it."""
    capability = detect(sandbox, python, outside=())
    visible = Visible(tools=TOOLS)
    return Workspace(tree, SandboxRunner(tree, tree, python, capability, visible=visible))


def modules(package: Package, tree: Path) -> list[str]:
    """The files of a package's modules, relative to its tree."""
    files = []
    for name in package.modules:
        path = name.replace(".", "/")
        is_package = (tree / path / "__init__.py").is_file()
        files.append(f"{path}/__init__.py" if is_package else f"{path}.py")
    return files


def chosen(
    package: Package, tree: Path, what: str, most: int, seed: int
) -> list[tuple[str, Seeded]]:
    """So many seeded changes of a package, spread over its modules and functions."""
    make = faults if what == "faults" else rewrites
    by_function: dict[tuple[str, str], list[Seeded]] = {}
    for path in modules(package, tree):
        for each in make((tree / path).read_text("utf-8"), seed):
            by_function.setdefault((path, each.function), []).append(each)
    picked: list[tuple[str, Seeded]] = []
    turn = 0
    while len(picked) < most and any(turn < len(group) for group in by_function.values()):
        for (path, _), group in sorted(by_function.items()):
            if turn < len(group) and len(picked) < most:
                picked.append((path, group[turn]))
        turn += 1
    return picked


def compared(
    path: str, seeded: Seeded, before: Workspace, after: Workspace
) -> tuple[Comparison | None, float]:
    """What came of one change, and the seconds it took."""
    source = (before.tree / path).read_bytes()
    changes = changed_functions({path: source}, {path: seeded.source.encode()})
    own = [c for c in changes if c.before and c.after and c.name == f"{path}::{seeded.function}"]
    if not own:
        return None, 0.0
    target = after.tree / path
    target.write_text(seeded.source)
    began = time.monotonic()
    try:
        return compare_function(own[0], before, after), time.monotonic() - began
    finally:
        target.write_bytes(source)


def run(package: Package, options: argparse.Namespace, python: Path) -> None:
    """All seeded changes of one package, one after another."""
    folder = options.scratch / package.name
    tree = unpacked(package, options.scratch, python)
    results = folder / f"{options.what}-{options.seed}-{options.round}.jsonl"
    done = len(results.read_text().splitlines()) if results.is_file() else 0
    other = folder / f"after-{options.what}"
    shutil.rmtree(other, ignore_errors=True)
    shutil.copytree(tree, other)
    interpreter = described(python)
    before = workspace(tree, interpreter, options.sandbox)
    after = workspace(other, interpreter, options.sandbox)
    picked = chosen(package, tree, options.what, options.most, options.seed)
    for path, seeded in picked[done:]:
        if time.time() > options.until:
            return
        comparison, seconds = compared(path, seeded, before, after)
        row: dict[str, Any] = {"path": path, "function": seeded.function, "what": seeded.what}
        row["seconds"] = round(seconds, 2)
        if comparison is not None:
            row["verdict"], row["reason"] = comparison.verdict, comparison.reason
            row["inputs"] = comparison.inputs
            row["differences"] = [
                {k: v for k, v in dataclasses.asdict(d).items() if k != "recorded"}
                | {"literals": _literals(d.recorded)}
                for d in comparison.differences
            ]
        with results.open("a") as out:
            out.write(json.dumps(row) + "\n")
        print(
            f"  {package.name} {seeded.function}: {seeded.what}: {row.get('verdict')}", flush=True
        )


def _literals(call: Any) -> int:
    return len(call["arguments"]) + len(call["keywords"]) if call else 0


def rows_of(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Every result that is there."""
    rows = []
    for package in PACKAGES:
        name = f"{options.what}-{options.seed}-{options.round}.jsonl"
        path = options.scratch / package.name / name
        if path.is_file():
            rows += [
                {"package": package.name, **json.loads(r)} for r in path.read_text().splitlines()
            ]
    return rows


def summary(options: argparse.Namespace) -> str:
    """The table of what is there."""
    rows = [row for row in rows_of(options) if "verdict" in row]
    verdicts = collections.Counter(row["verdict"] for row in rows)
    small = sum(
        min((d["literals"] for d in row["differences"]), default=9) <= LITERALS
        for row in rows
        if row["verdict"] == "differs"
    )
    seconds = sorted(row["seconds"] for row in rows)
    median = seconds[len(seconds) // 2] if seconds else 0.0
    lines = [
        f"{datetime.date.today()}, {platform.machine()}, Python {platform.python_version()},"
        f" `{' '.join(['bench/behaviour.py', *sys.argv[1:]])}`",
        "",
        f"{options.what}: {len(rows)}; " + ", ".join(f"{n} {v}" for v, n in verdicts.most_common()),
        f"smallest input of at most {LITERALS} literals: {small} of {verdicts['differs']}",
        f"median {median:.1f} seconds of the clock",
    ]
    reasons = collections.Counter(
        _kind_of_reason(row["reason"]) for row in rows if row["verdict"] == "not compared"
    )
    lines += [f"  {count} not compared: {reason}" for reason, count in reasons.most_common()]
    by_kind = collections.defaultdict(list)
    for row in rows:
        by_kind[row["what"]].append(row["verdict"] == "differs")
    lines += [
        f"  {kind}: {sum(all_)} of {len(all_)} shown" for kind, all_ in sorted(by_kind.items())
    ]
    return "\n".join(lines)


def _kind_of_reason(reason: str) -> str:
    if "never reached" in reason:
        return "a line is never reached"
    return reason.partition(": ")[0][:60]


def main() -> None:
    """Run, and print what is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--what", choices=("faults", "rewrites"), default="faults")
    parser.add_argument("--scratch", type=Path, default=Path("/tmp/copydesk-bench-behaviour"))
    parser.add_argument("--most", type=int, default=30, help="changes of each package")
    parser.add_argument("--packages", default="", help="names, with commas; all by default")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--round", type=int, default=1, help="repeats are stored apart")
    parser.add_argument("--sandbox", default="auto")
    parser.add_argument("--minutes", type=float, default=600.0)
    parser.add_argument("--only-summary", action="store_true")
    options = parser.parse_args()
    options.until = time.time() + options.minutes * 60
    names = [name for name in options.packages.split(",") if name]
    if not options.only_summary:
        needs = sorted({need for package in PACKAGES for need in package.needs})
        python = environment(sys.executable, options.scratch / "python", [*needs, "coverage"])
        for package in PACKAGES:
            if not names or package.name in names:
                run(package, options, python)
    print(summary(options))


if __name__ == "__main__":
    main()
