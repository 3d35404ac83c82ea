"""When two outcomes are the same."""

from __future__ import annotations

from typing import Any

import pytest

from copydesk.agent.behaviour.outcomes import difference_kind, in_words, same_value


def outcome(**more: Any) -> dict[str, Any]:
    plain = {"kind": "value", "value": ["int", "1"], "text": "1", "printed": "", "files": {}}
    return {**plain, "after": [], "globals": [], **more}


def test_floats_may_differ_by_what_another_order_of_sums_makes() -> None:
    assert same_value(["float", "0.30000000000000004"], ["float", "0.3"])
    assert not same_value(["float", "0.3001"], ["float", "0.3"])
    assert same_value(["float", "nan"], ["float", "nan"])
    assert not same_value(["float", "x"], ["float", "1.0"])


def test_private_attributes_count_only_where_asked_for() -> None:
    one = ["object", "Box", {"fields": [], "inner": [["_a", ["int", "1"]]]}]
    other = ["object", "Box", {"fields": [], "inner": [["_a", ["int", "2"]]]}]
    assert same_value(one, other, inner=False)
    assert not same_value(one, other)
    assert difference_kind(outcome(value=one), outcome(value=other)) == "inner state"


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (outcome(), outcome(value=["int", "2"]), "value"),
        (outcome(), outcome(value=["str", "1"]), "value"),
        (outcome(), outcome(wrap="run"), "value"),
        (outcome(), outcome(kind="raises", exception="ValueError"), "raises now"),
        (outcome(kind="raises", exception="ValueError"), outcome(), "raises no longer"),
        (
            outcome(kind="raises", exception="KeyError"),
            outcome(kind="raises", exception="ValueError"),
            "exception",
        ),
        (outcome(), outcome(printed="a\n"), "output"),
        (outcome(), outcome(files={"a.txt": "text 12"}), "files"),
        (outcome(), outcome(warned=["UserWarning"]), "warning"),
        (outcome(), outcome(globals=[["m.seen", ["int", "1"]]]), "global"),
        (
            outcome(after=[[1, ["list"], "[]"]]),
            outcome(after=[[1, ["list", ["int", "1"]], "[1]"]]),
            "argument",
        ),
        (
            outcome(after=[[0, ["int", "1"], "1"]]),
            outcome(after=[[0, ["int", "2"], "2"]]),
            "object",
        ),
        (outcome(), outcome(kind="died"), "ending"),
        (outcome(), outcome(), ""),
    ],
)
def test_what_differs_has_a_name_and_words(before: Any, after: Any, kind: str) -> None:
    assert difference_kind(before, after) == kind
    if kind:
        was, now = in_words(before, after, kind)
        assert was
        assert now


def test_two_errors_that_speak_of_a_wrong_call_are_the_same() -> None:
    one = outcome(kind="raises", exception="TypeError", message="a", misuse=True)
    other = outcome(kind="raises", exception="AttributeError", message="b", misuse=True)
    assert difference_kind(one, other) == ""
