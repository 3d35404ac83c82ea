"""Modules that a draft imports, by a statement or by a name."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from copydesk.agent.sandboxed.copydesk_tools.verify.checked_values import is_checked_import
from copydesk.agent.testgen.verify.questions.bindings import package_of
from copydesk.agent.testgen.verify.questions.draft import Draft, last_name
from copydesk.agent.testgen.verify.questions.library import (
    ALLOWED_LIBRARY,
    ALLOWED_OF,
    HARMLESS_PACKAGES,
    NOT_HERE,
    REFUSED_OF,
)
from copydesk.agent.testgen.verify.questions.modules import LIBRARY, refused_part
from copydesk.agent.testgen.verify.questions.programs import only_starts_known_programs
from copydesk.agent.testgen.verify.questions.tables import (
    INSIDES,
    LOOKING_NAMES,
    STRING_IMPORTS,
    TEST_PACKAGES,
    WATCHED_PACKAGES,
)

_ALSO_HONEST = frozenset({"getter", "load_module", "get_source", "in_dict"})
"""Names that functions of a project have, too."""
_NAMES_OF_FIXTURES = frozenset(name for name in ALLOWED_OF if name.startswith("_pytest."))
"""Modules that are imported for the classes of pytest's fixtures, to annotate with."""
_MADE_UP = "imports a module whose name is made up"


def check_imports(draft: Draft, node: ast.AST) -> Iterator[str]:
    """Import statements."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if not is_only_patched(draft, alias.name):
                yield from _imported(draft, alias.name)
    elif isinstance(node, ast.ImportFrom) and not node.level:
        module = node.module or ""
        if module not in _NAMES_OF_FIXTURES:
            yield from _imported(draft, module)
        for alias in node.names:
            yield from _imported_from(module, alias.name)


def check_imports_by_name(draft: Draft, node: ast.AST) -> Iterator[str]:
    """Calls that import a module or find something by a dotted name."""
    if not isinstance(node, ast.Call) or not node.args:
        return
    name = last_name(node.func)
    if name not in ("import_module", "importorskip", "__import__", *STRING_IMPORTS):
        return
    words = draft.texts(node.args[0])
    if words is None and is_checked_import(node) and draft.is_listened_to(node):
        return
    if words is None:
        yield _MADE_UP
        return
    for word in sorted(draft.spelled(node.args[0])):
        yield from question_of_dotted(draft, word.replace(":", "."))


def check_patches(draft: Draft, node: ast.AST) -> Iterator[str]:
    """What is patched by a dotted name is imported by it."""
    if not isinstance(node, ast.Call) or not node.args:
        return
    name = last_name(node.func)
    if name == "patch" or (name in ("setattr", "delattr") and _is_dotted_patch(node)):
        for word in sorted(draft.spelled(node.args[0])):
            if "." in word:
                yield from question_of_dotted(draft, word, patched=True)


def question_of_name(draft: Draft, module: str) -> Iterator[str]:
    """What to ask about a module whose name was made up: one of the project's need not be asked
    about, what becomes of one of Python's is not followed.
    """
    package = package_of(module)
    if package in LIBRARY | WATCHED_PACKAGES | TEST_PACKAGES:
        yield _MADE_UP
    elif package:
        yield from question_of_dotted(draft, module)


def question_of_dotted(draft: Draft, dotted: str, *, patched: bool = False) -> Iterator[str]:
    """What to ask about a dotted name: as when it is imported and each part is taken.

    Args:
        draft: The draft.
        dotted: "package.module.attribute"; nothing is asked about a relative one, or another text.
        patched: The last part is replaced, not taken.
    """
    package, *parts = dotted.split(".")
    if not all(part.isidentifier() for part in (package, *parts)):
        return
    if not patched or package not in ("subprocess", "builtins"):
        yield from _imported(draft, package)
    owner = package
    for part in parts[:-1] if patched else parts:
        if refused_part(owner, part) or part in INSIDES | LOOKING_NAMES:
            yield f"imports {owner}.{part}"
        owner = f"{owner}.{part}"


def _imported(draft: Draft, module: str) -> Iterator[str]:
    package = package_of(module)
    if package == "subprocess" and only_starts_known_programs(draft):
        return
    if package in WATCHED_PACKAGES:
        yield f"imports {module}"
    elif package in NOT_HERE:
        return
    elif package in LIBRARY:
        yield from _of_library(module)
    elif package not in TEST_PACKAGES:
        if package not in HARMLESS_PACKAGES and not draft.is_known(package):
            yield f"imports {module}, which the project does not use"
    else:
        yield from _parts(module)


def _of_library(module: str) -> Iterator[str]:
    package = package_of(module)
    if package not in ALLOWED_LIBRARY and package not in ALLOWED_OF:
        yield f"imports {module}"
    else:
        yield from _parts(module)


def _parts(module: str) -> Iterator[str]:
    """What to ask about the parts of a.b.c, where a may be imported."""
    owner, *parts = module.split(".")
    for part in parts:
        if refused_part(owner, part):
            yield f"imports {owner}.{part}"
            return
        owner = f"{owner}.{part}"


def _imported_from(module: str, name: str) -> Iterator[str]:
    if name == "*":
        if module in ALLOWED_OF or module in REFUSED_OF:
            yield f"imports everything of {module}"
    elif refused_part(module, name) or name in INSIDES | (LOOKING_NAMES - _ALSO_HONEST):
        yield f"imports {module}.{name}"


def is_only_patched(draft: Draft, module: str) -> bool:
    """Whether nothing is done with a module but replacing a part of it, or asking whether it is
    there.
    """
    uses = draft.uses_of(module)
    return bool(uses) and all(_is_patched(draft, node) for node in uses or ())


def _is_patched(draft: Draft, node: ast.expr) -> bool:
    match draft.parent(node):
        case ast.Compare(_, [ast.Is() | ast.IsNot()], [ast.Constant(None)]):
            return True
        case ast.Call(ast.Attribute(attr="object" | "setattr"), [first, name, *_], keywords):
            spelled = draft.texts(name) or frozenset()
            plain = {keyword.arg for keyword in keywords} <= {"autospec", "return_value", "create"}
            return first is node and bool(spelled) and plain
    return False


def _is_dotted_patch(node: ast.Call) -> bool:
    """Whether a call is monkeypatch.setattr("a.b", ...), which names its object by a text."""
    return isinstance(node.func, ast.Attribute) and isinstance(node.args[0], ast.Constant)
