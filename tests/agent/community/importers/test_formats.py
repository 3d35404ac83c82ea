from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from copydesk.agent.community.importers import recognise
from copydesk.agent.community.message import Message, Poll, PollOption, Reaction


def read(path: Path) -> list[Message]:
    records = list(recognise(path).read(path))
    assert all(isinstance(record, Message) for record in records)
    return [record for record in records if isinstance(record, Message)]


def test_a_discord_thread_with_reactions_replies_and_a_closed_poll(data: Path) -> None:
    opening, question, reply, poll, result = read(data / "dce_forum_thread.json")
    assert opening.thread.title == "devlog / Save files stopped growing"
    assert opening.author.is_bot
    assert opening.reactions == (
        Reaction("🎉", 2, ("800000000000000002", "800000000000000003")),
        Reaction("lantern", 1, ("800000000000000003",)),
    )
    assert question.created_at == datetime(2026, 11, 18, 18, 20, 31, 500_000, UTC)
    assert question.as_of == datetime(2026, 11, 20, 9, 30, 0, 123_456, UTC)
    assert reply.parent_id == question.id
    assert poll.text == ""
    assert result.is_notice
    assert result.parent_id == poll.id
    winner = (PollOption("Autosave stutter", 7),)
    assert result.poll == Poll("What should I fix next?", winner, 11, closed=True, complete=False)


def test_a_discord_file_of_2023_is_as_old_as_its_newest_message(data: Path) -> None:
    (message,) = read(data / "dce_old_2023_shape.json")
    assert message.as_of == message.created_at
    assert message.reactions == (Reaction("thisisfine", 1),)


def test_votes_of_discords_api_are_whole(data: Path) -> None:
    (message,) = read(data / "discord_rest_message_with_poll.json")
    assert message.poll == Poll(
        "What should I fix next?",
        (PollOption("Fog of war", 4), PollOption("Autosave stutter", 7)),
        11,
        closed=True,
    )


def test_a_discussion_below_a_post(data: Path) -> None:
    opening, comment = read(data / "giscus_github_discussion.json")
    assert opening.reactions == (Reaction("❤️", 3),)
    assert comment.parent_id == opening.id
    assert comment.thread.title == "blog/save-files"
    assert [(one.emoji, one.count) for one in comment.reactions] == [("👍", 1), ("👀", 1), ("⬆️", 2)]


def test_comments_of_wordpress_come_without_mail_and_address(data: Path) -> None:
    (comment,) = read(data / "wordpress_wxr.xml")
    assert "ana@example.org" not in repr(comment)
    assert "192.0.2.1" not in repr(comment)
    assert comment.thread.url == "https://example.org/blog/save-files/"


def test_comments_of_disqus_are_plain_text_with_their_thread(data: Path) -> None:
    first, second = read(data / "disqus.xml")
    assert first.text == "Great write-up! Could you show the file format?"
    assert first.thread.title == "Save files stopped growing"
    assert second.parent_id == first.id


def test_a_table_with_semicolons_and_columns_in_another_order(tmp_path: Path) -> None:
    path = tmp_path / "comments.csv"
    path.write_text(
        'text;created_at;author\n"two\nlines; and more";2026-01-02 03:04;Ana\n', "utf-8-sig"
    )
    (comment,) = read(path)
    assert comment.text == "two\nlines; and more"
    assert comment.created_at == datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    assert comment.author.name == "Ana"
    assert len(comment.id) == 20
