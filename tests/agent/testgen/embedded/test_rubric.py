"""What a reviewer would not merge, what they doubt, and the conditions that name a test."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from copydesk.agent.testgen.embedded.call_source import Subject
from copydesk.agent.testgen.embedded.case import Case
from copydesk.agent.testgen.embedded.conditions import conditions_met, purpose, with_conditions
from copydesk.agent.testgen.embedded.outcomes import (
    Raises,
    ReturnsObject,
    ReturnsRepr,
    ReturnsValue,
    ReturnsView,
    UpdatesReceiver,
)
from copydesk.agent.testgen.embedded.rubric import RULES, Reviewed, is_trivial, merged
from copydesk.agent.testgen.embedded.source_lines import approximated
from copydesk.agent.testgen.embedded.suspicion import as_note, doubt


def reviewed(source: str, shape: str = "function") -> Reviewed:
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.FunctionDef)
    return Reviewed(node, shape)


def case(outcome: Any, *arguments: str, **more: Any) -> Case:
    return Case(more.pop("receiver", None), arguments, (), outcome, **more)


RETURNS = "def f(text, column):\n    insert(text)\n    return text\n"
DOES = "def f(text):\n    save(text)\n"


@pytest.mark.parametrize(
    ("source", "given", "reason"),
    [
        (RETURNS, case(Raises("KeyError", "'x'", is_own=False), '"x"'), "raises what nobody"),
        (RETURNS, case(ReturnsValue("True"), "SimpleNamespace(a=1)"), "stand-in"),
        (DOES, case(ReturnsValue("None"), '"abc"'), "only that nothing is returned"),
        (RETURNS, case(ReturnsRepr('"<rows object>"'), '"abc"'), "how an object is printed"),
        (RETURNS, case(ReturnsObject((("len()", "708"),)), '"abc"'), "counts what happens"),
        (RETURNS, case(ReturnsValue("1"), '"' + "a" * 200 + '"'), "too long"),
        (RETURNS, case(ReturnsValue("1"), *["1"] * 9), "too long"),
        (RETURNS, case(ReturnsValue('"' + "a" * 500 + '"'), "1"), "too long"),
        (RETURNS, case(ReturnsValue("1"), '"abc"', "len"), "where none is asked for"),
    ],
    ids=["accident", "stand-in", "nothing", "repr", "len", "long", "many", "result", "function"],
)
def test_what_a_reviewer_would_not_merge_is_left_out(source: str, given: Case, reason: str) -> None:
    good = case(ReturnsValue('"abc"'), '"abc"')
    cases, notes = merged([good, given], reviewed(source))
    assert cases == [good]
    assert len(notes) == 1
    assert reason in notes[0]
    assert notes[0].startswith("left out 1: ")


@pytest.mark.parametrize(
    ("source", "given"),
    [
        (RETURNS, case(Raises("KeyError", "'x'", is_own=True), '"x"')),
        (RETURNS, case(Raises("ValueError", is_own=False), '"x"')),
        ('def f(text):\n    """Raises KeyError."""\n', case(Raises("KeyError", is_own=False), "1")),
        (RETURNS, case(ReturnsRepr('"Money(1)"'), '"abc"')),
        (RETURNS, case(ReturnsObject((("len()", "3"),)), '"abc"')),
        ("def f(key):\n    return key(1)\n", case(ReturnsValue("1"), "len")),
        ("def f(key):\n    return sorted(x, key=key)\n", case(ReturnsValue("[1]"), "len")),
        ("def f(self, key):\n    return map(key, x)\n", case(ReturnsValue("[1]"), "len")),
        ("def f():\n    yield 1\n", case(ReturnsValue("[1]"), wrap="list")),
        ("def f(a):\n    return None\n", case(UpdatesReceiver((("size", "1"),)), "1")),
    ],
)
def test_what_a_reviewer_would_merge_stays(source: str, given: Case) -> None:
    assert merged([given], reviewed(source)) == ([given], ())


def test_each_rule_has_a_reason_and_an_example() -> None:
    assert all(rule.reason and rule.example for rule in RULES)
    assert len({rule.reason for rule in RULES}) == len(RULES)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (ReturnsValue("None"), True),
        (ReturnsValue("[]"), True),
        (ReturnsView("[0.0, 0.0, 0.0]", "{}.tolist()"), True),
        (ReturnsView('[float("nan"), float("nan")]', "{}.tolist()"), True),
        (ReturnsView("[0.0, 1.5]", "{}.tolist()"), False),
        (ReturnsValue("0"), False),
        (ReturnsValue('["a"]'), False),
        (Raises("ValueError"), False),
    ],
)
def test_an_answer_is_trivial_where_it_says_nothing(outcome: Any, expected: bool) -> None:
    assert is_trivial(outcome) is expected


def test_a_function_that_only_ever_gave_nothing_has_its_errors_alone() -> None:
    error = case(Raises("ValueError", "no"), "0")
    nothing = case(ReturnsValue("[]"), "1")
    cases, notes = merged([nothing, error], reviewed(RETURNS))
    assert cases == [error]
    assert notes == ("left out 1: expects the same empty answer, whatever it is given",)
    something = case(ReturnsValue("[1]"), "2")
    assert merged([nothing, something], reviewed(RETURNS))[0] == [nothing, something]
    assert merged([nothing], reviewed("def f(self):\n    return self.x\n"))[0] == [nothing]


FUNCTION = Subject("shop", "", "f", "function", ("quantity", "text"))


def named(name: str) -> Subject:
    return Subject("shop", "", name, "function", ("text",))


@pytest.mark.parametrize(
    ("subject", "source", "given", "reason"),
    [
        (FUNCTION, "def f(q) -> int:\n    return q\n", case(ReturnsValue('"a"'), "1"), "says int"),
        (named("is_open"), DOES, case(ReturnsValue("None"), "1"), "yes or no"),
        (
            FUNCTION,
            'def f(q):\n    """Double.\n\n    >>> f(2)\n    4\n    """\n',
            case(ReturnsValue("5"), "2"),
            "the docstring's example gives 4, the function gives 5",
        ),
        (
            FUNCTION,
            'def f(q):\n    """Rate.\n\n    Returns: between 0 and 1.\n    """\n',
            case(ReturnsValue("1.5"), "2"),
            "between 0 and 1",
        ),
        (
            FUNCTION,
            'def f(q):\n    """Rate.\n\n    :return: a non-negative number\n    """\n',
            case(ReturnsValue("-1"), "2"),
            "not negative",
        ),
        (FUNCTION, RETURNS, case(ReturnsValue("-1.5"), "-1"), "a quantity of -1"),
        (
            FUNCTION,
            RETURNS,
            case(ReturnsValue("1"), 'Decimal("-2")'),
            'a quantity of Decimal("-2")',
        ),
        (FUNCTION, DOES, case(UpdatesReceiver((("stock", "-2"),)), "3"), "a stock of -2"),
        (
            named("parse_price"),
            RETURNS,
            case(ReturnsValue("1.2345"), '"1,234.5"'),
            "reads as 1234.5, the result is 1.2345",
        ),
    ],
)
def test_a_value_is_doubted_that_contradicts_what_is_written(
    subject: Subject, source: str, given: Case, reason: str
) -> None:
    words = doubt(subject, given, reviewed(source))
    assert reason in words
    assert as_note(subject, given, words).startswith(f"suspect: {subject.name}(")


@pytest.mark.parametrize(
    ("subject", "source", "given"),
    [
        (FUNCTION, "def f(q) -> int:\n    return q\n", case(ReturnsValue("True"), "1")),
        (FUNCTION, "def f(q) -> int:\n    yield q\n", case(ReturnsValue("[1]"), wrap="list")),
        (named("is_open"), RETURNS, case(ReturnsValue("False"), "1")),
        (
            FUNCTION,
            'def f(q):\n    """\n    >>> f(2)\n    4\n    """\n',
            case(ReturnsValue("4"), "2"),
        ),
        (FUNCTION, 'def f(q):\n    """>>> broken(\n  x\n"""\n', case(ReturnsValue("4"), "2")),
        (FUNCTION, RETURNS, case(Raises("ValueError"), "-1")),
        (FUNCTION, RETURNS, case(ReturnsValue("1"), "1", "-1")),
        (named("parse_price"), RETURNS, case(ReturnsValue("1234.5"), '"1,234.5"')),
        (named("parse_price"), RETURNS, case(ReturnsValue("2.5"), '"2.5"')),
        (FUNCTION, RETURNS, case(ReturnsObject((("stock", "2"),)), "text")),
    ],
)
def test_a_value_that_nothing_speaks_against_is_not_doubted(
    subject: Subject, source: str, given: Case
) -> None:
    assert doubt(subject, given, reviewed(source)) == ""


BRANCHES = """def f(amount, kind=None, other=0):
    if amount < 0:
        raise ValueError
    if kind is None:
        kind = "plain"
    elif not kind.startswith("x"):
        amount += 1
    if isinstance(other, str) and len(kind) >= 3:
        amount += 2
    if other in (1, 2) or amount == other:
        amount += 3
    return amount
"""


def test_each_case_is_named_by_the_condition_that_sets_it_apart() -> None:
    function = ast.parse(BRANCHES).body[0]
    every = {2, 4, 8, 10, 12}
    conditions = conditions_met(
        function,
        [{2, 3}, every | {5}, every | {6}, every | {6, 7}, every | {6, 9}],
        [True, False, False, False, False],
    )
    assert conditions == [
        "when_amount_is_below_zero",
        "without_kind",
        "when_kind_starts_with_x",
        "with_kind",
        "when_other_is_a_str",
    ]


@pytest.mark.parametrize(
    ("test", "taken", "skipped"),
    [
        ("flag", "with_flag", "without_flag"),
        ("not self.is_open", "without_is_open", "with_is_open"),
        ("order.total != 0", "when_order_total_is_not_zero", "when_order_total_is_zero"),
        ("name == ''", "when_name_is_empty", "when_name_is_not_empty"),
        ("len(items) > 3", "when_length_of_items_is_above_3", "when_length_of_items_is_at_most_3"),
        ("word in known", "when_word_is_in_known", "when_word_is_not_in_known"),
        ("mode == 'fast-x'", "when_mode_is_fast_x", "when_mode_is_not_fast_x"),
        ("path.exists()", "when_path_exists", ""),
        ("word.endswith('s')", "when_word_ends_with_s", ""),
        ("isinstance(word, bytes)", "when_word_is_a_bytes", "when_word_is_no_bytes"),
        ("a or b", "", ""),
        ("left and right", "with_left", ""),
        ("left or right", "", "without_left"),
        ("compute(x)", "", ""),
        ("1 < total < 3", "", ""),
        ("total > x[0]", "", ""),
        ("{}", "", ""),
    ],
)
def test_a_condition_is_said_in_the_words_of_a_name(test: str, taken: str, skipped: str) -> None:
    function = ast.parse(f"def f():\n    if {test}:\n        work()\n    return 1\n").body[0]
    assert conditions_met(function, [{2, 3, 4}, {2, 4}], [False, False]) == [taken, skipped]


def test_one_case_alone_has_no_condition_of_its_own() -> None:
    function = ast.parse(BRANCHES).body[0]
    alone = case(ReturnsValue("1"), "1", reached=frozenset({2, 4, 5}))
    assert with_conditions(function, [alone]) == [alone]


@pytest.mark.parametrize(
    ("expected", "written"),
    [
        ("[1.0, 2.5]", "[1.0, 2.5]"),
        ("[0.30000000000000004, 1]", "pytest.approx([0.3, 1])"),
        ('[float("nan"), 1.5]', 'pytest.approx([float("nan"), 1.5], nan_ok=True)'),
        ('["a", 0.30000000000000004]', '["a", 0.30000000000000004]'),
        ("0.30000000000000004", "pytest.approx(0.3)"),
        ("[]", "[]"),
    ],
)
def test_numbers_with_long_tails_are_compared_roughly(expected: str, written: str) -> None:
    assert approximated(expected) == written


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ("Return the sum of both.", "returns_the_sum_of_both"),
        ("Parses a price: text first.", "parses_a_price"),
        ("Push an item", ""),
        ("Return a new instance of the\\n    class.", ""),
        ("The sum of both.", ""),
        ("Return `value` as it is.", "returns_value_as_it_is"),
        ("Return.", ""),
        ("Return one two three four five six seven eight nine.", ""),
        ("", ""),
    ],
)
def test_the_only_plain_case_is_named_by_what_the_function_does(
    docstring: str, expected: str
) -> None:
    function = ast.parse(f'def f(a):\n    """{docstring}"""\n    return a\n').body[0]
    (only,) = with_conditions(function, [case(ReturnsValue("1"), "1")])
    assert only.condition == purpose(function) == expected
