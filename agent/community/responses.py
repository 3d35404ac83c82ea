"""What came back on what was posted: who answered, how soon, and which kinds of posts drew answers.

A post is known by plain values (`Post`): where its parts stand, or its address. Reactions and
votes carry no time in any export, so they count in every window.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import takewhile
from statistics import median
from typing import NamedTuple

from copydesk.agent.community.blog_posts import BlogPost, blog_posts, page_host, page_path
from copydesk.agent.community.plain_words import prose_of
from copydesk.agent.community.topics import is_own, unanswered, voters_of
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.feedback import BY_AUTHOR, FeedbackMessage, FeedbackPoll, FeedbackThread
from copydesk.agent.text import one_line

WINDOWS = (7, 28)
"""Days after a post in which an answer counts."""
ENOUGH_POSTS = 8
"""Fewer posts of a kind say nothing about the kind."""
DREW_ANSWERS = 3
"""Different people that have to answer within a week for a post to have drawn answers."""

_DAY = 86_400.0


class PostPart(NamedTuple):
    """A message of a post: what it is, and where it stands; ids are the source's own."""

    kind: str
    source: str
    thread_id: str
    message_id: str


class Post(NamedTuple):
    """Something that was posted.

    Attributes:
        story: The id of the story; any text.
        title: What it is called.
        posted_at: Unix time.
        parts: Its messages, if it was sent to a channel.
        address: Its permalink, or the page of a release; "" for none. Comments of giscus are
            found by its path or address, which is their discussion's title. Where only the path
            is known, a page of any host with that path, or that ends in it, is meant; of a single
            name, such as save-files, one whose last part it is.
    """

    story: str
    title: str
    posted_at: float
    parts: tuple[PostPart, ...] = ()
    address: str = ""


class Window(NamedTuple):
    """What came back within some days.

    Attributes:
        days: How many.
        responders: Different people who wrote, reacted or voted; the author and bots left out.
        messages: The ids of what they wrote.
        active: Different people who wrote anything, anywhere, in the 28 days up to its end.
        unanswered: The ids of questions that the author has not answered.
        first_answer: Seconds until the first message; None without any.
        answer_time: The median of seconds in which the author answered; None without any.
    """

    days: int
    responders: int
    messages: tuple[int, ...]
    active: int
    unanswered: tuple[int, ...]
    first_answer: float | None
    answer_time: float | None

    @property
    def response_rate(self) -> float | None:
        """Responders of those who were active; None where nobody was."""
        return min(1.0, self.responders / self.active) if self.active else None


class Response(NamedTuple):
    """What came back on a post.

    `returning` is how many who wrote within 7 days wrote again, anywhere, in the 28 days after;
    `voters` how many voted in its poll, `turnout` those of the active people. None: not known.
    """

    post: Post
    windows: tuple[Window, ...]
    returning: int
    voters: int | None
    turnout: float | None


class KindOfPost(NamedTuple):
    """How many posts of a kind drew answers, with the 90 % interval of the share.

    `low` and `high` are None for fewer than ENOUGH_POSTS posts.
    """

    kind: str
    posts: int
    drew_answers: int
    low: float | None
    high: float | None


