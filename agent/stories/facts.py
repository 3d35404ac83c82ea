"""From a commit and its runs to numbered facts, the only things a story may say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from copydesk.agent.records import Fact, Sha
from copydesk.agent.text import clean, plural

SHOWN = 5
"""Files, functions, gaps and drafts named one by one; the others are counted."""

CODE_VALUES = ("path", "function", "test", "short", "sha")
"""Keys whose values are written as code (a number may follow: function_2)."""
SPOKEN_VALUES = ("subject", "note", "reasons")
"""Keys whose values are somebody's own words: quoted, never restated as ours."""

_TRAILER = re.compile(r"[A-Z][A-Za-z]*(-[A-Za-z]+)+: .+|\(cherry picked from commit [0-9a-f]+\)")
Values = Mapping[str, str | int | float]


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
class CommitFacts:
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


def commit_facts(commit: CommitFacts) -> list[Fact]:
    """Number what is known of a commit: F1, F2 and so on.

    Control characters of names and messages are escaped here, so that what is checked is what is
    shown. A fact that was not measured is left out; when nothing was, a fact says so.
    """
    found = [
        *_commit(commit),
        *_files(commit),
        *_functions(commit),
        *_tests(commit),
        *_coverage(commit),
        *_gaps("closed", commit.gaps_closed),
        *_gaps("opened", commit.gaps_opened),
        *_drafts(commit.drafts),
    ]
    if not any(kind in {"tests", "coverage", "lines"} for kind, _, _ in found):
        found.append(("unmeasured", "No test was run and no coverage was measured.", {}))
    return [Fact(f"F{n}", kind, text, values) for n, (kind, text, values) in enumerate(found, 1)]


_Draft = tuple[str, str, Values]


def _commit(commit: CommitFacts) -> Iterator[_Draft]:
    sha, subject = _line(commit.sha), _spoken(commit.subject)
    values: dict[str, str | int | float] = {"sha": sha, "short": sha[:7]}
    text = f"Commit {sha[:7]}"
    for key, value in (
        ("subject", subject),
        ("author", _line(commit.author)),
        ("date", _line(commit.date)[:10]),
    ):
        if value:
            values[key] = value
            text += {"subject": f": “{value}”", "author": f", by {value}", "date": f", {value}"}[
                key
            ]
    yield "commit", text + ".", values
    for paragraph in note(commit.body):
        yield "note", f"The author wrote: “{paragraph}”", {"note": paragraph}


def note(body: str) -> list[str]:
    """The paragraphs of a commit message's body, without trailers such as Signed-off-by.

    The body is the one place where a story may take a *why* from.
    """
    kept = []
    for block in re.split(r"\n\s*\n", clean(body.replace("\r\n", "\n")).strip()):
        lines = [line for line in block.splitlines() if not _TRAILER.fullmatch(line.strip())]
        paragraph = _spoken(" ".join(lines))
        if re.search(r"\w", paragraph):
            kept.append(paragraph)
    return kept[:SHOWN]


def _files(commit: CommitFacts) -> Iterator[_Draft]:
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
        path = _line(path)
        yield (
            "file",
            f"{path}: {_lines(plus)} added, {_lines(minus)} removed.",
            {"path": path, "added": plus, "removed": minus},
        )


def _functions(commit: CommitFacts) -> Iterator[_Draft]:
    names = [_line(name) for name in commit.functions]
    if not names:
        return
    values: dict[str, str | int | float] = {"functions": len(names)}
    values |= {f"function_{n}": name for n, name in enumerate(names[:SHOWN], 1)}
    if len(names) > SHOWN:
        values["others"] = len(names) - SHOWN
    yield "functions", f"{plural(len(names), 'function')} changed: {_some(names)}.", values


def _tests(commit: CommitFacts) -> Iterator[_Draft]:
    given = {
        "selected": commit.tests_selected,
        "total": commit.tests_total,
        "passed": commit.tests_passed,
        "failed": commit.tests_failed,
    }
    values = {key: value for key, value in given.items() if value is not None}
    if not values:
        return
    if {"selected", "passed", "failed"} <= set(values):
        others = values["selected"] - values["passed"] - values["failed"]
        if others > 0:
            values["others"] = others  # skipped, or expected to fail
    said = {"total": "in all", "others": "neither passed nor failed"}
    listed = ", ".join(f"{value:,} {said.get(key, key)}" for key, value in values.items())
    yield "tests", f"Tests: {listed}.", values


def _coverage(commit: CommitFacts) -> Iterator[_Draft]:
    if commit.percent_after is not None:
        after = round(commit.percent_after, 2)
        text, percents = f"Coverage is {number(after)}%", dict[str, str | int | float](after=after)
        if commit.percent_before is not None:
            before = round(commit.percent_before, 2)
            change = round(abs(after - before), 2)
            percents |= {"before": before, "change": change, "direction": direction(before, after)}
            text += f", before it was {number(before)}%, it {direction(before, after)}"
        yield "coverage", text + ".", percents
    if commit.covered_after is not None and commit.executable_after is not None:
        now = {"covered_after": commit.covered_after, "executable_after": commit.executable_after}
        counts = dict[str, str | int | float](now)
        text = f"{commit.covered_after:,} of {commit.executable_after:,} executable lines covered"
        if commit.covered_before is not None and commit.executable_before is not None:
            counts["covered_before"] = commit.covered_before
            counts["executable_before"] = commit.executable_before
            counts["direction"] = direction(commit.covered_before, commit.covered_after)
            text += f", before {commit.covered_before:,} of {commit.executable_before:,}"
        yield "lines", text + ".", counts


def _gaps(way: str, gaps: Sequence[GapChange]) -> Iterator[_Draft]:
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
        path, function = _line(path), _line(function)
        yield (
            f"gap {way}",
            f"{path}, {function}: {_lines(lines)} {state}.",
            {"path": path, "function": function, "lines": lines},
        )


def _drafts(drafts: Sequence[ReadyDraft]) -> Iterator[_Draft]:
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
        path, function = _line(path), _line(function)
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


def _line(text: str) -> str:
    """One clean line that can stand between backticks."""
    return clean(" ".join(text.split()), keep="").replace("`", "'")


def _spoken(text: str) -> str:
    """Somebody's words as one clean line that can stand between double quotes."""
    line = clean(" ".join(text.split()), keep="")
    line = re.sub('[“”„"]', "'", line)
    return line if line.count("`") % 2 == 0 else line.replace("`", "'")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
