"""Scores on the desk, outcomes, and training when it is due."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copydesk.agent.coverage.measure.commit import measure
from copydesk.agent.desk.connection import timestamp
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.drafts import Decision
from copydesk.agent.desk.gaps import GapRow
from copydesk.agent.desk.history import Prediction
from copydesk.agent.desk.packed_ids import compress_ids
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git_rows
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Draft, Gap, Target
from copydesk.agent.scoring import (
    mine_history,
    order_drafts,
    order_tests,
    repository_model,
)
from copydesk.agent.scoring import score_commit as scoring
from copydesk.agent.testgen.verify import mutants

Story = Callable[..., str]
BODY = "def price(x):\n    if x > 3:\n        return x - 1\n    return x\n"
QUIET = "\n\ndef quiet(x):\n    return x\n"


@pytest.fixture
def where(repo: Path) -> Repository:
    return git_rows.find(repo)


@pytest.fixture
def db(where: Repository) -> Iterator[Database]:
    with open_desk(where.desk) as opened:
        yield opened


def measured(db: Database, sha: str, gaps: list[Gap]) -> None:
    """As if the commit had been measured, with these gaps."""
    columns = [row[1] for row in db.execute("PRAGMA table_info(measures)")]
    values = dict.fromkeys(columns, 0) | {"sha": sha, "traces": b"", "totals": compress_ids([])}
    marks = ", ".join("?" * len(columns))
    db.execute(f"INSERT INTO measures VALUES ({marks})", [values[name] for name in columns])
    db.gaps.replace(sha, db.gaps.prepare(map(GapRow.of, gaps)))


def test_a_commit_is_scored_when_it_is_measured(
    where: Repository, db: Database, story: Story
) -> None:
    today = int((time.time() - 1_600_000_000) / 86_400)
    first = story(today - 9, {"a.py": BODY + QUIET}, "Add")
    sha = story(today - 1, {"a.py": BODY.replace("x - 1", "x - 2") + QUIET}, "Change")
    gap = Gap(sha, "a.py", "price", 1, 4, (2, 3, 4), changed=True)
    other = Gap(sha, "a.py", "quiet", 7, 8, (8,))
    unknown = Gap(sha, "b.py", "new", 1, 2, (2,), risk=0.5, reasons=("as before",))
    measured(db, sha, [gap, other, unknown])
    learning_is_due = scoring.after_measure(db, Commit(where, sha))
    assert learning_is_due is False  # too young for a model of its own
    (said,) = db.predictions.of_commit("function", sha)
    assert said["subject"] == "a.py::price"
    assert 0 < said["score"] < 1
    assert (said["in_force"], len(said["model"])) == ("prior", 64)
    assert said["features"]["lines_added_in_commit"] == 1
    assert said["outcome"] is None
    ranked = {g.function: g for g in db.gaps.of_commit(sha)}
    # x > 3 as x >= 3, as not, 3 as 4; x - 1 as x + 1, 1 as 2; three values that are not returned
    faults = len(mutants.sites(BODY, {2, 3, 4}))
    assert faults >= 6
    assert ranked["price"].reasons[0] == (
        f"no test reaches 3 lines of it, nor would notice {faults} small faults there"
    )
    assert ranked["price"].risk == pytest.approx(
        said["score"] * 3 / 13 * (1 + faults) / (11 + faults)
    )
    assert "its last change " in " ".join(ranked["quiet"].reasons)  # another commit's change
    assert ranked["new"] == unknown
    assert db.predictions.of_commit("function", first) == []


def test_the_history_of_a_file_is_read_once_for_all_of_its_gaps(
    where: Repository, db: Database, story: Story
) -> None:
    names = [f"work{number}" for number in range(9)]
    body = "\n\n".join(BODY.replace("price", name) for name in names)
    sha = story(1, {"a.py": body, "b.py": BODY}, "Add")
    measured(db, sha, [Gap(sha, "a.py", name, 1, 4, (2,)) for name in names])
    reads: list[str] = []
    db.connection.set_trace_callback(reads.append)
    try:
        scoring.after_measure(db, Commit(where, sha))
    finally:
        db.connection.set_trace_callback(None)
    of_file = [read for read in reads if "FROM changed_functions WHERE path = 'a.py'" in read]
    assert len(of_file) == 1
    assert all(gap.risk > 0 for gap in db.gaps.of_commit(sha))


def test_a_history_that_cannot_be_read_back_costs_itself_alone(
    where: Repository, db: Database, story: Story
) -> None:
    scoring.after_measure(db, Commit(where, story(1, {"a.py": BODY}, "Add")))
    db.execute("UPDATE history_state SET state = x'00'")
    sha = story(2, {"a.py": BODY.replace("x - 1", "x - 2")}, "Change")
    measured(db, sha, [Gap(sha, "a.py", "price", 1, 4, (2, 3, 4), changed=True)])
    said: list[str] = []
    scoring.after_measure(db, Commit(where, sha), say=said.append)
    (failed,) = db.failed_items.latest()
    assert (failed.work, failed.item) == ("score", "its history")
    assert failed.error.startswith("error: Error -")
    assert "its history: left out, copydesk failed on it" in said[0]
    assert db.gaps.of_commit(sha)[0].risk > 0  # the gaps were ranked all the same


def test_outcomes_are_joined_when_they_come(where: Repository, db: Database, story: Story) -> None:
    bad = story(1, {"a.py": BODY + QUIET}, "Add")
    scoring.after_measure(db, Commit(where, bad))
    assert {p["outcome"] for p in db.predictions.of_commit("function", bad)} == {0.0}  # years ago
    fix = story(30, {"a.py": BODY.replace("x - 1", "x") + QUIET}, "Fix wrong price")
    scoring.after_measure(db, Commit(where, fix))
    found = {p["subject"]: p["outcome"] for p in db.predictions.of_commit("function", bad)}
    assert found == {"a.py::price": 1.0, "a.py::quiet": 0.0}
    (why,) = db.execute(
        "SELECT outcome_why FROM predictions_judged WHERE outcome = 1 AND sha = ?", (bad,)
    ).fetchone()
    assert why == f"fixed by {fix}"
    db.predictions.store("function", bad, [Prediction("a.py::price", 0.1, "x", "", (), {})])
    assert db.predictions.of_commit("function", bad)[0]["in_force"] == "prior"  # it stays as said


@pytest.fixture
def _eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train from the first defect on."""
    monkeypatch.setattr(repository_model, "FIRST", 0)


