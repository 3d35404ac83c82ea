"""Strings that fit what a function does with its text: separators, endings, regular expressions."""

from __future__ import annotations

import ast
import re
from typing import Any

from .expressions import Expression

try:
    from re import _parser as _regex  # type: ignore[attr-defined]
except ImportError:  # before Python 3.11
    import sre_parse as _regex

MAX_TEXTS = 80
_SEPARATING = {"split", "rsplit", "partition", "rpartition", "count", "find", "index", "join"}
_WORDS = ("a", "1", "2", "3", "b", "4")
MATCHING = {
    "match",
    "fullmatch",
    "search",
    "findall",
    "finditer",
    "sub",
    "split",
    "subn",
    "compile",
}


def fitting_texts(function: ast.AST, scope: dict[str, Any]) -> list[str]:
    """Strings made of the separators, prefixes, suffixes and patterns that a function names.

    Args:
        function: The function's syntax tree.
        scope: Its module's globals, where compiled patterns are looked up.
    """
    named = _named(function)
    separators: dict[str, None] = {}
    endings: dict[str, None] = {}
    beginnings: dict[str, None] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            method = node.func.attr
            words = [
                n.value
                for part in (*node.args[:1], *([node.func.value] if method == "join" else []))
                for n in (named.get(getattr(m, "id", ""), m) for m in ast.walk(part))
                if isinstance(n, ast.Constant) and isinstance(n.value, str) and len(n.value) < 12
            ]
            chosen = (
                separators if method in _SEPARATING
                else endings if method in ("endswith", "removesuffix")
                else beginnings if method in ("startswith", "removeprefix")
                else {}
            )  # fmt: skip
            chosen.update(dict.fromkeys(words))
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn)):
            left = named.get(getattr(node.left, "id", ""), node.left)
            asked = getattr(left, "value", None)
            if isinstance(asked, str):
                separators[asked] = None
    found = _composed(list(separators), list(beginnings), list(endings))
    found += _embedded(marks_of(function, scope))
    if _asks_for_letters(function):
        found += ["na\xefve caf\xe9", "e\u0301te\u0301 1", "\u4f60\u597d", "\xdf\u0130\xbd"]
    for pattern in _patterns(function, scope):
        found += samples(pattern)
    return list(dict.fromkeys(text for text in found if len(text) <= 80))[:MAX_TEXTS]


_LETTERS = {"isascii", "isalnum", "isalpha", "category", "normalize", "combining", "unidecode"}


def _asks_for_letters(function: ast.AST) -> bool:
    """Whether a function looks at characters beyond ASCII."""
    return any(getattr(node, "attr", "") in _LETTERS for node in ast.walk(function))


def marks_of(function: ast.AST, scope: dict[str, Any]) -> list[str]:
    """Short texts that may stand within a longer one: literals that the function compares with,
    and what the constants hold that it looks into.
    """
    found: dict[str, None] = {}
    for node in ast.walk(function):
        if not isinstance(node, ast.Compare):
            continue
        for side in (node.left, *node.comparators):
            value = getattr(side, "value", None) if isinstance(side, ast.Constant) else None
            if isinstance(side, ast.Name):
                value = scope.get(side.id)
            elif isinstance(side, ast.Attribute):
                value = scope.get(f".{side.attr}")
            if isinstance(value, str) and any(isinstance(o, (ast.In, ast.NotIn)) for o in node.ops):
                found.update(dict.fromkeys(value if len(value) < 12 else value[:3]))
            members = sorted(filter(_is_text, value)) if isinstance(value, _HOLDERS) else [value]
            texts = [str(m) for m in members[:12] if _is_text(m)]
            found.update(dict.fromkeys(text for text in texts if 0 < len(text) < 12))
    return list(found)[:16]


_HOLDERS = (set, frozenset, list, tuple, dict)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _embedded(marks: list[str]) -> list[str]:
    """A mark between letters, before and after them; a word between words."""
    found = []
    for mark in marks:
        if mark.isalpha() and len(mark) > 1:
            found += [f"ab {mark} cd", f"{mark} cd", f"ab {mark}"]
        else:
            found += [f"a{mark}b", f"{mark}a", f"a{mark}"]
    return found


def _named(function: ast.AST) -> dict[str, ast.expr]:
    """The names that a function gives to texts."""
    found: dict[str, ast.expr] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(getattr(node.value, "value", None), str):
            found.update({getattr(target, "id", ""): node.value for target in node.targets})
    found.pop("", None)
    return found


