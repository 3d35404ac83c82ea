"""Forged drafts, written with the ladder's source at hand: none may be verified without a yes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.agent.testgen.conftest import LeanSandbox
from tests.agent.testgen.verify.forged import FORGED, PRICES
from tests.agent.testgen.verify.forged_at_run_time import AT_RUN_TIME
from tests.agent.testgen.verify.forged_siblings import SIBLINGS

from copydesk.agent.records import Interpreter
from copydesk.agent.sandbox.records import Tier
from copydesk.agent.sandbox.runner import Visible
from copydesk.agent.sandbox.tier import detect
from copydesk.agent.testgen.project.tools import TOOLS

EVERY = {**FORGED, **SIBLINGS, **AT_RUN_TIME}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(EVERY))
def test_a_forged_draft_is_not_verified_without_a_yes(
    climb, write, tree: Path, interpreter: Interpreter, name: str
) -> None:
    capability = detect("auto", interpreter)
    if capability.tier is not Tier.FULL:
        pytest.skip(f"needs the full sandbox: {capability.reason}")
    sandbox = LeanSandbox(tree, tree, interpreter, capability, visible=Visible(tools=TOOLS))
    write({"prices.py": PRICES, "tests/test_other.py": "", "a.txt": "", "b.txt": ""})
    draft = EVERY[name].replace("{size}", str(len(PRICES)))
    evidence, _ = climb(
        "prices.py", "total", [8, 9, 10, 11, 12, 13, 14], draft, repeats=3, on=sandbox
    )
    assert evidence.verdict in {"failed", "asks"}
