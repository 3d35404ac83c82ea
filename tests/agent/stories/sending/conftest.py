"""A desk with a story's draft."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.records import Draft, Picture, Poll, Sentence, Story


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """An open desk."""
    with open_desk(tmp_path / "desk") as opened:
        yield opened


@pytest.fixture
def add_draft(db: Database) -> Callable[[str], int]:
    """Put a story's text on the desk: its draft's id."""

    def add(sha: str = "a" * 40) -> int:
        return db.drafts.add(Draft(0, "devlog", "accepted", sha, "T", "template", "o.md", "x"))

    return add


@pytest.fixture
def story() -> Story:
    """A story of six parts: the hook, two of text, a picture, the question, the poll."""
    long = tuple(
        Sentence(f"Sentence {n} tells what changed this week, and why.", ()) for n in range(60)
    )
    question = Sentence("What next?", ())
    return Story(
        title="A week",
        date="2026-11-24",
        origin="template",
        hook=Sentence("Rows are read one by one now.", ()),
        sections=(("What changed", long),),
        question=question,
        poll=Poll(Sentence("Which?", ()), (Sentence("Rows", ()), Sentence("Columns", ()))),
        pictures=(Picture("coverage", Sentence("Coverage rose.", ()), "<svg/>", b"\x89PNG"),),
    )