@pytest.mark.usefixtures("_eager")
def test_a_long_history_waits_for_a_job_of_its_own(
    where: Repository, db: Database, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mine_history, "FEW", 2)
    for day in range(4):
        sha = story(day, {"a.py": BODY + f"# {day}\n"}, f"Change {day}")
    said: list[str] = []
    assert scoring.after_measure(db, Commit(where, sha), say=said.append) is True
    assert db.mined_history.up_to() is None
    scoring.learn(db, Commit(where, sha), say=said.append)
    assert any("in force: prior" in line for line in said)
    known = db.mined_history.up_to()
    assert known is not None
    assert known.tip == sha
    assert scoring.after_measure(db, Commit(where, sha)) is False


@pytest.mark.usefixtures("_eager")
def test_training_is_due_after_fifty_commits_or_a_month(
    where: Repository, db: Database, story: Story
) -> None:
    assert not repository_model.is_training_due(where, db)
    sha = story(1, {"a.py": BODY}, "Add")
    mine_history.catch_up(where, db, sha)
    assert repository_model.is_training_due(where, db)
    repository_model.retrain(where, db)
    later = time.time() + 31 * 86_400
    assert not repository_model.is_training_due(where, db)
    assert not repository_model.is_training_due(where, db, later)  # nothing new to learn from
    db.execute("UPDATE history_state SET commits = commits + 1")
    assert repository_model.is_training_due(where, db, later)
    assert not repository_model.is_training_due(where, db)
    db.execute("UPDATE history_state SET commits = commits + 49")
    assert repository_model.is_training_due(where, db)


