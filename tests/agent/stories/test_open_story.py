"""One story grows with the commits, until something closes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from copydesk.agent.config import Project
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.drafts import Decision
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import find
from copydesk.agent.records import Draft
from copydesk.agent.review import decisions
from copydesk.agent.stories.open_story import StoryDesk, update_stories, write_span
from copydesk.agent.stories.stored_stories import StoredStory, load_story

Commit = Callable[..., str]
Git = Callable[..., str]


@pytest.fixture(autouse=True)
def _one_day(monkeypatch: pytest.MonkeyPatch) -> None:
    on_day(monkeypatch, 20)


def on_day(monkeypatch: pytest.MonkeyPatch, day: int) -> None:
    for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.setenv(name, f"2026-11-{day:02d}T10:00:00+01:00")


@pytest.fixture
def desk(repo: Path) -> Iterator[StoryDesk]:
    with open_desk(find(repo).desk) as db:
        yield StoryDesk(find(repo), db, Project(), lambda _: None)


def feature(name: str) -> str:
    return f'def {name}():\n    """Do {name}."""\n'


def waiting(db: Database) -> list[Draft]:
    return db.drafts.find(kind="devlog")


def story_of(desk: StoryDesk, sha: str) -> StoredStory:
    story = update_stories(desk, sha)
    assert story is not None
    return story


def test_one_story_grows_with_the_commits(repo: Path, commit: Commit, desk: StoryDesk) -> None:
    first = commit(repo, {"one.py": feature("one")}, "Add one")
    story = story_of(desk, first)
    second = commit(repo, {"two.py": feature("two")}, "Add two")
    grown = story_of(desk, second)
    assert (grown.id, grown.span.first, grown.span.last) == (story.id, first, second)
    [draft] = waiting(desk.db)
    assert (draft.id, draft.commit) == (story.draft_id, second)
    assert "`one` is new" in draft.content
    assert "`two` is new" in draft.content
    assert draft.evidence["verdict"] == "checked"
    assert draft.evidence["notes"] == ["nobody has said why; `copydesk note TEXT` does"]
    assert story_of(desk, first) == story_of(desk, second) == grown  # out of turn, and again


def test_too_little_waits_for_more(repo: Path, commit: Commit, desk: StoryDesk) -> None:
    little = commit(repo, {"docs/a.md": "x"}, "Mend a typo")
    assert update_stories(desk, little) is None
    assert waiting(desk.db) == []
    assert update_stories(replace(desk, project=Project(story_closes=())), little) is None
    more = commit(repo, {"one.py": feature("one")}, "Add one")
    story = story_of(desk, more)
    assert (story.span.first, story.span.last) == (little, more)


def test_what_was_too_little_goes_into_the_next_part(
    repo: Path, commit: Commit, git: Git, desk: StoryDesk
) -> None:
    first = commit(repo, {"one.py": feature("one")}, "Add one")
    git(repo, "tag", "v1")
    story_of(desk, first)
    typo = commit(repo, {"docs/a.md": "x"}, "Mend a typo")
    git(repo, "tag", "-a", "-m", "", "docs-only")  # a tag is something to tell
    last = commit(repo, {"docs/a.md": "y"}, "Mend another")
    stories = [load_story(desk.db, d.id) for d in (update_stories(desk, last), waiting(desk.db))[1]]
    assert [(s.closed_by, s.span.last) for s in stories] == [
        *(("tag v1", first), ("tag docs-only", typo)),
    ]


def test_a_tag_closes_a_story(repo: Path, commit: Commit, git: Git, desk: StoryDesk) -> None:
    first = commit(repo, {"one.py": feature("one")}, "Add one")
    growing = story_of(desk, first)
    git(repo, "tag", "v1.0")
    second = commit(repo, {"two.py": feature("two")}, "Add two")
    after = story_of(desk, second)
    closed = load_story(desk.db, growing.draft_id)
    assert (closed.closed_by, closed.span.last) == ("tag v1.0", first)
    assert closed.story.title == "What is new in v1.0"
    assert (after.span.since, after.closed_by) == (first, "")
    assert "`one` is new" not in desk.db.drafts.get(after.draft_id).content


@pytest.mark.parametrize(
    ("closes", "why"), [(("quiet",), "quiet"), (("week",), "week 2026-45"), ((), "")]
)
def test_a_pause_closes_a_story(
    repo: Path,
    commit: Commit,
    desk: StoryDesk,
    monkeypatch: pytest.MonkeyPatch,
    closes: tuple[str, ...],
    why: str,
) -> None:
    desk = replace(desk, project=Project(story_closes=closes, story_quiet_days=5))
    on_day(monkeypatch, 2)
    growing = story_of(desk, commit(repo, {"one.py": feature("one")}, "Add one"))
    on_day(monkeypatch, 9)
    update_stories(desk, commit(repo, {"two.py": feature("two")}, "Add two"))
    assert load_story(desk.db, growing.draft_id).closed_by == why


def test_the_editors_text_is_never_written_over(
    repo: Path, commit: Commit, desk: StoryDesk
) -> None:
    growing = story_of(desk, commit(repo, {"one.py": feature("one")}, "Add one"))
    text = "# Mine\n\n## News\n\nIt has one.\nIt has 17 rows.\nThe best ever.[^mine]\n"
    edited = decisions.edit(desk.repo, desk.db, growing.draft_id, text)
    assert edited.evidence["verdict"] == "doubtful"
    last = commit(repo, {"two.py": feature("two")}, "Add two\n\nStory: People asked for two.")
    story = story_of(desk, last)
    assert desk.db.drafts.get(growing.draft_id).content == text
    assert story.state == "edited"
    assert [problem.token for problem in story.problems] == ["17"]
    assert {fact.kind for fact in story.offered} == {"api added", "commit", "note"}
    assert not {fact.id for fact in story.offered} & {fact.id for fact in story.facts}
    shown = desk.db.drafts.get(growing.draft_id).evidence["offered"]
    assert any("People asked for two." in fact["text"] for fact in shown)
    assert story_of(desk, last) == story
    again = decisions.edit(desk.repo, desk.db, growing.draft_id, text + "It has `two`, too.\n")
    assert again.evidence["offered"] == []
    assert [p["token"] for p in again.evidence["problems"]] == ["17"]


def test_an_edit_that_is_taken_back(repo: Path, commit: Commit, desk: StoryDesk) -> None:
    growing = story_of(desk, commit(repo, {"one.py": feature("one")}, "Add one"))
    decisions.edit(desk.repo, desk.db, growing.draft_id, "# Mine\n")
    decisions.undo(desk.repo, desk.db, growing.draft_id)
    assert load_story(desk.db, growing.draft_id).story == growing.story


def test_an_approved_story_is_followed_by_another(
    repo: Path, commit: Commit, desk: StoryDesk
) -> None:
    first = commit(repo, {"one.py": feature("one")}, "Add one")
    growing = story_of(desk, first)
    decisions.accept(desk.repo, desk.db, growing.draft_id)
    approved = load_story(desk.db, growing.draft_id)
    assert (approved.state, approved.closed_by) == ("approved", "approved")
    assert update_stories(desk, first) is None
    second = commit(repo, {"two.py": feature("two")}, "Add two")
    after = story_of(desk, second)
    assert (after.span.since, after.id != growing.id) == (first, True)
    decisions.undo(desk.repo, desk.db, growing.draft_id)
    assert load_story(desk.db, growing.draft_id).closed_by == "approved"  # another grows by now


def test_an_approval_that_is_taken_back_lets_it_grow(
    repo: Path, commit: Commit, desk: StoryDesk
) -> None:
    growing = story_of(desk, commit(repo, {"one.py": feature("one")}, "Add one"))
    decisions.accept(desk.repo, desk.db, growing.draft_id)
    decisions.undo(desk.repo, desk.db, growing.draft_id)
    assert load_story(desk.db, growing.draft_id).closed_by == ""


def test_the_commits_of_a_rejected_story_are_told_by_the_next(
    repo: Path, commit: Commit, desk: StoryDesk
) -> None:
    first = commit(repo, {"one.py": feature("one")}, "Add one")
    growing = story_of(desk, first)
    decisions.reject(desk.repo, desk.db, growing.draft_id, "dull")
    second = commit(repo, {"two.py": feature("two")}, "Add two")
    assert story_of(desk, second).span.last == second


def test_notes_are_told_once(repo: Path, commit: Commit, desk: StoryDesk) -> None:
    first = commit(repo, {"one.py": feature("one")}, "Add one")
    growing = story_of(desk, first)
    desk.db.stories.add_note("One was missing.", subject="one")
    story_of(desk, first)
    assert "On `one`: “One was missing.”" in desk.db.drafts.get(growing.draft_id).content
    decisions.accept(desk.repo, desk.db, growing.draft_id)
    after = story_of(desk, commit(repo, {"two.py": feature("two")}, "Add two"))
    assert "missing" not in desk.db.drafts.get(after.draft_id).content


def test_entries_of_single_commits_go_into_the_story(
    repo: Path, commit: Commit, desk: StoryDesk
) -> None:
    shas = [commit(repo, {f"m{n}.py": feature(f"do_{n}")}, f"Add {n}") for n in range(4)]
    entry = Draft(0, "devlog", "ready", "", "T", "template", "outbox/x.md", "text")
    ids = [desk.db.drafts.add(replace(entry, commit=sha)) for sha in shas]
    desk.db.drafts.decide(desk.db.drafts.get(ids[0]), Decision("accept", "accepted"))
    desk.db.drafts.decide(desk.db.drafts.get(ids[2]), Decision("edit", "ready"), content="mine")
    story = story_of(desk, shas[-1])
    assert (story.span.since, story.span.first) == (shas[0], shas[1])
    states = [desk.db.drafts.get(identity).state for identity in ids]
    assert states == ["accepted", "superseded", "ready", "superseded"]
    assert [desk.db.drafts.get(identity).content for identity in ids[1:3]] == ["text", "mine"]


def test_an_upgrade_begins_with_the_oldest_entry_that_waits(
    repo: Path, commit: Commit, desk: StoryDesk
) -> None:
    before = commit(repo, {"m.py": feature("m")})
    shas = [commit(repo, {f"m{n}.py": feature(f"do_{n}")}, f"Add {n}") for n in range(3)]
    entry = Draft(0, "devlog", "ready", shas[0], "T", "template", "outbox/x.md", "text")
    desk.db.drafts.add(entry)
    assert story_of(desk, shas[-1]).span.since == before


def test_a_history_that_was_rewritten(
    repo: Path, commit: Commit, git: Git, desk: StoryDesk
) -> None:
    base = git(repo, "rev-parse", "HEAD")
    growing = story_of(desk, commit(repo, {"one.py": feature("one")}, "Add one"))
    git(repo, "commit", "-q", "--amend", "-m", "Add the one")
    amended = git(repo, "rev-parse", "HEAD")
    story = story_of(desk, amended)
    assert (story.id, story.span.since, story.span.last) == (growing.id, base, amended)


def test_the_first_commit_of_all(repo: Path, git: Git, desk: StoryDesk) -> None:
    first = git(repo, "rev-parse", "HEAD")
    story = story_of(desk, first)
    assert story.span == ("", first, first)


def test_a_story_by_hand_takes_the_place_of_the_one_that_grew(
    repo: Path, commit: Commit, desk: StoryDesk
) -> None:
    base = commit(repo, {"m.py": feature("m")})
    shas = [commit(repo, {f"m{n}.py": feature(f"do_{n}")}, f"Add {n}") for n in range(3)]
    desk.db.stories.add_note("It was time.")
    growing = story_of(desk, shas[-1])
    story = write_span(desk, shas, since=base)
    assert (story.draft_id, story.closed_by) == (growing.draft_id, "hand")
    assert "It was time." in desk.db.drafts.get(story.draft_id).content
    assert write_span(desk, shas, since=base).draft_id == story.draft_id
    part = write_span(desk, shas[:1], since=base)
    assert part.draft_id != story.draft_id
    assert len(waiting(desk.db)) == 2
    decisions.edit(desk.repo, desk.db, part.draft_id, "# Mine\n")
    assert write_span(desk, shas[:1], since=base).draft_id != part.draft_id


def test_a_burst_leaves_one_story(repo: Path, commit: Commit, git: Git, desk: StoryDesk) -> None:
    for number in range(12):
        last = commit(repo, {f"m{number % 4}.py": feature(f"do_{number}")}, f"Step {number}")
        if number % 5 == 0:
            update_stories(desk, last)
    story_of(desk, last)
    assert len(waiting(desk.db)) == 1
