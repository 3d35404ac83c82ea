# ruff: noqa: E501  # small modules, a source a line
"""The parts of the search, one by one, imported as the user's interpreter would import them."""

from __future__ import annotations

import ast
import datetime
import enum
import json
import os
import re
import subprocess
import sys
import time
import types
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from copydesk.agent.sandboxed.copydesk_tools.search.calls import (
    existing_calls,
    returned_by_siblings,
)
from copydesk.agent.sandboxed.copydesk_tools.search.run import (
    apply_patches,
    invoke,
    mutants,
    observations,
    recorder,
    side_effects,
)
from copydesk.agent.sandboxed.copydesk_tools.search.values import (
    command_lines,
    environment_patches,
    expressions,
    fitting_strings,
    from_constructors,
    from_iteration,
    from_literals,
    from_parameter_use,
    regex_samples,
    value_pools,
)
from copydesk.agent.sandboxed.copydesk_tools.search.values.call import Call, Subject
from copydesk.agent.sandboxed.copydesk_tools.search.values.expressions import Expression
from copydesk.agent.testgen.embedded.drafter import _START as START
from copydesk.agent.testgen.project.tools import TOOLS


def texts(expressions: Any) -> list[str]:
    return [e.text for e in expressions]


class Color(enum.Enum):
    RED = 1


class Point(NamedTuple):
    x: int


@dataclass
class Item:
    name: str
    price: float


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, "1"),
        ([1, "a"], "[1, 'a']"),
        ((1,), "(1,)"),
        ({3, 1, 2}, "{1, 2, 3}"),
        (set(), "set()"),
        (frozenset({1}), "frozenset({1})"),
        (frozenset(), "frozenset()"),
        ({"a": {"b": ()}}, "{'a': {'b': ()}}"),
        (float("nan"), "float('nan')"),
        ([float("-inf")], "[float('-inf')]"),
        (datetime.date(2024, 1, 2), "date(2024, 1, 2)"),
        (
            datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC),
            "datetime(2024, 1, 2, 0, 0, tzinfo=timezone.utc)",
        ),
        (datetime.timedelta(days=1), "timedelta(days=1)"),
        (Decimal("1.5"), "Decimal('1.5')"),
        (Fraction(1, 3), "Fraction(1, 3)"),
        (Path("a/b"), "Path('a/b')"),
        (int, "int"),
        (range(3), "range(0, 3)"),
        (b"x", "b'x'"),
    ],
)
def test_values_are_written_as_text_that_makes_them_again(value: object, expected: str) -> None:
    assert expressions.write(value).text == expected


def test_values_of_own_classes_name_their_module() -> None:
    write = expressions.write
    module = types.ModuleType("own_module")
    for kind in (Color, Point, Item):
        kind.__module__ = "own_module"
        setattr(module, kind.__name__, kind)
    sys.modules["own_module"] = module
    assert write([Color.RED]) == ("[Color.RED]", (("Color", "own_module"),))
    assert write(Point(1)) == ("Point(x=1)", (("Point", "own_module"),))
    assert write(Item("a", 1.5)).text == "Item(name='a', price=1.5)"
    assert write(Item("a", object())) is None  # type: ignore[arg-type]
    del module.Color  # type: ignore[attr-defined]
    assert write(Color.RED) is None
    del sys.modules["own_module"]


class Awkward:
    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    "value", [object(), Awkward(), [object()], {1: object()}, len, "x" * 700, print, os]
)
def test_values_without_honest_text_are_not_written(value: object) -> None:
    assert expressions.write(value) is None


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"^\d{4}-\d\d$", ["7777-77", "7777-77"]),
        (r"(a|bc)+x?", ["a", "bcbcbcx"]),
        (r"[^a]\s*", ["b", "b  "]),
        (r"(?P<q>['\"]).(?P=q)", ["'x'", "'x'"]),
        (r"[a-f0-9]{2,}", ["aa", "aaaa"]),
        (r"[\w]+?", ["w", "www"]),
        ("(", []),
    ],
)
def test_samples_of_a_pattern_match_it(pattern: str, expected: list[str]) -> None:
    assert regex_samples.samples(pattern) == expected


def parsed(source: str) -> ast.AST:
    return ast.parse(source).body[0]


def test_texts_are_made_of_the_separators_and_endings_in_use() -> None:
    function = parsed(
        "def f(name):\n"
        "    if name.endswith('.whl') and '-' in name:\n"
        "        return name.split('-')\n"
        "    return re.match('v[0-9]', name) or PATTERN.match(name)\n"
    )
    scope = {"PATTERN": re.compile("x=y")}
    found = fitting_strings.fitting_texts(function, scope)
    assert {"a-1", "a-1-2-3-b.whl", "abc.whl", "v0", "x=y"} <= set(found)


