from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from copydesk.agent.cli import json_schemas, reference

FOLDER = Path(__file__).parents[3] / "docs" / "reference" / "json"


@pytest.mark.parametrize("command", json_schemas.SCHEMAS)
def test_the_published_file_is_current(command: str) -> None:
    text = (FOLDER / json_schemas.file_name(command)).read_text("utf-8")
    assert text == json_schemas.file_text(command), (
        "run: python -m copydesk.agent.cli.json_schemas docs/reference/json"
    )
    jsonschema.Draft202012Validator.check_schema(json.loads(text))


def test_no_other_file_is_published() -> None:
    names = {json_schemas.file_name(command) for command in json_schemas.SCHEMAS}
    assert {path.name for path in FOLDER.glob("*.json")} == names


def test_each_schema_is_of_a_command_that_prints_json() -> None:
    takes_json = {
        name.removeprefix("copydesk ")
        for name, command, _ in reference.commands()
        if any("--json" in parameter.opts for parameter in command.params)
    }
    assert {name.partition(" --")[0] for name in json_schemas.SCHEMAS} <= takes_json


def test_a_schema_is_printed_anywhere(run: Any, tmp_path: Path) -> None:
    done = run(tmp_path, "help", "--schema", "log --failures")
    assert json.loads(done.output) == json_schemas.schema("log --failures")
    done = run(tmp_path, "help", "--schema", "statsu")
    assert done.exit_code == 2
    assert "Did you mean 'status'?" in done.output


def test_an_answer_without_a_promised_key_is_told() -> None:
    validator = jsonschema.Draft202012Validator(json_schemas.schema("wait"))
    queue = {"ready": 0, "running": 0, "done": 1, "failed": 0}
    assert validator.is_valid({"done": True, "queue": queue, "failures": [], "more": 1})
    assert not validator.is_valid({"done": True, "queue": queue})
    assert not validator.is_valid({"done": True, "queue": {**queue, "done": "1"}, "failures": []})
