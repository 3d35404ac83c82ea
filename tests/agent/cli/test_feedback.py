from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from copydesk.agent.cli.main import cli
from copydesk.agent.community.changes import changes_of
from copydesk.agent.community.label_messages import load_labels
from copydesk.agent.community.pull import pull_places
from copydesk.agent.desk.store import open_desk
from copydesk.agent.git import repository

DATA = Path(__file__).parents[2] / "data" / "community"
EXPORTS = tuple(str(path) for path in sorted(DATA.iterdir()) if path.suffix != ".md")

Run = Callable[..., Result]


@pytest.fixture
def run(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(repo)

    def invoke(*arguments: str, answers: str = "", expect: int = 0) -> Result:
        result = CliRunner().invoke(cli, ["feedback", *arguments], input=answers)
        assert result.exit_code == expect, result.output
        return result

    return invoke


def answer(run: Run, *arguments: str) -> Any:
    return json.loads(run(*arguments, "--json").stdout)


def test_all_sample_exports_come_in(run: Run) -> None:
    imported = answer(run, "import", *EXPORTS)
    assert [one["error"] for one in imported] == [""] * len(EXPORTS)
    assert sum(one["messages"] for one in imported) == 14
    assert len(answer(run, "list")) == 11  # a poll is in two files; bots and notices are not listed


def test_a_file_that_is_none_stops_no_other(run: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.txt"
    bad.write_text("hello")
    result = run("import", str(bad), EXPORTS[0], expect=1)
    assert "not imported: it is none of" in result.stderr
    assert "CSV, 2 messages: 2 new, 0 changed." in result.stdout


def test_messages_are_listed_by_kind_tone_and_words(run: Run) -> None:
    run("import", *EXPORTS)
    assert {one["kind"] for one in answer(run, "list", "--kind", "question")} == {"question"}
    assert [one["text"] for one in answer(run, "list", "--search", "driving mad")] == [
        "Does this also fix the autosave stutter? It's driving me mad :("
    ]
    assert {one["tone"] for one in answer(run, "list", "--tone", "negative")} == {"negative"}
    assert "No such messages" in run("list", "--search", "zzz").stdout
    assert "How does" in run("list", "--limit", "20").stdout


def test_a_question_is_open_until_it_is_answered(run: Run) -> None:
    run("import", str(DATA / "giscus_github_discussion.json"))
    (question,) = answer(run, "list", "--open")
    run("answered", str(question["id"]))
    assert answer(run, "list", "--open") == []
    assert "1 message open again." in run("answered", str(question["id"]), "--undo").stdout
    assert len(answer(run, "list", "--open")) == 1


def test_a_message_is_shown_with_why_and_its_answers(run: Run) -> None:
    run("import", str(DATA / "dce_forum_thread.json"))
    (stutter,) = answer(run, "list", "--search", "driving")
    shown = run("show", str(stutter["id"])).stdout
    assert 'A question, since it asks "' in shown
    assert "Answer" in shown
    assert len(answer(run, "show", str(stutter["id"]))["answers"]) == 1
    missing = run("show", "999", expect=2)
    assert "there is no message 999" in missing.stderr


def test_topics_name_the_messages_behind_each_term(run: Run) -> None:
    assert "No topics yet" in run("topics").stdout
    run("import", *EXPORTS)
    run("tag", "saves", "save file", "stutter")
    (saves,) = [topic for topic in answer(run, "topics") if topic["name"] == "saves"]
    assert saves["priority"]["need_messages"]
    assert set(saves["priority"]["need_messages"]) <= set(saves["messages"])
    assert "1. " in run("topics").stdout


def test_tags_are_kept_until_they_are_taken_away(run: Run) -> None:
    assert "No tags" in run("tag").stdout
    assert answer(run, "tag", "saves", "file", "autosave") == {"saves": ["autosave", "file"]}
    assert answer(run, "tag", "saves", "--remove", "file") == {"saves": ["autosave"]}
    assert answer(run, "tag", "saves", "--remove") == {}
    assert "needs words" in run("tag", "saves", "...", expect=2).stderr
    assert "no tag 'saves'" in run("tag", "saves", "--remove", expect=2).stderr


def test_you_say_who_you_are(run: Run) -> None:
    assert "None yet" in run("me").stdout
    assert "You are: mira" in run("me", "Mira").stdout
    run("import", str(DATA / "dce_forum_thread.json"))
    (reply,) = answer(run, "list", "--search", "separate bug")
    assert reply["by_author"] is True


def test_a_person_is_forgotten(run: Run) -> None:
    run("import", str(DATA / "giscus_github_discussion.json"))
    assert "1 message erased" in run("forget", "ana-k", "--source", "github").stdout
    assert "1 by people you had forgotten" in run("import", EXPORTS[-2]).stdout


def test_labels_are_stored_and_can_be_undone(run: Run, repo: Path) -> None:
    run("import", str(DATA / "dce_forum_thread.json"))
    said = run("label", answers="x\nn\nu\np\nq\n").stdout
    assert "1 label stored; the weights are fitted from 99 more." in said
    with open_desk(repository.find(repo).desk) as db:
        assert list(load_labels(db).values()) == ["positive"]


def test_labelling_without_messages_says_what_to_do(run: Run) -> None:
    assert "feedback import" in run("label").stdout


def test_what_readers_write_cannot_rule_the_terminal(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "comments.csv"
    path.write_text("created_at,text,author\n2026-11-20,\x1b[31mred\x1b[0m \u202e up,Ana\n")
    run("import", str(path))
    (message,) = answer(run, "list")
    for command in (("list",), ("show", str(message["id"])), ("topics",)):
        output = run(*command).stdout
        assert "\x1b" not in output
        assert "\u202e" not in output


def test_the_inbox_is_imported_by_hand_too_and_tells_what_it_set_aside(
    repo: Path, run: Run
) -> None:
    inbox = repo / ".git" / "copydesk" / "inbox"
    inbox.mkdir(parents=True)
    (inbox / "notes.txt").write_text("milk")
    (inbox / "table.csv").write_text("created_at,text\n2026-11-01,hello there\n")
    for name in ("notes.txt", "table.csv"):
        os.utime(inbox / name, (1_700_000_000,) * 2)
    first = run("inbox").output
    assert "table.csv: CSV, 1 message" in first
    assert f"set aside: {inbox / 'notes.txt'}: it is none of" in first
    states = {Path(file["path"]).name: file["state"] for file in answer(run, "inbox")["files"]}
    assert states == {"notes.txt": "refused", "table.csv": "imported"}


def test_a_pull_without_a_token_says_where_to_put_one(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COPYDESK_DISCORD_TOKEN", raising=False)
    monkeypatch.setattr(pull_places, "_from_keyring", lambda name: "")
    result = run("pull", "discord", "77", expect=2)
    assert "there is no token for discord" in result.output
    assert "copydesk.discordToken" in result.output


def test_a_pull_says_what_came_of_each_place(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pulled = [
        pull_places.Pulled("discord:77", new=3, unreadable=1),
        pull_places.Pulled("discord:78", problem="it is gone"),
    ]
    monkeypatch.setattr("copydesk.agent.community.pull.pull", lambda *_: pulled)
    result = run("pull", "discord", expect=1)
    assert "discord:77: 3 new, 0 changed" in result.stdout
    assert "1 record could not be read" in result.stderr
    assert "not read to its end: it is gone" in result.stderr
    listed = json.loads(run("pull", "discord", "--json", expect=1).stdout)
    assert [one["new"] for one in listed] == [3, 0]


def test_offers_are_listed_dropped_and_remembered(run: Run) -> None:
    run("import", *EXPORTS)
    run("tag", "saves", "save file", "stutter")
    made = answer(run, "offers")
    kinds = {offer["kind"] for offer in made}
    assert {"topic", "hook", "question"} <= kinds
    question = next(offer for offer in made if offer["kind"] == "question")
    assert question["facts"]
    run("offers", "--drop", question["key"])
    assert question["key"] not in [offer["key"] for offer in answer(run, "offers")]
    listed = run("offers", "--all").stdout
    assert f"{question['key']} (dropped): " in listed
    assert "no offer" in run("offers", "--take", "poll-zzz", expect=2).output


def test_commits_of_the_span_are_held_against_what_was_asked(
    run: Run, repo: Path, commit: Callable[..., str], tmp_path: Path
) -> None:
    path = tmp_path / "issue.json"
    path.write_text(
        '[{"node_id": "I_1", "html_url": "https://github.com/o/r/issues/12", "title": "Dark",'
        ' "created_at": "2026-11-20T10:00:00Z", "body": "Please add a dark theme"}]'
    )
    run("import", str(path))
    run("tag", "theme", "dark theme")
    commit(repo, {"a.py": "1"}, "Begin")
    commit(repo, {"a.py": "2"}, "Add a dark theme (#12)")
    made = answer(run, "offers", "--since", "HEAD~1")
    assert [o["text"] for o in made if o["kind"] == "done"] == [
        "You asked about theme: Add a dark theme (#12)."
    ]


def test_changes_name_the_functions_that_hold_changed_lines(
    repo: Path, commit: Callable[..., str]
) -> None:
    commit(repo, {"saves.py": "def a():\n    return 1\n\ndef b():\n    return 1\n"})
    sha = commit(repo, {"saves.py": "def a():\n    return 1\n\ndef b():\n    return 2\n"})
    (change,) = changes_of(repository.find(repo), [sha])
    assert change.functions == {"saves.py::b"}
    assert change.paths == {"saves.py"}
