"""What a report says of readers, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from copydesk.agent.coverage.report.community_facts import CommunityFacts, share_text
from copydesk.agent.coverage.report.markdown_parts import code, section, text


def community_lines(facts: CommunityFacts) -> Iterator[str]:
    """The sections on readers, line by line."""
    yield from section(
        "Tone of what readers say",
        ("Week from", "Messages", "Positive", "Negative", "Share of negative ones"),
        [
            (w.start, str(w.messages), str(w.positive), str(w.negative), share_text(w.low, w.high))
            for w in facts.weeks
        ],
    )
    yield from section(
        "What readers wait for",
        ("Topic", "Priority", "People", "Ask or displeased", "Open questions"),
        [
            (text(topic.name), f"{topic.priority:.2f}", *map(str, topic[2:]))
            for topic in facts.topics
        ],
    )
    yield from section(
        "What was posted, and what came back",
        ("Post", "Date", "People in 7 days", "in 28 days", "Came back later", "Unanswered"),
        [
            (
                *(text(post.title), post.date, str(post.responders_7), str(post.responders_28)),
                *(str(post.returning), str(post.unanswered)),
            )
            for post in facts.posts
        ],
    )
    yield from section(
        "Which posts drew answers of three people within a week",
        ("Kind", "Posts", "Drew answers", "Interval"),
        [
            (
                *(text(kind.kind), str(kind.posts), str(kind.drew_answers)),
                "not enough posts yet" if kind.low is None else share_text(kind.low, kind.high),
            )
            for kind in facts.kinds
        ],
    )
    yield from section(
        "Questions that wait for you",
        ("Date", "Question", "Message"),
        [
            (question.date, text(question.text), code(f"copydesk feedback show {question.id}"))
            for question in facts.questions
        ],
    )
