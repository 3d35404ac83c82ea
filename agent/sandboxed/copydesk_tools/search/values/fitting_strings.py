"""Strings that fit what a function does with its text: separators, endings, regular expressions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any, Dict, List, NamedTuple

from .expressions import Expression
from .regex_samples import samples

MAX_TEXTS = 80
MAX_LENGTH = 80
MAX_WORD = 12
"""Characters of a separator or of a text that may stand within a longer one."""
MAX_MARKS = 16
MAX_PATTERNS = 20
MATCHING = frozenset(
    {"match", "fullmatch", "search", "findall", "finditer", "sub", "split", "subn", "compile"}
)
"""Functions of re that take a pattern."""
_SEPARATING = {"split", "rsplit", "partition", "rpartition", "count", "find", "index", "join"}
_BEGINNINGS = ("startswith", "removeprefix")
_ENDINGS = ("endswith", "removesuffix")
_WORDS = ("a", "1", "2", "3", "b", "4")
_LETTERS = {"isascii", "isalnum", "isalpha", "category", "normalize", "combining", "unidecode"}
_BEYOND_ASCII = ("na\xefve caf\xe9", "e\u0301te\u0301 1", "\u4f60\u597d", "\xdf\u0130\xbd")
_CONTAINERS = (set, frozenset, list, tuple, dict)
Scope = Dict[str, Any]


def fitting_texts(function: ast.AST, scope: Scope) -> List[str]:
    """Strings made of the separators, prefixes, suffixes and patterns that a function names.

    Args:
        function: The function's syntax tree.
        scope: Its module's globals, where compiled patterns are looked up.
    """
    texts = _Parts.of(function).composed()
    texts += _with_marks(marks_of(function, scope))
    if any(getattr(node, "attr", "") in _LETTERS for node in ast.walk(function)):
        texts += _BEYOND_ASCII
    for pattern in _patterns(function, scope):
        texts += samples(pattern)
    return list(dict.fromkeys(text for text in texts if len(text) <= MAX_LENGTH))[:MAX_TEXTS]


class _Parts(NamedTuple):
    """What a function takes a text apart by, without doubles and in order."""

    separators: Dict[str, None]
    beginnings: Dict[str, None]
    endings: Dict[str, None]

    @classmethod
    def of(cls, function: ast.AST) -> _Parts:
        """The parts that a function names in its calls and its `in` comparisons."""
        parts = cls({}, {}, {})
        named = _named_texts(function)
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                words = dict.fromkeys(_short_words(node, node.func, named))
                parts.list_for(node.func.attr).update(words)
            elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
                text = _text(node.left, named)
                if text is not None:
                    parts.separators[text] = None
        return parts

    def list_for(self, method: str) -> Dict[str, None]:
        """Where the words belong that a method is called with."""
        if method in _SEPARATING:
            return self.separators
        if method in _ENDINGS:
            return self.endings
        return self.beginnings if method in _BEGINNINGS else {}

    def composed(self) -> List[str]:
        """Words joined by the separators, with the beginnings and the endings."""
        bodies = []
        for count in (2, 3, 5, 6, 4):
            bodies += [separator.join(_WORDS[:count]) for separator in self.separators if separator]
        if self.beginnings or self.endings:
            bodies.insert(0, "abc")
        texts = list(bodies) if self.separators else []
        for body in bodies:
            texts += [beginning + body for beginning in self.beginnings]
        for body in bodies:
            texts += [body + ending for ending in self.endings]
        return texts[: MAX_TEXTS // 2]


def _named_texts(function: ast.AST) -> Dict[str, ast.Constant]:
    """The names that a function gives to texts."""
    named: Dict[str, ast.Constant] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and _is_text_node(node.value):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    named[target.id] = node.value  # type: ignore[assignment]
    return named


def _is_text_node(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _text(node: ast.AST, named: Dict[str, ast.Constant]) -> str | None:
    """The text that a node is, or that the function has given its name to."""
    node = named.get(getattr(node, "id", ""), node)
    value = getattr(node, "value", None)
    return value if isinstance(value, str) else None


def _short_words(
    node: ast.Call, called: ast.Attribute, named: Dict[str, ast.Constant]
) -> Iterator[str]:
    """The short texts of a method's first argument; for join, of what it is called on too."""
    roots = [*node.args[:1], *([called.value] if called.attr == "join" else [])]
    for root in roots:
        for part in ast.walk(root):
            text = _text(part, named) if isinstance(part, (ast.Name, ast.Constant)) else None
            if text is not None and len(text) < MAX_WORD:
                yield text


