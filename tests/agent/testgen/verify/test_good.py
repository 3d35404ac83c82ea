"""Tests as good people write them, up the whole ladder in a real sandbox: they are verified."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.agent.testgen.conftest import LeanSandbox
from tests.agent.testgen.verify.good import GOOD, PROJECT, Good

from copydesk.agent.records import Candidate, Gap, Interpreter
from copydesk.agent.sandbox.records import Tier
from copydesk.agent.sandbox.runner import Visible
from copydesk.agent.sandbox.tier import detect
from copydesk.agent.testgen.project.layout import source_roots
from copydesk.agent.testgen.project.tools import TOOLS
from copydesk.agent.testgen.verify.ladder import verify

QUICK = {"subprocess of the project's own command", "a loopback server", "multiprocessing"}


@pytest.mark.parametrize(
    "good",
    [pytest.param(g, id=n, marks=[] if n in QUICK else pytest.mark.slow) for n, g in GOOD.items()],
)
def test_a_good_test_is_verified(tmp_path: Path, interpreter: Interpreter, good: Good) -> None:
    capability = detect("auto", interpreter)
    if capability.tier is not Tier.FULL:
        pytest.skip(capability.reason)
    tree, top = tmp_path / "tree", tmp_path / "top"
    top.mkdir()
    for name, text in PROJECT.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    roots = source_roots(tree)
    sandbox = LeanSandbox(tree, top, interpreter, capability, visible=Visible(roots, TOOLS))
    rows = PROJECT[good.path].split("\n")
    lines = tuple(n for n, row in enumerate(rows, 1) if any(w in row for w in good.reaches))
    gap = Gap("0" * 40, good.path, good.function, min(lines), max(lines), lines)
    candidate = Candidate(gap, "a-person", good.draft.lstrip("\n"), ())
    evidence, kept = verify(candidate, tree, sandbox)
    assert evidence.verdict == "verified", evidence
    assert len(kept.tests) == good.draft.count("def test_"), evidence.notes


def test_there_are_enough_of_them() -> None:
    assert len(GOOD) >= 40
