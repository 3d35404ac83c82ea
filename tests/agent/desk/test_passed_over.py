"""The files that coverage.py passes over, on the desk."""

from __future__ import annotations

from pathlib import Path

from copydesk.agent.desk.store import open_desk


def test_equal_sets_are_kept_once_and_go_with_the_last_commit(tmp_path: Path) -> None:
    with open_desk(tmp_path) as db:
        db.passed_over.replace("a" * 40, {"old.py": "why", "b.py": "so"})
        db.passed_over.replace("b" * 40, {"b.py": "so", "old.py": "why"})
        assert db.execute("SELECT count(*) FROM passed_over").fetchone() == (2,)
        assert list(db.passed_over.of_commit("b" * 40)) == ["b.py", "old.py"]
        db.passed_over.replace("b" * 40, {})
        db.passed_over.delete_unused()
        assert db.passed_over.of_commit("b" * 40) == {}
        assert db.passed_over.of_commit("a" * 40) == {"b.py": "so", "old.py": "why"}
        db.measures.delete("a" * 40)
        db.passed_over.delete_unused()
        assert db.execute("SELECT count(*) FROM passed_over").fetchone() == (0,)
