"""Classes of the project whose objects have what a function asks its parameter for."""

from __future__ import annotations

import ast
import inspect
import sys
import types
from collections.abc import Iterable
from typing import Any, Dict, List

MAX_CLASSES = 2
MAX_REFUSAL = 40
"""Bytes of the code of a function that only raises."""
_NO_METHODS = ("__init__", "__new__")


def classes_with(module: Any, attributes: Iterable[str]) -> List[type]:
    """The classes of a module's package that have all of some attributes, the nearest first.

    Args:
        module: The module; only modules of its package that are loaded are looked into.
        attributes: What is asked for.
    """
    used_attributes = set(attributes)
    fitting = [kind for kind in _classes(module) if used_attributes <= _members(kind)]
    here = module.__name__
    fitting.sort(key=lambda kind: (kind.__module__ != here, len(_members(kind)), kind.__name__))
    return fitting[:MAX_CLASSES] if used_attributes else []


def class_named(module: Any, name: str) -> type | None:
    """The class of a name in a module's package, where there is just one."""
    named = [kind for kind in _classes(module) if kind.__name__ == name]
    return named[0] if len(named) == 1 else None


def concrete_classes(kind: type) -> List[type]:
    """The classes that do what a class leaves to others, where it is one that is made for that.

    Returns:
        The first few that are loaded and leave nothing open; none where the class is whole itself.
    """
    if not _leaves_open(kind):
        return []
    waiting: List[type] = list(type.__subclasses__(kind))
    concrete: List[type] = []
    while waiting:
        other = waiting.pop(0)
        waiting += type.__subclasses__(other)
        if not _leaves_open(other) and not other.__name__.startswith("_"):
            concrete.append(other)
    concrete.sort(key=lambda one: (len(one.__mro__), one.__module__, one.__name__))
    return concrete[:MAX_CLASSES]


def _leaves_open(kind: type) -> bool:
    """Whether a class has abstract methods, or some that only raise NotImplementedError."""
    if getattr(kind, "__abstractmethods__", None):
        return True
    names = [name for name in dir(kind) if not name.startswith("__")]
    methods = [inspect.getattr_static(kind, name, None) for name in names]
    codes = [getattr(method, "__code__", None) for method in methods]
    return any(code is not None and _only_refuses(code) for code in codes)


def _only_refuses(code: types.CodeType) -> bool:
    """Whether the code of a function is `raise NotImplementedError` alone."""
    return code.co_names == ("NotImplementedError",) and len(code.co_code) < MAX_REFUSAL


def _classes(module: Any) -> List[type]:
    """The public classes of a package that can be imported by their names; no exceptions."""
    package = module.__name__.split(".")[0]
    every: Dict[type, None] = {}
    for name in sorted(sys.modules):
        if name.split(".")[0] != package:
            continue
        for kind in list(vars(sys.modules[name]).values()):
            if isinstance(kind, type) and kind.__module__ == name:
                every[kind] = None
    return [kind for kind in every if _is_plain(kind)]


def _is_plain(kind: type) -> bool:
    return not issubclass(kind, BaseException) and not kind.__name__.startswith("__")


def _members(kind: type) -> set[str]:
    """The names of a class, and of what its constructors give its objects."""
    names = set(dir(kind))
    for base in kind.__mro__[:-1]:
        names.update(getattr(base, "__annotations__", ()))
        for method in _NO_METHODS:
            code = getattr(vars(base).get(method), "__code__", None)
            if isinstance(code, types.CodeType):
                names.update(code.co_names)
    return names


def attributes_asked(function: ast.AST, name: str) -> List[str]:
    """The public attributes that a function asks a parameter for."""
    names: Dict[str, None] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == name:
            names[node.attr] = None
    return [attribute for attribute in names if not attribute.startswith("__")]
