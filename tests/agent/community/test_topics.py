from __future__ import annotations

import math
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.community.clusters import cluster
from copydesk.agent.community.import_files import add_own_names, import_file
from copydesk.agent.community.label_messages import label_messages
from copydesk.agent.community.priority import Constants, constants_of
from copydesk.agent.community.topics import Topic, rank_topics, save_tags
from copydesk.agent.config import project_from
from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError
from copydesk.agent.progress import silent

NOW = datetime(2026, 11, 30, tzinfo=UTC).timestamp()

SAVES = (
    "Autosave stutters on large maps, it crashes sometimes",
    "The autosave stutter on maps is annoying",
    "Is the autosave stuttering on maps known?",
)
COLOURS = ("Could you add a dark theme?", "Please add a dark theme for the editor")


def ranked(db: Database) -> list[Topic]:
    label_messages(db, silent)
    return rank_topics(db, NOW, Constants())


def test_messages_that_are_alike_are_put_together() -> None:
    texts = dict(enumerate([*SAVES, *COLOURS, "Where are the docs of the plugin system?"]))
    groups = cluster(texts)
    assert groups == [[0, 1, 2], [3, 4]]
    shuffled = list(texts.items())
    random.Random(1).shuffle(shuffled)
    assert cluster(dict(shuffled)) == groups


def test_topics_rank_by_how_many_wait(
    db: Database,
    discord_file: Callable[..., Path],
    discord_message: Callable[..., dict[str, Any]],
) -> None:
    messages = [
        discord_message(20 + number, text, author=str(number))
        for number, text in enumerate([*SAVES, *COLOURS])
    ]
    import_file(db, discord_file(messages), names=False, complete=True, progress=silent)
    first, second = ranked(db)
    assert [m.text for m in first.messages] == list(SAVES)
    assert "autosave" in first.name
    assert first.priority.open == 1.0
    assert [m.text for m in second.messages] == list(COLOURS)
    save_tags(db, {"look": ("dark theme",)})
    assert {topic.name for topic in ranked(db)} == {first.name, "look"}


def test_an_answer_from_the_author_closes_a_question(
    db: Database,
    discord_file: Callable[..., Path],
    discord_message: Callable[..., dict[str, Any]],
) -> None:
    add_own_names(db, ["Nick1"])
    question = discord_message(20, "Is the autosave on by default?", author="5")
    answer = discord_message(21, "Yes.", author="1", reference={"messageId": "20"})
    save_tags(db, {"saves": ("autosave",)})
    path = discord_file([question], at="2026-11-28", name="1.json")
    import_file(db, path, names=False, complete=True, progress=silent)
    (topic,) = ranked(db)
    assert (topic.priority.open, topic.priority.people) == (1.0, 1)
    path = discord_file([question, answer], at="2026-11-29", name="2.json")
    import_file(db, path, names=False, complete=True, progress=silent)
    (topic,) = ranked(db)
    assert (topic.priority.open, topic.priority.people) == (0.0, 1)
    assert len(topic.messages) == 2


def test_reactions_count_as_people(
    db: Database,
    discord_file: Callable[..., Path],
    discord_message: Callable[..., dict[str, Any]],
) -> None:
    reactions = [
        {"emoji": {"name": "👍"}, "count": 3, "users": [{"id": "7"}, {"id": "5"}]},
        {"emoji": {"name": "🎉"}, "count": 1, "users": [{"id": "7"}]},
    ]
    save_tags(db, {"saves": ("autosave",)})
    message = discord_message(20, "Please make autosave optional", author="5", reactions=reactions)
    import_file(db, discord_file([message]), names=False, complete=True, progress=silent)
    (topic,) = ranked(db)
    assert topic.priority.people == 3  # the writer, who reacted too; person 7; one without a name


def test_votes_of_a_poll_count_for_its_topic(db: Database, data: Path) -> None:
    for name in ("discord_rest_message_with_poll.json", "dce_forum_thread.json"):
        import_file(db, data / name, names=False, complete=True, progress=silent)
    save_tags(db, {"fog": ("fog of war",)})
    (fog,) = (topic for topic in ranked(db) if topic.name == "fog")
    assert fog.priority.people == 11 + 1  # the voters, and who asks
    expected = math.log1p((11 * 1.5 + 2) * 0.5 ** (age_days(fog) / 21))
    assert fog.priority.reach == pytest.approx(expected)


def age_days(topic: Topic) -> float:
    return (NOW - topic.messages[0].created_at) / 86_400


def test_the_constants_are_those_of_the_project() -> None:
    project = project_from({"priority_vote": 4, "priority_half_life": 7})
    assert constants_of(project) == Constants(vote=4.0, half_life=7.0)
    for wrong in ({"priority_half_life": 0}, {"priority_fatigue": 1.5}, {"priority_vote": -1}):
        with pytest.raises(CopydeskError):
            project_from(wrong)
