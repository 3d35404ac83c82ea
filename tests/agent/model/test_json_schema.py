"""The shape of an answer is judged as jsonschema judges it."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copydesk.agent.model.json_schema import parse_json, schema_problem

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 3},
        "n": {"type": "integer", "minimum": 0, "maximum": 9},
        "x": {"type": "number"},
        "kind": {"enum": ["a", "b"]},
        "tags": {"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 2},
        "free": {"type": "object"},
        "none": {"type": "null"},
    },
    "required": ["name"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ({"name": "a", "n": 3, "x": 1, "kind": "a", "tags": [True], "free": {"y": 1}}, ""),
        ([], "the answer must be of type object"),
        ({}, "the answer lacks 'name'"),
        ({"name": "a", "odd": 1}, "the answer has the unknown key 'odd'"),
        ({"name": ""}, "the answer['name'] is 0 characters long"),
        ({"name": "a", "n": 10}, "the answer['n'] is out of bounds"),
        ({"name": "a", "n": True}, "the answer['n'] must be of type integer"),
        ({"name": "a", "kind": "c"}, "the answer['kind'] must be one of ['a', 'b']"),
        ({"name": "a", "tags": []}, "the answer['tags'] has 0 items"),
        ({"name": "a", "tags": [True, 1]}, "the answer['tags'][1] must be of type boolean"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(value: object, wrong: str) -> None:
    assert schema_problem(value, SCHEMA) == wrong


def test_other_keys_may_be_allowed() -> None:
    assert schema_problem({"name": "a", "odd": 1}, SCHEMA | {"additionalProperties": True}) == ""


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 12) | st.floats(-2, 2) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*SCHEMA["properties"], "odd"]), inner, max_size=4)
    ),
    max_leaves=8,
)


def whole_float(value: object) -> bool:
    """1.0 is an integer for jsonschema, and a sign of a muddle for us."""
    if isinstance(value, dict):
        return any(map(whole_float, value.values()))
    if isinstance(value, list):
        return any(map(whole_float, value))
    return isinstance(value, float) and value.is_integer()


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(VALUES)
def test_it_agrees_with_jsonschema(value: object) -> None:
    if whole_float(value):
        return
    valid = jsonschema.Draft202012Validator(SCHEMA).is_valid(value)
    assert (schema_problem(value, SCHEMA) == "") is valid


@given(VALUES, st.sampled_from(["%s", "```json\n%s\n```", "\n```\n%s```\n"]))
def test_json_is_read_with_and_without_a_fence(value: object, frame: str) -> None:
    assert parse_json(frame % json.dumps(value)) == value


@pytest.mark.parametrize("text", ["", "no", "```json\n{\n```", '{"a": 1} and more'])
def test_what_is_no_json_is_said(text: str) -> None:
    with pytest.raises(ValueError):
        parse_json(text)