def pools(source: str, name: str = "f") -> tuple[Any, dict[str, list[str]]]:
    tree = ast.parse(source)
    module = types.ModuleType("pooled")
    exec(compile(source, "pooled", "exec"), vars(module))
    sys.modules["pooled"] = module
    function = next(n for n in tree.body if getattr(n, "name", "") == name)
    assert isinstance(function, ast.FunctionDef)
    made = value_pools.Pools(tree, module, function, 0)
    arguments = function.args
    padded: list[Any] = [None] * (len(arguments.args) - len(arguments.defaults))
    padded += arguments.defaults
    found = {a.arg: texts(made.of(a, d)) for a, d in zip(arguments.args, padded, strict=True)}
    return made, found


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("x: int", "0"),
        ("x: 'int | str'", "''"),
        ("x: Optional[float]", "None"),
        ("x: Union[bytes, date]", "date(2024, 2, 29)"),
        ("x: list[int]", "[1, 0, 2]"),
        ("x: set[str]", "{'abc', '', 'Hello World'}"),
        ("x: tuple[int, str]", "(1, 'abc')"),
        ("x: tuple[int]", "(1,)"),
        ("x: tuple[int, ...]", "(1,)"),
        ("x: dict[str, int]", "{'abc': 1}"),
        ("x: Literal['a', 'b']", "'b'"),
        ("x: Annotated[int, 3]", "12345"),
        ("x: type[int]", "str"),
        ("x: Callable[[int], str]", "str.upper"),
        ("x: Sequence", "[]"),
        ("x: Mapping", "{}"),
        ("x: tuple", "()"),
        ("x: frozenset", "set()"),
        ("x: Number", "1.5"),
        ("x: Alias", "'1'"),
        ("x: Path", "tmp_path / 'missing.txt'"),
        ("x: None", "None"),
        ("x=True", "False"),
        ("x=b'a'", "b''"),
        ("thing=None", "timedelta(0)"),
        ("filename", "tmp_path / 'data.csv'"),
        ("start_date", "date(2023, 12, 31)"),
        ("callback", "len"),
        ("x: Unknown", "'abc'"),
    ],
)
def test_pools_follow_hints_defaults_and_names(signature: str, expected: str) -> None:
    source = (
        f"from __future__ import annotations\nAlias = 'str | int'\ndef f({signature}): return x\n"
    )
    name = signature.split(":")[0].split("=")[0]
    assert expected in pools(source)[1][name]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("x.split()", "'Hello World'"),
        ("x.items()", "{'a': 1, 'b': 2}"),
        ("x.total_seconds()", "timedelta(seconds=90)"),
        ("[y for y in x]", "[1, 2, 3]"),
        ("x['mode'] == 'fast'", "{'mode': 1}"),
        ("x.get('mode')", "{'mode': None}"),
        ("'mode' in x", "{'mode': 'abc'}"),
        ("x.width * x.height", "SimpleNamespace(width=1, height=1)"),
        ("x > 42", "43"),
        ("x % 2", "1.5"),
        ("isinstance(x, date)", "date(2024, 2, 29)"),
        ("open(x)", "tmp_path / 'data.json'"),
        ("x('a')", "str.upper"),
        ("x == 'needle'", "'needle'"),
    ],
)
def test_pools_follow_what_the_body_does(body: str, expected: str) -> None:
    assert expected in pools(f"def f(x): return {body}\n")[1]["x"]


def test_pools_construct_own_classes_and_enum_members() -> None:
    made, found = pools(
        "import enum\n"
        "class Kind(enum.Enum):\n    A = 1\n"
        "class Box:\n"
        "    def __init__(self, size: int, label: 'str', *rest, kind: Kind, deep=None): ...\n"
        "class Hard:\n    def __init__(self, other: 'Hard'): ...\n"
        "def f(kind: Kind, box: Box, hard: Hard): ...\n"
    )
    assert found["kind"][0] == "Kind.A"
    assert "Box(1, '', kind=Kind.A)" in found["box"]
    assert made.constructed(int) == []


