"""The user's own coverage.py, asked from outside.

coverage.py stays the judge of what counts as a line, a branch, an exclusion and a report; it
runs in the user's interpreter, with the commit's tree as working directory.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

from copydesk.agent.coverage.probe import PROBE
from copydesk.agent.coverage.runner.project_config import (
    configuration,
    pytest_cov_options,
    report_rules,
)
from copydesk.agent.errors import CopydeskError
from copydesk.agent.process import ProcessError, Result, run, scrubbed_environment
from copydesk.agent.records import Arc, Interpreter, Json, LineNo
from copydesk.agent.sandbox.own_tests import FolderAccess, OwnTestsSandbox

_REPORT = (
    "import sys; sys.path[0] or sys.path.pop(0);"
    " from copydesk_probe.coverage_queries import main; main()"
)
"""Asks it: a script would be compiled anew each time, and the tree's modules are not meant."""

DEFAULT_OMIT = (
    *("tests/*", "test/*", "./**/tests/*", "./**/test/*", "test_*.py", "./**/test_*.py"),
    *("./**/*_test.py", "conftest.py", "./**/conftest.py"),
    *("setup.py", "noxfile.py", "docs/*", "doc/*"),
)
"""Left out of the total where the project's coverage configuration names no source.

They begin with a dot where coverage.py would else match folders above the tree too.
"""


class Environment(NamedTuple):
    """What outcomes depend on besides the code: a fingerprint, and whether arcs are wanted.

    `rules` is another one, of what coverage.py's report of given lines depends on.
    """

    fingerprint: str
    branch: bool
    rules: str = ""


class Analysis(NamedTuple):
    """What coverage.py says of one file for one set of executed lines."""

    statements: tuple[LineNo, ...]
    missing: tuple[LineNo, ...]
    excluded: tuple[LineNo, ...]
    missing_branches: tuple[Arc, ...]
    branches: int


