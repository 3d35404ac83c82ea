"""Which functions a commit changed, as the syntax trees of both of its ends tell it."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from copydesk.agent.records import LineNo
from copydesk.agent.sandboxed.copydesk_tools.source import Definition, functions
from copydesk.agent.source_text import decode_source

SAME_FUNCTION = 0.6
"""How alike two bodies are, of 1, from which one of them is the other under a new name."""
_Statement = tuple[str, LineNo]


@dataclass(frozen=True, slots=True)
class Version:
    """A function at one end of a commit.

    Attributes:
        path: Its file.
        function: Its qualified name.
        line: Where its definition begins.
        changed: The first lines of the statements in it that the other end does not have; as
            negative numbers those of lambdas in them, which count once they are called.
    """

    path: str
    function: str
    line: LineNo
    changed: tuple[LineNo, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangedFunction:
    """A function that a commit changed.

    Attributes:
        before: It at the parent; None for one that is new.
        after: It at the commit; None for one that is gone.
        why: What changed: "body", "signature", "decorator", "docstring", "moved", "renamed",
            "uses NAME" for what it uses and the commit changed.
    """

    before: Version | None
    after: Version | None
    why: tuple[str, ...]

    @property
    def name(self) -> str:
        """Path and function, at the commit where it is still there."""
        version = self.after or self.before
        assert version is not None
        return f"{version.path}::{version.function}"


@dataclass(frozen=True, slots=True)
class _Module:
    """A module at one end: its functions by name, and its names with what they are bound to."""

    path: str
    functions: Mapping[str, Definition] = field(default_factory=dict)
    bound: Mapping[str, str] = field(default_factory=dict)


def changed_functions(
    before: Mapping[str, bytes], after: Mapping[str, bytes]
) -> list[ChangedFunction]:
    """The functions that differ between two versions of some files.

    Those whose own code changed come first, then those that use what changed.

    Args:
        before: The changed Python files at the parent, by path.
        after: The same at the commit; a file that is new or gone stands on one side only.
    """
    old = {path: _module(path, source) for path, source in before.items()}
    new = {path: _module(path, source) for path, source in after.items()}
    changes: list[ChangedFunction] = []
    users: list[ChangedFunction] = []
    gone: list[tuple[_Module, Definition]] = []
    fresh: list[tuple[_Module, Definition]] = []
    for path in sorted({*old, *new}):
        was, now = old.get(path, _Module(path)), new.get(path, _Module(path))
        own = list(_changed_in_both(was, now))
        changes += own
        gone += _missing_from(now, was)
        fresh += _missing_from(was, now)
        users += _users(was, now, _changed_names(was, now, own))
    moved, gone, fresh = _moved(gone, fresh)
    added = [ChangedFunction(None, _version(m, d, ()), ("added",)) for m, d in fresh]
    removed = [ChangedFunction(_version(m, d, ()), None, ("removed",)) for m, d in gone]
    direct = [*changes, *moved]
    named = {change.name for change in direct}
    return [*direct, *(user for user in users if user.name not in named), *added, *removed]


def _missing_from(one: _Module, other: _Module) -> list[tuple[_Module, Definition]]:
    """The functions of one module version that another one lacks."""
    return [(other, d) for name, d in other.functions.items() if name not in one.functions]


def _module(path: str, source: bytes) -> _Module:
    """A module's functions and bound names; nothing of one that does not parse."""
    try:
        tree = ast.parse(decode_source(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _Module(path)
    by_name: dict[str, Definition] = {}
    for definition in functions(tree):
        by_name[definition.qualname + _accessor(definition.node)] = definition
    return _Module(path, by_name, _bound(tree))


def _accessor(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """What tells a property's setter from its getter."""
    words = {getattr(d, "attr", "") for d in node.decorator_list}
    return next((f"@{word}" for word in ("setter", "deleter") if word in words), "")


def _bound(tree: ast.Module) -> dict[str, str]:
    """The names that a module and its classes bind to values, with the code of the value."""
    bound: dict[str, str] = {}
    for owner, statement in _binding_statements(tree):
        value = getattr(statement, "value", None)
        if isinstance(statement, ast.Assign):
            targets: Sequence[ast.expr] = statement.targets
        elif isinstance(statement, ast.AnnAssign | ast.AugAssign):
            targets = [statement.target]
        else:
            continue
        for target in targets:
            for name in ast.walk(target):
                if isinstance(name, ast.Name) and value is not None:
                    word = f"{owner}.{name.id}" if owner else name.id
                    bound[word] = bound.get(word, "") + ast.dump(value)
    return bound


def _binding_statements(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef):
            yield from ((statement.name, inner) for inner in statement.body)
        elif isinstance(statement, ast.If | ast.Try):
            for inner in ast.walk(statement):
                if isinstance(inner, ast.stmt):
                    yield "", inner
        else:
            yield "", statement


# -- what changed in a function


def _changed_in_both(was: _Module, now: _Module) -> Iterator[ChangedFunction]:
    """The functions that both versions of a module have, with other code."""
    for name, new in now.functions.items():
        old = was.functions.get(name)
        if old is None:
            continue
        change = _compared(was, old, now, new)
        if change is not None:
            yield change


def _compared(
    was: _Module, old: Definition, now: _Module, new: Definition
) -> ChangedFunction | None:
    """What differs between two versions of a function; None for nothing but words and layout."""
    why = tuple(_reasons(old.node, new.node))
    if not why or why == ("docstring",):
        return None
    removed, added = _different_statements(old.node, new.node)
    return ChangedFunction(_version(was, old, removed), _version(now, new, added), why)


def _version(module: _Module, definition: Definition, changed: Iterable[LineNo]) -> Version:
    return Version(module.path, definition.qualname, definition.node.lineno, tuple(changed))


def _reasons(
    old: ast.FunctionDef | ast.AsyncFunctionDef, new: ast.FunctionDef | ast.AsyncFunctionDef
) -> Iterator[str]:
    if _code(old) != _code(new):
        yield "body"
    if _names_and_defaults(old) != _names_and_defaults(new):
        yield "signature"
    if list(map(ast.dump, old.decorator_list)) != list(map(ast.dump, new.decorator_list)):
        yield "decorator"
    if type(old) is not type(new):
        yield "async"
    if ast.get_docstring(old, clean=False) != ast.get_docstring(new, clean=False):
        yield "docstring"


def _names_and_defaults(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """The parameters without their annotations, which change nothing that happens."""
    arguments = node.args
    parts = [*arguments.posonlyargs, None, *arguments.args, arguments.vararg]
    parts += [None, *arguments.kwonlyargs, arguments.kwarg]
    names = [part.arg if part is not None else "/" for part in parts]
    defaults = [*arguments.defaults, *(d for d in arguments.kw_defaults if d is not None)]
    return " ".join([*names, *map(ast.dump, defaults)])


def _code(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    return [text for text, _ in _statements(node)]


def _statements(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[_Statement]:
    """The statements of a function in order, each by its own code without what stands in it."""
    return [(_header(statement, depth), line) for statement, line, depth in _walk(node, 0)]


def _walk(node: ast.AST, depth: int) -> Iterator[tuple[ast.AST, LineNo, int]]:
    for child in ast.iter_child_nodes(node):
        is_handler = isinstance(child, ast.ExceptHandler | ast.match_case)
        if isinstance(child, ast.stmt) and not _is_text(child):
            yield child, _first_line_run(child), depth
        elif isinstance(child, ast.ExceptHandler | ast.match_case):
            yield child, _first_line_run(child.body[0]), depth
        if isinstance(child, ast.stmt) or is_handler:
            yield from _walk(child, depth + 1)


def _first_line_run(statement: ast.stmt) -> LineNo:
    """The line by which it is known that a statement was run: `while True` itself is not."""
    if isinstance(statement, ast.While) and isinstance(statement.test, ast.Constant):
        return _first_line_run(statement.body[0])
    return statement.lineno


def _is_text(statement: ast.stmt) -> bool:
    """Whether a statement does nothing: a docstring, another constant, a declaration."""
    if isinstance(statement, ast.Global | ast.Nonlocal):
        return True
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _header(statement: ast.AST, depth: int) -> str:
    """The code of a statement itself, without the statements in it and without annotations."""
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        if statement.value is None:
            return f"{depth} pass"
        statement = ast.Assign([statement.target], statement.value)
    own = [f"{depth} {type(statement).__name__}"]
    for name, value in ast.iter_fields(statement):
        values = value if isinstance(value, list) else [value]
        nested = (ast.stmt, ast.ExceptHandler, ast.match_case)
        if values and isinstance(values[0], nested):
            own.append(f"{name}:")
        elif name not in ("returns", "type_comment", "annotation"):
            own += [ast.dump(v) if isinstance(v, ast.AST) else repr(v) for v in values]
    return " ".join(own)


def _different_statements(
    old: ast.FunctionDef | ast.AsyncFunctionDef, new: ast.FunctionDef | ast.AsyncFunctionDef
) -> tuple[list[LineNo], list[LineNo]]:
    """The first lines of the statements that stand in one version only; of the function's first
    statement where nothing but its head changed.
    """
    was, now = _statements(old), _statements(new)
    matcher = difflib.SequenceMatcher(None, [t for t, _ in was], [t for t, _ in now], False)
    removed: list[LineNo] = []
    added: list[LineNo] = []
    for tag, first, last, start, end in matcher.get_opcodes():
        if tag != "equal":
            removed += [line for _, line in was[first:last]]
            added += [line for _, line in now[start:end]]
    if not removed and not added:
        return [line for _, line in was[:1]], [line for _, line in now[:1]]
    return _with_lambdas(old, removed), _with_lambdas(new, added)


def _with_lambdas(node: ast.AST, changed: Iterable[LineNo]) -> list[LineNo]:
    """The changed lines and, as negative numbers, those of the lambdas in them."""
    lines = set(changed)
    for statement, line, _ in _walk(node, 0):
        if line not in lines:
            continue
        for part in _own_parts(statement):
            lines |= {-inner.lineno for inner in ast.walk(part) if isinstance(inner, ast.Lambda)}
    return sorted(lines, key=lambda line: (abs(line), line < 0))


def _own_parts(statement: ast.AST) -> Iterator[ast.AST]:
    """The parts of a statement, without the statements in it."""
    for _, value in ast.iter_fields(statement):
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, ast.AST) and not isinstance(part, ast.stmt | ast.ExceptHandler):
                yield part


# -- what was moved


_Place = tuple[_Module, Definition]


def _moved(
    gone: list[_Place], fresh: list[_Place]
) -> tuple[list[ChangedFunction], list[_Place], list[_Place]]:
    """Functions that are gone in one place and new in another, and those that are only one."""
    moved: list[ChangedFunction] = []
    left = list(fresh)
    remaining: list[_Place] = []
    for was, old in gone:
        best = max(left, key=lambda place: _likeness(old, place[1]), default=None)
        if best is None or _likeness(old, best[1]) < SAME_FUNCTION:
            remaining.append((was, old))
            continue
        left.remove(best)
        now, new = best
        removed, added = _different_statements(old.node, new.node)
        why = ("moved" if was.path != now.path else "renamed", *_reasons(old.node, new.node))
        before = _version(was, old, removed)
        moved.append(ChangedFunction(before, _version(now, new, added), why))
    return moved, remaining, left


def _likeness(old: Definition, new: Definition) -> float:
    was, now = _code(old.node), _code(new.node)
    if old.node.name != new.node.name and len(was) + len(now) < 4:
        return 0.0  # nothing but `pass` or one statement tells of no kinship
    same_name = 0.2 if old.node.name == new.node.name else 0.0
    return difflib.SequenceMatcher(None, was, now, False).ratio() + same_name


# -- what uses what changed


def _changed_names(
    was: _Module, now: _Module, changes: Iterable[ChangedFunction]
) -> dict[str, str]:
    """The names whose value or function changed in a module: the name by the word to look for."""
    names = {
        word.rpartition(".")[2]: word
        for word in {*was.bound, *now.bound}
        if was.bound.get(word) != now.bound.get(word)
    }
    for change in changes:
        if change.after is not None:
            names[change.after.function.rpartition(".")[2]] = change.after.function
    return names


def _users(was: _Module, now: _Module, names: Mapping[str, str]) -> Iterator[ChangedFunction]:
    """The functions of a module, unchanged themselves, that use what changed."""
    for qualname, new in now.functions.items():
        old = was.functions.get(qualname)
        if old is None:
            continue
        used = {names[word] for word in _names_in(new.node) & names.keys()} - {new.qualname}
        if used:
            lines = _lines_with(new.node, {word.rpartition(".")[2] for word in used})
            before = _lines_with(old.node, {word.rpartition(".")[2] for word in used})
            yield ChangedFunction(
                _version(was, old, before),
                _version(now, new, lines),
                tuple(f"uses {word}" for word in sorted(used)),
            )


def _names_in(node: ast.AST) -> set[str]:
    words = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            words.add(part.id)
        elif isinstance(part, ast.Attribute):
            words.add(part.attr)
    return words


def _lines_with(node: ast.FunctionDef | ast.AsyncFunctionDef, words: set[str]) -> list[LineNo]:
    """The first lines of the statements that name one of some words themselves."""
    lines = []
    for statement, line, _ in _walk(node, 0):
        if any(_names_in(part) & words for part in _own_parts(statement)):
            lines.append(line)
    return sorted(set(lines)) or [node.body[0].lineno]
