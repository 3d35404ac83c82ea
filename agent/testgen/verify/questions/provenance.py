"""Which objects of a draft the project has made."""

from __future__ import annotations

import ast

from copydesk.agent.testgen.verify.questions.draft import Draft

_DEEPEST = 6


def is_made_by_project(draft: Draft, node: ast.expr, depth: int = 0) -> bool:
    """Whether an object was made by the project, of nothing but texts that are spelled out: it is
    no text that the draft put together, and nothing of pytest's.
    """
    if depth > _DEEPEST:
        return False
    match node:
        case ast.Name():
            return _is_name_of_project(draft, node, depth)
        case ast.Attribute(ast.Name("self" | "cls"), attribute):
            return _are_all(draft, _stored(draft, attribute), depth)
        case ast.Attribute(value):
            return is_made_by_project(draft, value, depth + 1)
        case ast.Call(function, arguments, keywords):
            every = [*arguments, *(keyword.value for keyword in keywords)]
            plain = all(_is_plain(draft, value, depth) for value in every)
            return plain and is_made_by_project(draft, function, depth + 1)
    return False


def is_project_object(draft: Draft, node: ast.expr) -> bool:
    """Whether an expression is a class of the project or an object of one, by its capital: what
    an attribute of those gives is no code, and what that has is asked for once more.
    """
    match node:
        case ast.Name() if (bindings := draft.bindings.of(node)) is not None:
            return _are_objects(draft, [None if b.element else b.value for b in bindings])
        case ast.Name(name):
            return draft.resolver.of_project(name) and _is_class_name(name)
        case ast.Call(function):
            return is_project_object(draft, function)
        case ast.Attribute(ast.Name("self" | "cls"), attribute):
            return _are_objects(draft, _stored(draft, attribute))
        case ast.Attribute(ast.Name(module), attribute):
            return draft.resolver.of_project(module) and _is_class_name(attribute)
    return False


def _are_objects(draft: Draft, values: list[ast.expr | None]) -> bool:
    return bool(values) and all(
        isinstance(value, ast.Call) and is_project_object(draft, value) for value in values
    )


def _is_class_name(name: str) -> bool:
    return name[0].isupper() and not name.isupper()


def _is_plain(draft: Draft, value: ast.expr, depth: int) -> bool:
    return draft.texts(value) is not None or is_made_by_project(draft, value, depth + 1)


def _is_name_of_project(draft: Draft, node: ast.Name, depth: int) -> bool:
    bindings = draft.bindings.of(node)
    if bindings is None:
        return draft.resolver.of_project(node.id)
    values = [None if binding.element else binding.value for binding in bindings]
    return _are_all(draft, values, depth)


def _are_all(draft: Draft, values: list[ast.expr | None], depth: int) -> bool:
    return bool(values) and all(
        value is not None and is_made_by_project(draft, value, depth + 1) for value in values
    )


def is_left_to_others(draft: Draft, node: ast.expr) -> bool:
    """Whether an expression is self.name, which the draft nowhere sets: a fixture of the project
    or a class above does.
    """
    match node:
        case ast.Attribute(ast.Name("self" | "cls"), attribute):
            return not _stored(draft, attribute)
    return False


def _stored(draft: Draft, attribute: str) -> list[ast.expr | None]:
    """All values that a draft may give an attribute of that name; None for one that is not seen."""
    values: list[ast.expr | None] = []
    for node in draft.nodes:
        match node:
            case ast.Attribute(attr=name, ctx=ast.Store()) | ast.Name(name, ast.Store()):
                parent = draft.parent(node)
                whole = parent.value if isinstance(parent, ast.Assign) else None
                direct = isinstance(parent, ast.Assign) and node in parent.targets
                if name == attribute:
                    values.append(whole if direct else None)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                values += [None] if name == attribute else []
            case ast.Constant(value):
                values += [None] if value == attribute else []  # setattr, patch.object
    return values
