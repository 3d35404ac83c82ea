from __future__ import annotations

import re
from typing import Any

import pytest

from copydesk.agent.testgen.embedded.call_source import Subject
from copydesk.agent.testgen.embedded.case import Case
from copydesk.agent.testgen.embedded.outcomes import (
    ChangesArgument,
    Prints,
    Raises,
    ReturnsObject,
    ReturnsRepr,
    ReturnsValue,
    UpdatesReceiver,
)
from copydesk.agent.testgen.embedded.test_source import module_text
from copydesk.agent.testgen.embedded.words import describe, snake

LONG = '"' + "long words " * 9 + '"'


def text(case: Case | list[Case], shape: str = "function", name: str = "f", owner: str = "") -> str:
    subject = Subject("shop.cart", owner, name, shape, ("number", "request", "_hidden"))
    return module_text(subject, case if isinstance(case, list) else [case])[0]


def value(expected: str, *arguments: str, **more: Any) -> Case:
    return Case(more.pop("receiver", None), arguments, (), ReturnsValue(expected), **more)


@pytest.mark.parametrize(
    ("shape", "arguments", "expected"),
    [
        ("__len__", (), "assert len(Cart(1)) == 3"),
        ("__neg__", (), "assert -Cart(1) == 3"),
        ("__lt__", ("Cart(2)",), "assert (Cart(1) < Cart(2)) == 3"),
        ("__contains__", ("4",), "assert (4 in Cart(1)) == 3"),
        ("__getitem__", ("4",), "assert Cart(1)[4] == 3"),
        ("__getitem__", ("slice(0, 2)",), "assert Cart(1)[0:2] == 3"),
        ("__getitem__", ("slice(1, None)",), "assert Cart(1)[1:] == 3"),
        ("property", (), "assert Cart(1).total == 3"),
        ("static", ("4",), "assert Cart.total(4) == 3"),
        ("method", ("4",), "assert Cart(1).total(4) == 3"),
    ],
)
def test_each_shape_is_called_in_its_own_way(
    shape: str, arguments: tuple[str, ...], expected: str
) -> None:
    case = value("3", *arguments, receiver="Cart(1)")
    assert expected in text(case, shape, "total", "Cart")


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (value("0.30000000000000004", "1"), "assert f(1) == pytest.approx(0.3)"),
        (value("None", "None"), "def test_f_returns_none_for_no_number():"),
        (value('""', '""'), "def test_f_returns_empty_text_for_empty_text():"),
        (value("True", "-2.5"), "def test_f_returns_true_for_minus_2_5():"),
        (value("3"), "def test_f_returns_3():"),
        (value("(1, 2)"), "def test_f_returns_2_items():"),
        (
            Case(None, ("1",), (("strict", "False"),), ReturnsValue("2")),
            "of_number_1_without_strict()",
        ),
        (Case(None, (), (("a", "1"), ("b", "False")), ReturnsValue("2")), "with_a_1_and_no_b()"),
        (Case(None, (), (("a", "None"),), ReturnsValue("2")), "test_f_with_no_a()"),
        (Case(None, ("1",), (), ReturnsRepr('"<f>"')), 'assert repr(f(1)) == "<f>"'),
        (Case(None, ("[]",), (), Raises("KeyError")), "test_f_raises_key_error_for_empty_number"),
        (Case(None, (), (), Raises("ValueError")), "def test_f_rejects_the_call():"),
        (Case(None, ("1",), (), Prints('"\\n"')), "test_f_prints_its_output_for_number_1(capsys)"),
        (Case(None, ("1",), (), ReturnsObject((("x", "None"),))), "assert result.x is None"),
        (value("3", 'b"abc"'), "def test_f_of_abc():"),
        (Case(None, ("1",), (), Raises("E", 'say "x"\n')), "match='say \"x\"\\n'"),
        (
            Case(None, ("1",), (), Raises("E", "word " * 20)),
            'match="word word word word word word word word"):',
        ),
    ],
)
def test_each_result_is_named_and_asserted(case: Case, expected: str) -> None:
    assert expected in text(case)


def test_long_lines_are_opened_up() -> None:
    assert f"    result = f(\n        {LONG},\n        1,\n    )\n" in text(value("1", LONG, "1"))
    rows = ", ".join(["123456789"] * 9)
    assert "    assert f(1) == [\n        123456789,\n" in text(value(f"[{rows}]", "1"))
    assert "    result = f(1, 2)\n    assert result == [\n" in text(value(f"[{rows}]", "1", "2"))
    pairs = ", ".join(f'"{key}": 123456789' for key in "abcdef")
    assert '    assert f(1) == {\n        "a": 123456789,\n' in text(value(f"{{{pairs}}}", "1"))
    assert f"    assert f(1) == {LONG}\n" in text(value(LONG, "1"))
    state = Case(None, ("1",), (), ReturnsObject((("names", f"({rows})"),)))
    assert text(state).count("result = ") == 1
    assert "assert result.names == (\n        123456789," in text(state)


