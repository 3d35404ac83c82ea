"""Mining a real repository, at once and commit by commit."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git_rows
from copydesk.agent.git.history import open_history
from copydesk.agent.scoring import mine_history
from copydesk.predictor.subjects.commits.mine import State, label, mine
from copydesk.predictor.subjects.commits.szz import says_fix

Git = Callable[..., str]

V1 = "def price(x):\n    return x\n\n\ndef other(y):\n    # note\n    return y\n"
BUG = V1.replace("    return x", "    if x > 3:\n        return x - 1\n    return x")
FIXED = BUG.replace("x - 1", "x + 1")
TIDY = FIXED.replace("# note", "# a note")


@pytest.fixture
def shas(story: Callable[..., str]) -> list[str]:
    """Six commits: a function, a defect, tests and vendored code, a move, the fix, a comment."""
    return [
        story(1, {"shop/prices.py": V1}, "Add prices"),
        story(
            11, {"shop/prices.py": BUG, "tests/test_p.py": "def test_p():\n    pass\n"}, "Discount"
        ),
        story(21, {"vendor/big.py": "def v():\n    return 1\n", "setup.py": "x = 1\n"}, "Vendor"),
        story(31, {"shop/prices.py": None, "shop/money.py": BUG}, "Move", "Bob <Bob@X.org>"),
        story(41, {"shop/money.py": FIXED}, "Fix wrong discount\n\ncloses #3"),
        story(51, {"shop/money.py": TIDY}, "Fix a typo in a comment"),
    ]


def test_a_defect_is_traced_to_the_commit_that_wrote_it(repo: Path, shas: list[str]) -> None:
    said: list[str] = []
    found = mine(open_history(repo), State(), say=said.append)
    fixed = label(found.rows, found.blamed)
    bad = [(r.commit, r.path, r.function) for r, at in zip(found.rows, fixed, strict=True) if at]
    assert bad == [(shas[1], "shop/prices.py", "price")]  # through the move, and no other function
    assert {b.fix for b in found.blamed} == {shas[4]}
    assert found.fixes == 1
    assert said[-1] == "1 of 1 fixes traced to the lines they mend"
    paths = {r.path for r in found.rows}
    assert paths == {"shop/prices.py", "shop/money.py"}  # neither tests nor vendored code


def test_what_is_known_of_a_change_is_from_before_it(repo: Path, shas: list[str]) -> None:
    rows = {(r.commit, r.function): r.inputs for r in mine(open_history(repo), State()).rows}
    first, second = rows[shas[0], "price"], rows[shas[1], "price"]
    fix = rows[shas[4], "price"]
    assert (first["new_function"], first["days_since_function"], first["times_changed"]) == (
        1,
        -1,
        0,
    )
    assert first["lines_added_in_commit"] == 2
    assert (second["new_function"], second["days_since_function"]) == (0, 10)
    assert (second["tests_changed"], second["test_lines_added"]) == (1, 2)
    assert second["branches"] == 1
    assert fix["is_fix"] == 1
    assert fix["times_changed"] == 3  # the file's history follows it through the move
    assert fix["authors"] == 2
    assert fix["function_fixes"] == 0
    assert rows[shas[5], "other"]["recent_fixes"] == 1
    assert 0 < (rows[shas[5], "other"]["fixes"] or 0) < 1


def test_commit_by_commit_is_the_same_as_at_once(repo: Path, shas: list[str]) -> None:
    whole = State()
    at_once = mine(open_history(repo), whole)
    state, rows, blamed = State(), [], []
    for sha in shas:
        found = mine(open_history(repo, sha), state)
        rows, blamed = rows + found.rows, blamed + found.blamed
        state = State.from_json(state.to_json())
    assert rows == at_once.rows
    assert label(rows, blamed) == label(at_once.rows, at_once.blamed)
    assert dataclasses.asdict(state) == dataclasses.asdict(whole)


def test_ignored_revisions_are_not_blamed(repo: Path, git: Git, story: Callable[..., str]) -> None:
    story(1, {"a.py": "def f(x):\n    return g( x )\n"}, "Add f")
    style = story(2, {"a.py": "def f(x):\n    return g(x)\n"}, "Format")
    story(3, {".git-blame-ignore-revs": f"# style\n{style}\nnonsense\n{'0' * 40}\n"}, "Ignore it")
    story(4, {"a.py": "def f(x):\n    return g(x + 1)\n"}, "Fix wrong argument")
    found = mine(open_history(repo), State())
    assert [b.commit for b in found.blamed] == [git(repo, "rev-parse", "HEAD~3")]


def test_odd_files_do_not_stop_the_mining(repo: Path, story: Callable[..., str]) -> None:
    story(1, {"old.py": "print 'py2'\n", "ü b.py": "def f():\n    return 1\n"}, "Odd \x02 names")
    story(2, {"ü b.py": "def f():\n    return '\x01<<copydesk'\n", "old.py": None}, "Fix crash")
    found = mine(open_history(repo), State())
    assert [(r.path, r.function) for r in found.rows] == [("ü b.py", "f")] * 2
    assert label(found.rows, found.blamed)[0] is not None
    assert open_history(repo).blame("0" * 40, "none.py", [(1, 2)]) == b""
    assert list(open_history(repo).texts([("HEAD", "none.py")])) == [None]
    assert list(open_history(repo).texts([])) == []


def test_no_repository_no_history(tmp_path: Path) -> None:
    with pytest.raises(CopydeskError):
        open_history(tmp_path)


@pytest.mark.parametrize(
    ("message", "said"),
    [("Fix crash", True), ("Handle the error", True), ("closes #12", False), ("Add", False)],
)
def test_words_that_speak_of_a_fix(message: str, said: bool) -> None:
    assert says_fix(message) is said


# on the desk


def test_the_desk_is_brought_up_to_date_and_counts_nothing_twice(
    repo: Path, git: Git, shas: list[str], story: Callable[..., str]
) -> None:
    where = git_rows.find(repo)
    with open_desk(where.desk) as db:
        assert db.mined_history.up_to() is None
        assert mine_history.commits_behind(where, db, shas[-1]) is None
        mine_history.catch_up(where, db, shas[3])
        assert mine_history.commits_behind(where, db, shas[-1]) == 2
        assert all(row.fixed_at is None for row in mine_history.training_rows(db))
        mine_history.catch_up(where, db, shas[5])
        mine_history.catch_up(where, db, shas[5])
        rows = db.execute("SELECT count(*), count(fixed_at) FROM changed_functions").fetchone()
        assert rows == (5, 1)
        assert db.execute("SELECT fixed_by FROM changed_functions WHERE fixed_at").fetchall() == [
            (shas[4],)
        ]
        git(repo, "checkout", "-q", "-b", "side", shas[1])
        side = story(60, {"shop/side.py": "def s():\n    return 1\n"}, "Aside")
        mine_history.catch_up(where, db, side)
        mine_history.catch_up(where, db, shas[5])
        found = db.mined_history.up_to()
        assert found is not None
        assert found.commits == len(shas) + 1  # the empty first commit touches no Python
        assert [changed.function for changed in db.mined_history.functions_of(side)] == ["s"]
        mine_, inputs = db.mined_history.last_changes(shas[5], "shop/money.py")["other"]
        assert mine_
        assert inputs["file_lines"] == 10


def test_a_history_that_is_gone_is_read_anew(repo: Path, shas: list[str]) -> None:
    where = git_rows.find(repo)
    with open_desk(where.desk) as db:
        mine_history.catch_up(where, db, shas[2])
        db.execute("UPDATE history_state SET tip = ?", ("1" * 40,))
        assert mine_history.commits_behind(where, db, shas[5]) is None
        mine_history.catch_up(where, db, shas[5])
        (count,) = db.execute("SELECT count(*) FROM changed_functions").fetchone()
        assert count == 5
