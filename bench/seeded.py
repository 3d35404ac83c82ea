"""Seeded changes of functions: single faults, and rewrites that keep what a function does."""

from __future__ import annotations

import ast
import copy
import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from copydesk.agent.sandboxed.copydesk_tools.source import Definition, functions
from copydesk.agent.sandboxed.copydesk_tools.source.mutation_operators import (
    Edit,
    edits_of,
    negated_condition,
    swapped_assignment,
)


class Seeded(NamedTuple):
    """A changed module: what was done to which function, and the module's text."""

    function: str
    what: str
    source: str


Transform = Callable[[ast.Module, Definition], Iterator[str]]


def faults(source: str, seed: int) -> list[Seeded]:
    """Every single fault that can be put into a module's functions, in a seeded order.

    Operators, constants, boundaries (a comparison's equality), swapped arguments and dropped
    branches.
    """
    found: list[Seeded] = []
    for index, definition in enumerate(functions(ast.parse(source))):
        if len(definition.owners) > 1:
            continue
        count = len(list(_fault_edits(definition.node)))
        for number in range(count):
            tree = ast.parse(source)
            same = list(functions(tree))[index]
            edit = list(_fault_edits(same.node))[number]
            kind = edit.kind or type(edit.node).__name__
            setattr(edit.node, edit.field, edit.value)
            text = ast.unparse(ast.fix_missing_locations(tree))
            found.append(Seeded(definition.qualname, kind, text))
    random.Random(seed).shuffle(found)
    return found


def _fault_edits(function: ast.AST) -> Iterator[Edit]:
    silent = {
        id(part)
        for node in ast.walk(function)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for part in ast.walk(node)
    }
    for statement in getattr(function, "body", ()):
        for node in ast.walk(statement):
            if id(node) in silent or isinstance(node, ast.JoinedStr):
                continue
            yield from edits_of(node)
            yield from _statement_edits(node)


def _statement_edits(node: ast.AST) -> Iterator[Edit]:
    if isinstance(node, ast.If | ast.While):
        yield from negated_condition(node)
    if isinstance(node, ast.AugAssign):
        yield from swapped_assignment(node)
    if isinstance(node, ast.Call) and _has_two_arguments(node):
        swapped = [node.args[1], node.args[0], *node.args[2:]]
        yield Edit(node, "args", swapped, "swapped arguments")
    if isinstance(node, ast.If):
        yield Edit(node, "body", [ast.Pass()], "dropped branch")


def _has_two_arguments(call: ast.Call) -> bool:
    """Whether its first two arguments are others than each other, and written out."""
    first, second, *_ = [*call.args, None, None]
    if first is None or second is None:
        return False
    is_starred = isinstance(first, ast.Starred) or isinstance(second, ast.Starred)
    return not is_starred and ast.dump(first) != ast.dump(second)


# -- rewrites that keep what a function does


def rewrites(source: str, seed: int) -> list[Seeded]:
    """Every rewrite of a module's functions that keeps what they do, in a seeded order."""
    found: list[Seeded] = []
    for index, definition in enumerate(functions(ast.parse(source))):
        if len(definition.owners) > 1 or _is_unusual(definition.node):
            continue
        for what, rewrite in REWRITES.items():
            tree = ast.parse(source)
            same = list(functions(tree))[index]
            before = ast.dump(tree)
            if rewrite(tree, same) and ast.dump(tree) != before:
                text = ast.unparse(ast.fix_missing_locations(tree))
                found.append(Seeded(definition.qualname, what, text))
    random.Random(seed).shuffle(found)
    return found


def _is_unusual(function: ast.AST) -> bool:
    """Whether it holds scopes of its own, or asks for names at run time."""
    for node in ast.walk(function):
        if node is not function and isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
        ):
            return True
        if isinstance(node, ast.Global | ast.Nonlocal | ast.NamedExpr):
            return True
        if getattr(node, "id", "") in ("locals", "vars", "eval", "exec", "super", "dir"):
            return True
    return False


