from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from copydesk.agent.community.import_files import add_own_names, import_file
from copydesk.agent.community.label_messages import label_messages
from copydesk.agent.community.priority import Constants
from copydesk.agent.community.report_section import community_facts
from copydesk.agent.coverage.report.community_facts import community_json, tone_plot
from copydesk.agent.coverage.report.community_markdown import community_lines
from copydesk.agent.desk.database import Database
from copydesk.agent.progress import silent

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def test_a_report_tells_tone_topics_posts_and_open_questions(
    db: Database, discord_file: Callable[..., Path], discord_message: Callable[..., dict[str, Any]]
) -> None:
    def message(number: int, text: str, author: str, days: float) -> dict[str, Any]:
        at = (NOW - timedelta(days=days)).isoformat()
        return discord_message(number, text, author=author, timestamp=at)

    messages = [message(1, "Saves are <b>faster</b> | now.", "me", 20)]
    messages += [message(2 + n, "I hate this terrible mess.", str(n), 17) for n in range(5)]
    messages += [message(20 + n, "Thanks, this is great!", str(n), 4) for n in range(5)]
    messages += [message(40, "Is the dark *theme* planned?", "7", 2)]
    messages += [message(41, "Which dark theme will it be?", "8", 1)]
    add_own_names(db, ["me"])
    import_file(db, discord_file(messages), names=False, complete=True, progress=silent)
    label_messages(db, silent)
    facts = community_facts(db, NOW.timestamp(), Constants())
    assert facts
    worst, best = (week for week in facts.weeks if week.messages >= 5)
    assert (worst.negative, best.negative) == (5, 0)
    assert worst.low is not None
    assert worst.low > 0.5
    assert (facts.posts[0].responders_7, facts.posts[0].responders_28) == (5, 7)
    assert facts.posts[0].first_answer_hours == 72
    assert [kind.posts for kind in facts.kinds] == [1]
    assert len(facts.questions) == 2
    shown = "\n".join(community_lines(facts))
    assert "not enough posts yet" in shown
    assert "<b>" not in shown
    assert "\\*theme\\*" in shown
    assert community_json(facts)["weeks"][0]["low"] == facts.weeks[0].low
    assert tone_plot(facts.weeks).count("<circle") == 2
    assert tone_plot(facts.weeks[:1]) == ""


def test_weeks_with_few_messages_show_no_share(
    db: Database, discord_file: Callable[..., Path], discord_message: Callable[..., dict[str, Any]]
) -> None:
    at = (NOW - timedelta(days=2)).isoformat()
    path = discord_file([discord_message(1, "I hate this.", timestamp=at)])
    import_file(db, path, names=False, complete=True, progress=silent)
    label_messages(db, silent)
    facts = community_facts(db, NOW.timestamp(), Constants())
    assert facts
    (week,) = facts.weeks
    assert (week.negative, week.low, week.high) == (1, None, None)
    assert "too few" in "\n".join(community_lines(facts))


def test_a_desk_without_messages_has_no_such_section(db: Database) -> None:
    assert community_facts(db, NOW.timestamp(), Constants()) is None
