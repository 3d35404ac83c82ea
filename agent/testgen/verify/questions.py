"""What in a draft needs a human's yes before it is run.

A draft may use the project, what the project uses, pytest and its fixtures, and the parts of the
standard library that tests are made of. What could look at the code under test instead of running
it, or reach into the processes that decide, is asked about by name: code objects, frames, source
files, other interpreters, the import system, pytest's insides, names that are made up at run time.

The words are strict on purpose: a false question costs one keystroke, and one is asked of few
honest tests (`python bench/questions.py` measures how many).
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator, Set
from pathlib import PurePosixPath

_ALLOWED_LIBRARY = frozenset(
    {"__future__", "_thread", "abc", "argparse", "array", "asyncio", "base64", "binascii"}
    | {"bisect", "bz2", "calendar", "cmath", "codecs", "collections", "colorsys", "concurrent"}
    | {"configparser", "contextlib", "contextvars", "copy", "csv", "dataclasses", "datetime"}
    | {"decimal", "difflib", "doctest", "email", "encodings", "enum", "errno", "filecmp"}
    | {"fileinput", "fnmatch", "fractions", "ftplib", "functools", "getpass", "gettext", "glob"}
    | {"graphlib", "gzip", "hashlib", "heapq", "hmac", "html", "http", "imaplib", "io"}
    | {"ipaddress", "itertools", "json", "keyword", "locale", "logging", "lzma", "math"}
    | {"mimetypes", "multiprocessing", "netrc", "ntpath", "numbers", "operator", "os", "pathlib"}
    | {"pickle", "platform", "plistlib", "poplib", "posixpath", "pprint", "queue", "quopri"}
    | {"random", "re", "reprlib", "resource", "sched", "secrets", "select", "selectors", "shelve"}
    | {"shlex", "shutil", "signal", "smtplib", "socket", "socketserver", "sqlite3", "ssl", "stat"}
    | {"statistics", "string", "stringprep", "struct", "sys", "sysconfig", "tarfile", "tempfile"}
    | {"textwrap", "threading", "time", "timeit", "tomllib", "types", "typing", "unicodedata"}
    | {"unittest", "urllib", "uuid", "warnings", "wave", "weakref", "wsgiref", "xml", "xmlrpc"}
    | {"zipfile", "zlib", "zoneinfo"}
)
"""Of the standard library: what works on values, files, clocks, threads and sockets."""

_ALLOWED_OF: dict[str, frozenset[str]] = {
    "gc": frozenset({"collect", "enable", "disable", "isenabled"}),
    "ast": frozenset({"literal_eval"}),
    "importlib": frozenset({"reload", "metadata", "import_module"}),
    "importlib.metadata": frozenset({"version", "PackageNotFoundError", "requires"}),
    "inspect": frozenset(
        {"signature", "Parameter", "Signature", "isclass", "isfunction", "ismethod", "getdoc"}
        | {"iscoroutine", "iscoroutinefunction", "isawaitable", "isgenerator", "cleandoc"}
        | {"isgeneratorfunction", "isasyncgen", "isasyncgenfunction", "isabstract", "isbuiltin"}
    ),
}
"""Of modules that look inside, the few names that look at no code."""

_WATCHED_PACKAGES = frozenset(
    {"_pytest", "pluggy", "coverage", "copydesk_tools", "copydesk_probe", "psutil", "cffi"}
    | {"dill", "cloudpickle", "bytecode", "objgraph", "pympler", "asttokens", "executing"}
    | {"stack_data", "varname", "pyrasite", "xdist", "pytest_cov", "setproctitle", "prctl"}
)
"""Other packages that look into code, processes or pytest, whether the project has them or not."""

_TEST_PACKAGES = frozenset(
    {"pytest", "mock", "hypothesis", "freezegun", "time_machine", "responses", "respx", "faker"}
    | {"pytest_mock", "parameterized", "testfixtures", "pyfakefs", "httpretty", "requests_mock"}
    | {"factory", "anyio", "trio", "numpy", "pandas"}
)
"""Packages that tests are written with."""

_INSIDES = frozenset(
    {"__code__", "__globals__", "__builtins__", "__closure__", "__subclasses__", "__self__"}
    | {"__getattribute__", "__loader__", "__spec__", "__import__", "__reduce_ex__", "__func__"}
    | {"__kwdefaults__", "__firstlineno__", "__static_attributes__", "__cached__", "__traceback__"}
    | {"tb_frame", "tb_next", "tb_lineno", "tb_lasti", "f_back", "f_code", "f_globals", "f_locals"}
    | {"f_builtins", "f_lineno", "f_trace", "gi_frame", "gi_code", "cr_frame", "cr_code"}
    | {"ag_frame", "ag_code", "co_code", "co_consts", "co_filename", "co_names", "co_lines"}
    | {"co_firstlineno", "co_positions", "cell_contents"}
)
"""Attributes of any object that lead to code or frames."""

_OF_MODULES: dict[str, frozenset[str]] = {
    "os": frozenset(
        {"_exit", "abort", "system", "popen", "kill", "killpg", "getppid", "setsid", "ptrace"}
        | {"fork", "forkpty", "register_at_fork", "posix_spawn", "posix_spawnp", "startfile"}
        | {"execl", "execle", "execlp", "execlpe", "execv", "execve", "execvp", "execvpe"}
        | {"spawnl", "spawnle", "spawnlp", "spawnv", "spawnve", "spawnvp", "spawnvpe"}
        | {"pidfd_open", "wait", "waitpid", "wait3", "wait4", "dup2", "closerange", "times"}
        | {"memfd_create", "sys", "abc", "setns", "unshare"}
    ),
    "sys": frozenset(
        {"modules", "_getframe", "_current_frames", "_getframemodulename", "settrace", "gettrace"}
        | {"setprofile", "getprofile", "meta_path", "path_hooks", "path_importer_cache"}
        | {"addaudithook", "audit", "monitoring", "orig_argv", "excepthook", "exc_info"}
        | {"_current_exceptions", "breakpointhook", "activate_stack_trampoline"}
        | {"unraisablehook", "displayhook", "_xoptions", "last_traceback"}
        | {"setswitchinterval", "remote_exec", "call_tracing"}
    ),
    "types": frozenset(
        {"CodeType", "FunctionType", "LambdaType", "FrameType", "TracebackType", "CellType"}
        | {"BuiltinFunctionType", "MethodType"}
    ),
    "unittest": frozenset({"TextTestRunner", "TestLoader", "loader", "runner", "result"}),
    "threading": frozenset({"settrace", "setprofile", "gettrace", "excepthook", "_active"}),
    "multiprocessing": frozenset({"current_process", "parent_process", "active_children"}),
    "warnings": frozenset({"linecache", "sys", "_showwarnmsg", "formatwarning"}),
    "logging": frozenset({"traceback", "sys", "os", "currentframe", "_srcfile", "weakref"}),
    "functools": frozenset({"GenericAlias", "recursive_repr"}),
    "pickle": frozenset({"Unpickler", "_Unpickler", "sys", "whichmodule", "_getattribute"}),
    "pytest": frozenset(
        {"main", "console_main", "hookimpl", "hookspec", "register_assert_rewrite", "Config"}
        | {"Session", "Item", "Function", "Module", "Collector", "File", "Class", "Package"}
        | {"Pytester", "PytestPluginManager", "TestReport", "CallInfo", "HookRecorder", "Stash"}
        | {"RunResult", "CollectReport", "ExitCode", "exit", "__dict__", "Dir", "Directory"}
        | {"Metafunc", "Parser", "TerminalReporter", "cmdline", "freeze_includes"}
    ),
}
"""Of modules that are allowed, what is not."""

_BUILT_IN = frozenset(
    {"eval", "exec", "compile", "__import__", "__builtins__", "globals", "locals", "vars"}
    | {"breakpoint", "__loader__", "__spec__", "__cached__"}
)
_BY_NAME = frozenset({"getattr", "setattr", "delattr"})
_PYTEST_INSIDES = frozenset(
    {"pluginmanager", "_pyfuncitem", "_fixturemanager", "_request", "hook", "stash", "_excinfo"}
    | {"getrepr", "_outcome", "_testMethodName", "ihook", "listchain", "invocation_params"}
)
_FIXTURES = frozenset({"pytester", "testdir", "pytestconfig", "cov", "no_cover", "worker_id"})
_ENVIRONMENT = ("COPYDESK_", "PYTHONHASHSEED", "PYTEST_CURRENT")
_TALKS_OF_INSIDES = re.compile(
    r"__(?:" + "|".join(sorted(name[2:-2] for name in _INSIDES if name.startswith("__"))) + r")__"
    r"|/proc/|\bco_code\b|\bf_globals\b|\bf_locals\b|\btb_frame\b|\bgi_frame\b"
)
_SPELLED_OUT = frozenset({"sys.modules", "_exit", "settrace", "setprofile", "_getframe"})
_RUN_A_PROGRAM = frozenset({"run", "check_output", "check_call", "call", "Popen"})
_HARMLESS_OF_SUBPROCESS = frozenset(
    {"PIPE", "DEVNULL", "STDOUT", "CalledProcessError", "TimeoutExpired", "CompletedProcess"}
)
_UNSAFE_KEYWORDS = frozenset({"shell", "executable", "preexec_fn", "pass_fds", None})
_LONGEST_LITERAL_TO_UNPICKLE = 8

_NO_TEXTS = frozenset({"pytest", "float", "int", "str", "bool", "complex", "list", "dict", "tuple"})

Known = Callable[[str], bool]


def questions(tree: ast.Module, target: str, is_known: Known) -> list[str]:
    """What a human has to allow by name.

    Args:
        tree: The draft.
        target: The path of the file under test.
        is_known: Whether a package outside of the standard library is the project's own or one
            that it uses.

    Returns:
        In words, sorted and without doubles; empty for most honest tests.
    """
    finder = _Finder(tree, target, is_known)
    finder.visit(tree)
    return sorted(finder.found)


class _Finder(ast.NodeVisitor):
    """Walks a draft and collects what to ask about."""

    def __init__(self, tree: ast.Module, target: str, is_known: Known) -> None:
        self.found: set[str] = set()
        self.target = PurePosixPath(target)
        self.is_known = is_known
        self.modules = _imported_as(tree)
        self.starts_project_only = _only_starts_a_module(tree, is_known)
        self.unpickles = any(name == "pickle" for name in self.modules.values())
        self.literal = _names_of_literals(tree)

    def ask(self, words: str) -> None:
        self.found.add(words)

    # -- imports

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name not in _ALLOWED_OF:  # what is taken of those is looked at
                self.imported(alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.level:
            return
        module = node.module or ""
        if module in _ALLOWED_OF:
            for alias in node.names:
                if alias.name not in _ALLOWED_OF[module]:
                    self.ask(f"imports {module}.{alias.name}")
            return
        self.imported(module)
        refused = _OF_MODULES.get(module, frozenset())
        for alias in node.names:
            if alias.name in refused or alias.name in _INSIDES:
                self.ask(f"imports {module}.{alias.name}")
            elif alias.name == "*" and refused:
                self.ask(f"imports everything of {module}")

    def imported(self, module: str) -> None:
        package = _package(module)
        if package == "subprocess" and self.starts_project_only:
            return
        if package in _WATCHED_PACKAGES:
            self.ask(f"imports {module}")
        elif package in sys.stdlib_module_names:
            if package not in _ALLOWED_LIBRARY:
                self.ask(f"imports {module}")
        elif package not in _TEST_PACKAGES and not self.is_known(package):
            self.ask(f"imports {module}, which the project does not use")

    # -- names and attributes

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in _BUILT_IN:
            self.ask(f"uses {node.id}")
        elif node.id in _BY_NAME or self.modules.get(node.id) in _ALLOWED_OF:
            self.ask(f"hands {node.id} on")
        elif node.id == "pytest_plugins":
            self.ask("loads plugins")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        module = self.module_of(node.value)
        if node.attr in _INSIDES:
            self.ask(f"touches {node.attr}")
        elif node.attr in _OF_MODULES.get(module, ()):
            self.ask(f"touches {module}.{node.attr}")
        elif node.attr in _PYTEST_INSIDES:
            self.ask(f"touches {node.attr} of pytest")
        elif node.attr == "__file__" or (node.attr == "__dict__" and module):
            self.ask(f"touches {node.attr} of a module")
        elif node.attr == "traceback" and not module:
            self.ask("touches a traceback")
        elif module in _ALLOWED_OF and node.attr not in _ALLOWED_OF[module]:
            self.ask(f"touches {module}.{node.attr}")
        if module not in _ALLOWED_OF:
            self.visit(node.value)

    def module_of(self, node: ast.expr) -> str:
        """The module that an expression names, or ""."""
        if isinstance(node, ast.Name):
            return self.modules.get(node.id, "")
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            outer = self.modules.get(node.value.id, "")
            full = f"{outer}.{node.attr}"
            return full if full in _ALLOWED_OF else ""
        return ""

    # -- calls

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in _BY_NAME:
            self.by_name(node, name)
        else:
            self.visit(node.func)
        if getattr(node.func, "attr", name) in ("attrgetter", "methodcaller"):
            self.by_name(node, "attrgetter", position=0)
        if getattr(node.func, "attr", name) == "import_module":
            self.import_module(node)
        if self.unpickles and getattr(node.func, "attr", name) in ("load", "loads"):
            self.unpickled(node)
        for argument in node.args:
            self.visit(argument)
        for keyword in node.keywords:
            self.visit(keyword.value)

    def by_name(self, node: ast.Call, name: str, position: int = 1) -> None:
        """An attribute that is named by a value: the value has to be a literal."""
        words = node.args[position : position + 1] if position else node.args
        if any(isinstance(word, ast.Starred) for word in node.args):
            self.ask(f"uses {name} with a name that is made up")
        for word in words:
            if not _is_text(word) and getattr(word, "id", "") not in self.literal:
                self.ask(f"uses {name} with a name that is made up")

    def import_module(self, node: ast.Call) -> None:
        """A module that is imported by its name: as in an import statement."""
        for word in node.args[:1]:
            if isinstance(word, ast.Constant) and isinstance(word.value, str):
                if not word.value.startswith("."):
                    self.imported(word.value)
            else:
                self.ask("imports a module whose name is made up")

    def unpickled(self, node: ast.Call) -> None:
        for word in node.args[:1]:
            if isinstance(word, ast.Constant):
                self.ask("unpickles a literal")

    # -- definitions and literals

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.defined(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.defined(node)

    def defined(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
            if argument.arg in _FIXTURES:
                self.ask(f"uses the fixture {argument.arg}")
        if node.name.startswith("pytest_"):
            self.ask(f"defines the hook {node.name}")
        elif node.name in ("find_class", "persistent_load"):
            self.ask(f"defines {node.name}")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bytes):
            whole = len(node.value) > _LONGEST_LITERAL_TO_UNPICKLE and node.value.endswith(b".")
            if self.unpickles and whole:
                self.ask("unpickles a literal")
            text = node.value.decode("latin-1")
        elif isinstance(node.value, str):
            text = node.value
        else:
            return
        self.said(text)

    def said(self, text: str) -> None:
        """A text of the draft."""
        match = _TALKS_OF_INSIDES.search(text)
        if match:
            self.ask(f"names {match.group()}")
        elif text in _SPELLED_OUT or text in _BUILT_IN:
            self.ask(f"names {text}")
        elif text.startswith(_ENVIRONMENT) and text.isupper():
            self.ask(f"names the variable {text}")
        elif _is_file(text, self.target):
            self.ask(f"names {text}, the source that it tests")


def _imported_as(tree: ast.Module) -> dict[str, str]:
    """What module each name of a draft stands for, wherever it is imported."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname:
                    names[alias.asname] = alias.name
                else:
                    names[_package(alias.name)] = _package(alias.name)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                if full in _ALLOWED_OF or full in _OF_MODULES:
                    names[alias.asname or alias.name] = full
    return names


