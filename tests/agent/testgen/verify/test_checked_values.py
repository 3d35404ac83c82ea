# ruff: noqa: E501  # a draft a line
"""What a draft makes up while it runs is looked at there."""

from __future__ import annotations

import ast
import builtins
import pickle
import textwrap
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.sandboxed.copydesk_tools.verify import checked_values
from copydesk.agent.sandboxed.copydesk_tools.verify.checked_values import Checker
from copydesk.agent.sandboxed.copydesk_tools.verify.shared_words import SharedWords
from copydesk.agent.testgen.verify.questions import questions, questions_of_words


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a module as pytest does a draft; returns what it leaves, what is asked, and names."""

    def run_module(text: str) -> tuple[dict[str, Any], list[str], list[str]]:
        asked: list[str] = []
        names: list[str] = []
        checker = Checker(asked.append, names.append)
        monkeypatch.setattr(builtins, checked_values.NAME, checker, raising=False)
        tree = ast.parse(textwrap.dedent(text))
        checked_values.with_checks(tree)
        left: dict[str, Any] = {"__name__": "draft"}
        exec(compile(tree, "draft.py", "exec"), left)
        assert checker.is_used
        return left, asked, names

    return run_module


HARMLESS = [
    "class A: pass\nsetattr(A, 'b' + 'c', 1)\nassert A.bc == 1",
    "import sys\nsys.modules['shop_x'] = None\nfor name in ['shop_' + 'x']:\n    del sys.modules[name]",
    "class A: b = 1\nname = 'b'\nassert getattr(A, name) == 1\nassert getattr(A, name + 'x', 2) == 2",
    "class Tree:\n    def __init__(self, *parts): pass\nx = eval('Tree(1, (Tree(), -2))'.strip())",
    "class Page:\n    def format(self, x): return x\nassert (lambda p: p.format(3))(Page()) == 3",
    "m = ''.join(['{0', '.real}'])\nassert m.format(3) == '3'",
    "class A: pass\na = A()\na.b = 1\nassert list(vars(a).values()) == [1]\nassert a.__dict__ == {'b': 1}",
    "class A: pass\nclass B(A): pass\nfor c in (A,):\n    assert c.__subclasses__() == [B]",
    "class A:\n    def f(self): pass\na = A()\nassert a.f.__self__ is a",
    "'''Doc.'''\nfrom __future__ import annotations\nname = 'real'\nassert getattr(1, name) == 1",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_a_module_does_what_it_did_and_nothing_is_asked(run: Any, text: str) -> None:
    _, asked, names = run(text)
    assert (asked, names) == ([], [])


class Sly(str):
    """A text that is equal to nothing."""

    def __eq__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return 0


LOOKING = [
    ("def f(): pass\nsetattr(f, '__co' + 'de__', f.__code__)", "touches __code__"),
    ("import sys, json\nname = 'js' + 'on'\ndel sys.modules[name]\nimport json", "touches sys.modules"),
    ("def f(): pass\nfor n in ['__co' + 'de__']: getattr(f, n)", "touches __code__"),
    ("def f(): pass\ngetattr(f, 'x' + 'y', f)\ngetattr(*(f, '__code' + '__'))", "touches __code__"),
    ("import os\nn = 'get' + 'pid'\ngetattr(os, n)", "uses getattr with a name that is made up"),
    (
        "class A:\n    import os\nn = 'o' + 's'\ngetattr(A, n)",
        "takes a module by a name that is made up",
    ),
    (
        "class A:\n    run = staticmethod(eval)\nn = 'ru' + 'n'\ngetattr(A, n)",
        "takes code by a name that is made up",
    ),
    ("def f(): pass\nm = '{0.__co' + 'de__}'\nm.format(f)", "touches __code__"),
    ("m = '{0:{1.__cl' + 'osure__}}'\ntry: m.format(1, len)\nexcept Exception: pass", "touches __closure__"),
    ("t = '(lambda: 1)' + '()'\neval(t)", "uses eval"),
    ("t = '().__cla' + 'ss__'\neval(t)", "uses eval"),
    ("t = 'glob' + 'als()'\neval(t)", "uses eval"),
    ("t = compile('1', 'x', 'eval')\neval(t)", "uses eval"),
    ("import json\nm = [json][0]\nvars(m)", "takes all that is in a module"),
    ("for c in (object,):\n    c.__subclasses__()", "touches __subclasses__"),
    ("f = [len][0]\nf.__self__", "takes code by a name that is made up"),
    ("import pickle\npickle.loads(b'cbuiltins\\neval\\n' + b'.')", "unpickles what is made up"),
    ("class R:\n    def getfixturevalue(self, n): pass\nR().getfixturevalue('pytest' + 'er')", "uses the fixture pytester"),
    ("from importlib import import_module\nimport_module('d' + 'is')", "imports a module whose name is made up"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), LOOKING)
def test_what_looks_inside_is_asked_about_when_it_happens(run: Any, text: str, words: str) -> None:
    if "__self__" in text:
        words = "takes a module by a name that is made up"
    assert words in run(text)[1]


def test_a_text_that_is_equal_to_nothing_is_read_as_it_is() -> None:
    def function() -> None:
        pass

    asked: list[str] = []
    checker = Checker(asked.append, asked.append)
    assert checker.getattr(function, Sly("__code__")) is function.__code__
    checker.template(Sly("{0.__code__}"))
    checker.fixture(Sly("pytester"))
    assert set(asked) >= {"touches __code__", "uses the fixture pytester"}
    assert asked.count("touches __code__") == 2


def test_a_class_that_says_it_is_the_drafts_is_not_believed_of_a_module() -> None:
    import importlib.abc

    asked: list[str] = []
    Checker(asked.append, asked.append).subclassed(importlib.abc.Loader)
    assert asked == ["touches __subclasses__"]


def test_modules_and_pickles_are_named_to_who_knows_the_project(run: Any) -> None:
    left, asked, names = run(
        """
        import pickle
        from importlib import import_module
        from fractions import Fraction
        try:
            import_module("sh" + "op.cart")
        except ImportError:
            pass
        copies = [pickle.loads(pickle.dumps([1, {2}])), pickle.load(open_it()) if 0 else None]
        """
    )
    assert left["copies"] == [[1, {2}], None]
    assert (asked, names) == ([], ["imports a module named shop.cart"])

    def known(package: str) -> bool:
        return package == "shop"

    assert questions_of_words(names, "shop/cart.py", known) == set()
    words = ["imports a module named toml", "unpickles by the name toml.load", "touches __code__"]
    assert questions_of_words(words, "shop/cart.py", known) == {
        *("imports toml, which the project does not use", "unpickles a literal", "touches __code__")
    }
    assert questions_of_words(["imports a module named os"], "shop/cart.py", known) == {
        "imports a module whose name is made up"
    }


def test_pickles_of_a_file_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(pickle.dumps(Path))
    asked: list[str] = []
    with (tmp_path / "x").open("rb") as file:
        assert Checker(asked.append, asked.append).unpickle("load", file) is Path
    assert asked == ["unpickles what is made up"]


LISTENED = [
    "for n in names:\n    getattr(thing, n)",
    "assert eval(repr(thing)) == thing",
    "def test_x(thing):\n    thing.format(*parts)",
    "def test_x(request, kind):\n    request.getfixturevalue(kind)",
    "from importlib import import_module\nfor n in names:\n    import_module(n)",
    "import pickle\npickle.load(file)",
    "vars(thing).values()",
    "for c in classes:\n    c.__subclasses__()",
]


@pytest.mark.parametrize("text", LISTENED)
def test_only_where_somebody_listens_it_need_not_be_asked_before(text: str) -> None:
    tree = ast.parse(text)
    assert questions(tree, "shop/cart.py", {"shop"}.__contains__, listens=True) == []
    assert questions(tree, "shop/cart.py", {"shop"}.__contains__) != []


@pytest.mark.parametrize(
    "text",
    [
        "def getattr(a, b): ...\ngetattr(thing, n)",
        "from x import eval\neval(thing)",
        "'''\n>>> getattr(thing, n)\n'''",
        "import sys\ngetattr(sys, n)",
        "str.format(m, thing)",
        "eval(thing, {})",
        "import pickle as p\np.loads(thing)",
        "from shop import pickle\npickle.loads(thing)",
    ],
)
def test_what_is_not_listened_to_is_asked_before(text: str) -> None:
    tree = ast.parse(text)
    assert questions(tree, "shop/cart.py", {"shop"}.__contains__, listens=True) != []


def test_a_module_that_makes_nothing_up_needs_no_listener(tmp_path: Path) -> None:
    module = tmp_path / "test_x.py"
    module.write_text("getattr(x, 'y')\n")
    assert not checked_values.makes_up_values(str(module))
    module.write_text("getattr(x, y)\n")
    assert checked_values.makes_up_values(str(module))
    module.write_text("getattr(x,\n")
    assert not checked_values.makes_up_values(str(module))


def test_words_that_stand_beside_each_other_are_all_kept() -> None:
    words = SharedWords()
    texts = [f"name {number}" for number in range(64)]
    assert all(map(words.add_beside, texts))
    assert words.add_beside(texts[0])
    assert words.texts() == sorted(texts)
    assert not words.add_beside("one more")


DRAFT = """
from shop import total

class Case:
    real = 1

def test_total():
    assert total([1, 2]) == 3
    for name in NAMES:
        getattr(OWNER, name)
"""


@pytest.mark.parametrize(
    ("names", "owner", "asks"),
    [("['re' + 'al']", "Case", ()), ("['__co' + 'de__']", "total", ("touches __code__",))],
)
def test_the_ladder_asks_about_what_a_run_made_up(
    climb: Any, write: Any, names: str, owner: str, asks: tuple[str, ...]
) -> None:
    write({"shop.py": "def total(prices):\n    return sum(prices)\n"})
    draft = DRAFT.replace("NAMES", names).replace("OWNER", owner)
    evidence, _ = climb("shop.py", "total", [2], draft, repeats=1)
    assert evidence.asks == asks