def _composed(separators: list[str], beginnings: list[str], endings: list[str]) -> list[str]:
    bodies = [s.join(_WORDS[:count]) for count in (2, 3, 5, 6, 4) for s in separators if s]
    if beginnings or endings:
        bodies = ["abc", *bodies]
    found = list(bodies) if separators else []
    found += [b + body for body in bodies for b in beginnings]
    found += [body + e for body in bodies for e in endings]
    return found[: MAX_TEXTS // 2]


def _patterns(function: ast.AST, scope: dict[str, Any]) -> list[str]:
    """The texts of the regular expressions that a function uses by name or by literal."""
    found: dict[str, None] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            patterns = [v for v in _values(scope.get(node.id)) if isinstance(v, re.Pattern)]
            found.update((p.pattern, None) for p in patterns if isinstance(p.pattern, str))
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in MATCHING:
            first = node.args[0] if node.args else None
            named = getattr(getattr(node.func, "value", None), "id", "") == "re"
            if named and isinstance(first, ast.Constant) and isinstance(first.value, str):
                found[first.value] = None
    return list(found)[:20]


def _values(value: Any) -> list[Any]:
    return list(value)[:40] if isinstance(value, (list, tuple)) else [value]


def samples(pattern: str) -> list[str]:
    """A short and a longer text that a regular expression is likely to match.

    The parsed pattern is walked once taking the fewest repetitions and the first branch, once
    taking more and the last; look-arounds are ignored, so a sample is only a good guess.
    """
    try:
        parsed = _regex.parse(pattern)
        return [_sample(parsed, least, {}) for least in (True, False)]
    except (re.error, RecursionError, ValueError, OverflowError):
        return []


def _sample(items: Any, least: bool, groups: dict[int, str]) -> str:
    return "".join(_sample_one(str(code), value, least, groups) for code, value in items)


def _sample_one(code: str, value: Any, least: bool, groups: dict[int, str]) -> str:
    if code == "LITERAL":
        return chr(value)
    if code == "ANY":
        return "x"
    if code == "NOT_LITERAL":
        return "a" if chr(value) != "a" else "b"
    if code == "IN":
        return _one_of(value)
    if code in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        low, high, inner = value
        times = low if least else min(int(high), low + 2)
        return "".join(_sample(inner, least, groups) for _ in range(min(times, 8)))
    if code == "SUBPATTERN":
        text = _sample(value[-1], least, groups)
        if value[0] is not None:
            groups[value[0]] = text
        return text
    if code == "BRANCH":
        return _sample(value[1][0 if least else -1], least, groups)
    if code == "GROUPREF":
        return groups.get(value, "")
    if code == "ATOMIC_GROUP":
        return _sample(value, least, groups)
    return ""  # positions and look-arounds match no text


_CATEGORIES = {"CATEGORY_DIGIT": "7", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "w"}


def _one_of(choices: Any) -> str:
    """One character of a set: the first it names, or one that a negated set does not hold."""
    refused = {str(code) for code, _ in choices[:1]} == {"NEGATE"}
    if refused:
        named = _members(choices[1:])
        return next((c for c in "ab1- " if c not in named), "~")
    return next(iter(_members(choices)), "-")


def _members(choices: Any) -> list[str]:
    found: list[str] = []
    for code, value in choices:
        if str(code) == "LITERAL":
            found.append(chr(value))
        elif str(code) == "RANGE":
            found += [chr(c) for c in range(value[0], min(value[1], value[0] + 200) + 1)]
        elif str(code) == "CATEGORY":
            found.append(_CATEGORIES.get(str(value), "-"))
    return found


def matches(function: ast.AST, literals: list[Expression]) -> list[Expression]:
    """Matches of a regular expression, with the groups that a function asks for."""
    groups: list[int | str] = []
    for node in ast.walk(function):
        asked: list[ast.expr] = []
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "group":
            asked = node.args
        elif isinstance(node, ast.Subscript):
            asked = [node.slice]
        values = [getattr(a, "value", None) for a in asked]
        groups += [v for v in values if isinstance(v, (int, str)) and not isinstance(v, bool)]
    names = [g for g in dict.fromkeys(groups) if isinstance(g, str)]
    count = max([g for g in groups if isinstance(g, int)], default=0)
    parts = [f"(?P<{name}>.+)" for name in names] or ["(.+)"] * max(1, count)
    numbers = [e.text for e in literals if e.text.lstrip("-").isdigit()]
    texts = ["7", "abc", "ABC", *numbers, "12ab", "-", "1.5"]
    return [
        Expression(
            f"fullmatch({' '.join(parts)!r}, {' '.join([text] * len(parts))!r})",
            (("fullmatch", "re"),),
        )
        for text in dict.fromkeys(texts)
    ]


def command_lines(tree: ast.AST, texts: list[str]) -> list[list[str]]:
    """Lists of arguments for a parser that a module builds with argparse: what it has to be
    given, then each option alone and beside that, then the options of two kinds together.
    """
    texts = [text for text in texts if len(text) < 20 and not text.startswith("-")]
    least: list[str] = []
    options: list[list[str]] = []
    found: list[list[str]] = []
    for node in ast.walk(tree):
        called = getattr(getattr(node, "func", None), "attr", "")
        if not isinstance(node, ast.Call) or called not in ("add_argument", "add_parser"):
            continue
        names = [a.value for a in node.args if isinstance(a, ast.Constant)]
        words = {k.arg: k.value for k in node.keywords}
        flags = [name for name in names if isinstance(name, str) and name.startswith("-")]
        if called == "add_parser":
            found += [[str(name)] for name in names[:1]]
        elif not flags and getattr(words.get("nargs"), "value", "") not in ("*", "?"):
            least.append(_argument(words, "abc"))
        elif flags:
            action = str(getattr(words.get("action"), "value", ""))
            bare = action.startswith(("store_", "count", "version", "help"))
            free = not bare and "choices" not in words and "type" not in words
            values = [_argument(words, "3"), *(texts[:3] if free else [])]
            options += [[flags[-1]]] if bare else [[flags[-1], value] for value in values]
    found = [[*one, *least] for one in found or [[]]]
    plain = found[0] or ["abc"]
    both = [[*plain, *one, *other] for one, other in zip(options, options[1:])]
    alone = [row for one in options for row in ([*plain, *one], one)]
    return [plain, *found[1:], *alone, *both][:80]


def _argument(words: dict[str | None, ast.expr], plain: str) -> str:
    """A word for an argument: its first choice, a number where it wants one."""
    choices = getattr(words.get("choices"), "elts", [])
    chosen = getattr(choices[0], "value", None) if choices else None
    if chosen is not None:
        return str(chosen)
    return "3" if getattr(words.get("type"), "id", "") in ("int", "float") else plain
