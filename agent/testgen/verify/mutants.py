"""Small wrong versions of a source file: a test worth keeping notices at least one of them.

The operators are the classic ones (DeMillo, Lipton and Sayward, "Hints on test data selection",
1978): comparison, boolean and arithmetic operators, constants, negated conditions, lost return
values. A mutant is an edit of the text that keeps every line where it was, so that code objects of
the two versions can be matched and tracebacks stay true.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from copydesk.agent.records import LineNo
from copydesk.agent.sandboxed.copydesk_tools.source.mutation_operators import (
    Edit,
    edits_of,
    negated_condition,
    stored_value,
    swapped_assignment,
)
from copydesk.agent.testgen.project import Function, is_text

_SYMBOLS: dict[type[ast.AST], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.And: "and",
    ast.Or: "or",
}  # fmt: skip
_LOGGING = frozenset({"debug", "info", "warning", "error", "exception", "critical", "log"})


@dataclass(frozen=True, slots=True)
class Mutant:
    """One edit: the characters start..end of the source become `text`.

    `line` is the first line of the statement it changes, the line a coverage report names.
    """

    line: LineNo
    description: str
    start: int
    end: int
    text: str


def mutate(source: str, mutant: Mutant) -> str:
    """The source with one mutant in it; as many lines as before."""
    return source[: mutant.start] + mutant.text + source[mutant.end :]


def sites(
    source: str, lines: Collection[LineNo] | None = None, *, module_level: bool = False
) -> list[Mutant]:
    """Every mutant of the source, in the order of the text.

    Args:
        source: A whole module.
        lines: Only statements that start on these lines; all when left out.
        module_level: Also statements outside of functions.

    Returns:
        Mutants that parse and differ from the source; docstrings, annotations, what a `raise` or
        a log call says and the text of f-strings are left alone. What is kept in attributes and
        items is lost only where there is nothing else to change.

    Raises:
        SyntaxError: The source does not parse.
    """
    finder = _Finder(source, None if lines is None else frozenset(lines), module_level)
    for statement in finder.tree.body:
        finder.top_level(statement)
    sites = finder.found or finder.stored
    return sorted(sites, key=lambda m: (m.start, m.end, m.description))


def choose(mutants: Sequence[Mutant], most: int = 24) -> list[Mutant]:
    """At most `most` mutants, the same ones each time, spread over the lines.

    Takes one mutant of each line in turn, so that a long line of constants does not use up the
    share of the others; the order of the result is the order of the turns.
    """
    by_line: dict[LineNo, list[Mutant]] = {}
    for mutant in mutants:
        by_line.setdefault(mutant.line, []).append(mutant)
    turns = max(map(len, by_line.values()), default=0)
    picked = [line[turn] for turn in range(turns) for line in by_line.values() if turn < len(line)]
    return picked[:most]


class _Finder:
    """Walks a module and collects the mutants of its statements."""

    def __init__(self, source: str, lines: frozenset[LineNo] | None, module_level: bool) -> None:
        self.source = source
        self.tree = ast.parse(source)
        self.lines = lines
        self.module_level = module_level
        self.rows = source.split("\n")
        self.starts = [0]
        for row in self.rows:
            self.starts.append(self.starts[-1] + len(row) + 1)
        self.found: list[Mutant] = []
        self.stored: list[Mutant] = []
        self.line = 0
        self.wanted = False
        self.fstring: ast.JoinedStr | None = None
        self.pattern = False
        self.outer = (0, len(source))

    # -- statements

    def top_level(self, node: ast.stmt) -> None:
        decorators = getattr(node, "decorator_list", [])
        first = min([node.lineno, *(d.lineno for d in decorators)])
        assert node.end_lineno is not None
        self.outer = (self.starts[first - 1], self.starts[node.end_lineno] - 1)
        self.statement(node, inside=False)

    def body(self, statements: Sequence[ast.stmt], inside: bool) -> None:
        for statement in statements:
            self.statement(statement, inside)

    def statement(self, node: ast.stmt, inside: bool) -> None:
        if is_text(node):
            return
        self.at(node.lineno, inside)
        if isinstance(node, ast.Raise):
            start = self.offset(node.lineno, node.col_offset)
            self.add(start, start, "if False: ", "nothing is raised", node.lineno)
            return
        if isinstance(node, (Function, ast.ClassDef)):
            self.definition(node, inside)
            return
        self.of_statement(node)
        for child in _expressions(node):
            self.expression(child)
        self.blocks(node, inside)

    def of_statement(self, node: ast.stmt) -> None:
        """The mutants of a statement as such, beside those of the expressions in it."""
        if isinstance(node, (ast.If, ast.While)):
            for edit in negated_condition(node):
                self.negated(edit, "if" if isinstance(node, ast.If) else "while")
        elif isinstance(node, ast.Return) and node.value is not None:
            self.lost(node.value)
        elif isinstance(node, ast.AugAssign):
            self.augmented(node)
        elif isinstance(node, ast.Expr) and isinstance(node.value, (ast.Call, ast.Await)):
            self.lost(node.value, "the call is left out")
        elif (value := stored_value(node)) is not None:
            mutants = len(self.found)
            self.lost(value, "None is kept instead of the value")
            self.stored += self.found[mutants:]
            del self.found[mutants:]

    def blocks(self, node: ast.AST, inside: bool) -> None:
        for name in ("body", "orelse", "finalbody"):
            self.body(getattr(node, name, ()), inside)
        for handler in getattr(node, "handlers", ()):
            self.body(handler.body, inside)
        for case in getattr(node, "cases", ()):
            self.at(case.pattern.lineno, inside)
            self.pattern = True
            self.expression(case.pattern)
            self.pattern = False
            if case.guard is not None:
                self.expression(case.guard)
            self.body(case.body, inside)

    def definition(self, node: Function | ast.ClassDef, inside: bool) -> None:
        for decorator in node.decorator_list:
            self.at(decorator.lineno, inside)
            self.expression(decorator)
        self.at(node.lineno, inside)
        if isinstance(node, ast.ClassDef):
            self.body(node.body, inside)
            return
        for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
            self.expression(default)
        self.body(node.body, inside=True)

    def at(self, line: LineNo, inside: bool) -> None:
        self.line = line
        self.wanted = (inside or self.module_level) and (self.lines is None or line in self.lines)

    # -- expressions

    def expression(self, node: ast.AST) -> None:
        if not self.wanted:
            return
        outermost = isinstance(node, ast.JoinedStr) and self.fstring is None
        if outermost:
            assert isinstance(node, ast.JoinedStr)
            self.fstring = node
        self.operators(node)
        for child in _expressions(node):
            text = isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant)
            silent = isinstance(child, ast.Constant) and _logs(node)
            if not text and not silent:
                self.expression(child)
        if outermost:
            self.fstring = None

    def operators(self, node: ast.AST) -> None:
        if self.pattern and not isinstance(node, ast.Constant):
            return
        for edit in edits_of(node):
            if edit.kind == "condition":
                self.negated(edit, "if")
            elif edit.kind == "constant":
                becomes = f"`{_short(edit.before)}` becomes `{_short(edit.after)}`"
                self.edit(edit, edit.node, becomes, edit.node.lineno)
            elif edit.kind == "not":
                self.edit(edit, edit.node, "`not` is lost")
            else:
                self.edit(edit, edit.node, _becomes(edit.before, edit.after))

    def negated(self, edit: Edit, word: str) -> None:
        self.edit(edit, edit.node.test, f"the condition of `{word}` is negated")

    def lost(self, value: ast.expr, says: str = "returns None") -> None:
        if isinstance(value, ast.Constant) and value.value is None:
            return
        start, end = self.span(value)
        # the dead arm keeps free variables and `yield`, so that the code still fits its function
        dead = "None" if isinstance(value, ast.Constant) else f"None if True else {_text(value)}"
        self.add(start, end, f"({dead}{self.lines_kept(start, end)})", says, value.lineno)

    def augmented(self, node: ast.AugAssign) -> None:
        for edit in swapped_assignment(node):
            start, end = self.span(node.target)[1], self.span(node.value)[0]
            old, new = (_SYMBOLS[type(sign)] + "=" for sign in (edit.before, edit.after))
            between = self.source[start:end].replace(old, new, 1)
            self.add(start, end, between, f"`{old}` becomes `{new}`", node.lineno)

    # -- text

    def edit(self, edit: Edit, place: ast.expr, says: str, line: LineNo | None = None) -> None:
        """Make an edit, write the change as text where `place` stands, and undo it."""
        before = getattr(edit.node, edit.field)
        setattr(edit.node, edit.field, edit.value)
        try:
            text = _text(self.fstring or (edit.value if edit.field == "test" else place))
        except ValueError:  # an f-string that this Python cannot spell
            return
        finally:
            setattr(edit.node, edit.field, before)
        start, end = self.span(self.fstring or place)
        if not self.pattern:
            text = f"({text}{self.lines_kept(start, end)})"
        self.add(start, end, text, says, line or place.lineno)

    def add(self, start: int, end: int, text: str, says: str, line: LineNo) -> None:
        mutant = Mutant(self.line, f"line {line}: {says}", start, end, text)
        same_height = text.count("\n") == self.source.count("\n", start, end)
        first, last = self.outer
        around = self.source[first:start] + text + self.source[end:last]
        if self.wanted and same_height and _parses(around):
            self.found.append(mutant)

    def span(self, node: ast.expr) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return (
            self.offset(node.lineno, node.col_offset),
            self.offset(node.end_lineno, node.end_col_offset),
        )

    def offset(self, line: LineNo, column: int) -> int:
        row = self.rows[line - 1]
        if not row.isascii():  # ast counts bytes
            column = len(row.encode()[:column].decode())
        return self.starts[line - 1] + column

    def lines_kept(self, start: int, end: int) -> str:
        return "\n" * self.source.count("\n", start, end)


def _expressions(node: ast.AST) -> Iterator[ast.AST]:
    """The expressions right below a node, without annotations, messages and nested blocks."""
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "msg", "type_params"}:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(
                child, (ast.stmt, ast.excepthandler, ast.match_case)
            ):
                yield child


def _logs(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _LOGGING
    )


def _becomes(old: ast.AST, new: ast.AST) -> str:
    return f"`{_SYMBOLS[type(old)]}` becomes `{_SYMBOLS[type(new)]}`"


def _short(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # an integer with more digits than Python is willing to print
        return "a large number"
    return text if len(text) <= 40 else text[:36] + "…" + text[-1]


def _text(node: ast.expr) -> str:
    return ast.unparse(node)


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
