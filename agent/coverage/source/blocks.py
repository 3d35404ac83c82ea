"""Source code as blocks that keep their identity when they move.

A block is the body of an outermost function, or one statement of a module or class body. A line
is (block, ordinal among the block's code-bearing lines), so comments, blank lines, position and
indentation of a whole block never matter. A block's fingerprint is a hash of its tokens.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import io
import itertools
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from copydesk.agent.source_text import plain_line_ends, split_source_lines

_LAYOUT = frozenset(
    {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    | {tokenize.ENDMARKER, tokenize.ENCODING}
)
_WORD = re.compile(r"[A-Za-z_]\w+")
_DEFINITION = ast.FunctionDef | ast.AsyncFunctionDef

PLAIN_DECORATORS = frozenset(
    {"abstractmethod", "cache", "cached_property", "classmethod", "contextmanager"}
    | {"asynccontextmanager", "dataclass", "define", "deleter", "final", "fixture", "frozen"}
    | {"getter", "lru_cache", "override", "overload", "parametrize", "property", "setter"}
    | {"runtime_checkable", "singledispatch", "skip", "skipif", "staticmethod", "total_ordering"}
    | {"unique", "usefixtures", "wraps", "xfail"}
)
"""Decorators that do nothing but change what a name is bound to."""


class Line(NamedTuple):
    """Where a line stands: its block's key and its ordinal there."""

    block: str
    ordinal: int


@dataclass(slots=True)
class Block:
    """A function body or a statement.

    `binds` holds the names a statement binds when it runs: None says it may do anything, and a
    function body binds nothing. `mentions` holds every identifier in it, and words in strings.
    `owner` is the class it stands in, `reflected` says that others than callers by name may look
    at that class: what it inherits from, or what decorates it.
    """

    key: str
    fingerprint: str
    lines: tuple[int, ...]
    mentions: frozenset[str]
    binds: frozenset[str] | None = frozenset()
    owner: str = ""
    reflected: bool = False

    @property
    def name(self) -> str:
        """The name of the function whose body this is, empty for a statement."""
        if not self.key.startswith("f:"):
            return ""
        return self.key[2:].rpartition("#")[0].rpartition(".")[2]


@dataclass(slots=True)
class Module:
    """A parsed source file: its blocks by key and its lines."""

    blocks: dict[str, Block]
    lines: dict[int, Line]
    broken: bool = False

    def holds(self, block: Block) -> bool:
        """Whether a block of another version of this module stands here unchanged."""
        own = self.blocks.get(block.key)
        return own is not None and own.fingerprint == block.fingerprint

    def statements(self) -> Iterator[Block]:
        """The blocks that run when the module is imported."""
        return (b for b in self.blocks.values() if not b.key.startswith("f:"))

    def was_run(self, lines: Iterable[int]) -> bool:
        """Whether the module's own body ran, going by executed lines: its first statement did."""
        first_lines = set()
        for block in self.statements():
            if block.lines and not block.key.startswith("o:"):
                first_lines.add(block.lines[0])
        first = min(itertools.filterfalse(self.is_text, first_lines), default=0)
        return first in set(lines)

    def is_text(self, line: int) -> bool:
        """Whether a statement is a bare string, which may not count as executed."""
        return self.blocks[self.lines[line].block].key.startswith("x:")


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


@functools.lru_cache(maxsize=4096)
def parse(source: str) -> Module:
    """Split a source into blocks.

    A source that is not valid Python is one block that changes with every byte.
    """
    source = plain_line_ends(source)
    try:
        tree = ast.parse(source)
        tokens = _tokens(source)
    except (SyntaxError, ValueError, RecursionError, tokenize.TokenError):
        return _broken_module(source)
    return _Splitter(source, tokens).split(tree)


def _broken_module(source: str) -> Module:
    lines = tuple(range(1, source.count("\n") + 2))
    key = f"broken:{_hash(source)}"
    block = Block(key, key, lines, frozenset(_WORD.findall(source)), None)
    return Module({key: block}, {n: Line(key, i) for i, n in enumerate(lines)}, broken=True)


def _tokens(source: str) -> dict[int, list[str]]:
    """The token texts that start on each code-bearing line; a token's further lines hold ''."""
    texts: dict[int, list[str]] = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in _LAYOUT:
            continue
        texts.setdefault(token.start[0], []).append(token.string)
        for line in range(token.start[0] + 1, token.end[0] + 1):
            texts.setdefault(line, []).append("")
    return texts