class ResponseFinder:
    """Finds what came back on posts.

    Args:
        db: The open desk, with labelled messages.
        since: Unix time; posts before it are looked at no more.
    """

    def __init__(self, db: Database, since: float = 0.0) -> None:
        self._messages = db.feedback.messages(since=since - 28 * _DAY)
        self._threads = db.feedback.threads()
        polls = db.feedback.polls()
        self._polls = {(poll.source, poll.external_id): poll for poll in polls}
        self._replies: dict[tuple[str, str], list[FeedbackMessage]] = {}
        for message in self._messages:
            if message.parent:
                self._replies.setdefault((message.source, message.parent), []).append(message)

    def response(self, post: Post, now: float) -> Response:
        """What came back on a post up to now."""
        own_ids = {(part.source, part.message_id) for part in post.parts}
        own = [m for m in self._messages if (m.source, m.external_id) in own_ids]
        answers = [m for m in self._answers(post, own_ids) if m.created_at >= post.posted_at]
        windows = tuple(self._window(post, own, answers, days, now) for days in WINDOWS)
        voters = self._voters(own_ids)
        active = windows[-1].active
        return Response(
            post,
            windows,
            self._returning(post, answers),
            voters,
            min(1.0, voters / active) if voters is not None and active else None,
        )

    def _answers(self, post: Post, own_ids: set[tuple[str, str]]) -> list[FeedbackMessage]:
        """The messages in the post's threads and below its messages, the oldest first."""
        threads = {thread.id for thread in self._threads if _belongs(thread, post)}
        waiting = [reply for key in own_ids for reply in self._replies.get(key, ())]
        waiting += [message for message in self._messages if message.thread in threads]
        answers: dict[int, FeedbackMessage] = {}
        while waiting:
            message = waiting.pop()
            if message.id in answers or (message.source, message.external_id) in own_ids:
                continue
            answers[message.id] = message
            waiting += self._replies.get((message.source, message.external_id), ())
        return sorted(answers.values(), key=lambda m: (m.created_at, m.id))

    def _window(
        self,
        post: Post,
        own: Sequence[FeedbackMessage],
        answers: Sequence[FeedbackMessage],
        days: int,
        now: float,
    ) -> Window:
        end = min(now, post.posted_at + days * _DAY)
        within = [m for m in answers if m.created_at <= end]
        written = [m for m in within if not is_own(m)]
        return Window(
            days,
            len(self._people([*own, *written])),
            tuple(m.id for m in written),
            len(self._active(end)),
            tuple(m.id for m in unanswered(answers) if m.created_at <= end),
            written[0].created_at - post.posted_at if written else None,
            _median_answer_time(written, within),
        )

    def _people(self, messages: Iterable[FeedbackMessage]) -> set[str]:
        """Those who wrote messages, reacted to them or voted; the author and bots left out."""
        people: set[str] = set()
        for message in messages:
            people |= self._reactors(message)
            if not is_own(message):
                people.add(_person(message))
        return people

    def _reactors(self, message: FeedbackMessage) -> set[str]:
        """Those who reacted to a message or voted in its poll, as far as they can be told apart."""
        people: set[str] = set()
        unnamed = 0
        for _, count, known in message.reactions:
            people |= {f"person {person}" for person in known}
            unnamed = max(unnamed, count - len(known))
        poll = self._polls.get((message.source, message.external_id))
        unnamed = max(unnamed, voters_of(poll) if poll else 0)
        return people | {f"reader {number} of {message.id}" for number in range(unnamed)}

    def _active(self, end: float) -> set[str]:
        return {
            _person(message)
            for message in self._messages
            if end - 28 * _DAY < message.created_at <= end and not is_own(message)
        }

    def _returning(self, post: Post, answers: Sequence[FeedbackMessage]) -> int:
        first_week = post.posted_at + WINDOWS[0] * _DAY
        people = {_person(m) for m in answers if m.created_at <= first_week and not is_own(m)}
        later = {
            _person(m)
            for m in self._messages
            if first_week < m.created_at <= first_week + 28 * _DAY and not is_own(m)
        }
        return len(people & later)

    def _voters(self, own_ids: Iterable[tuple[str, str]]) -> int | None:
        polls: list[FeedbackPoll] = [self._polls[key] for key in own_ids if key in self._polls]
        voter_counts = [
            voters_of(poll) for poll in polls if poll.total is not None or poll.complete
        ]
        return sum(voter_counts) if voter_counts else None


def _median_answer_time(
    written: Iterable[FeedbackMessage], within: Sequence[FeedbackMessage]
) -> float | None:
    times = [_answer_time(message, within) for message in written if message.kind == "question"]
    known_times = [time for time in times if time is not None]
    return median(known_times) if known_times else None


