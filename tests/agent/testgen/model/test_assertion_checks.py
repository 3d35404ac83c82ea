"""What a drafted test asserts, and what it puts in the place of what it tests."""

from __future__ import annotations

import ast
import textwrap

import pytest

from copydesk.agent.testgen.model.assertion_checks import asserts_result, replaces


def parsed(body: str, arguments: str = "") -> ast.stmt:
    return ast.parse(f"def test_a({arguments}):\n{textwrap.indent(body, '    ')}\n").body[0]


@pytest.mark.parametrize(
    ("body", "asserts"),
    [
        ("assert f(1) == 2", True),
        ("assert f(1)", True),
        ("assert not f(1)", True),
        ("assert f(1) is None", True),
        ("x = f(1)\nassert x == 2", True),
        ("x = f(1)\ny = x + 1\nassert y > 2", True),
        ("a, b = f(1)\nassert b == 2", True),
        ("for x in f(1):\n    assert x", True),
        ("assert [x for x in f(1)] == []", True),
        ("with f(1) as x:\n    assert x == 2", True),
        ("box = Box(1)\nbox.fill()\nassert box.full", True),
        ("items = []\nf(items)\nassert items == [1]", True),
        ("items = []\nitems.append(f(1))\nassert items == [1]", True),
        ("if (x := f(1)):\n    assert x == 2", True),
        ("with pytest.raises(ValueError):\n    f(1)", True),
        ("with pytest.warns(UserWarning) as seen:\n    f(1)", True),
        ("pytest.raises(ValueError, f, 1)", True),
        ("assert isinstance(f(1), int) and f(1) == 2", True),
        ("async def go():\n    return await f(1)\nassert asyncio.run(go()) == 2", True),
        ("try:\n    f(1)\nexcept ValueError as error:\n    assert str(error) == 'x'", True),
        ("match f(1):\n    case [a, *b]:\n        assert b == [2]", True),
        ("match f(1):\n    case {'a': 1, **rest}:\n        assert rest == {}", True),
        ("assert True", False),
        ("assert 'text'", False),
        ("f(1)", False),
        ("f(1)\nassert True", False),
        ("x = 1\nf(2)\nassert x is not None", False),
        ("x = 1\nf(2)\nassert x == 1", False),
        ("x = g(1)\nassert x == 1", False),
        ("assert f(1) is not None", False),
        ("assert isinstance(f(1), int)", False),
        ("assert f(1) == f(1)", False),
        ("assert len(f(1)) >= 0", False),
        ("assert f(1) == 2 or True", False),
        ("with pytest.raises(ValueError):\n    raise ValueError", False),
        ("pytest.raises(ValueError, int, 'x')", False),
        ("with open('x') as file:\n    assert file.read()", False),
    ],
)
def test_an_assertion_depends_on_the_tested_code(body: str, asserts: bool) -> None:
    assert asserts_result(parsed(body), {"f", "Box"}) is asserts


def test_what_a_fixture_sees_may_depend_on_the_call() -> None:
    body = "f(1)\nassert capsys.readouterr().out == 'x'"
    assert asserts_result(parsed(body, "capsys"), {"f"})
    assert not asserts_result(parsed(body), {"f"})


@pytest.mark.parametrize(
    ("body", "replaced"),
    [
        ("monkeypatch.setattr('shop.pager.clamp', g)", True),
        ("monkeypatch.setattr(pager, 'clamp', g)", True),
        ("import shop.pager as p\nmonkeypatch.setattr(p, 'clamp', g)", True),
        ("from shop import pager as p\np.clamp = g", True),
        ("monkeypatch.setattr(sys.modules['shop.pager'], 'clamp', g)", True),
        ("monkeypatch.setattr(import_module('shop.pager'), 'clamp', g)", True),
        ("with mock.patch('shop.pager.clamp', g):\n    pass", True),
        ("with patch.object(pager, 'clamp'):\n    pass", True),
        ("patch.multiple('shop.pager', clamp=g)", True),
        ("@patch('shop.pager.clamp')\ndef inner():\n    pass", True),
        ("shop.pager.clamp = g", True),
        ("clamp = g", True),
        ("def clamp():\n    pass", True),
        ("monkeypatch.setattr(subprocess, 'clamp', g)", False),
        ("monkeypatch.setattr('other.clamp', g)", False),
        ("monkeypatch.setattr(pager, 'rate', 3)", False),
        ("monkeypatch.setattr(name, value)", False),
        ("x.clamp = 3", False),
        ("text = 'clamp'.replace('clamp', '')", False),
    ],
)
def test_a_stand_in_is_seen(body: str, replaced: bool) -> None:
    assert replaces(parsed(body), "clamp", "shop.pager") is replaced


@pytest.mark.parametrize(
    ("body", "replaced"),
    [
        ("monkeypatch.setattr(Basket, 'total', g)", True),
        ("monkeypatch.setattr('shop.pager.Basket.total', g)", True),
        ("mock.patch('shop.pager.Basket', g)", True),
        ("Basket.total = g", True),
        ("class Basket:\n    pass", True),
        ("total = Basket().total()", False),
        ("basket.total = 3", False),  # perhaps a setter
    ],
)
def test_a_stand_in_for_a_method_or_its_class_is_seen(body: str, replaced: bool) -> None:
    assert replaces(parsed(body), "Basket.total", "shop.pager") is replaced
