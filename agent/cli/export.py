"""`copydesk export`: a story as a channel wants it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from copydesk.agent.cli.current_desk import open_current_desk
from copydesk.agent.cli.options import examples, id_argument
from copydesk.agent.cli.output import echo, write_file
from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError
from copydesk.agent.examples import verify_examples
from copydesk.agent.stories.channels.sites import SITES
from copydesk.agent.stories.publish import CHANNELS, Publication, channel_text, publication
from copydesk.agent.stories.site_folder import find_site, site_files, write_site_files


@click.command(
    epilog=examples(
        "copydesk export 5 --to devlog",
        "copydesk export 5 --to changelog -o section.md",
        "copydesk export 5 --to hugo --into ../blog --draft",
    )
)
@id_argument
@click.option("--to", "channel", type=click.Choice(CHANNELS), required=True, help="The channel.")
@click.option(
    "--into",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Write the post and its pictures into this site (hugo, jekyll, astro, zola).",
)
@click.option("--draft", is_flag=True, help="Mark the post as a draft.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write it there instead of standard output.",
)
def export(
    identity: int, channel: str, into: Path | None, draft: bool, output: Path | None
) -> None:
    """Write a story for a channel.

    A dev log, a post of a site generator, a section of a changelog, the body of a release, or what
    `copydesk send` would post to Discord. Sentences that the story's facts do not hold stop it
    until you accepted them. Nothing is sent or committed, and no file is written over that was
    changed since copydesk wrote it.
    """
    if channel not in SITES and (into is not None or draft):
        raise click.UsageError(f"--into and --draft are for {', '.join(SITES)}.")
    if into is not None and output is not None:
        raise click.UsageError("Either --into or --output.")
    with open_current_desk() as (repo, db):
        if channel == "devlog" and db.stories.of_draft(identity) is None:
            text = _single_entry(db, identity)
        else:
            verify_examples(repo, db, identity)
            story = publication(repo, db, identity, draft=draft)
            if into is not None:
                _into_site(db, channel, into, story)
                return
            text = channel_text(channel, story)
    if output is not None:
        write_file(output, text)
        echo(f"Wrote {output}")
    elif sys.stdout.isatty():
        echo(text.rstrip("\n"))
    else:
        click.echo(text, nl=False)  # a file gets the very characters


def _single_entry(db: Database, identity: int) -> str:
    """The text of a dev log entry from before stories had spans.

    Raises:
        CopydeskError: The draft is none.
    """
    draft = db.drafts.get(identity)
    if draft.kind != "devlog":
        raise CopydeskError(
            f"draft {identity} is a {draft.kind}, not a story",
            slug="not-a-story",
            hint="`copydesk drafts --all --kind devlog` lists the stories.",
        )
    return draft.content


def _into_site(db: Database, channel: str, into: Path, story: Publication) -> None:
    site = find_site(channel, into)
    files = site_files(channel, site, story)
    before = db.exported_files.of_draft(story.draft_id, channel)
    written = write_site_files(db, story.draft_id, channel, files)
    for path in written:
        echo(f"Wrote {path}")
    if not written:
        echo(f"Nothing to write: {next(iter(files))} is as it should be.")
    if story.story.tags and not site.tags:
        echo("This site has no tags for posts, so they were left out.")
    if channel == "astro" and not site.custom:
        echo("The schema of this site takes no other keys, so feedback cannot be joined to it.")
    for old in sorted(set(before) - set(map(str, files))):
        if Path(old).exists():
            echo(f"Written for this story before, and still there: {old}")
