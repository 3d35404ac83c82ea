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


def _is_plain(draft: Draft, value: ast.expr, depth: int) -> bool:
    return draft.texts(value) is not None or is_made_by_project(draft, value, depth + 1)


def _is_name_of_project(draft: Draft, node: ast.Name, depth: int) -> bool:
    bindings = draft.bindings.of(node)
    if bindings is None:
        return draft.resolver.of_project(node.id)
    values = [b.value for b in bindings if b.value is not None and not b.element]
    return len(values) == len(bindings) and _are_all(draft, values, depth)


def _are_all(draft: Draft, values: list[ast.expr], depth: int) -> bool:
    return bool(values) and all(is_made_by_project(draft, value, depth + 1) for value in values)


def _stored(draft: Draft, attribute: str) -> list[ast.expr]:
    """All values that a draft gives an attribute of that name."""
    return [
        node.value
        for node in draft.nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Attribute) and target.attr == attribute
    ]