@pytest.mark.usefixtures("_eager")
def test_a_damaged_model_is_said_and_the_prior_used(
    where: Repository, db: Database, story: Story
) -> None:
    sha = story(1, {"a.py": BODY}, "Add")
    scoring.learn(db, Commit(where, sha))
    folder = repository_model.folder(where)
    assert repository_model.in_force(where).card["about"]["changed functions"] == 1
    (folder / "prior.json").write_text("{}")
    said: list[str] = []
    assert (
        repository_model.in_force(where, said.append).card["title"]
        == "The prior that comes with copydesk"
    )
    assert "not the file its card was made for" in said[0]
    assert repository_model.is_training_due(where, db)
    (folder / "prior.json").unlink()
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    folder.write_text("in the way")
    with pytest.raises(CopydeskError) as caught:
        repository_model.retrain(where, db)
    assert caught.value.slug == "predictor-refused"


# tests


def trace(db: Database, name: str, outcome: str, at: str) -> int:
    db.execute("INSERT OR IGNORE INTO contexts (kind, name) VALUES ('test', ?)", (name,))
    (context,) = db.execute("SELECT id FROM contexts WHERE name = ?", (name,)).fetchone()
    return int(
        db.execute(
            "INSERT INTO traces (context_id, environment, outcome, seconds, hits, needs,"
            " recorded_at) VALUES (?, 'e', ?, 0, x'', '[]', ?)",
            (context, outcome, at),
        ).lastrowid
        or 0
    )


def test_files_with_the_riskiest_tests_run_first(
    where: Repository, db: Database, story: Story
) -> None:
    sha = story(1, {"prices.py": BODY, "README.md": "x"}, "Add")
    trace(db, "tests/test_a.py::test_1", "passed", "2020-01-01T00:00:00+00:00")
    trace(db, "tests/test_b.py::test_1", "failed", timestamp())
    order = order_tests.ordering(db, Commit(where, sha))
    affected = {f"tests/test_{n}.py::test_1" for n in ("a", "b", "prices")}
    files = ["tests/test_a.py", "tests/test_b.py", "tests/test_c.py", "tests/test_prices.py"]
    assert order(files, affected) == [files[1], files[3], files[0], files[2]]
    said = db.predictions.of_commit("test", sha)
    assert said[0]["subject"] == "tests/test_b.py::test_1"
    assert said[0]["reasons"][0] == "failed 1 of 1 times"
    assert order(files[:1], affected) == files[:1]
    assert order(files, ()) == files
    db.predictions.settle_tests(sha, {"tests/test_b.py::test_1": "failed"})
    outcomes = {p["subject"]: p["outcome"] for p in db.predictions.of_commit("test", sha)}
    assert outcomes["tests/test_b.py::test_1"] == 1.0
    assert outcomes["tests/test_a.py::test_1"] is None


def test_a_test_that_covers_changed_lines_runs_before_one_that_does_not(
    repo: Path, where: Repository, git: Callable[..., str]
) -> None:
    """As a measure has it: real tests, a real map, then a change of one of two functions."""
    files = {
        "shop.py": "def one():\n    return 1\n\n\ndef two():\n    return 2\n",
        "test_a.py": "import shop\n\n\ndef test_a():\n    assert shop.one() == 1\n",
        "test_b.py": "import shop\n\n\ndef test_b():\n    assert shop.two() > 0\n",
    }
    first = commit_all(repo, git, files, "Add")
    second = commit_all(repo, git, {"shop.py": files["shop.py"].replace("2", "3")}, "Change")
    with open_desk(where.desk) as db:
        measure(db, Commit(where, first))
        (share,) = {share_of(where, db, first, name) for name in ("one", "two")}
        assert share == 1.0
        order = order_tests.ordering(db, Commit(where, second))
        names = {"test_a.py::test_a", "test_b.py::test_b"}
        assert order(["test_a.py", "test_b.py"], names) == ["test_b.py", "test_a.py"]
        said = {p["subject"]: p for p in db.predictions.of_commit("test", second)}
    assert said["test_b.py::test_b"]["features"]["covers"] == 1
    assert said["test_a.py::test_a"]["features"]["covers"] == 0
    assert "covers 1 of the changed lines" in said["test_b.py::test_b"]["reasons"]


def commit_all(repo: Path, git: Callable[..., str], files: dict[str, str], message: str) -> str:
    for name, text in files.items():
        (repo / name).write_text(text)
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", message)
    return git(repo, "rev-parse", "HEAD")


