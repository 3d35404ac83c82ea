"""`copydesk voice`: how the author writes, learnt from posts, shown and changed."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from copydesk.agent.cli.current_desk import open_current_desk
from copydesk.agent.cli.decisions import open_editor
from copydesk.agent.cli.options import examples, json_option
from copydesk.agent.cli.output import echo, echo_json, print_progress
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.voice import VoiceLine
from copydesk.agent.errors import CopydeskError
from copydesk.agent.stories.voice import from_toml, learn_voice, to_toml

_NOTHING = """\
Nothing was learnt yet. Two posts are enough:

    git config copydesk.posts ../blog/content/posts

Stories that you edited and accepted count, too."""


@click.command(epilog=examples("copydesk voice", "copydesk voice --edit", "copydesk voice --json"))
@click.option("--edit", is_flag=True, help="Change it in your editor.")
@click.option("--forget", is_flag=True, help="Delete all of it, what you chose too.")
@json_option
def voice(edit: bool, forget: bool, as_json: bool) -> None:
    """Show how you write, as learnt from your posts; change it.

    Each line comes with what it was learnt from.

    It is learnt anew each time, from the posts in the folder that `git config copydesk.posts`
    names and from the stories that you edited and accepted. Stories follow it: who did the work,
    greeting, sign-off, headings, emoji, tags and categories; a model is told the rest, and shown
    the two posts that are nearest. Nothing leaves your machine.
    """
    if forget and edit:
        raise click.UsageError("Only one of --edit and --forget.")
    with open_current_desk(create=True) as (repo, db):
        if forget:
            db.voice.forget()
            lines: dict[str, VoiceLine] = {}
        else:
            lines = learn_voice(repo, db)
        if edit:
            lines = _edited(db, lines)
    if as_json:
        echo_json({key: _as_json(line) for key, line in lines.items()})
    elif forget:
        echo("The voice is forgotten.")
    else:
        echo(to_toml(lines).rstrip("\n") if lines else _NOTHING)


def _as_json(line: VoiceLine) -> dict[str, object]:
    return {
        "value": line.value,
        "learnt": line.learnt,
        "evidence": line.evidence,
        "chosen": line.is_chosen,
    }


def _edited(db: Database, lines: dict[str, VoiceLine]) -> dict[str, VoiceLine]:
    """The lines as the author left them in the editor.

    Raises:
        CopydeskError: The editor did not work, or what it left cannot be read.
    """
    before = to_toml(lines)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "voice.toml")
        path.write_text(before, "utf-8")
        open_editor(path)
        after = path.read_text("utf-8")
    if after == before:
        print_progress("Nothing was changed.")
        return lines
    try:
        values = from_toml(after)
    except CopydeskError:
        print_progress(after.rstrip("\n"))  # what was typed is not lost
        raise
    db.voice.choose(values)
    return db.voice.all()
