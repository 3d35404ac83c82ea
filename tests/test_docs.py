"""The pages that describe code are held against it."""

from __future__ import annotations

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
        shown = {"()": "[]", "''": '""', "True": "true"}.get(
            repr(field.default), repr(field.default)
        )
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
