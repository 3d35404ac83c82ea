"""How good drafted tests are on packages that nobody tuned the drafter on.

Twelve packages, chosen before anything was changed for them, in two halves. The functions are
drawn by a fixed seed out of all modules of a package; its tests are not there, its README is. The
open half is looked into while the drafter changes; the closed half is run once, at the end.

    python bench/unseen.py --half open --scratch /tmp/unseen
"""

from __future__ import annotations

import argparse
import json
import pkgutil
import random
import statistics
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from email import message_from_string
from pathlib import Path
from typing import Any

from drafts import Work, measure
from packages import Package, Source, environment, unpack

SEED = "drafts a maintainer merges"
FUNCTIONS = 8
"""Drawn of each package."""
LONGEST = 60
"""Open lines of a function that may be drawn."""

HALVES = {
    "open": (
        Package("files-to-prompt", "0.6", ("files_to_prompt",), "click, files", ("click",)),
        Package("stockstats", "0.6.10", ("stockstats",), "pandas", ("pandas", "numpy")),
        Package("aiocache", "0.12.3", ("aiocache",), "async"),
        Package("py-moneyed", "3.0", ("moneyed",), "value objects", ("babel", "typing_extensions")),
        Package("cssselect", "1.6.0", ("cssselect",), "parser"),
        Package("tablib", "3.10.0", ("tablib",), "optional dependencies"),
    ),
    "closed": (
        Package("towncrier", "26.9.0", ("towncrier",), "click, files", ("click", "jinja2")),
        Package("yamllint", "1.38.0", ("yamllint",), "argparse, unittest", ("pathspec", "pyyaml")),
        Package("numpy-financial", "1.0.0", ("numpy_financial",), "numpy", ("numpy",)),
        Package("diskcache", "5.6.3", ("diskcache",), "database"),
        Package("webcolors", "25.10.0", ("webcolors",), "unittest, value objects"),
        Package("portion", "2.6.3", ("portion",), "value objects", ("sortedcontainers",)),
    ),
}
"""Each package names its top folder; the functions are drawn out of every module in it."""


class Drawn(Work):
    """copydesk at one unseen package: some of its functions, drawn by the seed."""

    def __init__(self, package: Package, scratch: Path, python: Path, options: Any) -> None:
        tree = unpack(package, scratch, python)
        _write_readme(scratch / package.name, tree)
        whole = replace(package, modules=tuple(_modules(tree, package.modules)))
        super().__init__(whole, "copydesk", scratch, {"tests": python}, options)
        self.sources = drawn(package.name, self.sources)


def drawn(name: str, sources: Sequence[Source]) -> list[Source]:
    """Functions of a package, drawn by the fixed seed; each source with those of its own."""
    every = [gap for source in sources for gap in source.gaps]
    fitting = [gap for gap in every if 2 <= len(gap.lines) <= LONGEST]
    fitting.sort(key=lambda gap: (gap.path, gap.first_line))
    chooser = random.Random(f"{SEED}: {name}")
    chosen = set(chooser.sample(fitting, min(FUNCTIONS, len(fitting))))
    parts = []
    for source in sources:
        own = tuple(gap for gap in source.gaps if gap in chosen)
        lines = tuple(line for gap in own for line in gap.lines)
        if own:
            parts.append(replace(source, gaps=own, lines=lines))
    return parts


def _modules(tree: Path, tops: Sequence[str]) -> list[str]:
    """The modules below a package's top folders, without those that start a program."""
    names = []
    for top in tops:
        if (tree / f"{top}.py").is_file():
            names.append(top)
            continue
        names.append(top)
        below = pkgutil.walk_packages([str(tree / top)], f"{top}.", onerror=lambda _: None)
        names += [module.name for module in below]
    return [name for name in names if not name.endswith("__main__") and ".tests" not in name]


def _write_readme(folder: Path, tree: Path) -> None:
    """The long description of the wheel as the README that a checkout would have."""
    (wheel,) = (folder / "wheel").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        text = message_from_string(archive.read(metadata).decode()).get_payload()
    (tree / "README.md").write_text(str(text), "utf-8")


def summary(results: dict[str, dict[str, Any]]) -> str:
    """The figures of a half: a line a package, and the whole."""
    lines = []
    shares = []
    for name, result in results.items():
        share = result["covered"] / max(1, result["open"])
        shares.append(share)
        empty = sum(not row["gained"] for row in result["log"])
        lines.append(
            f"{name}: {result['covered']}/{result['open']} lines ({share:.0%}), nothing for "
            f"{empty}/{len(result['log'])}, {result['kept']} tests, {len(result['failing'])} "
            f"failing, mutants {result['killed']}/{result['of_drafted']}, {result['seconds']} s"
        )
    total = {key: sum(r[key] for r in results.values()) for key in _SUMMED}
    empty = sum(not row["gained"] for r in results.values() for row in r["log"])
    functions = sum(len(r["log"]) for r in results.values())
    lines.append(
        f"all: {total['covered']}/{total['open']} lines "
        f"({total['covered'] / max(1, total['open']):.0%}), median "
        f"{statistics.median(shares or [0.0]):.0%}, nothing for {empty}/{functions} "
        f"({empty / max(1, functions):.0%}), {total['kept']} tests, mutants "
        f"{total['killed']}/{total['of_drafted']} "
        f"({total['killed'] / max(1, total['of_drafted']):.0%}), {total['seconds']:.0f} CPU s, "
        f"{total['seconds'] / max(1, total['covered']):.2f} CPU s a line"
    )
    return "\n".join(lines)


_SUMMED = ("covered", "open", "kept", "killed", "of_drafted", "seconds")


def main() -> None:
    """Measure a half of the packages, and write all kept tests into one file to read."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=tuple(HALVES), required=True)
    parser.add_argument("--scratch", type=Path, required=True, help="a folder to keep all in")
    parser.add_argument("--packages", default="", help="names, with commas; all when left out")
    parser.add_argument("--python", default=sys.executable, help="runs the tests")
    parser.add_argument("--sandbox", default="auto", choices=("auto", "off"))
    options = parser.parse_args()
    options.most = 0
    scratch = options.scratch.resolve()
    half = HALVES[options.half]
    needs = sorted({need for package in half for need in package.needs})
    python = environment(
        options.python, scratch / f"python-{options.half}", ["pytest", "coverage", *needs]
    )
    results = {}
    for package in half:
        if options.packages and package.name not in options.packages.split(","):
            continue
        work = Drawn(package, scratch, python, options)
        if not work.result.is_file():
            result = measure(work)
            work.result.write_text(json.dumps(result, indent=1))
        results[package.name] = json.loads(work.result.read_text())
        tests = [f"# {path.name}\n{path.read_text()}" for path in work.tests]
        (scratch / f"{package.name}-kept.py").write_text("\n\n".join(tests))
        print(summary({package.name: results[package.name]}).splitlines()[0], flush=True)
    print(summary(results))


if __name__ == "__main__":
    main()