@dataclass(slots=True)
class _Span:
    """Lines that will become a block."""

    key: str
    lines: list[int]
    binds: frozenset[str] | None
    owner: str = ""
    extra: str = ""
    reflected: bool = False


class _Scope(NamedTuple):
    """The class that statements stand in: its qualified name with a dot, and its name."""

    prefix: str
    owner: str


@dataclass(slots=True)
class _Splitter:
    """Splits a source into blocks, given its tokens by line."""

    source: str
    tokens: dict[int, list[str]]
    spans: list[_Span] = field(default_factory=list)
    taken: set[int] = field(default_factory=set)
    reflected: bool = False
    text: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.text = split_source_lines(self.source)

    def split(self, tree: ast.Module) -> Module:
        """Split the source whose tree it is."""
        self._body(tree.body, _Scope("", ""))
        for line in sorted(self.tokens.keys() - self.taken):  # `else:`, `finally:` and the like
            self._take("o:", [line], frozenset())
        blocks: dict[str, Block] = {}
        lines: dict[int, Line] = {}
        counts: dict[str, int] = {}
        for span in self.spans:
            fingerprint = self._fingerprint(span)
            # a function keeps its identity by name, a statement by content
            stem = span.key if span.key.startswith("f:") else span.key + fingerprint
            counts[stem] = counts.get(stem, 0) + 1
            key = f"{stem}#{counts[stem]}"
            blocks[key] = Block(
                key,
                fingerprint,
                tuple(span.lines),
                self._mentions(span),
                span.binds,
                owner=span.owner,
                reflected=span.reflected,
            )
            lines.update({line: Line(key, i) for i, line in enumerate(span.lines)})
        return Module(blocks, lines)

    def _take(
        self,
        key: str,
        lines: list[int],
        binds: frozenset[str] | None,
        owner: str = "",
        extra: str = "",
    ) -> None:
        """Make a block of the lines that have code and belong to no other block yet."""
        free = [n for n in lines if n in self.tokens and n not in self.taken]
        self.taken.update(free)
        self.spans.append(_Span(key, free, binds, owner, extra, self.reflected))

    def _fingerprint(self, span: _Span) -> str:
        heads = [n for n in span.lines if self.tokens[n][0] != ""]
        base = min(map(self._indent, heads), default=0)
        rows = [span.extra]
        for n in span.lines:
            if self.tokens[n][0] != "":
                rows.append(f"{self._indent(n) - base} " + "\x01".join(self.tokens[n]))
            else:  # inside a string over several lines every byte counts
                rows.append("\x00" + self.text[n - 1])
        return _hash("\n".join(rows))

    def _indent(self, line: int) -> int:
        text: str = self.text[line - 1]
        return len(text) - len(text.lstrip())

    def _mentions(self, span: _Span) -> frozenset[str]:
        names: set[str] = set()
        for line in span.lines:
            for token in self.tokens[line]:
                if token.isidentifier():
                    names.add(token)
                elif token[:1] in "\"'fFrRbBuUtT":
                    names.update(_WORD.findall(token))
        return frozenset(names)

    def _body(self, body: list[ast.stmt], scope: _Scope) -> None:
        for node in body:
            if isinstance(node, _DEFINITION):
                self._function(node, scope)
            elif isinstance(node, ast.ClassDef):
                self._class(node, scope)
            elif isinstance(node, ast.If):
                self._if(node, scope)
            elif isinstance(node, ast.Try):
                self._try(node, scope)
            else:
                self._simple_statement(node, scope)

    def _class(self, node: ast.ClassDef, scope: _Scope) -> None:
        head = _range(node.decorator_list, node.lineno, _start(node.body[0]) - 1)
        plain = not node.keywords and _plain(node.decorator_list)
        binds = frozenset({node.name}) if plain else None
        self._take(f"c:{scope.prefix}", head or [node.lineno], binds, scope.owner, node.name)
        around = self.reflected
        self.reflected = not plain or _is_reflected(node)
        self._body(node.body, _Scope(f"{scope.prefix}{node.name}.", node.name))
        self.reflected = around

    def _if(self, node: ast.If, scope: _Scope) -> None:
        prefix, owner = scope
        if _is_main_guard(node.test):
            lines = _lines(node.lineno, node.end_lineno)
            self._take(f"m:{prefix}", lines, frozenset(), owner)
            return
        head = _lines(node.lineno, node.test.end_lineno)
        self._take(f"i:{prefix}", head, _bound_in(node.body + node.orelse), owner)
        self._body(node.body, scope)
        self._body(node.orelse, scope)

    def _try(self, node: ast.Try, scope: _Scope) -> None:
        key = f"t:{scope.prefix}"
        self._take(key, [node.lineno], frozenset(), scope.owner)
        self._body(node.body, scope)
        for handler in node.handlers:
            self._take(key, [handler.lineno], frozenset(), scope.owner)
            self._body(handler.body, scope)
        self._body(node.orelse, scope)
        self._body(node.finalbody, scope)

    def _simple_statement(self, node: ast.stmt, scope: _Scope) -> None:
        kind = "x" if _is_string(node) else "s"
        bound = _binds(node)
        if bound and scope.owner and any(map(_is_dunder, bound)):
            bound |= {scope.owner}  # looked up by syntax, not by its name
        lines = _lines(node.lineno, node.end_lineno)
        self._take(f"{kind}:{scope.prefix}", lines, bound, scope.owner)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: _Scope) -> None:
        prefix, owner = scope
        body_starts = node.body[0].lineno
        one_line = body_starts <= _end_of_signature(node)
        head_ends = (node.end_lineno or node.lineno) if one_line else body_starts - 1
        head = _range(node.decorator_list, node.lineno, head_ends)
        name = node.name
        if owner and _is_dunder(name):
            name = owner  # called through syntax, not by its name
        binds = frozenset({name}) if _plain(node.decorator_list) else None
        docstring = ast.get_docstring(node, clean=False)
        kind = f"{type(node).__name__} {_is_generator(node)} {docstring!r}"
        self._take(f"d:{prefix}", head, binds, owner, kind)
        if not one_line:
            body = _lines(body_starts, node.end_lineno)
            self._take(f"f:{prefix}{node.name}", body, frozenset(), owner)


