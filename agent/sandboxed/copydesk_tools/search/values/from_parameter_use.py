"""Values that a function asks for by what it does with a parameter: keys, attributes, classes."""

from __future__ import annotations

import ast
from typing import Any, Dict, List, Set

from .expressions import Expression
from .value_kinds import ATTRIBUTES, KNOWN_ATTRIBUTES, kinds_by_call, kinds_by_type

_VALUES = ("1", "'abc'", "0", "-1", "[1, 2]", "None", "True")
_CLASSES = ("str", "int", "object")
_LOOPS = (ast.For, ast.AsyncFor, ast.comprehension)


def from_use(function: ast.AST, name: str) -> List[Expression]:
    """Mappings and objects with exactly the keys and attributes the body asks for, and classes
    where it asks whether something is an instance of the parameter.

    Args:
        function: The function in the syntax tree.
        name: Of the parameter.
    """
    values: List[Expression] = []
    if _is_a_class(function, name):
        values += [Expression(text) for text in _CLASSES]
    values += _mappings(_keys(function, name))
    attributes = _attributes(function, name)
    if attributes and KNOWN_ATTRIBUTES.isdisjoint(attributes):
        values += _namespaces(attributes)
    return list(dict.fromkeys(values))


def _is_a_class(function: ast.AST, name: str) -> bool:
    """Whether the body asks for an instance or a subclass of the parameter."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        asks = getattr(node.func, "id", "") in ("isinstance", "issubclass")
        if asks and [getattr(argument, "id", "") for argument in node.args[1:]] == [name]:
            return True
    return False


def _keys(function: ast.AST, name: str) -> List[str]:
    """The text keys that the body asks the parameter for."""
    keys: Dict[str, None] = {}
    for node in ast.walk(function):
        key = _key(node, name)
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            keys[key.value] = None
    return list(keys)


def _key(node: ast.AST, name: str) -> ast.expr | None:
    """What a node asks a mapping of this name for, or None: m[key], m.get(key), key in m."""
    if isinstance(node, ast.Subscript):
        return node.slice if _is_name(node.value, name) else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        asks = node.func.attr in ("get", "pop") and _is_name(node.func.value, name)
        return node.args[0] if asks and node.args else None
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
        return node.left if _is_name(node.comparators[0], name) else None
    return None


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _attributes(function: ast.AST, name: str) -> Dict[str, bool]:
    """The attributes of the parameter that the body uses -> whether it calls them."""
    attributes: Dict[str, bool] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and _is_name(node.value, name):
            attributes.setdefault(node.attr, False)
        called = getattr(node, "func", None)
        if isinstance(called, ast.Attribute) and _is_name(called.value, name):
            attributes[called.attr] = True
    return attributes


def _mappings(keys: List[str]) -> List[Expression]:
    """Mappings with all of the keys, then with one of them each."""
    if not keys:
        return []
    texts = ["{" + ", ".join(f"{key!r}: {value}" for key in keys) + "}" for value in _VALUES]
    for key in keys:
        texts += ["{" + f"{key!r}: {value}" + "}" for value in _VALUES]
    return [Expression(text) for text in texts]


def _namespaces(attributes: Dict[str, bool]) -> List[Expression]:
    """Plain objects with these attributes, those that are called as functions of anything."""
    objects = []
    for value in _VALUES[:4]:
        texts = [
            f"{attribute}={'lambda *args: True' if is_called else value}"
            for attribute, is_called in attributes.items()
        ]
        text = f"SimpleNamespace({', '.join(texts)})"
        objects.append(Expression(text, (("SimpleNamespace", "types"),)))
    return objects


def kinds_by_use(function: ast.AST, name: str) -> List[str]:
    """What the body does with a parameter says what it may be."""
    kinds: List[str] = []
    for node in ast.walk(function):
        kinds += _kinds_by_node(node, name)
    return list(dict.fromkeys(kinds))


def _kinds_by_node(node: ast.AST, name: str) -> List[str]:
    if isinstance(node, ast.Attribute):
        return _kinds_by_attribute(node.attr) if _is_name(node.value, name) else []
    if isinstance(node, ast.Call):
        return kinds_by_call(node, name)
    if isinstance(node, ast.Compare):
        return kinds_by_type(node, name)
    if isinstance(node, _LOOPS):
        return _kinds_by_loop(node) if _is_name(node.iter, name) else []
    if isinstance(node, ast.BinOp) and (_is_name(node.left, name) or _is_name(node.right, name)):
        return _kinds_by_operator(node)
    return []


def _kinds_by_operator(node: ast.BinOp) -> List[str]:
    """What an operator says of one side by itself and by the other side."""
    other = [side.value for side in (node.left, node.right) if isinstance(side, ast.Constant)]
    if isinstance(node.op, ast.Add) and other and isinstance(other[0], str):
        return ["str"]
    formats = isinstance(node.op, ast.Mod) and other and isinstance(other[0], str)
    calculates = isinstance(node.op, (ast.Mod, ast.Div, ast.Sub)) and not formats
    return ["int", "float"] if calculates else []


def _kinds_by_attribute(attribute: str) -> List[str]:
    return [kind for kind, words in ATTRIBUTES if attribute in words.split()]


def _kinds_by_loop(node: Any) -> List[str]:
    is_lazy = isinstance(node, ast.AsyncFor) or getattr(node, "is_async", False)
    return ["stream"] if is_lazy else ["list", "str"]


def is_asked_for_its_type(function: ast.AST, name: str) -> bool:
    """Whether the body asks what a parameter is an instance of, or whether it can be called."""
    for node in ast.walk(function):
        if getattr(getattr(node, "func", None), "id", "") in ("isinstance", "callable"):
            arguments = getattr(node, "args", ())
            if name in [getattr(argument, "id", "") for argument in arguments]:
                return True
    return False


def raised_names(function: ast.AST) -> Set[str]:
    """The names of the exceptions that the body raises itself."""
    names = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Raise):
            names.add(getattr(getattr(node.exc, "func", node.exc), "id", ""))
    return names
