"""`copydesk send`: an approved story, posted to Discord."""

from __future__ import annotations

import json

import click

from copydesk.agent.cli.current_desk import open_current_desk
from copydesk.agent.cli.options import examples, id_argument, json_option
from copydesk.agent.cli.output import echo, echo_json, print_progress
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.publishing import SentPart
from copydesk.agent.errors import CopydeskError
from copydesk.agent.examples import verify_examples
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Json
from copydesk.agent.stories.channels.discord_thread import ThreadPart, build_thread
from copydesk.agent.stories.publish import publication
from copydesk.agent.stories.sending.discord_calls import discord_calls
from copydesk.agent.stories.sending.send_story import (
    Sender,
    current_parts,
    did_arrive,
    did_not_arrive,
    is_sent,
    parse_place,
    plan,
    send_parts,
)
from copydesk.agent.stories.sending.webhook import find_webhook
from copydesk.agent.text import plural


@click.command(
    epilog=examples(
        "copydesk send 5 --to discord",
        "copydesk send 5 --to discord --yes",
        "copydesk send 5 --to discord --yes --sent https://discord.com/channels/1/2/3",
    )
)
@id_argument
@click.option("--to", "channel", type=click.Choice(("discord",)), required=True, help="Where to.")
@click.option("--yes", is_flag=True, help="Send it. Without this, what would be sent is shown.")
@click.option("--again", is_flag=True, help="Send all of it once more.")
@click.option("--sent", metavar="LINK", help="The part in doubt is there: its message link.")
@click.option("--resend", is_flag=True, help="The part in doubt is not there: send it.")
@json_option
def send(
    identity: int,
    channel: str,
    yes: bool,
    again: bool,
    sent: str | None,
    resend: bool,
    as_json: bool,
) -> None:
    """Post an approved story to Discord, through your webhook.

    Without --yes nothing is sent: what would be is shown. What broke off goes on at the part that
    is missing, and nothing is posted twice: where it is not certain that a part has arrived, you
    are asked to look. The webhook is `git config copydesk.discordWebhook` or
    $COPYDESK_DISCORD_WEBHOOK.
    """
    if (sent or resend) and (not yes or again or (sent and resend)):
        raise click.UsageError("--sent LINK or --resend goes with --yes, and without --again.")
    with open_current_desk() as (repo, db):
        thread = _approved_thread(repo, db, identity)
        if yes:
            plan(db, identity, thread, again=again)
            parts = _send(repo, db, identity, sent, resend)
            _mark_sent(db, identity)
            _show_sent(parts, as_json)
        else:
            _show_plan(db, identity, thread, again=again, as_json=as_json)


def _approved_thread(repo: Repository, db: Database, identity: int) -> tuple[ThreadPart, ...]:
    """The parts of a story that the editor approved.

    Raises:
        CopydeskError: It is no story, it is not approved, or red sentences of it are not accepted.
    """
    verify_examples(repo, db, identity)
    story = publication(repo, db, identity)
    if db.drafts.get(identity).state != "accepted":
        raise CopydeskError(
            f"draft {identity} waits for your decision, and nothing is sent before it",
            slug="not-approved",
            hint=f"`copydesk show {identity}` shows it, `copydesk accept {identity}` approves it.",
        )
    return build_thread(story.story, story.thread)


def _send(
    repo: Repository, db: Database, identity: int, sent: str | None, resend: bool
) -> list[SentPart]:
    webhook = find_webhook(repo)
    print_progress(f"sending to {webhook.shown}")
    with discord_calls(webhook) as calls:
        sender = Sender(db, identity, calls, print_progress)
        if sent is not None:
            did_arrive(sender, parse_place(sent))
        elif resend:
            did_not_arrive(db, identity)
        return send_parts(sender)


def _mark_sent(db: Database, identity: int) -> None:
    from dataclasses import replace

    from copydesk.agent.stories.stored_stories import load_story, save_story

    save_story(db, replace(load_story(db, identity), state="sent"))


def _show_sent(parts: list[SentPart], as_json: bool) -> None:
    if as_json:
        echo_json([_part_as_json(part) for part in parts])
        return
    echo(f"Sent: {plural(len(parts), 'part')}, message {parts[0].message_id} first.")


def _part_as_json(part: SentPart) -> Json:
    return {
        "number": part.number,
        "kind": part.kind,
        "state": part.state,
        "thread_id": part.thread_id,
        "message_id": part.message_id,
        "sent_at": part.sent_at,
        "body": part.payload,
    }


def _show_plan(
    db: Database, identity: int, thread: tuple[ThreadPart, ...], *, again: bool, as_json: bool
) -> None:
    """Show what `--yes` would send, to the character."""
    under_way = [] if again else current_parts(db, identity)
    if not any(part.state != "planned" for part in under_way):
        under_way = []
    rows = [_part_as_json(part) for part in under_way] or [
        {"number": n, "kind": p.kind, "state": "planned", "body": p.payload}
        for n, p in enumerate(thread, 1)
    ]
    if as_json:
        echo_json(rows)
        return
    for row in rows:
        echo(f"--- part {row['number']} of {len(rows)} ({row['kind']}), {row['state']}")
        echo(json.dumps(row["body"], indent=2, ensure_ascii=False))
    if is_sent(under_way):
        echo("All of it was sent; --again sends it once more.")
    else:
        echo(f"Nothing was sent. `copydesk send {identity} --to discord --yes` sends this.")
