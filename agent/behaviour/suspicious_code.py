"""Whether changed code looks at what runs it, so that what it does here may not be what it does."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from copydesk.agent.sandboxed.copydesk_tools.source import functions
from copydesk.agent.source_text import decode_source

_MODULES = frozenset({"ctypes", "gc", "_posixsubprocess", "_testcapi", "marshal"})
_ATTRIBUTES = {
    "_getframe": "looks at its callers",
    "_current_frames": "looks at its callers",
    "currentframe": "looks at its callers",
    "getouterframes": "looks at its callers",
    "settrace": "watches what is executed",
    "gettrace": "watches what is executed",
    "setprofile": "watches what is executed",
    "getprofile": "watches what is executed",
    "addaudithook": "watches what is executed",
    "_exit": "ends its process",
    "__code__": "looks at code",
    "__closure__": "looks at code",
    "f_back": "looks at its callers",
    "tb_frame": "looks at its callers",
    "modules": "looks at what is imported",
    "ptrace": "looks at other processes",
    "__subclasses__": "looks at what is imported",
}
_WORDS = ("copydesk", "/proc/")


def why_not_judged(before: bytes, after: bytes, function: str) -> str:
    """What a changed module does that a comparison must not be trusted beside; "" for nothing.

    Such code can behave as it did before wherever it is compared, so it is never called the same.

    Args:
        before: The module at the parent.
        after: The module at the commit.
        function: The changed function in it: what that does counts even where it is nothing new;
            "" for none.
    """
    was, now = _parsed(before), _parsed(after)
    if now is None:
        return "cannot be read as Python"
    counted = Counter(_all_of(now))
    if was is not None:
        counted -= Counter(_all_of(was))
    for definition in functions(now):
        if definition.qualname == function:
            counted += Counter(_all_of(definition.node))
    return min(counted, default="")


def _parsed(source: bytes) -> ast.Module | None:
    try:
        return ast.parse(decode_source(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _all_of(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if why := _why(node):
            yield why


def _why(node: ast.AST) -> str:
    match node:
        case ast.Import(aliases):
            return _imports([alias.name for alias in aliases])
        case ast.ImportFrom(module, aliases):
            return _imports([module or ""]) or _imports_from(module or "", aliases)
        case ast.Attribute(owner, name):
            is_of_other = name == "modules" and getattr(owner, "id", "") != "sys"
            return "" if is_of_other else _ATTRIBUTES.get(name, "")
        case ast.Constant(str(text)) if "\n" not in text:
            return _speaks(text.lower())
    return ""


def _imports_from(module: str, aliases: list[ast.alias]) -> str:
    names = [alias.name for alias in aliases if module == "sys" or alias.name != "modules"]
    return next((_ATTRIBUTES[name] for name in names if name in _ATTRIBUTES), "")


def _speaks(text: str) -> str:
    word = next((word for word in _WORDS if word in text), "")
    return f"speaks of {word}" if word else ""


def _imports(names: list[str]) -> str:
    top = next((name for name in names if name.split(".")[0] in _MODULES), "")
    return f"imports {top}" if top else ""
