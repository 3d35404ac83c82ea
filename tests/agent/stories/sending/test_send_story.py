"""A story reaches a channel whole, in order, and once, whatever breaks on the way."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from types import ModuleType
from typing import Any

import httpx
import pytest

from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError
from copydesk.agent.records import Story
from copydesk.agent.stories.channels.discord_thread import ThreadOptions, build_thread
from copydesk.agent.stories.sending.discord_calls import DiscordCalls, discord_calls
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
from copydesk.agent.stories.sending.webhook import Webhook, parse_webhook

AddDraft = Callable[..., int]
KINDS = ["hook", "part", "part", "picture", "question", "poll"]


def webhook_of(module: ModuleType) -> Webhook:
    return parse_webhook(f"https://discord.com{module.PATH}")


class Desk:
    """A story that is being sent to a server without a socket."""

    def __init__(self, db: Database, draft_id: int, server: Any, module: ModuleType) -> None:
        self.server = server
        self.waits: list[float] = []
        self.words: list[str] = []
        client = httpx.Client(transport=server.transport(), trust_env=False)
        calls = DiscordCalls(webhook_of(module), client)
        self.sender = Sender(db, draft_id, calls, self.words.append, self.waits.append)


@pytest.fixture
def desk(db: Database, add_draft: AddDraft, discord_server: ModuleType, story: Story) -> Desk:
    """A story that is planned for a forum."""
    made = Desk(db, add_draft(), discord_server.DiscordServer(), discord_server)
    plan(db, made.sender.draft_id, build_thread(story, ThreadOptions()), again=False)
    return made


def refused(desk: Desk) -> str:
    with pytest.raises(CopydeskError) as caught:
        send_parts(desk.sender)
    assert caught.value.hint
    return caught.value.slug


def test_a_thread_is_sent_over_the_wire(
    db: Database, add_draft: AddDraft, discord_server: ModuleType, story: Story
) -> None:
    server = discord_server.DiscordServer(faults=["429"], retry_after=0.01)
    draft_id = add_draft()
    plan(db, draft_id, build_thread(story, ThreadOptions()), again=False)
    waits: list[float] = []
    with server.serve() as address, discord_calls(parse_webhook(address)) as calls:
        parts = send_parts(Sender(db, draft_id, calls, lambda line: None, waits.append))
    assert [part.kind for part in parts] == KINDS
    thread = server.messages[0]["id"]
    assert server.threads == {thread: "A week"}
    assert {message["channel_id"] for message in server.messages} == {thread}
    assert [part.message_id for part in parts] == [m["id"] for m in server.messages]
    assert {part.thread_id for part in parts} == {thread}
    assert waits == [0.01, 0, 0, 0, 0, 0.5]  # 429 by its body; then the last call of a bucket
    targets = [target for _, target, _ in server.requests]
    assert all("wait=true" in target for target in targets)
    assert ["thread_id" in target for target in targets] == [False, False] + [True] * 5
    for _, _, payload in server.requests:
        assert payload["allowed_mentions"] == {"parse": []}
    (file,) = server.requests[4][2]["attachments"]
    assert file["bytes"] == b"\x89PNG"
    assert file["description"] == "Coverage rose."
    assert db.sent_parts.of_message("discord", thread) == (draft_id, parts[0])
    assert db.sent_parts.threads("discord") == [(draft_id, thread)]
    assert all(part.picture is None for part in parts)


def test_a_text_channel_gets_messages_without_a_thread(
    db: Database, add_draft: AddDraft, discord_server: ModuleType, story: Story
) -> None:
    made = Desk(db, add_draft(), discord_server.DiscordServer("text"), discord_server)
    thread = build_thread(story, ThreadOptions("text"))
    plan(db, made.sender.draft_id, thread, again=False)
    send_parts(made.sender)
    assert len(made.server.messages) == 6
    assert {m["channel_id"] for m in made.server.messages} == {"920000000000000000"}


def test_the_wrong_kind_of_channel_is_named_and_can_be_set_right(desk: Desk, story: Story) -> None:
    desk.server.channel = "text"
    with pytest.raises(CopydeskError, match="refused") as caught:
        send_parts(desk.sender)
    assert "discordChannel text" in caught.value.hint
    thread = build_thread(story, ThreadOptions("text"))
    plan(desk.sender.db, desk.sender.draft_id, thread, again=False)
    assert is_sent(send_parts(desk.sender))
    assert len(desk.server.messages) == 6


@pytest.mark.parametrize("status", ["401", "403", "404"])
def test_a_refusal_ends_it_and_the_next_run_goes_on(desk: Desk, status: str) -> None:
    desk.server.faults = ["", "", status]
    assert refused(desk) == "send-refused"
    assert len(desk.server.requests) == 3
    assert is_sent(send_parts(desk.sender))
    assert len(desk.server.messages) == 6


@pytest.mark.parametrize("fault", ["500", "502 after", "drop", "drop after"])
def test_what_is_in_doubt_is_not_sent_again_by_itself(desk: Desk, fault: str) -> None:
    desk.server.faults = ["", "", fault]
    assert refused(desk) == "send-in-doubt"
    assert refused(desk) == "send-in-doubt"
    assert len(desk.server.requests) == 3
    if fault.endswith("after"):
        place = parse_place(f"https://discord.com/channels/1/{desk.server.messages[0]['id']}/9")
        for wrong in (place, parse_place(desk.server.messages[1]["id"])):
            with pytest.raises(CopydeskError, match="not part 3"):
                did_arrive(desk.sender, wrong)
        did_arrive(desk.sender, parse_place(desk.server.messages[2]["id"]))
    else:
        did_not_arrive(desk.sender.db, desk.sender.draft_id)
    assert is_sent(send_parts(desk.sender))
    assert len(desk.server.messages) == 6


def test_a_thread_whose_opening_was_in_doubt_is_found_by_its_link(desk: Desk) -> None:
    desk.server.faults = ["drop after"]
    assert refused(desk) == "send-in-doubt"
    thread = desk.server.messages[0]["id"]
    did_arrive(desk.sender, parse_place(f"https://discord.com/channels/5/{thread}/{thread}"))
    assert is_sent(send_parts(desk.sender))
    assert {m["channel_id"] for m in desk.server.messages} == {thread}


def test_no_connection_and_a_long_wait_are_no_doubt(desk: Desk) -> None:
    desk.server.faults = ["away"]
    assert refused(desk) == "not-sent"
    desk.server.faults, desk.server.retry_after = ["429"], 3600
    assert refused(desk) == "not-sent"
    assert not desk.waits
    desk.server.faults, desk.server.retry_after = ["429"] * 9, 0.1
    assert refused(desk) == "not-sent"
    assert len(desk.waits) == 5
    desk.server.faults = []
    assert is_sent(send_parts(desk.sender))


def test_another_process_that_sends_the_same_part_is_noticed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(desk.sender.db.sent_parts), "begin", lambda *_: False)
    assert refused(desk) == "send-in-doubt"
    assert not desk.server.requests


def test_what_was_sent_is_sent_again_only_on_demand(desk: Desk, story: Story) -> None:
    send_parts(desk.sender)
    db, draft_id = desk.sender.db, desk.sender.draft_id
    thread = build_thread(story, ThreadOptions())
    with pytest.raises(CopydeskError) as caught:
        plan(db, draft_id, thread, again=False)
    assert caught.value.slug == "already-sent"
    plan(db, draft_id, thread, again=True)
    assert [part.state for part in current_parts(db, draft_id)] == ["planned"] * 6
    send_parts(desk.sender)
    assert len(desk.server.messages) == 12


def test_a_story_that_was_begun_goes_on_as_it_was_planned(desk: Desk, bare: Story) -> None:
    desk.server.faults = ["", "404"]
    refused(desk)
    db, draft_id = desk.sender.db, desk.sender.draft_id
    plan(db, draft_id, build_thread(bare, ThreadOptions()), again=False)
    assert [part.kind for part in current_parts(db, draft_id)] == KINDS


@pytest.fixture
def bare() -> Story:
    """A story with nothing but a title."""
    return Story("Other", "", (), "template")


@pytest.mark.parametrize("text", ["x", "https://example.com/channels/1/2/3", ""])
def test_what_is_no_message_is_refused(text: str) -> None:
    with pytest.raises(CopydeskError) as caught:
        parse_place(text)
    assert caught.value.slug == "no-such-message"


def test_a_server_that_does_not_say_whether_a_message_is_there_leaves_the_doubt(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.server.faults = ["drop after"]
    assert refused(desk) == "send-in-doubt"

    def away(*_: object) -> None:
        raise ConnectionError("status 503")

    monkeypatch.setattr(DiscordCalls, "message", away)
    with pytest.raises(CopydeskError, match="did not say") as caught:
        did_arrive(desk.sender, parse_place("910000000000000000"))
    assert caught.value.slug == "send-in-doubt"
    assert current_parts(desk.sender.db, desk.sender.draft_id)[0].state == "sending"


def test_nothing_in_doubt_is_said(desk: Desk) -> None:
    with pytest.raises(CopydeskError) as caught:
        did_not_arrive(desk.sender.db, desk.sender.draft_id)
    assert caught.value.slug == "nothing-in-doubt"


def test_no_log_and_no_value_shows_the_token(
    desk: Desk, discord_server: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = discord_server.DiscordServer()
    with server.serve() as address, discord_calls(parse_webhook(address)) as calls:
        send_parts(Sender(desk.sender.db, desk.sender.draft_id, calls, print, desk.waits.append))
    token = discord_server.TOKEN
    assert len(server.messages) == 6
    assert token not in caplog.text
    webhook = webhook_of(discord_server)
    assert token not in repr(webhook) + webhook.shown + str(webhook)


FAULTS = [
    "429",
    "401",
    "404",
    "500",
    "502 after",
    "drop",
    "drop after",
    "away",
    "killed",
    "killed after",
]


class Killed(BaseException):
    """The process ends."""


class Mortal(DiscordCalls):
    """Calls during which the process may end: before a request leaves, or before its answer."""

    def __init__(self, calls: DiscordCalls, server: Any) -> None:
        self._calls, self._server = calls, server

    def post(self, *args: Any) -> Any:
        fault = self._server.faults[0] if self._server.faults else ""
        if fault == "killed":
            self._server.faults.pop(0)
            raise Killed
        if fault == "killed after":
            self._server.faults[0] = ""
            self._calls.post(*args)
            raise Killed
        return self._calls.post(*args)

    def message(self, *args: Any) -> Any:
        return self._calls.message(*args)


def settle(desk: Desk, sender: Sender) -> None:
    """Do what a user does: look into the channel, and say whether the part is there."""
    parts = current_parts(sender.db, sender.draft_id)
    settled = [part for part in parts if part.state == "sent"]
    if len(desk.server.messages) > len(settled):
        did_arrive(sender, parse_place(desk.server.messages[-1]["id"]))
    else:
        did_not_arrive(sender.db, sender.draft_id)


@pytest.mark.parametrize("schedules", [30, pytest.param(500, marks=pytest.mark.slow)])
def test_no_schedule_of_faults_sends_a_part_twice_or_leaves_one_out(
    db: Database, add_draft: AddDraft, discord_server: ModuleType, story: Story, schedules: int
) -> None:
    choices = random.Random(16)
    thread = build_thread(story, ThreadOptions())
    db.execute("PRAGMA synchronous=OFF")  # the machine stays on
    endings: dict[str, int] = {}
    for number in range(schedules):
        desk = Desk(db, add_draft(f"{number:040x}"), discord_server.DiscordServer(), discord_server)
        sender = Sender(
            db,
            desk.sender.draft_id,
            Mortal(desk.sender.calls, desk.server),
            desk.words.append,
            desk.waits.append,
        )
        count = choices.randint(1, 8)
        desk.server.faults = [choices.choice([*FAULTS, "", ""]) for _ in range(count)]
        plan(db, sender.draft_id, thread, again=False)
        for _ in range(40):
            try:
                parts = send_parts(sender)
            except Killed:
                endings["killed"] = endings.get("killed", 0) + 1
                continue
            except CopydeskError as error:
                endings[error.slug] = endings.get(error.slug, 0) + 1
                if error.slug == "send-in-doubt":
                    settle(desk, sender)
                continue
            break
        assert is_sent(parts)
        messages = desk.server.messages
        assert [part.message_id for part in parts] == [message["id"] for message in messages]
        assert len(messages) == len(thread)
        for part, message in zip(thread, messages, strict=True):
            assert message["content"] == part.payload.get("content", "")
    assert endings.keys() == {"killed", "send-in-doubt", "send-refused", "not-sent"}
