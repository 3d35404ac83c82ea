# ruff: noqa: E501  # drafts read better on one line
"""The plugin that runs inside the user's pytest, on targets of every shape."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from copydesk.agent.sandboxed.copydesk_tools.verify import pytest_plugin
from copydesk.agent.testgen.project.functions import functions
from copydesk.agent.testgen.project.tools import TOOLS

Write = Callable[[dict[str, str]], None]

SHAPES = '''\
import asyncio
import contextlib
import functools


class Basket:
    def __init__(self, prices):
        self.prices = prices

    def total(self):
        return sum(self.prices) + 1

    @property
    def dear(self):
        return len(self.prices) > 2

    @dear.setter
    def dear(self, value):
        self.prices = [9] * (4 if value else 1)

    @classmethod
    def of(cls, *prices):
        return cls([*prices, 5])

    @staticmethod
    def rounded(price):
        return price // 10


def logged(function):
    @functools.wraps(function)
    def wrapper(*args):
        return [function(*args)]

    return wrapper


@logged
def wrapped(a):
    return a + 1


@functools.lru_cache
def cached(a):
    return a * 2


@contextlib.contextmanager
def opened(name):
    yield name + "!"


def counted(most):
    at = 0
    while at < most:
        yield at
        at += 1


async def at_once(a):
    return a


async def later(a):
    return await at_once(a) - 1


async def streamed(a):
    yield a
    yield a * 3


def outer(a):
    def inner(b):
        return a + b

    return inner


ADD = outer(1)


def several(
    a,
    b=2,
):
    """Two
    lines."""
    return {
        "a": a,
        "b": (a
              + b),
    }


def arms(a):
    return "low" if a < 3 else "high"


key = lambda a: a * 5  # noqa: E731


def waits(n):
    while n > 0:
        n -= 1
    return n
'''

DRAFTS = {
    "Basket.total": "from shapes import Basket\n\ndef test_x():\n    assert Basket([1, 2]).total() == 4\n",
    "Basket.dear": "from shapes import Basket\n\ndef test_x():\n    b = Basket([1, 2, 3])\n    assert b.dear\n    b.dear = True\n    assert b.prices == [9] * 4\n    b.dear = False\n    assert b.prices == [9] and not Basket([1, 2]).dear\n",
    "Basket.of": "from shapes import Basket\n\ndef test_x():\n    assert Basket.of(1).prices == [1, 5]\n",
    "Basket.rounded": "from shapes import Basket\n\ndef test_x():\n    assert Basket.rounded(43) == 4\n",
    "wrapped": "from shapes import wrapped\n\ndef test_x():\n    assert wrapped(1) == [2]\n",
    "cached": "from shapes import cached\n\ndef test_x():\n    assert cached(3) == 6\n",
    "opened": "from shapes import opened\n\ndef test_x():\n    with opened('a') as name:\n        assert name == 'a!'\n",
    "counted": "from shapes import counted\n\ndef test_x():\n    assert list(counted(2)) == [0, 1]\n",
    "later": "import asyncio\nfrom shapes import later\n\ndef test_x():\n    assert asyncio.run(later(3)) == 2\n",
    "streamed": "import asyncio\nfrom shapes import streamed\n\ndef test_x():\n    async def every():\n        return [a async for a in streamed(2)]\n    assert asyncio.run(every()) == [2, 6]\n",
    "outer.inner": "from shapes import ADD\n\ndef test_x():\n    assert ADD(2) == 3\n",
    "outer.<locals>.inner": "from shapes import outer\n\ndef test_x():\n    assert outer(2)(2) == 4\n",
    "several": "from shapes import several\n\ndef test_x():\n    assert several(1) == {'a': 1, 'b': 3}\n",
    "arms": "from shapes import arms\n\ndef test_x():\n    assert [arms(2), arms(3)] == ['low', 'high']\n",
    "late import": "def test_x():\n    from shapes import arms\n    assert [arms(2), arms(3)] == ['low', 'high']\n",
    "by module": "import runpy\n\ndef test_x():\n    assert runpy.run_module('shapes')['arms'](2) == 'low'\n",
}  # fmt: skip


def body_lines(function: str) -> list[int]:
    """The first lines of the statements of a function in SHAPES."""
    nodes = functions(SHAPES)[function.replace(".<locals>", "")]
    return sorted(
        node.lineno
        for definition in nodes
        for statement in definition.body
        for node in ast.walk(statement)
        if isinstance(node, ast.stmt)
        and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    )


@pytest.mark.parametrize("name", DRAFTS)
def test_every_shape_of_target_is_traced_probed_and_mutated(climb, write: Write, name: str) -> None:
    function = {"late import": "arms", "by module": "arms"}.get(name, name)
    write({"shapes.py": SHAPES})
    lines = body_lines(function)
    evidence, _ = climb("shapes.py", function, lines, DRAFTS[name], repeats=0, approved=True)
    assert [r for r in evidence.rungs if not r.passed] == []
    assert evidence.verdict == "verified"
    assert list(evidence.gained_lines) == lines
    assert evidence.mutants_total >= 2
    if name != "by module":
        assert evidence.survivors == ()


def test_mutants_that_never_end_count_apart(climb, write: Write) -> None:
    write({"shapes.py": SHAPES})
    evidence, _ = climb(
        "shapes.py",
        "waits",
        body_lines("waits"),
        "from shapes import waits\n\ndef test_x():\n    assert waits(2) == 0\n",
        repeats=0,
    )
    assert evidence.verdict == "verified"
    assert any("ran too long and do not count" in note for note in evidence.notes)


MODULE = '''\
"""Settings."""
import os

LIMIT = 10 * 3
if os.environ.get("SMALL"):
    LIMIT = 1
NAMES = ["a", "b"]; MORE = len(NAMES) + 1


@staticmethod
def odd():
    return 1
'''


def test_a_modules_own_statements_are_checked_with_changed_files(climb, write: Write) -> None:
    write({"settings.py": MODULE})
    good = (
        "import settings\n\ndef test_x():\n    assert (settings.LIMIT, settings.MORE) == (30, 3)\n"
    )
    evidence, _ = climb("settings.py", "<module>", [4, 7], good, repeats=1)
    assert evidence.verdict == "verified"
    assert evidence.gained_lines == (4, 7)
    assert evidence.mutants_killed >= 2

    weak = "import settings\n\ndef test_x():\n    assert settings.NAMES is not None\n"
    evidence, _ = climb("settings.py", "<module>", [4], weak, repeats=0)
    assert evidence.verdict == "failed"
    assert evidence.rungs[-1].name == "mutants"

    swallowed = (
        "def test_x():\n    try:\n        import settings\n    except BaseException:\n"
        "        pass\n    assert settings or 1\n".replace("settings or 1", "str(1)")
    )
    evidence, _ = climb("settings.py", "<module>", [4], swallowed, repeats=0)
    assert evidence.verdict == "failed"
    assert evidence.rungs[-1].name in {"reaches", "depends"}


# -- parts of it, in this process


@pytest.fixture
def ladder() -> ModuleType:
    """The plugin as a module of our own."""
    return pytest_plugin


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b'{"a": 1}\n', {"a": 1}),
        (b"", "lost"),
        (b"{half", "lost"),
        (b"[]\n", "lost"),
        (b"nonsense\n", "lost"),
    ],
)
def test_what_a_fork_says_is_read_with_care(
    ladder: ModuleType, said: bytes, expected: object
) -> None:
    reading, writing = os.pipe()
    os.write(writing, said)
    os.close(writing)
    assert ladder._receive(reading, 5.0) == expected
    os.close(reading)


def test_a_silent_fork_times_out(ladder: ModuleType) -> None:
    reading, writing = os.pipe()
    assert ladder._receive(reading, 0.05) == "timeout"
    os.close(reading)
    os.close(writing)


TRACED = """\
import asyncio, contextlib

