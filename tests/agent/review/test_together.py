"""Several drafts at once: a file is written once, and taken back in one go or from the last."""

from __future__ import annotations

from typing import Any

import pytest

from copydesk.agent.errors import CopydeskError
from copydesk.agent.review import decisions, file_writes
from copydesk.agent.review.carry_out import carry_out_next
from copydesk.agent.review.together import Outcome, accept_together, undo_together
from copydesk.agent.testgen.accept.run_in_place import InPlace


def names_in(shop: Any) -> list[str]:
    lines = shop.tests.read_text().split("\n")
    return [line.removeprefix("def ").removesuffix("():") for line in lines if "def " in line]


def test_drafts_of_one_file_are_written_at_once_and_taken_back_at_once(shop: Any) -> None:
    before = shop.tests.read_text()
    ids = [shop.add(number) for number in (1, 2, 3)]
    outcome = accept_together(shop.repo, shop.db, ids)
    assert (outcome.done, outcome.paths, outcome.failures) == (tuple(ids), (shop.tests,), {})
    assert names_in(shop) == ["test_f", "test_1", "test_2", "test_3"]
    undone = undo_together(shop.repo, shop.db, ids)
    assert set(undone.done) == set(ids)
    assert shop.tests.read_text() == before
    assert {shop.db.drafts.get(draft).state for draft in ids} == {"not_run"}


def test_each_can_be_taken_back_by_itself_from_the_last(shop: Any) -> None:
    first, second = shop.add(1), shop.add(2)
    accept_together(shop.repo, shop.db, [first, second])
    with pytest.raises(CopydeskError, match="changed"):
        decisions.undo(shop.repo, shop.db, first)
    decisions.undo(shop.repo, shop.db, second)
    assert names_in(shop) == ["test_f", "test_1"]
    decisions.undo(shop.repo, shop.db, first)
    assert names_in(shop) == ["test_f"]


def test_drafts_of_a_new_file_make_one_file(shop: Any) -> None:
    shop.tests.unlink()
    ids = [shop.add(number) for number in (1, 2)]
    (path,) = accept_together(shop.repo, shop.db, ids).paths
    assert path.read_text().count("from shop import f") == 1
    assert path.read_text().count("def test_") == 2
    undo_together(shop.repo, shop.db, ids)
    assert not path.exists()


def test_what_cannot_be_accepted_costs_no_other(shop: Any) -> None:
    good, empty = shop.add(1), shop.add(2, content="x = 1\n")
    asks = shop.add(3, state="asks", evidence={"verdict": "asks", "asks": ["exec"]})
    story = shop.add(4, kind="devlog", target=None, path="outbox/a.md", content="words\n")
    outcome = accept_together(shop.repo, shop.db, [good, empty, asks, 99, story, good])
    assert set(outcome.done) == {good, story}
    slugs = {draft: error.slug for draft, error in outcome.failures.items()}
    assert slugs == {empty: "no-test-in-draft", asks: "needs-yes", 99: "no-such-draft"}
    assert set(undo_together(shop.repo, shop.db, [good, story]).done) == {good, story}


