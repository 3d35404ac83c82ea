"""A draft written as the tests of an existing module are: functions, classes, unittest."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from copydesk.agent.testgen.project import Function
from copydesk.agent.testgen.project import test_modules as module

INDENT = "    "
_BASES = ("unittest.TestCase", "TestCase")
_COMPARED: dict[type[ast.cmpop], str] = {
    ast.Eq: "assertEqual",
    ast.NotEq: "assertNotEqual",
    ast.In: "assertIn",
    ast.Is: "assertIs",
}


def in_style(old: str, draft: str, function: str) -> str:
    """Put a draft's test functions into a class where an existing module has only classes.

    Args:
        old: The existing test module.
        draft: The drafted one, test functions and their helpers.
        function: The qualified name of what it tests, which names the class.

    Returns:
        The draft in a class of pytest's, or in a TestCase with unittest's assertions, as the
        classes of the old module are; the draft as it is where that module has test functions,
        or where the draft uses what a TestCase does not have (fixtures, pytest.approx).
    """
    try:
        there, coming = ast.parse(old), ast.parse(draft)
        base = _base(there)
        return draft if base is None else _in_class(there, coming, draft, function, base)
    except (SyntaxError, ValueError, _Unfit):
        return draft


class _Unfit(Exception):
    """The draft cannot be said in that style."""


def _base(there: ast.Module) -> str | None:
    """The base class of a new test class, "" for none; None where tests are functions."""
    names = list(module.tests(there))
    if not names or any("::" not in name for name in names):
        return None
    owners = {name.partition("::")[0] for name in names}
    classes = [n for n in there.body if isinstance(n, ast.ClassDef) and n.name in owners]
    bases = [ast.unparse(base) for node in classes for base in node.bases]
    if not bases:
        return ""
    plain = [base for base in bases if base in _BASES]
    if not plain:
        raise _Unfit  # a base of the project's own may set up anything
    return plain[-1]


def _in_class(there: ast.Module, coming: ast.Module, draft: str, function: str, base: str) -> str:
    found = module.tests(coming)
    tests = list(found.values())
    texts = [n for n in ast.walk(coming) if isinstance(n, ast.Constant | ast.JoinedStr)]
    if any("::" in name for name in found) or any(n.lineno != n.end_lineno for n in texts):
        raise _Unfit  # moving the lines of a long text would change it
    rows = draft.split("\n")
    first = _first_row(tests[0])
    if any(_first_row(n) > first and n not in tests for n in coming.body):
        raise _Unfit
    write = _method if not base else _unittest_method
    methods = [write(test, rows, draft) for test in tests]
    name = _class_name(there, function, bool(base))
    head = [*rows[:first], f"class {name}({base}):" if base else f"class {name}:"]
    body = "\n\n".join("\n".join(lines) for lines in methods)
    return module.prune_imports("\n".join([*head, body]) + "\n")


def _class_name(there: ast.Module, function: str, has_base: bool) -> str:
    words = [w for w in function.split(".") if w != "<locals>"][:2]
    camel = "".join(part[:1].upper() + part[1:] for w in words for part in w.split("_") if part)
    classes = [n.name for n in there.body if isinstance(n, ast.ClassDef)]
    endings = [e for e in ("TestCase", "Tests", "Test") if any(c.endswith(e) for c in classes)]
    behind = has_base and endings and not any(c.startswith("Test") for c in classes)
    name = camel + endings[0] if behind else f"Test{camel}"
    taken = {getattr(node, "name", "") for node in there.body}
    chosen, number = name, 2
    while chosen in taken:
        chosen, number = f"{name}{number}", number + 1
    return chosen


def _first_row(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(d.lineno for d in decorators)]) - 1


def _method(test: Function, rows: Sequence[str], _: str) -> list[str]:
    """A test function as a method of a plain class."""
    lines = [f"{INDENT}{row}" if row else row for row in rows[_first_row(test) : test.end_lineno]]
    at = test.lineno - 1 - _first_row(test)
    has_more = bool(test.args.args or test.args.kwonlyargs)
    lines[at] = lines[at].replace("(", "(self, " if has_more else "(self", 1)
    return lines


# -- unittest


def _unittest_method(test: Function, _: Sequence[str], draft: str) -> list[str]:
    names, rows = _parametrized(test, draft)
    if isinstance(test, ast.AsyncFunctionDef) or {a.arg for a in test.args.args} != set(names):
        raise _Unfit  # a fixture
    said = _Writer(draft)
    depth = 2
    lines = [f"{INDENT}def {test.name}(self):"]
    if names:
        shown = ", ".join(f"{name}={name}" for name in names if name != "expected")
        lines += said.moved(f"for {', '.join(names)} in ", rows, ":", depth)
        lines.append(f"{INDENT * 3}with self.subTest({shown}):")
        depth = 4
    for statement in test.body:
        lines += said.statement(statement, depth)
    return lines


def _parametrized(test: Function, draft: str) -> tuple[list[str], ast.expr]:
    if not test.decorator_list:
        return [], ast.List([])
    (call, *others) = test.decorator_list
    if others or not isinstance(call, ast.Call) or len(call.args) != 2:
        raise _Unfit
    if ast.unparse(call.func) != "pytest.mark.parametrize" or "pytest" in _text(
        draft, call.args[1]
    ):
        raise _Unfit
    words = [getattr(e, "value", None) for e in getattr(call.args[0], "elts", [])]
    if len(words) < 2 or not all(isinstance(word, str) for word in words):
        raise _Unfit
    return [str(word) for word in words], call.args[1]


def _text(draft: str, node: ast.expr) -> str:
    return ast.get_source_segment(draft, node) or ""


class _Writer:
    """Says the statements of a pytest function in unittest's words."""

    def __init__(self, draft: str) -> None:
        self.draft = draft
        self.rows = draft.split("\n")

    def moved(self, before: str, node: ast.expr, after: str, depth: int) -> list[str]:
        """An expression between two texts, its further lines as deep below as they stood."""
        first, *rest = _text(self.draft, node).split("\n")
        row = self.rows[node.lineno - 1]
        shift = 4 * depth - (len(row) - len(row.lstrip()))
        lines = [f"{INDENT * depth}{before}{first}", *(_shifted(line, shift) for line in rest)]
        return [*lines[:-1], lines[-1] + after]

    def statement(self, node: ast.stmt, depth: int) -> Iterator[str]:
        """The lines of one statement.

        Raises:
            _Unfit: It is of pytest's own and not known here.
        """
        if isinstance(node, ast.Assert) and node.msg is None:
            yield from self.assertion(node.test, depth)
        elif isinstance(node, ast.With):
            heads = [self.head(item) for item in node.items]
            yield f"{INDENT * depth}with {', '.join(heads)}:"
            for inner in node.body:
                yield from self.statement(inner, depth + 1)
        elif isinstance(node, ast.Expr | ast.Assign | ast.Delete | ast.Pass):
            lines = self.rows[node.lineno - 1 : node.end_lineno]
            if any("pytest." in line for line in lines):
                raise _Unfit
            shift = 4 * depth - node.col_offset
            yield from (_shifted(line, shift) for line in lines)
        else:
            raise _Unfit

    def assertion(self, test: ast.expr, depth: int) -> list[str]:
        """An assertion; further lines of what is expected stay as they are."""
        if "pytest." in _text(self.draft, test):
            raise _Unfit
        if not isinstance(test, ast.Compare) or len(test.ops) != 1:
            return self.moved("self.assertTrue(", test, ")", depth)
        left, right = test.left, test.comparators[0]
        name = _COMPARED.get(type(test.ops[0]))
        if name is None or left.lineno != left.end_lineno:
            raise _Unfit
        actual = _text(self.draft, left)
        if name == "assertIs" and getattr(right, "value", 0) is None:
            return [f"{INDENT * depth}self.assertIsNone({actual})"]
        return self.moved(f"self.{name}({actual}, ", right, ")", depth)

    def head(self, item: ast.withitem) -> str:
        """One context of a with statement."""
        call = item.context_expr
        said = _text(self.draft, call)
        bound = f" as {ast.unparse(item.optional_vars)}" if item.optional_vars else ""
        known = {"pytest.raises": "assertRaises", "pytest.warns": "assertWarns"}
        name = known.get(ast.unparse(call.func)) if isinstance(call, ast.Call) else None
        if name is None or not isinstance(call, ast.Call) or len(call.args) != 1:
            if "pytest." in said or "\n" in said:
                raise _Unfit
            return said + bound
        match = [_text(self.draft, k.value) for k in call.keywords if k.arg == "match"]
        regex = "Regex" if match else ""
        return f"self.{name}{regex}({', '.join([_text(self.draft, call.args[0]), *match])}){bound}"


def _shifted(line: str, shift: int) -> str:
    if not line.strip():
        return line
    depth = len(line) - len(line.lstrip()) + shift
    return " " * max(0, depth) + line.lstrip()