def loop(n):
    total = 0
    for i in range(n):
        if i % 2:
            continue
        total += (i +
                  1)
    else:
        total += 1
    return total

def gen(n):
    try:
        while n:
            got = yield n
            if got:
                return
            n -= 1
    finally:
        n = 0

def delegate(n):
    yield from gen(n)
    return 1

@contextlib.contextmanager
def managed(x):
    yield x

def use(x):
    with managed(x) as y:
        if y:
            z = 1
    return y

async def wait(n):
    for _ in range(n):
        await asyncio.sleep(0)
    return n

async def agen(n):
    for i in range(n):
        yield i

def catch(x):
    try:
        return 1 / x
    except ZeroDivisionError as e:
        return str(e)
    finally:
        x = 2

def fail():
    raise ValueError

async def amain():
    return [i async for i in agen(2)], await wait(2)

def go():
    loop(0); loop(3)
    list(gen(2)); g = gen(3); next(g)
    try:
        g.send(1)
    except StopIteration:
        pass
    list(delegate(2)); use(0); use(1)
    catch(0); catch(1)
    try:
        fail()
    except ValueError:
        pass
    [a for a in gen(2) if a]
    (lambda q: q + 1)(2)
    asyncio.run(amain())
"""

COMPARE = """
import json, os, sys
sys.path.append(sys.argv[1])
from copydesk_tools.verify import line_tracer
import traced, asyncio
asyncio.run(asyncio.sleep(0))
tracer = line_tracer.Tracer(os.path.realpath(traced.__file__))
tracer.start(); traced.go(); ours = tracer.stop()
import coverage
cov = coverage.Coverage(data_file=None, branch=True, config_file=False, include=[traced.__file__])
cov.start(); traced.go(); cov.stop()
theirs = sorted(cov.get_data().arcs(traced.__file__))
print(json.dumps([ours, theirs]))
"""


def test_arcs_are_those_of_coverage(tree: Path, write: Write) -> None:
    write({"traced.py": TRACED})
    env = {"PATH": os.defpath, "COVERAGE_CORE": "pytrace"}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(COMPARE), str(TOOLS)],
        cwd=tree,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    ours, theirs = json.loads(done.stdout)
    assert ours == theirs
    assert len(ours) > 60
