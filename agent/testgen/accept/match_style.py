"""A draft written as the tests of an existing module are: functions, classes, unittest."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from copydesk.agent.testgen.accept.merge_modules import first_row, free_name
from copydesk.agent.testgen.project import Function, find_tests, prune_imports

INDENT = "    "
_BASES = ("unittest.TestCase", "TestCase")
_CLASS_ENDINGS = ("TestCase", "Tests", "Test")
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "assertEqual",
    ast.NotEq: "assertNotEqual",
    ast.In: "assertIn",
    ast.Is: "assertIs",
}
_CONTEXTS = {"pytest.raises": "assertRaises", "pytest.warns": "assertWarns"}


def match_style(old: str, draft: str, function: str) -> str:
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
        old_tree, draft_tree = ast.parse(old), ast.parse(draft)
        base = _base_of_tests(old_tree)
        if base is None:
            return draft
        return _in_class(draft_tree, draft, _class_name(old_tree, function, base), base)
    except (SyntaxError, ValueError, _CannotRewrite):
        return draft


class _CannotRewrite(Exception):
    """The draft cannot be said in that style."""


def _base_of_tests(tree: ast.Module) -> str | None:
    """The base class of a new test class, "" for none; None where tests are functions.

    Raises:
        _CannotRewrite: It is one of the project's own, which may set up anything.
    """
    names = list(find_tests(tree))
    if not names or not all("::" in name for name in names):
        return None
    owners = {name.partition("::")[0] for name in names}
    bases: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name in owners:
            bases += map(ast.unparse, node.bases)
    if not bases:
        return ""
    for base in reversed(bases):
        if base in _BASES:
            return base
    raise _CannotRewrite


def _in_class(tree: ast.Module, draft: str, class_name: str, base: str) -> str:
    """The draft with its tests as the methods of a class."""
    tests = find_tests(tree)
    if not tests:
        raise _CannotRewrite
    first = first_row(next(iter(tests.values())))
    _check_can_move(tree, tests, first)
    rows = draft.split("\n")
    writer = _UnittestWriter(draft) if base else None
    methods: list[str] = []
    for test in tests.values():
        lines = writer.method(test) if writer else _method(test, rows)
        methods.append("\n".join(lines))
    heading = f"class {class_name}({base}):" if base else f"class {class_name}:"
    return prune_imports("\n".join([*rows[:first], heading, "\n\n".join(methods)]) + "\n")


def _check_can_move(tree: ast.Module, tests: dict[str, Function], first: int) -> None:
    """Check that the tests can be moved to the right, all lines from the first of them on.

    Raises:
        _CannotRewrite: That would change a text of several lines, or something else is there.
    """
    if any("::" in name for name in tests):
        raise _CannotRewrite
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr) and node.lineno != node.end_lineno:
            raise _CannotRewrite
    for statement in tree.body:
        if first_row(statement) > first and statement not in tests.values():
            raise _CannotRewrite


def _class_name(tree: ast.Module, function: str, base: str) -> str:
    """A name for the class that tests a function, formed as those of the module are."""
    name = _camel_case([word for word in function.split(".") if word != "<locals>"][:2])
    classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    ending = _common_ending(classes) if base else ""
    class_name = f"{name}{ending}" if ending else f"Test{name}"
    taken = {getattr(node, "name", "") for node in tree.body}
    return free_name(class_name, taken, separator="")


def _camel_case(words: Sequence[str]) -> str:
    parts = [part for word in words for part in word.split("_")]
    return "".join(part[:1].upper() + part[1:] for part in parts)


def _common_ending(classes: Sequence[str]) -> str:
    """How the names of test classes end where none begins with "Test", or ""."""
    if any(name.startswith("Test") for name in classes):
        return ""
    for ending in _CLASS_ENDINGS:
        if any(name.endswith(ending) for name in classes):
            return ending
    return ""


def _method(test: Function, rows: Sequence[str]) -> list[str]:
    """A test function as a method of a plain class."""
    first = first_row(test)
    lines = [f"{INDENT}{row}" if row else row for row in rows[first : test.end_lineno]]
    has_arguments = bool(test.args.args or test.args.kwonlyargs)
    opening = "(self, " if has_arguments else "(self"
    index = test.lineno - 1 - first
    lines[index] = lines[index].replace("(", opening, 1)
    return lines


# -- unittest


class _Parameters(NamedTuple):
    """What a test is parametrized with: the names, and the rows of their values."""

    names: list[str]
    rows: ast.expr


class _UnittestWriter:
    """Says the statements of pytest functions in unittest's words.

    Args:
        draft: The module that they are in.
    """

    def __init__(self, draft: str) -> None:
        self.draft = draft
        self.rows = draft.split("\n")

    def method(self, test: Function) -> list[str]:
        """A test function as a method of a TestCase.

        Raises:
            _CannotRewrite: It needs what unittest does not have.
        """
        parameters = self._parameters(test)
        names = parameters.names if parameters else []
        arguments = {argument.arg for argument in test.args.args}
        if isinstance(test, ast.AsyncFunctionDef) or arguments != set(names):
            raise _CannotRewrite  # a fixture
        lines = [f"{INDENT}def {test.name}(self):"]
        depth = 2
        if parameters:
            shown = ", ".join(f"{name}={name}" for name in names if name != "expected")
            lines += self._moved(f"for {', '.join(names)} in ", parameters.rows, ":", depth)
            lines.append(f"{INDENT * 3}with self.subTest({shown}):")
            depth = 4
        for statement in test.body:
            lines += self._statement(statement, depth)
        return lines

    def _parameters(self, test: Function) -> _Parameters | None:
        """What the only decorator of a test parametrizes it with; None without decorators."""
        if not test.decorator_list:
            return None
        call = test.decorator_list[0]
        if len(test.decorator_list) > 1 or not isinstance(call, ast.Call) or len(call.args) != 2:
            raise _CannotRewrite
        names, rows = call.args
        if ast.unparse(call.func) != "pytest.mark.parametrize" or "pytest" in self._text(rows):
            raise _CannotRewrite
        words = [getattr(element, "value", None) for element in getattr(names, "elts", [])]
        if len(words) < 2 or not all(isinstance(word, str) for word in words):
            raise _CannotRewrite
        return _Parameters([str(word) for word in words], rows)

    def _text(self, node: ast.expr) -> str:
        return ast.get_source_segment(self.draft, node) or ""

    def _moved(self, before: str, node: ast.expr, after: str, depth: int) -> list[str]:
        """An expression between two texts, its further lines as deep below as they stood."""
        first, *further = self._text(node).split("\n")
        row = self.rows[node.lineno - 1]
        shift = 4 * depth - (len(row) - len(row.lstrip()))
        lines = [f"{INDENT * depth}{before}{first}"]
        lines += [_shifted(line, shift) for line in further]
        lines[-1] += after
        return lines

    def _statement(self, node: ast.stmt, depth: int) -> Iterator[str]:
        """The lines of one statement.

        Raises:
            _CannotRewrite: It is of pytest's own and not known here.
        """
        if isinstance(node, ast.Assert) and node.msg is None:
            yield from self._assertion(node.test, depth)
        elif isinstance(node, ast.With):
            contexts = [self._context(item) for item in node.items]
            yield f"{INDENT * depth}with {', '.join(contexts)}:"
            for statement in node.body:
                yield from self._statement(statement, depth + 1)
        elif isinstance(node, ast.Expr | ast.Assign | ast.Delete | ast.Pass):
            yield from self._plain_statement(node, depth)
        else:
            raise _CannotRewrite

    def _plain_statement(self, node: ast.stmt, depth: int) -> list[str]:
        """A statement as it stands, moved to another depth."""
        lines = self.rows[node.lineno - 1 : node.end_lineno]
        if any("pytest." in line for line in lines):
            raise _CannotRewrite
        shift = 4 * depth - node.col_offset
        return [_shifted(line, shift) for line in lines]

    def _assertion(self, test: ast.expr, depth: int) -> list[str]:
        """An assertion; further lines of what is expected stay as they are."""
        if "pytest." in self._text(test):
            raise _CannotRewrite
        if not isinstance(test, ast.Compare) or len(test.ops) != 1:
            return self._moved("self.assertTrue(", test, ")", depth)
        left, right = test.left, test.comparators[0]
        name = _COMPARISONS.get(type(test.ops[0]))
        if name is None or left.lineno != left.end_lineno:
            raise _CannotRewrite
        actual = self._text(left)
        if name == "assertIs" and getattr(right, "value", 0) is None:
            return [f"{INDENT * depth}self.assertIsNone({actual})"]
        return self._moved(f"self.{name}({actual}, ", right, ")", depth)

    def _context(self, item: ast.withitem) -> str:
        """One context of a with statement."""
        call = item.context_expr
        text = self._expected_exception(call) if isinstance(call, ast.Call) else ""
        if not text:
            text = self._text(call)
            if "pytest." in text or "\n" in text:
                raise _CannotRewrite
        return f"{text} as {ast.unparse(item.optional_vars)}" if item.optional_vars else text

    def _expected_exception(self, call: ast.Call) -> str:
        """`pytest.raises(...)` in unittest's words; "" for another call."""
        name = _CONTEXTS.get(ast.unparse(call.func))
        if name is None or len(call.args) != 1:
            return ""
        arguments = [self._text(call.args[0])]
        for keyword in call.keywords:
            if keyword.arg == "match":
                name += "Regex"
                arguments.append(self._text(keyword.value))
        return f"self.{name}({', '.join(arguments)})"


def _shifted(line: str, shift: int) -> str:
    """A line so many columns further to the right; an empty one stays."""
    if not line.strip():
        return line
    depth = len(line) - len(line.lstrip()) + shift
    return " " * max(0, depth) + line.lstrip()
