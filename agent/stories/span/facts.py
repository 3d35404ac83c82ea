"""From the commits of a span to numbered facts: what a story of them may say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from copydesk.agent.git.repository import LoggedCommit, Tag
from copydesk.agent.records import Fact, Sha
from copydesk.agent.stories.facts import (
    StoryInputs,
    Unnumbered,
    Values,
    measured_facts,
    note,
    numbered,
    plain_line,
    shortened,
    spoken,
)
from copydesk.agent.stories.public_api import ApiChange
from copydesk.agent.stories.span.changelog import Entry
from copydesk.agent.stories.span.contributors import Contributor
from copydesk.agent.stories.span.references import Reference, issue_address, references
from copydesk.agent.stories.span.themes import FOR_READERS, Kind, kind_of, without_type
from copydesk.agent.stories.span.touched import Touched
from copydesk.agent.text import plural

MOST_COMMITS, MOST_API, MOST_ENTRIES, MOST_NOTES, MOST_TESTS = 60, 60, 40, 8, 5
"""Facts of each kind that are told one by one; the others are counted."""
MOST_CALLS, LONGEST_CALL = 5, 80
LONGEST_NOTE = 400
_RAISED = "raised "
"""What a comparison puts before an exception; no representation of a value begins so."""

FEW_RELEASES = 2
"""Releases that are told one by one; of more the first and the last."""

_STORY_TRAILER = re.compile(r"^Story: *(\S.*)$", re.MULTILINE)
_SENTENCES_WORTH = 3
"""Words that a paragraph of a commit's body needs to count as a reason."""


class AuthorNote(NamedTuple):
    """What the author told copydesk of a span; `subject` is what a question asked about."""

    text: str
    subject: str = ""


class AcceptedDraft(NamedTuple):
    """A test draft that the editor accepted, by the function that it reaches."""

    path: str
    function: str


class ChangedCall(NamedTuple):
    """A call of a function that does something else since the commit `sha`, which says so."""

    sha: Sha
    path: str
    function: str
    call: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class SpanInputs:
    """Everything known of the commits of a span, oldest first, in plain values.

    `files`, `added` and `removed` compare its two ends. `measured` is what tests and coverage say
    at its end. `first_date` and `last_date` are days (YYYY-MM-DD). `page` is the project's address
    on the web, `project` its name; both "" where not known.
    """

    commits: tuple[LoggedCommit, ...]
    files: int = 0
    added: int = 0
    removed: int = 0
    api: tuple[ApiChange, ...] = ()
    entries: tuple[tuple[str, Entry], ...] = ()
    tags: tuple[Tag, ...] = ()
    contributors: tuple[Contributor, ...] = ()
    notes: tuple[AuthorNote, ...] = ()
    fixed_tests: tuple[str, ...] = ()
    accepted: tuple[AcceptedDraft, ...] = ()
    behaviour: tuple[ChangedCall, ...] = ()
    measured: StoryInputs = field(default_factory=lambda: StoryInputs("", ""))
    floor: float | None = None
    touched: Touched = field(default_factory=Touched)
    page: str = ""
    project: str = ""


def span_facts(span: SpanInputs) -> list[Fact]:
    """Number what is known of a span: F1, F2 and so on.

    Control characters of names and messages are escaped here, so that what is checked is what is
    shown.

    Args:
        span: What is known of it; it has a commit at least.
    """
    kinds = [_kind(commit) for commit in span.commits]
    return numbered(
        [
            _span(span, kinds),
            *_releases(span),
            *_api(span.api),
            *_entries(span),
            *_commits(span, kinds),
            *_notes(span),
            *_references(span),
            *_fixed_tests(span.fixed_tests),
            *_behaviour(span.behaviour),
            *_measured(span),
            *_accepted(span.accepted),
            *_contributors(span.contributors),
            *_touched(span.touched),
        ]
    )


def _behaviour(calls: Sequence[ChangedCall]) -> Iterator[Unnumbered]:
    """The same call, before and after."""
    for each in calls[:MOST_CALLS]:
        as_run = (each.call, each.before, each.after)
        call, was, now = map(plain_line, as_run)
        if (call, was, now) != as_run or max(map(len, as_run)) > LONGEST_CALL:
            continue  # no sentence could hold it as it is
        values: Values = {"path": plain_line(each.path), "name": plain_line(each.function)}
        text = f"the same call, {call}: {was} before {each.sha[:7]}, {now} since."
        raising: dict[str, str] = {}
        if was != (bare := was.removeprefix(_RAISED)):
            raising["raised_before"], was = "raised", bare
        if now != (bare := now.removeprefix(_RAISED)):
            raising["raises_now"], now = "raises", bare
        raising |= {"sha": each.sha, "short": each.sha[:7]}
        yield "behaviour", text, {**values, **raising, "call": call, "was": was, "now": now}


