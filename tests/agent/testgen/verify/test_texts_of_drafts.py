"""The texts that an expression of a draft may be, found without running it."""

from __future__ import annotations

import ast

import pytest

from copydesk.agent.testgen.verify.questions.bindings import Bindings
from copydesk.agent.testgen.verify.questions.modules import ThingResolver
from copydesk.agent.testgen.verify.questions.texts import PROJECTS, ends_of_text


def last_expression(code: str) -> tuple[ThingResolver, ast.expr]:
    tree = ast.parse(code)
    statement = tree.body[-1]
    while not isinstance(statement, ast.Expr):
        statement = statement.body[-1]  # type: ignore[attr-defined]
    return ThingResolver(tree, Bindings(tree)), statement.value


def texts(code: str) -> set[str] | None:
    """The texts of the last expression of a module."""
    resolver, node = last_expression(code)
    found = resolver.texts.texts(node)
    return None if found is None else set(found)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("'a'", {"a"}),
        ("1", set()),
        ("lambda: 1", set()),
        ("'a' + 'b'", {"ab"}),
        ("x = 'a'\ny = x\ny", {"a"}),
        ("x = 'a'\nx = 'b'\nx", {"a", "b"}),
        ("x: str = 'a'\nx", {"a"}),
        ("(x := 'a')", {"a"}),
        ("x, y = 'a', 'b'\ny", {"b"}),
        ("x, *y = 'a', 'b'\nx", {"a", "b"}),
        ("(x, y) = NAMES\nx", None),
        ("self.x = 'a'\nself.x", None),
        ("for x, (y, z) in [('a', ('b', 'c'))]:\n    z", {"a", "b", "c"}),
        ("f'{1}-{x}'", None),
        ("x = 'a'\nf'{1}-{x}'", {"1-a"}),
        ("x = 'a'\nf'{x!r}'", None),
        ("'a' if y else 'b'", {"a", "b"}),
        ("str('a')", {"a"}),
        ("'aB'.lower()", {"ab"}),
        ("'aB'.swapcase()", None),
        ("'a'.join(x)", None),
        ("str(x=1)", None),
        ("f()()", None),
        ("['a', 'b'][0]", {"a", "b"}),
        ("['ab'][0][1:]", None),
        ("{'a': 'b'}['a']", {"a", "b"}),
        ("from shop import NAMES\nNAMES[0]", {PROJECTS}),
        ("from shop import NAMES\nNAMES.first", {PROJECTS}),
        ("from shop import cart\ncart.__doc__", None),
        ("from shop import NAME\nNAME + 'a'", None),
        ("from shop import NAME\nNAME.lower()", None),
        ("x = x\nx", set()),
        ("x = x + 'a'\nx", None),
        ("x = 'a'\nx += 'b'\nx", None),
        ("for x in ['a', 'b']:\n    x", {"a", "b"}),
        ("for x in 'ab':\n    x", {"a", "b"}),
        ("for x in ['a'] + ['b']:\n    x", {"a", "b"}),
        ("for x in ['a' + 'b']:\n    x", {"ab"}),
        ("for x in ['a' + y]:\n    x", None),
        ("for x in 5:\n    x", set()),
        ("for x in [*['a'], {'b'}]:\n    x", {"a", "b"}),
        ("for x in sorted(('a', 'b')):\n    x", {"a", "b"}),
        ("for x in 'a b'.split():\n    x", {"a", "b"}),
        ("for x in 'a,b'.split(','):\n    x", {"a", "b"}),
        ("for x in 'a,b'.split(','  , 1):\n    x", None),
        ("for x in 'a1b'.split(1):\n    x", None),
        ("for x in y.split():\n    x", None),
        ("for x in f(1):\n    x", None),
        ("for x in a.f(1):\n    x", None),
        ("for x in y[0]:\n    x", None),
        ("for n, x in enumerate(['a']):\n    x", {"a"}),
        ("for x, y in {'a': 'b'}.items():\n    y", {"b"}),
        ("for x in {'a': 1}.keys():\n    x", {"a"}),
        ("for x, y in [('a', f(1)), ['b', 2]]:\n    x", {"a", "b"}),
        ("for x, y in [ROW]:\n    x", None),
        ("for x, y in zip(['a'], ['b']):\n    x", {"a", "b"}),
        ("ROWS = [('a', 1)]\nfor x, y in ROWS:\n    x", {"a"}),
        ("ROWS = [('a', 1)]\nROWS.append(z)\nfor x, y in ROWS:\n    x", None),
        ("for x, in (('a', ), (*y, )):\n    x", None),
        ("def f(x):\n    x", None),
        ("f('a')\ndef f(x, y='b'):\n    x", {"a", "b"}),
        ("f(x='a')\ndef f(x):\n    x", {"a"}),
        ("f(*y)\ndef f(x):\n    x", None),
        ("f(**y)\ndef f(x):\n    x", None),
        ("f()\ndef f(x):\n    x", None),
        ("f('a')\ndef f(*x):\n    x", None),
        ("f('a')\ngetattr(m, 'f')\ndef f(x):\n    x", None),
        ("f('a')\n@fixture\ndef f(x):\n    x", None),
        ("t.check('a')\nclass TestA:\n    def check(self, x):\n        x", {"a"}),
        ("t.check('a')\nclass TestA:\n    @staticmethod\n    def check(x):\n        x", {"a"}),
        ("t.check('a')\nclass Other(Base):\n    def check(self, x):\n        x", None),
        ("@mark.parametrize('x', ['a', param('b')])\ndef test_f(x):\n    x", {"a", "b"}),
        ("@mark.parametrize('y, x', [(1, 'a')])\ndef test_f(x, y):\n    x", {"a"}),
        ("@mark.parametrize(['y', 'x'], [(1, 'a')])\ndef test_f(x, y):\n    x", {"a"}),
        ("@mark.parametrize(argnames='x', argvalues='ab')\ndef test_f(x):\n    x", {"a", "b"}),
        ("@mark.parametrize('x', ['a'], indirect=True)\ndef test_f(x):\n    x", None),
        ("@mark.parametrize('x', ['a'])\nclass TestA:\n    def test_f(self, x):\n        x", {"a"}),
        ("class A:\n    x = 'a'\n    x", {"a"}),
        ("x = 'b'\nclass A:\n    x = 'a'\n    def f(self):\n        x", {"b"}),
        ("x = 'b'\ndef f():\n    x = 'a'\n    x", {"a"}),
        ("x = 'b'\ndef g():\n    global x\n    x = 'a'\ndef f():\n    x", {"a", "b"}),
        ("x = 'b'\npatch('here.x', y)\nx", None),
        ("try: pass\nexcept E as x: pass\nx", None),
        ("match y:\n    case [*x]: pass\nx", None),
        ("match y:\n    case {**x}: pass\nx", None),
        ("match y:\n    case x: pass\nx", None),
        ("with y as x:\n    x", None),
        ("def x(): pass\nx", None),
        ("(lambda x: x)\nx", None),
        ("int", set()),
        ("no_such", None),
    ],
)
def test_what_texts_an_expression_may_be(code: str, expected: set[str] | None) -> None:
    assert texts(code) == expected


