"""Real repositories with real commits, and the command line called inside them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from copydesk.agent.cli.json_schemas import SCHEMAS, schema
from copydesk.agent.cli.main import cli
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git import repository
from copydesk.agent.records import Draft, Target

SOURCE = '''\
"""Prices."""


def discount(price, percent):
    """The price after a discount."""
    if percent < 0:
        raise ValueError("no negative discounts")
    return price * (100 - percent) / 100


def label(price):
    """A price as shown."""
    if price == 0:
        return "free"
    return f"{price:.2f}"
'''
TEST = """\
from prices import discount


def test_discount():
    assert discount(100, 10) == 90
"""
DRAFT = """\
from prices import label


def test_label_of_0():
    assert label(0) == "free"
"""
EVIDENCE: dict[str, Any] = {
    "verdict": "verified",
    "tier": "full",
    "rungs": [
        {"name": "asserts", "passed": True, "detail": "1 test with assertions"},
        {"name": "mutants", "passed": True, "detail": "notices 3 of 4 mutants"},
    ],
    "tests": ["test_label_of_0"],
    "gained_lines": [13, 14],
    "gained_branches": [[13, 14], [15, -11]],
    "mutants_killed": 3,
    "mutants_total": 4,
    "survivors": ["line 15: `2` becomes `3`"],
    "notes": ["test_b was dropped: it adds nothing"],
    "recorded": ["test_label_of_0"],
    "seconds": 12.5,
}
FACTS = {
    "verdict": "checked",
    "facts": [{"id": "F1", "kind": "commit", "text": "Commit abc: prices."}],
    "problems": [],
}

Run = Callable[..., Result]
Process = Callable[..., subprocess.CompletedProcess[str]]


def _process(
    where: Path, *words: str, env: dict[str, str] | None = None, input: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "copydesk.agent.cli.main", *words],
        cwd=where,
        env=env,
        input=input,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def process() -> Process:
    """Run the command line as a process of its own: process(path, "status")."""
    return _process


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Call the command line in a folder: run(path, "status", "--json", input="y")."""

    def call(where: Path, *words: str, input: str | None = None) -> Result:
        monkeypatch.chdir(where)
        monkeypatch.delenv("COLUMNS", raising=False)
        result = CliRunner().invoke(cli, list(words), input=input, prog_name="copydesk")
        if "--json" in words and result.exit_code in (0, 1) and "--watch" not in words:
            _hold_against_schema(words, result.stdout)
        return result

    return call


def _hold_against_schema(words: Sequence[str], answer: str) -> None:
    """Every answer that a test gets is held against the schema that is published for it."""
    options = {word for word in words if word in ("--failures", "--model", "--predictions")}
    for name in (" ".join(words[:2]), " ".join([words[0], *options]), words[0]):
        if name in SCHEMAS:
            jsonschema.Draft202012Validator(schema(name)).validate(json.loads(answer))
            return


@pytest.fixture
def shop(repo: Path, commit: Callable[..., str], git: Callable[..., str]) -> Path:
    """A repository with a module half covered by its test, whose tests run with this Python."""
    git(repo, "config", "copydesk.python", sys.executable)
    git(repo, "config", "copydesk.sandbox", "off")
    commit(repo, {"prices.py": SOURCE, "test_prices.py": TEST}, "prices")
    return repo


@pytest.fixture
def add_test(shop: Path, git: Callable[..., str]) -> Callable[..., int]:
    """Put a test draft on the desk of the shop; returns its id."""

    def add(**changes: Any) -> int:
        values: dict[str, Any] = {
            "kind": "test",
            "state": "ready",
            "commit": git(shop, "rev-parse", "HEAD"),
            "title": "Tests for label in prices.py",
            "origin": "embedded",
            "path": "test_prices.py",
            "content": DRAFT,
            "target": Target("prices.py", "label", (13, 14, 15)),
            "evidence": EVIDENCE,
        }
        with open_desk(repository.find(shop).desk) as db:
            return db.drafts.add(Draft(**{"id": 0} | values | changes))

    return add


@pytest.fixture
def add_story(add_test: Callable[..., int]) -> Callable[..., int]:
    """Put a story on the desk of the shop; returns its id."""

    def add(**changes: Any) -> int:
        values = {
            "kind": "devlog",
            "title": "prices",
            "origin": "template",
            "path": "outbox/2026-01-01-abc.md",
            "content": "# prices\n\nCommit `abc` adds prices.[^F1]\n\n[^F1]: Commit abc.\n",
            "target": None,
            "evidence": FACTS,
        }
        return add_test(**values | changes)

    return add


@pytest.fixture(scope="session")
def measured_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One shop for the whole session with HEAD measured; nobody may change it."""
    top = tmp_path_factory.mktemp("measured")
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(top),
        "GIT_CONFIG_NOSYSTEM": "1",
        "OLLAMA_HOST": "127.0.0.1:9",
    }
    folder = top / "shop"
    folder.mkdir()
    (folder / "prices.py").write_text(SOURCE)
    (folder / "test_prices.py").write_text(TEST)
    for words in (
        ("init", "-q", "-b", "main"),
        ("config", "user.name", "Ada Author"),
        ("config", "user.email", "ada@example.com"),
        ("config", "copydesk.python", sys.executable),
        ("commit", "-q", "--allow-empty", "-m", "empty"),
        ("add", "-A"),
        ("commit", "-q", "-m", "prices"),
    ):
        subprocess.run(["git", *words], cwd=folder, env=environment, check=True)
    done = _process(folder, "measure", env=environment)
    assert done.returncode == 0, done.stderr
    return folder
