import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from copydesk.agent.desk.comparisons import ComparisonRow
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git.repository import find


def test_an_empty_desk_names_the_next_step(run: Any, shop: Path) -> None:
    done = run(shop, "drafts")
    assert done.exit_code == 0
    assert "Nothing waits for you (drafts: none)." in done.output
    assert "`copydesk draft`" in done.output
    assert run(shop, "drafts", "--json").output == "[]\n"


def test_drafts_are_listed_by_state_and_kind(
    run: Any, shop: Path, add_test: Callable[..., int], add_story: Callable[..., int]
) -> None:
    test, story = add_test(), add_story()
    add_test(origin="old", state="discarded")
    said = run(shop, "drafts").output
    assert "prices.py::label  2 lines, 3/4 mutants  embedded" in said
    assert "2 drafts; `copydesk review`" in said
    assert "discarded" not in said
    assert "discarded" in run(shop, "drafts", "--all").output
    found = json.loads(run(shop, "drafts", "--json").output)
    assert [draft["id"] for draft in found] == [test, story]
    keys = {"id", "kind", "state", "commit", "target", "origin", "path", "content", "evidence"}
    assert keys <= found[0].keys()
    assert found[0]["target"] == {"path": "prices.py", "function": "label", "lines": [13, 14, 15]}
    (only,) = json.loads(run(shop, "drafts", "--kind", "devlog", "--json").output)
    assert only["id"] == story
    assert len(json.loads(run(shop, "drafts", "--all", "--json").output)) == 3


def test_a_test_is_shown_with_its_evidence_in_words(
    run: Any, shop: Path, add_test: Callable[..., int]
) -> None:
    identity = add_test()
    said = run(shop, "show", str(identity)).output
    for part in (
        f"Test {identity} · prices.py::label",
        "by embedded for ",
        "→ test_prices.py",
        'assert label(0) == "free"',
        "Verified in the sandbox, 12 s.",
        "  ✓ asserts: 1 test with assertions",
        "  ✓ mutants: notices 3 of 4 mutants",
        "Gains lines 13-14; branches 13→14, 15→exit.",
        "Mutants: 3 of 4 killed.",
        "Not noticed: line 15: `2` becomes `3`",
        "Recorded, not predicted: test_label_of_0.",
        "Note: test_b was dropped: it adds nothing",
        f"`copydesk accept {identity}`",
    ):
        assert part in said
    assert json.loads(run(shop, "show", str(identity), "--json").output)["id"] == identity


def test_a_story_is_shown_with_its_facts(
    run: Any, shop: Path, add_story: Callable[..., int]
) -> None:
    said = run(shop, "show", str(add_story())).output
    assert "Commit `abc` adds prices.[^F1]" in said
    assert "Checked: every sentence rests on its facts (1 of them)." in said


def test_a_draft_cannot_write_escapes(run: Any, shop: Path, add_test: Callable[..., int]) -> None:
    evil = "\x1b]0;owned\x07 \u202e"
    identity = add_test(
        content=f"# {evil}\n", title=evil, origin=evil, path=evil, evidence={"notes": [evil]}
    )
    for words in (("show", str(identity)), ("drafts",), ("review",)):
        said = run(shop, *words).output
        assert "\\x1b]0;owned\\x07" in said
        assert not {"\x1b", "\x07", "\u202e"} & set(said)


def test_a_decided_draft_shows_the_note_and_offers_nothing(
    run: Any, shop: Path, add_test: Callable[..., int]
) -> None:
    identity = str(add_test())
    run(shop, "reject", identity, "--why", "too clever")
    said = run(shop, "show", identity).output
    assert "; rejected" in said
    assert "Your note: too clever" in said
    assert "copydesk accept" not in said


def test_an_unknown_draft(run: Any, shop: Path) -> None:
    done = run(shop, "show", "99")
    assert done.exit_code == 2
    assert "messages.md#no-such-draft" in done.output


def test_suspect_changes_stand_before_the_drafts(
    run: Any, shop: Path, add_test: Callable[..., int], add_story: Callable[..., int]
) -> None:
    difference = {"call": "label(0)", "before": "'free'", "after": "''", "kind": "value"}
    detail = {"differences": [difference]}
    row = ComparisonRow(0, "a" * 40, "", "prices.py", "label", "differs", "", detail)
    add_test()
    with open_desk(find(shop).desk) as db:
        suspect = db.comparisons.keep(row).id
        db.comparisons.keep(
            row._replace(function="fixed", announced="the commit calls itself a fix")
        )
    lines = run(shop, "drafts").output.splitlines()
    assert lines[:3] == [
        "Suspect change: prices.py::label since aaaaaaaa",
        "  label(0) gave 'free', gives ''",
        f"  `copydesk behaviour --test {suspect}` makes a test of it,"
        f" `--fine {suspect}` is your yes",
    ]
    assert "1 draft; `copydesk review`" in lines[-1]
    assert "Suspect" not in run(shop, "drafts", "--kind", "devlog").output
    assert "fixed" not in "".join(lines)
    with open_desk(find(shop).desk) as db:
        db.comparisons.set_state(suspect, "fine")
    assert "Suspect" not in run(shop, "drafts").output


def test_tests_of_a_difference_are_listed_first(
    run: Any, shop: Path, add_test: Callable[..., int]
) -> None:
    add_test()
    second = add_test(origin="behaviour")
    listed = json.loads(run(shop, "drafts", "--json").output)
    assert listed[0]["id"] == second
