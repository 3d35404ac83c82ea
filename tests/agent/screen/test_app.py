"""The screen as a whole: what it shows, and what its keys decide."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from copydesk.agent.desk.store import open_desk
from copydesk.agent.review import decisions

Drive = Callable[..., Any]


def test_the_draft_is_shown_as_what_accepting_makes_of_its_file(shop: Any, drive: Drive) -> None:
    shop.add()

    async def script(screen: Any) -> None:
        text = screen.text
        assert "1 test" in screen.rows[0]
        assert "Add a shop (1)" in text
        assert "shop.py::f" in text
        assert "test_shop.py" in text
        assert "+ def test_1():" in text
        assert "Not run" in text
        assert "return 1" in text  # the source, with the line that the draft reaches
        assert "◆" in text
        assert "a accept" in screen.rows[-1]

    drive(script)


def test_an_empty_desk_says_so_and_every_key_is_harmless(shop: Any, drive: Drive) -> None:
    async def script(screen: Any) -> None:
        assert "nothing" in screen.rows[0]
        for key in "aersuAdocgvtm":
            await screen.press(key)
        await screen.press("space", "down", "enter", "escape")

    drive(script)


def test_accepting_goes_on_to_the_next_one_and_can_be_undone(shop: Any, drive: Drive) -> None:
    first, second = shop.add(1), shop.add(2)

    async def script(screen: Any) -> None:
        chosen = screen.app.chosen.id
        await screen.press("a")
        other = ({first, second} - {chosen}).pop()
        assert screen.app.chosen.id == other
        assert shop.state(chosen) == "accepted"
        assert "1 draft accepted: test_shop.py" in screen.status
        assert len(shop.names()) == 2
        await screen.press("u")
        assert shop.state(chosen) == "not_run"
        assert screen.app.chosen.id == chosen
        assert shop.names() == ["test_f"]
        await screen.press("u")
        assert "Nothing was decided here yet" in screen.status

    drive(script)


def test_marked_drafts_are_accepted_and_undone_as_one(shop: Any, drive: Drive) -> None:
    ids = [shop.add(number) for number in (1, 2, 3)]

    async def script(screen: Any) -> None:
        await screen.press("space", "space", "space")
        assert "3 marked" in screen.rows[0]
        await screen.press("A")
        await screen.press("1")
        assert "3 drafts accepted: test_shop.py, 1 line more reached" in screen.status
        assert len(shop.names()) == 4
        assert "nothing" in screen.rows[0]
        await screen.press("u")
        assert shop.names() == ["test_f"]
        assert {shop.state(draft) for draft in ids} == {"not_run"}

    drive(script)


def test_rejecting_takes_two_keys_or_a_typed_reason(shop: Any, drive: Drive) -> None:
    first = shop.add(1)

    async def script(screen: Any) -> None:
        await screen.press("r", "2")
        assert shop.state(first) == "rejected"
        await screen.press("u")
        assert shop.state(first) == "not_run"
        await screen.press("r", "tab", *"vague", "enter")
        assert screen.status == f"Draft {first} is rejected: vague"
        await screen.press("u")
        await screen.press("r", "escape")
        assert shop.state(first) == "not_run"

    drive(script)


def test_a_draft_that_cannot_be_accepted_says_why_and_waits(shop: Any, drive: Drive) -> None:
    first = shop.add(1, content="x = 1\n")

    async def script(screen: Any) -> None:
        await screen.press("a")
        assert "holds no test" in screen.status
        assert shop.state(first) == "not_run"
        assert "could not" in screen.text
        assert "Could not: draft 1 holds no test" in screen.text
        await screen.press("r", "1")
        assert shop.state(first) == "rejected"

    drive(script)


def test_skipping_is_a_step_that_can_be_undone(shop: Any, drive: Drive) -> None:
    shop.add(1)
    shop.add(2)

    async def script(screen: Any) -> None:
        chosen = screen.app.chosen
        await screen.press("s")
        assert screen.app.chosen != chosen
        await screen.press("u")
        assert screen.app.chosen == chosen

    drive(script)


def test_filter_group_and_decided_ones(shop: Any, drive: Drive) -> None:
    first, second = shop.add(1), shop.add(2)

    async def script(screen: Any) -> None:
        await screen.press("slash", *"writer2", "enter")
        assert [entry.id for entry in screen.app.desk_list.entries] == [second]
        assert "of 2" in screen.rows[0]
        await screen.press("a")
        await screen.press("escape")
        assert [entry.id for entry in screen.app.desk_list.entries] == [first]
        await screen.press("slash", *":decided", "enter")
        assert [entry.id for entry in screen.app.desk_list.entries] == [second]
        assert "def test_2" in screen.text
        await screen.press("u")
        assert shop.state(second) == "not_run"
        await screen.press("escape", "g")
        assert "shop.py (2)" in screen.text
        await screen.press("g")
        assert "by value" in screen.rows[0]

    drive(script)


def test_what_comes_later_moves_nothing_and_what_others_decide_goes(
    shop: Any, drive: Drive
) -> None:
    first, second = shop.add(1), shop.add(2)

    async def script(screen: Any) -> None:
        await screen.press("down")
        chosen, row = screen.app.chosen.id, screen.app.desk_list._cursor
        third = shop.add(3)
        await screen.settled()
        assert third in [entry.id for entry in screen.app.desk_list.entries]
        assert screen.app.chosen.id == chosen
        assert screen.app.desk_list._cursor >= row
        with open_desk(shop.repo.desk) as db:
            decisions.reject(shop.repo, db, chosen, "elsewhere")
        await screen.settled()
        assert chosen not in [entry.id for entry in screen.app.desk_list.entries]
        assert screen.app.chosen.id in (first, second, third)

    drive(script)


def test_an_edit_is_checked_in_the_background_and_can_be_undone(
    shop: Any, drive: Drive, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    draft = shop.add(1, kind="devlog", target=None, path="outbox/a.md", content="words\n")
    script_file = tmp_path / "editor"
    script_file.write_text("""#!/bin/sh\nsed -i 's/words/other words/' "$1"\n""")
    script_file.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(script_file))

    async def script(screen: Any) -> None:
        await screen.press("e")  # a pilot's terminal cannot be left
        assert "cannot be left" in screen.status
        monkeypatch.setattr(screen.app, "suspend", contextlib.nullcontext)
        await screen.press("e")
        assert "other words" in screen.text
        await screen.press("u")
        assert "your version is kept in" in screen.status
        assert "other words" not in screen.text
        monkeypatch.setenv("VISUAL", "false")
        await screen.press("e")
        assert "the editor did not work" in screen.status
        assert shop.state(draft) == "not_run"

    drive(script)


@pytest.mark.parametrize("size", [(80, 24), (40, 12), (200, 50)], ids=str)
def test_it_fits_and_every_pane_can_be_read(shop: Any, drive: Drive, size: tuple[int, int]) -> None:
    shop.add()

    async def script(screen: Any) -> None:
        assert {len(row) for row in screen.rows} == {size[0]}
        assert len(screen.rows) == size[1]
        assert "shop.py::f" in screen.text
        await screen.press("enter")
        assert "+ def test_1():" in screen.text
        if size[0] == 40:
            await screen.press("v")
            assert "no sandbox" in screen.text
        await screen.press("v")
        assert "return 1" in screen.text
        await screen.press("escape", "question_mark")
        assert "Accept: a test goes to its module" in screen.text.replace("\n", " ") or size[0] < 70
        await screen.press("escape")

    drive(script, size=size)
