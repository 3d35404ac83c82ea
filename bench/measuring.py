"""What measuring costs, as ratios to plain pytest: `make bench-coverage PROJECT=... PYTHON=...`.

Everything of one table runs side by side in one go, since only ratios within a run mean anything
on a machine that does other things too. Figures are CPU seconds of child processes, medians.
"""

from __future__ import annotations

import argparse
import ast
import datetime
import os
import platform
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from copydesk.agent.process import scrubbed_environment

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider")

# without forceselect it runs everything where addopts has -m; it needs pytest's cache provider
TESTMON = ("--testmon", "--testmon-forceselect")


def cpu(work: Callable[[], object]) -> float:
    """The CPU seconds of the children that something starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class Project:
    """A fresh clone of a project, and the interpreter of its tests."""

    def __init__(self, source: Path, python: Path, folder: Path) -> None:
        self.top, self.python, self.folder = folder / "clone", python, folder
        self.git("clone", "--quiet", str(source), str(self.top), cwd=folder)
        for key, value in (("copydesk.python", python), ("user.name", "sandbox")):
            self.git("config", key, str(value))
        # nobody hears of the processor time of what runs in the sandbox
        self.git("config", "copydesk.ownTests", "plain")
        self.git("config", "user.email", "sandbox@example.org")
        self.environ = scrubbed_environment(
            {
                "PYTHONPATH": os.pathsep.join([str(self.top / "src"), str(self.top)]),
                "PYTHONDONTWRITEBYTECODE": "1",
            }
        )

    def git(self, *words: str, cwd: Path | None = None) -> None:
        """Run git, which must succeed."""
        subprocess.run(["git", *words], cwd=cwd or self.top, check=True)

    def run(self, *words: str | Path) -> str:
        """Run the project's interpreter; failing tests are no error."""
        finished = subprocess.run(
            [self.python, *words], cwd=self.top, env=self.environ, capture_output=True, check=False
        )
        return finished.stdout.decode("utf-8", "replace")

    def measure(self, *words: str) -> None:
        """Measure HEAD with copydesk."""
        ours = [sys.executable, "-m", "copydesk.agent.cli.main", "measure", *words]
        subprocess.run(ours, cwd=self.top, env=scrubbed_environment(), check=True,
                       capture_output=True)  # fmt: skip

    def forget(self) -> None:
        """Take the desk away."""
        shutil.rmtree(self.top / ".git" / "copydesk", ignore_errors=True)
        (self.top / ".testmondata").unlink(missing_ok=True)

    def change(self, function: str, times: int) -> None:
        """Commit a change of one function, given as path:name."""
        path, _, name = function.partition(":")
        text = (self.top / path).read_text("utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and node.name == name:
                last = node.body[-1]
                lines = text.splitlines(keepends=True)
                lines.insert(last.lineno - 1, f"{' ' * last.col_offset}_ = {times}\n")
                (self.top / path).write_text("".join(lines), "utf-8")
                self.git("commit", "--quiet", "--all", "--message", "Change a function")
                return
        raise SystemExit(f"there is no function {function}")

    def lines_only(self) -> None:
        """Commit that branches are not measured."""
        path = self.top / "pyproject.toml"
        path.write_text(path.read_text("utf-8").replace("branch = true", "branch = false"), "utf-8")
        self.git("commit", "--quiet", "--all", "--allow-empty", "--message", "Lines only")

    def words_only(self) -> None:
        """Commit a change that no test can notice."""
        path = self.top / "BENCHMARK.txt"
        path.write_text((path.read_text() if path.exists() else "") + "words\n")
        self.git("add", path.name)
        self.git("commit", "--quiet", "--message", "Words")


def contexts(project: Project, *, branch: bool) -> None:
    """The whole suite under coverage.py's C tracer with dynamic contexts."""
    settings = project.folder / "coveragerc"
    settings.write_text(
        f"[run]\nbranch = {branch}\ncore = ctrace\nsource = .\ndynamic_context = test_function\n"
        f"data_file = {project.folder / 'contexts'}\n"
    )
    project.run("-m", "coverage", "run", f"--rcfile={settings}", *PYTEST)


def one_round(project: Project, function: str, number: int) -> dict[str, float]:
    """Every row of the table, once."""
    last_line = project.run(*PYTEST).splitlines()[-1:]
    if not last_line or "passed" not in last_line[0]:
        raise SystemExit(f"the suite does not run under plain pytest: {last_line}")
    has_testmon = project.run("-c", "import testmon; print('yes')").strip() == "yes"
    project.forget()
    plain = lambda: project.run(*PYTEST)  # noqa: E731
    testmon = lambda: project.run("-m", "pytest", "-q", *TESTMON)  # noqa: E731
    spent = {"plain pytest": cpu(plain)}
    spent["coverage.py, C tracer, lines, contexts"] = cpu(lambda: contexts(project, branch=False))
    spent["coverage.py, C tracer, branches, contexts"] = cpu(lambda: contexts(project, branch=True))
    spent["copydesk, first full measure"] = cpu(project.measure)
    if has_testmon:
        spent["pytest-testmon, first run"] = cpu(testmon)
    project.change(function, number)
    spent["copydesk, one function changed"] = cpu(project.measure)
    if has_testmon:
        spent["pytest-testmon, one function changed"] = cpu(testmon)
    project.words_only()
    spent["copydesk, nothing affected"] = cpu(project.measure)
    if has_testmon:
        spent["pytest-testmon, nothing affected"] = cpu(testmon)
    return spent


def table(title: str, rounds: Sequence[dict[str, float]], command: str) -> str:
    """The medians as a section of the page."""
    middle = {name: statistics.median(r[name] for r in rounds) for name in rounds[0]}
    base = middle["plain pytest"]
    day = datetime.datetime.now(datetime.UTC).date().isoformat()
    kind = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    lines = [f"## {title}, {day}", "", f"{kind}; {len(rounds)} rounds; `{command}`", ""]
    lines += ["| run | CPU seconds | × plain pytest |", "| --- | ---: | ---: |"]
    lines += [f"| {n} | {seconds:.2f} | {seconds / base:.2f} |" for n, seconds in middle.items()]
    return "\n".join([*lines, ""])


def main() -> None:
    """Run the benchmark, print its table and append it to docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path, help="a clone of a real project")
    parser.add_argument("function", help="the function to change, as path:name")
    parser.add_argument("--python", type=Path, default=Path(sys.executable))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--lines", action="store_true", help="without the project's branches")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="copydesk-bench-") as folder:
        project = Project(options.project.resolve(), options.python.absolute(), Path(folder))
        if options.lines:
            project.lines_only()
        rounds = [one_round(project, options.function, n) for n in range(options.rounds)]
        version = project.run("-c", "import platform; print(platform.python_version())").strip()
    words = [
        "bench/measuring.py",
        options.project.name,
        options.function,
        "--rounds",
        str(options.rounds),
    ]
    words += ["--lines"] * options.lines
    section = table(f"{options.project.name}, Python {version}", rounds, shlex.join(words))
    print(section)
    with PAGE.open("a", encoding="utf-8") as page:
        page.write("\n" + section)


if __name__ == "__main__":
    main()
