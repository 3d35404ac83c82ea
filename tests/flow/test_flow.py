"""From a commit to an accepted test: the steps, one after the other, on a real repository."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from copydesk.agent.config import Project
from copydesk.agent.coverage.measure.commit import measure
from copydesk.agent.errors import CopydeskError, Superseded
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import set_config
from copydesk.agent.review import decisions
from copydesk.agent.sandbox.records import Capability, Tier
from copydesk.agent.stories.span import Chosen
from copydesk.agent.stories.write_story import write_range
from copydesk.agent.testgen.pipeline import (
    DraftingOptions,
    PreviousDrafts,
    gaps_to_draft,
    write_drafts,
)


def test_a_commit_becomes_drafts_and_an_accepted_test_raises_coverage(
    bench: Any, second: str, commit: Callable[..., str]
) -> None:
    kinds = {k for (k,) in bench.db.execute("SELECT kind FROM jobs WHERE subject = ?", (second,))}
    assert kinds == {"behaviour", "draft", "story"}
    assert [g.function for g in bench.db.gaps.of_commit(second)] == ["label", "price"]

    bench.step("draft", second)
    found = {d.target.function: d for d in bench.tests() if d.target}
    assert set(found) == {"price", "label"}
    draft = found["price"]
    assert draft.state == "ready"
    assert draft.path == "tests/test_shop.py"
    assert draft.evidence["gained_lines"] == [3]
    assert draft.evidence["mutants_killed"] >= 1
    assert draft.evidence["tier"] in ("full", "off")

    bench.step("draft", second)  # doing it again does nothing twice
    assert len(bench.db.drafts.find((), kind="test")) == 2

    bench.step("story", second)
    [story] = bench.db.drafts.find(kind="devlog")
    assert story.evidence["verdict"] == "checked"
    assert "Refuse negative amounts" in story.content
    assert "A customer found one." in story.content

    before = bench.db.measures.get(second)
    for one in found.values():
        written = decisions.accept(bench.repo, bench.db, one.id)
        assert written == bench.path / "tests/test_shop.py"
    changed = subprocess.check_output(["git", "status", "--porcelain"], cwd=bench.path, text=True)
    assert changed == " M tests/test_shop.py\n"
    assert bench.pytest() == 0
    third = commit(bench.path, {}, "Take the drafts")
    after = measure(bench.db, Commit(bench.repo, third))
    assert before
    assert after.percent == 100.0 > before.percent
    bench.step("story", third)
    [grown] = bench.db.drafts.find(kind="devlog")
    assert grown.id == story.id
    assert "100%" in grown.content
    assert "2 test drafts joined the suite" in grown.content
    chosen = Chosen(second, [third])
    combined = write_range(bench.repo, bench.db, chosen, project=Project(), say=bench.said.append)
    assert combined.id == story.id

    decisions.accept(bench.repo, bench.db, story.id)
    with pytest.raises(CopydeskError, match="not waiting"):
        decisions.accept(bench.repo, bench.db, story.id)


def test_the_editor_edits_rejects_and_takes_back(bench: Any, second: str) -> None:
    bench.step("draft", second)
    draft, other = bench.tests()

    better = draft.content.replace("def test_", "def test_that_").replace("\n\n\n\n", "\n\n\n")
    edited = decisions.edit(bench.repo, bench.db, draft.id, better)
    assert edited.evidence["verdict"] == "verified"
    assert edited.evidence["edited"] is True
    assert decisions.edit(bench.repo, bench.db, draft.id, better) == edited
    broken = decisions.edit(bench.repo, bench.db, draft.id, "def test_x():\n    assert 1 == 2\n")
    assert broken.evidence["verdict"] == "failed"
    with pytest.raises(CopydeskError, match="not valid Python"):
        decisions.edit(bench.repo, bench.db, draft.id, "def test_(:")
    decisions.edit(bench.repo, bench.db, draft.id, better)

    untouched = (bench.path / "tests/test_shop.py").read_text()
    decisions.accept(bench.repo, bench.db, draft.id)
    assert "test_that_" in (bench.path / "tests/test_shop.py").read_text()
    assert decisions.undo(bench.repo, bench.db, draft.id).state == "ready"
    assert (bench.path / "tests/test_shop.py").read_text() == untouched

    decisions.reject(bench.repo, bench.db, other.id, "says nothing new")
    assert decisions.undo(bench.repo, bench.db, other.id).state == "ready"
    with pytest.raises(CopydeskError, match="nothing to undo"):
        decisions.undo(bench.repo, bench.db, other.id)
    actions = [a for (a,) in bench.db.execute("SELECT action FROM reviews ORDER BY id")]
    assert actions == ["edit", "edit", "edit", "accept", "undo", "reject", "undo"]

    bench.step("story", second)
    [story] = bench.db.drafts.find(kind="devlog")
    longer = decisions.edit(bench.repo, bench.db, story.id, story.content + "\nMore.\n")
    written = decisions.accept(bench.repo, bench.db, longer.id)
    assert "More." in written.read_text()
    decisions.undo(bench.repo, bench.db, story.id)
    assert not written.exists()


def test_what_waits_or_was_turned_down_is_not_drafted_at_the_next_commit(
    bench: Any, second: str, commit: Callable[..., str]
) -> None:
    runs = "import runpy\n\n\ndef test_run():\n    runpy.run_path('no-module.py')\n"
    hopeless = {"no-module.py": "def hopeless(n):\n    return n\n", "tests/test_run.py": runs}
    third = commit(bench.path, dict(hopeless))
    bench.step("measure", third)
    bench.step("draft", third)
    draft, other = bench.tests()
    [nothing] = bench.db.drafts.find(("discarded",), kind="test")
    assert nothing.title == "Tests for hopeless in no-module.py"
    assert "  embedded: no input was found that reaches these lines" in bench.said
    decisions.reject(bench.repo, bench.db, other.id, "says nothing new")
    bench.said.clear()

    moved = '"""Sells things."""\n\n' + (bench.path / "shop.py").read_text()
    fourth = commit(bench.path, {"shop.py": moved, "README": "x"})
    bench.step("measure", fourth)
    assert len(bench.db.gaps.of_commit(fourth)) >= 3
    wanted = gaps_to_draft(PreviousDrafts(bench.db, Commit(bench.repo, fourth)))
    assert [gap.function for gap in wanted] == ["hopeless"]  # a model may know more
    bench.step("draft", fourth)
    assert bench.said[-1] == "  stands as it was drafted before"
    assert [one.id for one in bench.tests()] == [draft.id]
    assert bench.db.drafts.find((), kind="test", commit=fourth) == []

    gaps = [g for g in bench.db.gaps.of_commit(fourth) if g.function == other.target.function]
    previous = PreviousDrafts(bench.db, Commit(bench.repo, fourth))
    assert write_drafts(previous, gaps, say=bench.said.append) == []
    options = DraftingOptions(again=True)
    [again] = write_drafts(previous, gaps, say=bench.said.append, options=options)
    assert again.content == other.content


def test_where_nothing_may_be_run_the_gaps_stay_listed(
    bench: Any, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from copydesk.agent.testgen.project import workspace

    none = Capability(Tier.NONE, "no guard here", "install one")
    monkeypatch.setattr(workspace, "detect", lambda *a, **k: none)
    bench.step("draft", second)
    assert bench.tests() == []
    assert any("no guard here" in line for line in bench.said)


def test_a_switched_off_sandbox_runs_drafts_and_says_so(bench: Any, second: str) -> None:
    set_config(bench.repo, "copydesk.sandbox", "off")
    bench.step("draft", second)
    assert {d.evidence["tier"] for d in bench.tests()} == {"off"}


def test_a_newer_commit_supersedes_the_drafting_of_an_older(
    bench: Any, second: str, commit: Callable[..., str]
) -> None:
    commit(bench.path, {"README": "x"})
    with pytest.raises(Superseded):
        bench.step("draft", second)


def test_a_commit_without_gaps_needs_no_draft(bench: Any) -> None:
    bench.step("measure", bench.head())
    bench.step("draft", bench.head())
    assert bench.tests() == []
    assert gaps_to_draft(PreviousDrafts(bench.db, Commit(bench.repo, bench.head())), 3) == []
    bench.step("measure", bench.head())  # measured already: only asks for what follows
    assert bench.db.jobs.counts().ready == 2


def test_stories_can_be_switched_off(bench: Any, commit: Callable[..., str]) -> None:
    text = bench.first["pyproject.toml"] + "[tool.copydesk]\nstories = false\n"
    sha = commit(bench.path, {"pyproject.toml": text})
    bench.step("measure", sha)
    assert [k for (k,) in bench.db.execute("SELECT kind FROM jobs")] == ["draft"]
