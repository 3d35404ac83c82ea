"""The user's own coverage.py, asked from outside.

coverage.py stays the judge of what counts as a line, a branch, an exclusion and a report; it
runs in the user's interpreter, with the commit's tree as working directory. Its configuration may
name plugins, files to write and modules to import, so it is asked where the tests run: behind the
same guard, and started so that nothing of the tree is imported but what coverage.py itself asks
for.
"""

from __future__ import annotations

import hashlib
import html
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from copydesk.agent.coverage.probe import ONE_MOUNT, PROBE
from copydesk.agent.coverage.runner.project_config import (
    configuration,
    folders_above,
    pytest_cov_options,
    report_rules,
)
from copydesk.agent.coverage.runner.redirect import Redirect
from copydesk.agent.errors import CopydeskError
from copydesk.agent.isolated_python import isolated_argv
from copydesk.agent.process import ProcessError, Result, run, scrubbed_environment
from copydesk.agent.records import Arc, Interpreter, Json, LineNo
from copydesk.agent.sandbox.bubblewrap import HOME
from copydesk.agent.sandbox.own_tests import FolderAccess, OwnTestsSandbox
from copydesk.agent.text import clean
from copydesk.agent.untrusted_files import copy_untrusted, read_untrusted

_ANSWER_ONE_QUESTION = "from copydesk_probe.coverage_queries import main; main()"
"""A script would be compiled anew each time."""

_RECORDING = "recording 3"
"""What a run records and how it is counted. Another number than that of an earlier copydesk makes
everything be measured anew: its maps lack what pytest imports before it reads its plugins, and hold
arcs of coverage.py before 7.13.2 that were read in the wrong layout; its totals lack scripts whose
names do not end in .py."""

DEFAULT_OMIT = (
    *("tests/*", "test/*", "./**/tests/*", "./**/test/*", "test_*.py", "./**/test_*.py"),
    *("./**/*_test.py", "conftest.py", "./**/conftest.py"),
    *("setup.py", "noxfile.py", "docs/*", "doc/*"),
)
"""Left out of the total where the project's coverage configuration names no source.

They begin with a dot where coverage.py would else match folders above the tree too.
"""


_REASON = 300
"""Characters of a reason that are kept."""


_DESCRIBED = ("python", "platform", "distributions")
"""What the interpreter says of itself, a part each."""


class Environment(NamedTuple):
    """What outcomes depend on besides the code: a fingerprint, and whether arcs are wanted.

    `rules` is another one, of what coverage.py's report of given lines depends on. `parts` are what
    the first one is of, in words, by name; lists have a line each.
    """

    fingerprint: str
    branch: bool
    rules: str = ""
    parts: Mapping[str, str] = {}


class Analysis(NamedTuple):
    """What coverage.py says of one file for one set of executed lines."""

    statements: tuple[LineNo, ...]
    missing: tuple[LineNo, ...]
    excluded: tuple[LineNo, ...]
    missing_branches: tuple[Arc, ...]
    branches: int


class Analyses(NamedTuple):
    """What coverage.py says of some files, and why it says nothing of others, both by path."""

    files: dict[str, Analysis]
    reasons: dict[str, str]


def require_same_counts(path: str, analysis: Analysis, counts: Sequence[int]) -> None:
    """Refuse what does not add up to coverage.py's own counts: it would be a wrong total.

    Args:
        path: The file.
        analysis: What is about to be stored of it.
        counts: coverage.py's numbers of statements, of missing ones, of branches and missing ones.

    Raises:
        CopydeskError: They differ ("totals-disagree").
    """
    lists = analysis.statements, analysis.missing, analysis.missing_branches
    statements, missing, missing_branches = map(len, map(set, lists))
    stored = (statements, missing, analysis.branches, missing_branches)
    if stored != tuple(counts) or not set(analysis.missing) <= set(analysis.statements):
        names = ("statements", "missing", "branches", "missing branches")
        of_coverage = ", ".join(f"{n} {name}" for n, name in zip(counts, names, strict=True))
        of_copydesk = ", ".join(f"{n} {name}" for n, name in zip(stored, names, strict=True))
        raise CopydeskError(
            f"coverage.py and copydesk count {path} differently, so no total is stored:"
            f" {of_coverage} there, {of_copydesk} here",
            slug="totals-disagree",
            hint="Install the newest coverage.py that copydesk knows (`copydesk doctor` names the"
            " range); if they still differ, please report both lines.",
        )


