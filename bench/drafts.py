"""How good drafted tests are, on real packages without their tests: `make bench-drafts`.

Each tool writes tests for the same modules; the tests that pass are kept and judged in the same
way: open lines (inside functions, not executed by importing) that they execute, kept tests that
fail in five more runs in random order with other hash seeds, and mutants that they kill. Results
are stored by package and tool, so that a run can be resumed; the table is made of what is there.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from counting import counted
from packages import PACKAGES, Package, Source, described, environment, plain_environment, sources
from packages import unpack as unpacked

from copydesk.agent.records import Gap, LineNo
from copydesk.agent.sandbox.runner import SandboxRunner, Visible
from copydesk.agent.sandbox.tier import detect
from copydesk.agent.testgen.embedded import draft_embedded
from copydesk.agent.testgen.project import TOOLS
from copydesk.agent.testgen.verify import choose, mutate, sites, verify

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
JUDGE = Path(__file__).parent / "judging.py"
MUTANTS = 40
"""Of one package, spread over the open lines of its modules."""
RERUNS = 5
LEAST_SEARCH = 60
"""Seconds that Pynguin searches in a module, at least; where copydesk took more CPU seconds, as
many. They are seconds of the clock: on a busy machine, run it alone."""
MUTATION = 30
"""Seconds that Pynguin chooses assertions by mutants, on top of its search."""
LIMIT = 900

Tool = Callable[["Work"], dict[str, Any]]


class Work:
    """One tool at one package: where its tests go."""

    def __init__(
        self, package: Package, tool: str, scratch: Path, pythons: dict[str, Path], options: Any
    ) -> None:
        self.package, self.tool, self.scratch, self.pythons = package, tool, scratch, pythons
        self.sandbox = options.sandbox
        self.tree = unpacked(package, scratch, pythons["tests"])
        self.sources = sources(package, self.tree, pythons["tests"], options.most)
        self.folder = scratch / package.name / tool
        self.result = self.folder / "result.json"
        self.python = pythons["ghostwriter" if tool == "ghostwriter" else "tests"]

    @property
    def tests(self) -> list[Path]:
        """The test modules the tool wrote."""
        return sorted(self.folder.glob("test_*.py"))

    def judge(self, **orders: Any) -> dict[str, Any]:
        """Have judging.py do something with the tests; an empty answer when it does not end."""
        answer, orders_file = self.folder / "answer.json", self.folder / "orders.json"
        answer.unlink(missing_ok=True)
        orders_file.write_text(json.dumps({"answer": str(answer), **orders}))
        seed = str(orders.get("seed", 0))
        process = subprocess.Popen(
            [str(self.python), str(JUDGE), str(orders_file)],
            cwd=self.folder, env=plain_environment(self.tree, PYTHONHASHSEED=seed),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
        return json.loads(answer.read_text()) if answer.exists() else {}


# -- the tools


def by_copydesk(work: Work) -> dict[str, Any]:
    """The embedded drafter alone, each draft up the whole ladder in the sandbox.

    What was drafted before a run was broken off is not drafted again.
    """
    python = described(work.python)
    capability = detect(work.sandbox, python)
    sandbox = SandboxRunner(work.tree, work.tree, python, capability, visible=Visible(tools=TOOLS))
    path = work.folder / "log.json"
    log: list[dict[str, Any]] = json.loads(path.read_text()) if path.is_file() else []
    drafted = {row["function"] for row in log}
    for source in work.sources:
        for number, gap in enumerate(source.gaps):
            name = f"{source.module}:{gap.function}:{gap.first_line}"
            if name in drafted:
                continue
            file = f"test_{_slug(source.module)}_{number}_{_slug(gap.function)}.py"
            row = _drafted(gap, work.tree, sandbox, work.folder / file)
            log.append({"function": name, **row})
            half = path.with_suffix(".half")  # a run that is broken off leaves the last whole one
            half.write_text(json.dumps(log, indent=1))
            half.replace(path)
            print(f"  {name}: {row['gained']} of {row['lines']} lines", flush=True)
    drafting, ladder = (sum(row[part] for row in log) for part in ("drafting", "ladder"))
    seconds = {"seconds": round(drafting + ladder, 1), "drafting": round(drafting, 1)}
    return {"tier": str(sandbox.tier), "log": log, **seconds}


def equal_twice(work: Work) -> tuple[int, list[str]]:
    """Draft for each gap twice, without the ladder: how many are the same bytes, which are not."""
    python = described(work.python)
    capability = detect(work.sandbox, python)
    sandbox = SandboxRunner(work.tree, work.tree, python, capability, visible=Visible(tools=TOOLS))
    equal, unequal = 0, []
    for source in work.sources:
        for gap in source.gaps:
            texts = [getattr(draft_embedded(gap, work.tree, sandbox), "content", "") for _ in "12"]
            equal += texts[0] == texts[1]
            unequal += [] if texts[0] == texts[1] else [f"{source.module}:{gap.function}"]
    return equal, unequal


def _drafted(gap: Gap, tree: Path, sandbox: SandboxRunner, file: Path) -> dict[str, Any]:
    """Draft for one gap and verify; the kept tests are written to the file."""
    with counted() as drafting:
        candidate = draft_embedded(gap, tree, sandbox)
    spent = {"drafting": round(drafting(), 2), "ladder": 0.0}
    if candidate is None or not candidate.tests:
        notes = candidate.notes if candidate else ()
        nothing = {"gained": 0, "left": gap.lines, "verdict": "no draft", "notes": notes}
        return {"lines": len(gap.lines), **nothing, **spent}
    with counted() as ladder:
        evidence, verified = verify(candidate, tree, sandbox)
    spent["ladder"] = round(ladder(), 2)
    if evidence.verdict == "verified":
        file.write_text(verified.content)
    fell = [rung.detail for rung in evidence.rungs if not rung.passed]
    return {
        "lines": len(gap.lines),
        "gained": len(evidence.gained_lines),
        "left": sorted(set(gap.lines) - set(evidence.gained_lines)),
        "verdict": evidence.verdict,
        "mutants": [evidence.mutants_killed, evidence.mutants_total],
        "notes": [*evidence.notes, *fell],
        **spent,
    }


def by_pynguin(work: Work) -> dict[str, Any]:
    """Pynguin with its own settings, given at least as much search as copydesk took."""
    ours = work.scratch / work.package.name / "copydesk" / "result.json"
    took = json.loads(ours.read_text())["seconds"] if ours.is_file() else 0.0
    every = sum(len(source.lines) for source in work.sources) or 1
    log = []
    for source in work.sources:
        search = max(LEAST_SEARCH, round(took * len(source.lines) / every))
        out = work.folder / _slug(source.module)
        log.append(
            _run(
                [
                    str(work.pythons["pynguin"].with_name("pynguin")),
                    *("--project-path", str(work.tree), "--module-name", source.module),
                    *("--output-path", str(out), "--seed", "1"),
                    *("--maximum-search-time", str(search)),
                    *("--maximum-mutation-time", str(MUTATION)),
                ],
                work,
                PYNGUIN_DANGER_AWARE="1",
            )
        )
        for file in sorted(out.glob("test_*.py")):
            shutil.copy(file, work.folder / f"test_{_slug(source.module)}.py")
    return {"log": log}


def by_ghostwriter(work: Work) -> dict[str, Any]:
    """`hypothesis write`, once a module."""
    log = []
    for source in work.sources:
        hypothesis = str(work.python.with_name("hypothesis"))
        row = _run([hypothesis, "write", source.module], work)
        text = row.pop("output")
        if row["code"] == 0:
            (work.folder / f"test_{_slug(source.module)}.py").write_text(text)
        else:
            row["output"] = text[-500:]
        log.append(row)
    return {"log": log}


def _run(command: Sequence[str], work: Work, **env: str) -> dict[str, Any]:
    """Run a tool in the package's folder with a limit; never fails."""
    process = subprocess.Popen(
        command, cwd=work.folder, env=plain_environment(work.tree, **env), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        output, _ = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        output, _ = process.communicate()
    keep = None if "hypothesis" in command[0] else -300
    return {"code": process.returncode, "output": output[keep:] if keep else output}


TOOLS_BY_NAME: dict[str, Tool] = {
    "copydesk": by_copydesk,
    "Pynguin": by_pynguin,
    "ghostwriter": by_ghostwriter,
}


def _slug(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_").lower()


# -- one result


def measure(work: Work) -> dict[str, Any]:
    """Let a tool write its tests, and judge them."""
    if work.tool != "copydesk":  # its drafts are kept when a run is broken off
        shutil.rmtree(work.folder, ignore_errors=True)
    work.folder.mkdir(parents=True, exist_ok=True)
    with counted() as spent:
        written = TOOLS_BY_NAME[work.tool](work)
    return {"seconds": round(spent(), 1), **written, **judged(work)}


def judged(work: Work) -> dict[str, Any]:
    """What the tests are worth."""
    files = {str(work.tree / source.path): source for source in work.sources}
    names = [path.name for path in work.tests]
    first = work.judge(do="run", tests=names, files=list(files)) if names else {}
    passed = first.get("passed", [])
    covered = _covered(files, first.get("lines", {}), set(passed))
    chosen = list(mutated(work.sources, work.tree))
    verdicts = _verdicts(work, chosen, covered)
    return {
        "open": len(covered),
        "covered": sum(map(bool, covered.values())),
        "kept": len(passed),
        "failing": sorted(_failing(work, names, passed)),
        "mutants": len(chosen),
        "faced": len(verdicts) - verdicts.count("too long"),
        "killed": verdicts.count("killed"),
        "of_drafted": _in_drafted(work.sources, chosen, covered),
    }


def _in_drafted(
    every: Sequence[Source],
    chosen: Sequence[dict[str, Any]],
    covered: dict[tuple[str, LineNo], set[str]],
) -> int:
    """The mutants, on whatever line, of the functions that some passing test reaches."""
    spans = [
        (source.path, set(gap.lines))
        for source in every
        for gap in source.gaps
        if any(covered[source.path, line] for line in gap.lines)
    ]
    return sum(any(m["file"] == path and m["line"] in own for path, own in spans) for m in chosen)


def _covered(
    files: dict[str, Source], lines: dict[str, dict[str, list[str]]], passed: set[str]
) -> dict[tuple[str, LineNo], set[str]]:
    """The passing tests that reach each open line."""
    covered = {}
    for file, source in files.items():
        for line in source.lines:
            reaching = set(lines.get(file, {}).get(str(line), ()))
            covered[source.path, line] = reaching & passed
    return covered


def _failing(work: Work, names: list[str], passed: list[str]) -> set[str]:
    """The tests that passed once and fail in a rerun."""
    failing: set[str] = set()
    for seed in range(1, RERUNS + 1) if passed else ():
        again = work.judge(do="run", tests=names, only=passed, seed=seed)
        failing |= set(passed) - set(again.get("passed", ()))
    return failing


def _verdicts(
    work: Work, chosen: list[dict[str, Any]], covered: dict[tuple[str, LineNo], set[str]]
) -> list[str]:
    """What becomes of the mutants that some passing test reaches."""
    faced = []
    for mutant in chosen:
        tests = sorted(covered[mutant["file"], mutant["line"]])
        if tests:
            faced.append({**mutant, "tests": tests})
    return work.judge(do="mutants", mutants=faced).get("verdicts", []) if faced else []


def mutated(every: Sequence[Source], tree: Path) -> Iterator[dict[str, Any]]:
    """The same mutants for each tool, spread over the open lines of all modules."""
    total = sum(len(source.lines) for source in every) or 1
    for source in every:
        text = (tree / source.path).read_text("utf-8")
        share = max(1, round(MUTANTS * len(source.lines) / total))
        for mutant in _spread(sites(text, frozenset(source.lines)), share):
            yield {
                "module": source.module,
                "path": str(tree / source.path),
                "file": source.path,
                "line": mutant.line,
                "says": mutant.description,
                "text": mutate(text, mutant),
            }


def _spread(mutants: Sequence[Any], most: int) -> list[Any]:
    """One mutant a line, evenly over the file."""
    by_line: dict[LineNo, Any] = {}
    for mutant in choose(mutants, len(mutants)):
        by_line.setdefault(mutant.line, mutant)
    lines = sorted(by_line)
    step = max(1.0, len(lines) / most)
    return [by_line[lines[int(i * step)]] for i in range(min(most, len(lines)))]


# -- the table


def table(results: dict[str, dict[str, dict[str, Any]]], version: str) -> str:
    """The stored results as a section of the page."""
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    kind = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    head = ["package", "tool", "open lines", "covered", "%", "kept tests", "failing in 5 reruns"]
    head += ["mutants killed / on covered lines", "CPU s", "of it drafting"]
    rows = [f"| {' | '.join(head)} |", "| --- | --- |" + " ---: |" * (len(head) - 2)]
    for package in PACKAGES:
        for tool in TOOLS_BY_NAME:
            result = results.get(package.name, {}).get(tool)
            if result:
                rows.append(_row(package, tool, result))
    shares = [
        r["copydesk"]["covered"] / r["copydesk"]["open"]
        for r in results.values()
        if "copydesk" in r
    ]
    median = statistics.median(shares or [0.0])
    middle = f"median package of {len(shares)}: {median:.0%} of the open lines"
    title = f"## Drafted tests, Python {version}, {day}"
    return "\n".join([title, "", f"{kind}. copydesk, {middle}.", "", *rows, ""])


def _row(package: Package, tool: str, result: dict[str, Any]) -> str:
    name = package.name if package.seen else f"{package.name} (unseen)"
    share = f"{result['covered'] / max(1, result['open']):.0%}"
    killed = f"{result['killed']} / {result['faced']}"
    cells = [
        name,
        tool,
        result["open"],
        result["covered"],
        share,
        result["kept"],
        len(result["failing"]),
    ]
    seconds = [result["seconds"], result.get("drafting", result["seconds"])]
    return f"| {' | '.join(map(str, [*cells, killed, *seconds]))} |"


def stored(scratch: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Every result that is there, by package and tool."""
    results: dict[str, dict[str, dict[str, Any]]] = {}
    for package in PACKAGES:
        for tool in TOOLS_BY_NAME:
            path = scratch / package.name / tool / "result.json"
            if path.is_file():
                results.setdefault(package.name, {})[tool] = json.loads(path.read_text())
    return results


def main() -> None:
    """Measure what has no result yet, print the table, and perhaps write it down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scratch", type=Path, required=True, help="a folder to keep all in")
    parser.add_argument("--packages", default="", help="names, with commas; all when left out")
    parser.add_argument("--tools", default=",".join(TOOLS_BY_NAME), help="names, with commas")
    parser.add_argument("--python", default=sys.executable, help="runs the tools and the tests")
    parser.add_argument("--sandbox", default="auto", choices=("auto", "off"))
    parser.add_argument("--most", type=int, default=0, help="functions a package; 0 for all")
    parser.add_argument("--again", action="store_true", help="measure what has a result, too")
    parser.add_argument("--twice", action="store_true", help="only draft all twice, and compare")
    parser.add_argument("--write", action="store_true", help=f"append the table to {PAGE.name}")
    options = parser.parse_args()
    scratch = options.scratch.resolve()
    pythons = _pythons(options, scratch)
    names = options.packages.split(",") if options.packages else [p.name for p in PACKAGES]
    packages = [package for package in PACKAGES if package.name in names]
    if options.twice:
        for package in packages:
            equal, unequal = equal_twice(Work(package, "copydesk", scratch, pythons, options))
            print(
                f"{package.name}: {equal} equal, {len(unequal)} not {' '.join(unequal)}", flush=True
            )
        return
    # copydesk first: Pynguin searches for as long as it took
    for tool, package in itertools.product(options.tools.split(","), packages):
        _measure_once(Work(package, tool, scratch, pythons, options), again=options.again)
    version = described(pythons["tests"]).version
    text = table(stored(scratch), ".".join(map(str, version)))
    print(text)
    if options.write:
        with PAGE.open("a", encoding="utf-8") as page:
            page.write("\n" + text)


def _pythons(options: argparse.Namespace, scratch: Path) -> dict[str, Path]:
    """The interpreters of the tests and of the tools, each in an environment of its own."""
    needs = sorted({need for package in PACKAGES for need in package.needs})
    plain = ["pytest", "coverage", *needs]
    pythons = {"tests": environment(options.python, scratch / "tests", plain)}
    if "ghostwriter" in options.tools:
        more = [*plain, "hypothesis[cli]"]
        pythons["ghostwriter"] = environment(options.python, scratch / "ghostwriter", more)
    if "Pynguin" in options.tools:
        own = ["pynguin", *needs]
        pythons["pynguin"] = environment(options.python, scratch / "pynguin", own)
    return pythons


def _measure_once(work: Work, *, again: bool) -> None:
    """Measure one tool at one package, if that has no result yet."""
    if again:
        shutil.rmtree(work.folder, ignore_errors=True)
    if work.result.is_file():
        return
    print(f"{work.package.name}, {work.tool}", flush=True)
    result = measure(work)
    work.result.write_text(json.dumps(result, indent=1))
    lines = f"{result['covered']} of {result['open']} lines, {result['kept']} tests"
    mutants = f"{result['killed']} of {result['faced']} mutants"
    print(f"  {lines}, {mutants}, {result['seconds']} s", flush=True)


if __name__ == "__main__":
    main()
