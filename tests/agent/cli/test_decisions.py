import contextlib
import errno
import json
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.agent.cli.conftest import DRAFT, EVIDENCE

from copydesk.agent.review import decisions


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have the editor be a shell script that gets the file as $1."""

    def use(script: str) -> None:
        path = tmp_path / "editor"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("VISUAL", str(path))

    return use


def test_accept_writes_and_undo_takes_back(
    run: Any, shop: Path, add_test: Callable[..., int], add_story: Callable[..., int]
) -> None:
    test, story = str(add_test()), str(add_story())
    before = (shop / "test_prices.py").read_text()
    done = run(shop, "accept", test, story)
    assert done.exit_code == 0, done.output
    assert f"{test}: wrote test_prices.py" in done.output
    assert "def test_label_of_0" in (shop / "test_prices.py").read_text()
    assert (shop / ".git/copydesk/outbox/2026-01-01-abc.md").is_file()
    done = run(shop, "accept", test)
    assert done.exit_code == 2
    assert "messages.md#draft-not-waiting" in done.output
    done = run(shop, "undo", test)
    assert done.output == f"Draft {test} was accepted and is ready again.\n"
    assert (shop / "test_prices.py").read_text() == before
    assert run(shop, "undo", test).exit_code == 2


def test_paths_are_said_as_seen_from_here(
    run: Any, shop: Path, add_test: Callable[..., int]
) -> None:
    (shop / "deep").mkdir()
    assert ": wrote ../test_prices.py" in run(shop / "deep", "accept", str(add_test())).output


def test_reject_wants_a_reason(run: Any, shop: Path, add_test: Callable[..., int]) -> None:
    identity = str(add_test())
    assert run(shop, "reject", identity).exit_code == 2
    done = run(shop, "reject", identity, "--why", " \t")
    assert done.exit_code == 2
    assert "messages.md#no-reason" in done.output
    done = run(shop, "reject", identity, "--why", "wrong rounding")
    assert done.exit_code == 0
    assert "Rejected 1 draft" in done.output
    assert "was rejected and is ready again" in run(shop, "undo", identity).output


def test_an_edited_story_is_kept(
    run: Any, shop: Path, add_story: Callable[..., int], editor: Callable[[str], None]
) -> None:
    identity = str(add_story())
    editor("""sed -i 's/adds prices/adds all the prices/' "$1" """)
    done = run(shop, "edit", identity)
    assert done.exit_code == 0, done.output
    assert f"`copydesk accept {identity}`" in done.output
    assert "adds all the prices" in run(shop, "show", identity).output


@pytest.mark.parametrize("script", ["true", """printf '' >> "$1" """])
def test_an_editor_that_changes_nothing(
    run: Any, shop: Path, add_test: Callable[..., int], editor: Callable[[str], None], script: str
) -> None:
    editor(script)
    assert run(shop, "edit", str(add_test())).output == "Nothing was changed.\n"


def test_an_edited_test_that_is_no_python_changes_nothing(
    run: Any, shop: Path, add_test: Callable[..., int], editor: Callable[[str], None]
) -> None:
    editor("""echo 'def (' > "$1" """)
    done = run(shop, "edit", str(add_test()))
    assert done.exit_code == 2
    assert "messages.md#draft-not-python" in done.output


def test_an_editor_that_fails(
    run: Any, shop: Path, add_test: Callable[..., int], editor: Callable[[str], None]
) -> None:
    editor("exit 3")
    done = run(shop, "edit", str(add_test()))
    assert done.exit_code == 2
    assert "messages.md#editor-failed" in done.output


WRONG = "from prices import label\n\n\ndef test_label_of_1():\n    assert label(1) == 'free'\n"


def test_a_test_that_fails_where_it_goes_is_not_written(
    run: Any, shop: Path, add_test: Callable[..., int]
) -> None:
    identity = str(add_test(content=WRONG))
    before = (shop / "test_prices.py").read_text()
    done = run(shop, "accept", identity)
    assert done.exit_code == 2
    assert "the test does not pass in test_prices.py: test_label_of_1" in done.output
    assert "messages.md#fails-in-place" in done.output
    assert f"`copydesk edit {identity}` changes it" in done.output
    assert (shop / "test_prices.py").read_text() == before
    assert run(shop, "accept", "--anyway", identity).exit_code == 0
    assert "test_label_of_1" in (shop / "test_prices.py").read_text()


def test_all_verified_ones_are_accepted_and_taken_back_together(
    run: Any, shop: Path, add_test: Callable[..., int]
) -> None:
    first = add_test()
    good = "from prices import label\n\n\ndef test_label_of_2():\n    assert label(2) == '2.00'\n"
    others = [
        add_test(content=good, origin="b", evidence=EVIDENCE | {"mutants_killed": 2}),
        add_test(content=WRONG, origin="c"),
        add_test(content=good, origin="d", evidence=EVIDENCE | {"verdict": "failed"}),
    ]
    before = (shop / "test_prices.py").read_text()
    assert run(shop, "accept", "--all-verified", str(first)).exit_code == 2
    assert run(shop, "accept").exit_code == 2
    done = run(shop, "accept", "--all-verified", "--min-mutants", "9")
    assert (done.exit_code, done.output) == (
        0,
        "No verified test draft notices 9 mutants or more.\n",
    )
    done = run(shop, "accept", "--all-verified", "--min-mutants", "3")
    assert done.exit_code == 1
    assert f"{first}: wrote test_prices.py" in done.output
    assert f"{others[1]}: not written: the test does not pass" in done.output
    assert run(shop, "accept", "--all-verified", "--min-mutants", "2").exit_code == 1
    written = (shop / "test_prices.py").read_text()
    assert "test_label_of_0" in written
    assert "test_label_of_2" in written
    done = run(shop, "undo", str(first), str(others[0]))
    assert done.exit_code == 0, done.output
    assert (shop / "test_prices.py").read_text() == before


class TestOneOfSeveral:
    """A draft that cannot be decided on costs no other, and what came of each is said."""

    def test_the_others_are_accepted(
        self, run: Any, shop: Path, add_test: Callable[..., int], add_story: Callable[..., int]
    ) -> None:
        test, wrong, story = add_test(), add_test(content=WRONG, origin="b"), add_story()
        done = run(shop, "accept", "999", str(wrong), str(test), str(story), str(test))
        assert done.exit_code == 1
        assert "999: not written: there is no draft 999" in done.stdout
        assert f"{wrong}: not written: the test does not pass" in done.stdout
        assert done.stdout.count(f"{test}: wrote test_prices.py") == 1
        assert f"{story}: wrote " in done.stdout
        assert "def test_label_of_0" in (shop / "test_prices.py").read_text()

    def test_the_others_are_rejected_and_taken_back(
        self, run: Any, shop: Path, add_test: Callable[..., int]
    ) -> None:
        first, second = str(add_test()), str(add_test(origin="b"))
        assert run(shop, "reject", first, second, "--why", " ").exit_code == 2
        done = run(shop, "reject", first, "999", second, "--why", "no")
        assert done.exit_code == 1
        assert "999: not rejected: there is no draft 999" in done.stdout
        assert "Rejected 2 drafts" in done.stdout
        done = run(shop, "undo", "999", first, second, "--json")
        assert done.exit_code == 1
        rows = {str(row["id"]): row for row in json.loads(done.stdout)}
        assert rows["999"]["slug"] == "no-such-draft"
        assert rows[first]["state"] == rows[second]["state"] == "ready"

    def test_what_copydesk_fails_on_is_said_and_kept(
        self,
        run: Any,
        shop: Path,
        add_test: Callable[..., int],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        first, second = add_test(), add_test(origin="b")
        original = decisions.reject

        def reject(repo: Any, db: Any, identity: int, why: str) -> Any:
            if identity == first:
                raise IndexError("no such thing")
            return original(repo, db, identity, why)

        monkeypatch.setattr(decisions, "reject", reject)
        done = run(shop, "reject", str(first), str(second), "--why", "no")
        assert done.exit_code == 1
        assert f"{first}: not rejected: copydesk failed on it (IndexError: no such thing" in (
            done.stdout
        )
        assert "Rejected 1 draft" in done.stdout
        assert f"draft {first}" in run(shop, "log", "--failures").output

    @pytest.mark.parametrize(
        "error",
        [sqlite3.OperationalError("disk I/O error"), OSError(errno.ENOSPC, "No space left")],
        ids=["the desk", "the disk"],
    )
    def test_what_the_next_would_meet_too_ends_them_all(
        self,
        run: Any,
        shop: Path,
        add_test: Callable[..., int],
        monkeypatch: pytest.MonkeyPatch,
        error: Exception,
    ) -> None:
        first, second = add_test(), add_test(origin="b")
        original = decisions.reject

        def reject(repo: Any, db: Any, identity: int, why: str) -> Any:
            if identity == second:
                raise error
            return original(repo, db, identity, why)

        monkeypatch.setattr(decisions, "reject", reject)
        done = run(shop, "reject", str(first), str(second), "--why", "no", "--json")
        assert done.exit_code == 2
        assert [row["id"] for row in json.loads(done.stdout)] == [first]
        assert "bug" not in done.stderr


def test_decisions_are_told_as_json(
    run: Any, shop: Path, add_test: Callable[..., int], editor: Callable[[str], None]
) -> None:
    first, second = add_test(), add_test(origin="b")
    (accepted,) = json.loads(run(shop, "accept", str(first), "--json").stdout)
    assert (accepted["id"], accepted["state"]) == (first, "accepted")
    assert accepted["written"] == str(shop / "test_prices.py")
    (undone,) = json.loads(run(shop, "undo", str(first), "--json").stdout)
    assert (undone["id"], undone["state"], undone["kept"]) == (first, "ready", None)
    (rejected,) = json.loads(run(shop, "reject", str(second), "--why", "no", "--json").stdout)
    assert (rejected["state"], rejected["note"]) == ("rejected", "no")
    editor("true")
    edited = json.loads(run(shop, "edit", str(first), "--json").stdout)
    assert (edited["id"], edited["changed"]) == (first, False)
    failing = add_test(origin="c", content=WRONG)
    run(shop, "undo", str(second))
    done = run(shop, "accept", "--all-verified", "--json")
    rows = {row["id"]: row for row in json.loads(done.stdout)}
    assert done.exit_code == 1
    assert rows[failing]["slug"] == "fails-in-place"


class TestEditing:
    """What the editor typed is kept, whatever happens."""

    def test_a_corrected_value_that_the_code_does_not_give_is_a_suspect_bug(
        self, run: Any, shop: Path, add_test: Callable[..., int], editor: Callable[[str], None]
    ) -> None:
        both = DRAFT + "\n\ndef test_label_of_2():\n    assert label(2) == '2.00'\n"
        identity = str(add_test(content=both))
        editor("""sed -i 's/"free"/"gratis"/' "$1" """)
        done = run(shop, "edit", identity)
        assert done.exit_code == 0, done.output
        assert done.output.startswith("Failed, as you edited it,")
        bug = "Suspect bug: test_label_of_0 expects 'gratis', and the code gives 'free'."
        assert bug in done.output
        assert "dropped" not in done.output
        draft = json.loads(run(shop, "show", identity, "--json").stdout)
        assert draft["content"] == both.replace("free", "gratis")
        assert draft["state"] == "ready"
        assert draft["evidence"]["tests"] == ["test_label_of_0", "test_label_of_2"]
        (suspect,) = draft["evidence"]["suspect_bugs"]
        assert (suspect["expected"], suspect["observed"]) == ("'gratis'", "'free'")
        assert "suspect bug" in run(shop, "drafts").output
        assert "No verified test draft" in run(shop, "accept", "--all-verified").output

        done = run(shop, "undo", identity)
        assert "as it was before your edit" in done.output
        kept = shop / ".git/copydesk/edits" / f"draft-{identity}.undone-1.py"
        assert kept.read_text() == both.replace("free", "gratis")
        draft = json.loads(run(shop, "show", identity, "--json").stdout)
        assert (draft["content"], draft["evidence"]) == (both, EVIDENCE)
        assert run(shop, "undo", identity).exit_code == 2

    def test_a_test_that_adds_nothing_stays_and_is_verified_with_the_others(
        self, run: Any, shop: Path, add_test: Callable[..., int], editor: Callable[[str], None]
    ) -> None:
        identity = str(add_test())
        again = shop / "again.txt"
        again.write_text("\n\ndef test_again():\n    assert label(0) == 'free'\n")
        editor(f"""cat {again} >> "$1" """)
        done = run(shop, "edit", identity)
        assert done.output.startswith("Verified, as you edited it,"), done.output
        assert "dropped" not in done.output
        assert "adds nothing to the others" in done.output
        assert "test_again" in run(shop, "show", identity).output

    def test_no_editor_opens_for_a_draft_that_was_decided_on(
        self, run: Any, shop: Path, add_test: Callable[..., int], editor: Callable[[str], None]
    ) -> None:
        identity = str(add_test())
        run(shop, "reject", identity, "--why", "no")
        editor(f"touch {shop}/opened")
        done = run(shop, "edit", identity)
        assert done.exit_code == 2
        assert "messages.md#draft-not-waiting" in done.output
        assert not (shop / "opened").exists()

    def test_an_emptied_draft_stays_as_it_was(
        self, run: Any, shop: Path, add_test: Callable[..., int], editor: Callable[[str], None]
    ) -> None:
        identity = str(add_test())
        editor("""echo ' ' > "$1" """)
        done = run(shop, "edit", identity)
        assert done.exit_code == 2
        assert "messages.md#draft-emptied" in done.output
        assert DRAFT in json.loads(run(shop, "show", identity, "--json").stdout)["content"]

    def test_a_draft_without_its_last_test_is_kept_and_not_accepted(
        self, run: Any, shop: Path, add_test: Callable[..., int], editor: Callable[[str], None]
    ) -> None:
        identity = str(add_test())
        before = (shop / "test_prices.py").read_text()
        editor("""echo '# later' > "$1" """)
        assert "it holds no test function" in run(shop, "edit", identity).output
        done = run(shop, "accept", "--anyway", identity)
        assert done.exit_code == 2
        assert "messages.md#no-test-in-draft" in done.output
        assert (shop / "test_prices.py").read_text() == before

    @pytest.mark.parametrize(
        ("ending", "slug"), [("exit 3", "editor-failed"), ("true", "draft-not-python")]
    )
    def test_the_next_edit_goes_on_from_what_was_typed(
        self,
        run: Any,
        shop: Path,
        add_test: Callable[..., int],
        editor: Callable[[str], None],
        ending: str,
        slug: str,
    ) -> None:
        identity = str(add_test())
        editor(f"""echo 'def (  # my thoughts' > "$1"; {ending}""")
        done = run(shop, "edit", identity)
        assert done.exit_code == 2
        assert f"messages.md#{slug}" in done.output
        kept = f".git/copydesk/edits/draft-{identity}.py"
        assert f"What you typed is kept in {kept}" in done.output
        editor(f"""cat "$1" >> {shop}/seen; : > "$1" """)
        assert "What you typed is kept in" in run(shop, "edit", identity).output
        editor(f"""cat "$1" >> {shop}/seen; echo '# nothing' > "$1" """)
        assert "This is what you typed last time" in run(shop, "edit", identity).output
        assert (shop / "seen").read_text() == "def (  # my thoughts\n" * 2
        assert not (shop / kept).exists()

    def test_what_cannot_be_stored_now_is_stored_by_the_next_edit(
        self, run: Any, shop: Path, add_story: Callable[..., int], editor: Callable[[str], None]
    ) -> None:
        identity = str(add_story())
        desk = shop / ".git/copydesk/desk.db"
        broken = "CREATE TRIGGER no BEFORE INSERT ON reviews BEGIN SELECT raise(ABORT, 'no'); END"
        _execute(desk, broken)
        editor("""echo 'My own words.' > "$1" """)
        done = run(shop, "edit", identity)
        assert done.exit_code != 0
        assert "What you typed is kept in" in done.output
        _execute(desk, "DROP TRIGGER no")
        editor("true")
        assert run(shop, "edit", identity).exit_code == 0
        assert "My own words." in run(shop, "show", identity).output

    def test_a_check_that_cannot_be_made_keeps_the_edit(
        self, run: Any, shop: Path, add_test: Callable[..., int], editor: Callable[[str], None]
    ) -> None:
        identity = str(add_test(commit="1" * 40))  # a commit that is gone
        editor("""sed -i 's/free/gratis/' "$1" """)
        done = run(shop, "edit", identity)
        assert done.exit_code == 0, done.output
        draft = json.loads(run(shop, "show", identity, "--json").stdout)
        assert draft["state"] == "not_run"
        assert "gratis" in draft["content"]
        assert draft["evidence"]["notes"]

    def test_one_draft_is_open_in_one_editor(
        self, run: Any, shop: Path, add_test: Callable[..., int], editor: Callable[[str], None]
    ) -> None:
        identity = str(add_test())
        command = f"{sys.executable} -m copydesk.agent.cli.main edit {identity}"
        editor(f"cd {shop} && {command} > {shop}/second 2>&1; true")
        assert run(shop, "edit", identity).output == "Nothing was changed.\n"
        assert "messages.md#edit-open" in (shop / "second").read_text()

    def test_an_edit_over_another_edit_is_kept_aside(
        self, run: Any, shop: Path, add_story: Callable[..., int], editor: Callable[[str], None]
    ) -> None:
        identity = add_story()
        desk = shop / ".git/copydesk/desk.db"
        update = f"UPDATE drafts SET content = 'theirs' WHERE id = {identity}"
        script = (
            f"import sqlite3; c = sqlite3.connect('{desk}'); c.execute(\"{update}\"); c.commit()"
        )
        (shop / "other.py").write_text(script)
        editor(f"""echo mine > "$1"; {sys.executable} {shop}/other.py""")
        done = run(shop, "edit", str(identity))
        assert done.exit_code == 2
        assert "messages.md#edited-meanwhile" in done.output
        assert "What you typed is kept in" in done.output
        assert "theirs" in run(shop, "show", str(identity)).output


def _execute(desk: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(desk)) as db:
        db.execute(statement)
        db.commit()
