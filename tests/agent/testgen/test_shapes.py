"""Objects with a state, closures, asynchronous streams, contexts, commands: how each is drafted."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.records import Candidate, Gap
from copydesk.agent.sandbox.runner import SandboxRunner
from copydesk.agent.testgen.embedded.drafter import draft_embedded
from copydesk.agent.testgen.project.layout import function_node

STORE = '''
import contextlib
import functools
from typing import overload

import click


class Stack:
    def __init__(self, size):
        self.size = size
        self.items = []
        self._label = ""

    def push(self, item):
        if len(self.items) >= self.size:
            raise OverflowError("the stack is full")
        self.items.append(item)

    def top(self):
        if not self.items:
            return None
        return self.items[-1]

    def __setitem__(self, index, item):
        if index == 0:
            self.items.insert(index, item)

    @property
    def label(self):
        return self._label

    @label.setter
    def label(self, text):
        self._label = text.strip().upper()

    def __checked(self, item):
        if item == 1:
            return "one"
        return "other"

    def sort_of(self, item):
        return self.__checked(item)

    def __high(self, item):
        return item > 10

    def is_high(self, item):
        return self.__high(item)


def doubled(function):
    @functools.wraps(function)
    def wrapper(*arguments):
        return [function(*arguments)] * 2

    return wrapper


async def pairs(items):
    last = None
    async for item in items:
        if last is not None:
            yield last, item
        last = item


async def naturals():
    number = 0
    while True:
        yield number
        number += 1


@contextlib.contextmanager
def guarded(path):
    try:
        with open(path, encoding="utf-8") as file:
            yield file.readline()
    except OSError:
        raise SystemExit(2) from None


def sized(value):
    if not isinstance(value, int):
        raise TypeError("a number is wanted")
    return value


def best(items, **options):
    for word in options:
        if word != "key":
            raise ValueError(f"{word} is not known")
    return max(items, key=options.get("key"))


@contextlib.contextmanager
def opened(path):
    with open(path, encoding="utf-8") as file:
        yield file.readline()


@overload
def twice(value: int) -> int: ...
@overload
def twice(value: str) -> str: ...
def twice(value):
    if value == "":
        return "nothing"
    return value * 2


@click.group()
def tool():
    """A tool."""


@tool.command()
@click.argument("name")
@click.option("--shout", is_flag=True)
def greet(name, shout):
    """Greet somebody."""
    if shout:
        name = name.upper()
    click.echo(f"hello {name}")
'''


@pytest.fixture
def drafted(
    tree: Path, write: Callable[[dict[str, str]], None], sandbox: Callable[[], SandboxRunner]
) -> Callable[..., Candidate]:
    """The draft for a function of the store, whose tests have been seen to pass."""
    write({"store.py": STORE})

    def make(function: str, *, last: bool = True) -> Candidate:
        lines = (first_lines if not last else last_lines)(function)
        gap = Gap("0" * 40, "store.py", function, lines[0], lines[-1], lines)
        candidate = draft_embedded(gap, tree, sandbox())
        assert candidate is not None
        outcome = sandbox().run(
            ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_draft.py"),
            files={"test_draft.py": candidate.content},
            env={"PYTHONHASHSEED": "99"},
        )
        assert outcome.returncode == 0, outcome.output + candidate.content
        return candidate

    return make


def last_lines(function: str) -> tuple[int, ...]:
    node = function_node(STORE, function)
    assert node is not None
    return tuple(
        sorted({s.lineno for b in node.body for s in ast.walk(b) if isinstance(s, ast.stmt)})
    )


def first_lines(function: str) -> tuple[int, ...]:
    owner, _, name = function.partition(".")
    node = next(n for n in ast.parse(STORE).body if getattr(n, "name", "") == owner)
    assert isinstance(node, ast.ClassDef)
    first = next(n for n in node.body if getattr(n, "name", "") == name)
    assert isinstance(first, ast.FunctionDef)
    return (first.body[0].lineno,)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("Stack.top", '    stack.push("abc")\n    assert stack.top() == "abc"\n'),
        ("Stack.push", 'with pytest.raises(OverflowError, match="the stack is full"):'),
        ("Stack.__setitem__", '    stack[0] = "abc"\n    assert stack.items == ["abc"]\n'),
        (
            "Stack.label",
            '    stack.label = "Hello World"\n    assert stack.label == "HELLO WORLD"\n',
        ),
        ("Stack.__checked", 'assert Stack(3).sort_of(1) == "one"'),
        ("Stack.__high", "(11, True),"),
        ("doubled", 'assert doubled(len)("abc") == [3, 3]'),
        ("pairs", "asyncio.run(collect(pairs(stream(1, 2, 3)))) == [(1, 2), (2, 3)]"),
        ("naturals", "asyncio.run(collect_some(naturals())) == [0, 1, 2"),
        ("opened", '    with opened(tmp_path / "data.txt") as entered:\n        assert entered =='),
        ("guarded", '    with pytest.raises(SystemExit), guarded(tmp_path / "missing.txt"):\n'),
        ("sized", 'pytest.raises(TypeError, match="a number is wanted")'),
        ("best", 'match="option is not known"'),
        ("twice", 'assert twice("") == "nothing"'),
        ("greet", 'result = CliRunner().invoke(tool, ["greet", "--shout", "abc"])\n'),
    ],
)
def test_each_shape_is_called_as_a_reader_would(
    drafted: Callable[..., Candidate], function: str, expected: str
) -> None:
    assert expected in drafted(function).content


def test_the_getter_of_a_property_with_a_setter_is_read(
    drafted: Callable[..., Candidate],
) -> None:
    assert 'assert Stack(3).label == ""' in drafted("Stack.label", last=False).content


def test_the_same_gap_gives_the_same_bytes(drafted: Callable[..., Candidate]) -> None:
    first = drafted("greet").content.encode()
    assert drafted("greet").content.encode() == first


TABLES = """
import numpy as np
import pandas as pd


