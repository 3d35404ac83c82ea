from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.agent.community.import_files import add_own_names, import_file
from copydesk.agent.community.label_messages import label_messages
from copydesk.agent.community.responses import (
    ENOUGH_POSTS,
    Post,
    PostPart,
    Response,
    ResponseFinder,
    Window,
    beta_interval,
    kinds_of_posts,
    posts_on_desk,
    response_json,
)
from copydesk.agent.desk.database import Database
from copydesk.agent.progress import silent

POSTED = datetime(2026, 11, 1, 12, tzinfo=UTC)
NOW = (POSTED + timedelta(days=60)).timestamp()


def at(days: float) -> str:
    return (POSTED + timedelta(days=days)).isoformat()


@pytest.fixture
def desk(
    db: Database,
    discord_file: Callable[..., Path],
    discord_message: Callable[..., dict[str, Any]],
) -> Database:
    thumbs = [{"emoji": {"name": "👍"}, "count": 2}]
    messages = [
        discord_message(1, "An older talk", author="9", timestamp=at(-5)),
        discord_message(2, "Saves are faster now.", author="me", timestamp=at(0), reactions=thumbs),
        discord_message(3, "Does that work on Linux?", author="1", timestamp=at(1)),
        discord_message(4, "Yes, it does.", author="me", timestamp=at(1.5)),
        discord_message(5, "Thanks, great!", author="2", timestamp=at(2)),
        discord_message(6, "How do I undo it?", author="3", timestamp=at(20)),
        discord_message(7, "Back again", author="1", timestamp=at(30)),
    ]
    add_own_names(db, ["me"])
    import_file(db, discord_file(messages), names=False, complete=True, progress=silent)
    label_messages(db, silent)
    return db


POST = Post("7", "Saves", POSTED.timestamp(), (PostPart("part", "discord", "77", "2"),))


def test_what_came_back_is_counted_in_people_and_in_windows(desk: Database) -> None:
    response = ResponseFinder(desk).response(POST, NOW)
    week, month = response.windows
    assert (week.days, week.responders, len(week.messages)) == (7, 2 + 2, 2)
    assert (month.days, month.responders, len(month.messages)) == (28, 3 + 2, 3)
    assert week.active == 3  # 1, 2 and who talked before
    assert week.response_rate == 1.0
    assert month.active == 3
    assert week.first_answer == 86_400
    assert week.answer_time == 43_200
    assert (week.unanswered, len(month.unanswered)) == ((), 1)
    assert response.returning == 1
    assert (response.voters, response.turnout) == (None, None)
    assert response_json(response)["returning"] == 1


def test_a_window_that_is_not_over_counts_what_there_is(desk: Database) -> None:
    response = ResponseFinder(desk).response(POST, POSTED.timestamp() + 86_400 * 1.2)
    assert [len(window.messages) for window in response.windows] == [1, 1]


def test_what_the_author_opened_counts_as_posted(db: Database, data: Path) -> None:
    add_own_names(db, ["mira", "Mira", "mira-dev"])
    for name in ("dce_forum_thread.json", "discord_rest_message_with_poll.json"):
        import_file(db, data / name, names=True, complete=True, progress=silent)
    label_messages(db, silent)
    for post in posts_on_desk(db):
        assert post.parts
        assert ResponseFinder(db).response(post, NOW).windows[0].days == 7


def test_comments_are_found_by_the_page_or_by_giscus_title(db: Database, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(
        "created_at,text,thread_url,author\n"
        "2026-11-02,On the page,https://blog.example/posts/saves/,ana\n"
        "2026-11-02,On another,https://blog.example/posts/other/,bo\n"
    )
    import_file(db, path, names=False, complete=True, progress=silent)
    label_messages(db, silent)
    post = Post("1", "Saves", POSTED.timestamp(), (), "https://blog.example/posts/saves")
    response = ResponseFinder(db).response(post, NOW)
    assert [len(window.messages) for window in response.windows] == [1, 1]


def a_response(kinds: tuple[str, ...], responders: int, days_ago: float) -> Response:
    parts = tuple(PostPart(kind, "discord", "1", str(i)) for i, kind in enumerate(kinds))
    post = Post("1", "x", NOW - days_ago * 86_400, parts)
    window = Window(7, responders, (), 9, (), None, None)
    return Response(post, (window, window), 0, None, None)


def test_a_kind_is_judged_from_eight_posts_on() -> None:
    few = [a_response(("hook", "poll"), 3, 30)] * (ENOUGH_POSTS - 1)
    for kind in kinds_of_posts(few, NOW):
        assert (kind.posts, kind.low, kind.high) == (7, None, None)
    fresh = [a_response(("hook", "poll"), 0, 2)]
    assert [kind.posts for kind in kinds_of_posts([*few, *fresh], NOW)] == [7, 7]
    enough = [*few, a_response(("hook",), 0, 30), a_response(("poll",), 1, 30)]
    hook, none, poll = kinds_of_posts(enough, NOW)
    assert (hook.kind, none.kind, poll.kind) == ("hook", "none", "poll")
    assert (poll.posts, poll.drew_answers) == (8, 7)
    assert poll.low is not None
    assert poll.high is not None
    assert 0.5 < poll.low < 7 / 8 < poll.high < 1


def test_the_interval_is_that_of_the_tables() -> None:
    assert beta_interval(1, 1) == (pytest.approx(0.05), pytest.approx(0.95))
    # scipy.stats.beta(8, 2).ppf([.05, .95])
    assert beta_interval(8, 2) == (pytest.approx(0.5708, abs=1e-4), pytest.approx(0.9590, abs=1e-4))


@settings(max_examples=15)
@given(st.integers(0, 20), st.integers(0, 20))
def test_an_interval_holds_the_mode_and_narrows(hits: int, misses: int) -> None:
    low, high = beta_interval(1 + hits, 1 + misses)
    assert 0 <= low < high <= 1
    more = beta_interval(1 + 10 * hits + 10, 1 + 10 * misses + 10)
    assert more[1] - more[0] < high - low


def test_a_thread_that_somebody_else_began_is_no_post(
    db: Database, discord_file: Callable[..., Path], discord_message: Callable[..., dict[str, Any]]
) -> None:
    messages = [
        discord_message(1, "How do I start?", author="1", timestamp=at(-300)),
        discord_message(2, "Like this.", author="me", timestamp=at(0)),
    ]
    add_own_names(db, ["me"])
    import_file(db, discord_file(messages), names=False, complete=True, progress=silent)
    assert posts_on_desk(db) == []
    assert posts_on_desk(db, since=POSTED.timestamp() - 86_400) == []