def share_of(where: Repository, db: Database, sha: str, function: str) -> float | None:
    """How much of a function tests execute, as the desk has it after a measure."""
    scoring.after_measure(db, Commit(where, sha))
    inputs = {f.function: f.inputs for f in db.mined_history.functions_of(sha)}
    return inputs[function]["covered_share"]


# drafts


def test_drafts_stand_by_their_chance_and_a_tenth_at_random() -> None:
    chances = {number: 1 - number / 1000 for number in range(1, 1001)}
    places = order_drafts.queue_places(chances)
    assert sorted(p.number for p in places.values()) == list(range(1, 1001))
    dealt = [number for number, place in places.items() if place.explored]
    assert 70 <= len(dealt) <= 130
    kept = [n for n in sorted(places, key=lambda n: places[n].number) if n not in set(dealt)]
    assert kept == sorted(kept)  # by chance
    moved = sum(abs(places[n].number - n) > 100 for n in dealt)
    assert moved > len(dealt) / 2
    assert order_drafts.queue_places(chances) == places


def test_what_the_last_commit_changed_comes_first_and_what_failed_last(
    where: Repository, db: Database, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_drafts, "EXPLORED", 0.0)
    shas = [story(number, {"a.py": BODY + "\n" * number}, "Add") for number in (1, 2)]
    for sha in shas:
        measured(db, sha, [])
    drafts: dict[str, int] = {}

    def add(name: str, sha: str, risk: float, **evidence: object) -> None:
        changed = name in ("changed", "changed before")
        gap = Gap(sha, f"{name}.py", "f", 1, 2, (2,), risk=risk, changed=changed)
        rows = [GapRow.of(one) for one in (*db.gaps.of_commit(sha), gap)]
        db.gaps.replace(sha, db.gaps.prepare(rows))
        drafts[name] = db.drafts.add(Draft(
            id=0, kind="test", state="ready", commit=sha, title=name, origin="m", path="",
            content="x = 1\n", target=Target(gap.path, "f", (2,)),
            evidence={"verdict": "verified", "gained_lines": [2], **evidence},
        ))  # fmt: skip

    add("failed", shas[0], 0.9, verdict="failed")
    add("small", shas[0], 0.1)
    add("changed before", shas[0], 0.3)
    add("large", shas[0], 0.5)
    drafts["story"] = db.drafts.add(Draft(
        id=0, kind="devlog", state="ready", commit=shas[0], title="s", origin="t", path="",
        content="s\n",
    ))  # fmt: skip
    add("changed", shas[1], 0.05)
    names = {identity: name for name, identity in drafts.items()}
    order = [names[draft.id] for draft in order_drafts.ordered(db, db.drafts.find())]
    assert order == ["changed", "large", "changed before", "small", "story", "failed"]


def test_drafts_are_scored_and_their_outcome_joined(
    where: Repository, db: Database, story: Story
) -> None:
    assert order_drafts.score(db) == {}
    sha = story(1, {"a.py": BODY}, "Add")
    db.execute(
        "INSERT INTO model_calls (purpose, model, digest, prompt, response, options, seconds,"
        " outcome, called_at) VALUES ('test', 'm', 'd', 'p', 'r', ?, 1, 'ok', 'now')",
        (json.dumps({"prompt": "test/3"}),),
    )

    def add(path: str, evidence: dict[str, object]) -> int:
        return db.drafts.add(Draft(
            id=0, kind="test", state="ready", commit=sha, title="t", origin="m", path=path,
            content="x = 1\n", evidence=evidence, target=Target(path, "f", (1,)),
        ))  # fmt: skip

    first = add("t1.py", {"calls": [1], "mutants_killed": 2, "mutants_total": 5, "tests": ["a"]})
    second = add("t2.py", {"calls": [1]})
    found = order_drafts.score(db)
    assert found[first].probability == pytest.approx(0.73)
    draft = db.drafts.get(first)
    assert order_drafts.inputs_of(draft)["mutants_survived"] == 3
    db.drafts.decide(draft, Decision("reject", "rejected", why="weak"))
    assert order_drafts.score(db)[second].probability == pytest.approx(7.3 / 11)
    db.predictions.join_outcomes()
    (outcome,) = db.execute(
        "SELECT outcome FROM predictions WHERE kind = 'draft' AND subject = ?", (str(first),)
    ).fetchone()
    assert outcome == 0