def _locals(function: Any) -> list[str]:
    arguments = {argument.arg for argument in ast.walk(function) if isinstance(argument, ast.arg)}
    names = [
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    return [name for name in dict.fromkeys(names) if name not in arguments]


def _rename_locals(_tree: ast.Module, definition: Definition) -> bool:
    names = _locals(definition.node)
    handled = {n.name for n in ast.walk(definition.node) if isinstance(n, ast.ExceptHandler)}
    imported = {
        alias.asname or alias.name.partition(".")[0]
        for n in ast.walk(definition.node)
        if isinstance(n, ast.Import | ast.ImportFrom)
        for alias in n.names
    }
    new = {name: f"{name}_again" for name in names if name not in handled | imported}
    for node in ast.walk(definition.node):
        if isinstance(node, ast.Name) and node.id in new:
            node.id = new[node.id]
    return bool(new)


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for part in ast.walk(node):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(part, field, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                yield block


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _is_plain_assignment(statement: ast.stmt) -> bool:
    """Whether a statement binds one name to a constant, an empty container or another name."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return False
    value = statement.value
    empty = isinstance(value, ast.List | ast.Tuple | ast.Dict | ast.Set) and not any(
        ast.iter_child_nodes(value)
    )
    is_plain = isinstance(value, ast.Constant) or empty
    is_plain = is_plain or (isinstance(value, ast.List) and not value.elts)
    return isinstance(statement.targets[0], ast.Name) and is_plain


def _reorder(_tree: ast.Module, definition: Definition) -> bool:
    for block in _blocks(definition.node):
        for index in range(len(block) - 1):
            one, other = block[index], block[index + 1]
            plain = _is_plain_assignment(one) and isinstance(other, ast.Assign)
            if plain and not _names(one) & _names(other) and not _may_leave(other):
                block[index], block[index + 1] = other, one
                return True
    return False


def _may_leave(statement: ast.stmt) -> bool:
    return any(isinstance(n, ast.Yield | ast.YieldFrom | ast.Await) for n in ast.walk(statement))


def _extract_helper(tree: ast.Module, definition: Definition) -> bool:
    """`return expression` becomes the call of a new function of the module."""
    function = definition.node
    if definition.owners and any("__" in n.attr for n in ast.walk(function)
                                 if isinstance(n, ast.Attribute)):  # fmt: skip
        return False
    own = {*_locals(function), *(a.arg for a in ast.walk(function) if isinstance(a, ast.arg))}
    for node in ast.walk(function):
        if not isinstance(node, ast.Return) or node.value is None or _is_simple(node.value):
            continue
        inner = [n for n in ast.walk(node.value) if isinstance(n, ast.comprehension)]
        if inner or _may_leave(ast.Expr(node.value)):
            continue
        names = sorted(_names(node.value) & own)
        helper = ast.parse(f"def _extracted({', '.join(names)}): pass").body[0]
        assert isinstance(helper, ast.FunctionDef)
        helper.body = [ast.Return(node.value)]
        node.value = ast.parse(f"_extracted({', '.join(names)})", mode="eval").body
        tree.body.append(helper)
        return not isinstance(function, ast.AsyncFunctionDef)
    return False


def _is_simple(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant | ast.Name)


def _comprehension_to_loop(_tree: ast.Module, definition: Definition) -> bool:
    for block in _blocks(definition.node):
        for index, statement in enumerate(block):
            value = getattr(statement, "value", None)
            if not isinstance(statement, ast.Return | ast.Assign):
                continue
            if not isinstance(value, ast.ListComp) or len(value.generators) != 1:
                continue
            (generator,) = value.generators
            if generator.is_async or any(isinstance(n, ast.ListComp | ast.GeneratorExp)
                                         for n in ast.walk(value.elt)):  # fmt: skip
                continue
            block[index : index + 1] = _loop(statement, value, generator)
            return True
    return False


def _loop(statement: Any, value: ast.ListComp, generator: ast.comprehension) -> list[ast.stmt]:
    """The loop that a list comprehension stands for, with names of its own."""
    targets = {n.id for n in ast.walk(generator.target) if isinstance(n, ast.Name)}
    for part in (generator.target, value.elt, *generator.ifs):
        for node in ast.walk(part):
            if isinstance(node, ast.Name) and node.id in targets:
                node.id = f"each_{node.id}"
    body = ast.parse("collected_items.append(0)").body[0]
    body.value.args = [value.elt]  # type: ignore[attr-defined]
    inside: list[ast.stmt] = [body]
    for condition in reversed(generator.ifs):
        inside = [ast.If(condition, inside, [])]
    statement.value = ast.Name("collected_items", ast.Load())
    start = ast.parse("collected_items = []").body[0]
    return [start, ast.For(generator.target, generator.iter, inside, []), statement]


def _loop_to_comprehension(_tree: ast.Module, definition: Definition) -> bool:
    for block in _blocks(definition.node):
        for index in range(len(block) - 1):
            start, loop = block[index], block[index + 1]
            if not _is_plain_assignment(start) or not isinstance(loop, ast.For) or loop.orelse:
                continue
            name = start.targets[0].id  # type: ignore[attr-defined]
            item = _appended(loop, name)
            if item is None or name in _names(item) | _names(loop.iter):
                continue
            if not isinstance(start.value, ast.List):  # type: ignore[attr-defined]
                continue
            later = {n for s in block[index + 2 :] for n in _names(s)} & _names(loop.target)
            if later:
                continue
            generator = ast.comprehension(loop.target, loop.iter, [], 0)
            start.value = ast.ListComp(item, [generator])  # type: ignore[attr-defined]
            del block[index + 1]
            return True
    return False


def _appended(loop: ast.For, name: str) -> ast.expr | None:
    """What a loop of one statement appends to a list."""
    if len(loop.body) != 1 or not isinstance(loop.body[0], ast.Expr):
        return None
    call = loop.body[0].value
    if not isinstance(call, ast.Call) or len(call.args) != 1:
        return None
    is_append = isinstance(call.func, ast.Attribute) and call.func.attr == "append"
    is_ours = is_append and getattr(call.func.value, "id", "") == name  # type: ignore[attr-defined]
    leaves = any(isinstance(n, ast.Await | ast.Yield) for n in ast.walk(call))
    return call.args[0] if is_ours and not leaves else None


class _Formats(ast.NodeTransformer):
    """f-strings as calls of format."""

    changed = False

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """One f-string."""
        template, values = "", list[ast.expr]()
        for part in node.values:
            if isinstance(part, ast.Constant):
                template += str(part.value).replace("{", "{{").replace("}", "}}")
                continue
            assert isinstance(part, ast.FormattedValue)
            spec = _plain_spec(part.format_spec)
            if spec is None:
                return node
            conversion = "" if part.conversion == -1 else f"!{chr(part.conversion)}"
            template += "{" + conversion + (f":{spec}" if spec else "") + "}"
            values.append(part.value)
        self.changed = True
        function = ast.Attribute(ast.Constant(template), "format", ast.Load())
        return ast.Call(function, values, [])


def _plain_spec(spec: Any) -> str | None:
    if spec is None:
        return ""
    parts = spec.values
    if any(not isinstance(part, ast.Constant) for part in parts):
        return None
    text = "".join(str(part.value) for part in parts)
    return None if "{" in text or "}" in text else text


def _format_strings(_tree: ast.Module, definition: Definition) -> bool:
    transform = _Formats()
    definition.node.body = [transform.visit(copy.deepcopy(s)) for s in definition.node.body]
    return transform.changed


def _invert_condition(_tree: ast.Module, definition: Definition) -> bool:
    """`if a: b else: c` becomes `if not a: c else: b`."""
    for node in ast.walk(definition.node):
        if isinstance(node, ast.If) and node.orelse:
            node.test = ast.UnaryOp(ast.Not(), node.test)
            node.body, node.orelse = node.orelse, node.body
            return True
    return False


def _name_result(_tree: ast.Module, definition: Definition) -> bool:
    """`return expression` by way of a local name."""
    for block in _blocks(definition.node):
        last = block[-1]
        if isinstance(last, ast.Return) and last.value is not None and not _is_simple(last.value):
            start = ast.parse("result_of_it = 0").body[0]
            start.value = last.value  # type: ignore[attr-defined]
            last.value = ast.Name("result_of_it", ast.Load())
            block.insert(len(block) - 1, start)
            return True
    return False


REWRITES: dict[str, Callable[[ast.Module, Definition], bool]] = {
    "renamed locals": _rename_locals,
    "reordered statements": _reorder,
    "extracted helper": _extract_helper,
    "comprehension to loop": _comprehension_to_loop,
    "loop to comprehension": _loop_to_comprehension,
    "f-string to format": _format_strings,
    "inverted condition": _invert_condition,
    "named result": _name_result,
}
