"""Write docs/reference/schema.md from the migrations: `python docs/schema.py`."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from copydesk.agent.desk.migrations import migrate

PAGE = Path(__file__).parent / "reference" / "schema.md"
HEAD = """\
# The desk's database

`<git common dir>/copydesk/desk.db` is a SQLite database in WAL mode. Any SQLite tool can read it;
write to it through `copydesk` only. The views are made for looking at it and stay when the tables
behind them change.

This page is written by `python docs/schema.py` from `agent/desk/migrations.py`; a test compares.
"""


def page() -> str:
    """The page as it should be."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    migrate(db)
    entries: dict[str, list[tuple[str, str]]] = {"table": [], "view": []}
    for kind, name, sql in db.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE type IN ('table', 'view')"
        " AND name NOT IN (SELECT name FROM pragma_table_list WHERE type IN ('virtual', 'shadow'))"
        " ORDER BY rowid"
    ):
        if not name.startswith(("_", "sqlite_")):
            entries[kind].append((name, sql))
    parts = [HEAD, "## Views\n"]
    parts += [_entry(name, sql) for name, sql in entries["view"]]
    parts.append("## Tables\n")
    parts += [_entry(name, sql) for name, sql in entries["table"]]
    db.close()
    return "\n".join(parts)


def _entry(name: str, sql: str) -> str:
    """A table or view: its name, what a row is (its first comment), and how it is made."""
    lines = sql.split("\n")
    about = lines.pop(1).strip().removeprefix("-- ")
    body = "\n".join(line.rstrip() for line in lines)
    return f"### {name}\n\n{about}\n\n```sql\n{body}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
