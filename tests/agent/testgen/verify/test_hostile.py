"""Drafts that mean harm or lie, up the whole ladder in a real sandbox: none becomes verified."""

from __future__ import annotations

import hashlib
import inspect
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.agent.sandbox.conftest import alive
from tests.agent.testgen.conftest import LeanSandbox
from tests.agent.testgen.verify.hostile import FORGED, HARMFUL
from tests.agent.testgen.verify.test_ladder import FIXTURE, GRADES

from copydesk.agent.records import Candidate, Evidence, Gap, Interpreter
from copydesk.agent.sandbox.records import Limits, Tier
from copydesk.agent.sandbox.runner import Visible
from copydesk.agent.sandbox.tier import detect
from copydesk.agent.testgen.project.tools import TOOLS
from copydesk.agent.testgen.verify.ladder import verify

LIMITS = Limits(
    cpu_seconds=10,
    wall_seconds=60.0,
    memory=400 << 20,
    processes=60,
    file_size=16 << 20,
    tree_size=64 << 20,
    output=64 << 10,
)

NAP = f"77.{os.getpid():07}"
"""Seconds that nothing else sleeps, the suite's other workers included."""

QUICK = {
    *("writes through a link", "calls the loopback", "leaves a shell"),
    *("a monkeypatched target", "a hash of the file", "a hook in the draft's plugin"),
}


class World:
    """A repository with a desk, a home with a key, a server, and somebody who could be killed."""

    def __init__(self, folder: Path, server: socket.socket, bystander: int) -> None:
        self.top, self.tree = folder / "repository", folder / "snapshot"
        self.home = folder / "home"
        self.port = server.getsockname()[1]
        self.server, self.bystander = server, bystander
        files = {
            self.top / ".git/hooks/post-commit": "#!/bin/sh\n",
            self.top / ".git/copydesk/desk.db": "the desk",
            self.home / ".ssh/id_key": "very-secret",
            self.home / ".bashrc": "",
            self.tree / "grades.py": GRADES,
            self.tree / "tests/conftest.py": FIXTURE,
        }
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def state(self) -> dict[str, bytes]:
        """Every file that could be harmed."""
        places = (self.top, self.tree, self.home)
        return {str(p): p.read_bytes() for f in places for p in f.rglob("*") if p.is_file()}

    def filled(self, draft: str) -> str:
        """A draft with this world's paths in it, and what only its author would know."""
        grade = types.ModuleType("grades")
        exec(compile(GRADES, "grades.py", "exec"), grade.__dict__)
        tree = inspect.cleandoc(GRADES).split("\n")
        start = tree.index("def grade(points):")
        source = "\n".join(tree[start : start + 6]) + "\n"
        return draft.format(
            home=self.home,
            top=self.top,
            port=self.port,
            bystander=self.bystander,
            digest=hashlib.md5(source.encode()).hexdigest(),
            file_digest=hashlib.md5(GRADES.encode()).hexdigest(),
            code_length=len(grade.grade.__code__.co_code),
            lucky=_lucky(),
            nap=NAP,
        )


def _lucky() -> str:
    code = "print(hash('x') % 4)"
    env = {"PYTHONHASHSEED": "0"}
    return subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    # not below /tmp, where a test may write what it likes
    folder = Path(tempfile.mkdtemp(prefix="copydesk-test-", dir="/var/tmp"))
    monkeypatch.setenv("HOME", str(folder / "home"))
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.setblocking(False)
            yield World(folder, server, bystander.pid)
            with pytest.raises(BlockingIOError):
                server.accept()
        assert bystander.poll() is None
    finally:
        bystander.communicate(b"\n")
        shutil.rmtree(folder)


@pytest.fixture
def judge(world: World, interpreter: Interpreter):
    capability = detect("auto", interpreter)
    if capability.tier is not Tier.FULL:
        pytest.skip(capability.reason)

    def go(draft: str) -> Evidence:
        sandbox = LeanSandbox(
            world.tree,
            world.top,
            interpreter,
            capability,
            visible=Visible(tools=TOOLS),
            limits=LIMITS,
        )
        gap = Gap("0" * 40, "grades.py", "grade", 4, 9, (8, 9), ((7, 8),))
        text = world.filled(draft)
        return verify(Candidate(gap, "a-model", text, ()), world.tree, sandbox, allowed=None)[0]

    return go


def cases(drafts: dict[str, str]) -> list[object]:
    return [
        pytest.param(text, id=name, marks=[] if name in QUICK else pytest.mark.slow)
        for name, text in drafts.items()
    ]


@pytest.mark.parametrize("draft", cases(HARMFUL))
def test_harm_is_stopped_and_seen(judge, world: World, draft: str) -> None:
    before = world.state()
    evidence = judge(draft)
    assert evidence.verdict == "failed", evidence
    assert evidence.tier == "full"
    assert world.state() == before
    assert "very-secret" not in str(evidence)
    assert alive(NAP) == []
    assert not os.path.exists("/tmp/fill1")  # noqa: PTH110


@pytest.mark.parametrize("draft", cases(FORGED))
def test_a_forged_pass_is_none(judge, world: World, draft: str) -> None:
    evidence = judge(draft)
    assert evidence.verdict == "failed", evidence


def test_the_true_test_in_all_of_them_is_verified(judge) -> None:
    from tests.agent.testgen.verify.hostile import HEAD, T

    assert judge(f"{HEAD}\ndef test_x():\n{T}").verdict == "verified"
