"""What a draft may use of the standard library and of pytest, and what it is asked about."""

from __future__ import annotations

ALLOWED_LIBRARY = frozenset(
    {"__future__", "abc", "argparse", "array", "ast", "asyncio", "base64", "binascii"}
    | {
        "bisect",
        "bz2",
        "calendar",
        "compression",
        "cmath",
        "codecs",
        "collections",
        "colorsys",
        "concurrent",
    }
    | {"configparser", "contextlib", "contextvars", "copy", "csv", "dataclasses", "datetime"}
    | {"decimal", "difflib", "doctest", "email", "encodings", "enum", "errno", "filecmp"}
    | {"fileinput", "fnmatch", "fractions", "ftplib", "functools", "getpass", "gettext", "glob"}
    | {"graphlib", "grp", "gzip", "hashlib", "heapq", "hmac", "html", "http", "imaplib", "io"}
    | {"ipaddress", "itertools", "json", "keyword", "locale", "logging", "lzma", "math"}
    | {
        "mimetypes",
        "multiprocessing",
        "netrc",
        "ntpath",
        "numbers",
        "operator",
        "optparse",
        "os",
        "pathlib",
    }
    | {"pickle", "platform", "plistlib", "poplib", "posixpath", "pprint", "pwd", "queue", "quopri"}
    | {"random", "re", "reprlib", "resource", "sched", "secrets", "select", "selectors", "shelve"}
    | {"shlex", "shutil", "signal", "smtplib", "socket", "socketserver", "sqlite3", "ssl", "stat"}
    | {"statistics", "string", "stringprep", "struct", "sys", "sysconfig", "tarfile", "tempfile"}
    | {"textwrap", "threading", "time", "timeit", "tomllib", "types", "typing", "unicodedata"}
    | {"unittest", "urllib", "uuid", "warnings", "wave", "weakref", "wsgiref", "xml", "xmlrpc"}
    | {"zipfile", "zlib", "zoneinfo"}
)
"""Of the standard library: what works on values, files, clocks, threads and sockets."""

REMOVED_LIBRARY = frozenset(
    {
        "asynchat",
        "asyncore",
        "audioop",
        "binhex",
        "cgi",
        "cgitb",
        "chunk",
        "crypt",
        "distutils",
        "formatter",
    }
    | {"imp", "lib2to3", "parser", "pipes", "smtpd", "sre_compile", "sre_parse", "symbol"}
    | {"telnetlib", "uu", "xdrlib", "_bootlocale", "annotationlib"}
)
"""Of the standard library of some Python that is supported, though not of every one."""

