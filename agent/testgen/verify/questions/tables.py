"""The names that decide what a draft is asked about."""

from __future__ import annotations

import re

ALLOWED_LIBRARY = frozenset(
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

ALLOWED_OF: dict[str, frozenset[str]] = {
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

WATCHED_PACKAGES = frozenset(
    {"_pytest", "pluggy", "coverage", "copydesk_tools", "copydesk_probe", "psutil", "cffi"}
    | {"dill", "cloudpickle", "bytecode", "objgraph", "pympler", "asttokens", "executing"}
    | {"stack_data", "varname", "pyrasite", "xdist", "pytest_cov", "setproctitle", "prctl"}
)
"""Other packages that look into code, processes or pytest, whether the project has them or not."""

TEST_PACKAGES = frozenset(
    {"pytest", "mock", "hypothesis", "freezegun", "time_machine", "responses", "respx", "faker"}
    | {"pytest_mock", "parameterized", "testfixtures", "pyfakefs", "httpretty", "requests_mock"}
    | {"factory", "anyio", "trio", "numpy", "pandas"}
)
"""Packages that tests are written with."""

INSIDES = frozenset(
    {"__code__", "__globals__", "__builtins__", "__closure__", "__subclasses__", "__self__"}
    | {"__getattribute__", "__loader__", "__spec__", "__import__", "__reduce_ex__", "__func__"}
    | {"__kwdefaults__", "__firstlineno__", "__static_attributes__", "__cached__", "__traceback__"}
    | {"tb_frame", "tb_next", "tb_lineno", "tb_lasti", "f_back", "f_code", "f_globals", "f_locals"}
    | {"f_builtins", "f_lineno", "f_trace", "gi_frame", "gi_code", "cr_frame", "cr_code"}
    | {"ag_frame", "ag_code", "co_code", "co_consts", "co_filename", "co_names", "co_lines"}
    | {"co_firstlineno", "co_positions", "cell_contents"}
)
"""Attributes of any object that lead to code or frames."""

OF_MODULES: dict[str, frozenset[str]] = {
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

BUILT_IN = frozenset(
    {"eval", "exec", "compile", "__import__", "__builtins__", "globals", "locals", "vars"}
    | {"breakpoint", "__loader__", "__spec__", "__cached__"}
)
BY_NAME = frozenset({"getattr", "setattr", "delattr"})
PYTEST_INSIDES = frozenset(
    {"pluginmanager", "_pyfuncitem", "_fixturemanager", "_request", "hook", "stash", "_excinfo"}
    | {"getrepr", "_outcome", "_testMethodName", "ihook", "listchain", "invocation_params"}
)
FIXTURES = frozenset({"pytester", "testdir", "pytestconfig", "cov", "no_cover", "worker_id"})
ENVIRONMENT = ("COPYDESK_", "PYTHONHASHSEED", "PYTEST_CURRENT")
TALKS_OF_INSIDES = re.compile(
    r"__(?:" + "|".join(sorted(name[2:-2] for name in INSIDES if name.startswith("__"))) + r")__"
    r"|/proc/|\bco_code\b|\bf_globals\b|\bf_locals\b|\btb_frame\b|\bgi_frame\b"
)
SPELLED_OUT = frozenset({"sys.modules", "_exit", "settrace", "setprofile", "_getframe"})
RUN_A_PROGRAM = frozenset({"run", "check_output", "check_call", "call", "Popen"})
HARMLESS_OF_SUBPROCESS = frozenset(
    {"PIPE", "DEVNULL", "STDOUT", "CalledProcessError", "TimeoutExpired", "CompletedProcess"}
)
UNSAFE_KEYWORDS = frozenset({"shell", "executable", "preexec_fn", "pass_fds", None})
LONGEST_LITERAL_TO_UNPICKLE = 8

NO_TEXTS = frozenset({"pytest", "float", "int", "str", "bool", "complex", "list", "dict", "tuple"})
