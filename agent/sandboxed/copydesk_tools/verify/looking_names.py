"""The names by which code, frames, processes and pytest are looked at.

Standard library only; Python 3.9 or later.
"""

from __future__ import annotations

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
        "pyclbr",
        "symtable",
    }
)
"""Modules by which code is looked at: whoever has them as an attribute, the draft is asked."""

LOOKING_NAMES = frozenset(
    {"getsource", "getsourcelines", "getsourcefile", "findsource", "getframeinfo", "getblock"}
    | {"getinnerframes", "getouterframes", "currentframe", "updatecache", "lazycache"}
    | {"extract_stack", "_code", "format_stack", "print_stack", "walk_stack", "walk_tb"}
    | {"formatStack", "TracebackException", "StackSummary", "FrameSummary"}
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

BUILT_IN = frozenset(
    {"eval", "exec", "compile", "__import__", "__builtins__", "globals", "locals", "vars"}
    | {"breakpoint", "__loader__", "__spec__", "__cached__"}
)

PYTEST_INSIDES = frozenset(
    {"pluginmanager", "_pyfuncitem", "_fixturemanager", "_request", "hook", "stash", "_excinfo"}
    | {"getrepr", "_outcome", "_testMethodName", "ihook", "listchain", "invocation_params"}
)

FIXTURES = frozenset({"pytester", "testdir", "pytestconfig", "cov", "no_cover", "worker_id"})

HARMLESS_GLOBALS = frozenset(
    {"builtins.set", "builtins.frozenset", "builtins.bytearray", "builtins.complex"}
    | {"builtins.object", "builtins.range", "builtins.slice", "copyreg._reconstructor"}
    | {"collections.OrderedDict", "datetime.datetime", "datetime.date", "decimal.Decimal"}
)
"""What a pickle may name though it is not the project's."""
