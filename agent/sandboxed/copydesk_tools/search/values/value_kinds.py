"""What kinds of values there are, and what says that a parameter wants one."""

from __future__ import annotations

import ast
import sys
from typing import Any, List

from .expressions import Expression

_DATE = (("date", "datetime"),)
_DATETIME = (("datetime", "datetime"),)
_DELTA = (("timedelta", "datetime"),)

PLAIN: dict[str, list[str]] = {
    "int": ["1", "0", "2", "-1", "3", "10", "11", "100", "12345", "1000000"],
    "float": [
        *("1.5", "0.0", "-2.5", "0.001", "3.0", "1e20"),
        *("float('nan')", "float('inf')", "float('-inf')"),
    ],
    "str": [
        *("'abc'", "''", "'Hello World'", "'a'", "'1'", "'some_name-here'", "'CamelCase'"),
        *("'1,234.5'", "'-1'", "'2024-01-31'", "'2024-01-31T10:20:30.5'", "'1d 2h'", "'1/2'"),
        *("'a,b'", "'key=value'", "'ada@example.com'", "'https://example.com/a?b=1'"),
        *("'  padded  '", "'first\\nsecond'", "'caf\\xe9'", "'true'", "'{\"a\": 1}'"),
    ],
    "bool": ["True", "False"],
    "bytes": ["b'abc'", "b''"],
    "None": ["None"],
    "list": ["[1, 2, 3]", "[]", "['a', 'b']", "[3, 1, 2, 1]", "[[1, 2], [3, 4]]", "[1.5, 2.5]"],
    "iterator": ["iter([1, 2, 3])", "iter([])", "iter('ab')"],
    "tuple": ["(1, 2)", "()", "('a', 'b', 'c')"],
    "set": ["{1, 2}", "set()"],
    "dict": ["{'a': 1, 'b': 2}", "{}", "{'a': {'b': 1}}", "{'a': [1, 2]}"],
    "callable": ["len", "str", "str.upper", "bool", "lambda value: value", "lambda *args: True"],
    "collector": ["written.append"],
    "object": ["1", "'abc'", "None", "[1, 2, 3]", "{'a': 1}"],
    "complex": ["(1+2j)", "0j"],
    "argv": ["[]", "['--help']"],
    "numeral": ["'12'", "'1.5'", "'nan'", "'-3'"],
    "slice": ["slice(0, 2)", "slice(1, None)"],
    "stream": ["stream(1, 2, 3)", "stream()", "stream('a', 'b')", "stream(3, 1, 2, 1)"],
}

NAMED: dict[str, list[Expression]] = {
    "date": [Expression("date(2024, 2, 29)", _DATE), Expression("date(2023, 12, 31)", _DATE)],
    "datetime": [
        Expression("datetime(2024, 2, 29, 12, 30)", _DATETIME),
        Expression("datetime(2023, 1, 1)", _DATETIME),
        Expression("datetime(2024, 2, 29, 12, 30, 45, 123456)", _DATETIME),
        Expression(
            "datetime(2024, 2, 29, 12, 30, tzinfo=timezone.utc)",
            (("datetime", "datetime"), ("timezone", "datetime")),
        ),
    ],
    "time": [Expression("time(12, 30)", (("time", "datetime"),))],
    "timedelta": [
        Expression("timedelta(days=1)", _DELTA),
        Expression("timedelta(0)", _DELTA),
        Expression("timedelta(seconds=90)", _DELTA),
        Expression("timedelta(days=400, seconds=5)", _DELTA),
        Expression("timedelta(hours=5)", _DELTA),
        Expression("timedelta(days=-40)", _DELTA),
        Expression("timedelta(milliseconds=5)", _DELTA),
    ],
    "tzinfo": [Expression("timezone.utc", (("timezone", "datetime"),))],
    "Decimal": [
        Expression("Decimal('1.50')", (("Decimal", "decimal"),)),
        Expression("Decimal('0')", (("Decimal", "decimal"),)),
        Expression("Decimal('-2')", (("Decimal", "decimal"),)),
    ],
    "Fraction": [Expression("Fraction(1, 3)", (("Fraction", "fractions"),))],
    "UUID": [
        Expression("UUID('12345678-1234-5678-1234-567812345678')", (("UUID", "uuid"),)),
    ],
    "StringIO": [Expression("StringIO('a,b\\n1,2\\n')", (("StringIO", "io"),))],
    "BytesIO": [Expression("BytesIO(b'abc')", (("BytesIO", "io"),))],
    "ndarray": [
        Expression(text, (("array", "numpy"),))
        for text in (
            "array([1.0, 3.0, 2.0])",
            "array([1, 2, 3])",
            "array([1.5, -2.0])",
            "array([])",
            "array([[1, 2], [3, 4]])",
        )
    ],
    "Series": [
        Expression(text, (("Series", "pandas"),))
        for text in ("Series([10.0, 12.0, 11.0, 13.0])", "Series(['a', 'b'])", "Series([1, 2, 3])")
    ],
    "DataFrame": [
        Expression(text, (("DataFrame", "pandas"),))
        for text in ("DataFrame({'a': [1, 2, 3], 'b': [4.0, 5.5, 6.0]})", "DataFrame({'a': []})")
    ],
    "path": [
        Expression(f"tmp_path / '{name}'")
        for name in ("data.txt", "data.csv", "data.json", "data.env", "empty.txt", "missing.txt")
    ],
}

