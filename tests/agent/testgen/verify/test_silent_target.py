"""Versions of a target that raise nothing: what a test that only goes by errors cannot notice."""

from __future__ import annotations

import ast
import asyncio
import copy
import json
import math
import pickle
import textwrap
from collections.abc import Callable
from typing import Any

import pytest

from copydesk.agent.sandboxed.copydesk_tools.verify import STRANGER
from copydesk.agent.testgen.project import Function
from copydesk.agent.testgen.verify.silent_target import muffled, with_silence

Write = Callable[[dict[str, str]], None]


def functions(source: str) -> list[Function]:
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, Function)]


def silent(source: str, *, truth: bool = False) -> dict[str, Any]:
    """The names of a module whose functions do nothing."""
    source = textwrap.dedent(source)
    text = with_silence(source, functions(source), truth=truth)
    names: dict[str, Any] = {}
    exec(text.replace(STRANGER, "7654321"), names)
    return names


def stranger(*, truth: bool = False) -> Any:
    return silent("def f():\n    return 1\n", truth=truth)["f"]()


def test_a_stranger_lets_itself_be_used_like_any_value() -> None:
    one = stranger()
    assert one + 1 == 1 - one == one * 2.5 == -one == abs(one) == one[0] == one["a"] == one
    assert one.name == one(1, a=2) == one.items().of.it == one
    assert not one < 5
    assert not one >= 5
    assert one >= one
    assert math.sqrt(one) > 2000
    assert int(one) == 7654321
    assert (round(one), f"{one:.2f}", json.loads(json.dumps(one))) == (one, one, one)
    assert (list(one), len(one), one in [one], sum([one])) == ([one], 1, True, one)
    assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == one
    assert (bool(one), bool(stranger(truth=True))) == (False, True)
    with one as inside:
        assert inside == one
    assert next(iter(one)) == one
    with pytest.raises(StopIteration):
        next(one)
    with pytest.raises(AttributeError):
        _ = one.__array__


def test_a_stranger_can_be_awaited_and_entered() -> None:
    async def use() -> None:
        one = stranger()
        assert await one == one
        async with one as inside:
            assert inside == one
        assert [item async for item in one] == []

    asyncio.run(use())


def test_a_stranger_equals_itself_only_and_in_every_copy_of_the_module() -> None:
    assert stranger() == stranger(truth=True)
    assert all(stranger() != value for value in (0, 1.5, "", None, [], 7654321))


def test_kinds_of_functions_keep_their_kind() -> None:
    names = silent(
        '''
        import contextlib

        def one_line(): return print(1)

        def documented():
            """Words."""
            raise ValueError

        def numbers():
            yield 1
            yield 2

        @contextlib.contextmanager
        def opened(log):
            log.append(1)
            yield log

        async def later():
            return 1

        def decorated():
            @staticmethod
            def inner():
                yield 3
            return inner

        class Box:
            def __init__(self):
                self.full = True

            @property
            def size(self):
                raise ValueError

            def __len__(self):
                return 3

            def __iter__(self):
                return self

            def __next__(self):
                return 1
        '''
    )
    one = stranger()
    assert names["one_line"]() == names["documented"]() == names["decorated"]() == one
    assert list(names["numbers"]()) == [one]
    with names["opened"](log := []) as opened:
        assert (opened, log) == (one, [])
    assert asyncio.run(names["later"]()) == one
    box = names["Box"]()
    assert not hasattr(box, "full")
    assert (box.size, len(box), list(iter(box))) == (one, 7654321, [one])
    with pytest.raises(StopIteration):
        next(box)


def test_the_body_of_a_silent_function_stays_in_its_code() -> None:
    code = silent("def f(a):\n    return a * 12345\n")["f"].__code__
    assert 12345 in code.co_consts


def test_a_muffled_function_does_as_it_does_but_raises_nothing() -> None:
    source = textwrap.dedent(
        '''
        class Box:
            @property
            def size(self):
                """How much.

                In all.
                """
                return self.items / 2

            def __init__(self, items):
                self.items = items[0]

        def numbers(of):
            yield 1 / of
        '''
    ).replace("    ", "\t")
    names: dict[str, Any] = {}
    lines = [function.lineno for function in functions(source)]
    exec(muffled(source, lines).replace(STRANGER, "7654321"), names)
    assert names["Box"]([4]).size == 2
    assert names["Box"](["x"]).size == stranger()
    assert not hasattr(names["Box"](None), "items")
    assert (list(names["numbers"](2)), list(names["numbers"](0))) == ([0.5], [])


QUIET = "def note(log, words):\n    if words:\n        log.append(words)\n"


def test_a_test_that_says_that_nothing_is_done_is_kept(climb, write: Write) -> None:
    """It passes when the target does nothing, and notices a mutant that does something."""
    write({"notes.py": QUIET})
    draft = (
        "from notes import note\n\ndef test_x():\n    log = []\n    note(log, '')\n"
        "    assert not log\n"
    )
    evidence, _ = climb("notes.py", "note", [2], draft, repeats=1)
    assert evidence.verdict == "verified", evidence


def test_a_test_of_what_is_not_so_is_kept(climb, write: Write) -> None:
    write({"even.py": "def even(n):\n    return n % 2 == 0\n"})
    draft = "from even import even\n\ndef test_x():\n    assert not even(3)\n"
    evidence, _ = climb("even.py", "even", [2], draft)
    assert evidence.verdict == "verified", evidence


def test_a_test_that_goes_by_errors_only_is_refused(climb, write: Write) -> None:
    write({"half.py": "def half(n):\n    return n['of'] / 2\n"})
    draft = (
        "from half import half\n\ndef test_x():\n    seen = half({'of': 3})\n"
        "    assert seen + 1 == seen + 1\n"
    )
    evidence, _ = climb("half.py", "half", [2], draft)
    assert evidence.verdict == "failed"
    assert evidence.rungs[-1].detail.endswith("it notices no more than that the target raises")