SITES = """
import datetime
from datetime import date as day
from shop.models import Item, make
from elsewhere import helper

TOP = 3

@pytest.mark.parametrize("value, expected", [(1, 2), pytest.param(3, 4), (5,)])
def test_price(value, expected):
    assert price(value) == expected

@pytest.mark.parametrize("value", ["a", "b"])
def test_words(value):
    text = "local"
    price(text, unit=value)
    price(Item("x", day(2024, 1, 1)), TOP)
    price(datetime.timedelta(1), float("inf"))
    price(unknown)
    price(make(1))
    price(helper.thing)
    price(1 + 2)
    price(*rows)
    Cart("ada").price(-1)

price([1, {"a": None}])
"""


def test_sites_are_taken_from_tests_production_and_doctests(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_shop.py").write_text(SITES)
    (tmp_path / "use.py").write_text("from shop import price\nprice('direct')\n")
    (tmp_path / "README.md").write_text(">>> price('readme')\n1\n")
    (tmp_path / "broken.py").write_text("price(")
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "x.py").write_text("price('never')\n")
    tree = ast.parse('def price(x):\n    """\n    >>> n = 9\n    >>> price(n)\n    0\n    """\n')
    found = existing_calls.find_sites(str(tmp_path), tree, "price")
    made = {
        (s.origin, *texts(s.arguments), *(f"{k}={v.text}" for k, v in s.keywords)) for s in found
    }
    assert made == {
        ("doctest", "9"),
        ("doctest", "'readme'"),
        ("test", "1"),
        ("test", "3"),
        ("test", "-1"),
        ("test", "'local'", "unit='a'"),
        ("test", "'local'", "unit='b'"),
        ("test", "Item('x', date(2024, 1, 1))", "3"),
        ("test", "timedelta(1)", "float('inf')"),
        ("test", "[1, {'a': None}]"),
        ("production", "'direct'"),
    }


def test_sites_of_a_method_keep_their_object(tmp_path: Path) -> None:
    (tmp_path / "use.py").write_text(
        "from shop import Cart\n"
        "def go():\n    cart = Cart('ada')\n    cart.price(1)\n    price(2)\n"
    )
    found = existing_calls.find_sites(str(tmp_path), ast.parse(""), "price", "Cart")
    assert [(s.receiver.text, *texts(s.arguments)) for s in found] == [("Cart('ada')", "1")]


def test_the_clock_tells_another_time_in_every_loaded_module() -> None:
    code = (
        "import sys, time, datetime\n"
        "from datetime import datetime as moment\n"
        f"sys.path.insert(0, {str(TOOLS)!r})\n"
        "from copydesk_tools.search.run import fake_clock\n"
        "before, stamp = datetime.datetime.now(), time.time()\n"
        "fake_clock.shift(98_765_432.1)\n"
        "assert moment.now() - before > datetime.timedelta(days=1000)\n"
        "assert moment.utcnow().year >= before.year + 2\n"
        "assert moment.today().year >= before.year + 2\n"
        "assert datetime.date.today().year >= before.year + 2\n"
        "assert time.time() - stamp > 9e7 and time.time_ns() - stamp * 1e9 > 9e16\n"
        "assert time.localtime().tm_year >= before.year + 2\n"
        "assert time.localtime(0).tm_year in (1969, 1970)\n"
        "assert isinstance(before, datetime.datetime) and isinstance(before, datetime.date)\n"
        "assert moment(2024, 1, 1) == before.replace(2024, 1, 1, 0, 0, 0, 0)\n"
        "assert datetime.date(2024, 1, 1).year == 2024\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def ask(tree: Path, request: dict[str, Any]) -> dict[str, Any]:
    """Run the search plainly and return its report."""
    reader, writer = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", START],
        cwd=tree,
        env={
            **os.environ,
            "COPYDESK_REPORT_FD": str(writer),
            "COPYDESK_TOOLS": str(TOOLS),
            "PYTHONPATH": f"{TOOLS}:{tree}",
        },
        stdin=subprocess.PIPE,
        pass_fds=[writer],
    ) as child:
        os.close(writer)
        child.communicate(json.dumps(request).encode())
    with os.fdopen(reader, "rb") as report:
        found: dict[str, Any] = json.loads(report.read())
    return found


def request(function: str, **more: Any) -> dict[str, Any]:
    base = {"do": "search", "path": "m.py", "module": "m", "function": function}
    return {**base, "lines": [], "branches": [], "seed": 0, **more}


