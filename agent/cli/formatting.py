"""Values as text for people: times, shas, line numbers, and what stands behind a draft."""

from __future__ import annotations

import os
from pathlib import Path

from copydesk.agent.desk.measures import ProjectTotal
from copydesk.agent.records import Json
from copydesk.agent.review.draft_words import branch_text as branch_text
from copydesk.agent.review.draft_words import draft_subject as draft_subject
from copydesk.agent.review.draft_words import duration as duration
from copydesk.agent.review.draft_words import evidence_lines as evidence_lines
from copydesk.agent.review.draft_words import evidence_summary as evidence_summary
from copydesk.agent.review.draft_words import short_age as short_age
from copydesk.agent.review.draft_words import short_sha as short_sha
from copydesk.agent.review.draft_words import time_ago as time_ago
from copydesk.agent.text import percent, plural

_ORDER = ("ready", "asks", "not_run", "discarded", "accepted", "rejected", "superseded")


def project_words(project: ProjectTotal) -> str:
    """What a measure says of one of several projects: its total, its tests, what is wrong."""
    share = "no total" if project.percent is None else f"{percent(project.percent)} covered"
    words = [f"{share} ({project.covered:,} of {project.executable:,})"]
    words.append(plural(project.total, "test"))
    if project.failed:
        words.append(f"{project.failed:,} failed")
    return ", ".join([*words, *project.doubts])


def project_as_json(project: ProjectTotal) -> Json:
    """The same as plain values."""
    return project._asdict() | {"doubts": list(project.doubts)}


def draft_counts(counts: dict[str, int]) -> str:
    """How many drafts there are: "2 ready, 1 rejected"."""
    words = [f"{counts[state]} {state.replace('_', ' ')}" for state in _ORDER if counts.get(state)]
    return ", ".join(words) or "none"


def shortest_path(path: Path) -> str:
    """A path as seen from the current folder, where that is shorter."""
    near = os.path.relpath(path)
    return near if len(near) < len(str(path)) else str(path)
