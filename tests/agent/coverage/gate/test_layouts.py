"""Coverage files of generated projects, of which it is known which file each name means."""

from __future__ import annotations

import contextlib
import random
from dataclasses import dataclass
from pathlib import Path

import pytest
from coverage import Coverage, CoverageData

from copydesk.agent.coverage.gate.coverage_files import CoverageFile, read_coverage_file
from copydesk.agent.coverage.store import FileLines

FORMATS = ("xml", "json", "lcov", "data")
ROOTS = ("", "backend", "services/api", "src", "lib/python")
MODULES = ("utils.py", "pkg/utils.py", "pkg/core.py", "pkg/sub/core.py", "app.py", "old/app.py")
ELSEWHERE = ("/builds/group/project", "C:\\agent\\_work\\1\\s", "D:\\Repo", "/home/runner/work/p/p")


@dataclass
class Layout:
    """A project in a folder, of which some files were measured from one of its folders."""

    top: Path
    texts: dict[str, str]
    executed: dict[str, list[int]]
    run_in: str
    report_in: str
    judged_in: str
    relative: bool
    sources: list[str]
    elsewhere: str

    def expected(self, path: str) -> FileLines:
        statements = {
            number for number, row in enumerate(self.texts[path].split("\n"), 1) if row.strip()
        }
        return FileLines(frozenset(statements), frozenset(statements - set(self.executed[path])))


def generate(seed: int, top: Path) -> Layout:
    rng = random.Random(seed)
    roots = rng.sample(ROOTS, rng.randint(1, 3))
    texts = {}
    for root in roots:
        for module in rng.sample(MODULES, rng.randint(1, 4)):
            length = rng.randint(2, 6) if rng.random() < 0.7 else 4
            rows = [f"x{number} = {rng.randint(0, 9)}" for number in range(length)]
            if rng.random() < 0.5:
                rows.insert(rng.randrange(1, length), "")
            texts[f"{root}/{module}".removeprefix("/")] = "\n".join(rows) + "\n"
    run_in = rng.choice(roots)
    measured = [path for path in texts if rng.random() < 0.8 and f"{path}".startswith(run_in)]
    executed = {}
    for path in measured or [path for path in texts if path.startswith(run_in)]:
        rows = texts[path].split("\n")
        executed[path] = [n for n, row in enumerate(rows, 1) if row and rng.random() < 0.6]
    below = [path[len(run_in) :].removeprefix("/") for path in executed]
    folders = sorted({path.rpartition("/")[0] for path in below})
    return Layout(
        top, texts, executed, run_in,
        report_in=rng.choice([run_in, run_in, run_in, "", "reports"]),
        judged_in=rng.choice([run_in, run_in, ""]),
        relative=rng.random() < 0.4,
        sources=[folder or "." for folder in folders] if rng.random() < 0.4 else [],
        elsewhere=rng.choice(ELSEWHERE) if rng.random() < 0.25 else "",
    )  # fmt: skip


def write(layout: Layout) -> dict[str, Path]:
    """Write the project and its coverage in every format; the reports by format."""
    for path, text in layout.texts.items():
        (layout.top / path).parent.mkdir(parents=True, exist_ok=True)
        (layout.top / path).write_text(text)
    run_in, report_in = layout.top / layout.run_in, layout.top / layout.report_in
    report_in.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"\n    {source}" for source in layout.sources)
    (run_in / ".coveragerc").write_text(
        f"[run]\nrelative_files = {layout.relative}\n" + (f"source = {lines}\n" if lines else "")
    )
    reports = {form: report_in / f"cov.{form}" for form in FORMATS}
    with contextlib.chdir(run_in):
        data = CoverageData(basename=str(reports["data"]))
        names = {path: path[len(layout.run_in) :].removeprefix("/") for path in layout.executed}
        if not layout.relative:
            names = {path: str(layout.top / path) for path in layout.executed}
        data.add_lines({names[path]: rows for path, rows in layout.executed.items()})
        data.touch_files(list(names.values()))
        data.write()
        cov = Coverage(data_file=str(reports["data"]), config_file=".coveragerc", messages=False)
        cov.load()
        cov.xml_report(outfile=str(reports["xml"]))
        cov.json_report(outfile=str(reports["json"]))
        cov.lcov_report(outfile=str(reports["lcov"]))
    if layout.elsewhere:
        for form in ("xml", "json", "lcov"):
            _as_on_another_machine(reports[form], layout)
    return reports


def _as_on_another_machine(report: Path, layout: Layout) -> None:
    is_json = report.suffix == ".json"
    root = layout.elsewhere.replace("\\", "\\\\") if is_json else layout.elsewhere
    report.write_text(report.read_text().replace(str(layout.top), root))


def judge(layout: Layout, report: Path) -> CoverageFile:
    with contextlib.chdir(layout.top / layout.judged_in):
        return read_coverage_file(report, layout.top, layout.texts.keys(), layout.texts.get)


def faults(layout: Layout, report: Path) -> tuple[list[str], int]:
    """What is wrong, and how many of the measured files are said to be unclear."""
    coverage = judge(layout, report)
    wrong, unclear = [], 0
    for path in layout.texts:
        lines = coverage.files.get(path)
        if lines is None:
            if path in layout.executed:
                unclear += 1
                if path not in coverage.unclear:
                    wrong.append(f"{path} is lost in silence")
        elif path not in layout.executed or lines[:2] != layout.expected(path)[:2]:
            wrong.append(f"{path} has lines of another file")
    return wrong, unclear


def check(seeds: range, tmp_path: Path) -> float:
    """The share of files that are said to be unclear; fails where anything is wrong."""
    unclear = total = 0
    for seed in seeds:
        top = tmp_path / f"p{seed}"
        top.mkdir()
        layout = generate(seed, top)
        for form, report in write(layout).items():
            wrong, count = faults(layout, report)
            assert not wrong, (seed, form, wrong, layout)
            unclear += count
            total += len(layout.executed)
    return unclear / total


def test_no_name_means_another_file(tmp_path: Path) -> None:
    assert check(range(20), tmp_path) < 0.2


@pytest.mark.slow
def test_no_name_means_another_file_in_three_hundred_layouts(tmp_path: Path) -> None:
    assert check(range(300), tmp_path) < 0.2