@pytest.mark.parametrize(
    ("function", "error"),
    [
        ("missing", "no such function"),
        ("value", "no such function"),
        ("A.B.deep", "not a plain function"),
        ("shadowed", "not a plain function"),
        ("gone", "not a plain function"),
    ],
)
def test_the_search_says_why_it_has_nothing(tree: Path, function: str, error: str) -> None:
    (tree / "m.py").write_text(
        "value = 1\nclass A:\n    class B:\n        def deep(self): ...\n"
        "def shadowed(): ...\nshadowed = 3\ndef gone(): ...\ndel gone\n"
    )
    assert error in ask(tree, request(function))["error"]


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    from fast import parse\nexcept ImportError:\n    def parse(text: str):\n        return text + '!'\n",
        "import contextlib\nwith contextlib.suppress(ImportError):\n\n    def parse(text: str):\n        return text + '!'\n",
        "for _ in 'a':\n\n\n    def parse(text: str):\n        return text + '!'\n",
    ],
    ids=["except", "with", "for"],
)  # fmt: skip
def test_a_function_is_found_wherever_its_module_defines_it(tree: Path, source: str) -> None:
    (tree / "m.py").write_text(source)
    cases = ask(tree, request("parse", lines=[5]))["cases"]
    assert cases[0]["observed"]["text"] == "'Hello World!'"


def test_the_search_wins_over_no_module_of_the_user(tree: Path) -> None:
    """A project may have modules named as ours; they are imported as the project means it."""
    (tree / "inputs.py").write_text("def own(number):\n    return number * 3\n")
    (tree / "m.py").write_text(
        "from inputs import own\n\ndef f(number: int):\n    return own(number)\n"
    )
    cases = ask(tree, request("f", lines=[4]))["cases"]
    assert [c["observed"]["text"] for c in cases][:1] == ["9"]


def test_the_search_tries_the_same_calls_whatever_the_time_of_day(tree: Path) -> None:
    (tree / "m.py").write_text("def f(text: str, n: int = 1):\n    return text[:n] * n\n")
    started = time.monotonic()
    first, again = ask(tree, request("f", lines=[2])), ask(tree, request("f", lines=[2]))
    assert first == again
    assert time.monotonic() - started < 60


@pytest.mark.parametrize(
    ("work", "expected"),
    [("time.sleep(60)", None), ("while time.process_time() < 0.6: pass", "done")],
    ids=["waits", "works"],
)
def test_a_child_that_works_silently_is_waited_for_and_one_that_waits_is_not(
    monkeypatch: pytest.MonkeyPatch, work: str, expected: str | None
) -> None:
    monkeypatch.setattr(recorder, "PATIENCE", 1.0)
    monkeypatch.setattr(recorder, "_IDLE", 0.0001)

    def child() -> str:
        exec(work, {"time": time})
        return "done"

    assert recorder.in_child(child) == expected


def function_of(text: str) -> tuple[ast.Module, ast.FunctionDef]:
    tree = ast.parse(text)
    return tree, next(n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef))


def test_marks_are_put_within_words() -> None:
    _, function = function_of(
        "def f(self, text):\n"
        "    if text[0] in JOINERS or text == self.STOP or text in WORDS or text > HIGH:\n"
        "        return text.isalnum()\n"
    )
    scope = {"JOINERS": "\u200c|", ".STOP": ";", "WORDS": {"of", "the", 3}, "HIGH": 7}
    found = fitting_strings.fitting_texts(function, scope)
    assert {"a\u200cb", "a|b", "|a", "a;", "ab of cd", "the cd", "e\u0301te\u0301 1"} <= set(found)


def test_a_text_that_has_a_name_of_its_own_separates_too() -> None:
    _, function = function_of(
        "def f(text):\n    SEP = '->'\n    if SEP in text:\n        return text.split(SEP)\n"
    )
    assert "a->1" in fitting_strings.fitting_texts(function, {})


def test_matches_have_the_groups_that_are_asked_for() -> None:
    tree, function = function_of(
        "def f(match: 're.Match[str]'):\n    return int(match.group(1)) > 300\n"
    )
    found = texts(
        value_pools.Pools(tree, types.ModuleType("m"), function, 0).of(function.args.args[0], None)
    )
    assert "fullmatch('(.+)', '301')" in found
    tree, function = function_of("def f(m):\n    return m['key'] + m.group('value')\n")
    found = texts(fitting_strings.matches(function, []))
    assert found[0] == "fullmatch('(?P<key>.+) (?P<value>.+)', '7 7')"


def test_a_length_that_is_compared_is_met_and_missed_by_one() -> None:
    _, function = function_of("def f(text: str):\n    return len(text) >= 3\n")
    found = from_literals.compared_with(function, "text")
    assert {"'ab'", "'abc'", "'abcd'"} <= set(texts(found))
    assert "3" not in texts(found)


