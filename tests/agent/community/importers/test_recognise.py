from __future__ import annotations

import json
from pathlib import Path

import pytest

from copydesk.agent.community.importers import recognise
from copydesk.agent.community.importers.values import UnreadableError
from copydesk.agent.community.message import BadRecord, Message


@pytest.mark.parametrize(
    ("name", "format_", "count"),
    [
        ("comments.csv", "CSV", 2),
        ("dce_forum_thread.json", "DiscordChatExporter JSON", 5),
        ("dce_old_2023_shape.json", "DiscordChatExporter JSON", 1),
        ("discord_rest_message_with_poll.json", "Discord API messages", 1),
        ("disqus.xml", "Disqus export", 2),
        ("giscus_github_discussion.json", "GitHub JSON", 2),
        ("wordpress_wxr.xml", "WordPress export", 1),
    ],
)
def test_an_export_is_recognised_by_what_it_holds(
    data: Path, tmp_path: Path, name: str, format_: str, count: int
) -> None:
    renamed = tmp_path / "whatever.bin"
    renamed.write_bytes(b"\xef\xbb\xbf" + (data / name).read_bytes())
    export = recognise(renamed)
    assert export.format == format_
    assert [type(record) for record in export.read(renamed)] == [Message] * count


def test_comments_that_github_gave_before_it_had_node_ids_are_read(tmp_path: Path) -> None:
    path = tmp_path / "comments.json"
    path.write_text(
        '[{"url": "https://api.github.com/repos/o/r/issues/comments/7", "id": 7,'
        ' "html_url": "https://github.com/o/r/issues/2#issuecomment-7",'
        ' "issue_url": "https://api.github.com/repos/o/r/issues/2",'
        ' "created_at": "2013-03-08T23:37:20Z", "body": "same here", "user": {"login": "ana"}}]'
    )
    (message,) = recognise(path).read(path)
    assert isinstance(message, Message)
    assert message.text == "same here"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"just some words\n", "it is none of"),
        (b"{}", "none of"),
        (b'{"a": [1, 2]}', "none of"),
        (b"<html><body>Hello</body></html>", "neither of WordPress nor of Disqus"),
        ('{"guild": 1}'.encode("utf-16"), "it is none of"),
    ],
)
def test_what_is_no_export_is_refused_with_words(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(UnreadableError, match=reason):
        recognise(path)


def test_a_bad_record_is_named_and_the_rest_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    good = {"id": "1", "timestamp": "2026-01-02T03:04:05Z", "content": "a"}
    records = [good, {"id": "2"}, "text", {**good, "id": "3"}, {**good, "id": ""}]
    path.write_text(json.dumps({"messages": records}))
    read = list(recognise(path).read(path))
    assert [record.id for record in read if isinstance(record, Message)] == ["1", "3"]
    bad = [record for record in read if isinstance(record, BadRecord)]
    assert [record.place for record in bad] == ["message 2", "message 3", "message 5"]
    assert "time is unreadable" in bad[0].reason


def test_what_stands_before_the_damage_is_kept(data: Path, tmp_path: Path) -> None:
    for name, kept in (("dce_forum_thread.json", 4), ("disqus.xml", 1)):
        content = (data / name).read_bytes()
        path = tmp_path / name
        path.write_bytes(content[: int(len(content) * 0.9)])
        read = list(recognise(path).read(path))
        assert sum(isinstance(record, Message) for record in read) == kept
        assert isinstance(read[-1], BadRecord)
        assert "damaged" in read[-1].reason


def test_xml_that_declares_entities_is_not_expanded(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret")
    path = tmp_path / "export.xml"
    path.write_text(
        f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY e SYSTEM "file://{secret}">]>'
        '<disqus xmlns="http://disqus.com" xmlns:dsq="http://disqus.com/disqus-internals">'
        '<post dsq:id="1"><message>&e;</message><createdAt>2026-01-01T00:00:00Z</createdAt></post>'
        "</disqus>"
    )
    (record,) = recognise(path).read(path)
    assert isinstance(record, BadRecord)
    assert "entities" in record.reason


def test_several_answers_in_one_file_are_all_read(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "pages.json"
    page = (data / "giscus_github_discussion.json").read_text()
    path.write_text(page + "\n" + page)
    assert len(list(recognise(path).read(path))) == 4


def test_github_comments_issues_and_releases_of_rest_are_read(tmp_path: Path) -> None:
    path = tmp_path / "github.json"
    comment = {
        "id": 7,
        "node_id": "IC_1",
        "html_url": "https://github.com/a/b/issues/3#issuecomment-7",
        "user": {"login": "ana", "type": "User"},
        "author_association": "OWNER",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-02T00:00:00Z",
        "body": "Fixed in 2.1",
        "reactions": {"+1": 2, "-1": 0, "total_count": 2},
    }
    release = {
        "node_id": "RE_1",
        "html_url": "https://github.com/a/b/releases/tag/v2",
        "tag_name": "v2",
        "author": {"login": "bot[bot]", "type": "Bot"},
        "created_at": "2026-01-01T00:00:00Z",
        "body": None,
    }
    path.write_text(json.dumps([comment, release]))
    first, second = recognise(path).read(path)
    assert isinstance(first, Message)
    assert isinstance(second, Message)
    assert first.thread.id == "https://github.com/a/b/issues/3"
    assert first.author.is_owner
    assert [(one.emoji, one.count) for one in first.reactions] == [("👍", 2)]
    assert first.edited_at is not None
    assert (second.thread.title, second.author.is_bot, second.text) == ("v2", True, "")
