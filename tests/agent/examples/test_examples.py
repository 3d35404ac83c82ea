"""Examples of a story are run in the sandbox, and again before the story leaves the desk."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from copydesk.agent.config import Project
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.examples import ExampleSearch
from copydesk.agent.examples import tell_examples as tell
from copydesk.agent.examples import verify_examples as verify
from copydesk.agent.examples.run_calls import run_calls
from copydesk.agent.git.repository import find, set_config
from copydesk.agent.records import Draft, Target
from copydesk.agent.review import decisions
from copydesk.agent.sandbox.records import Capability, Tier
from copydesk.agent.sandbox.tier import detect
from copydesk.agent.stories.channels import devlog
from copydesk.agent.stories.check_story import MINE, check
from copydesk.agent.stories.edited_story import take_text
from copydesk.agent.stories.open_story import StoryDesk, update_stories
from copydesk.agent.stories.publish import accept_red, check_red
from copydesk.agent.stories.stored_stories import StoredStory, load_story, save_story
from copydesk.agent.testgen.project import open_workspace

Commit = Callable[..., str]

SCALE = '''def scale(rows, by=2):
    """Multiply rows.

    >>> scale([1, 2])
    [2, 4]
    """
    return [row * by for row in rows]
'''


@pytest.fixture
def desk(repo: Path) -> Iterator[StoryDesk]:
    found = find(repo)
    set_config(found, "copydesk.python", sys.executable)
    capability = detect("auto", outside=(found.worktree,))
    if capability.tier is not Tier.FULL:
        pytest.skip(f"examples are run in tier full here: {capability.reason}")
    with open_desk(found.desk) as db:
        yield StoryDesk(found, db, Project(), lambda _: None)


def told(desk: StoryDesk, sha: str, **how: object) -> StoredStory:
    story = update_stories(desk, sha)
    assert story is not None
    search = ExampleSearch(desk.repo, desk.db, desk.say, **how)  # type: ignore[arg-type]
    tell(search, story.draft_id)
    return load_story(desk.db, story.draft_id)


def test_a_doctest_of_what_is_new_is_run_and_shown(
    repo: Path, commit: Commit, desk: StoryDesk
) -> None:
    sha = commit(repo, {"rows.py": SCALE}, "Add scale")
    story = told(desk, sha)
    [example] = story.story.examples
    assert example.code == "from rows import scale\nscale([1, 2])"
    assert (example.result, example.before) == ("[2, 4]", None)
    assert story.problems == ()
    fact = next(fact for fact in story.facts if fact.kind == "example")
    assert (fact.values["sha"], fact.values["tier"]) == (sha, "full")
    assert "copydesk_tools.examples" in str(fact.values["command"])
    text = devlog.render(story.story, story.facts)
    assert ">>> from rows import scale\n>>> scale([1, 2])\n[2, 4]" in text
    assert update_stories(desk, sha) == story  # nothing new: the example stays


def test_a_name_is_imported_from_where_readers_do(
    repo: Path, commit: Commit, desk: StoryDesk
) -> None:
    face = "from pkg.rows import scale\n\n__all__ = ['scale']\n"
    sha = commit(repo, {"pkg/rows.py": SCALE, "pkg/__init__.py": face}, "Add scale")
    [example] = told(desk, sha).story.examples
    assert example.code == "from pkg import scale\nscale([1, 2])"


def test_of_what_cannot_be_imported_nothing_is_run(
    repo: Path, commit: Commit, desk: StoryDesk
) -> None:
    lines: list[str] = []
    sha = commit(repo, {"rows.py": f"import not_there_at_all\n\n\n{SCALE}"}, "Add scale")
    assert told(replace(desk, say=lines.append), sha).story.examples == ()
    error = "ModuleNotFoundError: No module named 'not_there_at_all'"
    assert f"no example of scale: {error}" in lines


def test_what_gives_something_else_now_shows_both(
    repo: Path, commit: Commit, desk: StoryDesk
) -> None:
    first = commit(repo, {"rows.py": SCALE}, "Add scale")
    update_stories(desk, first)
    desk.db.stories.close(desk.db.drafts.find(kind="devlog")[0].id, "hand")
    later = SCALE.replace("row * by", "row * by + 1")
    second = commit(repo, {"rows.py": later}, "fix: count from one")
    story = told(desk, second)
    [example] = story.story.examples
    assert (example.result, example.before) == ("[3, 5]", "[2, 4]")  # what came back, not the text
    changed = dict(story.story.sections)["What changed"]
    assert [sentence.text for sentence in changed] == [
        "`scale` in `rows.py` gives another result than before."
    ]
    assert check(story.story, story.facts) == []
    assert "Before, the same call gave:" in devlog.render(story.story, story.facts)
    assert verify(desk.repo, desk.db, story.draft_id).problems == ()


def test_a_name_that_could_not_be_imported_before_is_no_other_result(
    repo: Path, commit: Commit, desk: StoryDesk
) -> None:
    first = commit(repo, {"pkg/rows.py": SCALE, "pkg/__init__.py": ""}, "Add scale")
    update_stories(desk, first)
    desk.db.stories.close(desk.db.drafts.find(kind="devlog")[0].id, "hand")
    files = {
        "pkg/rows.py": SCALE.replace("by=2", "by=2, start=0"),
        "pkg/__init__.py": "from pkg.rows import scale\n\n__all__ = ['scale']\n",
    }
    [example] = told(desk, commit(repo, files, "feat: scale from a start")).story.examples
    assert (example.code, example.before) == ("from pkg import scale\nscale([1, 2])", None)


def test_the_tests_on_the_desk_and_the_drafters_search_give_calls(
    repo: Path, commit: Commit, desk: StoryDesk
) -> None:
    files = {
        "a.py": "def double(number: int) -> int:\n    return number * 2\n",
        "b.py": "def shout(text: str) -> str:\n    return text.upper() + '!'\n",
    }
    sha = commit(repo, files, "Add double and shout")
    content = "from a import double\n\n\ndef test_double():\n    assert double(21) == 42\n"
    draft = Draft(
        0, "test", "ready", sha, "double", "embedded", "test_a.py", content,
        Target("a.py", "double", (2,)), {"verdict": "verified"},
    )  # fmt: skip
    desk.db.drafts.add(draft)
    story = told(desk, sha)
    of_double, of_shout = story.story.examples
    assert of_double.code == "from a import double\ndouble(21)"
    assert of_double.result == "42"
    assert of_shout.code.startswith("from b import shout\nshout('")
    assert of_shout.result.endswith("!'")


def test_an_empty_result_is_shown_only_where_there_is_no_other(
    repo: Path, commit: Commit, desk: StoryDesk
) -> None:
    first = 'def first(rows, n):\n    """Take rows.\n\n'
    calls = "    >>> first([1, 2, 3], n=0)\n    []\n"
    more = "    >>> first([1, 2, 3], n=2)\n    [1, 2]\n"
    body = '    """\n    return rows[:n]\n'
    none = body.replace("rows[:n]", "[rows[:0] for _ in ()]")
    files = {
        "a.py": first + calls + more + body,
        "b.py": first.replace("first", "none") + calls.replace("first", "none") + none,
    }
    story = told(desk, commit(repo, files, "Add first and none"))
    assert [(e.code.partition("\n")[2], e.result) for e in story.story.examples] == [
        ("first([1, 2, 3], n=2)", "[1, 2]"),
        ("none([1, 2, 3], n=0)", "[]"),
    ]


