"""Sending the parts of a story one after the other, each at most once.

Before a part leaves, the desk notes that it is about to; when the answer is here, what it was. A
part that was begun and has no answer may have arrived, so it is never sent again by itself: the
user looks, and says which it was. Discord would drop a repetition by its nonce only for bots;
webhooks have none in its documentation.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.publishing import PlannedPart, SentPart
from copydesk.agent.errors import CopydeskError
from copydesk.agent.progress import Progress
from copydesk.agent.records import Json
from copydesk.agent.stories.channels.discord_thread import ThreadPart
from copydesk.agent.stories.sending.discord_calls import Arrived, DiscordCalls, NotSent, Refused
from copydesk.hooks import failpoints

CHANNEL = "discord"
LONGEST_WAIT = 120.0
"""Seconds. Where Discord asks for more, the command ends instead."""
_TRIES = 5
_FORUM_NEEDS_NAME, _TEXT_TAKES_NONE = 220001, 220003
_LINK = re.compile(r"https://(?:\w+\.)?discord(?:app)?\.com/channels/(?:\d+|@me)/(\d+)/(\d+)")


@dataclass(frozen=True, slots=True)
class Sender:
    """What sends: the desk, the story's draft, the calls, and how to wait and to say things."""

    db: Database
    draft_id: int
    calls: DiscordCalls
    say: Progress
    sleep: Callable[[float], None] = time.sleep


class MessagePlace(NamedTuple):
    """Where a message is; `thread_id` is "" where only its own id is known."""

    thread_id: str
    message_id: str


def current_parts(db: Database, draft_id: int) -> list[SentPart]:
    """The parts of a story that were planned last, with what became of each."""
    return db.sent_parts.last_round(draft_id, CHANNEL)


def is_sent(parts: Sequence[SentPart]) -> bool:
    """Whether all parts of a round have arrived."""
    return bool(parts) and all(part.state == "sent" for part in parts)


def plan(db: Database, draft_id: int, thread: Sequence[ThreadPart], *, again: bool) -> None:
    """Plan the parts of a story, unless some of those planned before are on their way already.

    Args:
        db: The desk.
        draft_id: The story's draft.
        thread: Its parts.
        again: Begin anew even if all of it, or some, was sent.

    Raises:
        CopydeskError: All of it was sent.
    """
    parts = current_parts(db, draft_id)
    if parts and not again:
        if is_sent(parts):
            raise CopydeskError(
                f"draft {draft_id} was sent to Discord on {parts[-1].sent_at[:10]}",
                slug="already-sent",
                hint="`--again` sends all of it once more.",
            )
        if any(part.state != "planned" for part in parts):
            return  # what is on its way goes on as it began, whatever became of the story
    rows = [PlannedPart(p.kind, p.payload, p.picture.png if p.picture else None) for p in thread]
    db.sent_parts.plan(draft_id, CHANNEL, rows)


def send_parts(sender: Sender) -> list[SentPart]:
    """Send what is missing of the parts that are planned.

    Returns:
        All parts, each of which has arrived.

    Raises:
        CopydeskError: A part was refused, there is no connection, or it is not known whether a
            part has arrived. What arrived before is kept.
    """
    parts = current_parts(sender.db, sender.draft_id)
    for part in parts:
        if part.state == "sending":
            raise _unknown(sender.draft_id, part, len(parts), "its answer was never read")
    for part in parts:
        if part.state == "planned":
            _send(sender, part, len(parts))
    return current_parts(sender.db, sender.draft_id)


def _send(sender: Sender, part: SentPart, total: int) -> None:
    thread_id = _thread(sender)
    for _ in range(_TRIES):
        if not sender.db.sent_parts.begin(part):
            raise _unknown(sender.draft_id, part, total, "another `copydesk send` is at it")
        failpoints.failpoint("send.begun")
        answer = sender.calls.post(part, thread_id)
        failpoints.failpoint("send.answered")
        if isinstance(answer, Arrived):
            sender.db.sent_parts.sent(
                part, thread_id=answer.thread_id, message_id=answer.message_id
            )
            sender.say(f"part {part.number} of {total} ({part.kind}) is there")
            if part.number < total:
                sender.sleep(min(answer.pause, LONGEST_WAIT))
            return
        if isinstance(answer, Refused):
            sender.db.sent_parts.not_sent(part)
            raise _refused(part, total, answer)
        if not isinstance(answer, NotSent):
            raise _unknown(sender.draft_id, part, total, answer.why)
        sender.db.sent_parts.not_sent(part)
        _wait(sender, part, answer)
    raise _try_later(sender.draft_id, part, "Discord asked to wait again and again")


def _wait(sender: Sender, part: SentPart, answer: NotSent) -> None:
    if not answer.retry_after:
        raise _try_later(sender.draft_id, part, answer.why)
    if answer.retry_after > LONGEST_WAIT:
        why = f"Discord asks to wait for {answer.retry_after:.0f} seconds"
        raise _try_later(sender.draft_id, part, why)
    sender.say(f"Discord asks to wait for {answer.retry_after:g} seconds")
    sender.sleep(answer.retry_after)


