"""Every parameter gets other values early, those that the changed lines read first."""

from __future__ import annotations

import ast
import itertools
from typing import Any

import pytest

from copydesk.agent.sandboxed.copydesk_tools.compare.calls_to_try import (
    CallsToTry,
    mentioned_parameters,
)
from copydesk.agent.sandboxed.copydesk_tools.compare.vary import in_turns, with_parameter
from copydesk.agent.sandboxed.copydesk_tools.search.values.call import Call, Subject
from copydesk.agent.sandboxed.copydesk_tools.search.values.expressions import Expression
from copydesk.agent.sandboxed.copydesk_tools.source import read_parameters, signature_of

SOURCE = """
def join(items, a=1, /, sep=' ', *, times=1, **more):
    parts = [str(item) for item in items]
    if times > 1:
        parts *= a
    return sep.join(parts)
"""


def _node(source: str = SOURCE) -> Any:
    return ast.parse(source).body[0]


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ([3], ["items"]),
        ([4], ["times"]),  # the head alone
        ([-6], ["sep"]),
        ([3, 5, 6], ["items", "a", "sep"]),
        ([2, 40], []),
    ],
)
def test_the_parameters_that_lines_read_are_known(lines: list[int], names: list[str]) -> None:
    assert read_parameters(_node(), signature_of(_node()), lines) == names


def test_what_is_added_to_is_read() -> None:
    node = _node("def f(n):\n    n += 1\n    n = 2\n")
    assert read_parameters(node, signature_of(node), [2]) == ["n"]
    assert read_parameters(node, signature_of(node), [3]) == []


@pytest.mark.parametrize(
    ("arguments", "name", "expected"),
    [
        (("[]",), "items", (("9",), ())),
        (("[]",), "a", (("[]", "9"), ())),
        ((), "a", None),  # by position only, and what stands before it is not there
        (("[]", "1"), "sep", (("[]", "1"), (("sep", "9"),))),
        (("[]", "1", "''"), "sep", (("[]", "1", "9"), ())),
        (("[]",), "times", (("[]",), (("times", "9"),))),
    ],
)
def test_a_parameter_gets_another_value_by_its_place_or_name(
    arguments: tuple[str, ...], name: str, expected: Any
) -> None:
    call = Call(None, tuple(map(Expression, arguments)), (), "literal")
    other = with_parameter(call, signature_of(_node()), name, Expression("9"))
    if expected is None:
        assert other is None
        return
    assert other is not None
    texts = tuple(value.text for value in other.arguments)
    assert (texts, tuple((key, value.text) for key, value in other.keywords)) == expected


def test_values_come_in_turns_and_what_the_change_mentions_ahead() -> None:
    values = {name: [Expression(f"{name}{n}") for n in range(6)] for name in "ab"}
    order = [value.text for _, value in in_turns(values, ["a", "b"], ["b"])]
    assert order[:8] == ["b0", "b1", "b2", "b3", "a0", "b0", "a1", "b1"]
    assert set(order) == {value.text for row in values.values() for value in row}


class _Stream:
    """A stream of two parameters whose own calls never end with an option."""

    def __init__(self) -> None:
        self.node = _node("def join(items, sep=' '):\n    return sep.join(items)\n")
        self.subject = Subject(None, "", "join", "function", "m.py", 1, 2)
        self.values = {
            "items": [Expression(f"['{n}']") for n in range(900)],
            "sep": [Expression(text) for text in ("','", "''")],
        }

    def calls(self) -> Any:
        return (Call(None, (value,), (), "literal") for value in self.values["items"])


def test_an_option_is_varied_before_the_calls_are_used_up() -> None:
    calls = CallsToTry(_Stream(), [], 40, ["sep"])  # type: ignore[arg-type]
    tried = []
    for call in calls:
        tried.append(call)
        if len(tried) == 1:
            calls.near.append(call)
            calls.reaching.append(call)
    made = [call for call in tried if call.origin != "random"]
    assert len(made) == len(set(made)) == 40
    options = {value.text for call in made[:12] for _, value in call.keywords}
    assert options == {"','", "''"}
    assert sum(call.origin == "literal" for call in made) >= 6  # the stream has its share


def test_without_a_call_that_reaches_a_change_the_stream_goes_on_alone() -> None:
    calls = CallsToTry(_Stream(), [], 30)  # type: ignore[arg-type]
    assert [call.arguments for call in calls] == [
        (value,) for value in itertools.islice(_Stream().values["items"], 30)
    ]


def test_both_versions_say_what_a_change_mentions() -> None:
    other = {"source": SOURCE, "function": "join", "lines": [2], "changed": [4]}
    assert mentioned_parameters(_node(), "", [6], other) == ["sep", "times"]
    assert mentioned_parameters(_node(), "", [6], {"source": "def"}) == ["sep"]
