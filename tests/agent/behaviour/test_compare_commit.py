"""A commit is compared with its parent, kept on the desk, and told by the command."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from copydesk.agent.behaviour import (
    BehaviourSearch,
    Limits,
    compare_commit,
    draft_difference,
    summary,
)
from copydesk.agent.cli.main import cli
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError, Superseded
from copydesk.agent.git.repository import Repository, find, set_config
from copydesk.agent.progress import silent

Commit = Callable[..., str]
PRICE = "def price(n: int) -> int:\n    if n > 10:\n        return n - 1\n    return n\n"


@pytest.fixture
def shop(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Repository, Database]]:
    repository = find(repo)
    set_config(repository, "copydesk.python", sys.executable)
    set_config(repository, "copydesk.sandbox", "off")
    monkeypatch.chdir(repo)
    with open_desk(repository.desk) as db:
        yield repository, db


def search(shop: tuple[Repository, Database], **how: object) -> BehaviourSearch:
    return BehaviourSearch(*shop, silent, **how)  # type: ignore[arg-type]


def test_a_commit_without_parent_and_one_of_tests_change_nothing(
    shop: tuple[Repository, Database], commit: Commit, git: Commit
) -> None:
    first = git(shop[0].worktree, "rev-list", "--max-parents=0", "HEAD")
    second = commit(shop[0].worktree, {"tests/test_shop.py": "def test(): pass\n"}, "Test it")
    assert list(compare_commit(search(shop), first)) == []
    assert list(compare_commit(search(shop), second)) == []


def test_limits_leave_functions_for_later(
    shop: tuple[Repository, Database], commit: Commit
) -> None:
    commit(shop[0].worktree, {"shop.py": PRICE})
    sha = commit(
        shop[0].worktree,
        {"shop.py": PRICE.replace("> 10", ">= 10") + "def more(): pass\n"},
        "Refactor",
    )
    for limits, words in ((Limits(functions=0), "functions"), (Limits(seconds=0.0), "seconds")):
        price, more = compare_commit(search(shop, limits=limits), sha)
        assert price.verdict == "not compared"
        assert words in str(price.detail["reason"])
        assert more.verdict == "added"
    assert [row.name for row in shop[1].comparisons.of_commit(sha)] == ["shop.py::more"]


def test_a_newer_commit_ends_the_work(shop: tuple[Repository, Database], commit: Commit) -> None:
    commit(shop[0].worktree, {"shop.py": PRICE})
    sha = commit(shop[0].worktree, {"shop.py": PRICE.replace("> 10", ">= 10")}, "Refactor")
    with pytest.raises(Superseded):
        list(compare_commit(search(shop, is_wanted=lambda: False), sha))


def test_a_form_that_refuses_calls_is_told_with_its_callers(
    shop: tuple[Repository, Database], commit: Commit
) -> None:
    user = "from shop import price\nprice(3)\n"
    commit(shop[0].worktree, {"shop.py": PRICE, "user.py": user})
    sha = commit(
        shop[0].worktree, {"shop.py": PRICE.replace("n: int", "n: int, rate: int")}, "Add rates"
    )
    (row,) = compare_commit(search(shop), sha)
    assert list(summary(row)) == [
        "shop.py::price: refuses calls that it took before: new required parameter rate",
        "  called at user.py:2",
    ]


@pytest.mark.slow
def test_the_command_tells_keeps_and_exits_with_one(
    shop: tuple[Repository, Database], commit: Commit
) -> None:
    commit(shop[0].worktree, {"shop.py": PRICE})
    sha = commit(shop[0].worktree, {"shop.py": PRICE.replace("> 10", ">= 10")}, "Refactor prices")
    result = CliRunner().invoke(cli, ["behaviour"])
    assert result.exit_code == 1, result.output
    assert "shop.py::price: differs (the commit does not say so)\n" in result.output
    assert "  price(10) gave 10, gives 9\n" in result.output
    (row,) = shop[1].comparisons.suspects()
    assert (row.sha, row.name, row.state) == (sha, "shop.py::price", "open")

    result = CliRunner().invoke(cli, ["behaviour", "HEAD", "shop.py::price", "--json"])
    (answer,) = json.loads(result.stdout)
    (function,) = answer["functions"]
    assert (answer["commit"], function["verdict"], function["suspect"]) == (sha, "differs", True)
    result = CliRunner().invoke(cli, ["behaviour", "--fine", str(row.id)])
    assert result.output == "shop.py::price: fine\n"
    assert shop[1].comparisons.suspects() == []
    assert shop[1].comparisons.get(row.id).state == "fine"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "assertion", "note"),
    [
        ([], "assert price(10) == 9", "fails at the parent"),
        (["--old"], "assert price(10) == 10", "fails at the commit"),
    ],
)
def test_a_test_is_made_of_a_difference(
    shop: tuple[Repository, Database],
    commit: Commit,
    options: list[str],
    assertion: str,
    note: str,
) -> None:
    commit(shop[0].worktree, {"shop.py": PRICE})
    sha = commit(shop[0].worktree, {"shop.py": PRICE.replace("> 10", ">= 10")}, "Refactor")
    (row,) = compare_commit(search(shop), sha)
    result = CliRunner().invoke(cli, ["behaviour", "--test", str(row.id), *options])
    assert result.exit_code == 0, result.output
    (draft,) = shop[1].drafts.find()
    assert assertion in draft.content
    assert (draft.origin, draft.state) == ("behaviour", "ready")
    assert note in str(draft.evidence["notes"])
    assert shop[1].comparisons.get(row.id).state == "tested"


def test_of_no_difference_no_test_is_made(
    shop: tuple[Repository, Database], commit: Commit
) -> None:
    commit(shop[0].worktree, {"shop.py": PRICE})
    sha = commit(shop[0].worktree, {"more.py": PRICE})
    (row,) = compare_commit(search(shop), sha)
    with pytest.raises(CopydeskError, match="has no difference"):
        draft_difference(search(shop), row, "new")


@pytest.mark.slow
def test_a_fix_announces_what_it_changes(shop: tuple[Repository, Database], commit: Commit) -> None:
    commit(shop[0].worktree, {"shop.py": PRICE})
    commit(shop[0].worktree, {"shop.py": PRICE.replace("> 10", ">= 10")}, "Fix the price of ten")
    result = CliRunner().invoke(cli, ["behaviour"])
    assert result.exit_code == 0, result.output
    assert "differs (announced: the commit calls itself a fix)" in result.output


@pytest.mark.slow
def test_code_that_looks_at_what_runs_it_is_never_called_the_same(
    shop: tuple[Repository, Database], commit: Commit
) -> None:
    commit(shop[0].worktree, {"shop.py": PRICE})
    lying = PRICE.replace("n - 1", "n - (1 if 'copydesk_tools' in sys.modules else 7)")
    sha = commit(shop[0].worktree, {"shop.py": "import sys\n" + lying}, "Refactor prices")
    (row,) = compare_commit(search(shop), sha)
    assert row.verdict == "not compared"
    assert row.detail["reason"] == "shop.py looks at what is imported"


def test_a_number_without_comparison_and_two_revisions_are_refused(
    shop: tuple[Repository, Database], commit: Commit
) -> None:
    commit(shop[0].worktree, {"shop.py": PRICE})
    with pytest.raises(CopydeskError, match="there is no comparison 7"):
        shop[1].comparisons.get(7)
    result = CliRunner().invoke(cli, ["behaviour", "HEAD", "HEAD~1"])
    assert result.exit_code == 2
    assert "both taken for a commit" in result.output
    commit(shop[0].worktree, {"notes.txt": "x"})
    result = CliRunner().invoke(cli, ["behaviour"])
    assert "changes no function that could be compared" in result.output
