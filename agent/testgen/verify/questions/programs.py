"""The programs that a draft starts."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable

from copydesk.agent.testgen.verify.questions.bindings import package_of
from copydesk.agent.testgen.verify.questions.tables import (
    HARMLESS_OF_SUBPROCESS,
    RUN_A_PROGRAM,
    TEST_PACKAGES,
    UNSAFE_KEYWORDS,
)

Known = Callable[[str], bool]
"""Whether a package outside of the standard library is the project's own, or used by it."""


def only_starts_a_module(tree: ast.Module, is_known: Known) -> bool:
    """Whether subprocess is used for one thing only: to run a module of the project with this
    interpreter, as tests of a project's own command do.
    """
    mentions = 0
    attributes: list[ast.Attribute] = []
    starts: list[ast.expr] = []
    for node in ast.walk(tree):
        if _names_subprocess_otherwise(node):
            return False
        if getattr(node, "id", "") == "subprocess":
            mentions += 1
        elif isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "subprocess":
            attributes.append(node)
        elif isinstance(node, ast.Call) and _starts_a_module(node, is_known):
            starts.append(node.func)
    if mentions != len(attributes):
        return False
    return all(node in starts or node.attr in HARMLESS_OF_SUBPROCESS for node in attributes)


def _names_subprocess_otherwise(node: ast.AST) -> bool:
    """Whether a node imports subprocess, or of it, under another name."""
    if isinstance(node, ast.ImportFrom):
        return node.module == "subprocess"
    return isinstance(node, ast.alias) and node.name == "subprocess" and bool(node.asname)


def _starts_a_module(call: ast.Call, is_known: Known) -> bool:
    """Whether a call is run([sys.executable, "-m", "the.project", ...]) or one of its kin."""
    if getattr(call.func, "attr", "") not in RUN_A_PROGRAM:
        return False
    words = call.args[0].elts if call.args and isinstance(call.args[0], ast.List) else []
    if [ast.unparse(word) for word in words[:2]] != ["sys.executable", "'-m'"]:
        return False
    keywords = {keyword.arg for keyword in call.keywords}
    if len(words) < 3 or keywords & UNSAFE_KEYWORDS:
        return False
    module = words[2].value if isinstance(words[2], ast.Constant) else None
    if not isinstance(module, str):
        return False
    package = package_of(module)
    return package not in sys.stdlib_module_names | TEST_PACKAGES and is_known(package)
