"""Whether kept drafts pass away from where they were made: `make bench-foreign`.

The drafts are those of the embedded drafter for the packages listed here, as bench/drafts.py has
them made: up the whole ladder, in the sandbox. Each that was verified then runs outside the
sandbox in

* the account of another user, with a home of its own (needs root, and an interpreter that user
  can read: `--python /usr/bin/python3`),
* another locale, file-system encoding and time zone,
* another hash seed, in a random order,
* two worker processes of pytest-xdist,
* a plain run of its one file, started in another folder,
* other Pythons, of another patch or minor version (`--other python3.13`, as often as wanted),
  where the package can be imported there.

Each failure is printed with its last line; the exit code is 1 where there was one. What was
drafted is kept in the scratch folder, so that a run can be broken off and resumed; `--no-drafting`
runs what lies there.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

from drafts import Work, by_copydesk
from packages import Package, described, environment

PACKAGES = (
    Package("inflection", "0.5.1", ("inflection",), "typed functions"),
    Package(
        "humanize", "4.17.0",
        ("humanize.number", "humanize.time", "humanize.filesize", "humanize.lists"),
        "locales, times",
    ),
    Package(
        "itsdangerous", "2.2.0",
        ("itsdangerous.signer", "itsdangerous.timed", "itsdangerous.serializer",
         "itsdangerous.encoding"),
        "the clock, secrets",
    ),
    Package(
        "python-dotenv", "1.2.4", ("dotenv.cli", "dotenv.main", "dotenv.parser"),
        "environment, files", ("click",),
    ),
    Package("cachetools", "8.0.2", ("cachetools", "cachetools.keys", "cachetools.func"), "state"),
    Package(
        "boltons", "26.2.0",
        ("boltons.mathutils", "boltons.timeutils", "boltons.fileutils", "boltons.strutils"),
        "times, files",
    ),
    Package(
        "pydash", "8.1.0",
        ("pydash.strings", "pydash.numerical", "pydash.predicates", "pydash.objects",
         "pydash.arrays", "pydash.utilities"),
        "typed functions, many", ("typing_extensions",),
    ),
    Package(
        "validators", "0.36.0",
        ("validators.between", "validators.card", "validators.cron", "validators.country",
         "validators.domain", "validators.finance", "validators.hashes", "validators.hostname",
         "validators.ip_address", "validators.length", "validators.url", "validators.utils",
         "validators.encoding", "validators.uri", "validators.i18n.es", "validators.i18n.fr"),
        "decorated functions",
    ),
    Package(
        "python-stdnum", "2.2",
        ("stdnum.luhn", "stdnum.verhoeff", "stdnum.damm", "stdnum.ean", "stdnum.isbn",
         "stdnum.issn", "stdnum.ismn", "stdnum.isin", "stdnum.iban", "stdnum.imei", "stdnum.mac",
         "stdnum.meid", "stdnum.cusip", "stdnum.lei", "stdnum.bic", "stdnum.util"),
        "check digits, data files",
    ),
    Package(
        "funcy", "2.1",
        ("funcy.seqs", "funcy.colls", "funcy.strings", "funcy.funcs", "funcy.tree",
         "funcy.types"),
        "untyped, functions of functions",
    ),
    Package(
        "w3lib", "2.5.0", ("w3lib.url", "w3lib.html", "w3lib.http", "w3lib.encoding"),
        "bytes, encodings",
    ),
    Package(
        "natsort", "8.4.0", ("natsort.natsort", "natsort.utils", "natsort.__main__"),
        "the locale, a command",
    ),
    Package(
        "isodate", "0.7.2",
        ("isodate.isodates", "isodate.isotime", "isodate.isoduration", "isodate.duration",
         "isodate.isostrf", "isodate.isotzinfo", "isodate.tzinfo"),
        "dates, time zones",
    ),
    Package("toolz", "1.2.0", ("toolz.dicttoolz", "toolz.itertoolz", "toolz.recipes"), "untyped"),
    Package("sqlparse", "0.6.1", ("sqlparse.utils", "sqlparse.cli", "sqlparse.sql"), "a command"),
)  # fmt: skip

NOBODY = 65534
LIMIT = 600
_SHUFFLE = """
import random
def pytest_collection_modifyitems(items):
    random.Random(4711).shuffle(items)