def test_the_constants_of_a_class_are_literals_of_its_methods() -> None:
    tree = ast.parse(
        "class A:\n    LIMIT = 41\n    OTHER = 77\n"
        "    def f(self, n):\n        return n > self.LIMIT\n"
    )
    owner = tree.body[0]
    assert isinstance(owner, ast.ClassDef)
    found = texts(from_literals.literals_of(owner.body[2], tree, owner))
    assert "42" in found
    assert "77" not in found


def test_a_parser_is_given_its_commands_choices_and_numbers() -> None:
    tree = ast.parse(
        "def main(argv):\n"
        "    parser.add_parser('push')\n    parser.add_parser('pull')\n"
        "    parser.add_argument('path')\n    parser.add_argument('count', type=int)\n"
        "    parser.add_argument('--mode', choices=['fast', 'slow'])\n"
        "    parser.add_argument('-q', '--quiet', action='store_true')\n"
        "    parser.add_argument('--rule')\n"
    )
    lines = command_lines.command_lines(tree, ["a->b", "-x"])
    plain = ["push", "abc", "3"]
    assert lines[:2] == [plain, ["pull", "abc", "3"]]
    assert [*plain, "--mode", "fast"] in lines
    assert [*plain, "--quiet"] in lines
    assert ["--rule", "a->b"] in lines
    assert [*plain, "--mode", "fast", "--quiet"] in lines


def test_a_missing_key_of_a_made_up_dictionary_is_no_behaviour() -> None:
    module = types.ModuleType("m")
    exec("def f(options):\n    return options['size']\n", vars(module))
    subject = Subject(module, "", "f", "function", "m.py", 1, 2)

    def seen(origin: str, text: str) -> Any:
        call = Call(None, (Expression(text),), (), origin)
        run = invoke.invoke(subject, call, Path("nowhere"), trace=False)
        return observations.observation(subject, call, run, Path("nowhere"))

    assert seen("literal", "{}") is None
    assert seen("doctest", "{}")["name"] == "KeyError"
    assert seen("literal", "{'size': 2}")["text"] == "2"


def changed(text: str, lines: set[int]) -> list[str]:
    """The lines of a function under each change."""
    _, function = function_of(text)
    found = []
    for line, edit in mutants.edits(function, lines):
        before = getattr(edit.node, edit.field)
        setattr(edit.node, edit.field, edit.value)
        found.append(ast.unparse(function).splitlines()[line - 1].strip())
        setattr(edit.node, edit.field, before)
    return found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("if not x:", ["if not not x:"]),
        ("if x:", ["if not x:"]),
        ("if x == 1:", ["if x != 1:", "if x == 2:"]),
        ("while 1 < x < 3:", [
            "while not 1 < x < 3:", "while 1 <= x < 3:", "while 1 < x <= 3:",
            "while 2 < x < 3:", "while 1 < x < 4:",
        ]),
        ("x += b''", ["x -= b''", "x += b'XX'"]),
        ("x.sort()", ["None if True else x.sort()"]),
        ("return x", ["return None if True else x"]),
        ("y = 'a' if x else f''", ["y = 'a' if not x else f''", "y = 'aXX' if x else f''"]),
        ("y = True and x ** 2", ["y = True or x ** 2", "y = False and x ** 2",
                                 "y = True and x * 2", "y = True and x ** 3"]),
        ("'text'", []),
        ("raise ValueError(1)", []),
    ],
)  # fmt: skip
def test_small_changes_are_those_that_a_draft_is_checked_with(
    line: str, expected: list[str]
) -> None:
    body = f"    {line}\n" + ("        pass\n" if line.endswith(":") else "")
    assert sorted(changed(f"def f(x):\n{body}", {2})) == sorted(expected)


def test_each_line_gets_its_turn_where_there_are_too_many_changes() -> None:
    rows = "".join(f"    y = {'1 + ' * 30}{n}\n" for n in range(4))
    text = f"def f(x):\n{rows}    try:\n        y = 1\n    except ValueError:\n        y = 2\n"
    found = changed(text, set(range(2, 10)))
    assert len(found) == mutants.MAX_MUTANTS
    assert {"y = 2", "y = 3"} <= set(found)


def test_an_alias_of_another_module_is_read_for_what_it_stands_for() -> None:
    module = types.ModuleType("m")
    exec(
        "import typing\nT = typing.TypeVar('T')\n"
        "AnyIterator = typing.Union[typing.AsyncIterator[T], typing.Iterator[T]]\n",
        vars(module),
    )
    tree, function = function_of("def f(it: AnyIterator[T]):\n    return next(it)\n")
    found = value_pools.Pools(tree, module, function, 0).of(function.args.args[0], None)
    assert texts(found)[:2] == ["stream(1, 2, 3)", "iter([1, 2, 3])"]