def test_rows_of_one_shape_become_a_table_whose_names_hide_nothing() -> None:
    made = text([value(f'"{n}"', str(n), "1", "2", "3") for n in range(3)])
    assert '("number", "request_value", "_hidden_value", "argument_4", "expected"),' in made
    assert "    assert f(number, request_value, _hidden_value, argument_4) == expected\n" in made


def test_imports_stand_in_three_sorted_groups() -> None:
    names = (("Cart", "shop.cart"), ("Item", "shop.items"), ("date", "datetime"))
    case = value('float("nan")', "date(1, 1, 1)", "Cart()", "Item()", names=names)
    assert text([case, Case(None, (), (), Raises("ValueError"))]).startswith(
        "import math\nfrom datetime import date\n\nimport pytest\n\n"
        "from shop.cart import Cart, f\nfrom shop.items import Item\n\n\n"
    )


def test_many_imports_of_one_module_are_opened_up() -> None:
    words = [f"Kind{'x' * 12}{n}" for n in range(6)]
    case = value("1", *(f"{w}()" for w in words), names=tuple((w, "shop.cart") for w in words))
    assert "from shop.cart import (\n    Kindxxxxxxxxxxxx0,\n" in text(case)


def test_equal_names_say_what_the_call_gives_and_else_are_numbered() -> None:
    item, other, third = (f"Item({'1' * n})" for n in (1, 2, 3))
    made = text([value("1", item), value('"abc"', other, third), value("2", third)])
    state = Case(None, (item,), (), ReturnsObject((("size", "1"), ("name", '"x"'))))
    raised = Case(None, (item,), (), Raises("KeyError", "no such item"))
    again = Case(None, (item,), (), Prints('"\\n"'))
    names = re.findall(r"def (test_\w+)", text([state, state, raised, raised, again, again]))
    assert "def test_f_of_number():" in made
    assert "def test_f_of_number_gives_2():" in made
    assert names == [
        "test_f_of_number",
        "test_f_of_number_with_size_1_and_name_x",
        "test_f_raises_key_error_for_number",
        "test_f_raises_key_error_for_number_no_such_item",
        "test_f_prints_its_output_for_number",
        "test_f_prints_its_output_for_number_2",
    ]


@pytest.mark.parametrize(
    ("expected", "name"),
    [
        ("[1, 2]", "test_f_returns_2_items"),
        ("{1}", "test_f_returns_one_item"),
        ('{"a": 1}', "test_f_returns_one_entry"),
        ("Decimal('1.5')", "test_f_returns_decimal_1_5"),
        ('"' + "word " * 20 + '"', "test_f_returns_this_text"),
        ("Item([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])", "test_f_returns_a_item"),
        ("-" + "1" * 40, "test_f_returns_its_result"),
        ("not a literal" * 5, "test_f_returns_its_result"),
    ],
)
def test_a_call_without_arguments_is_named_by_what_it_gives(expected: str, name: str) -> None:
    assert f"def {name}(" in text(value(expected))


def test_a_long_test_has_empty_lines_between_what_it_arranges_does_and_asserts() -> None:
    add = Subject("shop.cart", "Cart", "add", "method", ("item",))
    updated = UpdatesReceiver((("items", "[1]"), ("total", "1")))
    case = Case("Cart()", ("1",), (), updated, setup=(("clear", ()),))
    assert module_text(add, [case])[0].endswith(
        "    cart = Cart()\n"
        "    cart.clear()\n\n"
        "    cart.add(1)\n\n"
        "    assert cart.items == [1]\n"
        "    assert cart.total == 1\n"
    )


def test_an_object_is_named_by_what_it_holds() -> None:
    cart = Subject("shop.cart", "Cart", "__init__", "construct", ())
    fields = (("owner", '"' + "x" * 90 + '"'), ("items", "[]"))
    made = module_text(cart, [Case(None, (), (), ReturnsObject(fields))])[0]
    assert "def test_cart_starts_with_owner_and_items():" in made
    assert "    cart = Cart()\n    assert cart.owner == " in made


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("0", "zero"),
        ("3", "flag_3"),
        ("2.5", "flag_2_5"),
        ('float("-inf")', "minus_infinity"),
        ("True", "flag_true"),
        ('tmp_path / "missing.txt"', "a_missing_file"),
        ('tmp_path / "data.csv"', "a_csv_file"),
        ("Item(1)", "flag"),
        ('["abc", "--max", "3"]', "abc_max_3"),
        ("{'a': 1}", "a_1"),
        ("[[1], [2]]", "flag"),
        ("[1, 2, 3, 4, 5, 6]", "flag"),
        ("date(2024, 1, 2)", "date_2024_1_2"),
        ('"a\\nb"', "a_b"),
        ('"' + "x" * 40 + '"', "flag"),
    ],
)
def test_inputs_are_described_in_words(written: str, expected: str) -> None:
    assert describe(written, "flag") == expected


