from __future__ import annotations

from pathlib import Path

from copydesk.agent.desk.store import open_desk


def test_a_value_is_worked_out_once_and_stays_on_the_desk(tmp_path: Path) -> None:
    asked: list[str] = []

    def work(key: str) -> list[str]:
        asked.append(key)
        return [key, key.upper()]

    with open_desk(tmp_path) as db:
        first = db.content_cache("test/1", work)
        assert first.fetch(["a", "b"]) == {"a", "b"}
        assert [first("a"), first("a")] == [["a", "A"]] * 2
        first.save()
        second = db.content_cache("test/1", work)
        assert second.fetch(["a", "b"]) == {"b"}
        assert second("a") == ["a", "A"]
        assert asked == ["a"]
        assert db.content_cache("test/2", work).fetch(["a"]) == {"a"}
        second.recompute("a")
        assert asked == ["a", "a"]
