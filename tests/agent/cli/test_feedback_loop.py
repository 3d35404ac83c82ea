"""The loop closed: commits, a story with a poll, answers, a moved gap, and the next story."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from copydesk.agent.community.responses import ResponseFinder, known_posts
from copydesk.agent.daemon.feedback_steps import inbox_step
from copydesk.agent.daemon.step_context import StepContext
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git import repository
from copydesk.agent.stories.stored_stories import load_story

TRACEBACK = """It crashes for me:
```
Traceback (most recent call last):
  File "/srv/shop/prices.py", line 15, in label
    return f"{price:.2f}"
ValueError: Unknown format code 'f' for object of type 'str'
```"""


def at(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def answers(thread: str) -> dict[str, Any]:
    """What DiscordChatExporter would write of a thread in which readers answered."""
    said = (
        ("1", "Could you show the currency in `label()`?", at(0.1)),
        ("2", TRACEBACK, at(0.2)),
        ("3", "Why does `label()` crash on texts?", at(0.3)),
    )
    return {
        "guild": {"id": "9", "name": "Shop"},
        "channel": {"id": thread, "type": "GuildPublicThread", "category": "dev", "name": "x"},
        "messages": [
            {
                "id": str(930000000000000000 + int(who)),
                "type": "Default",
                "timestamp": when,
                "content": text,
                "author": {"id": who, "name": f"reader{who}", "nickname": f"Reader {who}"},
            }
            for who, text, when in said
        ],
    }


def votes(message: dict[str, Any]) -> dict[str, Any]:
    """A poll as Discord's API gives it once it is over, with seven votes for the first answer."""
    poll = message["poll"]
    listed = [
        {"answer_id": number, "poll_media": answer["poll_media"]}
        for number, answer in enumerate(poll["answers"], 1)
    ]
    counts = [{"id": 1, "count": 7, "me_voted": False}, {"id": 2, "count": 2, "me_voted": False}]
    results = {"is_finalized": True, "answer_counts": counts}
    return {
        "id": message["id"],
        "channel_id": message["channel_id"],
        "type": 0,
        "timestamp": at(0),
        "content": "",
        "poll": {"question": poll["question"], "answers": listed, "results": results},
    }


@pytest.mark.slow
def test_what_readers_answer_moves_a_gap_and_the_next_story(
    run: Any,
    shop: Path,
    commit: Callable[..., str],
    discord_server: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    def done(*words: str) -> Any:
        result = run(shop, *words)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout) if "--json" in words else result.stdout

    before = tmp_path / "before.csv"
    before.write_text(
        "created_at,text,author\n"
        f"{at(-3)},Could you add a discount for students?,ana\n"
        f"{at(-2)},Please support sums in other currencies,bo\n"
    )
    done("feedback", "import", str(before))
    done("feedback", "tag", "students", "students")
    done("feedback", "tag", "currencies", "currencies", "currency")
    commit(shop, {"totals.py": "def total(prices):\n    return sum(prices)\n"}, "Add totals")
    done("measure")
    story = str(done("story", "--json")["id"])
    done("accept", story)
    server = discord_server.DiscordServer()
    with server.serve() as address:
        monkeypatch.setenv("COPYDESK_DISCORD_WEBHOOK", address)
        done("send", story, "--to", "discord", "--yes")
    (poll,) = [message for message in server.messages if "poll" in message]
    options = {answer["poll_media"]["text"] for answer in poll["poll"]["answers"]}
    assert options == {"students", "currencies"}

    found = repository.find(shop)
    inbox = found.desk / "inbox"
    inbox.mkdir(exist_ok=True)
    (inbox / "thread.json").write_text(json.dumps(answers(poll["channel_id"])))
    (inbox / "poll.json").write_text(json.dumps(votes(poll)))
    with open_desk(found.desk) as db:
        inbox_step(StepContext(found, db, lambda _: None), "")
        (post,) = [post for post in known_posts(db) if post.story == story]
        response = ResponseFinder(db).response(post, (datetime.now(UTC) + timedelta(1)).timestamp())
        assert (response.voters, len(response.windows[0].messages)) == (9, 3)
        gaps = db.gaps.of_commit(repository.resolve(found, "HEAD"))
        assert [gap.function for gap in gaps if gap.reasons and gap.risk == 1.0] == ["label"]
    done("feedback", "tag", "labels", "label()")
    assert "labels" in {topic["name"] for topic in done("feedback", "topics", "--json")}

    source = (shop / "prices.py").read_text().replace("price:.2f", "float(price):.2f")
    commit(shop, {"prices.py": source}, "Take texts as prices in labels")
    following = int(done("story", "--json")["id"])
    assert following != int(story)
    with open_desk(found.desk) as db:
        told = load_story(db, following)
    prose = {heading: " ".join(s.text for s in lines) for heading, lines in told.story.sections}
    assert prose["You asked, we did"].startswith(
        "You asked about “labels”: “Take texts as prices in labels” "
    )
    assert told.problems == ()
    assert "Reader" not in " ".join(prose.values())
