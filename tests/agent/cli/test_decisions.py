from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.agent.cli.conftest import EVIDENCE


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
