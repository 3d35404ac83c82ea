"""Values as plain data that two processes, with two versions of the code, can be compared by.

Structure, not pickles: an object is its class's name, what it holds and its attributes. Nothing of
it tells of the process: no address, no order of hashing, no temporary folder.
"""

from __future__ import annotations

import enum
import hashlib
import io
import json
import os
import re
import tempfile
import types
from collections import Counter, OrderedDict, deque
from pathlib import PurePath
from typing import Any, Callable, Dict, List, Set

from ..search.values.expressions import write

MAX_DEPTH = 6
MAX_ITEMS = 120
"""Items of a container that are described one by one; a longer one by its first and its length."""
MAX_TEXT = 2000
MAX_SHOWN = 160
"""Characters of a value as a person reads it."""
_SCALARS = (int, bool, complex, type(None), range)
_SORTED = (dict, Counter)
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.ModuleType)
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}\b")
_SKIPPED = frozenset({"__dict__", "__weakref__"})

Description = List[Any]
"""A tag, and what belongs to it."""


class Describer:
    """Describes values.

    Args:
        folder: The temporary folder of the call, whose name is not part of any value.
    """

    def __init__(self, folder: str) -> None:
        temporary = tempfile.gettempdir()
        self.folders = [name for name in (folder, os.path.realpath(folder)) if len(name) > 1]
        self.others = [name for name in (os.getcwd(), temporary) if len(name) > 1]
        self.around: Set[int] = set()

    def plain(self, text: str) -> str:
        """A text without what is only this run's."""
        for folder in self.folders:
            text = text.replace(folder, "<tmp_path>")
        for folder in self.others:
            text = text.replace(folder, "<folder>")
        return _ADDRESS.sub("0x…", text)

    def describe(self, value: Any, depth: int = 0) -> Description:
        """A value as plain data."""
        kind: Any = type(value)
        if kind is float:
            return ["float", repr(value)]
        if kind in _SCALARS:
            return [kind.__name__, repr(value)]
        if kind in (str, bytes, bytearray):
            return [kind.__name__, self._text(value)]
        if id(value) in self.around:
            return ["again", kind.__qualname__]
        if depth >= MAX_DEPTH:
            return ["deep", kind.__qualname__]
        self.around.add(id(value))
        try:
            return self._describe_parts(value, kind, depth)
        except Exception as error:  # the user's class may raise anything when it is looked at
            return ["unseen", kind.__qualname__, type(error).__name__]
        finally:
            self.around.discard(id(value))

    def _text(self, value: Any) -> str:
        text = value if isinstance(value, str) else repr(value)
        if len(text) > MAX_TEXT:
            digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
            text = f"{text[:MAX_TEXT]}… {len(text)} {digest}"
        return self.plain(text)

    def _describe_parts(self, value: Any, kind: Any, depth: int) -> Description:
        if kind in (list, tuple, deque):
            return [kind.__name__, *self._items(list(value), depth)]
        if kind in (set, frozenset):
            items = [self.describe(item, depth + 1) for item in value]
            return [kind.__name__, *sorted(items, key=json.dumps)[:MAX_ITEMS], len(items)]
        if isinstance(value, dict):
            return self._mapping(value, kind, depth)
        if isinstance(value, enum.Enum):
            return ["enum", kind.__qualname__, str(value.name)]
        if isinstance(value, PurePath):
            return ["path", self.plain(str(value))]
        if isinstance(value, type):
            return ["class", value.__qualname__]
        if isinstance(value, _FUNCTIONS):
            return ["function", str(getattr(value, "__name__", ""))]
        if isinstance(value, BaseException):
            return ["error", kind.__qualname__, *self._items(list(value.args), depth)]
        return self._other(value, kind, depth)

    def _items(self, items: List[Any], depth: int) -> Description:
        described: Description = [self.describe(item, depth + 1) for item in items[:MAX_ITEMS]]
        return described if len(items) <= MAX_ITEMS else [*described, len(items)]

    def _mapping(self, value: Any, kind: Any, depth: int) -> Description:
        pairs = [
            [self.describe(key, depth + 1), self.describe(item, depth + 1)]
            for key, item in list(value.items())[:MAX_ITEMS]
        ]
        if not isinstance(value, OrderedDict):  # == asks for no order
            pairs.sort(key=json.dumps)
        return ["dict" if kind in _SORTED else kind.__qualname__, *pairs, len(value)]

    def _other(self, value: Any, kind: Any, depth: int) -> Description:
        if isinstance(value, io.StringIO):
            return ["StringIO", self._text(value.getvalue())]
        if isinstance(value, io.IOBase):
            return ["file", kind.__qualname__, bool(value.closed)]
        if hasattr(value, "__next__"):
            return ["iterator", kind.__qualname__]
        if kind.__module__.split(".")[0] in ("numpy", "pandas"):
            return self._table(value, kind, depth)
        parts: Dict[str, Any] = {}
        if kind.__repr__ is not object.__repr__:
            text = repr(value)
            parts["repr"] = self._text(text)
        if isinstance(value, (list, tuple, set, frozenset, str, bytes, int, float)):
            parts["base"] = self._as_base(value, depth)
        parts["fields"] = self._fields(value, depth, lambda name: not name.startswith("_"))
        parts["inner"] = self._fields(value, depth, lambda name: name.startswith("_"))
        return ["object", kind.__qualname__, parts]

    def _as_base(self, value: Any, depth: int) -> Description:
        bases: List[Any] = [list, tuple, set, frozenset, str, bytes, int, float]
        for base in bases:
            if isinstance(value, base):
                return self.describe(base(value), depth + 1)
        return []

    def _table(self, value: Any, kind: Any, depth: int) -> Description:
        described: Description = [kind.__name__, str(getattr(value, "dtype", ""))]
        described.append(str(getattr(value, "shape", "")))
        if hasattr(value, "columns") and hasattr(value, "to_dict"):
            return [*described, self.describe(value.to_dict("list"), depth + 1)]
        if hasattr(value, "tolist"):
            return [*described, self.describe(value.tolist(), depth + 1)]
        return [*described, self._text(repr(value))]

    def _fields(self, value: Any, depth: int, is_wanted: Callable[[str], bool]) -> List[List[Any]]:
        """The attributes of an object and its slots, by name."""
        names: Dict[str, None] = dict.fromkeys(getattr(value, "__dict__", {}))
        for base in type(value).__mro__:
            slots = getattr(base, "__slots__", ())
            names.update(dict.fromkeys([slots] if isinstance(slots, str) else slots))
        shown = [n for n in sorted(map(str, names)) if n not in _SKIPPED and is_wanted(n)]
        return [
            [name, self.describe(getattr(value, name), depth + 1)]
            for name in shown[:MAX_ITEMS]
            if hasattr(value, name)
        ]

    def shown(self, value: Any) -> str:
        """A value as a person reads it, in one line."""
        written = write(value)
        try:
            text = written.text if written is not None else self._object_text(value)
        except Exception:  # a repr may raise anything
            text = f"<{type(value).__name__}>"
        text = " ".join(self.plain(text).split("\n"))
        return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"

    def _object_text(self, value: Any) -> str:
        kind: Any = type(value)
        if kind.__repr__ is not object.__repr__:
            return repr(value)
        fields = {name: field for name, field in vars(value).items() if not name.startswith("_")}
        inside = ", ".join(f"{name}={field!r}" for name, field in list(fields.items())[:4])
        return f"<{kind.__name__} {inside}>" if inside else f"<{kind.__name__}>"


def digest(outcome: Any) -> str:
    """A short word for an outcome; two that are the same have the same."""
    return hashlib.sha256(json.dumps(outcome, sort_keys=True).encode()).hexdigest()[:16]
