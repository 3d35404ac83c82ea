"""Path conditions in words, and the groups of lines that one test can reach."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest

from copydesk.agent.testgen.model.path_conditions import BranchGroup, branch_groups, path_condition
from copydesk.agent.testgen.project.layout import FunctionNode

CLAMP = """\
def clamp_page(page, total, size=20):
    if size < 1:
        raise ValueError("size")
    last = max(1, -(-total // size))
    if page < 1:
        page = 1
    elif page > last:
        page = last
    return page, (page - 1) * size
"""


def function(code: str) -> FunctionNode:
    node = ast.parse(dedent(code)).body[0]
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    return node


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (2, ()),
        (3, ("`size < 1` is true",)),
        (4, ("`size < 1` is false",)),
        (6, ("`size < 1` is false", "`page < 1` is true")),
        (8, ("`size < 1` is false", "`page < 1` is false", "`page > last` is true")),
        (9, ("`size < 1` is false",)),
    ],
)
def test_conditions_follow_ifs_and_early_exits(line: int, words: tuple[str, ...]) -> None:
    assert path_condition(function(CLAMP), line) == words


@pytest.mark.parametrize(
    ("code", "marked", "words"),
    [
        ("for x in rows:\n    HERE", "HERE", ["`rows` gives at least one `x`"]),
        ("for x in rows:\n    pass\nelse:\n    HERE", "HERE", ["the loop ends without break"]),
        ("while not done:\n    HERE", "HERE", ["`done` is false"]),
        ("while a:\n    pass\nelse:\n    HERE", "HERE", ["the loop ends without break"]),
        ("with a:\n    if b:\n        HERE", "HERE", ["`b` is true"]),
        (
            "try:\n    go()\nexcept (A, B):\n    HERE",
            "HERE",
            ["`go()` or what follows it raises `(A, B)`"],
        ),
        (
            "try:\n    go()\nexcept:\n    HERE",
            "HERE",
            ["`go()` or what follows it raises any exception"],
        ),
        (
            "try:\n    go()\nexcept A:\n    pass\nelse:\n    HERE",
            "HERE",
            ["nothing is raised in the try block"],
        ),
        ("try:\n    HERE\nfinally:\n    pass", "HERE", []),
        ("try:\n    pass\nfinally:\n    HERE", "HERE", []),
        ("match a:\n    case 1:\n        HERE", "HERE", ["`a` matches `1`"]),
        (
            "match a:\n    case [x, *_] if x > 2:\n        HERE",
            "HERE",
            ["`a` matches `[x, *_]`", "`x > 2` is true"],
        ),
        ("match a:\n    case 1:\n        pass\nHERE", "HERE", []),
        ("def inner():\n    HERE", "HERE", ["the inner function `inner` is called"]),
        ("assert a > 1\nHERE", "HERE", ["`a > 1` is true"]),
        ("if a:\n    b()\nelse:\n    return\nHERE", "HERE", ["`a` is true"]),
        (
            "if a:\n    if b:\n        return\n    else:\n        raise C\nHERE",
            "HERE",
            ["`a` is false"],
        ),
        ("if a:\n    with b:\n        return\nHERE", "HERE", ["`a` is false"]),
        (
            "if a:\n    return\nelif b:\n    return\nHERE",
            "HERE",
            ["`a` is false", "`b` is false"],
        ),
        ("x = [\n    HERE\n]", "HERE", []),
        ("a()\n# HERE\nb()", "HERE", []),
        ("if a:\n    pass\n# HERE", "HERE", []),
        ("if a and (\n    HERE\n):\n    pass", "HERE", []),
        ("while a(\n    HERE\n):\n    pass", "HERE", []),
        ("match a:\n    case HERE:\n        pass", "HERE", []),
    ],
)
def test_conditions_of_every_statement(code: str, marked: str, words: list[str]) -> None:
    body = "\n".join("    " + line for line in code.split("\n"))
    text = f"def f(a, b):\n{body}\n"
    line = next(n for n, part in enumerate(text.split("\n"), 1) if marked in part)
    assert list(path_condition(function(text), line)) == words


def test_lines_under_the_same_conditions_are_one_group() -> None:
    groups = branch_groups(function(CLAMP), [3, 6, 8])
    assert groups == [
        BranchGroup((3,), ("`size < 1` is true",)),
        BranchGroup((6,), ("`size < 1` is false", "`page < 1` is true")),
        BranchGroup((8,), ("`size < 1` is false", "`page < 1` is false", "`page > last` is true")),
    ]


def test_lines_on_the_way_belong_to_the_deeper_group() -> None:
    groups = branch_groups(function(CLAMP), range(2, 10))
    assert [group.lines for group in groups] == [(2, 3), (4, 5, 6, 9), (7, 8)]


def test_a_branch_that_leads_to_no_uncovered_line_is_a_group() -> None:
    code = """\
    def f(rows):
        for row in rows:
            if row:
                print(row)
        while rows:
            rows.pop()
    """
    groups = branch_groups(function(code), [], [(3, 2), (2, 5), (5, -1), (2, 3), (4, 2)])
    assert [(group.lines, group.conditions[-1]) for group in groups] == [
        ((2,), "`rows` gives no `row`"),
        ((2, 3), "`row` is false"),
        ((5,), "`rows` is false"),
    ]


def test_long_conditions_are_cut() -> None:
    code = "def f(a):\n    if a == '" + "x" * 300 + "':\n        return 1\n"
    [words] = path_condition(function(code), 3)
    assert len(words) < 110


def test_a_chain_without_end_has_no_conditions() -> None:
    chain = "".join(f"    elif a == {n}:\n        return {n}\n" for n in range(600))
    node = function(f"def f(a):\n    if a < 0:\n        return 0\n{chain}")
    assert len(path_condition(node, 5)) == 2
    assert path_condition(node, 1203) == ()
    assert branch_groups(node, range(2, 1204))
