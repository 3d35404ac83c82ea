"""The public names of one module, from its syntax tree."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from copydesk.agent.sandboxed.copydesk_tools.source import is_bound, signature_of
from copydesk.agent.stories.public_api.options import Option, options_of
from copydesk.agent.stories.public_api.texts import first_sentence, shown_value

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_WARNINGS = ("DeprecationWarning", "PendingDeprecationWarning", "FutureWarning")


class Parameter(NamedTuple):
    """A parameter of a function, or a field of a dataclass or named tuple.

    default: As it is written; "…" where that is long; None where it has none.
    by_keyword: Whether it is given by its name alone.
    """

    name: str
    default: str | None
    by_keyword: bool = False


class PublicName(NamedTuple):
    """A public function, class or method.

    doc: The first line of its docstring. deprecated: whether calling it always warns, or its
        decorator or docstring says so. open_ended: whether it takes any keyword. final: whether
        all of its methods are seen here, not inherited.
    """

    name: str
    kind: str
    parameters: tuple[Parameter, ...] = ()
    doc: str = ""
    deprecated: bool = False
    open_ended: bool = False
    final: bool = True


class ModuleApi(NamedTuple):
    """What a module offers. `bound` are all names that its top level binds, imported ones too."""

    names: tuple[PublicName, ...]
    options: tuple[Option, ...]
    bound: tuple[str, ...]

    @classmethod
    def from_json(cls, data: Sequence[Any]) -> ModuleApi:
        """A module from its JSON: named tuples are lists there."""
        names, options, bound = data
        return cls(
            tuple(
                PublicName(name, kind, tuple(Parameter(*pair) for pair in parameters), *more)
                for name, kind, parameters, *more in names
            ),
            tuple(Option(*option) for option in options),
            tuple(bound),
        )


def read_module(source: str) -> ModuleApi | None:
    """What a module offers; None where it is no Python that this interpreter reads."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    exported = _exported(tree)
    names: dict[str, PublicName] = {}
    for node in _definitions(tree.body):
        if node.name in exported if exported is not None else not node.name.startswith("_"):
            names |= {public.name: public for public in _public_names(node)}
    return ModuleApi(tuple(names.values()), tuple(options_of(tree)), tuple(sorted(_bound(tree))))


def _exported(tree: ast.Module) -> set[str] | None:
    """The names of a literal `__all__`; None where there is none."""
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
                try:
                    return {str(name) for name in ast.literal_eval(node.value)}
                except (ValueError, TypeError):
                    return None
    return None


def _definitions(body: Sequence[ast.stmt]) -> Iterator[_Definition]:
    """The definitions of a body, those under if, try and with included."""
    for node in body:
        if isinstance(node, _Definition):
            yield node
        elif isinstance(node, ast.If | ast.Try | ast.With):
            for part in ("body", "handlers", "orelse", "finalbody"):
                yield from _definitions_in(getattr(node, part, []))


def _definitions_in(nodes: Sequence[ast.AST]) -> Iterator[_Definition]:
    for node in nodes:
        if isinstance(node, ast.ExceptHandler):
            yield from _definitions(node.body)
        elif isinstance(node, ast.stmt):
            yield from _definitions([node])


def _public_names(node: _Definition) -> Iterator[PublicName]:
    if isinstance(node, _FUNCTIONS):
        yield _function(node, "")
        return
    methods = {method.name: method for method in _definitions(node.body)}
    constructor = methods.get("__init__")
    if isinstance(constructor, _FUNCTIONS):
        parameters, open_ended = _parameters(constructor, node.name)
    else:
        parameters, open_ended = _fields(node), False
    yield PublicName(
        node.name,
        "class",
        parameters,
        _first_line(node),
        _is_deprecated(node),
        open_ended,
        final=_is_final(node),
    )
    for name, method in methods.items():
        if isinstance(method, _FUNCTIONS) and not name.startswith("_"):
            yield _function(method, node.name)


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, owner: str) -> PublicName:
    parameters, open_ended = _parameters(node, owner)
    name = f"{owner}.{node.name}" if owner else node.name
    kind = "method" if owner else "function"
    return PublicName(name, kind, parameters, _first_line(node), _is_deprecated(node), open_ended)


def _parameters(
    node: ast.FunctionDef | ast.AsyncFunctionDef, owner: str
) -> tuple[tuple[Parameter, ...], bool]:
    """The public parameters of a function, and whether it takes any keyword."""
    signature = signature_of(node, bound=is_bound(node, owner))
    keyword_names = {argument.arg for argument, _ in signature.by_keyword}
    named = [
        Parameter(argument.arg, _default(default), argument.arg in keyword_names)
        for argument, default in signature.named
        if not argument.arg.startswith("_")
    ]
    return tuple(named), signature.keywords is not None


def _default(node: ast.expr | None) -> str | None:
    if node is None:
        return None
    return shown_value(node)


def _fields(node: ast.ClassDef) -> tuple[Parameter, ...]:
    """The fields of a dataclass or a named tuple; none of another class."""
    decorators = {_last_word(decorator) for decorator in node.decorator_list}
    bases = {_last_word(base) for base in node.bases}
    if "dataclass" not in decorators and "NamedTuple" not in bases:
        return ()
    return tuple(
        Parameter(field.target.id, _default(field.value))
        for field in node.body
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and not field.target.id.startswith("_")
        and "ClassVar" not in ast.unparse(field.annotation)
    )


def _is_final(node: ast.ClassDef) -> bool:
    """Whether a class inherits no method that a reader would call."""
    return {_last_word(base) for base in node.bases} <= {"object", "Protocol", "ABC", "NamedTuple"}


def _first_line(node: _Definition) -> str:
    """The first sentence of a docstring, which may go on in its second line."""
    doc = inspect.cleandoc(ast.get_docstring(node, clean=False) or "")
    return first_sentence(doc)


def _is_deprecated(node: _Definition) -> bool:
    if any(_last_word(decorator) == "deprecated" for decorator in node.decorator_list):
        return True
    if ".. deprecated::" in (ast.get_docstring(node, clean=False) or ""):
        return True
    # a warning under an `if` may be about one parameter only
    return isinstance(node, _FUNCTIONS) and any(map(_warns, node.body))


def _warns(node: ast.stmt) -> bool:
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    values = [*node.value.args, *(keyword.value for keyword in node.value.keywords)]
    return _last_word(node.value) == "warn" and any(_last_word(v) in _WARNINGS for v in values)


def _last_word(node: ast.expr) -> str:
    """The last word of a name, an attribute, or what is called or subscripted."""
    while isinstance(node, ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return str(getattr(node, "attr", getattr(node, "id", "")))


def _bound(node: ast.AST) -> set[str]:
    """The names that the top level of a module binds."""
    names = set[str]()
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name.partition(".")[0] for alias in child.names}
        elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            names.add(child.id)
        elif isinstance(child, _Definition):
            names.add(child.name)
        else:
            names |= _bound(child)
    return names