def digest(parts: Sequence[str]) -> str:
    """A name for some texts together, paths that are no Unicode among them."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class VariableDigests:
    """A digest of each environment variable that the tests see, by name."""

    by_name: Mapping[str, str]

    def __call__(self, name: str) -> str:
        """The digest of a variable; "-" where there is none."""
        return self.by_name.get(name, "-")


def _digest_of(variable: str, value: str) -> str:
    raw = f"{variable}={value}".encode("utf-8", "surrogateescape")
    return hashlib.blake2b(raw, digest_size=8, person=b"copydesk").hexdigest()


@dataclass(frozen=True, slots=True)
class Engine:
    """coverage.py in the user's interpreter, for one tree.

    `guard` is what the project's tests run behind; None lets them run with the user's rights.
    `probe` is the folder of what is loaded into the user's interpreter. `compiled` are the
    compiled modules that the tree holds and the commit does not, each with its content's id.
    `redirect` has imports from editable installs lead to the tree. `folder` is the project's in
    the tree: all runs there, under its configuration, and paths stay those of the tree.
    `objects` are the folders of git's objects that the tree refers to, where it is a repository.
    """

    tree: Path
    interpreter: Interpreter
    guard: OwnTestsSandbox | None = None
    probe: Path = PROBE
    compiled: tuple[str, ...] = ()
    redirect: Redirect | None = None
    folder: str = ""
    objects: tuple[Path, ...] = ()

    @property
    def home(self) -> Path:
        """The project's folder, in which its tests run."""
        return self.tree / self.folder if self.folder else self.tree

    def import_roots(self) -> tuple[str, ...]:
        """The folders of the project that go on the import path, the first one first."""
        return ("src", ".") if (self.home / "src").is_dir() else (".",)

    def roots_of_names(self) -> tuple[str, ...]:
        """The folders of the tree below which a file's path is its dotted name."""
        installed = self.redirect.roots if self.redirect else ()
        own = [self.folder, f"{self.folder}/src"] if self.folder else []
        return tuple(dict.fromkeys(["", "src", *own, *(r for r in installed if r != ".")]))

    def environ(self) -> dict[str, str]:
        """The environment in which the user's code runs here."""
        path = [str(self.probe), *(str(self.home / root) for root in self.import_roots())]
        if self.interpreter.extra_path:
            path.append(str(self.interpreter.extra_path))
        return scrubbed_environment(
            {
                "PYTHONPATH": os.pathsep.join(path),
                "PYTHONDONTWRITEBYTECODE": "1",
                "GIT_CEILING_DIRECTORIES": str(self.tree.parent),
                **(self.redirect.variables(self.tree) if self.redirect else {}),
            }
        )

    def variable_digests(self, places: Mapping[str, str] | None = None) -> VariableDigests:
        """A digest of each environment variable that the tests see: values are not kept.

        Args:
            places: Folders, and what they are called in the values, wherever they lie.
        """
        environ = self.environ()
        if self.guard:
            environ = self.guard.environment(environ)
        for folder, name in (places or {}).items():
            environ = {key: value.replace(folder, name) for key, value in environ.items()}
        return VariableDigests({name: _digest_of(name, value) for name, value in environ.items()})

    def run_tests(
        self,
        argv: Sequence[str | Path],
        env: Mapping[str, str],
        *,
        scratch: Path,
        timeout: float,
        writes: Sequence[Path] = (),
    ) -> Result:
        """Run the project's tests, or what asks about them, in the tree; whatever it ends with.

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
            return run(argv, cwd=self.home, env=env, timeout=timeout, check=False)
        readable = (self.probe, *self.objects)
        folders = FolderAccess(
            self.tree, (scratch, *writes), readable, self.home if self.folder else None
        )
        mounts = {ONE_MOUNT: os.pathsep.join(self._one_file_system())}
        return self.guard.run(argv, folders=folders, env={**env, **mounts}, timeout=timeout)

    def _one_file_system(self) -> list[str]:
        """The folders of the sandbox that are mounts there and one file system outside."""
        inside = {"/tmp": tempfile.gettempdir(), str(HOME): str(Path.home())}
        device = self.tree.stat().st_dev
        folders = [str(self.tree)]
        for name, outside in inside.items():
            if Path(outside).is_dir() and Path(outside).stat().st_dev == device:
                folders.append(name)
        return folders

    def default_settings(self) -> dict[str, list[str]]:
        """What is measured and what is left out where the project's configuration says nothing."""
        source, _ = pytest_cov_options(self.home)
        return {"source": source or list(self.import_roots()), "omit": list(DEFAULT_OMIT)}

    def isolated(self, code: str, words: Sequence[str]) -> list[str]:
        """The command that runs code here, behind the guard, without a `sitecustomize` of the tree.

        Args:
            code: The code.
            words: What it finds in sys.argv[1:].
        """
        folders = [self.probe, *(self.home / root for root in self.import_roots())]
        if self.interpreter.extra_path:
            folders.insert(0, self.interpreter.extra_path)
        path = self.interpreter.path
        return isolated_argv(path, code, folders=folders, words=words, editable=True)

    def _ask(self, request: Json) -> Any:
        with tempfile.TemporaryDirectory(prefix="copydesk-") as folder:
            return self._ask_in(Path(folder), request)

    def _ask_in(self, scratch: Path, request: Json) -> Any:
        """Ask one question, with a folder for what is written in answer to it."""
        _, branch = pytest_cov_options(self.home)
        request |= {f"default_{key}": value for key, value in self.default_settings().items()}
        question, answer_file = scratch / "question.json", scratch / "answer.json"
        question.write_text(json.dumps(request))
        argv = self.isolated(_ANSWER_ONE_QUESTION, [str(question), str(answer_file)])
        tree = {"COPYDESK_TREE": str(self.tree)} if self.folder else {}
        try:
            result = self.run_tests(argv, self.environ() | tree, scratch=scratch, timeout=300)
        except ProcessError as error:
            raise self._no_answer(error.output or error.reason) from error
        try:
            answer = json.loads(read_untrusted(answer_file))
        except (OSError, ValueError) as error:
            output = (result.stdout + result.stderr).decode("utf-8", "replace")
            raise self._no_answer(clean(output.strip()[-2000:]) or str(error)) from error
        if request["question"] in ("environment", "project"):
            answer["branch"] = answer["branch"] or branch
        return answer

    def _no_answer(self, reason: str) -> CopydeskError:
        last_line = reason.strip().rpartition("\n")[2]  # of a traceback, what is wrong
        return CopydeskError(
            f"coverage.py in {self.interpreter.path} cannot read this project: {last_line}",
            slug="coverage-failed",
            hint="Try `coverage report` there; its configuration may be broken.",
        )

    def environment(self, tests: Sequence[str]) -> Environment:
        """The environment's fingerprint: interpreter, packages, test and coverage configuration.

        Args:
            tests: What copydesk's own configuration hands to pytest.
        """
        return self.to_environment(
            self._ask({"question": "environment"}), tests, report_rules(self.home)
        )

    def project(self, candidates: Sequence[str]) -> Json:
        """Everything there is to ask before a run, asked of one child process.

        Args:
            candidates: The Python files of the tree.

        Returns:
            "fingerprint" and "branch", as `environment` has them; "always" and "measurable", the
            files that count in the total executed or not, and those that count once executed;
            "folders", where the interpreter's packages lie.
        """
        answer: Json = self._ask({"question": "project", "candidates": list(candidates)})
        return answer

    def to_environment(
        self, answer: Json, tests: Sequence[str], rules: Sequence[str]
    ) -> Environment:
        """The environment's fingerprint, given what the interpreter says of itself.

        Args:
            answer: What it says: that of `project`, or to the question "environment".
            tests: What copydesk's own configuration hands to pytest.
            rules: What `report_rules` says of the tree.
        """
        configured = [*configuration(self.home, answer["plugins"]), *tests]
        for above in folders_above(self.home, self.tree):  # pytest reads on until it finds its own
            configured += configuration(above, answer["plugins"])
        configured += [self.folder] if self.folder else []
        configured += self.redirect.roots if self.redirect else ()
        configured += ["asks git"] if self.objects else []
        parts = {
            "recording": _RECORDING,
            **{name: str(answer[name]) for name in _DESCRIBED},
            "configuration": digest(configured),
            "sandbox": digest(self.guard.description()) if self.guard else "none",
            "compiled": "\n".join(self.compiled),
        }
        of_reports = digest([_RECORDING, answer["fingerprint"], *rules])
        fingerprint = digest([word for part in parts.items() for word in part])
        return Environment(fingerprint, answer["branch"], of_reports, parts)

    def counted(self, executed: Iterable[str]) -> list[str]:
        """The files of the tree that belong to the total.

        Args:
            executed: The files of which something was executed; others count too where the
                configuration names a source.
        """
        return list(self._ask({"question": "counted", "executed": sorted(executed)}))

    def analyse(
        self, executed: Mapping[str, Sequence[LineNo] | Sequence[Arc]], *, branch: bool
    ) -> Analyses:
        """What coverage.py says of these files, given their executed lines (or arcs).

        Raises:
            CopydeskError: It counts other lines than it names ("totals-disagree").
        """
        if not executed:
            return Analyses({}, {})
        answer = self._ask({"question": "analyse", "executed": dict(executed), "branch": branch})
        analyses = {}
        for path, entry in answer["files"].items():
            analyses[path] = Analysis(
                tuple(entry["statements"]),
                tuple(entry["missing"]),
                tuple(entry["excluded"]),
                tuple((a, b) for a, b in entry["missing_branches"]),
                entry["branches"],
            )
            require_same_counts(path, analyses[path], entry["counts"])
        reasons = {path: clean(str(why))[:_REASON] for path, why in answer["reasons"].items()}
        return Analyses(analyses, reasons)

    def export(
        self,
        executed: Mapping[str, Sequence[LineNo] | Sequence[Arc]],
        *,
        branch: bool,
        report_format: str,
        output: Path,
        top: Path,
    ) -> None:
        """Write a report in one of coverage.py's formats.

        Args:
            executed: The executed lines (or arcs) by path.
            branch: Whether they are arcs.
            report_format: "json", "xml", "lcov", "html", "text" or "data".
            output: The file to write; a folder for "html".
            top: The folder in which others find the files: full paths are given in it.

        Raises:
            OSError: The output cannot be written.
        """
        request = {"question": "export", "executed": dict(executed), "branch": branch}
        with tempfile.TemporaryDirectory(prefix="copydesk-") as folder:
            scratch = Path(folder)
            written = scratch / "written"
            request |= {"format": report_format, "output": str(written), "top": str(top)}
            self._ask_in(scratch, request)
            if report_format == "xml":
                text = read_untrusted(written).decode("utf-8", "replace")
                ours, theirs = (html.escape(str(path), quote=False) for path in (self.tree, top))
                text = text.replace(f"<source>{ours}", f"<source>{theirs}")
                output.write_text(text, "utf-8")
            else:
                copy_untrusted(written, output)
