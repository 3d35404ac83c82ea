"""The gate's verdicts on real history, line for line against diff-cover's: `make equal`.

Each commit of a range is measured, coverage.py writes what was measured in its formats, and
diff-cover reads the XML. Held against each other: the changed lines that count and those that no
test reaches, by path, from the desk and from each file; and the totals, against coverage.py's JSON
report. Exit code 1 when one differs.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from copydesk.agent.process import scrubbed_environment

BIN = Path(sys.executable).parent
FORMS = ("xml", "json", "lcov", "data")


class Said(NamedTuple):
    """What one of them says of a commit: lines that count, lines not reached, by path."""

    counted: int
    missing: dict[str, list[int]]


class Clone:
    """A clone of a project to go through."""

    def __init__(self, source: Path, python: Path, folder: Path, differ: str) -> None:
        self.top, self.differ = folder / "clone", differ
        self.environ = scrubbed_environment({"CI": "1"})
        self.run("git", "clone", "--quiet", str(source), str(self.top), cwd=folder)
        self.run("git", "config", "copydesk.python", str(python))

    def run(self, *argv: str, cwd: Path | None = None, codes: tuple[int, ...] = (0,)) -> str:
        """Run a program, which must end with one of the codes."""
        ended = subprocess.run(
            argv, cwd=cwd or self.top, env=self.environ, capture_output=True, text=True, check=False
        )
        if ended.returncode not in codes:
            raise RuntimeError(f"{argv[:3]} ended with {ended.returncode}: {ended.stderr[-500:]}")
        return ended.stdout

    def copydesk(self, *words: str, codes: tuple[int, ...] = (0,)) -> str:
        """Run copydesk."""
        return self.run(str(BIN / "copydesk"), *words, codes=codes)

    def commits(self, range_: str) -> list[str]:
        """The commits of a range that change Python files, the oldest first."""
        return self.run(
            "git", "rev-list", "--reverse", "--no-merges", range_, "--", "*.py"
        ).split()  # fmt: skip

    def differences(self, sha: str) -> list[str]:
        """Measure one commit and say where they differ."""
        self.run("git", "checkout", "--quiet", "--force", sha)
        self.copydesk("measure", sha)
        files = {form: str(self.top.parent / f"coverage.{form}") for form in FORMS}
        for form, path in files.items():
            self.copydesk("coverage", sha, "--format", form, "-o", path)
        by_diff_cover = self.diff_cover(files["xml"], sha)
        report = json.loads(Path(files["json"]).read_text("utf-8"))
        total = report["totals"]["percent_covered"]
        differences = []
        for form in ("desk", *FORMS):
            words = ["--data", files[form]] if form != "desk" else []
            answer = json.loads(
                self.copydesk("gate", "--base", f"{sha}^", "--head", sha, "--json", *words,
                              codes=(0, 1))
            )  # fmt: skip
            by_copydesk = Said(answer["diff"]["lines"], answer["diff"]["missing"])
            if by_copydesk != by_diff_cover:
                differences.append(f"{form}: {by_copydesk}, diff-cover {by_diff_cover}")
            if answer["diff"]["unknown"]:
                differences.append(f"{form}: unknown {answer['diff']['unknown']}")
            if abs(answer["total"]["percent"] - total) > 1e-9:
                differences.append(
                    f"{form}: total {answer['total']['percent']}, coverage.py {total}"
                )
        return differences

    def diff_cover(self, xml: str, sha: str) -> Said:
        """What diff-cover says."""
        output = self.top.parent / "diff.json"
        self.run(
            self.differ, xml, "--compare-branch", f"{sha}^", "--format", f"json:{output}", "--quiet"
        )
        report: dict[str, Any] = json.loads(output.read_text("utf-8"))
        missing = {
            path: sorted(lines)
            for path, stats in report["src_stats"].items()
            if (lines := stats["violation_lines"])
        }
        return Said(report["total_num_lines"], missing)


def main() -> None:
    """Go through a range and say where they differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path, help="a clone of a real project")
    parser.add_argument("range", help="its commits, as A..B")
    parser.add_argument("--python", type=Path, default=Path(sys.executable))
    parser.add_argument("--limit", type=int, default=0, help="only the last N commits")
    options = parser.parse_args()
    differ = shutil.which("diff-cover", path=f"{BIN}{os.pathsep}{os.environ['PATH']}")
    if differ is None:
        raise SystemExit(f"diff-cover is not installed: {BIN}/pip install diff-cover")
    equal = lines = missing = 0
    differences: list[str] = []
    skipped: list[str] = []
    with tempfile.TemporaryDirectory(prefix="copydesk-equal-") as folder:
        clone = Clone(options.project.resolve(), options.python.absolute(), Path(folder), differ)
        for sha in clone.commits(options.range)[-options.limit :]:
            try:
                of_commit = clone.differences(sha)
            except RuntimeError as error:
                skipped.append(f"{sha[:8]} {error}")
                print(f"{sha[:8]} skipped: {error}", flush=True)
                continue
            report = json.loads((Path(folder) / "diff.json").read_text("utf-8"))
            lines += report["total_num_lines"]
            missing += report["total_num_violations"]
            equal += not of_commit
            differences += [f"{sha[:8]} {line}" for line in of_commit]
            print(
                f"{sha[:8]} {'differs' if of_commit else 'equal'}",
                *of_commit,
                sep="\n  ",
                flush=True,
            )
    print(
        f"{options.project.name} {options.range}: {equal} commits equal,"
        f" {len(differences)} differences, {len(skipped)} could not be measured;"
        f" {lines} changed lines that count,"
        f" {missing} of them not reached"
    )
    sys.exit(1 if differences or not equal else 0)


if __name__ == "__main__":
    main()
