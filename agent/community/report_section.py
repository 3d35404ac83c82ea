"""What a report says of readers, gathered from the desk."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from copydesk.agent.community.priority import Constants, wilson_interval
from copydesk.agent.community.responses import (
    Response,
    ResponseFinder,
    kinds_of_posts,
    known_posts,
)
from copydesk.agent.community.topics import is_own, open_questions, rank_topics
from copydesk.agent.coverage.report import (
    CommunityFacts,
    PostKindRow,
    PostRow,
    QuestionRow,
    ToneWeek,
    TopicRow,
)
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.feedback import FeedbackMessage
from copydesk.agent.text import one_line

WEEKS = 8
FEWEST = 5
"""Messages of a week below which no share is shown."""
_SHOWN = 10
_WEEK = 7 * 86_400.0
_OLDEST = 180 * 86_400.0
"""Posts and questions before it are not looked at."""


def community_facts(db: Database, now: float, constants: Constants) -> CommunityFacts | None:
    """What a report says of readers; None for a desk without messages.

    Args:
        db: The open desk, with labelled messages.
        now: Unix time.
        constants: The numbers of the priority formula.
    """
    if not db.feedback.count():
        return None
    since = now - _OLDEST
    finder = ResponseFinder(db, since)
    responses = [finder.response(post, now) for post in known_posts(db, since)]
    questions = open_questions(db, since)
    topics = rank_topics(db, now, constants)[:_SHOWN]
    return CommunityFacts(
        tone_weeks(db.feedback.messages(since=now - WEEKS * _WEEK), now),
        tuple(
            TopicRow(
                one_line(topic.name, 80),
                topic.priority.value,
                topic.priority.people,
                topic.priority.needing,
                len(topic.priority.open_messages),
            )
            for topic in topics
        ),
        tuple(_post_row(response) for response in responses[:_SHOWN]),
        tuple(PostKindRow(*kind) for kind in kinds_of_posts(responses, now)),
        tuple(
            QuestionRow(m.id, _date(m.created_at), one_line(" ".join(m.text.split()), 160))
            for m in questions[-_SHOWN:]
        ),
    )


def tone_weeks(messages: Sequence[FeedbackMessage], now: float) -> tuple[ToneWeek, ...]:
    """The last weeks, the oldest first, without those in which nobody wrote."""
    weeks = []
    for number in range(WEEKS, 0, -1):
        start = now - number * _WEEK
        tones = [
            message.tone
            for message in messages
            if start < message.created_at <= start + _WEEK and not is_own(message) and message.tone
        ]
        if not tones:
            continue
        negative = tones.count("negative")
        interval = wilson_interval(negative, len(tones), 1.96) if len(tones) >= FEWEST else None
        low, high = interval or (None, None)
        positive = tones.count("positive")
        weeks.append(ToneWeek(_date(start), len(tones), positive, negative, low, high))
    return tuple(weeks)


def _post_row(response: Response) -> PostRow:
    week, month = response.windows
    hours = None if month.first_answer is None else month.first_answer / 3_600
    return PostRow(
        one_line(response.post.title, 80),
        _date(response.post.posted_at),
        week.responders,
        month.responders,
        month.response_rate,
        response.returning,
        len(month.unanswered),
        hours,
        response.turnout,
    )


def _date(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).date().isoformat()
