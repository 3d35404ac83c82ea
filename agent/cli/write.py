"""`copydesk draft`, `story` and `export`: writing now, in the foreground."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from copydesk.agent import config
from copydesk.agent.cli.common import (
    desk,
    echo,
    echo_json,
    examples,
    id_argument,
    json_option,
    say,
)
from copydesk.agent.cli.measure import measured
from copydesk.agent.cli.progress import ModelProgress
from copydesk.agent.cli.show import spinner
from copydesk.agent.cli.words import goal, short, verdict
from copydesk.agent.coverage.source import MODULE
from copydesk.agent.coverage.store import gaps as gap_rows
from copydesk.agent.daemon.steps import gaps_to_draft
from copydesk.agent.desk import drafts as rows
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git import repository as git
from copydesk.agent.records import Draft, Gap
from copydesk.agent.stories.write_story import write_story
from copydesk.agent.testgen.pipeline import reach_model, write_drafts
from copydesk.agent.text import plural

CHANNELS = ("devlog",)


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
    with desk() as (repo, db):
        sha = measured(repo, db, revision)
        found = gap_rows.load(db, sha)
        if names:
            wanted = [gap for name in names for gap in _named(name, found)]
        else:
            limit = None if everything else config.load(repo, sha).project.drafts_per_commit
            wanted = gaps_to_draft(repo, db, sha, limit)
        made: list[Draft] = []
        if wanted:
            doing = f"drafting tests for {plural(len(wanted), 'gap')}"
            with spinner(doing) as update:
                told = ModelProgress(doing, update)
                made = write_drafts(
                    repo, db, sha, wanted, say=say, progress=told, again=bool(names)
                )
    if as_json:
        echo_json([rows.as_json(one) for one in made])
    elif not wanted and any(gap.function != MODULE for gap in found):
        echo(
            f"Every gap of {short(sha)} has its draft, your word on it, or no input that reaches it"
            " as things are.\n`copydesk drafts --all` lists them; `copydesk draft GAP` tries again."
        )
    elif not wanted:
        echo(f"{short(sha)} has no gap in a function; there is nothing to draft.")
    else:
        _tell(made, wanted)


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
    found = [gap for gap in gaps if name in (gap.path, f"{gap.path}::{gap.function}")]
    if not found:
        raise CopydeskError(
            f"{name} is no gap of this commit",
            slug="no-such-gap",
            hint="`copydesk gaps` lists them; covered functions need no draft, and a change that is"
            " only staged has to be committed first (`git commit --no-verify`).",
        )
    return found


def _tell(made: Sequence[Draft], wanted: Sequence[Gap]) -> None:
    for one in made:
        echo(f"{one.id}: {goal(one)}: {verdict(one)}")
    if made:
        echo(f"{plural(len(made), 'draft')} for {plural(len(wanted), 'gap')}; `copydesk review`")
    else:
        echo("No draft passed its check; `copydesk drafts --all` says why.")


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
    with desk() as (repo, db):
        shas = git.between(repo, revisions)
        if not shas:
            raise CopydeskError(
                f"there is no commit in {revisions}",
                slug="empty-range",
                hint="A..B is what B has and A has not; `git log A..B` lists it.",
            )
        doing = f"writing about {plural(len(shas), 'commit')}"
        with spinner(doing) as update:
            told = ModelProgress(doing, update)
            settings = config.load(repo, shas[-1])
            client = reach_model(settings, db, say, prose=True, progress=told)
            made = write_story(repo, db, shas, say=say, client=client)
    if as_json:
        echo_json(rows.as_json(made))
        return
    echo(f"{made.id}: {goal(made)}: {verdict(made)}")
    echo(f"`copydesk show {made.id}` shows it, `copydesk accept {made.id}` puts it in the outbox.")


@click.command(
    epilog=examples("copydesk export 5 --to devlog", "copydesk export 5 --to devlog -o entry.md")
)
@id_argument
@click.option("--to", "channel", type=click.Choice(CHANNELS), required=True, help="The channel.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write it there instead of standard output.",
)
def export(identity: int, channel: str, output: Path | None) -> None:
    """Write a story for a channel.

    devlog is Markdown. Nothing is sent anywhere.
    """
    with desk() as (_, db):
        found = rows.get(db, identity)
    if found.kind != channel:
        raise CopydeskError(
            f"draft {identity} is a {found.kind}, not a story",
            slug="not-a-story",
            hint="`copydesk drafts --all --kind devlog` lists the stories.",
        )
    if output is not None:
        output.write_text(found.content, encoding="utf-8")
        echo(f"Wrote {output}")
    elif sys.stdout.isatty():
        echo(found.content.rstrip("\n"))
    else:
        click.echo(found.content, nl=False)  # a file gets the very characters
