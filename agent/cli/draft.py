"""`copydesk draft`: tests for gaps, written now, in the foreground."""

from __future__ import annotations

from collections.abc import Sequence

import click

from copydesk.agent import config
from copydesk.agent.cli.current_desk import measured_commit, open_current_desk
from copydesk.agent.cli.formatting import draft_subject, evidence_summary, short_sha
from copydesk.agent.cli.model_progress import ModelProgress
from copydesk.agent.cli.options import examples, json_option
from copydesk.agent.cli.output import echo, echo_json, print_progress
from copydesk.agent.cli.terminal import spinner
from copydesk.agent.coverage.source import MODULE
from copydesk.agent.coverage.store import Measure
from copydesk.agent.desk.drafts import draft_as_json
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.commit import Commit
from copydesk.agent.records import Draft, Gap, Sha
from copydesk.agent.testgen.pipeline import (
    DraftingOptions,
    PreviousDrafts,
    gaps_to_draft,
    write_drafts,
)
from copydesk.agent.text import plural


@click.command(
    epilog=examples(
        "copydesk draft",
        "copydesk draft src/shop/prices.py::discount",
        "copydesk draft src/shop/prices.py HEAD~1",
        "copydesk draft --all",
    )
)
@click.argument("words", metavar="[GAP...] [REV]", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Draft tests for every gap there is.")
@json_option
def draft(words: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Draft tests for gaps now, in the foreground.

    A GAP is path::function, or a path for all of its functions, as `copydesk gaps` lists them.
    Without one, the commit's changed and riskiest functions are taken. Every draft is checked
    in the sandbox; those that pass wait on your desk.
    """
    names, revision = _split(words)
    with open_current_desk() as (repo, db):
        sha = measured_commit(repo, db, revision)
        measured = db.measures.get(sha)
        gaps = db.gaps.of_commit(sha)
        previous = PreviousDrafts(db, Commit(repo, sha))
        if names:
            chosen = _all_named(names, gaps)
        else:
            limit = None if everything else config.load(repo, sha).project.drafts_per_commit
            chosen = gaps_to_draft(previous, limit)
        drafts = _write(previous, chosen, again=bool(names)) if chosen else []
        if not names:
            db.jobs.done_by_hand("draft", sha)
    if as_json:
        echo_json([draft_as_json(draft) for draft in drafts])
    elif chosen:
        _print(drafts, chosen)
    else:
        _print_nothing_to_draft(sha, gaps, measured)


def _write(previous: PreviousDrafts, gaps: Sequence[Gap], *, again: bool) -> list[Draft]:
    """Draft the gaps, with a line on the screen that says how far it is."""
    activity = f"drafting tests for {plural(len(gaps), 'gap')}"
    with spinner(activity) as update:
        options = DraftingOptions(token_progress=ModelProgress(activity, update), again=again)
        return write_drafts(previous, gaps, say=print_progress, options=options)


def _print_nothing_to_draft(sha: Sha, gaps: Sequence[Gap], measured: Measure | None) -> None:
    if any(gap.function != MODULE for gap in gaps):
        echo(
            f"Every gap of {short_sha(sha)} has a draft, was rejected by you, or could not be"
            " reached by any input that was tried.\n`copydesk drafts --all` lists them;"
            " `copydesk draft GAP` tries a gap again."
        )
    else:
        doubts = measured.doubts if measured else ()
        if doubts:
            echo(f"Nothing is known of {short_sha(sha)}: {doubts[0]}.")
            return
        echo(f"{short_sha(sha)} has no gap in a function; there is nothing to draft.")


def _split(words: Sequence[str]) -> tuple[list[str], str]:
    """Tell the gaps from the revision among the arguments of the command."""
    names = [w for w in words if "::" in w or w.endswith(".py")]
    revisions = [w for w in words if w not in names]
    if len(revisions) > 1:
        raise click.UsageError(
            f"{revisions[0]!r} and {revisions[1]!r} are both taken for a commit;"
            " a gap is path::function."
        )
    return names, revisions[0] if revisions else "HEAD"


def _all_named(names: Sequence[str], gaps: Sequence[Gap]) -> list[Gap]:
    """The gaps of some names, each once; a name without any is told of, and costs only itself.

    Raises:
        CopydeskError: No name has one.
    """
    chosen: dict[Gap, None] = {}
    problems: list[CopydeskError] = []
    for name in names:
        try:
            chosen.update(dict.fromkeys(_named(name, gaps)))
        except CopydeskError as error:
            problems.append(error)
    if not chosen:
        raise problems[0]
    for problem in problems:
        print_progress(f"{problem}: passed over")
    return list(chosen)


def _named(name: str, gaps: Sequence[Gap]) -> list[Gap]:
    named = [gap for gap in gaps if name in (gap.path, f"{gap.path}::{gap.function}")]
    if not named:
        raise CopydeskError(
            f"{name} has no uncovered code in this commit",
            slug="no-such-gap",
            hint="`copydesk gaps` lists them; covered functions need no draft, and a change that is"
            " only staged has to be committed first (`git commit --no-verify`).",
        )
    return named


def _functions(gaps: Sequence[Gap]) -> int:
    """How many functions gaps belong to: a property's getter and setter are one."""
    return len({(gap.path, gap.function) for gap in gaps})


def _print(drafts: Sequence[Draft], gaps: Sequence[Gap]) -> None:
    for draft in drafts:
        echo(f"{draft.id}: {draft_subject(draft)}: {evidence_summary(draft)}")
    if drafts:
        echo(
            f"{plural(len(drafts), 'draft')} for {plural(_functions(gaps), 'gap')};"
            " `copydesk review` shows them."
        )
    else:
        echo("No draft passed its check; `copydesk drafts --all` says why.")
