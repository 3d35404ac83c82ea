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


def parse_json(text: str) -> Any:
    """Read JSON, also when it stands in a fenced block or has raw newlines in its strings.

    Raises:
        ValueError: It is no JSON.
    """
    fenced = _FENCED.match(text)
    return json.loads(fenced[1] if fenced else text, strict=False)


def schema_problem(value: object, schema: Json, name: str = "the answer") -> str:
    """Say what in a value contradicts a schema, or "".

    Knows the part of JSON Schema that Ollama's grammars keep: type, enum, properties, required,
    items, additionalProperties (false by default, as in llama.cpp), and the bounds of strings,
    lists and numbers.

    Args:
        value: The value.
        schema: The JSON schema.
        name: What the value is called in the answer.
    """
    if "enum" in schema and value not in schema["enum"]:
        return f"{name} must be one of {schema['enum']}"
    kind = schema.get("type")
    if kind and not _is(value, kind):
        return f"{name} must be of type {kind}"
    if isinstance(value, dict):
        return _object_problem(value, schema, name)
    if isinstance(value, list):
        return _list_problem(value, schema, name)
    return _bounds_problem(value, schema, name)


def _is(value: object, kind: str) -> bool:
    if isinstance(value, bool) and kind != "boolean":
        return False
    return isinstance(value, _TYPES[kind])


def _object_problem(value: Json, schema: Json, name: str) -> str:
    properties: Json = schema.get("properties", {})
    for key in schema.get("required", ()):
        if key not in value:
            return f"{name} lacks {key!r}"
    for key, part in value.items():
        if key in properties:
            if problem := schema_problem(part, properties[key], f"{name}[{key!r}]"):
                return problem
        elif properties and not schema.get("additionalProperties", False):
            return f"{name} has the unknown key {key!r}"
    return ""


def _list_problem(value: list[Any], schema: Json, name: str) -> str:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        return f"{name} has {len(value)} items"
    items = schema.get("items", {})
    for number, part in enumerate(value):
        if problem := schema_problem(part, items, f"{name}[{number}]"):
            return problem
    return ""


def _bounds_problem(value: object, schema: Json, name: str) -> str:
    if isinstance(value, str):
        length = len(value)
        if not schema.get("minLength", 0) <= length <= schema.get("maxLength", length):
            return f"{name} is {length} characters long"
    elif isinstance(value, int | float) and not isinstance(value, bool):
        within = schema.get("minimum", value) <= value <= schema.get("maximum", value)
        return "" if within else f"{name} is out of bounds"
    return ""
