from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from copydesk.agent.community.import_files import import_file
from copydesk.agent.community.label_messages import label_messages
from copydesk.agent.desk.gaps import GapRow
from copydesk.agent.desk.packed_ids import compress_ids
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git import repository
from copydesk.agent.git.commit import Commit
from copydesk.agent.progress import silent
from copydesk.agent.records import Gap
from copydesk.agent.scoring.reader_needs import HIGHEST, TRACEBACK_RISK, raise_gaps

SOURCE = """\
def read_rows(path):
    if not path:
        return None
    return open(path)


def write_rows(path):
    return path


def other():
    return 1
"""

Gaps = dict[str, tuple[float, tuple[str, ...]]]


@pytest.fixture
def gaps_after(
    repo: Path, commit: Callable[..., str], tmp_path: Path
) -> Callable[[list[tuple[str, str, float]]], Gaps]:
    """The gaps of a commit after messages (author, text, age in days) came in."""

    def after(messages: list[tuple[str, str, float]]) -> Gaps:
        sha = commit(repo, {"rows.py": SOURCE})
        now = time.time()
        export = tmp_path / "comments.csv"
        lines = ["created_at\ttext\tauthor"]
        for author, text, age in messages:
            moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - age * 86_400))
            lines.append(f"{moment}\t{json.dumps(text)}\t{author}")
        export.write_text("\n".join(lines).replace('\\"', '""').replace("\\n", "\n"), "utf-8")
        where = repository.find(repo)
        with open_desk(where.desk) as db:
            columns = [row[1] for row in db.execute("PRAGMA table_info(measures)")]
            empty = {"sha": sha, "traces": b"", "totals": compress_ids([])}
            values = dict.fromkeys(columns, 0) | empty
            marks = ", ".join("?" * len(columns))
            db.execute(f"INSERT INTO measures VALUES ({marks})", [values[name] for name in columns])
            found = [
                Gap(sha, "rows.py", "read_rows", 1, 4, (3,), risk=0.1, reasons=("it is new",)),
                Gap(sha, "rows.py", "write_rows", 7, 8, (8,), risk=0.9, changed=True),
                Gap(sha, "rows.py", "other", 11, 12, (12,), risk=0.2),
            ]
            db.gaps.replace(sha, db.gaps.prepare(map(GapRow.of, found)))
            import_file(db, export, names=False, complete=True, progress=silent)
            label_messages(db, silent)
            for _ in range(2):  # twice is as once
                raise_gaps(db, Commit(where, sha), now)
            return {gap.function: (gap.risk, gap.reasons) for gap in db.gaps.of_commit(sha)}

    return after


def test_a_gap_that_readers_name_ranks_higher(
    gaps_after: Callable[[list[tuple[str, str, float]]], Gaps],
) -> None:
    gaps = gaps_after(
        [
            ("ana", "Why does read_rows return nothing?", 4.0),
            ("bo", "read_rows is broken, please fix it", 30.0),
            ("bo", "Could you add a limit to read_rows()?", 31.0),
        ]
    )
    risk, reasons = gaps["read_rows"]
    assert 0.5 < risk < HIGHEST
    assert reasons == (
        "reader: named in 3 messages of 2 people, newest 4 days ago",
        "it is new",
    )
    assert gaps["other"] == (0.2, ())


def test_a_reported_traceback_through_uncovered_lines_comes_first(
    gaps_after: Callable[[list[tuple[str, str, float]]], Gaps],
) -> None:
    report = 'It crashes:\n  File "/home/a/rows.py", line 3, in read_rows\nTypeError: no path'
    gaps = gaps_after([("ana", report, 0.0)])
    assert next(iter(gaps)) == "read_rows"
    assert gaps["read_rows"] == (
        TRACEBACK_RISK,
        ("reader: a reported traceback goes through its uncovered lines", "it is new"),
    )


def test_a_prediction_that_is_higher_stays(
    gaps_after: Callable[[list[tuple[str, str, float]]], Gaps],
) -> None:
    gaps = gaps_after([("ana", "write_rows is broken", 1.0)])
    assert gaps["write_rows"][0] == 0.9


def test_praise_and_old_messages_move_nothing(
    gaps_after: Callable[[list[tuple[str, str, float]]], Gaps],
) -> None:
    gaps = gaps_after(
        [("ana", "Thanks, read_rows is great!", 1.0), ("bo", "read_rows is broken", 300.0)]
    )
    assert gaps["read_rows"] == (0.1, ("it is new",))