def test_drafts_whose_names_clash_go_one_after_another(shop: Any) -> None:
    first = shop.add(1, content="from shop import f as g\n\n\ndef test_1():\n    assert g()\n")
    second = shop.add(2, content="from os import path as g\n\n\ndef test_2():\n    assert g\n")
    outcome = accept_together(shop.repo, shop.db, [first, second])
    assert len(outcome.done) == 2
    assert len(outcome.paths) == 2  # the second one does not go with the first


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Has a run fail where the text holds one of these, in place of the sandbox."""
    bad: list[str] = []

    def run(*args: Any) -> InPlace:
        text = args[-1].new_text
        for words in bad:
            if all(word in text for word in words.split(" & ")):
                return InPlace("fails", words)
        return InPlace("passes")

    monkeypatch.setattr("copydesk.agent.review.placed_tests.run_placement", run)
    monkeypatch.setattr("copydesk.agent.review.placed_tests.run_in_copy", run)
    return bad


READY: dict[str, Any] = {"state": "ready", "evidence": {"verdict": "verified"}}


def test_a_test_that_fails_is_left_out_and_the_others_are_written(
    shop: Any, judged: list[str]
) -> None:
    judged.append("test_2")
    ids = [shop.add(number, **READY) for number in (1, 2, 3)]
    outcome = accept_together(shop.repo, shop.db, ids)
    assert outcome.done == (ids[0], ids[2])
    assert [*outcome.failures] == [ids[1]]
    assert names_in(shop) == ["test_f", "test_1", "test_3"]


def test_tests_that_only_fail_together_are_taken_as_far_as_that_goes(
    shop: Any, judged: list[str]
) -> None:
    judged.append("test_1 & test_2")
    ids = [shop.add(number, **READY) for number in (1, 2)]
    outcome = accept_together(shop.repo, shop.db, ids)
    assert (outcome.done, [*outcome.failures]) == ((ids[0],), [ids[1]])
    assert names_in(shop) == ["test_f", "test_1"]


@pytest.mark.parametrize(
    ("point", "state"),
    [("review.announced", "not_run"), ("review.written", "accepted")],
)
def test_whoever_is_stopped_while_writing_leaves_nothing_half_done(
    shop: Any, monkeypatch: pytest.MonkeyPatch, point: str, state: str
) -> None:
    ids = [shop.add(number) for number in (1, 2)]
    monkeypatch.setenv("COPYDESK_FAIL", f"{point}:exception")
    with pytest.raises(RuntimeError):
        accept_together(shop.repo, shop.db, ids)
    monkeypatch.delenv("COPYDESK_FAIL")
    (shop.tests.parent / ".test_shop.py.0123456789ab").write_text("half")
    with file_writes.deciding(shop.repo, shop.db):
        pass
    assert [shop.db.drafts.get(draft).state for draft in ids] == [state, state]
    assert len(names_in(shop)) == (3 if state == "accepted" else 1)
    assert [*shop.tests.parent.glob(".test_shop*")] == []
    assert shop.db.decision_queue.pending_writes() == []


def test_whoever_is_stopped_while_taking_back_has_taken_back(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = shop.add(1)
    decisions.accept(shop.repo, shop.db, draft)
    monkeypatch.setenv("COPYDESK_FAIL", "review.reverted:exception")
    with pytest.raises(RuntimeError):
        decisions.undo(shop.repo, shop.db, draft)
    monkeypatch.delenv("COPYDESK_FAIL")
    assert accept_together(shop.repo, shop.db, [draft]).done == (draft,)
    assert names_in(shop) == ["test_f", "test_1"]


def test_a_draft_that_is_rejected_while_its_test_runs_is_not_written(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = shop.add(1, **READY)
    before = shop.tests.read_text()

    def run(*_: Any) -> InPlace:
        if shop.db.drafts.get(draft).state == "ready":
            decisions.reject(shop.repo, shop.db, draft, "no")
        return InPlace("passes")

    monkeypatch.setattr("copydesk.agent.review.placed_tests.run_placement", run)
    monkeypatch.setattr("copydesk.agent.review.placed_tests.run_in_copy", run)
    (error,) = accept_together(shop.repo, shop.db, [draft]).failures.values()
    assert error.slug == "decided-meanwhile"
    assert shop.tests.read_text() == before
    assert shop.db.drafts.get(draft).state == "rejected"


def carry_out(shop: Any) -> list[tuple[str, Outcome]]:
    outcomes: list[tuple[str, Outcome]] = []
    while carry_out_next(shop.repo, shop.db, lambda *done: outcomes.append(done)):
        pass
    return outcomes


def test_what_was_asked_for_is_carried_out_batch_after_batch(shop: Any) -> None:
    first, second, empty = shop.add(1), shop.add(2), shop.add(3, content="x = 1\n")
    shop.db.decision_queue.add("accept", [first, empty])
    shop.db.decision_queue.add("accept", [second])
    done = [(action, outcome.done) for action, outcome in carry_out(shop)]
    assert done == [("accept", (first,)), ("accept", (second,))]
    (failed,) = shop.db.decision_queue.all()
    assert (failed.draft_id, failed.error) == (empty, f"draft {empty} holds no test")
    shop.db.decision_queue.add("undo", [first, second])
    assert [outcome.done for _, outcome in carry_out(shop)] == [(second, first)]
    assert names_in(shop) == ["test_f"]


def test_what_copydesk_itself_fails_on_is_kept(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = shop.add(1)
    shop.db.decision_queue.add("accept", [draft])
    monkeypatch.setattr("copydesk.agent.review.together.place_draft", lambda *_: {}["no such key"])
    carry_out(shop)
    (failed,) = shop.db.decision_queue.all()
    assert "copydesk failed on it (KeyError" in failed.error
    assert shop.db.failed_items.latest()


def test_what_is_decided_already_is_done(shop: Any) -> None:
    draft = shop.add(1)
    shop.db.decision_queue.add("accept", [draft])
    decisions.accept(shop.repo, shop.db, draft)
    assert [outcome.done for _, outcome in carry_out(shop)] == [()]
    assert shop.db.decision_queue.all() == []
