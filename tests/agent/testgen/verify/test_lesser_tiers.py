"""What the ladder answers in tier partial: honest drafts are verified, what asks is not run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from copydesk.agent.sandbox.records import Outcome, Tier
from copydesk.agent.sandbox.runner import SandboxRunner

HALF = "def half(n):\n    return n / 2\n"
TRUE = "def test_x():\n    assert half(3) == 1.5\n"
READS = (
    "import pathlib\nfrom half import half\n\n" + TRUE + ""
    "    assert [p.read_text() for p in pathlib.Path().iterdir() if p.stem == 'half']\n"
)


class PartialSandbox:
    """Says that it is of tier partial, whatever this machine has, and counts its runs."""

    tier = Tier.PARTIAL

    def __init__(self, unguarded: SandboxRunner) -> None:
        self.unguarded = unguarded
        self.runs = 0

    def run(self, argv: Sequence[str], **how: Any) -> Outcome:
        """Run as any sandbox does."""
        self.runs += 1
        return self.unguarded.run(argv, **how)


@pytest.fixture
def partial(
    write: Callable[[dict[str, str]], None], sandbox: Callable[[], SandboxRunner]
) -> PartialSandbox:
    write({"half.py": HALF})
    return PartialSandbox(sandbox())


def test_an_honest_draft_is_verified_and_names_the_tier(climb, partial: PartialSandbox) -> None:
    draft = f"from half import half\n\n{TRUE}"
    evidence, _ = climb("half.py", "half", [2], draft, on=partial)
    assert (evidence.verdict, evidence.tier) == ("verified", "partial")


def test_what_asks_is_not_run_before_the_yes(climb, partial: PartialSandbox) -> None:
    draft = f"import inspect\nfrom half import half\n\n{TRUE}    assert inspect.getsource(half)\n"
    evidence, _ = climb("half.py", "half", [2], draft, on=partial)
    assert (evidence.verdict, partial.runs) == ("asks", 0)
    assert evidence.asks


def test_what_is_heard_while_it_runs_asks_as_well(climb, partial: PartialSandbox) -> None:
    evidence, _ = climb("half.py", "half", [2], READS, on=partial)
    assert evidence.verdict == "asks"
    assert "reads the source file of what it tests" in evidence.asks