def _kind(commit: LoggedCommit) -> Kind:
    paths = [file.path for file in commit.files]
    return kind_of(commit.subject, paths, merge=len(commit.parents) > 1)


def is_substantial(span: SpanInputs) -> bool:
    """Whether a span holds something for readers: not only documentation, tests and upkeep."""
    if span.api or span.entries or span.tags or span.notes or span.fixed_tests:
        return True
    if any(_STORY_TRAILER.search(commit.body) for commit in span.commits):
        return True
    return any(
        _kind(commit).theme in FOR_READERS and not _is_typo(commit) for commit in span.commits
    )


def _is_typo(commit: LoggedCommit) -> bool:
    lines = sum(file.added + file.removed for file in commit.files)
    return bool(re.search(r"\btypos?\b|\bspelling\b", commit.subject, re.I)) and lines <= 20


def _span(span: SpanInputs, kinds: Sequence[Kind]) -> Unnumbered:
    commits = [kind for kind in kinds if kind.theme != "merge"]
    values: dict[str, str | int | float] = {"commits": len(commits)}
    days = _days(span)
    values |= {"date_1": days[0], "date_2": days[-1]}
    values |= {"files": span.files, "added": span.added, "removed": span.removed}
    if span.project:
        values["project"] = plain_line(span.project)
    behind = sum(kind.theme not in FOR_READERS for kind in commits)
    if behind:
        values["behind"] = behind
    by = Counter(kind.by for kind in commits)
    values |= {f"by_{way}": by[way] for way in ("type", "files", "word") if by[way]}
    text = f"{plural(len(commits), 'commit')} from {days[0]} to {days[-1]}"
    text += f", {plural(span.files, 'file')} changed, {plural(span.added, 'line')} added"
    text += f", {plural(span.removed, 'line')} removed"
    if behind:
        text += f"; {behind:,} of them documentation, tests and upkeep"
    return "span", text + ".", values


def _days(span: SpanInputs) -> list[str]:
    """The days of the commits that count, in order: merges have a day only among themselves."""
    counted = [commit for commit in span.commits if len(commit.parents) < 2]
    return sorted(commit.committed[:10] for commit in counted or span.commits)


def _releases(span: SpanInputs) -> Iterator[Unnumbered]:
    by_sha = {commit.sha: commit for commit in span.commits}
    for tag in span.tags:
        name = plain_line(tag.name)
        values = {"tag": name, "date": tag.date, "sha": tag.sha, "short": tag.sha[:7]}
        assert tag.sha in by_sha
        yield "release", f"Release {name}, {tag.date}, commit {tag.sha[:7]}.", values
    if len(span.tags) > FEW_RELEASES:
        first, last = span.tags[0], span.tags[-1]
        names = {"tag_1": plain_line(first.name), "tag_2": plain_line(last.name)}
        days = {"date_1": min(first.date, last.date), "date_2": max(first.date, last.date)}
        text = f"{len(span.tags)} releases, from {names['tag_1']} to {names['tag_2']}."
        yield "releases", text, {"releases": len(span.tags), **names, **days}


def _api(changes: Sequence[ApiChange]) -> Iterator[Unnumbered]:
    for change in changes[:MOST_API]:
        yield _api_change(change)
    if len(changes) > MOST_API:
        others = len(changes) - MOST_API
        yield "api others", f"{plural(others, 'other change')} of the API.", {"others": others}


_API_VERBS = {
    "added": "is new",
    "removed": "is gone",
    "moved": "has moved",
    "deprecated": "is deprecated",
}


def _api_change(change: ApiChange) -> Unnumbered:
    path, name = plain_line(change.path), plain_line(change.name)
    values: dict[str, str | int | float] = {"path": path, "what": change.what}
    values["option" if change.what == "option" else "name"] = name
    doc = spoken(change.doc)
    if change.kind in _API_VERBS:
        text = f"{change.what} {name} {_API_VERBS[change.kind]} in {path}"
        if change.kind == "moved":
            values["old_path"] = plain_line(change.before)
            text += f" from {values['old_path']}"
        kind = f"api {change.kind}"
    elif change.kind.startswith("option"):
        kind = change.kind
        verb = {"option added": "is new", "option removed": "is gone"}.get(kind, "has changed")
        text = f"option {name} {verb} in {path}"
    else:
        kind = change.kind
        values["parameter"] = plain_line(change.parameter)
        text = f"{change.what} {name} in {path}: {kind}: {values['parameter']}"
        if kind == "parameter renamed":
            values["old_parameter"] = plain_line(change.before)
            text += f", before {values['old_parameter']}"
    text += _defaults(change, values)
    if doc and "moved" not in kind:
        values["doc"] = doc
        text += f": “{doc}”"
    return kind, text + ".", values