@pytest.mark.parametrize(
    ("body", "first"),
    [
        ("isinstance(a, b)", ["str", "int", "object"]),
        ("isinstance(b, a)", []),
        ("b.match(1) or b.kind", ["SimpleNamespace(match=lambda *args: True, kind=1)"]),
        ("b['red'] + b.get('blue', 0)", ["{'red': 1, 'blue': 1}"]),
        ("'red' in b or b.pop(a)", ["{'red': 1}"]),
    ],
)
def test_what_a_body_does_with_a_parameter_says_what_it_may_be(body: str, first: list[str]) -> None:
    function = ast.parse(f"def f(a, b):\n    return {body}\n").body[0]
    assert texts(from_parameter_use.from_use(function, "b"))[: len(first) or None] == first


def written(path: Path, source: str) -> tuple[types.ModuleType, Path]:
    """A module with that text, not imported from where it stands, and its file."""
    module = types.ModuleType(path.stem)
    path.write_text(source)
    exec(compile(source, str(path), "exec"), module.__dict__)
    return module, path


def test_a_digest_and_an_abstract_method_can_be_told(tmp_path: Path) -> None:
    source = (
        "import hashlib\ndef sign():\n    return hashlib.sha1(b'a')\n"
        "def todo():\n    raise NotImplementedError\n"
    )
    module, file = written(tmp_path / "signs.py", source)
    seen = []
    for name in ("sign", "todo"):
        subject = Subject(module, "", name, "function", str(file), 1, 5)
        call = Call(None, (), (), "literal")
        run = invoke.invoke(subject, call, tmp_path)
        seen.append(observations.observation(subject, call, run, tmp_path))
    assert (seen[0]["view"], len(seen[0]["text"])) == ("hexdigest", 42)
    assert (seen[1]["kind"], seen[1]["name"]) == ("raises", "NotImplementedError")


def test_what_a_context_changes_in_its_argument_is_told_within_it_and_after(tmp_path: Path) -> None:
    source = (
        "import contextlib\n@contextlib.contextmanager\ndef indent(page, by):\n"
        "    page.indent += by\n    yield\n    page.indent -= by\n"
    )
    module, file = written(tmp_path / "indents.py", source)
    subject = Subject(module, "", "indent", "function", str(file), 3, 6)
    page = Expression("SimpleNamespace(indent=1)", (("SimpleNamespace", "types"),))
    told = []
    for by in ("2", "0"):
        call = Call(None, (page, Expression(by)), (), "literal")
        run = invoke.invoke(subject, call, tmp_path)
        told.append(observations.observation(subject, call, run, tmp_path))
    assert told[0] == {
        "kind": "changes", "argument": 0, "wrap": "with", "names": page.names,
        "text": "SimpleNamespace(indent=3)", "after": "SimpleNamespace(indent=1)",
    }  # fmt: skip
    assert told[1] == {"kind": "value", "text": "None", "names": (), "wrap": "with"}


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize(
    "change",
    [
        "nested['rows'][0].append(3)", "nested['rows'].pop()", "nested['more'] = 1", "count += 1",
        "seen.add(2)", "raw[0] = 7", "nested = dict(nested)", "seen = {1}", "words[0] = 'b'",
    ],
)  # fmt: skip
def test_a_trace_in_a_module_is_noticed_and_wiped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, quick: bool
) -> None:
    module = types.ModuleType("traces")
    module.__file__ = str(tmp_path / "traces.py")
    source = (
        "nested = {'rows': [[1, 2], (3,)], 'of': object}\n"
        "count, seen, raw = 1, {1}, bytearray(b'a')\n"
        "words = ['a', 1.5]"
    )
    exec(source, vars(module))
    monkeypatch.setitem(sys.modules, "traces", module)
    before = {name: repr(value) for name, value in vars(module).items() if name[0] != "_"}
    state = side_effects.State(str(tmp_path), quick)
    assert not state.changed()
    exec(change, vars(module))
    assert state.changed()
    state.restore()
    assert {name: repr(value) for name, value in vars(module).items() if name[0] != "_"} == before
    assert not state.changed()


def function_in(source: str, name: str) -> tuple[ast.Module, Any]:
    tree = ast.parse(source)
    return tree, next(n for n in ast.walk(tree) if getattr(n, "name", "") == name)


