"""Real history, replayed three ways: `make bench-replays PROJECT=... RANGE=A..B PYTHON_OF_...`.

Each commit is measured by copydesk, run in full under `coverage run -m pytest`, and, where an
environment with pytest-testmon is named, run by that, one after the other. Results are kept a
commit at a time in a JSON-lines file, from which docs/benchmarks.md gets its table; a replay that
was broken off, or whose `--minutes` were over (exit code 3), goes on where it stopped.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from copydesk.agent.coverage.probe import PROBE
from copydesk.agent.coverage.replay import replay as replaying
from copydesk.agent.git import repository as git
from copydesk.agent.process import scrubbed_environment
from copydesk.agent.records import Json

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"


class Testmon:
    """pytest-testmon in a clone of its own, which goes from commit to commit."""

    def __init__(self, source: Path, python: Path, folder: Path) -> None:
        self.top, self.python, self.outcomes = folder / "clone", python, folder / "outcomes"
        if not self.top.exists():
            subprocess.run(["git", "clone", "--quiet", source, self.top], check=True)
        path = [PROBE, self.top / "src", self.top]
        self.environ = scrubbed_environment(
            {
                "PYTHONPATH": os.pathsep.join(map(str, path)),
                "COPYDESK_OUTCOMES": str(self.outcomes),
            }
        )

    def run(self, sha: str) -> Json:
        """Check a commit out and run what testmon selects.

        Returns:
            "ran", the tests that were run, and "processor", seconds of all processes.
        """
        subprocess.run(["git", "checkout", "--quiet", "--force", sha], cwd=self.top, check=True)
        self.outcomes.unlink(missing_ok=True)
        words = ["-m", "pytest", "-q", "-p", "copydesk_probe.outcomes", "-p", "no:cacheprovider"]
        words += ["--testmon", "--testmon-forceselect"]
        started = replaying.processor_time()
        subprocess.run(
            [self.python, *words], cwd=self.top, env=self.environ, capture_output=True, check=False
        )
        spent = replaying.processor_time() - started
        ran = json.loads(self.outcomes.read_text()) if self.outcomes.exists() else {}
        return {"ran": sorted(ran), "processor": spent}


def missed(ran: Sequence[str], before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Tests whose outcome is another than at the commit before, and that were not run."""
    selected = set(ran)
    return sorted(t for t, o in now.items() if t not in selected and t in before and before[t] != o)


def go(options: argparse.Namespace, into: Path) -> bool:
    """Replay what is not in the file yet, for as long as is allowed; whether that was all."""
    repo = git.find(options.project)
    shas = replaying.commits(repo, options.range, options.limit)
    state = into.with_suffix(".state").absolute()
    state.mkdir(exist_ok=True)
    ends = time.monotonic() + 60 * options.minutes
    testmon = options.testmon and Testmon(repo.top, options.testmon.absolute(), state)
    rows = [json.loads(row) for row in into.read_text().splitlines()] if into.exists() else []
    before: Mapping[str, str] = rows[-1]["outcomes"] if rows else {}
    work = replaying.replay(
        repo, shas, python=options.python.absolute(), desk=state / "desk", earlier=_earlier(rows)
    )
    with into.open("a", encoding="utf-8") as file:
        for comparison in work:
            row = dataclasses.asdict(comparison) | {"fraction": comparison.fraction}
            if testmon:
                row["testmon"] = _beside(testmon, comparison, before)
            before = comparison.outcomes
            print(json.dumps(row), file=file, flush=True)
            print(f"{comparison.sha[:8]} {comparison.verdict}"
                  f" {comparison.selected}/{comparison.total}"
                  f" {comparison.processor_ratio:.2f} {row.get('testmon', {}).get('selected')}"
                  f" {comparison.reason}", file=sys.stderr, flush=True)  # fmt: skip
            if time.monotonic() > ends:
                return comparison.sha == shas[-1]
    return True


def _earlier(rows: Sequence[Json]) -> list[replaying.Comparison]:
    """What was replayed before, out of the file."""
    names = {field.name for field in dataclasses.fields(replaying.Comparison)}
    return [replaying.Comparison(**{name: row[name] for name in names}) for row in rows]