"""


class Place(NamedTuple):
    """An environment that differs from the one drafts are made in.

    `before` is what stands before the interpreter, `alone` says that each file has its own run.
    """

    name: str
    python: Path
    before: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    alone: bool = False


class Outcome(NamedTuple):
    """How the drafts went in a place: tests that passed, and a line for each that did not."""

    passed: int
    failures: list[str]


def places(pythons: dict[str, Path]) -> Iterator[Place]:
    """The places that this machine offers; what it lacks is said."""
    if os.geteuid() == 0 and shutil.which("setpriv"):
        ids = (f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
        yield Place("another user", pythons["tests"], ("setpriv", *ids))
    else:
        print("another user: left out, for this needs root and setpriv")
    ascii_only = (("LC_ALL", "POSIX"), ("PYTHONCOERCECLOCALE", "0"), ("PYTHONUTF8", "0"))
    zone = (("TZ", "Australia/Lord_Howe"),)
    yield Place("locale and time zone", pythons["tests"], variables=(*ascii_only, *zone))
    shuffled = ("-p", "shuffle_tests")
    seed = (("PYTHONHASHSEED", "4711"),)
    yield Place("hash seed and order", pythons["tests"], options=shuffled, variables=seed)
    yield Place("xdist", pythons["xdist"], options=("-p", "xdist", "-n2"))
    yield Place("one file, another folder", pythons["tests"], alone=True)
    for name, python in pythons.items():
        if name.startswith("Python "):
            yield Place(name, python)


def run_in(place: Place, project: Path, home: Path) -> Outcome:
    """Run a project's drafts in a place.

    Args:
        place: The place.
        project: The folder of the package and of its drafts in tests/.
        home: An empty folder that anybody may write to.
    """
    files = sorted((project / "tests").glob("test_*.py"))
    runs = [[str(file)] for file in files] if place.alone else [["tests"]]
    cwd = home if place.alone else project
    passed, failures = 0, []
    for arguments in runs:
        outcome = _pytest(place, arguments, cwd, project, home)
        passed += outcome.passed
        failures += outcome.failures
    return Outcome(passed, failures)


def _pytest(
    place: Place, arguments: Sequence[str], cwd: Path, project: Path, home: Path
) -> Outcome:
    argv = [*place.before, str(place.python), "-m", "pytest", "-q", "-rfE", "--tb=line"]
    argv += ["-p", "no:cacheprovider", *place.options, *arguments]
    variables = {
        "PATH": os.defpath,
        "HOME": str(home),
        "TMPDIR": str(home),
        "PYTHONPATH": os.pathsep.join([str(project), str(project.parent / "plugins")]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "COLUMNS": "400",
        **dict(place.variables),
    }
    try:
        finished = subprocess.run(
            argv, cwd=cwd, env=variables, capture_output=True, text=True, errors="replace",
            timeout=LIMIT, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Outcome(0, [f"{' '.join(arguments)}: took longer than {LIMIT} s"])
    found = re.findall(r"^(?:FAILED|ERROR) .*", finished.stdout, re.MULTILINE)
    if finished.returncode and not found:
        last_lines = (finished.stdout + finished.stderr).strip().splitlines()[-2:]
        found = [f"exit code {finished.returncode}: {' '.join(last_lines)}"]
    counts = re.findall(r"(\d+) (?:passed|xfailed)", finished.stdout)
    return Outcome(sum(map(int, counts)), found)


def lay_out(work: Work, folder: Path) -> Path:
    """A project of a package and its kept drafts, readable for all; returns its folder."""
    project = folder / "project"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(work.tree, project, ignore=shutil.ignore_patterns("__pycache__"))
    (project / "tests").mkdir()
    for file in work.tests:
        shutil.copy(file, project / "tests")
    (folder / "plugins").mkdir()
    (folder / "plugins" / "shuffle_tests.py").write_text(_SHUFFLE)
    subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=True)
    return project


def _pythons(options: argparse.Namespace) -> dict[str, Path]:
    """The interpreters, each in an environment of its own."""
    needs = sorted({need for package in PACKAGES for need in package.needs})
    plain = ["pytest", "coverage", *needs]
    scratch = options.scratch
    pythons = {
        "tests": environment(options.python, scratch / "tests", plain),
        "xdist": environment(options.python, scratch / "xdist", [*plain, "pytest-xdist"]),
    }
    for number, other in enumerate(options.other):
        python = environment(other, scratch / f"other-{number}", plain)
        version = ".".join(map(str, described(python).version))
        pythons[f"Python {version}"] = python
    return pythons


def _can_import(python: Path, package: Package, project: Path) -> bool:
    """Whether the modules of a package can be imported there."""
    code = "import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]"
    argv = [str(python), "-c", code, *package.modules]
    environ = {"PYTHONPATH": str(project), "PATH": os.defpath}
    return subprocess.run(argv, env=environ, capture_output=True, check=False).returncode == 0


def judge(work: Work, every: Sequence[Place], scratch: Path) -> int:
    """Run a package's kept drafts everywhere, and print how that went; the number of failures."""
    project = lay_out(work, scratch / work.package.name / "foreign")
    failures = 0
    for number, place in enumerate(every):
        if place.name.startswith("Python ") and not _can_import(
            place.python, work.package, project
        ):
            print(f"  {work.package.name}, {place.name}: left out, it cannot be imported there")
            continue
        home = project.parent / f"home-{number}"
        home.mkdir()
        home.chmod(0o777)
        outcome = run_in(place, project, home)
        count = len(outcome.failures)
        print(f"  {work.package.name}, {place.name}: {outcome.passed} passed, {count} failed")
        for line in outcome.failures:
            print(f"    {line}")
        sys.stdout.flush()
        failures += count
    return failures


def main() -> int:
    """Draft what is not there yet, and run it everywhere."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scratch", type=Path, required=True, help="a folder to keep all in")
    parser.add_argument("--packages", default="", help="names, with commas; all when left out")
    parser.add_argument("--python", default=sys.executable, help="makes and runs the drafts")
    parser.add_argument(
        "--other", action="append", default=[], help="an interpreter of another version"
    )
    parser.add_argument("--sandbox", default="auto", choices=("auto", "off"))
    parser.add_argument("--most", type=int, default=40, help="functions a package; 0 for all")
    parser.add_argument("--no-drafting", action="store_true", help="only run what is there")
    options = parser.parse_args()
    options.scratch = options.scratch.resolve()
    options.scratch.mkdir(parents=True, exist_ok=True)
    options.scratch.chmod(0o755)
    pythons = _pythons(options)
    names = options.packages.split(",") if options.packages else [p.name for p in PACKAGES]
    every = list(places(pythons))
    drafts, failures = 0, 0
    for package in [package for package in PACKAGES if package.name in names]:
        settings = SimpleNamespace(sandbox=options.sandbox, most=options.most)
        work = Work(package, "copydesk", options.scratch, pythons, settings)
        work.folder.mkdir(parents=True, exist_ok=True)
        if not options.no_drafting:
            by_copydesk(work)
        drafts += len(work.tests)
        failures += judge(work, every, options.scratch)
    print(f"{drafts} kept drafts in {len(every)} places: {failures} failures")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
