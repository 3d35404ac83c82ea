"""`copydesk feedback inbox` and `pull`: where feedback comes in without a file named by hand."""

from __future__ import annotations

import click

from copydesk.agent.cli import terminal as screen
from copydesk.agent.cli.current_desk import open_current_desk
from copydesk.agent.cli.feedback_output import iso_time, print_file
from copydesk.agent.cli.options import examples, json_option
from copydesk.agent.cli.output import echo, echo_json
from copydesk.agent.text import clean, one_line, plural


@click.command(epilog=examples("copydesk feedback inbox", "copydesk feedback inbox --json"))
@json_option
def inbox(as_json: bool) -> None:
    """Import what lies in the inboxes, and list what came of their files.

    The desk has an inbox of its own, `.git/copydesk/inbox/`; `git config copydesk.inbox` names
    more. The daemon imports what is dropped there while it lives.
    """
    from copydesk.agent import config
    from copydesk.agent.community.inbox import import_waiting
    from copydesk.agent.community.inbox_folders import inbox_folders
    from copydesk.agent.community.label_messages import label_messages

    with open_current_desk(create=True) as (repo, db), screen.spinner("importing") as update:
        folders = inbox_folders(repo.desk, config.load_personal(repo)[0].inbox)
        imported = list(import_waiting(db, folders, update))
        label_messages(db, update)
        files = list(db.feedback_state.files().values())
    if as_json:
        echo_json(
            {
                "folders": [str(folder) for folder in folders],
                "files": [{**file._asdict(), "at": iso_time(file.at)} for file in files],
            }
        )
        return
    for one in imported:
        print_file(one)
    refused = [file for file in files if file.state == "refused"]
    for file in refused:
        echo(f"set aside: {clean(file.path, keep='')}: {one_line(file.reason, 400)}")
    where = ", ".join(clean(str(folder), keep="") for folder in folders)
    echo(f"{plural(len(files), 'file')} seen in {where}.")


@click.command(
    epilog=examples(
        "copydesk feedback pull discord 1043912345678901234",
        "copydesk feedback pull github owner/name",
        "copydesk feedback pull github --json",
    )
)
@click.argument("service", type=click.Choice(["discord", "github"]))
@click.argument("places", nargs=-1)
@json_option
def pull(service: str, places: tuple[str, ...], as_json: bool) -> None:
    """Read what is new in channels of Discord or repositories on GitHub.

    PLACES are the ids of channels, forums or threads, or repositories as owner/name; without any,
    those of `git config copydesk.discordChannels` or `copydesk.githubRepositories`. It opens a
    connection to discord.com or api.github.com, with your token, and only reads. Exit code 1 when
    a place could not be read to its end.
    """
    from copydesk.agent.community.label_messages import label_messages
    from copydesk.agent.community.pull import DISCORD, GITHUB, PullOptions
    from copydesk.agent.community.pull import pull as pull_places

    host = DISCORD if service == "discord" else GITHUB
    with open_current_desk(create=True) as (repo, db), screen.spinner("reading") as update:
        pulled = pull_places(db, repo, host, PullOptions(places, update))
        label_messages(db, update)
    if as_json:
        echo_json([one._asdict() for one in pulled])
    for one in [] if as_json else pulled:
        place = clean(one.place, keep="")
        echo(f"{place}: {one.new:,} new, {one.changed:,} changed")
        if one.unreadable:
            click.echo(f"  {plural(one.unreadable, 'record')} could not be read", err=True)
        if one.problem:
            click.echo(f"  not read to its end: {one_line(one.problem, 300)}", err=True)
    if any(one.problem for one in pulled):
        raise click.exceptions.Exit(1)
