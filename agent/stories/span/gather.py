"""Gathering what is known of a span of commits: from git, its measures, and the desk.

What a commit says of itself and what a file version offers is read once and stays on the desk, so
that a story that grows by a commit costs that commit.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from copydesk.agent.coverage.store import load_map
from copydesk.agent.desk.comparisons import ComparisonRow
from copydesk.agent.desk.database import Database
from copydesk.agent.git import repository as git
from copydesk.agent.git.repository import LoggedCommit, Repository, TouchedFile
from copydesk.agent.records import Json, Sha
from copydesk.agent.source_text import decode_source
from copydesk.agent.stories.facts import StoryInputs
from copydesk.agent.stories.gather_facts import measured_inputs
from copydesk.agent.stories.public_api import ApiChange, changes_between, offered
from copydesk.agent.stories.span.changelog import Entry, is_changelog, new_entries, without_pages
from copydesk.agent.stories.span.contributors import Contributor, contributors
from copydesk.agent.stories.span.facts import AcceptedDraft, AuthorNote, ChangedCall, SpanInputs
from copydesk.agent.stories.span.references import project_page
from copydesk.agent.stories.span.touched import touched
from copydesk.hooks import failpoints

_COMMITS = "logged commit/1"
_TELLING = ("value", "exception", "raises now", "raises no longer")
"""Kinds of difference that a sentence can tell: what a call gives or raises."""
_AUTHORS = "authors up to/1"


@dataclasses.dataclass(frozen=True, slots=True)
class SpanOptions:
    """What of a span is told: whether people are named, the coverage floor, the author's notes."""

    name_contributors: bool = True
    floor: float | None = None
    notes: tuple[AuthorNote, ...] = ()


def gather_span(
    repo: Repository,
    db: Database,
    shas: Sequence[Sha],
    *,
    since: Sha,
    options: SpanOptions | None = None,
) -> SpanInputs:
    """Everything known of the commits of a span.

    Args:
        repo: The repository.
        db: Its desk.
        shas: The commits, oldest first; at least one.
        since: The commit before the span, "" where it begins with the history.
        options: What of it is told.
    """
    options = options or SpanOptions()
    commits = logged_commits(repo, db, shas)
    last = shas[-1]
    files = git.touched_between(repo, since or None, last)
    people: list[Contributor] = []
    if options.name_contributors:
        people = contributors(commits, _authors_before(repo, db, since))
    inputs = SpanInputs(
        commits=tuple(commits),
        files=len(files),
        added=sum(file.added for file in files),
        removed=sum(file.removed for file in files),
        tags=tuple(tag for tag in git.tags(repo) if tag.sha in shas),
        contributors=tuple(people),
        notes=options.notes,
        accepted=_accepted(db, {*shas, since}),
        behaviour=tuple(_changed_calls(db, shas)),
        measured=measured_inputs(db, StoryInputs(last, ""), last, since or None),
        floor=options.floor,
        page=project_page(repo),
        project=_project_name(repo, last),
    )
    return _compared(repo, db, inputs, since, last) if since else inputs


def _changed_calls(db: Database, shas: Sequence[Sha]) -> Iterator[ChangedCall]:
    """The shortest call of each public function that does something else since a commit of the
    span which says so; of a function that several commits changed none, for what the first of
    them brought may be gone.
    """
    rows = [row for sha in shas for row in db.comparisons.of_commit(sha)]
    changes = Counter(row.name for row in rows if row.verdict != "same")
    for row in rows:
        if changes[row.name] == 1 and _is_told(row):
            for difference in _telling(row)[:1]:
                words = [str(difference[name]) for name in ("call", "before", "after")]
                yield ChangedCall(row.sha, row.path, row.function, *words)


def _is_told(row: ComparisonRow) -> bool:
    """Whether a public function does something else since a commit which says so."""
    is_private = any(part.startswith("_") for part in row.function.split("."))
    return row.verdict == "differs" and bool(row.announced) and not is_private


def _telling(row: ComparisonRow) -> list[Json]:
    """The differences of a function that a sentence can tell."""
    return [each for each in row.detail.get("differences") or () if each["kind"] in _TELLING]


