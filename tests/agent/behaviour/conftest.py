"""Two versions of a small module, compared in a sandbox without a guard."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.behaviour import Comparison, changed_functions, compare_function
from copydesk.agent.records import Interpreter
from copydesk.agent.sandbox.records import Capability, Tier
from copydesk.agent.sandbox.runner import SandboxRunner, Visible
from copydesk.agent.testgen.project import TOOLS, Workspace

Compare = Callable[..., list[Comparison]]


def workspace(tree: Path) -> Workspace:
    """A tree with a sandbox that guards nothing."""
    info = sys.version_info
    python = Interpreter(
        Path(sys.executable),
        (info.major, info.minor, info.micro),
        Path(sys.prefix),
        Path(sys.base_prefix),
        "the suite's own",
    )
    capability = Capability(Tier.OFF, "the suite says so")
    visible = Visible((".",), TOOLS)
    return Workspace(tree, SandboxRunner(tree, tree, python, capability, visible=visible))


@pytest.fixture
def compare(tmp_path: Path) -> Compare:
    """Compare two versions of module m, dedented: compare(before, after, most=60)."""

    def run(before: str, after: str, most: int = 60) -> list[Comparison]:
        ends = []
        for name, text in (("before", before), ("after", after)):
            tree = tmp_path / name
            tree.mkdir(exist_ok=True)
            (tree / "m.py").write_text(textwrap.dedent(text))
            ends.append(workspace(tree))
        sources = [{"m.py": (end.tree / "m.py").read_bytes()} for end in ends]
        return [
            compare_function(change, ends[0], ends[1], most=most)
            for change in changed_functions(*sources)
        ]

    return run
