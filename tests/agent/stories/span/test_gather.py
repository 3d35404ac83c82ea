"""The facts of a span of real commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copydesk.agent.desk.comparisons import ComparisonRow
from copydesk.agent.desk.database import Database
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import Repository, find
from copydesk.agent.records import Draft, Target
from copydesk.agent.stories.span import (
    AuthorNote,
    SpanInputs,
    SpanOptions,
    gather_span,
    is_substantial,
    logged_commits,
    span_facts,
)

Git = Callable[..., str]
Commit = Callable[..., str]


@pytest.fixture
def db(repo: Path) -> Iterator[Database]:
    with open_desk(find(repo).desk) as opened:
        yield opened


@pytest.fixture
def found(repo: Path) -> Repository:
    return find(repo)


@pytest.fixture(autouse=True)
def _one_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commits of one second, so that no midnight comes between them."""
    for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.setenv(name, "2026-11-20T10:00:00+01:00")


def texts(inputs: SpanInputs) -> list[str]:
    return [f"{fact.kind}: {fact.text}" for fact in span_facts(inputs)]


def test_the_facts_of_a_span(
    repo: Path, git: Git, commit: Commit, db: Database, found: Repository
) -> None:
    since = commit(
        repo,
        {"CHANGELOG.md": "# Changelog\n\n## Unreleased\n\n- Old.\n", "app.py": "def f(a): pass\n"},
    )
    git(repo, "remote", "add", "origin", "git@github.com:o/r.git")
    first = commit(
        repo,
        {"app.py": 'def f(a, b=1): pass\n\n\ndef g():\n    """Say hello."""\n'},
        "Add `g` (#12)\n\nPeople had to say hello by hand, closes #7.\n\nStory: Hello was missing.",
    )
    second = commit(
        repo,
        {"CHANGELOG.md": "# Changelog\n\n## Unreleased\n\n- Old.\n- `g` says hello.\n"},
        "Tell it",
    )
    git(repo, "tag", "v1.0")
    draft = Draft(
        0, "test", "accepted", first, "t", "embedded", "t.py", "x", Target("app.py", "g", (1,))
    )
    db.drafts.add(draft)
    options = SpanOptions(floor=95.0, notes=(AuthorNote("It was time.", "g"),))
    inputs = gather_span(found, db, [first, second], since=since, options=options)
    lines = texts(inputs)
    day = "2026-11-20"
    assert lines == [
        f"span: 2 commits from {day} to {day}, 2 files changed, 6 lines added, 1 line removed;"
        " 1 of them documentation, tests and upkeep.",
        f"release: Release v1.0, {day}, commit {second[:7]}.",
        "api added: function g is new in app.py: “Say hello.”.",
        "parameter added: function f in app.py: parameter added: b, default 1.",
        "entry: New in CHANGELOG.md: “`g` says hello.”",
        f"commit: Commit {first[:7]} (added): “Add `g` (#12)”, by Ada Author, {day}.",
        f"note: Ada Author wrote of {first[:7]}: “Hello was missing.”",
        "note: The author wrote: “It was time.”",
        f"note: Ada Author wrote of {first[:7]}: “People had to say hello by hand, closes #7.”",
        "reference: #7 is named, which a commit says it closes.",
        "reference: #12 is named.",
        "unmeasured: No test was run and no coverage was measured.",
        "accepted: 1 drafted test accepted: g.",
        "contributor: Ada Author made 2 commits.",
        "touched: What differs is in CHANGELOG.md, app.py.",
    ]
    facts = {fact.kind: fact for fact in span_facts(inputs)}
    assert facts["reference"].values["url"] == "https://github.com/o/r/issues/12"
    assert is_substantial(inputs)
    assert span_facts(gather_span(found, db, [first, second], since=since, options=options)) == (
        span_facts(inputs)
    )


def test_calls_that_give_something_else_since_a_commit_that_says_so(
    repo: Path, commit: Commit, db: Database, found: Repository
) -> None:
    since = commit(repo, {"app.py": "def f(a): pass\n"}, "Add f")
    shas = [commit(repo, {"app.py": f"def f(a): return {n}\n"}, "Change f") for n in range(2)]

    def keep(function: str, sha: str, kind: str = "value", *, announced: str = "subject") -> None:
        difference = {"call": f"{function}(1)", "before": "1", "after": "2", "kind": kind}
        detail = {"differences": [difference]}
        db.comparisons.keep(
            ComparisonRow(0, sha, since, "app.py", function, "differs", announced, detail)
        )

    keep("f", shas[0])
    keep("told_twice", shas[0])
    keep("told_twice", shas[1])
    keep("_private", shas[0])
    keep("unannounced", shas[0], announced="")
    keep("writes", shas[1], "output")
    inputs = gather_span(found, db, shas, since=since)
    assert [line for line in texts(inputs) if line.startswith("behaviour")] == [
        f"behaviour: the same call, f(1): 1 before {shas[0][:7]}, 2 since."
    ]


def test_a_span_from_the_first_commit_on(
    repo: Path, commit: Commit, db: Database, found: Repository, git: Git
) -> None:
    first = git(repo, "rev-parse", "HEAD")
    second = commit(repo, {"app.py": "def f(): pass\n"}, "Add f")
    inputs = gather_span(found, db, [first, second], since="")
    assert [line.partition(":")[0] for line in texts(inputs)] == [
        *("span", "commit", "commit", "unmeasured", "contributor"),
    ]
    assert "the first in this repository" in texts(inputs)[-1]