def widest(df):
    if df.empty:
        return "nothing"
    return df.max()["a"].item()


def grown(df: pd.DataFrame) -> pd.DataFrame:
    return df.assign(c=df["a"] * 2)


def halved(array: np.ndarray):
    return array / 2
"""


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("widest", """assert widest(DataFrame({"a": []})) == "nothing"\n"""),
        ("grown", """assert result == {"a": [1, 2, 3], "b": [4.0, 5.5, 6.0], "c": [2, 4, 6]}\n"""),
        ("halved", "assert halved(array([1, 2, 3])).tolist() == [0.5, 1.0, 1.5]\n"),
    ],
)
def test_tables_and_arrays_are_compared_by_the_lists_they_hold(
    tree: Path, sandbox: Callable[[], SandboxRunner], function: str, expected: str
) -> None:
    pytest.importorskip("pandas")
    (tree / "tables.py").write_text(TABLES)
    node = function_node(TABLES, function)
    assert node is not None
    found = {s.lineno for b in node.body for s in ast.walk(b) if isinstance(s, ast.stmt)}
    lines = tuple(sorted(found))
    gap = Gap("0" * 40, "tables.py", function, lines[0], lines[-1], lines)
    candidate = draft_embedded(gap, tree, sandbox())
    assert candidate is not None
    assert expected in candidate.content
    outcome = sandbox().run(
        ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_draft.py"),
        files={"test_draft.py": candidate.content},
    )
    assert outcome.returncode == 0, outcome.output + candidate.content


PARSER = """
import argparse


def parse_args(argv):
    parser = argparse.ArgumentParser()
    parser.add_argument("input", nargs="*")
    parser.add_argument("--max", type=int, default=0)
    parser.add_argument("--mode", choices=["fast", "slow"], default="fast")
    parser.add_argument("--quiet", action="store_true")
    args = parser.parse_args(argv[1:])
    if args.max > 2:
        args.quiet = True
    return args
"""


def test_a_parser_is_given_its_options_and_compared_by_what_it_understood(
    tree: Path, sandbox: Callable[[], SandboxRunner]
) -> None:
    (tree / "program.py").write_text(PARSER)
    lines = tuple(range(6, 14))
    gap = Gap("0" * 40, "program.py", "parse_args", 5, 13, lines)
    candidate = draft_embedded(gap, tree, sandbox())
    assert candidate is not None
    assert (
        '    result = vars(parse_args(["program", "abc", "--max", "3"]))\n'
        '    assert result == {"input": ["abc"], "max": 3, "mode": "fast", "quiet": True}\n'
    ) in candidate.content


STARTED = """
import sys


def started_as(prefix):
    return prefix + str(getattr(sys, "ar" + "gv")[1:])
"""


def test_what_reads_how_pytest_was_started_is_not_recorded(
    tree: Path, write: Callable[[dict[str, str]], None], sandbox: Callable[[], SandboxRunner]
) -> None:
    write({"started.py": STARTED})
    gap = Gap("0" * 40, "started.py", "started_as", 5, 6, (6,))
    candidate = draft_embedded(gap, tree, sandbox())
    assert candidate is None or "assert started_as(" not in candidate.content