def _defaults(change: ApiChange, values: dict[str, str | int | float]) -> str:
    """Keep the defaults of a parameter or an option; in words what they are and were."""
    if change.kind == "moved" or change.after in ("", "…"):
        return ""
    values["now"] = plain_line(change.after)
    if not change.before:
        return f", default {values['now']}"
    values["was"] = plain_line(change.before)
    return f", default {values['now']}, before {values['was']}"


def _entries(span: SpanInputs) -> Iterator[Unnumbered]:
    for path, entry in span.entries[:MOST_ENTRIES]:
        words = spoken(entry.text)
        values: dict[str, str | int | float] = {"entry": words, "path": plain_line(path)}
        if entry.category:
            values["category"] = entry.category
        yield "entry", f"New in {values['path']}: “{words}”", values
    others = len(span.entries) - MOST_ENTRIES
    if others > 0:
        yield (
            "other entries",
            f"{plural(others, 'more entry', 'more entries')}.",
            {"others": others},
        )


def _commits(span: SpanInputs, kinds: Sequence[Kind]) -> Iterator[Unnumbered]:
    """The commits for readers, one by one."""
    commits_for_readers = [
        (commit, kind)
        for commit, kind in zip(span.commits, kinds, strict=True)
        if kind.theme in FOR_READERS and without_type(commit.subject)
    ]
    for commit, kind in commits_for_readers[:MOST_COMMITS]:
        yield _commit(commit, kind)
    if len(commits_for_readers) > MOST_COMMITS:
        others = len(commits_for_readers) - MOST_COMMITS
        yield "other commits", f"{plural(others, 'more commit')} for users.", {"others": others}


def _commit(commit: LoggedCommit, kind: Kind) -> Unnumbered:
    subject, author = spoken(commit.subject), plain_line(commit.author)
    values: dict[str, str | int | float] = {
        "sha": commit.sha,
        "short": commit.sha[:7],
        "subject": subject,
        "theme": kind.theme,
        "date": commit.date[:10],
    }
    if author:
        values["author"] = author
    if kind.scope:
        values["scope"] = plain_line(kind.scope)
    if kind.breaking:
        values["breaking"] = "breaking"
    text = f"Commit {commit.sha[:7]} ({kind.theme}): “{subject}”"
    return "commit", f"{text}, by {author}, {commit.date[:10]}.", values


def _notes(span: SpanInputs) -> Iterator[Unnumbered]:
    """The author's reasons: trailers and notes before paragraphs of commit bodies."""
    bodies = list(_bodies(span.commits))
    bodies = list(filter(_says_why, bodies)) or bodies
    notes = [*_trailers(span.commits), *_told(span.notes), *bodies]
    seen = set[str]()
    for text, values in notes:
        if len(seen) < MOST_NOTES and str(values["note"]) not in seen:
            seen.add(str(values["note"]))
            yield "note", text, values


_Notes = Iterator[tuple[str, Values]]


_OF_THE_WORK = re.compile(
    r"(?:rebas|address|review|squash|amend|wip\b|also (?:add|updat|fix)|updat\w+ (?:test|doc)"
    r"|add\w* (?:\w+ )?tests?\b|document\w*\b|align\b|tests? (?:for|added)|see (?:also|the)\b)",
    re.I,
)
"""How paragraphs begin that tell of the work on a commit, not of its reason."""
_REASON = re.compile(
    r"\b(?:because|since|so that|in order to|otherwise|instead of|could not|couldn't|cannot|can't"
    r"|did not|didn't|prevent\w*|allow\w*|avoid\w*|broke\w*|problem|caus\w+|need\w*|wrong\w*"
    r"|too (?:slow|much|many)|wanted|useful|makes?)\b",
    re.I,
)


def _says_why(note: tuple[str, Values]) -> bool:
    return _REASON.search(str(note[1]["note"])) is not None


def _trailers(commits: Sequence[LoggedCommit]) -> _Notes:
    for commit in commits:
        for match in _STORY_TRAILER.finditer(commit.body):
            yield _of_commit(commit, match[1], "trailer")


def _told(notes: Sequence[AuthorNote]) -> _Notes:
    for told in notes:
        words = shortened(spoken(told.text), LONGEST_NOTE)
        if not words:
            continue
        values = {"note": words, "source": "author"}
        if told.subject:
            values["name"] = plain_line(told.subject)
        yield f"The author wrote: “{words}”", values


def _bodies(commits: Sequence[LoggedCommit]) -> _Notes:
    for commit in commits:
        if _kind(commit).theme not in FOR_READERS:
            continue
        for paragraph in note(commit.body):
            if _is_prose(paragraph) and not _OF_THE_WORK.match(paragraph):
                yield _of_commit(commit, paragraph, "body")