ALLOWED_OF: dict[str, frozenset[str]] = {
    "gc": frozenset({"collect", "enable", "disable", "isenabled", "get_count"}),
    "builtins": frozenset(
        {"bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list"}
        | {"object", "range", "set", "slice", "str", "tuple", "Exception", "BaseException"}
        | {"abs", "all", "any", "ascii", "bin", "chr", "divmod", "enumerate", "filter", "format"}
        | {"hash", "hex", "input", "isinstance", "issubclass", "iter", "len", "map", "max", "min"}
        | {"next", "oct", "open", "ord", "pow", "print", "raw_input", "repr", "reversed", "round"}
        | {"sorted", "sum", "zip"}
    ),
    "importlib": frozenset({"reload", "metadata", "import_module", "invalidate_caches", "util"}),
    "importlib.metadata": frozenset({"version", "PackageNotFoundError", "requires", "metadata"}),
    "inspect": frozenset(
        {"signature", "Parameter", "Signature", "isclass", "isfunction", "ismethod", "getdoc"}
        | {"iscoroutine", "iscoroutinefunction", "isawaitable", "isgenerator", "cleandoc"}
        | {"isgeneratorfunction", "isasyncgen", "isasyncgenfunction", "isabstract", "isbuiltin"}
        | {
            "_empty",
            "getfullargspec",
            "isdatadescriptor",
            "isroutine",
            "isdescriptor",
            "getmodulename",
            "BoundArguments",
        }
    ),
    "doctest": frozenset(
        {
            "testmod",
            "DocTestSuite",
            "ELLIPSIS",
            "NORMALIZE_WHITESPACE",
            "IGNORE_EXCEPTION_DETAIL",
            "FAIL_FAST",
        }
        | {"DONT_ACCEPT_TRUE_FOR_1", "DONT_ACCEPT_BLANKLINE", "SKIP", "REPORT_NDIFF"}
    ),
    "logging.config": frozenset(),
    "multiprocessing": frozenset(
        {"Process", "Pool", "Queue", "SimpleQueue", "JoinableQueue", "Event", "Lock", "RLock"}
        | {"Semaphore", "BoundedSemaphore", "Condition", "Barrier", "Pipe", "Value", "Array"}
        | {"Manager", "cpu_count", "get_context", "get_start_method", "freeze_support", "pool"}
        | {"TimeoutError", "ProcessError", "BufferTooShort", "AuthenticationError", "queues"}
        | {"synchronize", "dummy", "connection"}
    ),
    "os": frozenset(
        {"path", "environ", "environb", "getenv", "getenvb", "putenv", "unsetenv", "getcwd"}
        | {"getcwdb", "chdir", "name", "remove", "unlink", "rmdir", "removedirs", "mkdir"}
        | {"makedirs", "rename", "renames", "replace", "listdir", "scandir", "walk", "fwalk"}
        | {"fspath", "fsencode", "fsdecode", "PathLike", "DirEntry", "stat", "lstat", "fstat"}
        | {"stat_result", "utime", "sep", "altsep", "pathsep", "linesep", "curdir", "pardir"}
        | {"extsep", "devnull", "defpath", "symlink", "link", "readlink", "access", "chmod"}
        | {"lchmod", "chown", "umask", "urandom", "getpid", "getuid", "geteuid", "getgid"}
        | {"getegid", "getgroups", "getlogin", "uname", "cpu_count", "process_cpu_count", "open"}
        | {"close", "read", "write", "lseek", "fdopen", "pipe", "dup", "isatty", "fsync"}
        | {"truncate", "ftruncate", "terminal_size", "get_terminal_size", "strerror", "error"}
        | {"supports_follow_symlinks", "supports_dir_fd", "supports_effective_ids", "statvfs"}
        | {"supports_fd", "get_exec_path", "pathconf", "getrandom", "mkfifo", "SEEK_SET"}
        | {"SEEK_CUR", "SEEK_END", "O_RDONLY", "O_WRONLY", "O_RDWR", "O_CREAT", "O_EXCL"}
        | {"O_TRUNC", "O_APPEND", "O_NONBLOCK", "O_BINARY", "O_CLOEXEC", "R_OK", "W_OK", "X_OK"}
        | {"F_OK", "EX_OK", "EX_USAGE", "EX_CONFIG", "EX_SOFTWARE", "EX_DATAERR", "EX_NOINPUT"}
        | {"fchmod", "WNOHANG", "WEXITSTATUS", "WIFEXITED", "sched_getaffinity"}
    ),
    "sys": frozenset(
        {"path", "version_info", "version", "stdin", "stdout", "stderr", "executable", "platform"}
        | {"implementation", "getrecursionlimit", "setrecursionlimit", "get_int_max_str_digits"}
        | {"set_int_max_str_digits", "builtin_module_names", "stdlib_module_names", "exit"}
        | {"prefix", "base_prefix", "exec_prefix", "base_exec_prefix", "maxsize", "maxunicode"}
        | {"__stdin__", "__stdout__", "__stderr__", "flags", "argv", "getfilesystemencoding"}
        | {"getfilesystemencodeerrors", "getdefaultencoding", "byteorder", "float_info"}
        | {"int_info", "hash_info", "getsizeof", "getrefcount", "hexversion", "intern"}
        | {"warnoptions", "dont_write_bytecode", "api_version", "getwindowsversion", "exc_info"}
        | {
            "excepthook",
            "float_repr_style",
            "thread_info",
            "platlibdir",
            "exception",
            "is_finalizing",
        }
        | {
            "pypy_version_info",
            "set_asyncgen_hooks",
            "get_asyncgen_hooks",
            "abiflags",
            "copyright",
            "ps1",
            "ps2",
        }
    ),
    "timeit": frozenset({"default_timer"}),
    "traceback": frozenset(
        {"extract_tb", "format_exc", "format_exception", "format_exception_only", "format_tb"}
        | {"print_exc", "print_exception", "print_tb"}
    ),
    "unittest": frozenset(
        {"TestCase", "IsolatedAsyncioTestCase", "SkipTest", "skip", "skipIf", "skipUnless"}
        | {"expectedFailure", "mock", "main", "addModuleCleanup", "enterModuleContext", "case"}
        | {"async_case", "TestLoader", "TestSuite", "makeSuite", "defaultTestLoader"}
    ),
    "unittest.case": frozenset({"TestCase", "SkipTest", "skip", "skipIf", "skipUnless"}),
    "xmlrpc": frozenset({"client", "server"}),
    "xmlrpc.server": frozenset({"SimpleXMLRPCServer", "SimpleXMLRPCRequestHandler"}),
    "_pytest.capture": frozenset({"CaptureFixture"}),
    "_pytest.fixtures": frozenset({"FixtureRequest", "SubRequest"}),
    "_pytest.logging": frozenset({"LogCaptureFixture"}),
    "_pytest.monkeypatch": frozenset({"MonkeyPatch"}),
    "_pytest.tmpdir": frozenset({"TempPathFactory"}),
    "importlib.util": frozenset({"find_spec"}),
}
"""Of modules that may look inside, run code in texts or start programs: the names that do not."""

