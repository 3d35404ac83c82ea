"""`copydesk feedback inbox`: where feedback comes in by itself."""

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
