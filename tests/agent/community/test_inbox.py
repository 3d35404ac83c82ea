from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from copydesk.agent.community.import_files import ImportedFile
from copydesk.agent.community.inbox import MOST_ATTEMPTS, import_waiting, waiting_files
from copydesk.agent.community.inbox_folders import inbox_folders
from copydesk.agent.desk.database import Database
from copydesk.agent.progress import silent

OLD = 1_700_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "inbox"
    path.mkdir()
    return path


def drop(path: Path, text: str, *, at: int = OLD) -> Path:
    path.write_text(text, "utf-8")
    os.utime(path, (at, at))
    return path


def comments(*texts: str) -> str:
    rows = [
        {"node_id": f"c{number}", "created_at": "2026-11-01T10:00:00Z", "body": text}
        for number, text in enumerate(texts)
    ]
    return json.dumps(rows)


def imported(db: Database, folder: Path) -> list[ImportedFile]:
    return list(import_waiting(db, [folder], silent))


def test_a_file_is_imported_once_and_again_when_it_has_changed(db: Database, folder: Path) -> None:
    path = drop(folder / "comments.json", comments("one"))
    (first,) = imported(db, folder)
    assert (first.messages, first.new) == (1, 1)
    assert imported(db, folder) == []
    assert waiting_files(db, [folder]) == []
    drop(path, comments("one", "two"), at=OLD + 1)
    (second,) = imported(db, folder)
    assert (second.messages, second.new) == (2, 1)
    assert path.exists()


def test_a_bad_file_is_set_aside_with_its_reason_until_it_changes(
    db: Database, folder: Path
) -> None:
    path = drop(folder / "notes.txt", "milk, eggs")
    (bad,) = imported(db, folder)
    assert "none of" in bad.error
    assert imported(db, folder) == []
    file = db.feedback_state.files()[str(path)]
    assert (file.state, file.reason) == ("refused", bad.error)
    drop(path, comments("one"), at=OLD + 1)
    (good,) = imported(db, folder)
    assert good.new == 1


def test_a_file_that_ends_the_worker_is_not_tried_for_ever(
    db: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any, **__: Any) -> ImportedFile:
        raise KeyboardInterrupt

    path = drop(folder / "comments.json", comments("one"))
    monkeypatch.setattr("copydesk.agent.community.inbox.import_file", die)
    for _ in range(MOST_ATTEMPTS):
        with pytest.raises(KeyboardInterrupt):
            imported(db, folder)
    (refused,) = imported(db, folder)
    assert "never ended" in refused.error
    assert imported(db, folder) == []
    assert db.feedback_state.files()[str(path)].state == "refused"


def test_hidden_and_unfinished_files_links_and_folders_are_left_alone(
    db: Database, folder: Path, tmp_path: Path
) -> None:
    for name in (".hidden.json", "export.json.part", "x.crdownload"):
        drop(folder / name, comments("one"))
    (folder / "sub").mkdir()
    (folder / "link.json").symlink_to(drop(tmp_path / "secret.json", comments("one")))
    assert waiting_files(db, [folder, tmp_path / "missing"]) == []


def test_a_file_that_is_still_written_to_waits(
    db: Database, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [OLD + 5.0]
    path = drop(folder / "comments.json", comments("one"))

    def write_more(seconds: float) -> None:
        now[0] += seconds
        drop(path, comments(*"a" * int(now[0] * 10 - OLD * 10)), at=int(now[0]))

    monkeypatch.setattr("time.time", lambda: now[0])
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("time.sleep", write_more)
    assert imported(db, folder) == []
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    assert len(imported(db, folder)) == 1


def test_the_folders_are_the_desks_own_and_those_the_user_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert inbox_folders(tmp_path / "desk", "~/exports:relative::/srv/x") == [
        tmp_path / "desk" / "inbox",
        tmp_path / "exports",
        Path("/srv/x"),
    ]