SIGNER = """
class Signer:
    default = staticmethod(len)

    def __init__(self, key, *, scheme="plain", digest=None):
        self.key, self._loud = key, bool(key)
        self.mode = scheme or "plain"
        self.digest = digest or self.default

    def derive(self):
        if self.mode == "double":
            return self.key * 2
        if self.key in ("a", b"b") or not self.digest:
            return self.key

    def sign(self, text: str) -> str:
        return self.key + text

    def is_signed(self, text: str) -> bool:
        return text.startswith(self.key)

    def _hidden(self, text):
        return text

    def check(self, text: str, signed: "str"):
        return signed == self.sign(text)
"""


def test_options_are_the_literals_that_a_method_compares_the_attribute_with() -> None:
    tree, derive = function_in(SIGNER, "derive")
    found = from_constructors.compared_options(from_constructors.class_of(tree, "Signer"), derive)
    assert {name: texts(values) for name, values in found.items()} == {
        "scheme": ["'double'"],
        "key": ["'a'", "b'b'"],
    }
    assert from_constructors.asks_for_truth(derive)
    assert not from_constructors.asks_for_truth(function_in(SIGNER, "sign")[1])
    values = [Expression(t) for t in ("0", "'b'", "1", "2", "''", "'c'")]
    assert texts(from_constructors.varied(values, 1, False)) == ["'b'", "2", "0", "''"]
    assert texts(from_constructors.varied(values, None, True)) == ["0", "''", "'b'", "1"]


def test_arguments_are_made_by_the_methods_beside_one() -> None:
    tree, check = function_in(SIGNER, "check")
    module = types.ModuleType("signer")
    exec(SIGNER, vars(module))
    receiver = Expression("Signer('k')", (("Signer", "signer"),))
    found = returned_by_siblings.returned_by_siblings(tree, module, check, "Signer", receiver)
    assert [(texts(row), made.text) for row, made in found] == [
        (["'Hello World'"], "Signer('k').sign('Hello World')")
    ]
    tree, decode = function_in(
        "def encode(a): return a\ndef decode(b): return b\ndef none(a) -> None: return a", "decode"
    )
    found = returned_by_siblings.returned_by_siblings(tree, module, decode, "", None)
    assert [made.text for _, made in found] == ["encode('abc')"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{'a': {'b': 1}}", ["'a'", "['a']", "['a', 'b']"]),
        ("{'a': 1}", ["'a'", "['a']", "1"]),
        ("'ab'", ["'ab'", "'a'", "'b'", "'abab'"]),
        ("[3, 4]", ["3", "4", "[3]", "[3, 4]", "1"]),
        ("5", ["5", "4", "6"]),
        ("1000000", []),
        ("True", []),
        ("date(2024, 1, 1)", []),
    ],
)
def test_one_argument_is_made_of_another(text: str, expected: list[str]) -> None:
    assert texts(from_iteration.derived(text)) == expected


def test_what_is_done_with_the_items_says_what_they_are() -> None:
    source = """
def total(rows, *more, names):
    for row in sorted(rows):
        row["price"]
    for place, name in enumerate(names):
        name.upper()
    return [one.items() for one in more]
"""
    tree, total = function_in(source, "total")
    assert from_iteration.item_names(total, "rows") == ["row"]
    assert from_iteration.item_names(total, "names") == ["name"]
    pools = value_pools.Pools(tree, types.ModuleType("m"), total, 0)
    assert "[{'price': 1}]" in [t.replace(", ".join(["{'price': 1}"] * 2), "") for t in texts(
        pools.of(ast.arg("rows"), None)
    )]  # fmt: skip
    each = pools.of_each(ast.arg("more"))
    assert each[0].text == "{'a': 1, 'b': 2}"
    assert [texts(row) for row in from_iteration.variadic(each[:2])] == [
        ["{'a': 1, 'b': 2}"], ["{}"], ["{'a': 1, 'b': 2}", "{}"], ["{'a': 1, 'b': 2}"] * 2,
        ["{'a': 1, 'b': 2}", "{}"],
    ]  # fmt: skip
    assert from_iteration.variadic([]) == []


READING = """
import os, random, sys, time
from pathlib import Path

def main():
    run(sys.argv)
    return input()

def run(words):
    host = os.environ.get("HOST")
    if os.getenv("MODE") == "fast" or "DEBUG" in os.environ:
        return os.environ["PORT"]
    return os.getcwd(), Path.cwd(), time.time(), random.choice(words), os.environ[words]
"""