REFUSED_OF: dict[str, frozenset[str]] = {
    "ast": frozenset({"main"}),
    "asyncio": frozenset({"subprocess", "create_subprocess_exec", "create_subprocess_shell"}),
    "codecs": frozenset({"register_error"}),
    "enum": frozenset({"bltns"}),
    "functools": frozenset({"GenericAlias", "recursive_repr", "WRAPPER_UPDATES"}),
    "hypothesis": frozenset({"internal", "extra"}),
    "http.server": frozenset({"SimpleHTTPRequestHandler", "CGIHTTPRequestHandler", "test"}),
    "logging": frozenset({"currentframe"}),
    "numpy": frozenset({"f2py", "ctypeslib", "distutils", "lib"}),
    "pandas": frozenset({"eval", "read_pickle"}),
    "pickle": frozenset({"Unpickler", "whichmodule"}),
    "platform": frozenset({"popen"}),
    "shelve": frozenset({"Unpickler"}),
    "socket": frozenset({"send_fds", "recv_fds", "fromfd", "fromshare"}),
    "string": frozenset({"Formatter"}),
    "testfixtures": frozenset({"resolve"}),
    "threading": frozenset({"settrace", "setprofile", "gettrace", "getprofile", "excepthook"})
    | {"settrace_all_threads", "setprofile_all_threads"},
    "types": frozenset({"CodeType", "FunctionType", "LambdaType", "CellType"}),
    "typing": frozenset({"ForwardRef", "evaluate_forward_ref"}),
    "warnings": frozenset({"formatwarning", "showwarning", "warn_explicit"}),
    "zipfile": frozenset({"PyZipFile", "main"}),
    "pytest": frozenset(
        {"main", "console_main", "hookimpl", "hookspec", "register_assert_rewrite", "Config"}
        | {"Session", "Item", "Function", "Module", "Collector", "File", "Class", "Package"}
        | {"Pytester", "PytestPluginManager", "TestReport", "CallInfo", "HookRecorder", "Stash"}
        | {"RunResult", "CollectReport", "exit", "Dir", "Directory", "TestShortLogReport"}
        | {"Metafunc", "Parser", "TerminalReporter", "cmdline", "freeze_includes"}
    ),
}
"""Of modules that are allowed, what is not."""

NOT_HERE = frozenset({"msvcrt", "winreg", "winsound", "UserDict", "StringIO", "__builtin__"})
"""Modules of Windows or of Python 2, which no sandbox has."""

HARMLESS_PACKAGES = frozenset(
    {"packaging", "sniffio", "typing_extensions", "exceptiongroup", "tomli", "idna", "certifi"}
)
"""Packages that come with others and work on values: any draft may import them."""

HARMLESS_DUNDERS = frozenset(
    {"__name__", "__doc__", "__version__", "__all__", "__module__", "__qualname__", "__class__"}
)
"""Attributes with underscores that a module of the standard library may be asked for."""