def test_too_many_texts_are_not_known() -> None:
    digits = "for a in '0123456789':\n  for b in '0123456789':\n    for c in '0123456789':\n      "
    assert texts(f"{digits}a + b") is not None
    assert texts(f"{digits}a + b + c") is None


def test_names_that_lead_to_names_too_often_are_not_known() -> None:
    chain = "\n".join(f"x{n} = x{n + 1}" for n in range(30))
    assert texts(f"x30 = 'a'\n{chain}\nx0") is None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("f'a{x}b'", ("a", "b")),
        ("f'{x}'", ("", "")),
        ("'a' + x", ("a", "")),
        ("'a%sb' % x", ("a", "b")),
        ("'a%s%s' % x", ("", "")),
        ("'ab' % x", ("", "")),
        ("x", ("", "")),
    ],
)
def test_how_a_text_begins_and_ends(code: str, expected: tuple[str, str]) -> None:
    assert ends_of_text(last_expression(code)[1]) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import os.path as p\np.join", {"os.path.join"}),
        ("from unittest.mock import inspect as i\ni.getsource", {"inspect.getsource"}),
        ("from .a import b\nb.c", {".a.b.c"}),
        ("import os\n(os if x else os).fork", {"os.fork"}),
        ("import os\n(x or os).fork", {"os.fork"}),
        ("import os\n(m := os).fork", {"os.fork"}),
        ("import os\n[os, 1][0].fork", {"os.fork"}),
        ("import os\nALL = {'a': os}\nALL['a'].fork", {"os.fork"}),
        ("import os\nfor m in (os,):\n    m.fork", {"os.fork"}),
        ("import os\nm = m2 = os\nm2.fork", {"os.fork"}),
        ("import importlib\nimportlib.reload(importlib).x", {"importlib.x"}),
        ("__import__('os.path').fork", {"os.fork"}),
        ("pytest.importorskip('dis').dis", {"dis.dis"}),
        ("getattr(importlib, 'abc')", set()),
        ("import os\ngetattr(os, 'fork')", {"os.fork"}),
        ("import os\ndef f():\n    os = 1\n    os.fork", set()),
        ("x.os.fork", {"os.fork"}),
        ("def f(os):\n    os.fork", set()),
        ("import shop\nshop.sys.modules", {"sys.modules"}),
        ("f().x", set()),
        ("f()[0]", set()),
    ],
)
def test_what_an_expression_is_of_the_imported(code: str, expected: set[str]) -> None:
    resolver, node = last_expression(code)
    assert set(resolver.things(node)) == expected