HINTS = {
    **{name: (name,) for name in ("int", "float", "str", "bool", "bytes", "complex", "None")},
    **{name: (name,) for name in ("date", "datetime", "time", "timedelta", "tzinfo", "Decimal")},
    **{name: (name,) for name in ("Fraction", "UUID", "StringIO", "BytesIO", "object")},
    "Path": ("path",),
    "PathLike": ("path",),
    "FilePath": ("path",),
    "TextIO": ("StringIO",),
    "Any": ("object", "str"),
    "Callable": ("callable",),
    "slice": ("slice",),
    "Number": ("int", "float"),
    "Real": ("int", "float"),
    "Integral": ("int",),
    "Hashable": ("str", "int"),
    "SupportsInt": ("int",),
    "SupportsFloat": ("float", "int"),
    "AnyStr": ("str", "bytes"),
    "IO": ("StringIO", "BytesIO"),
    "BinaryIO": ("BytesIO",),
    "Text": ("str",),
    **{name: (name,) for name in ("ndarray", "Series", "DataFrame")},
    "NDArray": ("ndarray",),
    "ArrayLike": ("ndarray", "list"),
    "Iterator": ("iterator",),
    "Generator": ("iterator",),
    "AsyncIterable": ("stream",),
    "AsyncIterator": ("stream",),
    "AsyncGenerator": ("stream",),
    "AnyIterable": ("list", "stream"),
    "AnyIterableIterable": ("list",),
}

LISTS = [  # of anything that is gone through once
    "list",
    "List",
    "Sequence",
    "MutableSequence",
    "Iterable",
    "Collection",
    "Reversible",
]
SETS = ["set", "Set", "frozenset", "FrozenSet", "AbstractSet", "MutableSet"]
DICTS = ["dict", "Dict", "Mapping", "MutableMapping", "OrderedDict", "DefaultDict", "defaultdict"]

_HEAVY = ("numpy", "pandas")
_NAME_WORDS = (
    (("df", "frame", "dataframe"), ("DataFrame", "dict")),
    (("array", "arr", "vector", "matrix"), ("ndarray", "list")),
    (("argv",), ("argv",)),
    (("path", "file", "filename", "filepath", "fname"), ("path", "str")),
    (("date", "day", "since", "until"), ("date", "datetime", "str")),
    (("when", "dt", "datetime", "timestamp", "moment"), ("datetime", "date", "float", "str")),
    (("delta", "duration", "interval", "timedelta"), ("timedelta", "str", "float")),
    (("tz", "tzinfo", "timezone"), ("tzinfo",)),
    (("text", "string", "str", "word", "name", "title", "line", "msg", "message", "s"), ("str",)),
    (("slug", "url", "email", "key", "prefix", "suffix", "sep", "pattern", "label"), ("str",)),
    (
        ("n", "num", "count", "size", "index", "width", "length", "limit", "i", "k"),
        ("int", "float"),
    ),
    (("maxsize", "ttl", "depth", "times"), ("int", "float")),
    (("number", "value", "amount", "price", "rate", "x", "y", "total"), ("int", "float", "str")),
    (
        ("items", "seq", "sequence", "iterable", "values", "list", "rows", "numbers"),
        ("list", "str"),
    ),
    (("row", "record", "col", "column", "columns", "headers", "fields", "args"), ("list",)),
    (("dict", "mapping", "config", "options", "data", "params", "settings"), ("dict", "list")),
    (("func", "function", "fn", "callback", "predicate", "pred", "key_func"), ("callable",)),
    (("flag", "strict", "verbose", "reverse", "inclusive"), ("bool",)),
)

ATTRIBUTES = (
    ("str", "split strip lower upper startswith endswith replace rstrip lstrip encode join title"),
    ("str", "splitlines format isdigit isalpha partition rpartition casefold zfill capitalize"),
    ("dict", "items keys values get setdefault update"),
    ("list", "append extend sort insert reverse"),
    ("set", "add union intersection difference issubset discard"),
    ("timedelta", "total_seconds days seconds microseconds"),
    ("datetime", "hour minute tzinfo astimezone timestamp utcoffset date timetuple"),
    ("date", "year month day isoformat weekday strftime isocalendar toordinal"),
    ("path", "exists is_file is_dir read_text read_bytes open suffix stem parent mkdir iterdir"),
    ("bytes", "decode hex"),
    ("StringIO", "read readline readlines write seek"),
)

