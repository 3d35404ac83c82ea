"""Which functions differ between two versions of some files."""

from __future__ import annotations

import textwrap

import pytest

from copydesk.agent.behaviour import ChangedFunction, changed_functions


def changes(before: str | dict[str, str], after: str | dict[str, str]) -> list[ChangedFunction]:
    sides = [text if isinstance(text, dict) else {"m.py": text} for text in (before, after)]
    old, new = ({p: textwrap.dedent(t).encode() for p, t in side.items()} for side in sides)
    return changed_functions(old, new)


def test_a_changed_body_names_the_statements_of_both_versions() -> None:
    before = """
    def price(n):
        if n > 10:
            return n - 1
        return n
    """
    (change,) = changes(before, before.replace("n > 10", "n >= 10"))
    assert change.name == "m.py::price"
    assert change.why == ("body",)
    assert change.before is not None
    assert change.after is not None
    assert (change.before.changed, change.after.changed) == ((3,), (3,))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("def f(n): return n", "def f(n):\n\n    return  (n)  # the same", id="layout"),
        pytest.param("def f(n): return n", "def f(n: int) -> int: return n", id="annotations"),
        pytest.param("def f(n):\n  'a'\n  return n", "def f(n):\n  'b'\n  return n", id="words"),
        pytest.param("def f(n):\n  x: int = n\n  return x", "def f(n):\n  x = n\n  return x",
                     id="annotated-name"),
    ],
)  # fmt: skip
def test_what_changes_nothing_that_happens_is_no_change(before: str, after: str) -> None:
    assert changes(before, after) == []


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        pytest.param("def f(n=1): return n", "def f(n=2): return n", "signature", id="default"),
        pytest.param("def f(n): return n", "@cache\ndef f(n): return n", "decorator",
                     id="decorator"),
        pytest.param("def f(n): return n", "async def f(n): return n", "async", id="async"),
    ],
)  # fmt: skip
def test_a_head_that_changed_counts_as_the_first_statement(
    before: str, after: str, why: str
) -> None:
    (change,) = changes(before, after)
    assert why in change.why
    assert change.after is not None
    assert change.after.changed == (change.after.line,)


def test_a_user_of_a_constant_that_changed_is_compared_too() -> None:
    before = "LIMIT = 1\ndef f(n):\n    x = n\n    return min(x, LIMIT)\ndef g(n): return n\n"
    (change,) = changes(before, before.replace("= 1", "= 2"))
    assert (change.name, change.why) == ("m.py::f", ("uses LIMIT",))
    assert change.after is not None
    assert change.after.changed == (4,)


def test_a_user_of_a_changed_helper_and_of_an_attribute_of_its_class() -> None:
    before = """
    class Basket:
        most = 3
        def full(self): return self.size() >= self.most
        def size(self): return 1
    """
    names = [(c.name, c.why) for c in changes(before, before.replace("return 1", "return 2"))]
    assert names == [
        ("m.py::Basket.size", ("body",)),
        ("m.py::Basket.full", ("uses Basket.size",)),
    ]
    (user,) = changes(before, before.replace("most = 3", "most = 4"))
    assert user.why == ("uses Basket.most",)


def test_a_moved_and_a_renamed_function_are_followed() -> None:
    body = "(n):\n    total = n + 1\n    total *= 2\n    return total\n"
    (moved,) = changes({"a.py": f"def f{body}"}, {"b.py": f"def f{body}"})
    assert moved.why == ("moved",)
    assert moved.before is not None
    assert (moved.before.path, moved.name) == ("a.py", "b.py::f")
    (renamed,) = changes(f"def f{body}", f"def g{body}".replace("* = 2", "*= 3"))
    assert renamed.why[0] == "renamed"


def test_what_is_new_and_what_is_gone() -> None:
    found = changes("def f(n):\n    a = 1\n    return a\n", "def g(x):\n    return x.upper()\n")
    assert {(c.name, c.why) for c in found} == {
        ("m.py::g", ("added",)),
        ("m.py::f", ("removed",)),
    }


def test_a_file_that_is_no_python_has_no_function() -> None:
    assert changes("def f(:", "def f(n): return n") == changes("", "def f(n): return n")


def test_a_setter_is_told_from_its_getter() -> None:
    before = """
    class Box:
        @property
        def width(self):
            return self._width
        @width.setter
        def width(self, value):
            self._width = value
    """
    (change,) = changes(before, before.replace("= value", "= value + 1"))
    assert change.after is not None
    assert change.after.line == 7


def test_loops_without_end_declarations_and_handlers_are_known_by_what_runs_in_them() -> None:
    before = """
    def f(n):
        global count
        while True:
            try:
                return n
            except ValueError:
                return 0
    """
    (change,) = changes(before, before.replace("ValueError", "KeyError").replace("count", "size"))
    assert change.after is not None
    assert change.after.changed == (8,)