def _compared(
    repo: Repository, db: Database, inputs: SpanInputs, since: Sha, last: Sha
) -> SpanInputs:
    """The same with what differs between the two ends of the span."""
    before, after = git.tree(repo, since), git.tree(repo, last)
    paths = sorted(path for path in {*after, *before} if after.get(path) != before.get(path))
    api: list[ApiChange] = []
    with db.failed_items.contained("story", last, "the public API"):
        failpoints.failpoint("story api")
        changes = changes_between(db, repo, before, after, paths)
        api = offered(repo, (before, after), changes)
    return dataclasses.replace(
        inputs,
        api=tuple(api),
        entries=_entries(repo, before, after, paths),
        fixed_tests=_fixed_tests(db, since, last),
        touched=touched(db, repo, before, after, paths),
    )


def _project_name(repo: Repository, sha: Sha) -> str:
    """The name that pyproject.toml of a commit gives its project, "" where it gives none."""
    blob = git.read_file(repo, sha, "pyproject.toml")
    try:
        name = (
            tomllib.loads((blob or b"").decode("utf-8", "replace")).get("project", {}).get("name")
        )
    except (tomllib.TOMLDecodeError, AttributeError):
        return ""
    return name if isinstance(name, str) else ""


def logged_commits(repo: Repository, db: Database, shas: Sequence[Sha]) -> list[LoggedCommit]:
    """What commits say of themselves; each is read from git once."""
    fresh: dict[Sha, LoggedCommit] = {}
    cache = db.content_cache(_COMMITS, lambda sha: fresh[sha])
    unread = cache.fetch(shas)
    fresh.update((commit.sha, commit) for commit in git.commit_log(repo, sorted(unread)))
    commits = [_logged(cache(sha)) for sha in shas if sha not in unread or sha in fresh]
    cache.save()
    return commits


def _logged(data: Sequence[Any]) -> LoggedCommit:
    sha, parents, author, email, committed, date, subject, body, files = data
    touched = tuple(TouchedFile(*file) for file in files)
    return LoggedCommit(
        *(sha, tuple(parents), author, email, committed, date, subject, body), files=touched
    )


def _authors_before(repo: Repository, db: Database, since: Sha) -> list[tuple[str, str]] | None:
    """The authors before a span; None where the history is not all here."""
    if not since:
        return []
    if git.is_shallow(repo):
        return None
    cache = db.content_cache(_AUTHORS, lambda sha: git.authors_up_to(repo, sha))
    authors = [(str(name), str(email)) for name, email in cache(since)]
    cache.save()
    return authors


def _entries(
    repo: Repository,
    before: Mapping[str, git.Entry],
    after: Mapping[str, git.Entry],
    paths: Sequence[str],
) -> tuple[tuple[str, Entry], ...]:
    """The entries that changelogs and news fragments have gained."""
    changelogs = [path for path in paths if path in after and is_changelog(path)]
    changelogs = without_pages(changelogs, after)
    blobs = {tree[path].blob for tree in (before, after) for path in changelogs if path in tree}
    texts = {blob: decode_source(raw) for blob, raw in git.read_blobs(repo, blobs).items()}
    found: dict[tuple[str, Entry], None] = {}
    for path in changelogs:
        former = texts.get(before[path].blob, "") if path in before else ""
        for entry in new_entries(path, former, texts.get(after[path].blob, "")):
            found[path, entry] = None
    return tuple(found)


def _fixed_tests(db: Database, since: Sha, last: Sha) -> tuple[str, ...]:
    """The tests that failed where the span begins and pass where it ends."""
    failed = {test.test for test in db.failed_tests.of_commit(since)}
    if not failed:
        return ()
    now = load_map(db, last)
    if now is None:
        return ()
    passed = {
        name
        for (kind, name), trace in now.traces.items()
        if trace.outcome == "passed" and kind == "test"
    }
    return tuple(sorted(failed & passed))


def _accepted(db: Database, shas: set[Sha]) -> tuple[AcceptedDraft, ...]:
    """The test drafts of these commits that the editor accepted."""
    return tuple(
        AcceptedDraft(draft.target.path, draft.target.function)
        for draft in db.drafts.find(("accepted",), kind="test")
        if draft.target and draft.commit in shas
    )