def test_what_is_not_steady_or_fails_gives_no_example(
    repo: Path, commit: Commit, desk: StoryDesk
) -> None:
    source = (
        "import os\n\n\ndef _doc(name):\n    pass\n\n\n"
        'def number():\n    """Give one.\n\n    >>> number()\n    1\n    """\n'
        "    return os.getpid() + hash('x')\n\n\n"
        'def broken():\n    """Give two.\n\n    >>> broken()\n    2\n    """\n'
        "    raise KeyError(1)\n"
    )
    sha = commit(repo, {"odd.py": source}, "Add odd things")
    story = told(desk, sha)
    assert story.story.examples == ()
    draft = desk.db.drafts.get(story.draft_id)
    assert any(note.startswith("No example was run: of ") for note in draft.evidence["notes"])


def test_without_a_sandbox_nothing_is_run_and_the_evidence_says_so(
    repo: Path, commit: Commit, desk: StoryDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = commit(repo, {"rows.py": SCALE}, "Add scale")
    workspace = "copydesk.agent.testgen.project.workspace.detect"
    none = Capability(Tier.NONE, "bubblewrap is not installed")
    with monkeypatch.context() as patched:
        patched.setattr(workspace, lambda *_, **__: none)
        story = told(desk, sha)
    assert story.story.examples == ()
    [note] = [n for n in desk.db.drafts.get(story.draft_id).evidence["notes"] if "example" in n]
    assert note == ("No example was run: there is no sandbox here: bubblewrap is not installed.")


def test_nothing_is_looked_for_once_it_is_not_wanted_or_time_is_up(
    repo: Path, commit: Commit, desk: StoryDesk
) -> None:
    sha = commit(repo, {"rows.py": SCALE}, "Add scale")
    story = told(desk, sha, is_wanted=lambda: False)
    assert not any(fact.kind == "no examples" for fact in story.facts)
    assert told(desk, sha, seconds=0.0).story.examples == ()


def test_beside_an_edited_story_they_are_offered(
    repo: Path, commit: Commit, desk: StoryDesk
) -> None:
    story = update_stories(desk, commit(repo, {"rows.py": SCALE}, "Add scale"))
    assert story is not None
    edited = take_text(desk.db, story.draft_id, desk.db.drafts.get(story.draft_id).content)
    search = ExampleSearch(desk.repo, desk.db, desk.say)
    tell(search, story.draft_id)
    offered = load_story(desk.db, story.draft_id)
    assert (offered.story, offered.facts) == (edited.story, edited.facts)
    assert [fact.kind for fact in offered.offered] == ["example"]
    [shown] = desk.db.drafts.get(story.draft_id).evidence["offered"]
    assert shown["text"].endswith("Code: from rows import scale ⏎ scale([1, 2]) | Result: [2, 4]")
    tell(search, story.draft_id)  # once is enough
    sha = commit(repo, {"notes.md": "x"}, "Write notes")
    assert update_stories(desk, sha) is not None
    kinds = [fact.kind for fact in load_story(desk.db, story.draft_id).offered]
    assert kinds.count("example") == 1


def test_nothing_is_run_once_time_is_up(repo: Path, commit: Commit, desk: StoryDesk) -> None:
    sha = commit(repo, {"rows.py": SCALE}, "Add scale")
    with open_workspace(desk.repo, sha, "examples") as workspace:
        codes = ["1 + 1"]
        assert run_calls(workspace.sandbox, codes, until=time.monotonic()) == [None]


def with_result(db: Database, story: StoredStory, result: str) -> None:
    """Let a story show another result, and its fact too, as if the world had changed since."""
    examples = tuple(replace(e, result=result) for e in story.story.examples)
    facts = tuple(
        replace(f, values={**f.values, "result": result}) if f.kind == "example" else f
        for f in story.facts
    )
    save_story(db, replace(story, story=replace(story.story, examples=examples), facts=facts))


def test_an_example_that_gives_something_else_turns_red_until_it_does_not(
    repo: Path, commit: Commit, desk: StoryDesk
) -> None:
    story = told(desk, commit(repo, {"rows.py": SCALE}, "Add scale"))
    identity = story.draft_id
    assert verify(desk.repo, desk.db, identity) == story
    with_result(desk.db, story, "[2, 5]")
    red = verify(desk.repo, desk.db, identity)
    [problem] = red.problems
    assert (problem.token, problem.why[:36]) == ("[2, 4]", "run again, it gives something else a")
    assert desk.db.drafts.get(identity).evidence["verdict"] == "doubtful"
    with pytest.raises(CopydeskError, match="is not in its facts"):
        check_red(red)
    check_red(accept_red(desk.db, red))  # the editor may take it as it is
    with_result(desk.db, load_story(desk.db, identity), "[2, 4]")
    assert verify(desk.repo, desk.db, identity).problems == ()


def test_a_story_whose_example_does_not_come_back_is_not_accepted(
    repo: Path, commit: Commit, desk: StoryDesk
) -> None:
    story = told(desk, commit(repo, {"rows.py": SCALE}, "Add scale"))
    with_result(desk.db, story, "[2, 5]")
    with pytest.raises(CopydeskError, match="run again, it gives something else"):
        decisions.accept(desk.repo, desk.db, story.draft_id)
    decisions.accept(desk.repo, desk.db, story.draft_id, anyway=True)
    assert load_story(desk.db, story.draft_id).accepted_red == (story.story.examples[0].code,)


def test_an_example_that_the_editor_vouches_for_is_not_run(
    repo: Path, commit: Commit, desk: StoryDesk
) -> None:
    story = told(desk, commit(repo, {"rows.py": SCALE}, "Add scale"))
    [example] = story.story.examples
    mine = replace(example, result="[2, 5]", facts=(*example.facts, MINE))
    kept = save_story(desk.db, replace(story, story=replace(story.story, examples=(mine,))))
    assert verify(desk.repo, desk.db, story.draft_id) == kept


def test_an_example_whose_commit_is_gone_turns_red(
    repo: Path, commit: Commit, desk: StoryDesk
) -> None:
    story = told(desk, commit(repo, {"rows.py": SCALE}, "Add scale"))
    facts = tuple(
        replace(f, values={**f.values, "sha": "1" * 40}) if f.kind == "example" else f
        for f in story.facts
    )
    save_story(desk.db, replace(story, facts=facts))
    [problem] = verify(desk.repo, desk.db, story.draft_id).problems
    assert problem.why.startswith("could not be run again at 1111111: ")
