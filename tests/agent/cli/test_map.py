"""`copydesk map` between two clones and a bare remote; what was measured is made up."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.coverage.store import Hit, Measure, Trace, add_traces, nums_to_numbits
from copydesk.agent.desk.measures import Conditions
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import find, read_blob, resolve, tree

Run = Callable[..., Any]
ENVIRONMENT = "e" * 24
PARTS = {"python": "cpython 3.12.1", "distributions": "pytest==8\nruff==1"}


def made_up_measure(top: Path, environment: str = ENVIRONMENT) -> str:
    """Let HEAD be measured: one test that executed a line of a file."""
    repo = find(top)
    sha = resolve(repo, "HEAD")
    path, entry = next(iter(tree(repo, sha).items()))
    assert read_blob(repo, entry.blob) is not None
    hit = Hit(path, entry.blob, nums_to_numbits([1]))
    with open_desk(repo.desk) as db:
        ids = add_traces(db, [Trace("test", "test_a.py::test_a", "passed", 0.1, (hit,))], "e")
        counts = {"selected": 1, "total": 1, "passed": 1, "failed": 0, "skipped": 0}
        measure = Measure(
            sha, None, "made up", **counts, executable=4, covered=3, percent=75.0, seconds=1.0
        )
        conditions = Conditions(environment, branch=False)
        db.measures.add(measure, conditions, "python (3.12)", traces=ids, totals=[])
        db.foreign_maps.put_environment(environment, PARTS)
    return sha


@pytest.fixture
def clones(repo: Path, commit: Callable[..., str], tmp_path: Path) -> tuple[Path, Path]:
    """Two clones of a bare remote that holds their branch."""
    commit(repo, {"a.py": "x = 1\n"})
    remote, other = tmp_path / "remote.git", tmp_path / "other"
    for words in (
        ["clone", "-q", "--bare", repo, remote],
        ["clone", "-q", remote, other],
        ["-C", repo, "remote", "add", "origin", remote],
        ["-C", repo, "fetch", "-q", "origin"],
    ):
        subprocess.run(["git", *words], check=True)
    return repo, other


def test_maps_go_out_and_come_in(run: Run, clones: tuple[Path, Path]) -> None:
    ann, ben = clones
    assert "There are no maps at origin" in run(ben, "map", "fetch").output
    assert "No maps were fetched" in run(ben, "map", "status").output
    sha = made_up_measure(ann)
    assert "Pushed 1 map to origin; 1 are there now." in run(ann, "map", "push").output
    assert "Nothing to push: origin has all of them (1 map)." in run(ann, "map", "push").output
    # what was measured here is no map of others
    assert json.loads(run(ann, "map", "fetch", "--json").stdout)["new"] == []
    fetched = run(ben, "map", "fetch")
    assert f"  {sha[:8]}  1 test, measured by " in fetched.output
    said = json.loads(run(ben, "map", "status", "--json").stdout)
    (row,) = said["maps"]
    assert (row["commit"], row["state"], row["tests"]) == (sha, "fetched", 1)
    assert row["claims"] == {"executable": 4, "covered": 3}
    assert said["head"] == {"commit": sha, "foreign": []}
    assert "says 75.0 %" in run(ben, "map", "status").output
    assert run(ben, "map", "fetch").output.startswith("0 new maps")


def test_another_environment_is_named_and_accepted_by_name(
    run: Run, clones: tuple[Path, Path]
) -> None:
    ann, ben = clones
    made_up_measure(ann)
    run(ann, "map", "push", "--as", "CI")
    made_up_measure(ben, "f" * 24)
    with open_desk(find(ben).desk) as db:
        parts = json.dumps({**PARTS, "distributions": "pytest==8\nruff==2"})
        db.execute("UPDATE environments SET parts = ?", (parts,))
    (row,) = json.loads(run(ben, "map", "fetch", "--json").stdout)["new"]
    assert row["measured_by"] == "CI"
    assert row["differs"] == ["distributions:ruff"]
    assert "not used: distributions:ruff differ" in run(ben, "map", "status").output
    run(ben, "map", "fetch", "--accept", "distributions")
    assert "accepted although distributions:ruff differ" in run(ben, "map", "status").output


def test_what_no_branch_reaches_is_pruned(
    run: Run, clones: tuple[Path, Path], commit: Callable[..., str]
) -> None:
    ann, _ = clones
    made_up_measure(ann)
    sha = commit(ann, {"b.py": "y = 1\n"})
    made_up_measure(ann)
    assert len(json.loads(run(ann, "map", "push", "--json").stdout)["pushed"]) == 2
    pruned = json.loads(run(ann, "map", "prune", "--json").stdout)
    assert [name[:40] for name in pruned["pruned"]] == [sha]
    assert pruned["total"] == 1
    assert "Took 0 maps away; 1 stay at origin." in run(ann, "map", "prune").output


def test_pruning_asks_for_branches_that_are_not_here(
    run: Run, clones: tuple[Path, Path], commit: Callable[..., str]
) -> None:
    ann, ben = clones
    made_up_measure(ann)
    run(ann, "map", "push")
    commit(ben, {"c.py": "z = 1\n"})
    subprocess.run(["git", "-C", ben, "push", "-q", "origin", "HEAD:other"], check=True)
    result = run(ann, "map", "prune")
    assert result.exit_code == 2
    assert "refs/heads/other of origin is not here" in result.output


def test_errors_are_one_line_with_a_cure(run: Run, clones: tuple[Path, Path]) -> None:
    ann, _ = clones
    made_up_measure(ann)
    for words in ("push --remote no", "fetch --remote=-x", "fetch --fork ../x"):
        result = run(ann, "map", *words.split())
        assert result.exit_code == 2, words
        assert "Traceback" not in result.output


def test_verdicts_name_whose_records_they_rest_on(run: Run, clones: tuple[Path, Path]) -> None:
    ann, ben = clones
    made_up_measure(ann)
    run(ann, "map", "push", "--as", "CI")
    run(ben, "map", "fetch")
    sha = made_up_measure(ben)
    with open_desk(find(ben).desk) as db:
        (fetched,) = db.foreign_maps.all()
        ids = db.measures.stored_map(sha).traces  # type: ignore[union-attr]
        db.foreign_maps.set_used(fetched.id, ids)
        db.foreign_maps.note_use(sha, ids)
        assert db.foreign_maps.used_traces() == set(ids)
        assert db.foreign_maps.used_traces(keep=0) == set()
    words = "foreign: 1 test rests on the map of CI, from origin"
    for command in (["status"], ["gate", "--base", "HEAD"], ["report", "--format", "md"]):
        assert words in run(ben, *command).output, command
    assert json.loads(run(ben, "status", "--json").stdout)["head"]["foreign"][0]["tests"] == 1
    assert words in json.loads(run(ben, "gate", "--base", "HEAD", "--json").stdout)["remarks"]
    (share,) = json.loads(run(ben, "report", "--format", "json").stdout)["foreign"]
    assert share["source"] == "CI, from origin"
    assert (
        "HEAD rests on the map of CI, from origin, in 1 test." in run(ben, "map", "status").output
    )


def test_ci_fetches_first_and_pushes_afterwards(
    run: Run, clones: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, ben = clones
    made_up_measure(ann)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKFLOW", "copydesk")
    result = run(ann, "ci", "--base", "HEAD", "--map", "both")
    assert "0 maps of others, 0 new" in result.stderr
    assert "pushed 1 map; 1 are there" in result.stderr
    made_up_measure(ben)
    subprocess.run(["git", "-C", ben, "remote", "set-url", "--push", "origin", "/nowhere"])
    result = run(ben, "ci", "--base", "HEAD", "--map", "fetch")
    assert "1 map of others, 0 new" in result.stderr
    assert "pushed" not in result.stderr
    subprocess.run(["git", "-C", ben, "remote", "remove", "origin"], check=True)
    result = run(ben, "ci", "--base", "HEAD", "--map", "both")
    assert result.exit_code in (0, 1)  # the verdict is the same
    assert "no maps were fetched" in result.stderr
    assert "no maps were pushed" in result.stderr