@pytest.mark.parametrize(
    ("files", "message", "expected"),
    [
        ({"docs/a.md": "x"}, "Add a page", False),
        ({"app.py": "x = 2\n"}, "Fix a typo", False),
        ({"app.py": "x = 2\n"}, "Fix the spelling of colour", False),
        ({"app.py": "x = 2\n"}, "Change x", True),
        ({"docs/a.md": "x"}, "Add a page\n\nStory: Because.", True),
        ({"app.py": "def f(): pass\n"}, "chore: tidy", True),
    ],
)
def test_a_floor_of_substance(
    repo: Path,
    commit: Commit,
    db: Database,
    found: Repository,
    files: dict[str, str],
    message: str,
    expected: bool,
) -> None:
    since = commit(repo, {"app.py": "x = 1\n"})
    sha = commit(repo, files, message)
    assert is_substantial(gather_span(found, db, [sha], since=since)) is expected


def test_what_is_left_out_is_counted(
    repo: Path, commit: Commit, db: Database, found: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MOST_COMMITS", "MOST_API", "MOST_ENTRIES", "MOST_NOTES"):
        monkeypatch.setattr(f"copydesk.agent.stories.span.facts.{name}", 1)
    since = commit(repo, {"CHANGELOG.md": "## 1.0\n\n- Old.\n"})
    shas = [
        commit(repo, {"app.py": "def f(): pass\n"}, "Add f\n\nThis is why it was needed here."),
        commit(
            repo,
            {"app.py": "def f(): pass\ndef g(): pass\n"},
            "Add g\n\nIt was needed for the same.",
        ),
        commit(repo, {"CHANGELOG.md": "## 2.0\n\n- New.\n- Newer.\n\n## 1.0\n\n- Old.\n"}),
    ]
    kinds = [line.partition(":")[0] for line in texts(gather_span(found, db, shas, since=since))]
    assert {"api others", "other entries", "other commits"} <= set(kinds)
    assert kinds.count("note") == kinds.count("commit") == 1


def test_a_body_that_gives_no_reason_is_no_note(
    repo: Path, commit: Commit, db: Database, found: Repository
) -> None:
    since = commit(repo, {"app.py": "x = 1\n"})
    body = "\n\n".join(
        [
            "- a list of things that were done",
            "see https://x.example for what we did about it",
            "Closes #12 and another one of them",
            "Two words",
            "Signed-off-by: Ada <a@x.example>",
        ]
    )
    sha = commit(repo, {"app.py": "x = 2\n"}, f"Change x\n\n{body}")
    assert not [t for t in texts(gather_span(found, db, [sha], since=since)) if "note:" in t]


def test_people_may_be_left_out(
    repo: Path, commit: Commit, db: Database, found: Repository, git: Git
) -> None:
    since = git(repo, "rev-parse", "HEAD")
    sha = commit(repo, {"app.py": "x = 2\n"})
    options = SpanOptions(name_contributors=False)
    inputs = gather_span(found, db, [sha], since=since, options=options)
    assert not [t for t in texts(inputs) if t.startswith("contributor")]


def test_in_a_shallow_clone_nobody_is_first(
    repo: Path, tmp_path: Path, commit: Commit, git: Git
) -> None:
    since = commit(repo, {"app.py": "x = 1\n"})
    sha = commit(repo, {"app.py": "x = 2\n"})
    git(tmp_path, "clone", "-q", "--depth", "2", repo.as_uri(), "shallow")
    shallow = find(tmp_path / "shallow")
    with open_desk(shallow.desk) as db:
        inputs = gather_span(shallow, db, [sha], since=since)
    assert inputs.contributors[0].first is None


def test_commits_are_read_from_git_once(
    repo: Path, commit: Commit, db: Database, found: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    shas = [
        commit(repo, {f"dir/{n} é.py": "x\n", "b.bin": "\0"}, f"Step {n}\n\nwhy") for n in range(3)
    ]
    once = logged_commits(found, db, shas)
    assert [c.subject for c in once] == ["Step 0", "Step 1", "Step 2"]
    assert [f.path for f in once[0].files] == ["b.bin", "dir/0 é.py"]
    asked: list[list[str]] = []
    monkeypatch.setattr(
        "copydesk.agent.git.repository.commit_log", lambda _, shas: asked.append(shas) or []
    )
    assert logged_commits(found, db, shas) == once
    assert asked == [[]]


def test_an_announced_difference_is_a_fact_of_the_story(
    repo: Path, commit: Commit, db: Database, found: Repository
) -> None:
    since = commit(repo, {"app.py": "def f(a): return a\n"}, "Add f")
    sha = commit(repo, {"app.py": "def f(a): return a + 1\n"}, "fix: count from one")
    difference = {"call": "f(1)", "before": "1", "after": "2", "kind": "value"}
    row = ComparisonRow(
        0, sha, since, "app.py", "f", "differs", "it is a fix", {"differences": [difference]}
    )
    for other in (
        row,
        row._replace(function="g", announced=""),  # the commit may not have meant it
        row._replace(function="_h"),  # no reader can call it
        row._replace(function="i", verdict="same"),
        row._replace(function="j", detail={"differences": []}),
    ):
        db.comparisons.keep(other)
    inputs = gather_span(found, db, [sha], since=since)
    (fact,) = [fact for fact in span_facts(inputs) if fact.kind == "behaviour"]
    assert fact.text == f"the same call, f(1): 1 before {sha[:7]}, 2 since."
    assert dict(fact.values) == {
        "path": "app.py",
        "name": "f",
        "sha": sha,
        "short": sha[:7],
        "call": "f(1)",
        "was": "1",
        "now": "2",
    }
