"""Forged drafts, written with the ladder's source at hand: none may be verified without a yes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.agent.testgen.conftest import LeanSandbox
from tests.agent.testgen.verify.forged import FORGED, PRICES

from copydesk.agent.records import Interpreter
from copydesk.agent.sandbox.records import Tier
from copydesk.agent.sandbox.runner import Visible
from copydesk.agent.sandbox.tier import detect
from copydesk.agent.testgen.project.tools import TOOLS

HELD = {
    "the loader of tests",
    "a type hint",
    "a spawned child that reads",
    "getattr by a loop over words",
    "the tree of the sandbox",
    "an attribute of the folder",
    "an attribute of the file",
    "the mode of shared memory",
    "shared memory",
    "a made-up format",
    "the size of all",
    "the stack of a task",
    "a snapshot beside the test",
    "a flag of a descriptor",
    "equal to itself",
    "equal to anything",
    "nothing was raised",
    "compared with a fresh load",
    "a log that was silent",
    "a mock of itself",
    "a spy that was called",
    "expected values from the target",
}
"""Those that are refused, or ask; docs/explanation/sandbox.md says what gets through, and why."""

OPEN = pytest.mark.xfail(reason="gets through: see docs/explanation/sandbox.md", strict=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in HELD else [OPEN]) for name in FORGED]
)
def test_a_forged_draft_is_not_verified_without_a_yes(
    climb, write, tree: Path, interpreter: Interpreter, name: str
) -> None:
    capability = detect("auto", interpreter)
    if capability.tier is not Tier.FULL:
        pytest.skip(f"needs the full sandbox: {capability.reason}")
    sandbox = LeanSandbox(tree, tree, interpreter, capability, visible=Visible(tools=TOOLS))
    write({"prices.py": PRICES, "tests/test_other.py": ""})
    draft = FORGED[name].replace("{size}", str(len(PRICES)))
    evidence, _ = climb(
        "prices.py", "total", [8, 9, 10, 11, 12, 13, 14], draft, repeats=3, on=sandbox
    )
    assert evidence.verdict in {"failed", "asks"}