def digest(parts: Sequence[str]) -> str:
    """A name for some texts together, paths that are no Unicode among them."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Engine:
    """coverage.py in the user's interpreter, for one tree.

    `guard` is what the project's tests run behind; None lets them run with the user's rights.
    `probe` is the folder of what is loaded into the user's interpreter.
    """

    tree: Path
    interpreter: Interpreter
    guard: OwnTestsSandbox | None = None
    probe: Path = PROBE

    def roots(self) -> tuple[str, ...]:
        """The folders of the tree that go on the import path, the first one first."""
        return ("src", ".") if (self.tree / "src").is_dir() else (".",)

    def environ(self) -> dict[str, str]:
        """The environment in which the user's code runs here."""
        path = [str(self.probe), *(str(self.tree / root) for root in self.roots())]
        if self.interpreter.extra_path:
            path.append(str(self.interpreter.extra_path))
        return scrubbed_environment(
            {
                "PYTHONPATH": os.pathsep.join(path),
                "PYTHONDONTWRITEBYTECODE": "1",
                "GIT_CEILING_DIRECTORIES": str(self.tree.parent),
            }
        )

    def variables(self) -> Callable[[str], str]:
        """A name for the value of each environment variable that the tests see: never the value."""
        known = self.digests()
        return lambda variable: known.get(variable, "-")

    def digests(self) -> dict[str, str]:
        """Such a name for every variable that there is."""
        given = self.environ()
        seen = self.guard.environment(given) if self.guard else given

        def name_of(variable: str, value: str) -> str:
            raw = f"{variable}={value}".encode("utf-8", "surrogateescape")
            return hashlib.blake2b(raw, digest_size=8, person=b"copydesk").hexdigest()

        return {variable: name_of(variable, value) for variable, value in seen.items()}

    def run_tests(
        self,
        argv: Sequence[str | Path],
        env: Mapping[str, str],
        *,
        scratch: Path,
        timeout: float,
        writes: Sequence[Path] = (),
    ) -> Result:
        """Run the project's tests in the tree, whatever they end with.

        Args:
            argv: The program and its arguments.
            env: The environment, from `environ`.
            scratch: A folder outside of the tree to write to.
            timeout: Seconds.
            writes: Further folders to write to.

        Raises:
            ProcessError: They could not be started, or met a limit.
        """
        if self.guard is None:
            return run(argv, cwd=self.tree, env=env, timeout=timeout, check=False)
        folders = FolderAccess(self.tree, writable=(scratch, *writes), readable=(self.probe,))
        return self.guard.run(argv, folders=folders, env=env, timeout=timeout)

    def defaults(self) -> dict[str, list[str]]:
        """What is measured and what is left out where the project's configuration says nothing."""
        source, _ = pytest_cov_options(self.tree)
        return {"source": source or list(self.roots()), "omit": list(DEFAULT_OMIT)}

    def _ask(self, request: Json) -> Any:
        argv: list[str | Path] = [self.interpreter.path, "-c", _REPORT]
        _, branch = pytest_cov_options(self.tree)
        request |= {f"default_{key}": value for key, value in self.defaults().items()}
        try:
            said = run(
                argv, cwd=self.tree, env=self.environ(), timeout=300,
                stdin=json.dumps(request).encode(),
            )  # fmt: skip
        except ProcessError as error:
            raise CopydeskError(
                f"coverage.py in {self.interpreter.path} cannot read this project: {error.output}",
                slug="coverage-failed",
                hint="Try `coverage report` there; its configuration may be broken.",
            ) from error
        answer = json.loads(said.text)
        if request["question"] in ("environment", "project"):
            answer["branch"] = answer["branch"] or branch
        return answer

    def environment(self, tests: Sequence[str]) -> Environment:
        """The environment's fingerprint: interpreter, packages, test and coverage configuration.

        Args:
            tests: What copydesk's own configuration hands to pytest.
        """
        return self.described(
            self._ask({"question": "environment"}), tests, report_rules(self.tree)
        )

    def survey(self, candidates: Sequence[str]) -> Json:
        """Everything there is to ask before a run, of one child process.

        Args:
            candidates: The Python files of the tree.

        Returns:
            "fingerprint" and "branch", as `environment` has them; "always" and "measurable", the
            files that count in the total executed or not, and those that count once executed;
            "folders", where the interpreter's packages lie.
        """
        answer: Json = self._ask({"question": "project", "candidates": list(candidates)})
        return answer

    def described(self, answer: Json, tests: Sequence[str], rules: Sequence[str]) -> Environment:
        """The environment's fingerprint, given what the interpreter says of itself.

        Args:
            answer: What it says.
            tests: What copydesk's own configuration hands to pytest.
            rules: What `report_rules` says of the tree.
        """
        parts = [answer["fingerprint"], *configuration(self.tree, answer["plugins"]), *tests]
        parts += self.guard.description() if self.guard else []
        return Environment(digest(parts), answer["branch"], digest([answer["fingerprint"], *rules]))

    def counted(self, executed: Iterable[str]) -> list[str]:
        """The files of the tree that belong to the total.

        Args:
            executed: The files of which something was executed; others count too where the
                configuration names a source.
        """
        return list(self._ask({"question": "counted", "executed": sorted(executed)}))

    def analyse(
        self, executed: Mapping[str, Sequence[LineNo] | Sequence[Arc]], *, branch: bool
    ) -> dict[str, Analysis]:
        """What coverage.py says of these files, given their executed lines (or arcs)."""
        if not executed:
            return {}
        answer = self._ask({"question": "analyse", "executed": dict(executed), "branch": branch})
        return {
            path: Analysis(
                tuple(sorted({*entry["executed"], *entry["missing"]})),
                tuple(entry["missing"]),
                tuple(entry["excluded"]),
                tuple((a, b) for a, b in entry["missing_branches"]),
                entry["branches"],
            )
            for path, entry in answer.items()
        }

    def export(
        self,
        executed: Mapping[str, Sequence[LineNo] | Sequence[Arc]],
        *,
        branch: bool,
        form: str,
        output: Path,
        top: Path,
    ) -> None:
        """Write a report in one of coverage.py's formats: json, xml, lcov, html, text or data.

        What names whole paths names those under `top`, where others find the files.
        """
        request = {"question": "export", "executed": dict(executed), "branch": branch}
        self._ask(request | {"format": form, "output": str(output), "top": str(top)})
        if form == "xml":
            here, there = (f"<source>{escape(str(place))}" for place in (self.tree, top))
            text = output.read_text("utf-8").replace(here, there)
            output.write_text(text, "utf-8")
