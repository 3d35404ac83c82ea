# ruff: noqa: E501  # cases read better on one line
from __future__ import annotations

import ast
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copydesk.agent.testgen.project.functions import first_statement, functions, target_functions
from copydesk.agent.testgen.verify.mutants import choose, mutate, sites


def described(body: str, *, inside: bool = True) -> list[str]:
    source = "def f(a, b, c):\n" + textwrap.indent(body, "    ") if inside else body
    return [m.description.removeprefix("line 2: ") for m in sites(source)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a(b < 1)", ["the call is left out", "`<` becomes `<=`", "`1` becomes `2`"]),
        ("x = a >= b > c", ["`>=` becomes `>`", "`>` becomes `>=`"]),
        ("x = a == b", ["`==` becomes `!=`"]),
        ("x = a is not b", ["`is not` becomes `is`"]),
        ("x = a not in b", ["`not in` becomes `in`"]),
        ("x = a and b and c", ["`and` becomes `or`"]),
        ("x = not a", ["`not` is lost"]),
        ("x = a + b", ["`+` becomes `-`"]),
        ("x = a @ b", []),
        ("x += 1", ["`+=` becomes `-=`", "`1` becomes `2`"]),
        ("x @= a", []),
        ("x = True", ["`True` becomes `False`"]),
        ("x = 1.5", ["`1.5` becomes `2.5`"]),
        ("x = b'a'", ["`b'a'` becomes `b'aXX'`"]),
        ("x = None", []),
        ("x = 2j", []),
        ("x = 1e999", []),
        ("return a", ["returns None"]),
        ("return 1", ["`1` becomes `2`", "returns None"]),
        ("return None", []),
        ("return", []),
        ("if a: pass", ["the condition of `if` is negated"]),
        ("a.kept = b", ["None is kept instead of the value"]),
        ("a[b] = c = b", ["None is kept instead of the value"]),
        ("a.kept: 'int' = b", ["None is kept instead of the value"]),
        ("a.kept = None", []),
        ("a.kept: int", []),
        ("a.kept = b + c", ["`+` becomes `-`"]),
        ("while a: pass", ["the condition of `while` is negated"]),
        ("if not a: pass", ["`not` is lost"]),
        ("if a == b: pass", ["`==` becomes `!=`"]),
        ("x = a if b else c", ["the condition of `if` is negated"]),
        ("raise ValueError('no' + a)", ['nothing is raised']),
        ("assert a, 'why ' + b", []),
        ("x: 'int' = a", []),
        ("x = f'text {a} more'", []),
        ("x = f'text {a + b:>{c}} more'", ["`+` becomes `-`"]),
        ("'only text'", []),
        ("log.debug('said %s', a)", ["the call is left out"]),
        ("x = a[1]", ["`1` becomes `2`"]),
        ("def g(a: 'A' = 1, *, k=2) -> 'B': pass", ["`1` becomes `2`", "`2` becomes `3`"]),
        ("class G:\n    'text'\n    x = 1", ["line 4: `1` becomes `2`"]),
        ("@a(1)\ndef g(): pass", ["`1` becomes `2`"]),
        ("match a:\n    case 1 if b > c: pass", ["line 3: `1` becomes `2`", "line 3: `>` becomes `>=`"]),
        ("match a:\n    case -1: pass", ["line 3: `1` becomes `2`"]),
        ("try:\n    pass\nexcept E:\n    x = 1\nfinally:\n    y = 2",
         ["line 5: `1` becomes `2`", "line 7: `2` becomes `3`"]),
        ("with a(1) as b: pass", ["`1` becomes `2`"]),
        ("x = '" + "long" * 20 + "'", ["`'longlonglonglonglonglonglonglonglon…'` becomes "
         "`'longlonglonglonglonglonglonglonglon…'`"]),
        ("x = 0x" + "f" * 4000, []),
    ],
)  # fmt: skip
def test_what_is_mutated(body: str, expected: list[str]) -> None:
    assert described(body) == expected


def test_only_function_bodies_unless_asked() -> None:
    source = "LIMIT = 3\n\ndef f(a=1):\n    return a\n\nclass C:\n    x = 2\n"
    assert [m.line for m in sites(source)] == [4]
    assert [m.line for m in sites(source, module_level=True)] == [1, 3, 4, 7]


def test_lines_are_those_of_statements() -> None:
    source = "def f(a):\n    return (a +\n        1)\n"
    assert [(m.line, m.description) for m in sites(source, [2])] == [
        (2, "line 2: `+` becomes `-`"),
        (2, "line 2: returns None"),
        (2, "line 3: `1` becomes `2`"),
    ]
    assert sites(source, [3]) == []


