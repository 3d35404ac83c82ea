"""`copydesk behaviour`: what a commit changed in what the code does."""

from __future__ import annotations

from collections.abc import Sequence

import click

from copydesk.agent.behaviour import (
    BehaviourSearch,
    compare_commit,
    draft_difference,
    summary,
)
from copydesk.agent.cli.current_desk import open_current_desk
from copydesk.agent.cli.formatting import draft_subject, evidence_summary, short_sha
from copydesk.agent.cli.one_by_one import OneByOne
from copydesk.agent.cli.options import examples, json_option
from copydesk.agent.cli.output import echo, echo_json, print_progress
from copydesk.agent.cli.terminal import spinner
from copydesk.agent.desk.comparisons import ComparisonRow
from copydesk.agent.git import repository as git
from copydesk.agent.records import Json
from copydesk.agent.text import plural


@click.command(
    epilog=examples(
        "copydesk behaviour",
        "copydesk behaviour HEAD~3..HEAD",
        "copydesk behaviour HEAD src/shop/prices.py::discount",
        "copydesk behaviour --json",
        "copydesk behaviour --test 3 --old",
    )
)
@click.argument("words", metavar="[REV | A..B] [PATH::FUNCTION...]", nargs=-1)
@click.option("--again", is_flag=True, help="Compare once more what was compared before.")
@click.option("--test", "tested", type=int, metavar="ID", help="Draft a test of what ID shows.")
@click.option("--old", is_flag=True, help="With --test: expect what it did before.")
@click.option("--fine", "fine", type=int, metavar="ID", help="Say that ID is meant to be so.")
@json_option
@click.pass_context
def behaviour(
    ctx: click.Context,
    words: tuple[str, ...],
    again: bool,
    tested: int | None,
    old: bool,
    fine: int | None,
    as_json: bool,
) -> None:
    """Show what a commit changed in what the code does.

    Each function that the commit changed is run in the sandbox on the same inputs as it was at
    the parent and as it is now. The exit code is 1 where a function does something else and the
    commit does not say so.
    """
    if tested is not None or fine is not None:
        _decide(tested, fine, old=old)
        return
    names, revision = _split(words)
    suspects = 0
    with open_current_desk(create=True) as (repo, db):
        commits = list(git.between(repo, revision))
        outcome = OneByOne(db, "behaviour", several=len(commits) > 1, as_json=as_json)
        for sha in commits:
            with outcome.item(sha if as_json else short_sha(sha), "not compared"):
                with spinner(f"comparing {short_sha(sha)} with its parent"):
                    search = BehaviourSearch(repo, db, print_progress, again=again)
                    rows = list(compare_commit(search, sha, names))
                suspects += sum(row.is_suspect for row in rows)
                outcome.rows.append({"commit": sha, "functions": [_as_json(row) for row in rows]})
                if not as_json:
                    _print(short_sha(sha), rows)
    if as_json:
        echo_json(outcome.rows)
    elif not commits:
        echo(f"There is no commit in {revision}.")
    ctx.exit(int(suspects > 0 or outcome.failures > 0))


def _decide(tested: int | None, fine: int | None, *, old: bool) -> None:
    """Make a test of a difference, or put it aside."""
    with open_current_desk() as (repo, db):
        if fine is not None:
            row = db.comparisons.get(fine)
            db.comparisons.set_state(row.id, "fine")
            echo(f"{row.name}: fine")
        if tested is not None:
            row = db.comparisons.get(tested)
            search = BehaviourSearch(repo, db, print_progress)
            draft = draft_difference(search, row, "old" if old else "new")
            echo(f"{draft.id}: {draft_subject(draft)}: {evidence_summary(draft)}")
            echo(f"`copydesk show {draft.id}` shows it.")


def _split(words: Sequence[str]) -> tuple[list[str], str]:
    """Tell the functions from the revision among the arguments of the command."""
    names = [word for word in words if "::" in word or word.endswith(".py")]
    revisions = [word for word in words if word not in names]
    if len(revisions) > 1:
        raise click.UsageError(
            f"{revisions[0]!r} and {revisions[1]!r} are both taken for a commit;"
            " a function is path::function."
        )
    return names, revisions[0] if revisions else "HEAD"


def _as_json(row: ComparisonRow) -> Json:
    return {
        "id": row.id,
        **row.detail,
        "announced": row.announced,
        "suspect": row.is_suspect,
        "state": row.state,
    }


def _print(sha: str, rows: Sequence[ComparisonRow]) -> None:
    """Say what came of one commit, what nobody expects first."""
    if not rows:
        echo(f"{sha} changes no function that could be compared.")
        return
    for row in sorted(rows, key=lambda row: not row.is_suspect):
        for line in summary(row):
            echo(line)
        if row.verdict == "differs":
            echo(f"  `copydesk behaviour --test {row.id}` makes a test of it")
    suspects = sum(row.is_suspect for row in rows)
    if suspects:
        echo(
            f"{plural(suspects, 'function does', 'functions do')} something else, and {sha} does"
            " not say so."
        )
