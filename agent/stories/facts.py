"""From a commit and its runs to numbered facts, the only things a story may say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from copydesk.agent.records import Fact, Sha
from copydesk.agent.text import clean, plural

SHOWN = 5
"""Files, functions, gaps and drafts named one by one; the others are counted."""

CODE_VALUES = (
    *("path", "function", "test", "short", "sha", "name", "parameter", "option", "tag"),
    *("old_path", "old_parameter", "was", "now", "issue", "call"),
)
"""Keys whose values are written as code (a number may follow: function_2)."""
SPOKEN_VALUES = (
    *("subject", "note", "reasons", "doc", "entry", "answer"),
    *("greeting", "sign_off", "heading"),
)
"""Keys whose values are somebody's own words: quoted, never restated as ours."""
HEARD_VALUES = ("quote", "topic")
"""Keys whose values are of readers: what one wrote, what they write about. Nothing but a quotation
may repeat them."""

_TRAILER = re.compile(
    r"[A-Z][A-Za-z]*(-[A-Za-z]+)+: .+|Story: .+|\(cherry picked from commit [0-9a-f]+\)"
)
Values = Mapping[str, str | int | float]
Unnumbered = tuple[str, str, Values]
"""A fact without its number: kind, text and values."""


class FileChange(NamedTuple):
    """A changed file and its added and removed lines (both 0 for a binary file)."""

    path: str
    added: int
    removed: int


class GapChange(NamedTuple):
    """A function and how many of its lines became uncovered, or covered."""

    path: str
    function: str
    lines: int


class ReadyDraft(NamedTuple):
    """A test draft that waits for the editor, with the mutants it killed and those tried."""

    path: str
    function: str
    killed: int
    total: int


@dataclass(frozen=True, slots=True)
class StoryInputs:
    """Everything known of one commit, in plain values; None means it was not measured.

    `date` is ISO 8601; `functions` are qualified names; percents are 0 to 100.
    """

    sha: Sha
    subject: str
    body: str = ""
    author: str = ""
    date: str = ""
    files: tuple[FileChange, ...] = ()
    functions: tuple[str, ...] = ()
    tests_selected: int | None = None
    tests_total: int | None = None
    tests_passed: int | None = None
    tests_failed: int | None = None
    percent_before: float | None = None
    percent_after: float | None = None
    covered_before: int | None = None
    executable_before: int | None = None
    covered_after: int | None = None
    executable_after: int | None = None
    gaps_opened: tuple[GapChange, ...] = ()
    gaps_closed: tuple[GapChange, ...] = ()
    drafts: tuple[ReadyDraft, ...] = ()
    doubts: tuple[str, ...] = ()


def commit_facts(inputs: StoryInputs) -> list[Fact]:
    """Number what is known of a commit: F1, F2 and so on.

    Control characters of names and messages are escaped here, so that what is checked is what is
    shown. A fact that was not measured is left out; when nothing was, a fact says so.

    Args:
        inputs: What is known of the commit.
    """
    return numbered(
        [*_commit(inputs), *_files(inputs), *_functions(inputs), *measured_facts(inputs)]
    )


def measured_facts(inputs: StoryInputs) -> list[Unnumbered]:
    """What tests, coverage and drafts say; where nothing was measured, a fact that says so."""
    unnumbered = [
        *_tests(inputs),
        *_doubts(inputs),
        *_coverage(inputs),
        *_gaps("closed", inputs.gaps_closed),
        *_gaps("opened", inputs.gaps_opened),
        *_drafts(inputs.drafts),
    ]
    if {kind for kind, _, _ in unnumbered}.isdisjoint(("tests", "doubt", "coverage", "lines")):
        unnumbered.append(("unmeasured", "No test was run and no coverage was measured.", {}))
    return unnumbered


def numbered(unnumbered: Iterable[Unnumbered], first: int = 1) -> list[Fact]:
    """Give facts their numbers, the first one as told."""
    return [
        Fact(f"F{number}", kind, text, values)
        for number, (kind, text, values) in enumerate(unnumbered, first)
    ]