def _is_text(word: ast.expr) -> bool:
    """Whether an expression is a literal text: what it says is looked at as any other."""
    return isinstance(word, ast.Constant) and isinstance(word.value, str)


def _names_of_literals(tree: ast.Module) -> set[str]:
    """The names in a draft that stand for nothing but literals: by assignment, as the variable of
    a loop over them, or as a parameter of a test.
    """
    good: set[str] = set()
    bad: set[str] = set()
    for name, values in _bindings(tree):
        (good if _holds_literals(values, good - bad) else bad).add(name)
    return good - bad


def _bindings(tree: ast.Module) -> Iterator[tuple[str, ast.expr | None]]:
    """The names that are bound in a draft and to what; None for what is not known."""
    parametrized: set[str] = set()
    for node in ast.walk(tree):
        for name, value in _bound_by(node):
            if isinstance(node, ast.Call):
                parametrized.add(name)
            yield name, value
    for node in ast.walk(tree):
        if isinstance(node, ast.arguments):
            for argument in [*node.posonlyargs, *node.args, *node.kwonlyargs]:
                if argument.arg not in parametrized:
                    yield argument.arg, None


def _bound_by(node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    match node:
        case ast.Call(ast.Attribute(attr="parametrize"), [ast.Constant(str(names)), values, *_]):
            yield from ((name.strip(), values) for name in names.split(","))
        case ast.Assign(targets, value):
            for target in targets:
                yield from _bound(target, value)
        case ast.For(target, values) | ast.comprehension(target, values):
            yield from _bound(target, values)
        case ast.AugAssign(target) | ast.AnnAssign(target) | ast.NamedExpr(target):
            yield from _bound(target, None)
        case ast.withitem(_, ast.expr() as target):
            yield from _bound(target, None)


def _bound(target: ast.expr, value: ast.expr | None) -> Iterator[tuple[str, ast.expr | None]]:
    for node in ast.walk(target):
        if isinstance(node, ast.Name):
            yield node.id, value


def _holds_literals(value: ast.expr | None, literal: Set[str]) -> bool:
    """Whether all texts that come out of a value are spelled out in it."""
    if value is None:
        return False
    for node in ast.walk(value):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") != "param":
            return False
        if isinstance(node, ast.BinOp | ast.JoinedStr | ast.Subscript | ast.comprehension):
            return False
        if isinstance(node, ast.Attribute) and not isinstance(node.value, ast.Name):
            return False
    return all(name in literal or name in _NO_TEXTS for name in _loaded_names(value))


def _loaded_names(value: ast.expr) -> Iterator[str]:
    """The variables that an expression reads, other than those whose attributes it takes."""
    owners = {id(node.value) for node in ast.walk(value) if isinstance(node, ast.Attribute)}
    for node in ast.walk(value):
        if isinstance(node, ast.Name) and id(node) not in owners:
            yield node.id


def _is_file(text: str, target: PurePosixPath) -> bool:
    """Whether a text is the path of the file under test, or finds it."""
    if "\n" in text or not text.endswith((target.name, f"{target.stem}.pyc", "*.py")):
        return False
    rest = text[: -len(target.name)] if text.endswith(target.name) else "/"
    return not rest or rest.endswith(("/", "\\", "*"))


def _only_starts_a_module(tree: ast.Module, is_known: Known) -> bool:
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
    return all(node in starts or node.attr in _HARMLESS_OF_SUBPROCESS for node in attributes)


def _names_subprocess_otherwise(node: ast.AST) -> bool:
    """Whether a node imports subprocess, or of it, under another name."""
    if isinstance(node, ast.ImportFrom):
        return node.module == "subprocess"
    return isinstance(node, ast.alias) and node.name == "subprocess" and bool(node.asname)


def _starts_a_module(call: ast.Call, is_known: Known) -> bool:
    """Whether a call is run([sys.executable, "-m", "the.project", ...]) or one of its kin."""
    if getattr(call.func, "attr", "") not in _RUN_A_PROGRAM:
        return False
    words = call.args[0].elts if call.args and isinstance(call.args[0], ast.List) else []
    if [ast.unparse(word) for word in words[:2]] != ["sys.executable", "'-m'"]:
        return False
    keywords = {keyword.arg for keyword in call.keywords}
    if len(words) < 3 or keywords & _UNSAFE_KEYWORDS:
        return False
    module = words[2].value if isinstance(words[2], ast.Constant) else None
    if not isinstance(module, str):
        return False
    package = _package(module)
    return package not in sys.stdlib_module_names | _TEST_PACKAGES and is_known(package)


def _package(module: str) -> str:
    return module.split(".")[0]
