from __future__ import annotations

from pathlib import Path

import pytest

from copydesk.agent.desk.store import open_desk
from copydesk.agent.errors import CopydeskError
from copydesk.agent.git.repository import find
from copydesk.agent.records import Draft, Target
from copydesk.agent.review import decisions


def test_a_test_goes_into_a_new_file_where_the_project_has_none(repo: Path, commit) -> None:
    sha = commit(repo, {"shop.py": "def f():\n    return 1\n"})
    with open_desk(find(repo).desk) as db:
        draft = db.drafts.add(Draft(
            id=0, kind="test", state="not_run", commit=sha, title="t", origin="embedded", path="x",
            content="from shop import f\n\n\ndef test_f():\n    assert f() == 1\n",
            target=Target("shop.py", "f", (2,)), evidence={"verdict": "not run"},
        ))  # fmt: skip
        assert decisions.gap_of(db, db.drafts.get(draft)).lines == (2,)
        written = decisions.accept(find(repo), db, draft)
        assert written == repo / "test_shop.py"  # from tests/ plain pytest could not import it
        written.write_text(written.read_text() + "# mine\n")
        with pytest.raises(CopydeskError, match="changed"):
            decisions.undo(find(repo), db, draft)
        written.write_text(written.read_text().removesuffix("# mine\n"))
        assert decisions.undo(find(repo), db, draft).state == "not_run"
        assert not written.exists()


def test_an_outbox_file_that_was_changed_is_left(repo: Path, commit) -> None:
    with open_desk(find(repo).desk) as db:
        draft = db.drafts.add(Draft(
            id=0, kind="devlog", state="ready", commit="0" * 40, title="t", origin="template",
            path="outbox/x.md", content="words",
        ))  # fmt: skip
        written = decisions.accept(find(repo), db, draft)
        written.write_text("my words")
        decisions.undo(find(repo), db, draft)
        assert written.read_text() == "my words"
