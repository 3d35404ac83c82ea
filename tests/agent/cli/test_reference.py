import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from copydesk.agent.cli import reference

TOP = Path(__file__).parents[3]
COMMANDS = {name: (command, context) for name, command, context in reference.commands()}
READING = (
    "status",
    "wait",
    "measure",
    "coverage",
    "gaps",
    "drafts",
    "show",
    "log",
    "config",
    "predict",
    "train",
)


def test_the_page_is_current() -> None:
    page = (TOP / "docs/reference/cli.md").read_text("utf-8")
    assert page == reference.page(), (
        "run: python -m copydesk.agent.cli.reference > docs/reference/cli.md"
    )


def test_the_page_is_what_the_module_prints() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "copydesk.agent.cli.reference"], capture_output=True, check=True
    )
    assert said.stdout.decode() == reference.page()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str) -> None:
    command = COMMANDS[name][0]
    assert command.help
    assert command.help[0].isupper()
    assert command.help.split("\n\n")[0].rstrip().endswith(".")
    assert command.epilog
    assert command.epilog.startswith("\b\nExamples:\n")
    assert re.search(rf"\b{re.escape(name)}\b", command.epilog)
    for parameter in command.params:
        assert not isinstance(parameter, click.Option) or parameter.help, parameter.name


@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_eighty_columns_and_keeps_its_examples(name: str) -> None:
    context = COMMANDS[name][1]
    context.terminal_width = 80
    said = context.command.get_help(context)
    assert max(map(len, said.splitlines())) <= 100, "only an example may be long"
    epilog = (context.command.epilog or "").split("\n")[2:]
    assert all(line.strip() in said for line in epilog)


@pytest.mark.parametrize("name", READING)
def test_every_reading_command_takes_json(name: str) -> None:
    command = COMMANDS[f"copydesk {name}"][0]
    assert any("--json" in parameter.opts for parameter in command.params)


def _sources() -> Iterator[Path]:
    for room in ("agent", "hooks", "predictor"):
        yield from (TOP / room).rglob("*.py")


def _slugs() -> dict[str, str]:
    """Every slug in the sources, with the file that uses it."""
    found = {}
    for path in _sources():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.keyword)
                and node.arg == "slug"
                and isinstance(node.value, ast.Constant)
            ):
                found[str(node.value.value)] = str(path.relative_to(TOP))
    return found


def test_every_message_has_its_heading_and_every_heading_its_message() -> None:
    page = (TOP / "docs/reference/messages.md").read_text("utf-8")
    headings = re.findall(r"^### (.+)$", page, re.MULTILINE)
    assert len(headings) == len(set(headings))
    slugs = _slugs()
    assert "not-a-repository" in slugs
    assert {s: f for s, f in slugs.items() if s not in headings} == {}
    assert set(headings) - slugs.keys() == set()
    for section in re.split(r"^### ", page, flags=re.MULTILINE)[1:]:
        words = re.findall(r"^- \*\*(\w+)\.\*\* \S", section, re.MULTILINE)
        assert words == ["Symptom", "Cause", "Cure"], section.splitlines()[0]


def test_commands_that_the_messages_name_exist() -> None:
    page = (TOP / "docs/reference/messages.md").read_text("utf-8")
    named = re.findall(r"`(copydesk(?: [a-z]+)?)", page)
    assert named
    assert set(named) <= COMMANDS.keys()
