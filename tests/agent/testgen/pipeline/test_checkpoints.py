"""A draft that was on its way when the power went is finished, and no run is done twice."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.agent.testgen.verify.test_ladder import GRADES

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.records import Candidate, Gap
from copydesk.agent.sandbox.records import Outcome, Tier
from copydesk.agent.testgen.pipeline.checkpoints import CheckpointedSandbox

GAP = Gap("0" * 40, "grades.py", "grade", 4, 9, (8, 9), ((7, 8),))
DRAFT = "from grades import grade\n\n\ndef test_x():\n    assert grade(90) == 'A'\n"

CLIMB = """
import dataclasses, json, os, signal, sys
from pathlib import Path
from tests.agent.sandbox.conftest import own_interpreter
from tests.agent.testgen.conftest import LeanSandbox
from tests.agent.testgen.pipeline.test_checkpoints import GAP
from copydesk.agent.desk.store import open_desk
from copydesk.agent.sandbox.records import Capability, Tier
from copydesk.agent.sandbox.runner import Visible
from copydesk.agent.testgen.pipeline.checkpoints import CheckpointedSandbox
from copydesk.agent.testgen.project import TOOLS
from copydesk.agent.testgen.verify import verify

top, kill_at, when = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]

class Counting(LeanSandbox):
    done = 0
    def run(self, *args, **how):
        Counting.done += 1
        if when == "before" and self.done == kill_at: os.kill(os.getpid(), signal.SIGKILL)
        return super().run(*args, **how)

with open_desk(top / "desk") as db:
    climb = db.verifications.unfinished(GAP, "a-model")
    plain = Capability(Tier.OFF, "")
    tree, visible = top / "tree", Visible(tools=TOOLS)
    sandbox = Counting(tree, tree, own_interpreter(), plain, visible=visible)
    class Falling(CheckpointedSandbox):
        def run(self, *args, **how):
            outcome = super().run(*args, **how)
            if when == "after" and 0 < kill_at == sandbox.done: os.kill(os.getpid(), signal.SIGKILL)
            return outcome
    falling = Falling(sandbox, db.verifications, climb.id)
    evidence, kept = verify(climb.candidate, top / "tree", falling)
    print(json.dumps([sandbox.done, dataclasses.asdict(evidence)]))
"""


@pytest.fixture
def top(tmp_path: Path) -> Path:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "grades.py").write_text(GRADES)
    return tmp_path


def climb(top: Path, kill_at: int = 0, when: str = "after") -> tuple[int, dict[str, object]]:
    """Climb in a process that may die on the way: its runs and evidence, or none."""
    words = [sys.executable, "-c", CLIMB, str(top), str(kill_at), when]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=_ROOT)
    if done.returncode == -9:
        return 0, {}
    assert done.returncode == 0, done.stderr
    runs, evidence = json.loads(done.stdout)
    del evidence["seconds"]
    return runs, evidence


_ROOT = Path(__file__).parents[4]
RUNS = 4
"""Sandbox runs of a draft that needs no second attempt: one with the mutants, three repeats."""


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_every_rung_it_ends_as_if_nothing_had_happened(top: Path, when: str) -> None:
    with open_desk(top / "desk") as db:
        db.verifications.begin(Candidate(GAP, "a-model", DRAFT, ()))
    runs, whole = climb(top)
    assert (runs, whole["verdict"]) == (RUNS, "verified")
    for kill_at in range(1, RUNS + 1):
        with open_desk(top / "desk") as db:
            db.verifications.begin(
                Candidate(GAP, "a-model", DRAFT, ())
            )  # a new one forgets the runs
        assert climb(top, kill_at, when) == (0, {})
        again, evidence = climb(top)
        assert evidence == whole
        assert again == RUNS - kill_at + (when == "before")


class Stub:
    """A sandbox that counts."""

    tier = Tier.FULL

    def __init__(self, ended: str = "exit") -> None:
        self.outcome = Outcome(ended, 0, "said", b"\0report", 0.5, Tier.FULL, "")  # type: ignore[arg-type]
        self.count = 0

    def run(self, *args: object, **how: object) -> Outcome:
        self.count += 1
        return self.outcome


@pytest.fixture
def db(tmp_path: Path):
    with open_desk(tmp_path / "desk") as db:
        yield db


def test_the_same_run_is_done_once(db: Database) -> None:
    begun = db.verifications.begin(
        Candidate(GAP, "a-model", DRAFT, ("test_x",), notes=("n",)), [3, 4]
    )
    assert db.verifications.unfinished(GAP, "a-model") == begun
    assert db.verifications.unfinished(dataclasses.replace(GAP, function="best"), "a-model") is None
    stub = Stub()
    sandbox = CheckpointedSandbox(stub, db.verifications, begun.id)  # type: ignore[arg-type]
    found = [sandbox.run(["python"], files={"a": "\udc80"}, stdin=b"\xff") for _ in range(2)]
    assert found == [stub.outcome] * 2
    assert (stub.count, sandbox.tier) == (1, Tier.FULL)
    sandbox.run(["python"], files={"a": "b"}, stdin=b"\xff")
    sandbox.run(["python"], files={"a": "b"}, stdin=b"\xff", env={"X": "1"})
    assert stub.count == 3


def test_what_could_not_run_is_tried_again(db: Database) -> None:
    begun = db.verifications.begin(Candidate(GAP, "a-model", DRAFT, ()))
    stub = Stub("not run")
    sandbox = CheckpointedSandbox(stub, db.verifications, begun.id)  # type: ignore[arg-type]
    for _ in range(2):
        sandbox.run(["python"])
    assert stub.count == 2


def test_a_draft_that_is_there_leaves_nothing_behind(db: Database) -> None:
    for origin in ("a-model", "embedded"):
        begun = db.verifications.begin(Candidate(GAP, origin, DRAFT, ()))
        CheckpointedSandbox(Stub(), db.verifications, begun.id).run(["python"])  # type: ignore[arg-type]
    db.verifications.end(GAP, "a-model")
    assert db.verifications.unfinished(GAP, "a-model") is None
    assert db.execute("SELECT count(*) FROM climb_runs").fetchone() == (1,)
    db.verifications.end_all(GAP.commit)
    assert db.execute("SELECT count(*) FROM climb_runs").fetchone() == (0,)
    assert db.execute("SELECT count(*) FROM climbs").fetchone() == (0,)