def test_snake_case() -> None:
    assert snake("HTTPServerError") == "http_server_error"


def test_what_one_run_uses_up_is_made_in_the_test_itself() -> None:
    made = text([value(str(n), f"iter([{n}])") for n in range(3)])
    assert "parametrize" not in made
    assert "    assert f(iter([2])) == 2\n" in made


@pytest.mark.parametrize(
    ("patch", "name", "line"),
    [
        (("sys.argv", '["program", "--max"]'), "of_max(monkeypatch)", '"sys.argv", ["program",'),
        (("sys.stdin", 'StringIO("y\\n")'), "of_y(monkeypatch)", 'setattr("sys.stdin", StringIO('),
        (("cwd", "tmp_path"), "test_f_returns_3(tmp_path, monkeypatch)", "chdir(tmp_path)"),
        (("env:HOST", '"abc"'), "host_abc(monkeypatch)", 'monkeypatch.setenv("HOST", "abc")'),
        (("env:HOST", "None"), "host_unset(monkeypatch)", 'delenv("HOST", raising=False)'),
        (("time.time", "5.0"), "(monkeypatch)", 'setattr("time.time", lambda: 5.0)'),
        (("seed", "1"), "import random", "    random.seed(1)\n"),
    ],
)
def test_what_a_function_reads_besides_is_put_in_place(
    patch: tuple[str, str], name: str, line: str
) -> None:
    written = text(value("3", patches=(patch,)))
    assert name in written
    assert line in written


def test_an_object_is_named_where_its_own_method_makes_the_argument() -> None:
    case = value("True", 'Cart("a").sign("b")', receiver='Cart("a")')
    assert text(case, "method", "check", "Cart").endswith(
        '    cart = Cart("a")\n    assert cart.check(cart.sign("b")) is True\n'
    )


def test_a_test_is_named_for_the_option_its_object_was_made_with() -> None:
    case = value("3", receiver='Cart(mode="fast")')
    assert "def test_cart_total_with_mode_fast():" in text(case, "method", "total", "Cart")


def test_a_refused_operator_stands_without_brackets() -> None:
    case = Case("Cart(1)", ("2",), (), Raises("TypeError"))
    assert "        Cart(1) | 2\n" in text(case, "__or__", "__or__", "Cart")


def test_what_a_context_changes_is_asserted_within_it_and_after() -> None:
    case = Case(None, ("[1]",), (), ChangesArgument("[2]", 0, "[1]"), wrap="with")
    assert text(case).endswith(
        "    number = [1]\n"
        "    with f(number):\n"
        "        assert number == [2]\n\n"
        "    assert number == [1]\n"
    )


def test_a_context_that_prints_or_changes_its_object_is_entered_and_left() -> None:
    printed = text(Case(None, ("1",), (), Prints('"in\\n"'), wrap="with"))
    assert printed.endswith(
        "def test_f_prints_in_for_number_1(capsys):\n"
        "    with f(1):\n"
        "        pass\n"
        '    assert capsys.readouterr().out == "in\\n"\n'
    )
    updated = Case("Cart(1)", (), (), UpdatesReceiver((("size", "2"),)), wrap="with")
    assert text(updated, "method", "locked", "Cart").endswith(
        "    cart = Cart(1)\n\n    with cart.locked():\n        pass\n\n    assert cart.size == 2\n"
    )


def test_an_operator_is_named_by_what_it_asks() -> None:
    case = value("True", "Cart(2)", receiver="Cart(1)")
    assert "def test_cart_is_less_returns_true_for_" in text(case, "__lt__", "__lt__", "Cart")
    made = Case("Cart(1)", ("Cart(2)",), (), ReturnsObject((("total", "3"),)))
    assert "    result = Cart(1) + Cart(2)\n" in text(made, "__add__", "__add__", "Cart")


def test_a_column_that_a_method_puts_into_its_table_is_compared_as_a_list() -> None:
    fields = (('["k_3"]', '[float("nan"), 0.30000000000000004]'),)
    case = Case("Table()", ("3",), (), UpdatesReceiver(fields))
    lines = text(case, "method", "smooth", "Table")
    assert "def test_table_smooth_updates_its_contents_for_" in lines
    assert 'table["k_3"].tolist() == pytest.approx([float("nan"), 0.3], nan_ok=True)' in lines
