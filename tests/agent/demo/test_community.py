"""The loop closed: a post, what readers say of it, a moved gap, and the next story."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner

from copydesk.agent.cli.demo import demo
from copydesk.agent.community.responses import ResponseFinder, known_posts
from copydesk.agent.demo import community, project
from copydesk.agent.desk.publishing import PlannedPart
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git import repository as git
from copydesk.agent.progress import Progress, silent
from copydesk.agent.records import Draft


class Paper:
    """A screen that keeps everything."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def step(self, title: str) -> None:
        self.shown.append(title)

    def say(self, text: str) -> None:
        self.shown.append(text)

    def table(
        self, _headings: Sequence[str], rows: Sequence[Sequence[str]], _right: Sequence[int]
    ) -> None:
        self.shown += [" | ".join(row) for row in rows]

    def draft(self, draft: Draft, limit: int | None) -> None:
        self.shown.append(draft.title)

    def progress(self, _text: str) -> AbstractContextManager[Progress]:
        return nullcontext(silent)


def test_what_readers_say_moves_a_gap_and_the_next_story(tmp_path: Path) -> None:
    paper = Paper()
    result = community.community_demo(paper, tmp_path / "project")
    assert result.missed == ()
    assert result.messages == 9
    assert set(result.topics) == {"threshold", "confidence"}
    assert result.raised == 2
    shown = "\n".join(paper.shown)
    assert "predict.py::confidence | 1.00 | reader: a reported traceback" in shown
    assert "13 votes" in shown
    assert "Which should come first: " in shown
    assert "answer: A reader still waits for an answer: “Is there a way" in shown


def test_a_story_that_was_sent_finds_its_answers_and_votes(tmp_path: Path) -> None:
    with project.without_user_git_config(tmp_path):
        repo = project.create(tmp_path / "project")
        project.commit(repo, "A small stock predictor")
        with open_desk(repo.desk) as db:
            now = 1_795_000_000.0
            sha = git.resolve(repo, "HEAD")
            row = Draft(0, "devlog", "ready", sha, "Buy or sell", "template", "", "It says buy.")
            draft = db.drafts.add(row)
            db.sent_parts.plan(
                draft,
                "discord",
                [
                    PlannedPart("hook", {"thread_name": "Predictor"}),
                    PlannedPart("poll", {"poll": {}}),
                ],
            )
            for part, message in zip(
                db.sent_parts.last_round(draft, "discord"), (1, 2), strict=True
            ):
                db.sent_parts.begin(part)
                db.sent_parts.sent(
                    part,
                    thread_id="1400000000000000001",
                    message_id=str(1400000000000000000 + message),
                )
            db.execute("UPDATE sent_parts SET sent_at = '2026-11-10T18:00:30+00:00'")
            inbox = repo.desk / "inbox"
            inbox.mkdir()
            for path in community.READERS.glob("*.json"):
                (inbox / path.name).write_bytes(path.read_bytes())
            list(community.import_waiting(db, [inbox], silent))
            community.label_messages(db, silent)
            (post,) = [p for p in known_posts(db) if p.story == str(draft)]
            assert [part.kind for part in post.parts] == ["hook", "poll"]
            response = ResponseFinder(db).response(post, now)
            assert response.voters == 13
            assert len(response.windows[0].messages) == 7
            assert len(known_posts(db)) == 1


@pytest.mark.slow
def test_the_command_says_what_came_of_it(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        demo, ["--community", "--folder", str(tmp_path / "project"), "--json"]
    )
    assert result.exit_code == 0, result.output
    outcome = json.loads(result.stdout)
    assert outcome["missed"] == []
    assert "poll" in outcome["offers"]


def test_what_is_missing_is_said() -> None:
    assert community._missed(0, 0, ("topic",)) == (
        "no message came in",
        "no gap was moved by what readers said",
        "no hook is offered",
        "no poll is offered",
        "no question is offered",
    )
