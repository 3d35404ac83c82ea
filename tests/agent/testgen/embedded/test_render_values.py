from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.testgen.embedded.render_values import (
    Refused,
    expected_float,
    is_module,
    is_name,
    quoted,
    render,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'it'", '"it"'),
        ("[1, -2.5, +3]", "[1, -2.5, +3]"),
        ("(1,)", "(1,)"),
        ("{'a': (1, 2), 'b': {3}}", '{"a": (1, 2), "b": {3}}'),
        ("(1+2j)", "(1+2j)"),
        ("(-1-2j)", "(-1-2j)"),
        ("float('nan')", 'float("nan")'),
        ("frozenset({1})", "frozenset({1})"),
        ("date(2024, 1, day=2)", "date(2024, 1, day=2)"),
        ("Color.RED", "Color.RED"),
        ("Color", "Color"),
        ("tmp_path / 'data.csv'", 'tmp_path / "data.csv"'),
        ("lambda value: value", "lambda value: value"),
        ("str.upper", "str.upper"),
        ("sum", "sum"),
        ("lambda x, y: (x + 1, y > 2)", "lambda x, y: (x + 1, y > 2)"),
        ("slice(1, None)", "slice(1, None)"),
        ("str(tmp_path / 'a' / '.env')", 'str(tmp_path / "a" / ".env")'),
        ("str(tmp_path)", "str(tmp_path)"),
        ("None", "None"),
        ("b'x'", 'b"x"'),
    ],
)
def test_render_writes_values_anew(text: str, expected: str) -> None:
    assert render(text, {"date": "datetime", "Color": "shop"}) == expected


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "os.system('x')",
        "open('x')",
        "Color._private",
        "Color.RED.value",
        "Color.make()",
        "[x for x in y]",
        "lambda: 1",
        "lambda x: open(x)",
        "lambda x: y",
        "lambda x=1: x",
        "lambda x: x ** 9",
        "Color(1).make()",
        "1 + 2",
        "'a' + 'b'",
        "-'a'",
        "not 1",
        "tmp_path / '../x'",
        "tmp_path / name",
        "{**other}",
        "date(*rows)",
        "date(**rows)",
        "f'{x}'",
        "x := 1",
        "(",
        "unknown",
        "[" * 60 + "]" * 60,
        "'" + "x" * 5000 + "'",
    ],
)
def test_render_refuses_what_is_more_than_a_value(text: str) -> None:
    with pytest.raises(Refused):
        render(text, {"date": "datetime", "Color": "shop"})


def test_render_lets_objects_of_the_project_alone_make_arguments() -> None:
    names = {"Cart": "shop.cart", "Path": "pathlib"}
    assert render("Cart('a').sign(1, key='b')", names, "shop") == 'Cart("a").sign(1, key="b")'
    for text in ("Path('a').rmdir()", "Cart('a')._hidden()", "Cart('a').b.c()", "cart.sign()"):
        with pytest.raises(Refused):
            render(text, names, "shop")


def test_render_refuses_what_is_no_text() -> None:
    with pytest.raises(Refused):
        render(3, {})  # type: ignore[arg-type]


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.binary()
    | st.floats(allow_nan=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=12,
)


@given(plain)
def test_render_keeps_every_plain_value(value: object) -> None:
    text = repr(value)
    if len(text) < 3000 and "inf" not in text:
        assert ast.literal_eval(render(text, {})) == value


@given(st.text())
def test_quoted_text_evaluates_to_itself(text: str) -> None:
    assert ast.literal_eval(quoted(text)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.1", None),
        ("2.5", None),
        ("0.30000000000000004", "0.3"),
        ("'x'", None),
        ("1e999", None),
        ("0.3333333333333333", "0.3333333333"),
    ],
)
def test_floats_with_a_long_tail_are_compared_approximately(
    text: str, expected: str | None
) -> None:
    assert expected_float(text) == expected


def test_names_and_modules() -> None:
    assert is_name("parse")
    assert not is_name("class")
    assert not is_name("a.b")
    assert not is_name(3)
    assert is_module("a.b")
    assert not is_module("a..b")
    assert not is_module(None)