def _answer_time(question: FeedbackMessage, answers: Iterable[FeedbackMessage]) -> float | None:
    """Seconds from a question to the author's next message in its thread."""
    for message in answers:
        is_later = message.created_at > question.created_at
        if is_later and message.flags & BY_AUTHOR and message.thread == question.thread:
            return message.created_at - question.created_at
    return None


def _person(message: FeedbackMessage) -> str:
    return f"person {message.person}" if message.person else f"message {message.id}"


def _belongs(thread: FeedbackThread, post: Post) -> bool:
    """Whether a thread is that of a post: by its id, its address, or giscus' title."""
    if any(
        (part.source, part.thread_id) == (thread.source, thread.external_id) and part.thread_id
        for part in post.parts
    ):
        return True
    if not post.address:
        return False
    pages = {_page(text) for text in (thread.url, thread.external_id, thread.title)} - {""}
    if _page(post.address) in pages:
        return True
    path = page_path(post.address)
    if not path:
        return False
    if page_path(thread.title) == path or page_host(post.address):
        return page_path(thread.title) == path
    named = (thread.url, thread.external_id, thread.title)
    return any(f"/{page_path(text)}".endswith(f"/{path}") for text in named if " " not in text)


def _page(address: str) -> str:
    """A page by host and path; "" for what has no host."""
    host = page_host(address)
    return f"{host}/{page_path(address)}" if host else ""


def kinds_of_posts(responses: Iterable[Response], now: float) -> list[KindOfPost]:
    """Which kinds of posts drew answers: with Beta(1, 1) before anything is known.

    A post counts for each kind of part that it has, and for "none" without a question and a poll.
    Posts of the last seven days are not counted yet.

    Args:
        responses: What came back on each post.
        now: Unix time.
    """
    counts: dict[str, list[bool]] = {}
    for response in responses:
        if now - response.post.posted_at < WINDOWS[0] * _DAY:
            continue
        kinds = {part.kind for part in response.post.parts} & {"hook", "question", "poll"}
        if not kinds & {"question", "poll"}:
            kinds.add("none")
        for kind in kinds:
            counts.setdefault(kind, []).append(response.windows[0].responders >= DREW_ANSWERS)
    return [_kind_of_post(kind, outcomes) for kind, outcomes in sorted(counts.items())]


def _kind_of_post(kind: str, outcomes: Sequence[bool]) -> KindOfPost:
    posts, drew = len(outcomes), sum(outcomes)
    if posts < ENOUGH_POSTS:
        return KindOfPost(kind, posts, drew, None, None)
    low, high = beta_interval(1 + drew, 1 + posts - drew)
    return KindOfPost(kind, posts, drew, low, high)


def beta_interval(a: int, b: int, share: float = 0.9) -> tuple[float, float]:
    """The central interval of a Beta distribution with whole parameters.

    For these, I_x(a, b) is the chance of a successes and more of a + b - 1 (Abramowitz and Stegun
    26.5.24), which is solved by bisection.
    """

    def below(x: float) -> float:
        n = a + b - 1
        heads, tails = math.log(x), math.log1p(-x)
        return math.fsum(
            math.exp(
                math.lgamma(n + 1)
                - math.lgamma(k + 1)
                - math.lgamma(n - k + 1)
                + k * heads
                + (n - k) * tails
            )
            for k in range(a, n + 1)
        )

    def quantile(p: float) -> float:
        low, high = 0.0, 1.0
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if below(middle) < p else (low, middle)
        return (low + high) / 2

    return quantile((1 - share) / 2), quantile((1 + share) / 2)


def response_json(response: Response) -> Mapping[str, object]:
    """What came back on a post, as JSON can hold it."""
    return {
        "story": response.post.story,
        "title": response.post.title,
        "posted_at": response.post.posted_at,
        "address": response.post.address,
        "windows": [
            {**window._asdict(), "response_rate": window.response_rate}
            for window in response.windows
        ],
        "returning": response.returning,
        "voters": response.voters,
        "turnout": response.turnout,
    }


