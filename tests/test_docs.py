"""The pages that describe code are held against it."""

from __future__ import annotations

import ast
import dataclasses
import importlib.util
import re
from pathlib import Path

import pytest

from copydesk.agent import config

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(#[^)\s]*)?\)")


def test_the_schema_page_is_what_the_migrations_make() -> None:
    spec = importlib.util.spec_from_file_location("schema_page", DOCS / "schema.py")
    assert spec is not None
    assert spec.loader is not None
    schema = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(schema)
    assert schema.PAGE.read_text("utf-8") == schema.page(), "run: python docs/schema.py"


def test_every_key_is_documented_with_its_default() -> None:
    page = (DOCS / "reference" / "configuration.md").read_text("utf-8")
    rows = {
        cells[0].strip("` "): cells for cells in (r.split("|")[1:-1] for r in page.split("\n"))
        if len(cells) >= 3
    }  # fmt: skip
    for field in dataclasses.fields(config.Project):
        default = list(field.default) if isinstance(field.default, tuple) else field.default
        shown = {"''": '""', "True": "true"}.get(repr(default), repr(default))
        assert rows[field.name][1].strip() == f"`{shown}`", field.name
    for field in dataclasses.fields(config.Personal):
        assert rows[field.name][1].strip() == f"`{config.PERSONAL_KEYS[field.name]}`"
        if field.default:
            shown = str(field.default).lower() if field.default is True else str(field.default)
            assert rows[field.name][2].strip() == f"`{shown}`", field.name


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target, _ in LINK.findall(page.read_text("utf-8")):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), target


CODE_NAME = re.compile(r"`((?:agent|hooks|predictor)/[\w/]+\.py)(?:::([\w.]+))?`")


def _has(tree: ast.Module, name: str) -> bool:
    """Whether a module defines a class, function or method, named as Class.method."""
    body: list[ast.stmt] = tree.body
    for part in name.split("."):
        definitions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        found = [n for n in body if isinstance(n, definitions) and n.name == part]
        if not found:
            return False
        body = found[0].body
    return True


@pytest.mark.parametrize("page", ["a-commits-way.md", "rooms.md"])
def test_the_code_that_a_page_names_is_there(page: str) -> None:
    named = CODE_NAME.findall((DOCS / "explanation" / page).read_text("utf-8"))
    missing = []
    for path, name in named:
        file = ROOT / path
        if not file.is_file() or (name and not _has(ast.parse(file.read_text("utf-8")), name)):
            missing.append(f"{path}::{name}")
    assert not missing


@pytest.mark.parametrize("room", ["coverage", "testgen"])
def test_the_page_of_the_rooms_says_what_packages_import(room: str) -> None:
    page = (DOCS / "explanation" / "rooms.md").read_text("utf-8")
    section = page.partition(f"## The packages of {room}\n")[2].partition("\n## ")[0]
    rows = [row.split("|")[1:-1] for row in section.split("\n") if row.startswith("| `")]
    described = {cells[0].strip(" `"): set(re.findall(r"`(\w+)`", cells[3])) for cells in rows}
    imported: dict[str, set[str]] = {}
    prefix = f"copydesk.agent.{room}."
    for folder in sorted(p for p in (ROOT / "agent" / room).iterdir() if p.is_dir()):
        modules = {
            node.module
            for path in folder.rglob("*.py")
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(prefix)
        }
        packages = {module.removeprefix(prefix).partition(".")[0] for module in modules}
        if (folder / "__init__.py").is_file():
            imported[folder.name] = packages - {folder.name}
    assert described == imported
