"""What is advised below a list of gaps can be done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from copydesk.agent.cli.gaps import _next_steps, _print_gaps
from copydesk.agent.coverage.gate import DraftAdvice
from copydesk.agent.coverage.source import MODULE
from copydesk.agent.records import Gap


def gap(function: str) -> Gap:
    return Gap("s" * 40, "a.py", function, 1, 1, (1,), (), 0.5, (), False)


def steps(functions: list[str], waiting: list[str], revision: str = "") -> list[str]:
    commands = {name: f"copydesk accept {n}" for n, name in enumerate(waiting)}
    return list(_next_steps(list(map(gap, functions)), DraftAdvice(commands, True, revision)))


def test_gaps_without_a_draft_are_drafted() -> None:
    assert steps(["f"], []) == ["`copydesk draft` writes tests for the first of them."]
    assert steps(["f"], [], "1234abcd") == [
        "`copydesk draft 1234abcd` writes tests for the first of them."
    ]


def test_a_gap_with_a_draft_is_decided_on() -> None:
    assert steps(["f", MODULE], ["a.py::f", "a.py"]) == [
        "`copydesk accept 0` decides on the test that was drafted for a.py::f.",
        "`copydesk accept 1` decides on the test that was drafted for a.py.",
    ]
    assert steps(["f", "g"], ["a.py::f"])[1] == (
        "`copydesk draft` writes tests for the first of the others."
    )


def test_of_many_drafts_some_are_named() -> None:
    names = list("abcdef")
    said = steps(names, [f"a.py::{name}" for name in names])
    assert len(said) == 4
    assert said[-1] == "`copydesk review` has 3 more that wait."


def test_what_all_gaps_share_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    short = "in a short file"
    gaps = [replace(gap("f"), reasons=("it is new", short)), replace(gap("g"), reasons=(short,))]
    _print_gaps(gaps, 20, DraftAdvice({}))
    out = capsys.readouterr().out
    assert out.count(short) == 1
    assert f"All of these: {short}." in out
    assert "it is new" in out
    _print_gaps(gaps, 1, DraftAdvice({}))
    assert "it is new; in a short file" in capsys.readouterr().out
