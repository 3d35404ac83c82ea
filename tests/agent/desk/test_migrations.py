import json
import sqlite3
from pathlib import Path

from sqlite_utils import Database

from copydesk.agent.desk.migrations import migrations
from copydesk.agent.desk.store import open_desk

NAMES = {
    "asserts": "asserts",
    "gate": "approved",
    "passes": "passes",
    "contained": "isolated",
    "gains": "reaches",
    "probe": "depends",
    "mutants": "mutants",
    "repeats": "repeats",
    "rewrite": "behaviour",
}


def test_rungs_of_older_drafts_get_the_names_that_are_shown(tmp_path: Path) -> None:
    evidence = {"rungs": [{"name": name, "passed": True} for name in NAMES], "tier": "full"}
    connection = sqlite3.connect(tmp_path / "desk.db", isolation_level=None)
    migrations.apply(Database(connection), stop_before="m013_rung_names")
    for kind, kept in (("test", evidence), ("devlog", {"facts": []})):
        connection.execute(
            "INSERT INTO drafts (kind, state, sha, title, origin, path, content, evidence,"
            " created_at) VALUES (?, 'ready', 'c', 't', 'embedded', 'p', 'x', ?, '2026')",
            (kind, json.dumps(kept)),
        )
    connection.execute("PRAGMA user_version = 12")
    connection.close()
    with open_desk(tmp_path) as db:
        test, story = db.drafts.find(())
    assert [rung["name"] for rung in test.evidence["rungs"]] == [*NAMES.values()]
    assert test.evidence["tier"] == "full"
    assert story.evidence == {"facts": []}