def marks_of(function: ast.AST, scope: Scope) -> List[str]:
    """Short texts that may stand within a longer one: literals that the function compares with,
    and what the constants hold that it looks into.
    """
    marks: Dict[str, None] = {}
    for node in ast.walk(function):
        if not isinstance(node, ast.Compare):
            continue
        looks_into = any(isinstance(operator, (ast.In, ast.NotIn)) for operator in node.ops)
        for side in (node.left, *node.comparators):
            value = _value_of(side, scope)
            if isinstance(value, str) and looks_into:
                marks.update(dict.fromkeys(value if len(value) < MAX_WORD else value[:3]))
            marks.update(dict.fromkeys(_short_members(value)))
    return list(marks)[:MAX_MARKS]


def _value_of(side: ast.expr, scope: Scope) -> Any:
    """What a side of a comparison is: a literal, or what its name means in the module or class."""
    if isinstance(side, ast.Name):
        return scope.get(side.id)
    if isinstance(side, ast.Attribute):
        return scope.get(f".{side.attr}")
    return side.value if isinstance(side, ast.Constant) else None


def _short_members(value: Any) -> List[str]:
    """The short texts that a container holds; a short text itself."""
    members = value if isinstance(value, _CONTAINERS) else [value]
    texts = [member for member in members if isinstance(member, str)]
    if isinstance(value, _CONTAINERS):
        texts.sort()
    return [text for text in texts[:12] if 0 < len(text) < MAX_WORD]


def _with_marks(marks: List[str]) -> List[str]:
    """A mark between letters, before and after them; a word between words."""
    texts = []
    for mark in marks:
        if mark.isalpha() and len(mark) > 1:
            texts += [f"ab {mark} cd", f"{mark} cd", f"ab {mark}"]
        else:
            texts += [f"a{mark}b", f"{mark}a", f"a{mark}"]
    return texts


def _patterns(function: ast.AST, scope: Scope) -> List[str]:
    """The texts of the regular expressions that a function uses by name or by literal."""
    patterns: Dict[str, None] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            patterns.update(dict.fromkeys(_compiled_patterns(scope.get(node.id))))
        elif isinstance(node, ast.Call) and _is_call_of_re(node):
            text = getattr(node.args[0], "value", None) if node.args else None
            if isinstance(text, str):
                patterns[text] = None
    return list(patterns)[:MAX_PATTERNS]


def _is_call_of_re(node: ast.Call) -> bool:
    if not isinstance(node.func, ast.Attribute) or node.func.attr not in MATCHING:
        return False
    return getattr(node.func.value, "id", "") == "re"


def _compiled_patterns(value: Any) -> List[str]:
    """The text of a compiled pattern, or of those in a list or tuple."""
    values = list(value)[:40] if isinstance(value, (list, tuple)) else [value]
    compiled = [one.pattern for one in values if isinstance(one, re.Pattern)]
    return [pattern for pattern in compiled if isinstance(pattern, str)]


def matches(function: ast.AST, literals: List[Expression]) -> List[Expression]:
    """Matches of a regular expression, with the groups that a function asks for."""
    groups = _groups(function)
    names = [group for group in dict.fromkeys(groups) if isinstance(group, str)]
    count = max([group for group in groups if isinstance(group, int)], default=0)
    parts = [f"(?P<{name}>.+)" for name in names] or ["(.+)"] * max(1, count)
    numbers = [one.text for one in literals if one.text.lstrip("-").isdigit()]
    expressions = []
    for text in dict.fromkeys(["7", "abc", "ABC", *numbers, "12ab", "-", "1.5"]):
        call = f"fullmatch({' '.join(parts)!r}, {' '.join([text] * len(parts))!r})"
        expressions.append(Expression(call, (("fullmatch", "re"),)))
    return expressions


def _groups(function: ast.AST) -> List[Any]:
    """The numbers and names in match.group(...) and match[...]."""
    groups: List[Any] = []
    for node in ast.walk(function):
        keys: List[ast.expr] = []
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "group":
            keys = node.args
        elif isinstance(node, ast.Subscript):
            keys = [node.slice]
        values = [getattr(key, "value", None) for key in keys]
        groups += [value for value in values if type(value) in (int, str)]
    return groups
