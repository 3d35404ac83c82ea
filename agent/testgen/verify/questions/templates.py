"""Templates, which take attributes of what they are filled with."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator

from copydesk.agent.testgen.verify.questions.draft import Draft, last_name
from copydesk.agent.testgen.verify.questions.provenance import is_left_to_others, is_made_by_project
from copydesk.agent.testgen.verify.questions.tables import INSIDES, LOOKING_MODULES, LOOKING_NAMES

MADE_UP = "fills a template that is made up"


def check_formats(draft: Draft, node: ast.AST) -> Iterator[str]:
    """text.format(...): the text is spelled out, or what fills it are texts and numbers."""
    match node:
        case ast.Call(ast.Attribute(ast.Name("str"), "format" | "format_map"), [template, *rest]):
            filling = [*rest, *(keyword.value for keyword in node.keywords)]
            listens = False
        case ast.Call(ast.Attribute(template, "format" | "format_map"), arguments, keywords):
            filling = [*arguments, *(keyword.value for keyword in keywords)]
            listens = draft.is_listened_to(node)
        case _:
            return
    if (
        not listens
        and _is_made_up(draft, template)
        and any(draft.texts(value) is None for value in filling)
    ):
        yield MADE_UP
    for text in draft.spelled(template):
        for name in _fields(text):
            if name in INSIDES | LOOKING_NAMES | LOOKING_MODULES:
                yield f"touches {name}"


def _is_made_up(draft: Draft, template: ast.expr) -> bool:
    """Whether a template may be a text of the draft's that is not spelled out."""
    if draft.texts(template) is not None:
        return False
    return not (is_made_by_project(draft, template) or is_left_to_others(draft, template))


def check_formats_handed_on(draft: Draft, node: ast.AST) -> Iterator[str]:
    """str.format itself, for others to call, or that of a text the draft put together."""
    match node:
        case ast.Attribute(ast.Name("str"), "format" | "format_map"):
            template: ast.expr | None = None
        case ast.Attribute(ast.Name() | ast.BinOp() | ast.JoinedStr() as template, "format"):
            pass
        case _:
            return
    parent = draft.parent(node)
    if isinstance(parent, ast.Call) and parent.func is node:
        return
    if template is None or _is_put_together(draft, template):
        yield MADE_UP


def check_formats_of_logs(draft: Draft, node: ast.AST) -> Iterator[str]:
    """A format of logging that is filled as str.format fills it, of the draft's own making."""
    if not isinstance(node, ast.Call) or last_name(node.func) not in ("Formatter", "basicConfig"):
        return
    style = {keyword.arg: keyword.value for keyword in node.keywords}.get("style")
    style = style or (node.args[2] if len(node.args) > 2 else None)
    if style is not None and draft.texts(style) != frozenset({"%"}):
        yield MADE_UP


def _is_put_together(draft: Draft, template: ast.expr) -> bool:
    """Whether a text is made of parts, in a way that is not followed."""
    if draft.texts(template) is not None:
        return False
    if not isinstance(template, ast.Name):
        return True
    bindings = draft.bindings.of(template) or []
    values = [binding.value for binding in bindings if binding.value is not None]
    return any(not isinstance(value, ast.Call) for value in values)


def _fields(text: str) -> Iterator[str]:
    try:
        for _, field, spec, _ in string.Formatter().parse(text):
            for part in (field or "").replace("[", ".").split("."):
                yield part.rstrip("]")
            if spec and "{" in spec:
                yield from _fields(spec)
    except ValueError:
        return
