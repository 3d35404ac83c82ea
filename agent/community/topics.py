"""What people wait for: messages by topic, and each topic's priority."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from copydesk.agent.community.clusters import MOST_MESSAGES, cluster, name_of, words_of
from copydesk.agent.community.priority import Act, Constants, Priority, priority_of
from copydesk.agent.community.tone import tone_with_reactions
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.feedback import BY_AUTHOR, BY_BOT, FeedbackMessage, FeedbackPoll

TAGS_SETTING = "tags"
WAITING = frozenset({"question", "request", "bug report", "complaint"})
"""The kinds of messages in which somebody waits for something."""

_DAY = 86_400.0
_OLDEST = 400.0
"""Days; what is older than 19 half-lives weighs nothing."""
_MOST_UNNAMED = 10_000
"""Reactions without names that are counted for one message."""


class Topic(NamedTuple):
    """A topic: its name, the keywords it was found by, its messages and its priority.

    `tagged` is False where messages were put together because they are alike.
    """

    name: str
    keywords: tuple[str, ...]
    tagged: bool
    messages: tuple[FeedbackMessage, ...]
    priority: Priority


Tags = dict[str, tuple[str, ...]]


def load_tags(db: Database) -> Tags:
    """The tags that you keep, each with its keywords."""
    stored = json.loads(db.feedback.setting(TAGS_SETTING) or "{}")
    return {str(tag): tuple(map(str, keywords)) for tag, keywords in stored.items()}


def save_tags(db: Database, tags: Mapping[str, Sequence[str]]) -> None:
    """Store the tags with their keywords."""
    ordered = {tag: sorted(set(keywords)) for tag, keywords in sorted(tags.items())}
    db.feedback.set_setting(TAGS_SETTING, json.dumps(ordered, ensure_ascii=False))


def rank_topics(db: Database, now: float, constants: Constants) -> list[Topic]:
    """The topics of the desk's messages, the one that is waited for most first.

    Tags come first, by their keywords; what none covers and waits for something is grouped by
    likeness. Answers belong to the topic of what they answer.

    Args:
        db: The open desk, with labelled messages.
        now: Unix time, from which ages are counted.
        constants: The numbers of the priority formula.

    Returns:
        The topics with readers' messages.
    """
    shown = db.feedback.messages(since=now - _OLDEST * _DAY)
    polls = {(poll.source, poll.external_id): poll for poll in db.feedback.polls()}
    voters = {key: voters_of(poll) for key, poll in polls.items()}
    builder = _TopicBuilder(shown, voters, now, constants)
    topics = []
    covered: set[int] = set()
    for tag, keywords in load_tags(db).items():
        ids = db.feedback.ids_with(keywords)
        asking = {key for key, poll in polls.items() if _asks_about(poll, keywords)}
        tagged = [m for m in shown if m.id in ids or (m.source, m.external_id) in asking]
        messages = builder.with_answers(tagged)
        covered.update(message.id for message in messages)
        topics.append(builder.topic(tag, keywords, messages))
    topics += [
        builder.topic(name, (), builder.with_answers(alike))
        for name, alike in _alike(shown, covered)
    ]
    return _ranked(topics)


def _ranked(topics: Iterable[Topic]) -> list[Topic]:
    """The topics that somebody waits for, the one with the highest priority first."""
    waited_for = [topic for topic in topics if topic.priority.people]
    return sorted(waited_for, key=lambda topic: (-topic.priority.value, topic.name))


def _alike(
    shown: Sequence[FeedbackMessage], covered: set[int]
) -> list[tuple[str, list[FeedbackMessage]]]:
    """Groups of like messages that wait for something and that no tag covers, with names."""
    open_messages = [
        message
        for message in shown
        if message.kind in WAITING and message.id not in covered and not is_own(message)
    ]
    waiting = {message.id: message for message in open_messages[-MOST_MESSAGES:]}
    word_counts: Counter[str] = Counter()
    for message in waiting.values():
        word_counts.update(set(words_of(message.text)))
    groups = []
    for ids in cluster({identity: message.text for identity, message in waiting.items()}):
        members = [waiting[identity] for identity in ids]
        groups.append((name_of([m.text for m in members], word_counts), members))
    return groups


def is_own(message: FeedbackMessage) -> bool:
    """Whether the author or a bot wrote it."""
    return bool(message.flags & (BY_AUTHOR | BY_BOT))


def _unnamed_readers(message: FeedbackMessage, count: int) -> list[str]:
    return [f"reader {number} of {message.id}" for number in range(min(count, _MOST_UNNAMED))]


def _asks_about(poll: FeedbackPoll, keywords: Sequence[str]) -> bool:
    """Whether a poll's question or an answer has one of these words or phrases."""
    text = " ".join([poll.question, *(answer for answer, _ in poll.options)]).casefold()
    return any(re.search(rf"(?<!\w){re.escape(word.casefold())}(?!\w)", text) for word in keywords)


