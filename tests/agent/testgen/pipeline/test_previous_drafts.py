"""What stands of the drafts of other commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import Repository, find
from copydesk.agent.records import Draft, DraftState, Gap, Target
from copydesk.agent.testgen.pipeline.previous_drafts import PreviousDrafts

MakeCommit = Callable[..., str]
SHOP = "def price(n):\n    if n < 0:\n        return 0\n    return n\n"
LABEL = "import words\n\n\ndef label(n):\n    if n > 9:\n        return words.MUCH\n"
FILES = {"shop.py": SHOP, "label.py": LABEL, "words.py": "MUCH = 'much'\n", "README": "a shop"}
PRICE = Gap("", "shop.py", "price", 1, 4, (3,), ((2, 3), (4, -1)))
MUCH = Gap("", "label.py", "label", 4, 6, (6,))


class Desk:
    """A desk of a repository with two gaps."""

    def __init__(self, repo: Repository, db: Database) -> None:
        self.repo, self.db = repo, db

    def at(self, sha: str) -> PreviousDrafts:
        return PreviousDrafts(self.db, Commit(self.repo, sha))

    def add(
        self, sha: str, gap: Gap, state: DraftState, origin: str = "embedded", **more: Any
    ) -> int:
        """A draft as the drafting leaves it."""
        gained = {
            "gained_lines": list(gap.lines),
            "gained_branches": [list(a) for a in gap.branches],
        }
        evidence = (gained if state != "discarded" else {}) | more
        return self.db.drafts.add(Draft(
            id=0, kind="test", state=state, commit=sha, title="", origin=origin, path="",
            content="", target=Target(gap.path, gap.function, gap.lines),
            evidence={"basis": self.at(sha).basis(gap)} | evidence,
        ))  # fmt: skip

    def chosen(self, sha: str, *gaps: Gap) -> list[str]:
        return [gap.function for gap in self.at(sha).choose_gaps(gaps)]


@pytest.fixture
def desk(repo: Path) -> Iterator[Desk]:
    found = find(repo)
    with open_desk(found.desk) as db:
        yield Desk(found, db)


@pytest.mark.parametrize("state", ["ready", "accepted", "rejected", "discarded"])
def test_a_function_that_stays_as_it_is_is_not_drafted_again(
    desk: Desk, repo: Path, commit: MakeCommit, state: DraftState
) -> None:
    first = commit(repo, dict(FILES))
    number = desk.add(first, PRICE, state)
    second = commit(repo, {"README": "a good shop"})
    assert [d.id for d in desk.at(second).standing(PRICE)] == [number]
    assert desk.chosen(second, PRICE, MUCH) == (
        ["label", "price"] if state == "discarded" else ["label"]  # a model may know more
    )
    assert desk.chosen(first, PRICE, MUCH) == ["price", "label"]  # what was begun goes on


def test_a_function_that_moved_gains_the_lines_where_they_are_now(
    desk: Desk, repo: Path, commit: MakeCommit
) -> None:
    first = commit(repo, dict(FILES))
    desk.add(first, PRICE, "ready")
    moved = commit(repo, {"shop.py": "import os\n\n\n" + SHOP})
    gap = replace(PRICE, first_line=4, last_line=7, lines=(6,), branches=((5, 6), (7, -4)))
    [draft] = desk.at(moved).standing(gap)
    assert draft.evidence["gained_lines"] == [6]
    assert draft.evidence["gained_branches"] == [[5, 6], [7, -4]]
    assert desk.chosen(moved, gap) == []


@pytest.mark.parametrize("state", ["ready", "rejected", "discarded"])
def test_a_function_that_changed_or_has_other_open_lines_is_drafted(
    desk: Desk, repo: Path, commit: MakeCommit, state: DraftState
) -> None:
    first = commit(repo, dict(FILES))
    desk.add(first, PRICE, state)
    second = commit(repo, {"shop.py": SHOP.replace("n < 0", "n <= 0")})
    changed = replace(PRICE, changed=True)
    assert desk.chosen(second, MUCH, changed) == ["price", "label"]
    assert desk.at(second).standing(changed) == []
    third = commit(repo, {"shop.py": SHOP})
    assert desk.chosen(third, replace(PRICE, lines=(3, 4)), MUCH) == ["label", "price"]


def test_what_came_to_nothing_is_tried_again_when_something_around_it_has_changed(
    desk: Desk, repo: Path, commit: MakeCommit
) -> None:
    first = commit(repo, dict(FILES))
    desk.add(first, MUCH, "discarded")
    desk.add(first, MUCH, "discarded", "model")
    beside = commit(repo, {"shop.py": SHOP + "\n"})
    assert desk.chosen(beside, MUCH, PRICE) == ["price"]
    imported = commit(repo, {"words.py": "MUCH = 'very much'\n"})
    assert desk.chosen(imported, MUCH, PRICE) == ["price", "label"]
    assert desk.at(imported).standing(MUCH) == []


def test_what_came_to_nothing_is_tried_again_after_a_week(
    desk: Desk, repo: Path, commit: MakeCommit
) -> None:
    first = commit(repo, dict(FILES))
    desk.add(first, PRICE, "discarded")
    second = commit(repo, {"README": "a good shop"})
    assert len(desk.at(second).standing(PRICE)) == 1
    desk.db.execute("UPDATE drafts SET created_at = '2020-02-02T02:02:02+00:00'")
    assert desk.at(second).standing(PRICE) == []


def test_a_model_is_asked_once_for_what_the_embedded_drafter_left(
    desk: Desk, repo: Path, commit: MakeCommit
) -> None:
    first = commit(repo, dict(FILES))
    gap = replace(PRICE, lines=(3, 4), branches=())
    desk.add(first, gap, "ready", gained_lines=[3])
    second = commit(repo, {"README": "a good shop"})
    assert desk.chosen(second, gap, MUCH) == ["label", "price"]
    desk.add(first, gap, "discarded", "model", unfinished=True)
    assert desk.chosen(second, gap, MUCH) == ["label", "price"]
    desk.add(first, gap, "discarded", "model")
    assert desk.chosen(second, gap, MUCH) == ["label"]


def test_drafts_of_before_there_was_a_basis_and_gaps_of_no_function(
    desk: Desk, repo: Path, commit: MakeCommit
) -> None:
    first = commit(repo, dict(FILES))
    desk.add(first, PRICE, "ready", basis=None)
    second = commit(repo, {"shop.py": None, "README": "closed"})
    assert desk.chosen(second, PRICE) == ["price"]
    assert desk.at(second).standing(PRICE) == []
