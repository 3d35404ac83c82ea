"""What the panes show of a draft; made in a thread, for it asks git, the desk and the tree."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from rich.text import Text

from copydesk.agent.coverage.store import FileLines, load_totals
from copydesk.agent.desk.database import Database
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.objects import read_file
from copydesk.agent.git.repository import Repository
from copydesk.agent.records import Draft, Gap, Sha
from copydesk.agent.review import decisions
from copydesk.agent.review.draft_words import draft_subject, evidence_lines, short_sha, time_ago
from copydesk.agent.screen.detail import Detail, Look
from copydesk.agent.screen.entries import Entry
from copydesk.agent.screen.source_lines import covered_source, diff_lines, highlighted
from copydesk.agent.screen.story_lines import channel_lines, question_lines, story_lines
from copydesk.agent.source_text import decode_source
from copydesk.agent.stories.stored_stories import load_story
from copydesk.agent.testgen.accept import place_draft
from copydesk.agent.text import clean, one_line, plural, ranges

_KEPT = 64
"""Commits and files of which the lines are kept between two drafts."""


class Details:
    """Makes the details of drafts.

    Args:
        repo: The repository.
    """

    def __init__(self, repo: Repository) -> None:
        self._repo = repo
        self._lines = functools.lru_cache(_KEPT)(self._lines_of_commit)

    def of(self, db: Database, entry: Entry, look: Look) -> Detail:
        """What there is to show of an entry."""
        draft = db.drafts.get(entry.id)
        if draft.kind == "devlog" and db.stories.of_draft(draft.id) is not None:
            return self._story(db, entry, draft, look)
        target, lines = self._changes(draft, look)
        source_title, source = self._source(db, draft, look)
        return Detail(
            draft.id,
            (target, "evidence", source_title),
            lines,
            [*_errors(entry), *_heading(draft), *self._evidence(db, draft)],
            source,
        )

    def _story(self, db: Database, entry: Entry, draft: Draft, look: Look) -> Detail:
        """A story of a span: its text with its facts, what is asked, and the channels' texts."""
        questions = question_lines(draft.evidence)
        return Detail(
            draft.id,
            (clean(draft.path, keep=""), "evidence", "channels"),
            story_lines(load_story(db, draft.id), look),
            [*_errors(entry), *_heading(draft), *questions, *self._evidence(db, draft)],
            channel_lines(self._repo, db, draft.id),
        )

    def _changes(self, draft: Draft, look: Look) -> tuple[str, list[Text]]:
        """What accepting a draft makes of a file, or made of it."""
        if draft.kind != "test":
            return clean(draft.path, keep=""), highlighted(
                draft.content, "markdown", dark=look.dark
            )
        accepted = draft.evidence.get("accepted")
        if accepted:
            before, after = accepted.get("before"), accepted.get("after")
            return _short(self._repo, accepted.get("path", "")), diff_lines(
                before, after, "python", dark=look.dark
            )
        try:
            placement = place_draft(draft, self._repo.worktree)
        except (CopydeskError, OSError, ValueError) as error:
            note = Text(f"It has no place: {one_line(str(error))}", "red")
            return clean(draft.path, keep=""), [
                note,
                *highlighted(draft.content, "python", dark=look.dark),
            ]
        title = clean(placement.path, keep="")
        title += " (new file)" if placement.old_text is None else ""
        return title, diff_lines(placement.old_text, placement.new_text, "python", dark=look.dark)

    def _evidence(self, db: Database, draft: Draft) -> list[Text]:
        lines = [_evidence_line(line) for line in evidence_lines(draft)]
        if draft.note:
            lines.append(Text(f"Your note: {one_line(draft.note)}"))
        calls = draft.evidence.get("calls") or ()
        if calls:
            lines.append(Text(f"Model calls: {ranges(calls)} (`copydesk log --model` has them)."))
        return lines

    def _source(self, db: Database, draft: Draft, look: Look) -> tuple[str, list[Text]]:
        """The function that a test is for, and which of its lines are covered."""
        if draft.target is None:
            return "source", []
        path = draft.target.path
        data = read_file(self._repo, draft.commit, path)
        if data is None:
            return clean(path, keep=""), [Text(f"{clean(path)} is not in that commit.", "dim")]
        gap = decisions.gap_of(db, draft)
        known = self._known(db, draft.commit).get(path)
        gained = draft.evidence.get("gained_lines") or ()
        lines = covered_source(
            decode_source(data),
            (gap.first_line, gap.last_line),
            known,
            frozenset(gained),
            (look.glyphs, look.dark),
        )
        return _source_title(draft, gap, gained), lines

    def _known(self, db: Database, sha: Sha) -> dict[str, FileLines]:
        return self._lines(db, sha)

    @staticmethod
    def _lines_of_commit(db: Database, sha: Sha) -> dict[str, FileLines]:
        return {total.path: total.file_lines for total in load_totals(db, sha) or ()}


def _source_title(draft: Draft, gap: Gap, gained: Sequence[int]) -> str:
    words = [draft_subject(draft)]
    if gained:
        words.append(f"reaches {plural(len(gained), 'line')} more")
    if gap.reasons:
        words.append(one_line(gap.reasons[0], 60))
    return " · ".join(words)


def _short(repo: Repository, path: str) -> str:
    top = f"{repo.worktree}/"
    return clean(path.removeprefix(top), keep="")


def _errors(entry: Entry) -> list[Text]:
    lines = []
    if entry.error:
        lines.append(Text(f"Could not: {clean(entry.error)}", "bold red"))
        if entry.hint:
            lines.append(Text(clean(entry.hint), "red"))
    return lines


def _heading(draft: Draft) -> list[Text]:
    kind = "Test" if draft.kind == "test" else "Story"
    words = (
        f"{kind} {draft.id} by {one_line(draft.origin)} for {short_sha(draft.commit)},"
        f" {time_ago(draft.created_at)}; {draft.state.replace('_', ' ')}"
    )
    return [Text(words, "dim")]


def _evidence_line(line: str) -> Text:
    style = ""
    if line.startswith(("Suspect bug", "Not noticed", "  ✗", "Failed")):
        style = "red"
    elif line.startswith(("Asks", "Recorded", "Note", "Doubtful")):
        style = "yellow"
    elif line.startswith(("  ✓", "Verified", "Checked", "Gains")):
        style = "green"
    return Text(line, style)