def voters_of(poll: FeedbackPoll) -> int:
    """How many people voted in a poll, at least.

    Where several answers may be chosen, votes outnumber voters and the export does not say by how
    much; the total is then what is known.
    """
    counted = sum(votes or 0 for _, votes in poll.options)
    return max(poll.total or 0, counted)


def unanswered(messages: Iterable[FeedbackMessage]) -> list[FeedbackMessage]:
    """The readers' questions among messages that the author has not answered there.

    A question is answered by a reply of the author, or by what they write later in its thread.

    Args:
        messages: The messages, the oldest first.
    """
    open_questions = []
    spoke: dict[int, float] = {}
    replied: set[tuple[str, str]] = set()
    for message in messages:
        if message.flags & BY_AUTHOR:
            spoke[message.thread] = max(message.created_at, spoke.get(message.thread, 0.0))
            replied.add((message.source, message.parent))
        elif message.kind == "question" and not (message.answered or is_own(message)):
            open_questions.append(message)
    return [
        message
        for message in open_questions
        if spoke.get(message.thread, -1.0) < message.created_at
        and (message.source, message.external_id) not in replied
    ]


def open_questions(db: Database, since: float = 0.0) -> list[FeedbackMessage]:
    """The readers' questions that the author has not answered, the oldest first."""
    return unanswered(db.feedback.messages(since=since))


class _TopicBuilder:
    """Knows all messages, and so who answers what.

    Args:
        shown: All messages, the oldest first.
        voters: How many voted in a poll, by the source and the id of the message that asks it.
        now: Unix time, from which ages are counted.
        constants: The numbers of the priority formula.
    """

    def __init__(
        self,
        shown: Sequence[FeedbackMessage],
        voters: Mapping[tuple[str, str], int],
        now: float,
        constants: Constants,
    ) -> None:
        self._voters = voters
        self._now = now
        self._constants = constants
        self._replies: dict[tuple[str, str], list[FeedbackMessage]] = {}
        self._author_spoke: dict[int, float] = {}
        for message in shown:
            if message.parent:
                self._replies.setdefault((message.source, message.parent), []).append(message)
            if message.flags & BY_AUTHOR:
                self._author_spoke[message.thread] = message.created_at

    def with_answers(self, messages: Iterable[FeedbackMessage]) -> tuple[FeedbackMessage, ...]:
        """Messages, and all that answer them, the oldest first."""
        chosen: dict[int, FeedbackMessage] = {}
        waiting = list(messages)
        while waiting:
            message = waiting.pop()
            if message.id not in chosen:
                chosen[message.id] = message
                waiting += self._replies.get((message.source, message.external_id), ())
        return tuple(sorted(chosen.values(), key=lambda m: (m.created_at, m.source, m.external_id)))

    def topic(
        self, name: str, keywords: tuple[str, ...], messages: tuple[FeedbackMessage, ...]
    ) -> Topic:
        """A topic with its priority."""
        acts = [act for message in messages for act in self._acts(message)]
        priority = priority_of(
            acts,
            [message.id for message in messages if self._is_open(message)],
            [(self._age(m), m.id) for m in messages if is_own(m) and not m.parent],
            self._constants,
        )
        return Topic(name, keywords, bool(keywords), messages, priority)

    def _age(self, message: FeedbackMessage) -> float:
        return (self._now - message.created_at) / _DAY

    def _acts(self, message: FeedbackMessage) -> list[Act]:
        """What the writer of a message did, and those who reacted to it or voted in its poll."""
        age = self._age(message)
        acts = []
        if not is_own(message):
            weight = self._constants.message
            if message.kind == "question":
                weight = self._constants.question
            tone = tone_with_reactions(message.tone, message.reactions)
            needs = message.kind in WAITING or tone == "negative"
            person = f"person {message.person}" if message.person else f"message {message.id}"
            acts.append(Act(person, weight, age, needs, message.id))
        readers: list[str] = []
        unnamed = 0
        for _, count, people in message.reactions:
            readers += [f"person {person}" for person in people]
            unnamed = max(unnamed, count - len(people))
        # one reader may leave several kinds of reactions, so the most frequent one counts
        readers += _unnamed_readers(message, unnamed)
        # a voter nobody names may be a reader who reacted, so they share their names
        voters = self._voters.get((message.source, message.external_id), 0)
        for names, weight in (
            (readers, self._constants.reaction),
            (_unnamed_readers(message, voters), self._constants.vote),
        ):
            acts += [Act(name, weight, age, False, message.id) for name in names]
        return acts

    def _is_open(self, message: FeedbackMessage) -> bool:
        """Whether it is a reader's question that the author has not answered."""
        if message.kind != "question" or message.answered or is_own(message):
            return False
        if self._author_spoke.get(message.thread, 0.0) > message.created_at:
            return False
        replies = self._replies.get((message.source, message.external_id), ())
        return not any(reply.flags & BY_AUTHOR for reply in replies)