def _end_of_signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The last line of a function's parameters and return annotation."""
    last = node.lineno
    for part in ast.walk(node.args):
        if isinstance(part, ast.expr | ast.arg):
            last = max(last, part.end_lineno or 0)
    if node.returns:
        last = max(last, node.returns.end_lineno or 0)
    return last


def _is_main_guard(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and ast.unparse(test) == "__name__ == '__main__'"


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _is_reflected(node: ast.ClassDef) -> bool:
    bases = [b for b in node.bases if not (isinstance(b, ast.Name) and b.id == "object")]
    return bool(bases or node.decorator_list)


def _is_string(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _start(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(d.lineno for d in decorators)])


def _lines(first: int, last: int | None) -> list[int]:
    return list(range(first, (last or first) + 1))


def _range(decorators: list[ast.expr], first: int, last: int) -> list[int]:
    return _lines(min([first, *(d.lineno for d in decorators)]), last)


def _is_generator(node: ast.AST) -> bool:
    return any(isinstance(n, ast.Yield | ast.YieldFrom) for n in ast.walk(node))


def _plain(decorators: list[ast.expr]) -> bool:
    for decorator in decorators:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = getattr(target, "attr", None) or getattr(target, "id", None)
        if name not in PLAIN_DECORATORS and "mark." not in ast.unparse(target):
            return False
    return True


def _binds(node: ast.stmt) -> frozenset[str] | None:
    """The names a simple statement binds; None when it may do anything."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = {(a.asname or a.name).split(".")[0] for a in node.names}
        return None if "*" in names else frozenset(names)
    if isinstance(node, ast.Assign):
        return _targets(node.targets)
    if isinstance(node, ast.AnnAssign | ast.AugAssign):
        return _targets([node.target])
    is_constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return frozenset() if is_constant or isinstance(node, ast.Pass) else None


def _targets(targets: list[ast.expr]) -> frozenset[str] | None:
    names: set[str] = set()
    for target in targets:
        parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
        for part in parts:
            if not isinstance(part, ast.Name):
                return None
            names.add(part.id)
    return frozenset(names)


def _bound_in(body: list[ast.stmt]) -> frozenset[str] | None:
    """All the names bound by the statements under a condition."""
    names: set[str] = set()
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.If):
            inner = _bound_in(node.body + node.orelse)
            if inner is None:
                return None
            names |= inner
        else:
            bound = _binds(node)
            if bound is None:
                return None
            names |= bound
    return frozenset(names)


def moved_lines(old: Module, new: Module) -> dict[int, int]:
    """Where each line of an old version stands in the new one, for blocks that did not change."""
    new_lines: dict[int, int] = {}
    for key, block in old.blocks.items():
        if new.holds(block):
            new_lines.update(zip(block.lines, new.blocks[key].lines, strict=True))
    return new_lines
