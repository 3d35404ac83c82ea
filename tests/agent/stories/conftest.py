"""Varied commits to tell, by name and at random, and every way to alter a sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import strategies as st

from copydesk.agent.stories.facts import FileChange, GapChange, ReadyDraft, StoryInputs

FULL = StoryInputs(
    sha="b77e0123f2a9c14d5e6f708192a3b4c5d6e7f809",
    subject="Compact the event log on save",
    body="Saves were 40 MB after an hour.\n\nCompacting drops them to 3 MB on the same run.",
    author="Ada Author",
    date="2026-11-20T10:00:00+01:00",
    files=(FileChange("engine/save.py", 84, 31), FileChange("tests/test_save.py", 26, 0)),
    functions=("compact_log", "Writer.flush"),
    tests_selected=12,
    tests_total=340,
    tests_passed=12,
    tests_failed=0,
    percent_before=87.2,
    percent_after=87.42,
    covered_before=2000,
    executable_before=2293,
    covered_after=2014,
    executable_after=2304,
    gaps_opened=(GapChange("engine/save.py", "compact_log", 3),),
    gaps_closed=(GapChange("engine/load.py", "read_all", 7),),
    drafts=(ReadyDraft("engine/save.py", "compact_log", 7, 9),),
)

CASES: dict[str, StoryInputs] = {
    "full": FULL,
    "failing": replace(FULL, tests_passed=9, tests_failed=3),
    "skipped": replace(FULL, tests_passed=9, tests_failed=2),
    "some-skipped": replace(FULL, tests_passed=11, tests_failed=0),
    "whole-suite": replace(FULL, tests_selected=340, tests_passed=340),
    "none-selected": replace(FULL, tests_selected=0, tests_passed=0, tests_failed=0),
    "all-failed": replace(FULL, tests_passed=0, tests_failed=12),
    "fell": replace(FULL, percent_before=88.0, percent_after=87.4, covered_after=1990),
    "unchanged": replace(
        FULL, percent_after=87.2, covered_after=2000, executable_after=2293, gaps_opened=()
    ),
    "first": replace(FULL, percent_before=None, covered_before=None, executable_before=None),
    "unmeasured": StoryInputs(
        sha="0123abc" + "4" * 33, subject="Say hello", files=(FileChange("hello.py", 2, 0),)
    ),
    "empty": StoryInputs(sha="9" * 39 + "a", subject=""),
    "only-removed": replace(FULL, files=(FileChange("old/gone.py", 0, 120),), functions=("main",)),
    "binary": replace(FULL, files=(FileChange("logo.png", 0, 0),), functions=()),
    "many": replace(
        FULL,
        files=tuple(FileChange(f"pkg/part_{n}.py", 10 + n, n) for n in range(9)),
        functions=tuple(f"step_{n}" for n in range(8)),
        gaps_opened=tuple(GapChange(f"pkg/part_{n}.py", f"step_{n}", 20 - n) for n in range(7)),
        gaps_closed=tuple(GapChange(f"pkg/part_{n}.py", f"turn_{n}", 30 - n) for n in range(6)),
        drafts=tuple(ReadyDraft(f"pkg/part_{n}.py", f"step_{n}", 9 - n, 9) for n in range(7)),
    ),
    "no-mutants": replace(FULL, drafts=(ReadyDraft("engine/save.py", "compact_log", 0, 0),)),
    "two-drafts": replace(
        FULL,
        drafts=(
            ReadyDraft("engine/save.py", "compact_log", 7, 9),
            ReadyDraft("engine/load.py", "read_all", 4, 4),
        ),
    ),
    "loud-author": replace(
        FULL,
        subject='Fix #12: "the best" cache, because users asked (see https://x.example)',
        body="It is 3x faster in order to please everyone.\n\nSigned-off-by: Ada <a@example.com>",
    ),
    "odd-names": replace(
        FULL,
        files=(FileChange("my files/été v2.py", 3, 1), FileChange("Makefile", 1, 1)),
        functions=("Été.naïve", "<lambda>", "__init__"),
        gaps_opened=(GapChange("my files/été v2.py", "<module>", 2),),
    ),
    "only-selected": StoryInputs(sha="a1" * 20, subject="Try", tests_selected=1, tests_total=1),
    "only-total": StoryInputs(sha="a1" * 20, subject="Try", tests_total=31),
    "only-outcome": StoryInputs(sha="a1" * 20, subject="Try", tests_passed=4, tests_failed=1),
}

_names = st.from_regex(r"[a-z]{2,8}(_[a-z]{2,8})?(\.[a-z]{2,8})?", fullmatch=True)
_paths = st.builds(
    lambda parts, end: "/".join(parts) + end,
    st.lists(st.from_regex(r"[a-z]{2,8}(_[a-z0-9]{1,5})?", fullmatch=True), min_size=1, max_size=3),
    st.sampled_from([".py", ".md", ".toml"]),
)
_counts = st.integers(0, 5000)


@st.composite
def commits(draw: st.DrawFn) -> StoryInputs:
    """Any commit whose figures agree with each other."""
    total = draw(st.integers(0, 3000))
    selected = draw(st.integers(0, total))
    failed = draw(st.integers(0, min(selected, 20)))
    passed = selected - failed - draw(st.integers(0, min(3, selected - failed)))
    before, after = draw(_counts) + 1, draw(_counts) + 1
    covered_before, covered_after = draw(st.integers(0, before)), draw(st.integers(0, after))
    tested, measured, compared = draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
    gaps = st.lists(
        st.builds(GapChange, _paths, _names, st.integers(1, 80)),
        max_size=8,
        unique_by=lambda gap: (gap.path, gap.function),
    ).map(tuple)
    drafts = st.lists(
        st.builds(
            lambda path, name, a, b: ReadyDraft(path, name, min(a, b), max(a, b)),
            _paths,
            _names,
            st.integers(0, 30),
            st.integers(0, 30),
        ),
        max_size=7,
        unique_by=lambda one: (one.path, one.function),
    ).map(tuple)
    words = st.text(st.characters(codec="utf-8"), max_size=60)
    return StoryInputs(
        sha=draw(st.from_regex(r"[0-9a-f]{40}", fullmatch=True)),
        subject=draw(words | st.just("Fix the loader, because it lost 3 lines")),
        body=draw(words),
        author=draw(st.sampled_from(["Ada Author", "", "Łukasz"])),
        date=draw(st.sampled_from(["2026-11-20", "2026-01-02T03:04:05Z", ""])),
        files=tuple(
            draw(
                st.lists(
                    st.builds(FileChange, _paths, _counts, _counts),
                    max_size=8,
                    unique_by=lambda file: file.path,
                )
            )
        ),
        functions=tuple(draw(st.lists(_names, max_size=8, unique=True))),
        tests_selected=selected if tested else None,
        tests_total=total if tested else None,
        tests_passed=passed if tested else None,
        tests_failed=failed if tested else None,
        percent_before=100 * covered_before / before if measured and compared else None,
        percent_after=100 * covered_after / after if measured else None,
        covered_before=covered_before if measured and compared else None,
        executable_before=before if measured and compared else None,
        covered_after=covered_after if measured else None,
        executable_after=after if measured else None,
        gaps_opened=draw(gaps) if measured else (),
        gaps_closed=draw(gaps) if measured else (),
        drafts=draw(drafts),
    )


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request: pytest.FixtureRequest) -> StoryInputs:
    """Each named commit in turn."""
    return request.param


@pytest.fixture(scope="session")
def cases() -> dict[str, StoryInputs]:
    """All named commits."""
    return CASES


@pytest.fixture(scope="session")
def any_commit() -> st.SearchStrategy[StoryInputs]:
    """A strategy for any commit."""
    return commits()