def _commit(commit: StoryInputs) -> Iterator[Unnumbered]:
    sha = plain_line(commit.sha)
    values: dict[str, str | int | float] = {"sha": sha, "short": sha[:7]}
    text = f"Commit {sha[:7]}"
    if subject := spoken(commit.subject):
        values["subject"] = subject
        text += f": “{subject}”"
    if author := plain_line(commit.author):
        values["author"] = author
        text += f", by {author}"
    if date := plain_line(commit.date)[:10]:
        values["date"] = date
        text += f", {date}"
    yield "commit", text + ".", values
    for paragraph in note(commit.body):
        yield "note", f"The author wrote: “{paragraph}”", {"note": paragraph}


def note(body: str) -> list[str]:
    """The paragraphs of a commit message's body, without trailers such as Signed-off-by.

    The body is the one place where a story may take a *why* from.
    """
    paragraphs = []
    for block in re.split(r"\n\s*\n", clean(body.replace("\r\n", "\n")).strip()):
        lines = [line for line in block.split("\n") if not _TRAILER.fullmatch(line.strip())]
        paragraph = spoken(" ".join(lines))
        if re.search(r"\w", paragraph):
            paragraphs.append(paragraph)
    return paragraphs[:SHOWN]


def _files(commit: StoryInputs) -> Iterator[Unnumbered]:
    files = sorted(commit.files, key=lambda f: (-(f.added + f.removed), f.path))
    added, removed = sum(f.added for f in files), sum(f.removed for f in files)
    values = {"files": len(files), "added": added, "removed": removed}
    if len(files) > SHOWN:
        values["others"] = len(files) - SHOWN
    yield (
        "change",
        f"{plural(len(files), 'file')} changed, {_lines(added)} added, {_lines(removed)} removed.",
        values,
    )
    for path, plus, minus in files[:SHOWN]:
        path = plain_line(path)
        yield (
            "file",
            f"{path}: {_lines(plus)} added, {_lines(minus)} removed.",
            {"path": path, "added": plus, "removed": minus},
        )


def _functions(commit: StoryInputs) -> Iterator[Unnumbered]:
    names = [plain_line(name) for name in commit.functions]
    if not names:
        return
    values: dict[str, str | int | float] = {"functions": len(names)}
    values |= {f"function_{n}": name for n, name in enumerate(names[:SHOWN], 1)}
    if len(names) > SHOWN:
        values["others"] = len(names) - SHOWN
    yield "functions", f"{plural(len(names), 'function')} changed: {_some(names)}.", values


def _tests(commit: StoryInputs) -> Iterator[Unnumbered]:
    measured = {
        "selected": commit.tests_selected,
        "total": commit.tests_total,
        "passed": commit.tests_passed,
        "failed": commit.tests_failed,
    }
    values = {key: value for key, value in measured.items() if value is not None}
    if not values or (commit.doubts and not commit.tests_total):
        return
    if {"selected", "passed", "failed"} <= set(values):
        neither = values["selected"] - values["passed"] - values["failed"]
        if neither > 0:
            values["others"] = neither  # skipped, or expected to fail
    words = {"total": "in all", "others": "neither passed nor failed"}
    counts = ", ".join(f"{value:,} {words.get(key, key)}" for key, value in values.items())
    yield "tests", f"Tests: {counts}.", values


def _doubts(commit: StoryInputs) -> Iterator[Unnumbered]:
    for doubt in commit.doubts:
        yield "doubt", f"The measure has no verdict: {doubt}.", {"doubt": doubt}


def _coverage(commit: StoryInputs) -> Iterator[Unnumbered]:
    if commit.percent_after is not None:
        yield _percents(commit.percent_after, commit.percent_before)
    if commit.covered_after is not None and commit.executable_after is not None:
        before = None
        if commit.covered_before is not None and commit.executable_before is not None:
            before = (commit.covered_before, commit.executable_before)
        yield _covered_lines((commit.covered_after, commit.executable_after), before)