def test_what_a_function_reads_besides_its_arguments_is_found_in_what_it_calls_too() -> None:
    tree, main = function_in(READING, "main")
    found = environment_patches.choices(tree, main, [["--fast"]])
    first = {name: value.text for name, value in found[0]}
    assert first == {
        "sys.argv": "['program', '--fast']", "sys.stdin": "StringIO('Hello World\\n')",
        "cwd": "tmp_path", "env:HOST": "None", "env:MODE": "None", "env:DEBUG": "None",
        "env:PORT": "None", "time.time": "1700000000.0", "seed": "1",
    }  # fmt: skip
    tree, run = function_in(READING, "run")
    every = environment_patches.choices(tree, run, [])
    assert ("env:MODE", "'fast'") in {(n, v.text) for one in every for n, v in one}
    assert environment_patches.choices(*function_in("def f(a): return a", "f"), []) == []


def test_what_is_put_around_a_call_is_taken_away_again(tmp_path: Path) -> None:
    before = (sys.argv, Path.cwd(), dict(os.environ), time.time)
    patches = (
        ("sys.argv", Expression("['program']")), ("cwd", Expression("tmp_path")),
        ("env:COPYDESK_HERE", Expression("'yes'")), ("env:PATH", Expression("None")),
        ("time.time", Expression("5.0")), ("seed", Expression("1")),
    )  # fmt: skip
    with apply_patches.applied(patches, {"tmp_path": tmp_path}):
        assert (sys.argv, Path.cwd(), time.time()) == (["program"], tmp_path, 5.0)
        assert os.environ["COPYDESK_HERE"] == "yes"
        assert "PATH" not in os.environ
    assert (sys.argv, Path.cwd(), dict(os.environ), time.time) == before


def test_a_path_in_the_tests_folder_is_told_by_its_name(tmp_path: Path) -> None:
    below = observations.below
    assert below(tmp_path, str(tmp_path / ".env")).text == "str(tmp_path / '.env')"
    assert below(tmp_path, tmp_path / "a" / "b.txt").text == "tmp_path / 'a' / 'b.txt'"
    assert below(tmp_path, str(tmp_path)).text == "str(tmp_path)"
    for other in (3, "abc", str(tmp_path / "two words"), f"{tmp_path}/a/../a"):
        assert below(tmp_path, other) is None


def test_functions_that_a_doctest_hands_over_are_taken_along(tmp_path: Path) -> None:
    source = """
def apply(function, value):
    \"\"\"
    >>> from operator import neg
    >>> double = lambda x: x * 2
    >>> apply(double, 3)
    6
    >>> apply(sum, [1, 2])
    3
    >>> apply(neg, 1)
    -1
    >>> apply(lambda x: open(x), "a")
    >>> apply(lambda: 1, "a")
    \"\"\"
"""
    found = existing_calls.find_sites(str(tmp_path), ast.parse(source), "apply")
    assert [texts(site.arguments) for site in found] == [
        ["lambda x: x * 2", "3"], ["sum", "[1, 2]"], ["neg", "1"],
    ]  # fmt: skip
    assert found[2].arguments[0].names == (("neg", "operator"),)


@pytest.mark.parametrize(
    ("body", "rounds"),
    [("return round(a)", True), ("return '%.1f' % a", True), ("return a % 2", False)],
)
def test_rounding_asks_for_numbers_that_carry(body: str, rounds: bool) -> None:
    _, node = function_in(f"def f(a): {body}", "f")
    assert from_literals.rounds(node) is rounds


def test_an_operator_that_knows_no_other_side_is_no_misuse() -> None:
    subject = Subject(None, "Cart", "__or__", "__or__", "cart.py", 1, 9)
    for operator, misuse in (("__or__", False), ("__lt__", False), ("__getitem__", True)):
        with pytest.raises(TypeError) as raised:
            invoke.BINARY[operator](object(), 1)
        assert observations.is_misuse(subject, raised.value) is misuse


def test_what_a_function_keeps_is_lost_where_nothing_else_can_change() -> None:
    keeps = ast.parse("def keep(self, key, value):\n    self.last = key\n    self[key] = value\n")
    counts = ast.parse("def keep(self, key):\n    self.last = key\n    self.count += 1\n")
    changes = mutants.edits(keeps.body[0], {2, 3})  # type: ignore[arg-type]
    assert [ast.unparse(edit.value) for _, edit in changes] == [
        "None if True else key",
        "None if True else value",
    ]
    assert {line for line, _ in mutants.edits(counts.body[0], {2, 3})} == {3}  # type: ignore[arg-type]
