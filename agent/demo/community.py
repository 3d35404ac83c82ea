"""The demonstration of the feedback loop: a post, what readers say, and the next story.

Offline: the post counts as sent to the thread that the shipped exports are of.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from copydesk.agent.community.import_files import add_own_names
from copydesk.agent.community.inbox import import_waiting
from copydesk.agent.community.inbox_folders import inbox_folders
from copydesk.agent.community.label_messages import label_messages
from copydesk.agent.community.offers import Offer, offers
from copydesk.agent.community.priority import Constants
from copydesk.agent.community.responses import ResponseFinder, known_posts
from copydesk.agent.community.topics import open_questions, rank_topics, save_tags
from copydesk.agent.coverage.measure import measure
from copydesk.agent.demo import project
from copydesk.agent.demo.run import Screen, demo_folder
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.commit import Commit
from copydesk.agent.git.repository import Repository, resolve
from copydesk.agent.progress import silent
from copydesk.agent.scoring.reader_needs import raise_gaps
from copydesk.agent.text import plural

READERS = Path(__file__).parent / "readers"
TAGS = {"confidence": ("confidence", "trust"), "threshold": ("threshold",)}
_TIME = re.compile(r'"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00)"')
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class CommunityResult:
    """What the demonstration came to; `missed` is empty when all is well."""

    folder: Path
    messages: int
    topics: tuple[str, ...]
    raised: int
    offers: tuple[str, ...]
    missed: tuple[str, ...]


def community_demo(screen: Screen, folder: Path | None = None) -> CommunityResult:
    """Show how what readers say moves gaps and the next story, in a sample repository.

    Args:
        screen: Where to show it.
        folder: Where to make the repository; a new temporary folder when left out.

    Raises:
        CopydeskError: The folder is not empty, or a step failed.
    """
    target = demo_folder(folder)
    with project.without_user_git_config(target):
        repo = project.create(target)
        project.commit(repo, "A small stock predictor")
        with open_desk(repo.desk) as db:
            return _show(screen, repo, db)


def _show(screen: Screen, repo: Repository, db: Database) -> CommunityResult:
    commit = Commit(repo, resolve(repo, "HEAD"))
    screen.step("A measured commit, and what to test first by its own risk")
    with screen.progress("measuring") as progress:
        measure(db, commit, say=progress)
    _show_gaps(screen, db, commit)
    screen.step("What readers said, dropped into the inbox: an export of the thread, and its poll")
    now = time.time()
    messages = _drop_and_import(screen, repo, db, now)
    screen.step("What they wait for, and why")
    topics = rank_topics(db, now, Constants())
    screen.table(
        ("topic", "priority", "people", "ask or displeased", "open questions"),
        [
            (
                *(t.name, f"{t.priority.value:.2f}", str(t.priority.people)),
                *(str(t.priority.needing), str(len(t.priority.open_messages))),
            )
            for t in topics
        ],
        (1, 2, 3, 4),
    )
    screen.step("Their words move what to test first")
    raised = raise_gaps(db, commit, now)
    _show_gaps(screen, db, commit)
    _show_responses(screen, db, now)
    reader_offers = offers(topics, open_questions(db))
    _show_offers(screen, reader_offers)
    names = tuple(topic.name for topic in topics)
    kinds = tuple(offer.kind for offer in reader_offers)
    return CommunityResult(
        *(repo.worktree, messages, names, raised, kinds), _missed(messages, raised, kinds)
    )


def _drop_and_import(screen: Screen, repo: Repository, db: Database, now: float) -> int:
    add_own_names(db, ["sam"])
    save_tags(db, TAGS)
    (inbox,) = inbox_folders(repo.desk, "")
    inbox.mkdir(parents=True, exist_ok=True)
    for path in sorted(READERS.glob("*.json")):
        (inbox / path.name).write_text(recent(path.read_text("utf-8"), now), "utf-8")
    count = 0
    for imported in import_waiting(db, [inbox], silent):
        screen.say(f"{imported.path.name}: {plural(imported.new, 'new message')}")
        count += imported.new
    label_messages(db, silent)
    rows = [
        (message.kind, message.tone or "not told", " ".join(message.text.split())[:60])
        for message in db.feedback.messages()
    ]
    screen.table(("kind", "tone", "message"), rows, ())
    return count


def recent(text: str, now: float) -> str:
    """A shipped export as if it were of yesterday: all its times moved by the same span."""
    times = [datetime.fromisoformat(match).timestamp() for match in _TIME.findall(text)]
    exported = datetime.fromisoformat(json.loads(_EXPORTED)).timestamp()
    shift = now - _DAY - max([exported, *times])

    def moved(match: re.Match[str]) -> str:
        moment = datetime.fromisoformat(match[1]).timestamp() + shift
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(moment))
        return f'"{stamp}"'

    return _TIME.sub(moved, text)


_EXPORTED = '"2026-11-13T10:00:00+00:00"'
"""When the shipped exports were made: all of them move by the same span."""


def _show_gaps(screen: Screen, db: Database, commit: Commit) -> None:
    rows = [
        (f"{gap.path}::{gap.function}", f"{gap.risk:.2f}", "; ".join(gap.reasons))
        for gap in db.gaps.of_commit(commit.sha)[:6]
    ]
    screen.table(("function", "risk", "why"), rows, (1,))


def _show_responses(screen: Screen, db: Database, now: float) -> None:
    screen.step("What was posted, and what came back")
    finder = ResponseFinder(db)
    for post in known_posts(db):
        response = finder.response(post, now)
        week = response.windows[0]
        screen.say(
            f"{post.title}: {plural(week.responders, 'person', 'people')} within 7 days,"
            f" {plural(response.voters or 0, 'vote')}, {plural(len(week.unanswered), 'question')}"
            " without your answer"
        )


def _show_offers(screen: Screen, made: list[Offer]) -> None:
    screen.step("What the next story could take up: copydesk feedback offers")
    for offer in made:
        screen.say(f"{offer.kind}: {offer.text}")
        for option in offer.options:
            screen.say(f"   - {option}")


def _missed(messages: int, raised: int, kinds: tuple[str, ...]) -> tuple[str, ...]:
    missed = []
    if not messages:
        missed.append("no message came in")
    if not raised:
        missed.append("no gap was moved by what readers said")
    missing = {"topic", "hook", "question", "poll"} - set(kinds)
    missed += [f"no {kind} is offered" for kind in sorted(missing)]
    return tuple(missed)