def test_every_line_stays_where_it_is() -> None:
    source = "def f(a):\n    x = (a <\n       'é'  'ü'\n       'ö')\n    return x\n"
    for mutant in sites(source):
        changed = mutate(source, mutant)
        assert changed.count("\n") == source.count("\n")
        assert changed.endswith("return x\n") or "None" in changed


def test_free_variables_and_yield_survive_a_lost_return() -> None:
    source = "def f(a):\n    def g():\n        return a\n    def h():\n        return (yield a)\n"
    before = compile(source, "m", "exec").co_consts[0]
    for mutant in sites(source):
        after = compile(mutate(source, mutant), "m", "exec").co_consts[0]
        for old, new in zip(before.co_consts, after.co_consts, strict=False):
            if hasattr(old, "co_freevars"):
                assert (old.co_freevars, old.co_flags) == (new.co_freevars, new.co_flags)


def test_a_choice_is_spread_over_the_lines_and_repeatable() -> None:
    source = "def f(a):\n    x = [1, 2, 3, 4]\n    y = 5\n    return x + y\n"
    picked = choose(sites(source), 4)
    assert [m.line for m in picked] == [2, 3, 4, 2]
    assert picked == choose(sites(source), 4)
    assert len(choose(sites(source), 100)) == len(sites(source))
    assert choose([], 4) == []


def test_functions_are_found_by_name_and_lines() -> None:
    source = textwrap.dedent(
        """
        class C:
            @property
            def p(self):
                return 1
            @p.setter
            def p(self, v):
                self.v = v
        def outer():
            def inner():
                return 1
            return inner
        if True:
            async def late():
                'text'
                return 2
        def only_text():
            'text'
        """
    )
    assert {n: len(f) for n, f in functions(source).items()} == {
        "C.p": 2,
        "outer": 1,
        "outer.inner": 1,
        "late": 1,
        "only_text": 1,
    }
    assert [f.lineno for f in target_functions(source, "C.p", [8])] == [7]
    assert [f.lineno for f in target_functions(source, "C.p", [])] == [4, 7]
    assert [f.lineno for f in target_functions(source, "outer.<locals>.inner", [11])] == [10]
    assert [f.name for f in target_functions(source, "renamed", [11])] == ["inner"]
    assert target_functions(source, "<module>", [2]) == []
    assert isinstance(first_statement(functions(source)["late"][0]), ast.Return)
    assert isinstance(first_statement(functions(source)["only_text"][0]), ast.Expr)


ATOMS = st.sampled_from(
    ["a", "b", "1", "0.5", "'é'", "b'x'", "True", "None", "f'ü{a}!'", "f'{a + 1:>{b}}'", "[1, a]"]
)
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["<", "<=", "==", "in", "is", "+", "-", "*", "/", "%", "**", "@", "and", "or"]), inner),
        st.builds("({}\n  not in {})".format, inner, inner),
        st.builds("(not {})".format, inner),
        st.builds("({} if {} else\n {})".format, inner, inner, inner),
        st.builds("f({}, k={})".format, inner, inner),
        st.builds("(lambda x=1: {})".format, inner),
        st.builds("[x for x in {} if {}]".format, inner, inner),
        st.builds("(y := {})".format, inner),
    ),
    max_leaves=6,
)  # fmt: skip
STATEMENTS = st.one_of(
    st.builds("x = {}\n".format, EXPRESSIONS),
    st.builds("x += {}\n".format, EXPRESSIONS),
    st.builds("return {}\n".format, EXPRESSIONS),
    st.builds("f({})\n".format, EXPRESSIONS),
    st.builds("if {}: pass\n".format, EXPRESSIONS),
    st.builds("while {}: break\n".format, EXPRESSIONS),
    st.builds("raise E({})\n".format, EXPRESSIONS),
    st.builds("'ö'; x = {}; y = 2\n".format, EXPRESSIONS),
)


@settings(deadline=None, max_examples=120)
@given(st.lists(STATEMENTS, min_size=1, max_size=4))
def test_each_mutant_parses_and_differs(statements: list[str]) -> None:
    source = "def g(a, b):\n" + "".join("    " + s for s in statements)
    try:
        tree = ast.dump(ast.parse(source))
    except SyntaxError:
        return
    before = str(source)
    found = sites(source)
    assert len({(m.start, m.end, m.text) for m in found}) == len(found)
    for mutant in found:
        changed = mutate(source, mutant)
        assert ast.dump(ast.parse(changed)) != tree
        assert changed.count("\n") == source.count("\n")
        assert mutant in sites(source, [mutant.line])
    assert source == before
    assert found == sites(source)
