"""Which lines of a source make up one statement."""

from __future__ import annotations

import ast
import functools
import io
import tokenize
from collections.abc import Iterator, Mapping

from copydesk.agent.records import LineNo
from copydesk.agent.source_text import split_source_lines

_LAYOUT = frozenset(
    {tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT}
    | {tokenize.ENDMARKER, tokenize.ENCODING}
)
_HEADS_WITHOUT_CODE = (["else", ":"], ["finally", ":"])


@functools.lru_cache(maxsize=256)
def statement_starts(source: str) -> Mapping[LineNo, LineNo]:
    """Where the statement of each line begins, for every line that holds code.

    Blank lines, comments and docstrings hold none, also within a statement; neither does a mere
    `else:` or `finally:`. A statement is a logical line: that is what coverage.py counts, by its
    first line.

    Args:
        source: The text of a module. One that Python cannot read is taken line by line.
    """
    try:
        docstrings = _docstring_lines(ast.parse(source))
        return _starts(source, docstrings)
    except (SyntaxError, ValueError, RecursionError, tokenize.TokenError):
        return _line_by_line(source)


def _starts(source: str, docstrings: frozenset[LineNo]) -> dict[LineNo, LineNo]:
    starts: dict[LineNo, LineNo] = {}
    for words, lines in _logical_lines(source):
        if words in _HEADS_WITHOUT_CODE or docstrings.issuperset(lines):
            continue
        first = min(lines)
        starts.update(dict.fromkeys(lines, first))
    return starts


def _logical_lines(source: str) -> Iterator[tuple[list[str], set[LineNo]]]:
    """The tokens of each logical line, and the lines on which they stand."""
    words: list[str] = []
    lines: set[LineNo] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NEWLINE:
            yield words, lines
            words, lines = [], set()
        elif token.type not in _LAYOUT:
            words.append(token.string)
            lines.update(range(token.start[0], token.end[0] + 1))


def _docstring_lines(tree: ast.Module) -> frozenset[LineNo]:
    """The lines of docstrings on which no other statement stands."""
    lines: set[LineNo] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            lines.update(_docstring_of(node.body, getattr(node, "lineno", 0)))
    return frozenset(lines)


def _docstring_of(body: list[ast.stmt], head: LineNo) -> set[LineNo]:
    if not body or not isinstance(body[0], ast.Expr):
        return set()
    first = body[0]
    if not (isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)):
        return set()
    lines = set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    has_neighbour = len(body) > 1 and body[1].lineno in lines
    return set() if has_neighbour or head in lines else lines


def _line_by_line(source: str) -> dict[LineNo, LineNo]:
    lines = enumerate(split_source_lines(source), start=1)
    return {number: number for number, line in lines if line.strip()[:1] not in ("", "#")}
