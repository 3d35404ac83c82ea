"""`copydesk story` and `note`: the story of some commits, written now, and the author's reasons."""

from __future__ import annotations

import time

import click

from copydesk.agent import config
from copydesk.agent.cli.current_desk import open_current_desk
from copydesk.agent.cli.formatting import draft_subject, evidence_summary
from copydesk.agent.cli.model_progress import ModelProgress
from copydesk.agent.cli.options import examples, json_option
from copydesk.agent.cli.output import echo, echo_json, print_progress
from copydesk.agent.cli.terminal import spinner
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.drafts import draft_as_json
from copydesk.agent.errors import CopydeskError
from copydesk.agent.examples import ExampleSearch, tell_examples
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Draft
from copydesk.agent.review.reader_offers import DeskReaders
from copydesk.agent.stories import span
from copydesk.agent.stories.span import Chosen
from copydesk.agent.stories.write_story import Helpers, update_story, write_range
from copydesk.agent.testgen.pipeline import reach_model
from copydesk.agent.text import plural


@click.command(
    epilog=examples(
        "copydesk story",
        "copydesk story --week",
        "copydesk story --release v1.2.0",
        "copydesk story --range v1.0..HEAD --json",
    )
)
@click.option("--since", metavar="REF", help="The commits since a commit, a branch or a tag.")
@click.option("--range", "revisions", metavar="A..B", help="Just these commits.")
@click.option("--week", is_flag=True, help="The commits of the last seven days.")
@click.option("--release", metavar="TAG", help="What a tag has that the tag before it has not.")
@json_option
def story(
    since: str | None, revisions: str | None, week: bool, release: str | None, as_json: bool
) -> None:
    """Tell what has changed since the last story, now.

    Without an option the story that grows with your commits is brought up to HEAD. With one a
    story of just those commits is written, and does not grow.

    Every sentence rests on facts of the commits, their tests and their coverage, and is checked
    against them. A local model words it where one answers; else it is plain.
    """
    if sum(map(bool, (since, revisions, week, release))) > 1:
        raise click.UsageError("Only one of --since, --range, --week and --release.")
    with open_current_desk(create=True) as (repo, db):
        chosen = _chosen(repo, since, revisions, release) or (
            span.week(repo, time.time()) if week else None
        )
        draft = _write(repo, db, chosen)
    if draft is None:
        if as_json:
            echo_json(None)
        else:
            echo("There is too little to tell yet; `copydesk story --range HEAD` tells it anyway.")
        return
    if as_json:
        echo_json(draft_as_json(draft))
        return
    echo(f"{draft.id}: {draft_subject(draft)}: {evidence_summary(draft)}")
    echo(
        f"`copydesk show {draft.id}` shows it, `copydesk accept {draft.id}` puts it in the outbox."
    )


def _chosen(
    repo: Repository, since: str | None, revisions: str | None, release: str | None
) -> Chosen | None:
    if since:
        return span.since(repo, since)
    if release:
        return span.release(repo, release)
    return span.range_of(repo, revisions) if revisions else None


def _write(repo: Repository, db: Database, chosen: Chosen | None) -> Draft | None:
    """Write the story of some commits; with none, the one that grows."""
    head = git.resolve(repo, "HEAD")
    doing = f"writing about {plural(len(chosen.commits), 'commit')}" if chosen else "writing"
    with spinner(doing) as update:
        model_progress = ModelProgress(doing, update)
        settings = config.load(repo, chosen.commits[-1] if chosen else head)
        client = reach_model(settings, db, print_progress, prose=True, progress=model_progress)
        project, say = settings.project, print_progress
        helpers = Helpers(client, DeskReaders(repo, db, project, time.time()))
        draft: Draft | None
        if chosen:
            draft = write_range(repo, db, chosen, project=project, say=say, helpers=helpers)
        else:
            draft = update_story(repo, db, head, project=project, say=say, helpers=helpers)
        if draft is not None:
            update("running examples")
            tell_examples(ExampleSearch(repo, db, say), draft.id)
            draft = db.drafts.get(draft.id)
    if not chosen:
        db.jobs.done_by_hand("story", head)
    return draft


@click.command(
    epilog=examples('copydesk note "Saves grew to 40 MB."', 'copydesk note --on read_rows "..."')
)
@click.argument("text")
@click.option("--on", "subject", default="", metavar="NAME", help="What it is about.")
@json_option
def note(text: str, subject: str, as_json: bool) -> None:
    """Say why, for the story that grows.

    A story takes reasons from you alone: from the bodies of your commit messages, a `Story:`
    trailer in them, your answers to its questions, and such notes.
    """
    if not text.strip():
        raise CopydeskError(
            "the note is empty",
            slug="empty-note",
            hint='copydesk note "Saves grew to 40 MB after an hour."',
        )
    with open_current_desk(create=True) as (repo, db):
        identity = db.stories.add_note(text.strip(), subject=subject)
        draft = _write(repo, db, None)
    if as_json:
        echo_json({"note": identity, "story": None if draft is None else draft.id})
    else:
        where = "waits for the next story" if draft is None else f"is in story {draft.id}"
        echo(f"The note {where}.")
