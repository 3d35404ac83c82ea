"""The names that decide what a draft is asked about, but those of the standard library."""

from __future__ import annotations

import re

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
    | {"__kwdefaults__", "__firstlineno__", "__static_attributes__", "__cached__"}
    | {"tb_frame", "tb_next", "tb_lineno", "tb_lasti", "f_back", "f_code", "f_globals", "f_locals"}
    | {"f_builtins", "f_lineno", "f_trace", "gi_frame", "gi_code", "cr_frame", "cr_code"}
    | {"ag_frame", "ag_code", "co_code", "co_consts", "co_filename", "co_names", "co_lines"}
    | {"co_firstlineno", "co_positions", "cell_contents", "__get__", "cr_origin"}
)
"""Attributes of any object that lead to code or frames."""

LOOKING_MODULES = frozenset(
    {"inspect", "linecache", "dis", "gc", "ctypes", "_ctypes", "tracemalloc", "runpy", "builtins"}
    | {"importlib", "pkgutil", "zipimport", "tokenize", "marshal", "faulthandler", "imp", "sys"}
    | {"pydoc", "copyreg", "pickletools", "compileall", "py_compile", "modulefinder", "pdb", "bdb"}
    | {
        "codeop",
        "rlcompleter",
        "subprocess",
        "fcntl",
        "mmap",
        "posix",
        "opcode",
        "pyclbr",
        "symtable",
    }
)
"""Modules by which code is looked at: whoever has them as an attribute, the draft is asked."""

LOOKING_NAMES = frozenset(
    {"getsource", "getsourcelines", "getsourcefile", "findsource", "getframeinfo", "getblock"}
    | {"getinnerframes", "getouterframes", "currentframe", "updatecache", "lazycache"}
    | {"extract_stack", "extract_tb", "format_stack", "print_stack", "walk_stack", "walk_tb"}
    | {"format_exc", "format_tb", "format_exception", "print_exc", "print_exception"}
    | {"formatException", "formatStack", "TracebackException", "StackSummary", "FrameSummary"}
    | {"get_original", "temp_original", "getter", "_importer", "_get_target", "_setattr"}
    | {"_setitem", "_savesyspath", "in_dict", "get_objects", "get_referrers", "get_referents"}
    | {"find_spec", "spec_from_file_location", "spec_from_loader", "module_from_spec"}
    | {"exec_module", "load_module", "get_source", "iter_modules", "walk_packages", "run_module"}
    | {"run_path", "InteractiveInterpreter", "InteractiveConsole", "runsource", "runcode"}
    | {"compile_command", "runctx", "settrace", "setprofile", "resolve_dotted_attribute"}
    | {"register_instance", "loadTestsFromName", "loadTestsFromNames", "setxattr", "getxattr"}
    | {"removexattr", "listxattr", "set_blocking", "get_blocking", "addaudithook", "_getframe"}
    | {"_current_frames", "enable_load_extension", "load_extension"}
    | {"get_lambda_source", "extract_lambda_source", "runstring", "rundocs", "testsource"}
    | {"script_from_examples", "defaultTestResult", "DictConfigurator"}
    | {"create_subprocess_exec", "create_subprocess_shell", "open_process", "run_process"}
    | {"set_start_method", "shared_memory", "SharedMemory", "ShareableList", "resource_tracker"}
)
"""Attributes that do nothing else than look at code, at frames or at what a patch replaced."""

STRING_IMPORTS = frozenset(
    {"import_string", "import_object", "import_from_string", "load_object", "symbol_by_name"}
    | {"locate", "resolve_name", "import_dotted_path"}
)
"""Functions of well-known packages that take a dotted name and give what it names."""

BUILT_IN = frozenset(
    {"eval", "exec", "compile", "__import__", "__builtins__", "globals", "locals", "vars"}
    | {"breakpoint", "__loader__", "__spec__", "__cached__"}
)
READ_NAMES_ONLY = frozenset(
    {"len", "sorted", "set", "list", "assertIn", "assertNotIn", "assertEqual", "assertDictEqual"}
)
"""What takes no more of a dictionary than its names, or compares it."""
SIZES = frozenset({"st_size", "getsize", "st_mtime", "st_mtime_ns", "getmtime", "st_blocks"})
FINDERS_OF_FILES = frozenset({"iterdir", "glob", "iglob", "rglob", "listdir", "scandir", "walk"})
"""What finds files whose names the draft need not know."""
PYTEST_INSIDES = frozenset(
    {"pluginmanager", "_pyfuncitem", "_fixturemanager", "_request", "hook", "stash", "_excinfo"}
    | {"getrepr", "_outcome", "_testMethodName", "ihook", "listchain", "invocation_params"}
)
FIXTURES = frozenset({"pytester", "testdir", "pytestconfig", "cov", "no_cover", "worker_id"})

ENVIRONMENT = ("COPYDESK_", "PYTHONHASHSEED", "PYTEST_CURRENT")
TALKS_OF_INSIDES = re.compile(
    r"__(?:" + "|".join(sorted(name[2:-2] for name in INSIDES if name.startswith("__"))) + r")__"
    r"|/proc/|/copydesk/|\bco_code\b|\bf_globals\b|\bf_locals\b|\btb_frame\b|\bgi_frame\b"
)
SPELLED_OUT = frozenset({"sys.modules", "_exit", "settrace", "setprofile", "_getframe"})
NO_TEXTS = frozenset({"pytest", "float", "int", "str", "bool", "complex", "list", "dict", "tuple"})
