"""Small files and folders for functions that look into a folder, as patches around a call.

A patch `file:NAME` holds the text of a file below the test's own folder.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, Dict, List, NamedTuple, Tuple

from .call import Patches
from .expressions import Expression

MAX_NAMES = 3
_WALKS = {"walk", "listdir", "scandir", "glob", "rglob", "iterdir", "isdir", "is_dir"}
_JOINS = {"join", "joinpath"}
_CONTENTS = {
    "gitignore": "*.log\n# build output\nbuild/\n",
    "json": '{"name": "demo", "version": "1.0"}\n',
    "toml": '[project]\nname = "demo"\n',
    "cfg": "[metadata]\nname = demo\n",
    "ini": "[metadata]\nname = demo\n",
    "yaml": "name: demo\nitems:\n  - one\n",
    "yml": "name: demo\nitems:\n  - one\n",
    "csv": "name,value\na,1\nb,2\n",
    "py": "print('hello')\n",
    "md": "# Notes\n\nHello.\n",
}
_NAME = "notes.txt"
_ANY = "first line\nsecond line\n"


class Looked(NamedTuple):
    """How a function looks at files.

    Attributes:
        folders: Parameter -> how the test's folder is handed over.
        files: The parameters that are asked whether they are a file.
        names: Of files that it expects there.
        walks: Whether it goes through what is there.
    """

    folders: Dict[str, Expression]
    files: List[str]
    names: List[str]
    walks: bool


def looked_at(tree: ast.AST, function: Any) -> Looked:
    """The parameters of a function that are folders, and what is expected in them.

    Args:
        tree: The module; functions of it that are called are looked into, too.
        function: The function in it.
    """
    own = [parameter.arg for parameter in [*function.args.args, *function.args.kwonlyargs]]
    folders: Dict[str, Expression] = {}
    names: Dict[str, None] = {}
    files: Dict[str, None] = {}
    walks = False
    for part in [function, *_callees(tree, function)]:
        for node in ast.walk(part):
            name = _expected_name(node)
            if name:
                names[name] = None
            if part is function and _opened(node) in own:
                files[_opened(node)] = None
            parameter, as_text = _folder(node)
            walks = walks or (bool(parameter) and name == "")
            if part is function and parameter in own:
                text = "str(tmp_path)" if as_text else "tmp_path"
                folders.setdefault(parameter, Expression(text))
    return Looked(folders, list(files), list(names)[:MAX_NAMES], walks)


def _callees(tree: ast.AST, function: Any) -> Iterator[Any]:
    called = {getattr(getattr(n, "func", None), "id", "") for n in ast.walk(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name in called and node is not function:
            yield node


def _folder(node: ast.AST) -> Tuple[str, bool]:
    """The name that a node uses as a folder, and whether as a text; empty for none."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        is_name = isinstance(getattr(node.right, "value", None), str)
        return (getattr(node.left, "id", "") if is_name else ""), False
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return _folder_of_method(node, node.func)
    return "", False


def _folder_of_method(node: ast.Call, method: ast.Attribute) -> Tuple[str, bool]:
    """The same of os.walk(folder) and folder.glob(...)."""
    if method.attr not in _WALKS | _JOINS:
        return "", False
    if ast.unparse(method.value) in ("os", "os.path"):
        return (getattr(node.args[0], "id", "") if node.args else ""), True
    owner = getattr(method.value, "id", "")
    return ("" if owner in ("os", "glob") or method.attr == "join" else owner), False


def _expected_name(node: ast.AST) -> str:
    """The name of a file that a node looks for in a folder; empty for none."""
    value: Any = None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        value = getattr(node.right, "value", None)
    elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in _JOINS and node.args:
        value = getattr(node.args[-1], "value", None)
    is_name = isinstance(value, str) and value.replace(".", "").replace("-", "").isidentifier()
    return value if is_name else ""


def file_choices(looked: Looked) -> Iterator[Tuple[Dict[str, Expression], Patches]]:
    """The folders and files to hand over, with what is put around the call: what is expected
    there, then one file to be found, nothing; then the same seen from within the folder.
    """
    expected = tuple(_file(name) for name in looked.names)
    found = (_file(_NAME),) if looked.walks else ()
    within = ("cwd", Expression("tmp_path"))
    for patches in dict.fromkeys([(*expected, *found), expected, found, ()]):
        if looked.folders:
            yield looked.folders, patches
    here = {name: Expression("'.'") for name in looked.folders}
    if looked.folders and (expected or found):
        yield here, (*expected, *found, within)
    if looked.files:
        named = {name: Expression(repr(_NAME)) for name in looked.files}
        yield {**here, **named}, (_file(_NAME), within)


def _opened(node: ast.AST) -> str:
    """The name that a node asks for being a file; empty for none."""
    if not isinstance(node, ast.Call) or not node.args:
        return ""
    called = ast.unparse(node.func)
    return getattr(node.args[0], "id", "") if called == "os.path.isfile" else ""


def _file(name: str) -> Tuple[str, Expression]:
    extension = name.rpartition(".")[2]
    return f"file:{name}", Expression(repr(_CONTENTS.get(extension, _ANY)))
