"""`copydesk story`: a dev log entry, written now."""

from __future__ import annotations

import click

from copydesk.agent import config
from copydesk.agent.cli.current_desk import open_current_desk
from copydesk.agent.cli.formatting import draft_subject, evidence_summary
from copydesk.agent.cli.model_progress import ModelProgress
from copydesk.agent.cli.options import examples, json_option
from copydesk.agent.cli.output import echo, echo_json, print_progress
from copydesk.agent.cli.terminal import spinner
from copydesk.agent.desk.drafts import draft_as_json
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git
from copydesk.agent.stories.write_story import write_story
from copydesk.agent.testgen.pipeline import reach_model
from copydesk.agent.text import plural


@click.command(
    epilog=examples("copydesk story", "copydesk story --range v1.0..HEAD", "copydesk story --json")
)
@click.option(
    "--range",
    "revisions",
    metavar="A..B",
    default="HEAD",
    help="The commits it is about; the last one when left out.",
)
@json_option
def story(revisions: str, as_json: bool) -> None:
    """Draft a dev log entry now, in the foreground.

    Every sentence rests on facts of the commits, their tests and their coverage, and is checked
    against them. A local model words it where one answers; else it is plain.
    """
    with open_current_desk(create=True) as (repo, db):
        shas = git.between(repo, revisions)
        if not shas:
            raise CopydeskError(
                f"there is no commit in {revisions}",
                slug="empty-range",
                hint="A..B is what B has and A has not; `git log A..B` lists it.",
            )
        doing = f"writing about {plural(len(shas), 'commit')}"
        with spinner(doing) as update:
            model_progress = ModelProgress(doing, update)
            settings = config.load(repo, shas[-1])
            client = reach_model(settings, db, print_progress, prose=True, progress=model_progress)
            draft = write_story(repo, db, shas, say=print_progress, client=client)
        if len(shas) == 1:
            db.jobs.done_by_hand("story", shas[0])
    if as_json:
        echo_json(draft_as_json(draft))
        return
    echo(f"{draft.id}: {draft_subject(draft)}: {evidence_summary(draft)}")
    echo(
        f"`copydesk show {draft.id}` shows it, `copydesk accept {draft.id}` puts it in the outbox."
    )
