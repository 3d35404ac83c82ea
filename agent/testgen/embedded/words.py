"""Words for values, as parts of the name of a test."""

from __future__ import annotations

import ast
import re

MAX_ITEMS = 5
MAX_SLUG = 30
_MAX_TEXT = 34
_FIXED = {
    '""': "empty_text",
    'float("nan")': "nan",
    'float("inf")': "infinity",
    'float("-inf")': "minus_infinity",
    "0": "zero",
    "0.0": "zero",
}
_EMPTY = ("[]", "{}", "()", "set()")
_FILES = {"missing": "a_missing_file", "empty": "an_empty_file"}


def snake(name: str) -> str:
    """CamelCase as snake_case."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def slug(text: str) -> str:
    """Letters and digits of a short text joined by underscores; empty when it is no short text."""
    if len(text) > _MAX_TEXT or text[:1] in "[{(":
        return ""
    text = re.sub(r"^b(?=[\"'])", "", text)
    words = re.findall(r"[a-z0-9]+", re.sub(r"\\[a-z]", " ", text).lower())
    joined = "_".join(words)
    return joined if len(joined) <= MAX_SLUG else ""


def quoted_words(text: str) -> list[str]:
    """The texts in double quotes of a list's text."""
    return re.findall(r'"([^"]*)"', text)


def noun(text: str) -> str:
    """What kind of thing a literal is: a_list, a_text, a_timedelta."""
    try:
        node = ast.parse(text, mode="eval").body
    except SyntaxError:
        return "its_result"
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return "one_item" if len(node.elts) == 1 else f"{len(node.elts)}_items"
    if isinstance(node, ast.Dict):
        return "one_entry" if len(node.keys) == 1 else f"{len(node.keys)}_entries"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return f"a_{snake(node.func.id)}"
    return "this_text" if isinstance(node, ast.Constant) and node.value else "its_result"


def describe(text: str, name: str) -> str:
    """A few words for an input: empty_text, negative_amount, nan, hello_world.

    Args:
        text: The input as it stands in the test.
        name: The parameter's name.
    """
    if text in _FIXED:
        return _FIXED[text]
    if text in _EMPTY:
        return f"empty_{name}".strip("_")
    if text == "None":
        return f"no_{name}".strip("_")
    if text in ("True", "False"):
        return f"{name}_{text.lower()}"
    if re.fullmatch(r"-?[\d.e+]+", text):
        return _number(text, name.strip("_"))
    if text in ("tmp_path", "str(tmp_path)"):
        return "a_folder"
    if text.startswith("tmp_path"):
        return _file(text)
    if re.match(r"[A-Z]\w*\(|lambda ", text):
        return name.strip("_")
    return slug(text) or _items(text) or name.strip("_")


def _number(text: str, name: str) -> str:
    """A number beside its parameter where that has a name: window_3; minus_2_5 of one below 0."""
    if text.startswith("-"):
        return f"minus_{slug(text)}"
    return f"{name}_{slug(text)}" if len(name) > 1 else slug(text)


def _file(text: str) -> str:
    stem = text.split('"')[1].split(".")[0]
    kind = text.rsplit(".", 1)[-1].strip('"')
    return _FILES.get(stem, f"a_{kind}_file")


def _items(text: str) -> str:
    """The items of a short display, joined: abc_max_3 of ["abc", "--max", "3"]."""
    if text[:1] not in "[{(":
        return ""
    try:
        node = ast.parse(text, mode="eval").body
    except SyntaxError:
        return ""
    values = []
    for part in _parts(node):
        if not isinstance(part, ast.Constant):
            return ""
        values.append(str(part.value))
    return slug(" ".join(values)) if 0 < len(values) <= MAX_ITEMS else ""


def _parts(node: ast.expr) -> list[ast.expr | None]:
    if isinstance(node, ast.Dict):
        return [part for pair in zip(node.keys, node.values, strict=True) for part in pair]
    return list(getattr(node, "elts", []))
