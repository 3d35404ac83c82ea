"""What is known of a function with uncovered lines, as plain numbers."""

from __future__ import annotations

from typing import NamedTuple


class GapFeatures(NamedTuple):
    """One function (or a module's own statements) with lines that no test reaches.

    Every count may be None: not known. An unknown count weighs nothing in the score; it is not
    taken for zero.

    lines_uncovered: lines of the function that no test reaches; scales the score, is no
        part of the prior (history does not know it).
    lines_added_in_commit: lines of the function that the commit added or rewrote.
    function_lines: lines from the first decorator to the end, blank ones and comments included.
    branches: if, for, while, try, except, conditional expressions, and/or, comprehensions.
    times_changed: commits that touched the file in the 90 days before this one.
    recent_fixes: of the commits in the 180 days before this one that touched the file, those
        whose message says they fix something.
    authors: different people who have ever changed the file, before this commit. Recorded, but
        no input of the shipped prior, which it made worse.
    callers: calls of that name elsewhere in the same module.
    lines_added_elsewhere: lines of source (not of tests) the commit added outside the function.
    file_lines: lines of the whole file.
    files_changed: source files (not tests) that the commit touched.
    test_lines_added: lines of tests that the commit added.
    lines_removed: lines of the function that the commit took away (a hunk's share of them).
    arguments: positional and keyword-only ones.
    share_changed: lines added over lines of the function.
    new_function: 1 when the history knew none of that name in that file.
    function_fixes: fixing commits that touched the function before.
    days_since_function: days since a commit touched it; -1 when none did.
    lines_added_in_all: lines of source the commit added, the function's own included.
    tests_changed: test files that the commit touched.
    is_fix: 1 when the message says that the commit fixes something.
    author_recency: the author's commits before this one, each weighing less with age (180 days).
    private: 1 when the name begins with an underscore.
    churn: lines added and removed in the file before, weighing less with age (90 days).
    fixes: fixing commits of the file before, weighing less with age (180 days).
    covered_share: of the function's statements, those that some test executed when the commit
        was measured. An input of the trees alone: old history was never measured.
    mutation_sites: small faults that could be put on the uncovered lines: no test would
        notice any of them. Scales the score, as lines_uncovered does.
    """

    lines_uncovered: int
    lines_added_in_commit: int | None = None
    function_lines: int | None = None
    branches: int | None = None
    times_changed: int | None = None
    recent_fixes: int | None = None
    authors: int | None = None
    callers: int | None = None
    lines_added_elsewhere: int | None = None
    file_lines: int | None = None
    files_changed: int | None = None
    test_lines_added: int | None = None
    lines_removed: float | None = None
    arguments: int | None = None
    share_changed: float | None = None
    new_function: int | None = None
    function_fixes: int | None = None
    days_since_function: float | None = None
    lines_added_in_all: int | None = None
    tests_changed: int | None = None
    is_fix: int | None = None
    author_recency: float | None = None
    private: int | None = None
    churn: float | None = None
    fixes: float | None = None
    covered_share: float | None = None
    mutation_sites: int | None = None
