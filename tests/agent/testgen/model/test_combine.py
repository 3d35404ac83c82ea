"""One module of several drafts."""

from __future__ import annotations

import ast

from copydesk.agent.records import Candidate, Gap
from copydesk.agent.testgen.model.combine import combine

GAP = Gap("0" * 40, "m.py", "f", 1, 9, (2, 5), ())


def candidate(content: str, recorded: tuple[str, ...] = ()) -> Candidate:
    names = [n.name for n in ast.parse(content).body if isinstance(n, ast.FunctionDef)]
    tests = tuple(name for name in names if name.startswith("test"))
    return Candidate(GAP, "small:1b", content, tests, recorded, (f"{len(tests)} tests",))


ONE = candidate(
    "from __future__ import annotations\n\nfrom m import f\nimport pytest\n\n\nLIMIT = 2\n\n\n"
    "@pytest.mark.parametrize('x', [1])\ndef test_a(x):\n    assert f(x) == LIMIT  # seen\n"
)
TWO = candidate(
    "from m import f\nimport json\n\n\nLIMIT = 2\n\n\ndef test_a():\n    assert f(5) == LIMIT\n\n\n"
    "def test_b():\n    assert json.dumps(f(6)) == '7'\n",
    ("test_a",),
)


def test_imports_are_joined_and_taken_names_get_a_number() -> None:
    whole = combine([ONE, TWO])
    assert whole.content == (
        "from __future__ import annotations\n\nfrom m import f\nimport json\nimport pytest\n\n\n"
        "LIMIT = 2\n\n\n"
        "@pytest.mark.parametrize('x', [1])\ndef test_a(x):\n    assert f(x) == LIMIT  # seen\n\n\n"
        "def test_a_2():\n    assert f(5) == LIMIT\n\n\n"
        "def test_b():\n    assert json.dumps(f(6)) == '7'\n"
    )
    assert whole.tests == ("test_a", "test_a_2", "test_b")
    assert whole.recorded == ("test_a_2",)
    assert whole.notes == ("1 tests", "2 tests")
    assert whole.gap is GAP


def test_the_same_test_twice_stands_once() -> None:
    whole = combine([TWO, TWO, TWO])
    assert whole.content.count("def test_a") == 1
    assert whole.tests == ("test_a", "test_b")


def test_a_third_of_the_same_name_gets_the_next_number() -> None:
    others = [candidate(f"def test_a():\n    assert f({n}) == 1\n") for n in range(3)]
    assert combine(others).tests == ("test_a", "test_a_2", "test_a_3")


def test_a_draft_whose_helper_clashes_is_left_out() -> None:
    clash = candidate("LIMIT = 3\n\n\ndef test_c():\n    assert f(1) == LIMIT\n")
    assert combine([ONE, clash]).tests == ("test_a",)
