"""What `accept` places is written as the project's own formatter writes it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.git import repository
from copydesk.agent.records import Draft, Target
from copydesk.agent.testgen.accept.formatter import format_placement, formatters
from copydesk.agent.testgen.accept.placement import Placement, place_draft

CALC = "def add(a, b):\n    return a + b\n"
SINGLE = '[tool.ruff.format]\nquote-style = "single"\n[tool.ruff.lint]\nselect = ["I"]\n'
DRAFT = """\
import pytest
from calc import add
import math


@pytest.mark.parametrize(("a", "b", "total"), [(1, 2, 3), (math.inf, 1, math.inf)])
def test_add(a, b, total):
    assert add(a, b) == total, "wrong"
"""
SORTED = "import math\n\nimport pytest\n\nfrom calc import add\n"

Place = Callable[..., tuple[Placement, str]]


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, ()),
        ({"pyproject.toml": "[tool.ruff]\nline-length = 79\n"}, ()),
        ({"pyproject.toml": SINGLE}, ("ruff import sorting", "ruff format")),
        ({"ruff.toml": 'select = ["ALL"]\n[format]\n'}, ("ruff import sorting", "ruff format")),
        ({"pyproject.toml": "[tool.isort]\n[tool.black]\n"}, ("isort", "black")),
        ({"setup.cfg": "[yapf]\n", ".isort.cfg": ""}, ("isort", "yapf")),
        ({"tox.ini": "[autopep8]\n", ".style.yapf": ""}, ("yapf", "autopep8")),
        ({".pre-commit-config.yaml": "  - id: black\n    - id: 'ruff-format'\n"},
         ("ruff format", "black")),
        ({"pyproject.toml": "no = toml = ", "setup.cfg": "x"}, ()),
    ],
)  # fmt: skip
def test_the_configuration_names_the_formatter(
    tmp_path: Path, files: dict[str, str], found: tuple[str, ...]
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert formatters(tmp_path) == found


@pytest.fixture
def place(repo: Path, commit: Callable[..., str]) -> Place:
    def go(tests: str | None, settings: str = SINGLE) -> tuple[Placement, str]:
        files = {"calc.py": CALC, "pyproject.toml": settings}
        sha = commit(repo, files if tests is None else {**files, "test_calc.py": tests})
        found = repository.find(repo)
        repository.set_config(found, "copydesk.python", sys.executable)
        repository.set_config(found, "copydesk.sandbox", "off")
        draft = Draft(
            1, "test", "ready", sha, "t", "m", "test_calc.py", DRAFT, Target("calc.py", "add", (2,))
        )
        return format_placement(found, draft, place_draft(draft, repo))

    return go


def test_a_new_file_is_formatted_whole(place: Place) -> None:
    placed, said = place(None)
    assert said == "formatted by ruff import sorting, ruff format"
    assert placed.old_text is None
    assert placed.new_text.startswith(SORTED)
    assert "@pytest.mark.parametrize(('a', 'b', 'total')" in placed.new_text
    assert "'wrong'" in placed.new_text


def test_a_file_in_good_order_stays_so(place: Place) -> None:
    old = "from calc import add\n\n\ndef test_small():\n    assert add(1, 1) == 2\n"
    placed, said = place(old)
    assert said.startswith("formatted by")
    assert placed.new_text.startswith(SORTED + "\n\ndef test_small():\n    assert add(1, 1) == 2\n")
    assert "'wrong'" in placed.new_text


def test_of_a_file_in_another_style_only_the_draft_changes(place: Place) -> None:
    old = 'from calc import add\n\ndef test_small():\n    assert   add(1, 1) == 2, "small"\n'
    placed, said = place(old)
    assert said.startswith("formatted by")
    assert 'def test_small():\n    assert   add(1, 1) == 2, "small"\n' in placed.new_text
    assert "'wrong'" in placed.new_text


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("[tool.autopep8]\n", "not formatted: autopep8 did not run in the project's environment"),
        ('[tool.ruff.format]\nquote-style = "none"\n', "not formatted: ruff format did not run"),
        ("[tool.other]\n", ""),
    ],
    ids=["not installed", "wrong settings", "none"],
)
def test_what_cannot_be_formatted_is_placed_as_it_is(
    place: Place, settings: str, said: str
) -> None:
    placed, reason = place(None, settings)
    assert placed.new_text == DRAFT
    assert reason.startswith(said)
    assert bool(reason) == bool(said)


def test_a_tree_that_cannot_be_run_in_stops_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unready(*_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr("copydesk.agent.testgen.accept.formatter.open_workspace", unready)
    assert place(None)[1] == "not formatted: no room"