KNOWN_ATTRIBUTES = {word for _, words in ATTRIBUTES for word in words.split()} | {
    "index", "count", "pop", "copy", "clear", "remove", "find", "name", "real", "imag",
}  # fmt: skip

_KINDS_BY_FUNCTION = {
    "len": ["list", "str"],
    "open": ["path"],
    "int": ["str", "int", "numeral"],
    "float": ["str", "float", "numeral"],
    "abs": ["int", "float"],
    "round": ["float", "int"],
    "sorted": ["list"],
    "sum": ["list"],
    "enumerate": ["list"],
    "iter": ["list"],
    "callable": ["callable"],
}
"""What a function that is given a parameter says about it."""
MAX_LITERAL = 40
"""Characters of a literal worth trying, and the greatest length."""

EVERYTHING = ("str", "int", "float", "list", "dict", "None", "date", "datetime", "timedelta")


def plain(kind: str) -> list[Expression]:
    """The values of one kind, simplest first; none of an unknown kind, or of a package that the
    target did not import.
    """
    named = NAMED.get(kind)
    if named is not None:
        return [e for e in named if all(m not in _HEAVY or m in sys.modules for _, m in e.names)]
    return [Expression(text) for text in PLAIN.get(kind, [])]


def kinds_by_name(name: str) -> tuple[str, ...]:
    """What a parameter's name alone says about its kind; empty when it says nothing."""
    lowered = name.lower()
    if lowered.strip("_") in ("int", "float", "bytes", "bool", "list", "tuple", "set", "complex"):
        return (lowered.strip("_"),)  # bytes_, as it is named beside the builtin
    parts = {lowered, *lowered.split("_")}
    for words, kinds in _NAME_WORDS:
        if parts & set(words):
            return kinds
    return ()


def kind_of(expression: Expression) -> str:
    """A rough word for what an expression makes: int, str, date, list ..."""
    node = ast.parse(expression.text, mode="eval").body
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    if isinstance(node, ast.Constant):
        return kind_of_constant(node.value)
    if isinstance(node, ast.Call):
        return getattr(node.func, "id", "object")
    return type(node).__name__.lower()


def kind_of_constant(value: Any) -> str:
    """The same of a constant itself."""
    return type(value).__name__.replace("NoneType", "None")


def neighbours(value: Any) -> list[Expression]:
    """A literal and, for a number, what stands on both sides of it."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return [Expression(repr(number)) for number in (value, value - 1, value + 1, -value)]
    if not isinstance(value, (str, bytes)) or len(value) >= MAX_LITERAL:
        return []
    if isinstance(value, str) and len(value) == 1 and not value.isalnum():
        codes = (ord(value) - 1, ord(value) + 1)
        beside = [chr(code) for code in codes if 0 < code < sys.maxunicode]
        return [Expression(repr(text)) for text in (value, *beside)]
    return [Expression(repr(value))]


def of_length(length: Any) -> list[Expression]:
    """Texts and lists of a length, and of one more and one less."""
    if type(length) is not int or not 0 <= length <= MAX_LITERAL:
        return []
    lengths = [number for number in (length, length + 1, length - 1) if number >= 0]
    letters = "abcdefghij" * 5
    texts: List[Any] = [letters[:number] for number in lengths]
    lists = [list(range(number)) for number in lengths]
    return [Expression(repr(value)) for value in [*texts, *lists]]


def kinds_by_call(node: ast.Call, name: str) -> list[str]:
    """What a call says about a parameter that it is given, calls, or asks the type of."""
    first = [getattr(a, "id", None) for a in node.args]
    if name == getattr(node.func, "id", None):
        return ["callable"]
    if name not in first:
        return []
    called = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
    if called in ("startswith", "endswith"):
        return ["str"]
    if called == "isinstance" and first[0] == name:
        return _classes(node.args[1:])
    return _KINDS_BY_FUNCTION.get(called, [])


def kinds_by_type(node: ast.Compare, name: str) -> list[str]:
    """What `type(parameter) is list` says about a parameter."""
    asks = isinstance(node.left, ast.Call) and getattr(node.left.func, "id", "") == "type"
    if not asks or [getattr(a, "id", "") for a in getattr(node.left, "args", ())] != [name]:
        return []
    return _classes(node.comparators)


def _classes(nodes: list[ast.expr]) -> list[str]:
    """The kinds of the classes that are named anywhere in some nodes."""
    kinds: List[str] = []
    for node in (part for root in nodes for part in ast.walk(root)):
        word = getattr(node, "id", getattr(node, "attr", ""))
        kinds += [kind for kind in HINTS.get(word, (word,)) if kind in PLAIN or kind in NAMED]
    return kinds
