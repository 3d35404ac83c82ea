"""Small projects, a sandbox for them, and the shortest way up the ladder."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Sequence, Set
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.records import Candidate, Evidence, Gap, Interpreter
from copydesk.agent.sandbox.records import Capability, Outcome, Tier
from copydesk.agent.sandbox.runner import SandboxRunner, Visible
from copydesk.agent.testgen.project.layout import source_roots
from copydesk.agent.testgen.project.tools import TOOLS
from copydesk.agent.testgen.verify.ladder import no_yes, verify

Climb = Callable[..., tuple[Evidence, Candidate]]


class LeanSandbox(SandboxRunner):
    """A sandbox whose pytest loads none of our environment's plugins: five times faster."""

    def run(self, argv: Sequence[str], **how: Any) -> Outcome:
        """Run as any sandbox does."""
        env = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **how.pop("env", {})}
        return super().run(argv, env=env, **how)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """An empty project."""
    path = tmp_path / "project"
    path.mkdir()
    return path


@pytest.fixture
def write(tree: Path) -> Callable[[dict[str, str]], None]:
    """Write files of the project, dedented: write({"m.py": "..."})."""

    def make(files: dict[str, str]) -> None:
        for name, text in files.items():
            path = tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))

    return make


@pytest.fixture
def interpreter() -> Interpreter:
    """The Python that runs this suite; it has pytest."""
    info = sys.version_info
    return Interpreter(
        Path(sys.executable),
        (info.major, info.minor, info.micro),
        Path(sys.prefix),
        Path(sys.base_prefix),
        "the suite's own",
    )


@pytest.fixture
def sandbox(tree: Path, interpreter: Interpreter) -> Callable[[], SandboxRunner]:
    """A sandbox without a guard, made after the project's files are there."""

    def make() -> SandboxRunner:
        return LeanSandbox(
            tree,
            tree,
            interpreter,
            Capability(Tier.OFF, "the suite says so"),
            visible=Visible(source_roots(tree), TOOLS),
        )

    return make


@pytest.fixture
def climb(tree: Path, sandbox: Callable[[], SandboxRunner]) -> Climb:
    """Verify a draft: climb("m.py", "f", [2, 3], '''...''')."""

    def go(
        path: str,
        function: str,
        lines: Sequence[int],
        content: str,
        *,
        branches: Sequence[tuple[int, int]] = (),
        origin: str = "a-model",
        repeats: int = 0,
        recorded: Sequence[str] = (),
        approved: bool = False,
        allowed: Callable[[str], Set[str]] = no_yes,
        on: SandboxRunner | None = None,
    ) -> tuple[Evidence, Candidate]:
        span = [*lines, *(abs(a) for arc in branches for a in arc)]
        gap = Gap("0" * 40, path, function, min(span), max(span), tuple(lines), tuple(branches))
        text = textwrap.dedent(content).lstrip("\n")
        candidate = Candidate(gap, origin, text, (), tuple(recorded))
        return verify(
            candidate, tree, on or sandbox(), repeats=repeats, allowed=None if approved else allowed
        )

    return go


def rung(evidence: Evidence) -> tuple[str, str]:
    """The name and detail of the last rung, and that it is the only one that failed."""
    *before, last = evidence.rungs
    assert all(r.passed for r in before)
    assert not last.passed
    return last.name, last.detail
