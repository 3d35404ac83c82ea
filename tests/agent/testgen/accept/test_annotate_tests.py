"""Drafts of projects whose tests have annotations."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from copydesk.agent.testgen.accept.annotate_tests import (
    annotate,
    are_annotated,
    project_annotates,
)

TYPED = "def test_a() -> None:\n    assert True\n\n\ndef helper():\n    return 1\n"
UNTYPED = "def test_a():\n    assert True\n"

DRAFT = """import asyncio

import pytest

from shop import price, save


async def collect(items):
    return [item async for item in items]


@pytest.mark.parametrize(
    ("amount", "tax", "label", "rows", "expected"),
    [
        (1, 0.5, None, [1], "a"),
        (2, 1, "x", [], "b"),
    ],
)
def test_price(amount, tax, label, rows, expected):
    assert price(amount, tax, label, rows) == expected


def test_save(tmp_path, monkeypatch, capsys):
    (tmp_path / "a.txt").write_text("a")
    monkeypatch.chdir(tmp_path)
    assert save(tmp_path / "a.txt") is None


def test_empty():
    assert price() == 0
"""

ANNOTATED = """from pathlib import Path
from typing import Any
import asyncio

import pytest

from shop import price, save


async def collect(items: Any) -> Any:
    return [item async for item in items]


@pytest.mark.parametrize(
    ("amount", "tax", "label", "rows", "expected"),
    [
        (1, 0.5, None, [1], "a"),
        (2, 1, "x", [], "b"),
    ],
)
def test_price(
    amount: int,
    tax: float,
    label: str | None,
    rows: Any,
    expected: str,
) -> None:
    assert price(amount, tax, label, rows) == expected


def test_save(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "a.txt").write_text("a")
    monkeypatch.chdir(tmp_path)
    assert save(tmp_path / "a.txt") is None


def test_empty() -> None:
    assert price() == 0
"""


def test_a_draft_gets_the_types_of_its_parameters() -> None:
    assert annotate(DRAFT) == ANNOTATED
    assert annotate(ANNOTATED) == ANNOTATED


def test_what_is_named_is_imported() -> None:
    draft = "from shop import save\n\n\ndef test_save(monkeypatch):\n    save()\n"
    assert annotate(draft).startswith("import pytest\n\nfrom shop import save\n")
    draft = "def test_save(tmp_path, caplog):\n    save()\n"
    assert annotate(draft).startswith("from pathlib import Path\n\nimport pytest\n\ndef test_save(")


def test_methods_and_drafts_that_do_not_parse_are_left_whole() -> None:
    method = "class TestSave:\n    def test_a(self):\n        assert 1\n"
    assert "def test_a(self) -> None:" in annotate(method)
    assert annotate("def test(:\n") == "def test(:\n"
    one_line = "def test_a(): assert 1\n"
    assert annotate(one_line) == one_line


@pytest.mark.parametrize(
    ("text", "expected"),
    [(TYPED, True), (UNTYPED, False), ("x = 1\n", None), ("def (", None)],
    ids=["typed", "untyped", "no tests", "no Python"],
)
def test_a_module_tells_whether_its_tests_are_annotated(text: str, expected: bool | None) -> None:
    assert are_annotated(text) is expected


def test_most_test_modules_decide_for_a_project(tmp_path: Path) -> None:
    assert project_annotates(tmp_path) is False
    (tmp_path / "test_a.py").write_text(TYPED)
    assert project_annotates(tmp_path) is True
    (tmp_path / "test_b.py").write_text(UNTYPED)
    assert project_annotates(tmp_path) is False
    (tmp_path / "test_c.py").write_text(TYPED)
    (tmp_path / "test_d.py").write_bytes(b"# coding: nonsense\n")
    assert project_annotates(tmp_path) is True


@pytest.mark.slow
def test_what_is_annotated_is_typed_strictly(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(
        "from typing import Any\n"
        "def price(amount: int = 1, tax: float = 1, label: Any = '', rows: Any = 0) -> Any:\n"
        "    return 0\n"
        "def save(path: Any) -> Any:\n    return None\n"
    )
    (tmp_path / "test_shop.py").write_text(annotate(DRAFT))
    command = [sys.executable, "-m", "mypy", "--strict", "test_shop.py"]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
