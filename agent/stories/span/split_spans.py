"""Where the span of a story ends: at a tag, before a quiet time, at the end of a week."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from copydesk.agent.git.repository import LoggedCommit, Tag


class ClosingRules(NamedTuple):
    """What ends a span: any of tag, quiet and week; `quiet_days` without a commit are quiet."""

    closes: tuple[str, ...] = ("tag", "quiet")
    quiet_days: float = 14.0


class Part(NamedTuple):
    """Commits of one story, and what closes it; "" while it may grow."""

    commits: tuple[LoggedCommit, ...]
    closed_by: str


def split_spans(
    commits: Sequence[LoggedCommit], tags: Iterable[Tag], rules: ClosingRules
) -> list[Part]:
    """Split commits where a story ends.

    Args:
        commits: In topological order, oldest first.
        tags: Tags of the repository; those of other commits do not matter.
        rules: What ends a span.

    Returns:
        Parts that together are all the commits; only the last one may still grow.
    """
    tag_of = {tag.sha: tag.name for tag in tags} if "tag" in rules.closes else {}
    parts: list[Part] = []
    current: list[LoggedCommit] = []
    for commit in commits:
        why = _pause(current, commit, rules)
        if why:
            parts.append(Part(tuple(current), why))
            current = []
        current.append(commit)
        if commit.sha in tag_of:
            parts.append(Part(tuple(current), f"tag {tag_of[commit.sha]}"))
            current = []
    if current:
        parts.append(Part(tuple(current), ""))
    return parts


def _pause(before: Sequence[LoggedCommit], commit: LoggedCommit, rules: ClosingRules) -> str:
    """What ends a span between the commits before and the next one, "" for nothing."""
    if not before:
        return ""
    last = max(_time(earlier) for earlier in before)
    now = _time(commit)
    if "quiet" in rules.closes and now - last > timedelta(days=rules.quiet_days):
        return "quiet"
    if "week" in rules.closes and now > last and _week(now) != _week(last):
        return f"week {_week(last)[0]}-{_week(last)[1]:02d}"
    return ""


def _time(commit: LoggedCommit) -> datetime:
    return datetime.fromisoformat(commit.committed)


def _week(time: datetime) -> tuple[int, int]:
    """The ISO year and week of a time, as its own zone has it."""
    return time.isocalendar()[:2]
