"""The programs that a draft starts.

Nobody listens to what a child process does, so one is started without a question only where all
that it runs is known: a module of the project, or a line of Python that imports nothing else, by
this interpreter, in an environment and a folder in which it finds no other modules.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Sequence, Set

from copydesk.agent.testgen.verify.questions.bindings import package_of
from copydesk.agent.testgen.verify.questions.draft import Draft, last_name
from copydesk.agent.testgen.verify.questions.modules import LIBRARY
from copydesk.agent.testgen.verify.questions.tables import BUILT_IN, INSIDES, TEST_PACKAGES

_RUN_A_PROGRAM = frozenset({"run", "check_output", "check_call", "call", "Popen"})
_HARMLESS = frozenset(
    {"PIPE", "DEVNULL", "STDOUT", "CalledProcessError", "TimeoutExpired", "CompletedProcess"}
    | {"SubprocessError"}
)
_UNSAFE_KEYWORDS = frozenset({"shell", "executable", "preexec_fn", "pass_fds", None})
_HARMLESS_PROGRAMS = frozenset({"true", "false", "echo", "sleep", "uname", "pwd", "whoami", "arch"})
"""Programs that read no file that they are told."""
_TAKES_MODULES = frozenset({"setattr", "delattr", "object", "isinstance", "multiple", "spy"})
_MODULES_OF_A_CHILD = frozenset({"sys", "json", "warnings", "time"})
_FILES = frozenset({"open", "read_text", "read_bytes", "iterdir", "glob", "rglob", "walk", "path"})
_OF_TESTS = re.compile(r"(?:^|\.)(?:tests?|conftest|test_\w+|\w+_test)(?:\.|$)")
_HARMLESS_VARIABLES = frozenset(
    {"PYTHONIOENCODING", "PYTHONUTF8", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
    | {"PYTHONWARNINGS"}
)
_HARMLESS_OPTIONS = frozenset({"-W", "-X", "-b", "-bb", "-B", "-u", "-E", "-s", "-I", "-O", "-OO"})
_IMPORTED_FILES = (".py", ".pth", ".so", ".pyc", ".zip", ".egg")


def only_starts_known_programs(draft: Draft) -> bool:
    """Whether subprocess is used for nothing but to start what is known, or to be replaced."""
    if draft.starts_known is None:
        draft.starts_known = True  # while it is found out
        draft.starts_known = all(_is_harmless(draft, node) for node in draft.nodes)
    return draft.starts_known


def _is_harmless(draft: Draft, node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom) and node.module == "subprocess":
        return {alias.name for alias in node.names} <= _HARMLESS | _RUN_A_PROGRAM
    if not isinstance(node, ast.Name | ast.Attribute) or not isinstance(node.ctx, ast.Load):
        return True
    for thing in draft.things(node):
        owner, _, part = thing.partition(".")
        if owner == "subprocess" and not _is_harmless_use(draft, node, part):
            return False
    return True


def _is_harmless_use(draft: Draft, node: ast.expr, part: str) -> bool:
    parent = draft.parent(node)
    if not part:
        if isinstance(parent, ast.Attribute):
            return True
        return isinstance(parent, ast.Call) and last_name(parent.func) in _TAKES_MODULES
    name = part.partition(".")[0]
    if name in _HARMLESS:
        return True
    if isinstance(parent, ast.keyword):
        return parent.arg in ("spec", "spec_set")
    called = isinstance(parent, ast.Call) and parent.func is node
    return called and name in _RUN_A_PROGRAM and _starts_what_is_known(draft, parent)


def _starts_what_is_known(draft: Draft, call: ast.AST) -> bool:
    """Whether a call is run([sys.executable, "-m", "the.project", ...]) or one of its kin."""
    assert isinstance(call, ast.Call)
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    if keywords.keys() & _UNSAFE_KEYWORDS:
        return False
    if _starts_a_harmless_program(draft, call, keywords.keys()):
        return True
    return _starts_this_python(draft, call, keywords.keys())


def _starts_this_python(draft: Draft, call: ast.Call, keywords: Set[str | None]) -> bool:
    words = _without_options(_words(draft, call))
    if len(words) < 3 or draft.things(words[0]) != {"sys.executable"}:
        return False
    if not _finds_no_other_modules(draft, keywords):
        return False
    options, named = draft.texts(words[1]), draft.texts(words[2]) or {""}
    if options == frozenset({"-m"}):
        return all(_is_module_of_project(draft, module) for module in named)
    return options == frozenset({"-c"}) and all(_is_harmless_code(draft, code) for code in named)


def _starts_a_harmless_program(draft: Draft, call: ast.Call, keywords: Set[str | None]) -> bool:
    """Whether a call starts a program of the system that reads no files of the project's."""
    words = [draft.texts(word) for word in _words(draft, call)]
    if not words or None in words or "env" in keywords or draft.changes_path:
        return False
    lines = itertools.product(*(sorted(word or ()) for word in words))
    return all(_is_harmless_line(line) for line in lines)


