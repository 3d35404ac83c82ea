from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copydesk.agent.coverage.source.blocks import moved_lines, parse
from copydesk.agent.coverage.source.module_diff import compare_modules

BASE = """\
import os

LIMIT = 3


def first(a, b=2):
    # a comment
    return a + b


class Box:
    size = 1

    def open(self):
        return self.size


if __name__ == "__main__":
    print(first(1))
"""


def changed(new: str, old: str = BASE) -> tuple[set[str], bool]:
    delta = compare_modules(parse(old), parse(new))
    return set(delta.names), delta.anything


@pytest.mark.parametrize(
    ("new", "names"),
    [
        (BASE, set()),
        ("# comment\n\n" + BASE, set()),
        (BASE.replace("    # a comment\n", ""), set()),
        (BASE.replace("return a + b", "return a - b"), set()),
        (BASE.replace("LIMIT = 3", "LIMIT = 4"), {"LIMIT"}),
        (BASE.replace("b=2", "b=3"), {"first"}),
        (BASE.replace("size = 1", "size = 2"), {"size"}),
        (BASE.replace("print(first(1))", "print(first(2))"), set()),
        (BASE + "\n\ndef second():\n    return 1\n", {"second"}),
        (BASE + "\n\nclass New:\n    first = 1\n\n    def open(self): ...\n", {"New"}),
        (BASE.replace("class Box:", "class Box(list):"), {"Box"}),
        (BASE.replace("import os", "import os, sys"), {"os", "sys"}),
        (BASE.replace("def open", "def __len__"), {"Box", "open"}),
        (BASE + "\n\ndef gen(): yield 1\n", {"gen"}),
        (
            BASE + "\nif LIMIT > 2:\n    def third(): pass\nelse:\n    fourth = 1\n",
            {"third", "fourth"},
        ),
    ],
)
def test_what_a_change_binds_differently(new: str, names: set[str]) -> None:
    assert changed(new) == (names, False)


@pytest.mark.parametrize(
    "new",
    [
        BASE + "\nprint(1)\n",
        BASE + "\nfrom os import *\n",
        BASE + "\nos.x = 1\n",
        BASE + "\nfor i in range(3):\n    globals()[str(i)] = i\n",
        BASE + "\n@register\ndef f():\n    pass\n",
        BASE + "\nclass M(metaclass=Meta):\n    pass\n",
        BASE + "\nif x:\n    go()\n",
        BASE + "\ndef broken(:\n",
    ],
)
def test_a_statement_of_unknown_effect(new: str) -> None:
    assert changed(new)[1]


def test_a_changed_decorator_that_only_wraps_is_known_by_name() -> None:
    old = "import functools\n\n@functools.lru_cache\ndef f():\n    return 1\n"
    assert changed(old.replace("@functools.lru_cache\n", ""), old) == ({"f"}, False)
    marked = "import pytest\n\n@pytest.mark.slow\ndef test_f():\n    pass\n"
    assert changed(marked.replace("slow", "quick"), marked) == ({"test_f"}, False)


def test_lines_of_unchanged_blocks_are_found_again() -> None:
    new = "# top\n" + BASE.replace("return self.size", "return self.size + 1").replace(
        "    # a comment\n", ""
    )
    there = moved_lines(parse(BASE), parse(new))
    old_lines, new_lines = BASE.splitlines(), new.splitlines()
    assert all(old_lines[a - 1] == new_lines[b - 1] for a, b in there.items())
    gone = {n for n, text in enumerate(old_lines, 1) if text.strip()} - there.keys()
    assert [old_lines[n - 1].strip() for n in sorted(gone)] == ["# a comment", "return self.size"]


def test_indentation_of_a_whole_function_does_not_matter_but_inside_it_does() -> None:
    body = "def f(x):\n    if x:\n        y = 1\n        z = 2\n    return y\n"
    nested = "class K:\n" + "".join(f"    {line}\n" for line in body.splitlines())
    assert len(moved_lines(parse(body), parse(body.replace("        z", "    z")))) == 1
    deeper = nested.replace("    ", "        ")
    assert len(moved_lines(parse(nested), parse(deeper))) == 2  # relative indentation doubled
    wider = "if True:\n" + "".join(f"    {line}\n" for line in nested.splitlines())
    assert set(moved_lines(parse(nested), parse(wider))) >= {3, 4, 5, 6}


def test_a_string_over_several_lines_counts_byte_for_byte() -> None:
    old = 'def f():\n    return """a\n  b"""\n'
    assert moved_lines(parse(old), parse(old.replace("  b", "   b"))) == {1: 1}


def test_try_loops_one_liners_and_broken_sources() -> None:
    source = (
        "try:\n    import fast\nexcept ImportError:\n    fast = None\nelse:\n    ok = 1\n"
        "finally:\n    done = 1\n"
        "while False:\n    x = 1\n"
        "def one(): return 1\n"
        "lam = lambda: 2\n"
    )
    module = parse(source)
    assert set(module.lines) == set(range(1, 13))
    assert changed(source.replace("return 1", "return 2"), source) == ({"one"}, False)
    assert parse("def (").broken
    assert moved_lines(parse("def ("), parse("def (")) == {1: 1}
    assert not moved_lines(parse("def ("), parse("x = 1"))


SNIPPETS = st.sampled_from(
    [
        "x = 1\n",
        "def f(a):\n    if a:\n        return 1\n    return 2\n",
        "class K:\n    y = 2\n\n    def m(self):\n        return [i for i in range(3)]\n",
        "import os\n",
        "# comment\n",
        "\n\n",
        "@property\ndef g():\n    '''doc'''\n    yield 1\n",
        "async def h():\n    await x\n",
        "with open('x') as f:\n    data = f.read()\n",
        "s = '''a\n   b\n'''\n",
    ]
)


@given(st.lists(SNIPPETS, max_size=8), st.randoms())
def test_every_code_bearing_line_has_a_home_and_order_does_not_matter(
    parts: list[str], rng
) -> None:  # type: ignore[no-untyped-def]
    source = "".join(parts)
    module = parse(source)
    assert not module.broken
    for line, spot in module.lines.items():
        assert module.blocks[spot.block].lines[spot.ordinal] == line
    statements = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.stmt)]
    assert {n.lineno for n in statements} <= module.lines.keys()
    shuffled = list(parts)
    rng.shuffle(shuffled)
    delta = compare_modules(module, parse("".join(shuffled)))
    assert not delta.names or len({p for p in parts if "def f" in p}) == 0 or not delta.anything
    assert sorted(moved_lines(module, parse(source)).items()) == [
        (n, n) for n in sorted(module.lines)
    ]
