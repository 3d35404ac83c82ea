"""The names that decide what a draft is asked about, but those of the standard library."""

from __future__ import annotations

import re

from copydesk.agent.sandboxed.copydesk_tools.verify import looking_names

WATCHED_PACKAGES = looking_names.WATCHED_PACKAGES
TEST_PACKAGES = looking_names.TEST_PACKAGES
INSIDES = looking_names.INSIDES
LOOKING_MODULES = looking_names.LOOKING_MODULES
LOOKING_NAMES = looking_names.LOOKING_NAMES
PYTEST_INSIDES = looking_names.PYTEST_INSIDES
HARMLESS_GLOBALS = looking_names.HARMLESS_GLOBALS
FIXTURES = looking_names.FIXTURES
BUILT_IN = looking_names.BUILT_IN

STRING_IMPORTS = frozenset(
    {"import_string", "import_object", "import_from_string", "load_object", "symbol_by_name"}
    | {"locate", "resolve_name", "import_dotted_path"}
)
"""Functions of well-known packages that take a dotted name and give what it names."""

READ_NAMES_ONLY = frozenset(
    {"len", "sorted", "set", "list", "assertIn", "assertNotIn", "assertEqual", "assertDictEqual"}
)
"""What takes no more of a dictionary than its names, or compares it."""
SIZES = frozenset({"st_size", "getsize", "st_mtime", "st_mtime_ns", "getmtime", "st_blocks"})
FINDERS_OF_FILES = frozenset({"iterdir", "glob", "iglob", "rglob", "listdir", "scandir", "walk"})
"""What finds files whose names the draft need not know."""

ENVIRONMENT = ("COPYDESK_", "PYTHONHASHSEED", "PYTEST_CURRENT")
TALKS_OF_INSIDES = re.compile(
    r"__(?:" + "|".join(sorted(name[2:-2] for name in INSIDES if name.startswith("__"))) + r")__"
    r"|/proc/|/copydesk/|\bco_code\b|\bf_globals\b|\bf_locals\b|\btb_frame\b|\bgi_frame\b"
)
SPELLED_OUT = frozenset({"sys.modules", "_exit", "settrace", "setprofile", "_getframe"})
NO_TEXTS = frozenset({"pytest", "float", "int", "str", "bool", "complex", "list", "dict", "tuple"})
