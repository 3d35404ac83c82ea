"""Whether an answer has the shape that was asked for."""

from __future__ import annotations

import json
import re
from typing import Any

from copydesk.agent.records import Json

_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
_FENCED = re.compile(r"\A\s*```\w*\s*\n(.*?)\n?\s*```\s*\Z", re.S)


def loads(text: str) -> Any:
    """Read JSON, also when it stands in a fenced block or has raw newlines in its strings.

    Raises:
        ValueError: It is no JSON.
    """
    fenced = _FENCED.match(text)
    return json.loads(fenced[1] if fenced else text, strict=False)


def problem(value: object, schema: Json, place: str = "the answer") -> str:
    """Say what in a value contradicts a schema, or "".

    Knows the part of JSON Schema that Ollama's grammars keep: type, enum, properties, required,
    items, additionalProperties (false by default, as in llama.cpp), and the bounds of strings,
    lists and numbers.
    """
    if "enum" in schema and value not in schema["enum"]:
        return f"{place} must be one of {schema['enum']}"
    kind = schema.get("type")
    if kind and not _is(value, kind):
        return f"{place} must be of type {kind}"
    if isinstance(value, dict):
        return _object(value, schema, place)
    if isinstance(value, list):
        return _list(value, schema, place)
    return _bounds(value, schema, place)


def _is(value: object, kind: str) -> bool:
    if isinstance(value, bool) and kind != "boolean":
        return False
    return isinstance(value, _TYPES[kind])


def _object(value: Json, schema: Json, place: str) -> str:
    known: Json = schema.get("properties", {})
    for key in schema.get("required", ()):
        if key not in value:
            return f"{place} lacks {key!r}"
    for key, part in value.items():
        if key not in known:
            if known and not schema.get("additionalProperties", False):
                return f"{place} has the unknown key {key!r}"
        elif wrong := problem(part, known[key], f"{place}[{key!r}]"):
            return wrong
    return ""


def _list(value: list[Any], schema: Json, place: str) -> str:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        return f"{place} has {len(value)} items"
    items = schema.get("items", {})
    wrongs = (problem(part, items, f"{place}[{n}]") for n, part in enumerate(value))
    return next((wrong for wrong in wrongs if wrong), "")


def _bounds(value: object, schema: Json, place: str) -> str:
    if isinstance(value, str):
        length = len(value)
        if not schema.get("minLength", 0) <= length <= schema.get("maxLength", length):
            return f"{place} is {length} characters long"
    elif isinstance(value, int | float) and not isinstance(value, bool):
        within = schema.get("minimum", value) <= value <= schema.get("maximum", value)
        return "" if within else f"{place} is out of bounds"
    return ""
