"""`copydesk story` and `note`: the story of some commits, written now, and the author's reasons."""

from __future__ import annotations

import time
from collections.abc import Sequence

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
from copydesk.agent.desk.stories import StoryNote
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
        draft = tell(repo, db, chosen)
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
    show_questions([(q["id"], q["question"]) for q in draft.evidence.get("questions", ())])


def _chosen(
    repo: Repository, since: str | None, revisions: str | None, release: str | None
) -> Chosen | None:
    if since:
        return span.since(repo, since)
    if release:
        return span.release(repo, release)
    return span.range_of(repo, revisions) if revisions else None


def tell(repo: Repository, db: Database, chosen: Chosen | None) -> Draft | None:
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
    epilog=examples(
        'copydesk note "Saves grew to 40 MB."',
        'copydesk note --on read_rows "..."',
        'copydesk note --answer 3 "People split the rows by hand."',
        "copydesk note --skip 4",
        "copydesk note --questions",
    )
)
@click.argument("text", default="")
@click.option("--on", "subject", default="", metavar="NAME", help="What it is about.")
@click.option("--answer", type=int, metavar="N", help="Answer a question with TEXT.")
@click.option("--skip", type=int, metavar="N", help="Do not be asked this again.")
@click.option("--questions", "list_them", is_flag=True, help="List the questions that wait.")
@json_option
def note(
    text: str,
    subject: str,
    answer: int | None,
    skip: int | None,
    list_them: bool,
    as_json: bool,
) -> None:
    """Say why, for the story that grows.

    A story takes reasons from you alone: from the bodies of your commit messages, a `Story:`
    trailer in them, your answers to its questions, and such notes. It asks three at most about a
    span, which `copydesk story` and `copydesk review` show; none needs an answer.
    """
    if list_them:
        _list_questions(as_json)
        return
    if skip is not None:
        _skip(skip, as_json)
        return
    if not text.strip():
        raise CopydeskError(
            "the note is empty",
            slug="empty-note",
            hint='copydesk note "Saves grew to 40 MB after an hour."',
        )
    with open_current_desk(create=True) as (repo, db):
        if answer is None:
            identity = db.stories.add_note(text.strip(), subject=subject)
        else:
            identity = question_of(db, answer).id
            db.stories.answer(identity, text.strip())
        draft = tell(repo, db, None)
    if as_json:
        echo_json({"note": identity, "story": None if draft is None else draft.id})
    else:
        where = "waits for the next story" if draft is None else f"is in story {draft.id}"
        echo(f"The note {where}.")


def question_of(db: Database, identity: int) -> StoryNote:
    """A question by its number.

    Raises:
        CopydeskError: There is none.
    """
    note = db.stories.note(identity)
    if note is None or not note.question:
        raise CopydeskError(
            f"there is no question {identity}",
            slug="no-question",
            hint="`copydesk note --questions` lists those that wait.",
        )
    return note


def _skip(identity: int, as_json: bool) -> None:
    with open_current_desk(create=True) as (_, db):
        db.stories.answer(question_of(db, identity).id, "")
    if as_json:
        echo_json({"note": identity, "state": "skipped"})
    else:
        echo(f"Question {identity} is not asked again.")


def _list_questions(as_json: bool) -> None:
    with open_current_desk(create=True) as (_, db):
        waiting = [note for note in db.stories.notes() if note.state == "asked"]
    if as_json:
        echo_json(
            [{"id": note.id, "about": note.subject, "question": note.question} for note in waiting]
        )
    elif not waiting:
        echo("Nothing is asked.")
    else:
        show_questions([(note.id, note.question) for note in waiting])


def show_questions(questions: Sequence[tuple[int, str]]) -> None:
    """Print questions with the command that answers each."""
    for identity, question in questions:
        echo(f"{identity}: {question}")
    if questions:
        echo(f'`copydesk note --answer {questions[0][0]} "..."` answers; nothing needs an answer.')
