"""Calls that a function took before and refuses now."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from copydesk.agent.behaviour import changed_functions
from copydesk.agent.behaviour.signatures import compare_signatures, refused_callers


def sources(text: str) -> dict[str, bytes]:
    return {"m.py": f"def f({text}):\n    return 1\n".encode()}


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("a", "a, b", "new required parameter b"),
        ("a, b", "a", "removed parameter b"),
        ("a, b, c", "a", "removed parameters b, c"),
        ("a, b", "b, a", "parameters in another order: b, a"),
        ("a, b=1", "a, *, b=1", "b by keyword only"),
        ("a, *more", "a", "removed parameter *more"),
        ("a, **more", "a", "removed parameter **more"),
        ("a", "a, *, b", "new required parameter b"),
    ],
)
def test_a_form_that_refuses_calls_is_told(before: str, after: str, reason: str) -> None:
    old, new = sources(before), sources(after)
    (change,) = changed_functions(old, new)
    comparison = compare_signatures(change, old, new)
    assert comparison is not None
    assert (comparison.verdict, comparison.reason) == ("signature", reason)


@pytest.mark.parametrize(("before", "after"), [("a", "a, b=1"), ("a=1", "a=2"), ("a", "a, *more")])
def test_a_form_that_takes_all_calls_is_compared(before: str, after: str) -> None:
    old, new = sources(before), sources(after)
    (change,) = changed_functions(old, new)
    assert compare_signatures(change, old, new) is None


def test_callers_that_are_refused_are_named(tmp_path: Path) -> None:
    old, new = sources("a"), sources("a, b")
    (change,) = changed_functions(old, new)
    (tmp_path / "m.py").write_bytes(new["m.py"])
    (tmp_path / "n.py").write_text("from m import f\nf(1)\nf(1, 2)\nf(1, b=2)\nf(*x)\nf(1, c=2)\n")
    (tmp_path / "broken.py").write_text("f(1)\ndef (:\n")
    ends = SimpleNamespace(before=old, after=new)
    assert refused_callers(change, tmp_path, ends) == ("n.py:2", "n.py:6")
