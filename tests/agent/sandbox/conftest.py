"""A sandbox on a small tree, in each tier that this machine offers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.records import Interpreter
from copydesk.agent.sandbox.runner import Capability, Limits, SandboxRunner, Tier, Visible
from copydesk.agent.sandbox.tier import detect

MakeSandbox = Callable[..., SandboxRunner]

LIMITS = Limits(
    cpu_seconds=20,
    wall_seconds=30.0,
    memory=256 << 20,
    processes=60,
    file_size=16 << 20,
    tree_size=32 << 20,
    output=64 << 10,
    report=1 << 20,
)


def own_interpreter() -> Interpreter:
    return Interpreter(
        Path(sys.executable),
        sys.version_info[:3],
        Path(sys.prefix),
        Path(sys.base_prefix),
        "of the tests",
    )


@pytest.fixture
def python() -> Interpreter:
    return own_interpreter()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What a snapshot looks like: a package, a test, a link."""
    top = tmp_path / "desk" / "snapshot"
    (top / "src" / "calc").mkdir(parents=True)
    (top / "src" / "calc" / "__init__.py").write_text("def add(a, b):\n    return a + b\n")
    (top / "conftest.py").write_text("")
    (top / "data.txt").write_text("as committed\n")
    (top / "link.txt").symlink_to("data.txt")
    return top


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """The repository's own folder, with a secret that is not in the tree."""
    folder = tmp_path / "repository"
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "config").write_text("token = very-secret\n")
    return folder


@pytest.fixture
def make(tree: Path, top: Path, python: Interpreter) -> MakeSandbox:
    """A sandbox in a tier: make("full"), make("off", tools=…)."""

    def build(tier: str, **options: Any) -> SandboxRunner:
        if tier == "full":
            capability = detect("auto", python)
            if capability.tier is not Tier.FULL:
                pytest.skip(capability.reason)
        else:
            capability = Capability(Tier(tier), f"asked for {tier}")
        limits = options.pop("limits", LIMITS)
        visible = Visible(**{"source_roots": ("src", "."), **options})
        return SandboxRunner(tree, top, python, capability, visible=visible, limits=limits)

    return build


@pytest.fixture
def full(make: MakeSandbox) -> SandboxRunner:
    return make("full")


def alive(mark: str) -> list[int]:
    """Processes with mark among the words of their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if mark.encode() in words:
                found.append(int(entry.name))
    return found