def known_posts(db: Database, since: float = 0.0) -> list[Post]:
    """What the author posted: stories that copydesk sent or exported, and other threads that they
    opened.

    Args:
        db: The open desk.
        since: Unix time; only what was posted then and later.
    """
    sent = [post for post in with_pages(sent_posts(db), blog_posts(db)) if post.posted_at >= since]
    threads = {part.thread_id for post in sent for part in post.parts} - {""}
    pages = [post for post in sent if post.address]
    others = [post for post in posts_on_desk(db, since) if post.story not in threads]
    others = [post for post in others if not _is_page_of(post, pages)]
    return sorted([*sent, *others], key=lambda post: (-post.posted_at, post.story))


def _is_page_of(opened: Post, posts: Iterable[Post]) -> bool:
    """Whether a thread that the author opened is that of the comments on one of their posts."""
    thread = FeedbackThread(0, "", opened.story, opened.title, opened.address)
    return any(_belongs(thread, post) for post in posts)


def with_pages(sent: Iterable[Post], pages: Iterable[BlogPost]) -> list[Post]:
    """Stories with the pages that they were exported to; a second page is a post of its own."""
    posts = {post.story: post for post in sent}
    others = []
    for page in pages:
        post = posts.get(page.story)
        if post is None:
            posts[page.story] = Post(page.story, page.title, page.posted_at, (), page.address)
        elif post.address:
            others.append(Post(page.story, page.title, page.posted_at, (), page.address))
        else:
            posted_at = min(post.posted_at, page.posted_at)
            posts[page.story] = post._replace(address=page.address, posted_at=posted_at)
    return [*posts.values(), *others]


def sent_posts(db: Database) -> list[Post]:
    """The stories that copydesk sent to Discord, each with its parts."""
    posts = []
    for draft_id in dict.fromkeys(draft for draft, _ in db.sent_parts.threads("discord")):
        sent = [p for p in db.sent_parts.last_round(draft_id, "discord") if p.state == "sent"]
        if not sent:
            continue
        name = str(sent[0].payload.get("thread_name") or "")
        # in a channel that others write in, only what replies to the parts is an answer
        parts = tuple(
            PostPart(p.kind, "discord", p.thread_id if name else "", p.message_id) for p in sent
        )
        posted_at = min(datetime.fromisoformat(part.sent_at).timestamp() for part in sent)
        title = name or one_line(str(sent[0].payload.get("content") or ""), 60)
        posts.append(Post(str(draft_id), title, posted_at, parts))
    return posts


def posts_on_desk(db: Database, since: float = 0.0) -> list[Post]:
    """What the author posted, as far as the messages show it: threads that the author opened.

    A devlog thread, a discussion below a blog post, a release. The parts are the author's messages
    up to the first one by somebody else.
    """
    first: dict[int, list[FeedbackMessage]] = {}
    for message in db.feedback.messages(since=since):
        first.setdefault(message.thread, []).append(message)
    polls = {(poll.source, poll.external_id) for poll in db.feedback.polls()}
    starts = db.feedback.thread_starts()
    posts = []
    for thread in db.feedback.threads():
        opening = list(takewhile(is_own, first.get(thread.id, ())))
        if opening and opening[0].created_at == starts.get(thread.id):
            parts = tuple(
                PostPart(_kind_of_part(m, polls), m.source, thread.external_id, m.external_id)
                for m in opening
            )
            title = thread.title or opening[0].text[:60]
            posted_at = opening[0].created_at
            posts.append(Post(thread.external_id, title, posted_at, parts, thread.url))
    return sorted(posts, key=lambda post: (-post.posted_at, post.story))


def _kind_of_part(message: FeedbackMessage, polls: set[tuple[str, str]]) -> str:
    if (message.source, message.external_id) in polls:
        return "poll"
    return "question" if "?" in prose_of(message.text) else "part"
