"""The demonstration, step by step: hooks, a commit, drafts with their evidence, a decision."""

from __future__ import annotations

import importlib.util
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from copydesk.agent import config
from copydesk.agent.coverage.store import Measure
from copydesk.agent.daemon import control
from copydesk.agent.demo import project
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import interpreter
from copydesk.agent.git.command import git_program
from copydesk.agent.git.repository import Repository, resolve, set_config
from copydesk.agent.process import find_program
from copydesk.agent.progress import Progress, silent
from copydesk.agent.records import Draft, Sha
from copydesk.agent.review import decisions
from copydesk.agent.sandbox.records import Capability, Tier
from copydesk.agent.sandbox.tier import detect, install_command
from copydesk.agent.setup import initialise
from copydesk.agent.testgen.pipeline import reach_model
from copydesk.agent.text import percent, plural

NEEDED_DRAFTS = 5
"""Verified test drafts without which the demonstration has failed."""

WAIT_SECONDS = 1800.0
"""The longest wait for one step; on two quiet cores the longest takes about a minute."""


class Screen(Protocol):
    """Where the demonstration shows things."""

    def step(self, title: str) -> None:
        """Begin a step."""

    def say(self, text: str) -> None:
        """Show a paragraph, or the output of a command."""

    def table(
        self, headings: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int]
    ) -> None:
        """Show rows; the columns `right` stand flush right."""

    def draft(self, draft: Draft, limit: int | None) -> None:
        """Show a draft with its evidence, at most `limit` lines of its text."""

    def progress(self, text: str) -> AbstractContextManager[Progress]:
        """Show that something goes on; yields what takes its latest line."""


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demonstration came to. Percentages are of 100; `missed` is empty when all is well.

    `before` and `after` are the coverage of the change and of the commit with the accepted draft.
    """

    folder: Path
    tier: str
    model: str
    verified: int
    stories: int
    before: float | None
    after: float | None
    missed: tuple[str, ...]


def demo(screen: Screen, folder: Path | None = None) -> DemoResult:
    """Show copydesk at work in a sample repository, which stays when it is over.

    Args:
        screen: Where to show it.
        folder: Where to make the repository; a new temporary folder when left out.

    Raises:
        CopydeskError: pytest or pre-commit is missing, the folder is not empty, or a step failed.
    """
    check_packages()
    target = demo_folder(folder)
    with project.without_user_git_config(target):
        repo = project.create(target)
        try:
            with open_desk(repo.desk) as db:
                return _Demonstration(screen, repo, db).go()
        finally:
            control.stop(repo)


def check_packages() -> None:
    """Make sure that what the sample project needs is there.

    Raises:
        CopydeskError: git, pytest or pre-commit is not.
    """
    git_program()
    missing = []
    if importlib.util.find_spec("pytest") is None:
        missing.append("pytest")
    beside = Path(sys.executable).with_name("pre-commit")
    if not beside.exists() and find_program("pre-commit") is None:
        missing.append("pre-commit")
    if missing:
        raise CopydeskError(
            f"the demo needs {' and '.join(missing)} in copydesk's own environment",
            slug="demo-packages",
            hint=install_hint(Path(sys.prefix), missing),
        )


def install_hint(prefix: Path, names: Sequence[str]) -> str:
    """The command that adds packages to copydesk's own environment, as that was made.

    Args:
        prefix: The environment.
        names: The packages.
    """
    words = " ".join(names)
    if (prefix / "pipx_metadata.json").is_file():
        return f"pipx inject {prefix.name} {words}"
    if (prefix / "uv-receipt.toml").is_file():
        return "uv tool install copydesk " + " ".join(f"--with {name}" for name in names)
    return f"{shlex.quote(sys.executable)} -m pip install {words}"


def demo_folder(folder: Path | None) -> Path:
    """Where a demonstration is made: an empty folder, or a new temporary one."""
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="copydesk-demo-")).resolve() / "stock-predictor"
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CopydeskError(
            f"{folder} exists and is not an empty folder",
            slug="demo-folder",
            hint="Name another with --folder, or leave it out for a temporary one.",
        )
    return folder.resolve()


class _Demonstration:
    """The steps, in order, on one repository."""

    def __init__(self, screen: Screen, repo: Repository, db: Database) -> None:
        self.screen, self.repo, self.db = screen, repo, db
        self.logged = 0

    def go(self) -> DemoResult:
        """All of it."""
        self._project()
        tier, model = self._hooks()
        self._first_commit()
        sha = self._change()
        measure_before = self._found(sha)
        ready = self._drafts(sha)
        stories = self.db.drafts.find(("ready",), kind="devlog", commit=sha)
        for story in stories:
            self.screen.step("The dev log it drafted, every sentence with its facts")
            self.screen.draft(story, None)
        after = self._accept(ready, measure_before)
        outcome = DemoResult(
            self.repo.worktree,
            tier,
            model,
            len(ready),
            len(stories),
            measure_before.percent,
            after,
            (),
        )
        self._look_around(ready)
        return with_shortfalls(outcome)

    def _project(self) -> None:
        self.screen.step("A sample project: a stock predictor with a few tests of its own")
        names = sorted(p for p in self.repo.worktree.rglob("*.py") if ".git" not in p.parts)
        self.screen.say(f"In {self.repo.worktree}:\n")
        rows = [
            (str(p.relative_to(self.repo.worktree)), str(len(p.read_text("utf-8").splitlines())))
            for p in names
        ]
        self.screen.table(("file", "lines"), rows, (1,))

    def _hooks(self) -> tuple[str, str]:
        self.screen.step("copydesk init: the hooks, through pre-commit")
        with self.screen.progress("setting up") as progress:
            steps = initialise.set_up(self.repo, progress=progress)
        self.screen.say("\n".join(steps))
        search = interpreter.find(self.repo)
        guard = detect("auto", search.interpreter, outside=(self.repo.worktree,))
        if guard.tier is Tier.NONE:
            set_config(self.repo, "copydesk.sandbox", "off")
            self.screen.say(sandbox_off_text(guard))
        else:
            self.screen.say(f"Drafts are run in a sandbox: {guard.reason}.")
        settings = config.load(self.repo)
        why: list[str] = []
        client = reach_model(settings, self.db, why.append)
        if client is None:
            self.screen.say("No Ollama answers: the embedded drafter and a template write alone.")
        else:
            self.screen.say(f"Ollama answers: {client.name} gets what the embedded drafter leaves.")
        tier = Tier.OFF if guard.tier is Tier.NONE else guard.tier
        return str(tier), client.name if client else ""

    def _first_commit(self) -> None:
        self.screen.step('git commit --message "A small stock predictor"')
        sha = self._commit("A small stock predictor")
        self._wait(lambda: self.db.measures.get(sha) is not None, "measuring")
        self.screen.say(coverage_line(self._measure(sha)))

    def _change(self) -> Sha:
        self.screen.step('A change nobody tested: git commit --message "Size positions by risk"')
        self.screen.say(project.change(self.repo))
        sha = self._commit("Size positions by risk")
        self.screen.say("That is all there is to do. The daemon measures, drafts and checks:")
        started = time.monotonic()
        self._wait(lambda: False, "working")
        self.screen.say(f"Done after {time.monotonic() - started:.0f} s.")
        return sha

    def _found(self, sha: Sha) -> Measure:
        self.screen.step("What it measured, and the gaps: changed functions first")
        measure = self._measure(sha)
        self.screen.say(coverage_line(measure))
        rows = [
            (
                f"{gap.path}::{gap.function}",
                str(len(gap.lines)),
                "yes" if gap.changed else "",
                f"{gap.risk:.2f}",
                "; ".join(gap.reasons),
            )
            for gap in self.db.gaps.of_commit(sha)
        ]
        self.screen.table(("function", "open lines", "changed", "risk", "why"), rows, (1, 3))
        return measure

    def _drafts(self, sha: Sha) -> list[Draft]:
        ready = [
            draft
            for draft in self.db.drafts.find(("ready",), kind="test", commit=sha)
            if draft.evidence.get("verdict") == "verified"
        ]
        self.screen.step(f"The {plural(len(ready), 'test draft')} that passed every check")
        for draft in ready:
            self.screen.draft(draft, 60)
        return ready

    def _accept(self, ready: Sequence[Draft], before: Measure) -> float | None:
        """Accept the draft that reaches most, commit it, and return the coverage after it."""
        if not ready:
            return before.percent
        best = max(ready, key=draft_value)
        self.screen.step(f"copydesk accept {best.id}: the draft that reaches most lines")
        path = decisions.accept(self.repo, self.db, best.id)
        name = path.relative_to(self.repo.worktree)
        self.screen.say(f"Wrote {name}. Nothing was staged; committing is yours:")
        sha = self._commit(f"Test {best.target.function if best.target else name}")
        self._wait(lambda: self.db.measures.get(sha) is not None, "measuring")
        after = self._measure(sha)
        self.screen.say(coverage_line(after))
        self.screen.say(
            f"Coverage: {percent(before.percent)} before, {percent(after.percent)} after."
        )
        return after.percent

    def _look_around(self, ready: Sequence[Draft]) -> None:
        self.screen.step("Look around")
        program = "copydesk"
        beside = Path(sys.executable).with_name("copydesk")
        if shutil.which(program) is None and beside.exists():
            program = shlex.quote(str(beside))
        worktree = self.repo.worktree
        lines = [f"cd {shlex.quote(str(worktree))}"]
        lines += [f"{program} {words}" for words in ("status", "gaps", "drafts")]
        if ready:
            lines.append(f"{program} show {ready[0].id}")
        lines += [f"{program} review", "git log --stat"]
        self.screen.say(
            "The repository stays as it is; its daemon is stopped until the next command or"
            " commit.\n\n  " + "\n  ".join(lines) + f"\n\nTo be rid of it: delete {worktree}."
        )

    def _commit(self, message: str) -> Sha:
        started = time.monotonic()
        output = project.commit(self.repo, message)
        self.screen.say(f"{output}\n(the commit took {time.monotonic() - started:.1f} s)")
        return resolve(self.repo, "HEAD")

    def _wait(self, finished: Callable[[], bool], activity: str) -> None:
        """Wait until something is so, or until there is nothing left to do."""
        until = time.monotonic() + WAIT_SECONDS
        with self.screen.progress(activity) as progress:
            while True:
                for line in self._news():
                    progress(line)
                if finished():
                    return
                # a short wait of its own keeps a daemon alive that ended early
                if control.wait(self.repo, 0.3, silent):
                    return
                if time.monotonic() > until:
                    raise CopydeskError(
                        f"{activity} took longer than {WAIT_SECONDS:.0f} s",
                        slug="demo-too-slow",
                        hint=f"The daemon's log may say why: {self.repo.desk / 'daemon.log'}",
                    )

    def _news(self) -> list[str]:
        """What the daemon has logged since the last look, without the times."""
        lines = control.logs(self.repo, 10_000)
        new, self.logged = lines[self.logged :], len(lines)
        return [line.partition(" ")[2] for line in new]

    def _measure(self, sha: Sha) -> Measure:
        measure = self.db.measures.get(sha)
        if measure is None:
            errors = [error for kind, _, error in self.db.jobs.failures() if kind == "measure"]
            raise CopydeskError(
                f"{sha[:8]} was not measured" + "".join(f"\n{error}" for error in errors[:1]),
                slug="demo-not-measured",
                hint=f"The daemon's log says more: {self.repo.desk / 'daemon.log'}",
            )
        return measure


def sandbox_off_text(guard: Capability) -> str:
    """Why the sample project goes without a sandbox, and what a real one needs.

    Args:
        guard: What the machine offers: nothing.
    """
    cure = guard.fix or install_command() or "bubblewrap 0.8 or later, on Linux"
    return (
        f"There is no sandbox here ({guard.reason}). In this sample repository alone it is"
        " switched off: the code is copydesk's own and the drafts call nothing else.\n"
        f"For a project of yours, first: {cure}"
    )


def coverage_line(measure: Measure) -> str:
    """A measure in one line."""
    return (
        f"Coverage {percent(measure.percent)}: {measure.covered} of {measure.executable} lines;"
        f" {measure.selected} of {plural(measure.total, 'test')} run, {measure.failed} failed,"
        f" {measure.seconds:.1f} s"
    )


def draft_value(draft: Draft) -> tuple[int, int, int]:
    """How much a draft is worth accepting: lines gained, then mutants killed, then first made."""
    gained = len(draft.evidence.get("gained_lines", ()))
    return gained, int(draft.evidence.get("mutants_killed", 0)), -draft.id


def with_shortfalls(outcome: DemoResult) -> DemoResult:
    """The same, with what it missed."""
    missed = []
    if outcome.verified < NEEDED_DRAFTS:
        missed.append(
            f"{plural(outcome.verified, 'verified test draft')}, {NEEDED_DRAFTS} expected"
        )
    if not outcome.stories:
        missed.append("no dev log draft")
    if not (outcome.after or 0) > (outcome.before or 0):
        missed.append(f"coverage did not rise: {percent(outcome.before)}, {percent(outcome.after)}")
    return replace(outcome, missed=tuple(missed))