def _is_prose(paragraph: str) -> bool:
    """Whether a paragraph tells something: no list, no trailer, no address, no quoted output."""
    if re.match(
        r"[-*+•>#|$]|\d+[.)] |[A-Za-z-]+: *\S+$|(?:clos|fix|resolv|ref)\w*:? #?\d", paragraph, re.I
    ):
        return False
    if (
        paragraph.endswith(":")
        or "://" in paragraph
        or "  " in paragraph
        or "Traceback" in paragraph
        or paragraph.count(" - ") > 2  # a list on one line
    ):
        return False
    return len(re.findall(r"[^\W\d_]{2,}", paragraph)) >= _SENTENCES_WORTH


def _of_commit(commit: LoggedCommit, text: str, source: str) -> tuple[str, Values]:
    words = shortened(spoken(text), LONGEST_NOTE)
    values = {"note": words, "sha": commit.sha, "short": commit.sha[:7], "source": source}
    author = plain_line(commit.author)
    if author:
        values["author"] = author
    return f"{author or 'The author'} wrote of {commit.sha[:7]}: “{words}”", values


def _references(span: SpanInputs) -> Iterator[Unnumbered]:
    """Issues and pull requests that subjects and bodies name, with their address if known."""
    named: dict[int, Reference] = {}
    for commit in span.commits:
        if _kind(commit).theme not in FOR_READERS:
            continue
        for reference in references(f"{commit.subject}\n{commit.body}"):
            if reference.number not in named or reference.closed:
                named[reference.number] = reference
    for number in sorted(named)[:MOST_ENTRIES]:
        values: dict[str, str | int | float] = {"issue": f"#{number}"}
        if address := issue_address(span.page, number):
            values["url"] = address
        if named[number].closed:
            values["state"] = "closed"
        done = ", which a commit says it closes" if named[number].closed else ""
        yield "reference", f"#{number} is named{done}.", values


def _fixed_tests(tests: Sequence[str]) -> Iterator[Unnumbered]:
    if not tests:
        return
    values: dict[str, str | int | float] = {"fixed": len(tests)}
    values |= {f"test_{n}": plain_line(test) for n, test in enumerate(tests[:MOST_TESTS], 1)}
    if len(tests) > MOST_TESTS:
        values["others"] = len(tests) - MOST_TESTS
    names = ", ".join(map(plain_line, tests[:MOST_TESTS]))
    yield (
        "fixed tests",
        f"{plural(len(tests), 'test')} failed before and pass now: {names}.",
        values,
    )


def _measured(span: SpanInputs) -> Iterator[Unnumbered]:
    for kind, text, values in measured_facts(span.measured):
        yield kind, text, values
    after, before = span.measured.percent_after, span.measured.percent_before
    if span.floor is None or after is None:
        return
    floor: dict[str, str | int | float] = {"floor": round(span.floor, 2)}
    floor["state"] = "above" if after >= span.floor else "below"
    text = f"Coverage is {floor['state']} the project's floor of {span.floor:g}%"
    if before is not None and (before >= span.floor) != (after >= span.floor):
        floor["crossed"] = "crossed"
        text += ", before it was not"
    yield "floor", text + ".", floor


def _accepted(accepted: Sequence[AcceptedDraft]) -> Iterator[Unnumbered]:
    if not accepted:
        return
    values: dict[str, str | int | float] = {"accepted": len(accepted)}
    values |= {
        f"function_{n}": plain_line(draft.function) for n, draft in enumerate(accepted[:5], 1)
    }
    names = ", ".join(plain_line(draft.function) for draft in accepted[:5])
    yield "accepted", f"{plural(len(accepted), 'drafted test')} accepted: {names}.", values


def _touched(touched: Touched) -> Iterator[Unnumbered]:
    if not touched.files:
        return
    values = {f"path_{n}": plain_line(path) for n, path in enumerate(touched.files, 1)}
    values |= {f"name_{n}": plain_line(name) for n, name in enumerate(touched.names, 1)}
    files = ", ".join(map(plain_line, touched.files[:MOST_TESTS]))
    more = ", …" if len(touched.files) > MOST_TESTS else ""
    yield "touched", f"What differs is in {files}{more}.", values


def _contributors(people: Sequence[Contributor]) -> Iterator[Unnumbered]:
    for person in people[:12]:
        name = spoken(person.name)
        values: dict[str, str | int | float] = {"author": name, "commits": person.commits}
        if person.first:
            values["first"] = "first"
        first = ", the first in this repository" if person.first else ""
        yield "contributor", f"{name} made {plural(person.commits, 'commit')}{first}.", values
    if len(people) > 12:
        others = len(people) - 12
        yield "other contributors", f"{others} more contributors.", {"others": others}
