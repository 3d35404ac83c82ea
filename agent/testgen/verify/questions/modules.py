"""What of a draft's expressions is a module or a part of one, and what may not be taken of it."""

from __future__ import annotations

import ast
import sys
from functools import lru_cache
from pathlib import Path

from copydesk.agent.testgen.verify.questions.bindings import (
    Bindings,
    imports_in,
    names_imported,
    package_of,
)
from copydesk.agent.testgen.verify.questions.library import (
    ALLOWED_LIBRARY,
    ALLOWED_OF,
    HARMLESS_DUNDERS,
    REFUSED_OF,
    REMOVED_LIBRARY,
)
from copydesk.agent.testgen.verify.questions.tables import LOOKING_MODULES, TEST_PACKAGES
from copydesk.agent.testgen.verify.questions.texts import Binding, TextEvaluator

LIBRARY = sys.stdlib_module_names | REMOVED_LIBRARY
"""The names of all modules of the standard library, of whatever Python."""

_IMPORTING_CALLS = frozenset({"import_module", "importorskip", "__import__"})
_DEEPEST = 12
_HERE = Path(ast.__file__).parent

Things = frozenset[str]
"""Dotted names of what an expression may be; empty where it is nothing that was imported."""

_NOTHING: Things = frozenset()


class ThingResolver:
    """Finds what of the imported things an expression of a draft stands for.

    Args:
        tree: The draft.
        bindings: What its names are bound to.
    """

    def __init__(self, tree: ast.Module, bindings: Bindings) -> None:
        self._imported = {
            name: {_real_name(full) for full in every}
            for name, every in names_imported(tree).items()
        }
        top = {id(statement) for statement in tree.body}
        self._inside = {name for name, node in imports_in(tree) if id(node) not in top}
        self._bindings = bindings
        self._open: list[int] = []
        self._found: dict[int, Things] = {}
        self.texts = TextEvaluator(bindings, self.of_project)

    @property
    def imports_pickle(self) -> bool:
        """Whether the draft imports pickle."""
        return any(
            "pickle" in name.split(".") for names in self._imported.values() for name in names
        )

    def of_project(self, name: str) -> bool:
        """Whether a name is imported from what is neither the standard library nor of tests."""
        packages = {package_of(full) for full in self._imported.get(name, ())}
        return bool(packages) and not packages & (LIBRARY | TEST_PACKAGES)

    def things(self, node: ast.expr) -> Things:
        """What an expression may be, of what was imported."""
        things = self._found.get(id(node))
        if things is None:
            things = self._things(node)
            if not self._open:  # else it may lack what is being found out
                self._found[id(node)] = things
        return things

    def _things(self, node: ast.expr) -> Things:
        match node:
            case ast.Name():
                return self._of_name(node)
            case ast.Attribute(value, attribute):
                owners = self.things(value)
                if not owners and attribute in ("os", "sys"):
                    return frozenset({attribute})  # of whatever has imported it
                return frozenset(part_of(owner, attribute) for owner in owners)
            case ast.Call():
                return self._of_call(node)
            case ast.NamedExpr(_, value) | ast.Subscript(value) | ast.Starred(value):
                return self._held(value) if isinstance(node, ast.Subscript) else self.things(value)
            case ast.IfExp(_, left, right):
                return self.things(left) | self.things(right)
            case ast.BoolOp(_, values):
                return _NOTHING.union(*map(self.things, values))
        return _NOTHING

    def _held(self, node: ast.expr) -> Things:
        """What a container that is spelled out holds."""
        match node:
            case ast.List(values) | ast.Tuple(values) | ast.Set(values) | ast.Dict(_, values):
                return _NOTHING.union(*(self.things(v) | self._held(v) for v in values))
            case ast.Name():
                bindings = self._bindings.of(node) or []
                return self._followed(bindings, whole=False)
        return _NOTHING

    def _of_name(self, node: ast.Name) -> Things:
        imported = frozenset(self._imported.get(node.id, ()))
        if imported and node.id not in self._inside and self._bindings.is_local(node):
            imported = _NOTHING
        return imported | self._followed(self._bindings.of(node) or [], whole=True)

    def _followed(self, bindings: list[Binding], *, whole: bool) -> Things:
        if not bindings or id(bindings[0]) in self._open or len(self._open) > _DEEPEST:
            return _NOTHING
        self._open.append(id(bindings[0]))
        try:
            every = [self._of_binding(binding, whole) for binding in bindings]
        finally:
            self._open.pop()
        return _NOTHING.union(*every)

    def _of_binding(self, binding: Binding, whole: bool) -> Things:
        if binding.value is None:
            return _NOTHING
        direct = whole and not binding.element
        return self.things(binding.value) if direct else self._held(binding.value)

    def _of_call(self, node: ast.Call) -> Things:
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name in _IMPORTING_CALLS and node.args:
            modules = self.texts.texts(node.args[0]) or _NOTHING
            return frozenset(map(package_of, modules)) if name == "__import__" else modules
        if name == "getattr" and len(node.args) > 1:
            attributes = self.texts.texts(node.args[1]) or _NOTHING
            owners = self.things(node.args[0])
            return frozenset(part_of(owner, part) for owner in owners for part in attributes)
        if name == "reload" and node.args:
            return self.things(node.args[0])
        return _NOTHING


def part_of(owner: str, attribute: str) -> str:
    """The dotted name of a part of a thing; a module that another one has imported is itself."""
    full = f"{owner}.{attribute}"
    if is_library_module(owner):
        bare = attribute.lstrip("_")
        foreign = attribute if attribute in LIBRARY else bare
        if foreign in LIBRARY and foreign != owner and not is_library_module(full):
            return foreign
        return full
    if package_of(owner) not in LIBRARY and attribute in LOOKING_MODULES:
        return attribute
    return full


def _real_name(dotted: str) -> str:
    """The dotted name of what an import gives; see part_of."""
    thing, *parts = dotted.split(".")
    for part in parts if thing else ():
        thing = part_of(thing, part)
    return thing or dotted


@lru_cache(maxsize=4096)
def is_library_module(dotted: str) -> bool:
    """Whether a dotted name is a module of the standard library (of the Python that this is)."""
    package, _, rest = dotted.partition(".")
    if package not in LIBRARY:
        return False
    if not rest:
        return True
    if dotted in ALLOWED_OF or dotted in REFUSED_OF or dotted in ("os.path", "xml.etree"):
        return True
    place = _HERE.joinpath(*dotted.split("."))
    return place.with_suffix(".py").is_file() or (place / "__init__.py").is_file()


def refused_part(owner: str, attribute: str) -> bool:
    """Whether a part of an imported thing is one that a draft is asked about.

    A module that a module of the standard library has imported is one more import of it. What
    begins with an underscore there is nobody's to use.
    """
    if owner in ALLOWED_OF:
        return attribute not in ALLOWED_OF[owner] | HARMLESS_DUNDERS
    if attribute in REFUSED_OF.get(owner, ()):
        return True
    if not is_library_module(owner):
        return package_of(owner) in TEST_PACKAGES and attribute.startswith("_importer")
    if attribute.startswith("_"):
        return attribute not in HARMLESS_DUNDERS
    if attribute not in LIBRARY or attribute == owner.rpartition(".")[2]:
        return False
    own = is_library_module(f"{owner}.{attribute}")
    return not own and attribute not in ALLOWED_LIBRARY and attribute not in ALLOWED_OF