def _is_harmless_line(words: Sequence[str]) -> bool:
    folder, _, name = words[0].rpartition("/")
    if folder not in ("", "/bin", "/usr/bin"):
        return False
    if name == "ls":
        return all(word.startswith(("-", "/bin", "/usr/bin")) for word in words[1:])
    return name in _HARMLESS_PROGRAMS or (name == "date" and words[1:] in ((), ("-u",)))


def _without_options(words: list[ast.expr]) -> list[ast.expr]:
    """The words without options of Python that change nothing of what it finds."""
    rest = words[1:]
    while rest and isinstance(rest[0], ast.Constant) and rest[0].value in _HARMLESS_OPTIONS:
        rest = rest[2:] if rest[0].value in ("-W", "-X") else rest[1:]
    return [*words[:1], *rest]


def _words(draft: Draft, call: ast.Call) -> list[ast.expr]:
    """The words of a command line that is spelled out, there or under a name."""
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    command = call.args[0] if call.args else named.get("args")
    if isinstance(command, ast.Name):
        bindings = draft.bindings.of(command) or []
        single = bindings[0] if len(bindings) == 1 else None
        changed = draft.bindings.may_change(command.id, besides=call)
        command = single.value if single and not single.element and not changed else None
    return command.elts if isinstance(command, ast.List | ast.Tuple) else []


def _is_module_of_project(draft: Draft, module: str) -> bool:
    package = package_of(module)
    if package in LIBRARY | TEST_PACKAGES or _OF_TESTS.search(module):
        return False
    return draft.is_known(package)


def _is_harmless_code(draft: Draft, code: str) -> bool:
    """Whether a line of Python runs the project and looks at nothing."""
    try:
        tree = ast.parse(code.strip())
    except (SyntaxError, ValueError):
        return True  # nothing runs
    return bool(code) and all(_is_harmless_part(draft, node) for node in ast.walk(tree))


def _is_harmless_part(draft: Draft, node: ast.AST) -> bool:
    match node:
        case ast.Import(aliases):
            return all(_may_import(draft, alias.name) for alias in aliases)
        case ast.ImportFrom(module, level=0) if module is not None:
            return _may_import(draft, module)
        case ast.ImportFrom():
            return False
        case ast.Name(name):
            return name not in BUILT_IN | _FILES | {"getattr", "setattr"}
        case ast.Attribute(attr=name):
            return name not in INSIDES | _FILES | {"modules"} and not name.startswith("_")
    return True


def _may_import(draft: Draft, module: str) -> bool:
    return module in _MODULES_OF_A_CHILD or _is_module_of_project(draft, module)


# -- what a child would find


def _finds_no_other_modules(draft: Draft, keywords: Set[str | None]) -> bool:
    """Whether the variables and the folder of a child leave its modules as they are."""
    if ("env" in keywords or _changes_variables(draft)) and not _variables_are_known(draft):
        return False
    return not ("cwd" in keywords or _changes_folder(draft)) or _writes_no_modules(draft)


def _changes_variables(draft: Draft) -> bool:
    return not draft.attributes.keys().isdisjoint({"setenv", "environ", "putenv"})


def _changes_folder(draft: Draft) -> bool:
    return "chdir" in draft.attributes


def _variables_are_known(draft: Draft) -> bool:
    """Whether every variable that may be set has a name that says nothing to Python."""
    for key in _keys(draft):
        names = draft.texts(key)
        if names is None:
            return False
        for name in names:
            if name.startswith("PYTHON") and name not in _HARMLESS_VARIABLES:
                return False
    return True


def _keys(draft: Draft) -> Iterator[ast.expr]:
    for node in draft.nodes:
        match node:
            case ast.Dict(keys):
                yield from (key for key in keys if key is not None)
            case ast.Subscript(slice=key, ctx=ast.Store()):
                yield key
            case ast.Call(func=function, args=[key, *_]) if last_name(function) == "setenv":
                yield key
            case ast.Call(keywords=keywords):
                yield from (ast.Constant(k.arg) for k in keywords if k.arg and k.arg.isupper())


def _writes_no_modules(draft: Draft) -> bool:
    """Whether no file that the draft writes could be imported in its place."""
    for node in draft.nodes:
        for name in _file_names(node):
            names = draft.texts(name)
            if names is None or any(word.endswith(_IMPORTED_FILES) for word in names):
                return False
    return True


def _file_names(node: ast.AST) -> Iterator[ast.expr]:
    match node:
        case ast.BinOp(_, ast.Div(), name):
            yield name
        case ast.Call(func=function, args=names) if last_name(function) == "joinpath":
            yield from names
        case ast.Call(func=ast.Name("open"), args=[ast.BinOp() | ast.JoinedStr() as name, *_]):
            yield name
        case ast.Constant(str(text)) if text.endswith(_IMPORTED_FILES):
            assert isinstance(node, ast.Constant)
            yield node