def _beside(
    testmon: Testmon, comparison: replaying.Comparison, before: Mapping[str, str]
) -> dict[str, Any]:
    """What pytest-testmon does at the same commit."""
    run = testmon.run(comparison.sha)
    return {
        "processor": run["processor"],
        "selected": len(run["ran"]),
        "missed": [] if comparison.first else missed(run["ran"], before, comparison.outcomes),
    }


def middle(values: Sequence[float]) -> str:
    """The median, as a table has it."""
    return f"{statistics.median(values):.2f}" if values else ""


def percent(values: Sequence[float]) -> str:
    """The median of percentages, as a table has it."""
    return f"{statistics.median(values):.1f} %" if values else ""


def line(name: str, rows: Sequence[Json]) -> str:
    """A project's row; the first commit, a full measure, counts as exact or not and no more."""
    later = [row for row in rows if _is_comparable(row)]
    ran = [r for r in later if r["selected"]]
    verdicts = Counter(r["verdict"] for r in rows)
    cells = [
        name,
        str(len(rows)),
        "; ".join(f"{verdicts[verdict]} {verdict}" for verdict in sorted(verdicts)),
        str(sum(len(r["missed"]) for r in rows)),
        middle([r["processor"] / r["full_processor"] for r in later]),
        middle([r["processor"] / r["full_processor"] for r in ran]),
        percent([100 * r["fraction"] for r in later]),
        str(len(ran)),
        *testmon_cells(later, ran),
    ]
    return f"| {' | '.join(cells)} |"


def _is_comparable(row: Json) -> bool:
    """Whether a commit's cost can be compared with that of all its tests."""
    return bool(row["full_processor"]) and not row["first"] and not row["error"]


def testmon_cells(later: Sequence[Json], ran: Sequence[Json]) -> list[str]:
    """What a project's row says of pytest-testmon; empty where it was not run beside."""
    if not all("testmon" in r for r in later):
        return [""] * 4
    shares = [100 * r["testmon"]["selected"] / r["total"] for r in later if r["total"]]
    return [
        middle([r["testmon"]["processor"] / r["full_processor"] for r in later]),
        middle([r["testmon"]["processor"] / r["full_processor"] for r in ran]),
        percent(shares),
        str(sum(len(r["testmon"]["missed"]) for r in later)),
    ]


HEAD = (
    *("project", "commits", "verdict", "missed", "median CPU ratio", "where tests ran"),
    *("selected, median", "commits with tests run", "testmon: CPU ratio", "where tests ran"),
    *("selected, median", "missed"),
)


def main() -> None:
    """Replay a project, or write the table of what was replayed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, required=True, help="a folder, a file a project")
    parser.add_argument("--table", action="store_true", help="add the table to the page")
    parser.add_argument("project", type=Path, nargs="?")
    parser.add_argument("range", nargs="?")
    parser.add_argument("--limit", type=int, default=30)
    parser.add_argument("--python", type=Path, default=Path(sys.executable))
    parser.add_argument("--minutes", type=float, default=1e6, help="stop, to go on another time")
    parser.add_argument("--testmon", type=Path, help="a Python with pytest-testmon")
    options = parser.parse_args()
    options.results.mkdir(parents=True, exist_ok=True)
    if options.project:
        name = f"{options.project.resolve().name} {options.range}.jsonl"
        if not go(options, options.results / name):
            raise SystemExit(3)
    if not options.table:
        return
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    kind = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    lines = [
        f"## Replays, {day}",
        "",
        f"{kind}; `bench/replays.py --results FOLDER CLONE A..B --python P --testmon P`",
        "",
    ]
    lines += [f"| {' | '.join(HEAD)} |", "|" + " --- |" * len(HEAD)]
    for path in sorted(options.results.glob("*.jsonl")):
        lines.append(line(path.stem, [json.loads(row) for row in path.read_text().splitlines()]))
    print("\n".join(lines))
    with PAGE.open("a", encoding="utf-8") as page:
        page.write("\n" + "\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