def _thread(sender: Sender) -> str:
    """The thread that the parts go to: where the first one is, if that opened one."""
    first = current_parts(sender.db, sender.draft_id)[0]
    opens_thread = "thread_name" in first.payload
    return first.thread_id if opens_thread and first.state == "sent" else ""


def part_in_doubt(db: Database, draft_id: int) -> SentPart:
    """The part of which it is not known whether it has arrived.

    Raises:
        CopydeskError: There is none.
    """
    for part in current_parts(db, draft_id):
        if part.state == "sending":
            return part
    raise CopydeskError(
        f"no part of draft {draft_id} is in doubt",
        slug="nothing-in-doubt",
        hint=f"`copydesk send {draft_id} --to discord` shows how far it got.",
    )


def did_not_arrive(db: Database, draft_id: int) -> None:
    """The user looked: the part in doubt is not there, and is to be sent."""
    db.sent_parts.not_sent(part_in_doubt(db, draft_id))


def parse_place(text: str) -> MessagePlace:
    """Where a message is, by its link (`Copy Message Link`) or its bare id.

    Raises:
        CopydeskError: It is neither.
    """
    if match := _LINK.fullmatch(text.strip()):
        return MessagePlace(match[1], match[2])
    if re.fullmatch(r"\d{1,20}", text.strip(), re.ASCII):
        return MessagePlace("", text.strip())
    raise CopydeskError(
        f"{text[:80]!r} is neither the link nor the id of a message",
        slug="no-such-message",
        hint="In Discord: the message's menu, Copy Message Link.",
    )


def did_arrive(sender: Sender, place: MessagePlace) -> None:
    """The user looked: the part in doubt is there. It is asked for, and compared.

    Raises:
        CopydeskError: The webhook has no such message, or it says something else.
    """
    part = part_in_doubt(sender.db, sender.draft_id)
    opens_thread = "thread_name" in part.payload
    # a forum's thread has the id of its first message
    thread_id = place.thread_id or (place.message_id if opens_thread else _thread(sender))
    in_thread = opens_thread or bool(_thread(sender))
    try:
        message = sender.calls.message(place.message_id, thread_id if in_thread else "")
    except ConnectionError as error:
        raise CopydeskError(
            f"Discord did not say whether that message is there: {error}",
            slug="send-in-doubt",
            hint="Run the same command again.",
        ) from None
    if message is None or not _says(message, part.payload):
        what = "is not there" if message is None else "says something else"
        raise CopydeskError(
            f"the message {what}, so it is not part {part.number} of the story",
            slug="no-such-message",
            hint=f"The part is a {part.kind}; `copydesk send {sender.draft_id} --to discord` shows"
            " it.",
        )
    channel = str(message.get("channel_id") or thread_id)
    sender.db.sent_parts.sent(part, thread_id=channel, message_id=place.message_id)


def _says(message: Json, payload: Json) -> bool:
    """Whether a message is what a payload makes: its text, its poll and its files."""
    poll = (message.get("poll") or {}).get("question", {}).get("text", "")
    files = [file.get("filename") for file in message.get("attachments") or ()]
    wanted_poll = payload.get("poll", {}).get("question", {}).get("text", "")
    wanted_files = [file["filename"] for file in payload.get("attachments", ())]
    texts = str(message.get("content", "")).strip(), payload.get("content", "").strip()
    return texts[0] == texts[1] and poll == wanted_poll and files == wanted_files


def _unknown(draft_id: int, part: SentPart, total: int, why: str) -> CopydeskError:
    command = f"copydesk send {draft_id} --to discord --yes"
    return CopydeskError(
        f"part {part.number} of {total} ({part.kind}) may have arrived or not: {why}",
        slug="send-in-doubt",
        hint=f"Look in the channel. If it is there: `{command} --sent LINK` with its message link;"
        f" if it is not: `{command} --resend`.",
    )


def _try_later(draft_id: int, part: SentPart, why: str) -> CopydeskError:
    return CopydeskError(
        f"part {part.number} ({part.kind}) was not sent: {why}",
        slug="not-sent",
        hint=f"`copydesk send {draft_id} --to discord --yes` goes on from there.",
    )


_REFUSALS = {
    401: "Discord does not accept the webhook's token",
    403: "the webhook may not post there",
    404: "the webhook is gone",
}
_KINDS = {
    _FORUM_NEEDS_NAME: "The webhook is a forum's: `git config copydesk.discordChannel forum`.",
    _TEXT_TAKES_NONE: "The webhook is a text channel's: `git config copydesk.discordChannel text`.",
}


def _refused(part: SentPart, total: int, answer: Refused) -> CopydeskError:
    reason = _REFUSALS.get(answer.status, f"status {answer.status}")
    hint = "Nothing more was sent. Mend it; the same command goes on from there."
    if answer.code in _KINDS:
        hint = _KINDS[answer.code]
    return CopydeskError(
        f"part {part.number} of {total} ({part.kind}) was refused: {reason} ({answer.why})",
        slug="send-refused",
        hint=hint,
    )