def _percents(after: float, before: float | None) -> Unnumbered:
    after = round(after, 2)
    values: dict[str, str | int | float] = {"after": after}
    text = f"Coverage is {number(after)}%"
    if before is not None:
        before = round(before, 2)
        values["before"] = before
        values["change"] = round(abs(after - before), 2)
        values["direction"] = direction(before, after)
        text += f", before it was {number(before)}%, it {direction(before, after)}"
    return "coverage", text + ".", values


def _covered_lines(after: tuple[int, int], before: tuple[int, int] | None) -> Unnumbered:
    """The fact of covered and executable lines, each given as such a pair."""
    values: dict[str, str | int | float] = {}
    values["covered_after"], values["executable_after"] = after
    text = f"{after[0]:,} of {after[1]:,} executable lines covered"
    if before is not None:
        values["covered_before"], values["executable_before"] = before
        values["direction"] = direction(before[0], after[0])
        text += f", before {before[0]:,} of {before[1]:,}"
    return "lines", text + ".", values


def _gaps(way: str, gaps: Sequence[GapChange]) -> Iterator[Unnumbered]:
    if not gaps:
        return
    ordered = sorted(gaps, key=lambda g: (-g.lines, g.path, g.function))
    state = "became uncovered" if way == "opened" else "became covered"
    if len(gaps) > 1:
        total = sum(g.lines for g in gaps)
        values = {"functions": len(gaps), "lines": total}
        if len(gaps) > SHOWN:
            values["others"] = len(gaps) - SHOWN
        text = f"In {plural(len(gaps), 'function')}, {_lines(total)} {state}."
        yield f"gaps {way}", text, values
    for path, function, lines in ordered[:SHOWN]:
        path, function = plain_line(path), plain_line(function)
        yield (
            f"gap {way}",
            f"{path}, {function}: {_lines(lines)} {state}.",
            {"path": path, "function": function, "lines": lines},
        )


def _drafts(drafts: Sequence[ReadyDraft]) -> Iterator[Unnumbered]:
    if not drafts:
        return
    ordered = sorted(drafts, key=lambda d: (-d.killed, d.path, d.function))
    if len(drafts) > 1:
        killed, total = sum(d.killed for d in drafts), sum(d.total for d in drafts)
        values = {"drafts": len(drafts), "killed": killed, "mutants": total}
        if len(drafts) > SHOWN:
            values["others"] = len(drafts) - SHOWN
        text = f"{len(drafts):,} test drafts ready, {killed:,} of {total:,} mutants killed."
        yield "drafts", text, values
    for path, function, killed, total in ordered[:SHOWN]:
        path, function = plain_line(path), plain_line(function)
        yield (
            "draft",
            f"Test draft for {function} in {path}: {killed:,} of {total:,} mutants killed.",
            {"path": path, "function": function, "killed": killed, "mutants": total, "drafts": 1},
        )


def number(value: int | float) -> str:
    """A number as stories write it: 2,014 or 87.4, at most two decimals."""
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def direction(before: float, after: float) -> str:
    """Which way a figure went: rose, fell or unchanged."""
    if after == before:
        return "unchanged"
    return "rose" if after > before else "fell"


def _lines(count: int) -> str:
    return plural(count, "line")


def plain_line(text: str) -> str:
    """One clean line that can stand between backticks."""
    return clean(" ".join(text.split()), keep="").replace("`", "'")


def spoken(text: str) -> str:
    """Somebody's words as one clean line that can stand between double quotes."""
    line = clean(" ".join(text.split()), keep="")
    line = re.sub('[“”„"]', "'", line)
    return line if line.count("`") % 2 == 0 else line.replace("`", "'")


def shortened(line: str, longest: int) -> str:
    """Words cut at a blank, with an ellipsis, where they are longer than so many characters."""
    if len(line) <= longest:
        return line
    cut = line[:longest].rpartition(" ")[0] or line[:longest]
    if cut.count("`") % 2:
        before, _, after = cut.rpartition("`")
        cut = before + after
    return cut + "…"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
