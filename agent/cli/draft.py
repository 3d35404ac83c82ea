"""`copydesk draft`: tests for gaps, written now, in the foreground."""

from __future__ import annotations

from collections.abc import Sequence

import click

from copydesk.agent import config
from copydesk.agent.cli.current_desk import open_current_desk
from copydesk.agent.cli.formatting import draft_subject, evidence_summary, short_sha
from copydesk.agent.cli.measure import measured_commit
from copydesk.agent.cli.model_progress import ModelProgress
from copydesk.agent.cli.options import examples, json_option
from copydesk.agent.cli.output import echo, echo_json, print_progress
from copydesk.agent.cli.terminal import spinner
from copydesk.agent.coverage.source import MODULE
from copydesk.agent.desk.drafts import draft_as_json
from copydesk.agent.errors import CopydeskError
from copydesk.agent.records import Draft, Gap
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
        gaps = db.gaps.of_commit(sha)
        previous = PreviousDrafts(repo, db, sha)
        if names:
            chosen = [gap for name in names for gap in _named(name, gaps)]
        else:
            limit = None if everything else config.load(repo, sha).project.drafts_per_commit
            chosen = gaps_to_draft(previous, limit)
        drafts: list[Draft] = []
        if chosen:
            doing = f"drafting tests for {plural(len(chosen), 'gap')}"
            with spinner(doing) as update:
                model_progress = ModelProgress(doing, update)
                options = DraftingOptions(token_progress=model_progress, again=bool(names))
                drafts = write_drafts(previous, chosen, say=print_progress, options=options)
    if as_json:
        echo_json([draft_as_json(one) for one in drafts])
    elif not chosen and any(gap.function != MODULE for gap in gaps):
        echo(
            f"Every gap of {short_sha(sha)} has a draft, was rejected by you, or could not be"
            " reached by any input that was tried.\n`copydesk drafts --all` lists them;"
            " `copydesk draft GAP` tries a gap again."
        )
    elif not chosen:
        echo(f"{short_sha(sha)} has no gap in a function; there is nothing to draft.")
    else:
        _tell(drafts, chosen)


def _split(words: Sequence[str]) -> tuple[list[str], str]:
    """The gaps and the revision among the words of the command line."""
    names = [w for w in words if "::" in w or w.endswith(".py")]
    revisions = [w for w in words if w not in names]
    if len(revisions) > 1:
        raise click.UsageError(
            f"{revisions[0]!r} and {revisions[1]!r} are both taken for a commit;"
            " a gap is path::function."
        )
    return names, revisions[0] if revisions else "HEAD"


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


def _tell(drafts: Sequence[Draft], gaps: Sequence[Gap]) -> None:
    for one in drafts:
        echo(f"{one.id}: {draft_subject(one)}: {evidence_summary(one)}")
    if drafts:
        echo(f"{plural(len(drafts), 'draft')} for {plural(len(gaps), 'gap')}; `copydesk review`")
    else:
        echo("No draft passed its check; `copydesk drafts --all` says why.")
