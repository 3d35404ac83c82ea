"""Readers' words move the focus: gaps in code that messages name rank higher."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from copydesk.agent.community.code_mentions import CodeIndex, FileNames, Mention, Place, names_in
from copydesk.agent.community.topics import WAITING
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.feedback import BY_AUTHOR, BY_BOT, FeedbackMessage
from copydesk.agent.desk.gaps import Rank
from copydesk.agent.git import repository as git
from copydesk.agent.git.commit import Commit
from copydesk.agent.records import Gap
from copydesk.agent.source_text import decode_source
from copydesk.agent.text import plural

LOWEST, HIGHEST = 0.5, 0.8
"""A gap in code that one person named today ranks as one of risk .65 at least, and as one of .8 at
most, however many named it: half of the way to the highest for each person."""
TRACEBACK_RISK = 1.0
"""The rank of a gap whose uncovered lines a reported traceback goes through: it is a defect, so
nothing has to be predicted. No prediction reaches it."""
HALF_LIFE = 21.0
"""Days in which a naming loses half of its weight, as in the priority of topics."""

_DAY = 86_400.0
_OLDEST = 180.0
_READ = "reader: "
"""How reasons begin that come from here, so that they are not added twice."""


class Naming(NamedTuple):
    """Who named a place of the code."""

    messages: int
    people: int
    newest: float
    frame_lines: frozenset[int]

    @property
    def least_risk(self) -> float:
        """The risk that a gap there ranks as at least."""
        weight = (1 - math.pow(0.5, self.people)) * math.pow(0.5, self.newest / HALF_LIFE)
        return LOWEST + (HIGHEST - LOWEST) * weight


def raise_gaps(db: Database, commit: Commit, now: float) -> int:
    """Rank the gaps of a measured commit higher that lie in code which readers named.

    Args:
        db: The open desk.
        commit: The measured commit.
        now: Unix time, from which the age of messages is counted.

    Returns:
        How many gaps were raised.
    """
    recent = db.feedback.messages(since=now - _OLDEST * _DAY)
    messages = [message for message in recent if _counts(message)]
    gaps = db.gaps.of_commit(commit.sha) if messages else []
    if not gaps:
        return 0
    namings = _namings(code_index(db, commit), messages, now)
    ranks = []
    for gap in gaps:
        naming = namings.get(Place(gap.path, gap.function))
        if naming is not None:
            ranks.append(_raised(gap, naming))
    db.gaps.rank(commit.sha, ranks)
    return len(ranks)


def code_index(db: Database, commit: Commit) -> CodeIndex:
    """The names that a commit's tree gives, read once for each version of a file."""
    blobs = {path: entry.blob for path, entry in commit.tree.items() if path.endswith(".py")}
    contents: dict[str, bytes] = {}

    def compute(blob: str) -> FileNames:
        return names_in(decode_source(contents.get(blob, b"")))

    cache = db.content_cache("code-names/2", compute)
    contents.update(git.read_blobs(commit.repo, cache.fetch(blobs.values())))
    names = {path: FileNames(*cache(blob)) for path, blob in blobs.items()}
    cache.save()
    return CodeIndex(names, commit.tree.keys() - names.keys())


def _counts(message: FeedbackMessage) -> bool:
    """Whether a message is a reader's and waits for something."""
    return message.kind in WAITING and not message.flags & (BY_AUTHOR | BY_BOT)


def _namings(
    index: CodeIndex, messages: Iterable[FeedbackMessage], now: float
) -> dict[Place, Naming]:
    """Who named each place; what is ambiguous counts for none."""
    named: dict[Place, list[tuple[FeedbackMessage, Mention]]] = defaultdict(list)
    for message in messages:
        for mention in index.mentions(message.text):
            if not mention.is_ambiguous:
                named[mention.places[0]].append((message, mention))
    return {place: _naming(pairs, now) for place, pairs in named.items()}


def _naming(pairs: list[tuple[FeedbackMessage, Mention]], now: float) -> Naming:
    people = {message.person or -message.id for message, _ in pairs}
    frames = {
        mention.line
        for message, mention in pairs
        if mention.kind == "frame" and message.kind == "bug report"
    }
    newest = max(message.created_at for message, _ in pairs)
    messages = {message.id for message, _ in pairs}
    return Naming(len(messages), len(people), max(0.0, (now - newest) / _DAY), frozenset(frames))


def _raised(gap: Gap, naming: Naming) -> Rank:
    age = "today" if naming.newest < 1 else f"{plural(int(naming.newest), 'day')} ago"
    reason = (
        f"{_READ}named in {plural(naming.messages, 'message')} of"
        f" {plural(naming.people, 'person', 'people')}, newest {age}"
    )
    risk = max(gap.risk, naming.least_risk)
    if naming.frame_lines & set(gap.lines):
        risk = TRACEBACK_RISK
        reason = f"{_READ}a reported traceback goes through its uncovered lines"
    own_reasons = [text for text in gap.reasons if not text.startswith(_READ)]
    return Rank(gap, risk, [reason, *own_reasons])
