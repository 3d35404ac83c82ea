"""Stories on their way out: exported into a site, put into the outbox, sent."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from copydesk.agent.desk.store import open_desk
from copydesk.agent.desk.stories import Span
from copydesk.agent.git import repository
from copydesk.agent.records import Draft, Fact, Picture, Poll, Sentence, Story
from copydesk.agent.stories.check_story import Problem
from copydesk.agent.stories.stored_stories import StoredStory, load_story, save_story

SENTENCE = Sentence("`label()` says “free” for 0.", ("F1",))
STORY = Story(
    title="Prices: “free” at last",
    date="2026-11-24",
    origin="template",
    hook=Sentence("A price of nothing has a word now.", ("F1",)),
    sections=(("What changed", (SENTENCE,)),),
    question=Sentence("Which price should have a word next?", ("F1",)),
    poll=Poll(Sentence("Which next?", ()), (Sentence("One", ()), Sentence("Two", ()))),
    changes=(("Added", (SENTENCE,)),),
    pictures=(Picture("coverage", Sentence("Coverage rose.", ("F2",)), "<svg/>\n", b"\x89PNG"),),
    tags=("prices",),
)
SITES = {
    "hugo": ("hugo.toml", "content/posts/prices-free-at-last/index.md"),
    "jekyll": ("_config.yml", "_posts/2026-11-24-prices-free-at-last.md"),
    "astro": ("astro.config.mjs", "src/content/blog/prices-free-at-last.md"),
    "zola": ("config.toml", "content/blog/prices-free-at-last/index.md"),
}
PICTURES = {
    "hugo": "content/posts/prices-free-at-last/coverage.svg",
    "jekyll": "assets/copydesk/prices-free-at-last/coverage.svg",
    "astro": "src/content/blog/prices-free-at-last/coverage.svg",
    "zola": "content/blog/prices-free-at-last/coverage.svg",
}


@pytest.fixture
def add_span(shop: Path) -> Callable[..., int]:
    """Put the story of a span on the desk of the shop; returns its draft's id."""

    def add(story: Story = STORY, *, red: bool = False, closed_by: str = "") -> int:
        repo = repository.find(shop)
        head = repository.resolve(repo, "HEAD")
        problems = (Problem(SENTENCE.text, "0", "0 is in no fact"),) if red else ()
        draft = Draft(0, "devlog", "ready", head, story.title, "template", "outbox/x.md", "# Hi\n")
        stored = StoredStory(
            *(0, 0, Span("", head, head), "open", story, (Fact("F1", "note", "n", {}),)),
            problems=problems,
            closed_by=closed_by,
        )
        with open_desk(repo.desk) as db:
            return save_story(db, stored, draft).draft_id

    return add


@pytest.fixture
def site(tmp_path: Path) -> Callable[[str], Path]:
    """Make a folder that looks like a generator's site."""

    def make(name: str) -> Path:
        top = tmp_path / f"{name}-site"
        top.mkdir()
        (top / SITES[name][0]).write_text('taxonomies = [{ name = "tags" }]\n')
        return top

    return make


@pytest.mark.parametrize("name", SITES)
def test_a_post_goes_where_the_site_has_its_posts(
    run: Any, shop: Path, add_span: Callable[..., int], site: Callable[[str], Path], name: str
) -> None:
    story, top = str(add_span()), site(name)
    done = run(shop, "export", story, "--to", name, "--into", str(top), "--draft")
    assert done.exit_code == 0, done.output
    post, picture = top / SITES[name][1], top / PICTURES[name]
    assert {line.removeprefix("Wrote ") for line in done.stdout.splitlines()} == {
        str(post),
        str(picture),
    }
    assert "prices" in post.read_text()
    assert picture.read_text() == "<svg/>\n"
    again = run(shop, "export", story, "--to", name, "--into", str(top), "--draft")
    assert "Nothing to write" in again.stdout
    public = run(shop, "export", story, "--to", name, "--into", str(post.parent))
    if name in ("jekyll", "astro"):
        assert public.stdout == f"Wrote {post}\n"
    before = post.read_text()
    post.write_text(before + "mine\n")
    refused = run(shop, "export", story, "--to", name, "--into", str(top), "--draft")
    assert refused.exit_code == 2
    assert "messages.md#changed-since-export" in refused.output
    assert post.read_text() == before + "mine\n"


def test_a_sites_own_rules_are_kept(
    run: Any, shop: Path, add_span: Callable[..., int], site: Callable[[str], Path]
) -> None:
    story, astro, zola = str(add_span()), site("astro"), site("zola")
    (astro / "src").mkdir()
    (astro / "src/content.config.ts").write_text("schema: z.strictObject({ title: z.string() })")
    (astro / "src/content/posts").mkdir(parents=True)
    done = run(shop, "export", story, "--to", "astro", "--into", str(astro), "--draft")
    assert "messages.md#no-draft-switch" in done.output
    done = run(shop, "export", story, "--to", "astro", "--into", str(astro))
    text = (astro / "src/content/posts/prices-free-at-last.md").read_text()
    assert "no tags for posts" in done.stdout
    assert "no other keys" in done.stdout
    assert "tags:" not in text
    assert "copydesk:" not in text
    (zola / "config.toml").write_text("not toml")
    run(shop, "export", story, "--to", "zola", "--into", str(zola))
    assert "taxonomies" not in (zola / SITES["zola"][1]).read_text()


def test_what_is_no_site_is_said(
    run: Any, shop: Path, add_span: Callable[..., int], tmp_path: Path
) -> None:
    story = str(add_span())
    for folder in (tmp_path, tmp_path / "nowhere"):
        done = run(shop, "export", story, "--to", "hugo", "--into", str(folder))
        assert done.exit_code == 2
        assert "messages.md#no-site" in done.output
    for words in (
        ["--to", "devlog", "--into", "x"],
        ["--to", "release", "--draft"],
        ["--to", "hugo", "--into", "x", "-o", "y"],
    ):
        assert run(shop, "export", story, *words).exit_code == 2


def test_a_post_that_moved_and_one_that_cannot_be_written_are_said(
    run: Any, shop: Path, add_span: Callable[..., int], site: Callable[[str], Path]
) -> None:
    story, top = add_span(), site("jekyll")
    run(shop, "export", str(story), "--to", "jekyll", "--into", str(top))
    (top / "drafts").mkdir()
    done = run(shop, "export", str(story), "--to", "jekyll", "--into", str(top / "drafts"))
    assert f"still there: {top / SITES['jekyll'][1]}" in done.stdout
    (top / "_posts").rename(top / "old")
    (top / "_posts").write_text("a file")
    done = run(shop, "export", str(story), "--to", "jekyll", "--into", str(top))
    assert done.exit_code == 2
    assert "messages.md#cannot-write" in done.output


@pytest.mark.parametrize("channel", ["changelog", "release", "discord", "hugo", "devlog"])
def test_a_text_is_printed(
    run: Any, shop: Path, add_span: Callable[..., int], channel: str
) -> None:
    shown = run(shop, "export", str(add_span(closed_by="tag v1.2.0")), "--to", channel).stdout
    start = {
        "changelog": "## [1.2.0] - 2026-11-24\n",
        "release": "A price of nothing",
        "discord": "[",
        "hugo": "---\ntitle:",
        "devlog": "# Prices: “free” at last\n\n*2026-11-24*\n",
    }[channel]
    assert shown.startswith(start)


def test_a_story_without_changes_has_no_changelog(
    run: Any, shop: Path, add_span: Callable[..., int]
) -> None:
    story = add_span(Story("T", "", (("", (SENTENCE,)),), "template"))
    assert "#no-changes" in run(shop, "export", str(story), "--to", "changelog").output


def test_red_sentences_stop_it_until_they_are_accepted(
    run: Any, shop: Path, add_span: Callable[..., int]
) -> None:
    story = str(add_span(red=True))
    for words in (
        ["export", story, "--to", "release"],
        ["accept", story],
        ["send", story, "--to", "discord"],
    ):
        done = run(shop, *words)
        assert "messages.md#red-sentences" in done.output, words
        assert "is in no fact" in done.output
    assert run(shop, "accept", story, "--anyway").exit_code == 0
    assert run(shop, "export", story, "--to", "release").exit_code == 0
    with open_desk(repository.find(shop).desk) as db:
        assert load_story(db, int(story)).accepted_red == (SENTENCE.text,)


def test_an_accepted_story_is_in_the_outbox_and_undo_takes_it_out(
    run: Any, shop: Path, add_span: Callable[..., int]
) -> None:
    story = str(add_span())
    done = run(shop, "accept", story)
    assert done.exit_code == 0, done.output
    folder = repository.find(shop).desk / "outbox/2026-11-24-prices-free-at-last"
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert names == {
        *("devlog.md", "changelog.md", "release.md", "thread.json"),
        *("hugo.md", "jekyll.md", "astro.md", "zola.md"),
        *("pictures/coverage.svg", "pictures/coverage.png"),
    }
    (folder / "hugo.md").write_text("mine")
    assert run(shop, "undo", story).exit_code == 0
    assert [path.name for path in folder.rglob("*")] == ["hugo.md"]


def test_a_missing_renderer_is_said_in_the_outbox(
    run: Any, shop: Path, add_span: Callable[..., int]
) -> None:
    picture = Picture("coverage", Sentence("Up.", ()), "<svg/>", None)
    story = add_span(Story("T", "", (("", (SENTENCE,)),), "template", pictures=(picture,)))
    run(shop, "accept", str(story))
    (note,) = repository.find(shop).desk.glob("outbox/undated-t/pictures/no-png.txt")
    assert "copydesk[png]" in note.read_text()


def test_a_story_is_shown_then_sent(
    run: Any,
    shop: Path,
    add_span: Callable[..., int],
    discord_server: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    story = str(add_span())
    send = ["send", story, "--to", "discord"]
    assert "messages.md#not-approved" in run(shop, *send).output
    run(shop, "accept", story)
    shown = run(shop, *send)
    assert "--- part 1 of 5 (hook), planned" in shown.stdout
    assert '"thread_name": "Prices: “free” at last"' in shown.stdout
    assert "Nothing was sent." in shown.stdout
    planned = json.loads(run(shop, *send, "--json").stdout)
    assert "messages.md#no-webhook" in run(shop, *send, "--yes").output
    server = discord_server.DiscordServer(faults=["", "drop after"])
    with server.serve() as address:
        monkeypatch.setenv("COPYDESK_DISCORD_WEBHOOK", address)
        broken = run(shop, *send, "--yes")
        assert broken.exit_code == 2
        assert "messages.md#send-in-doubt" in broken.output
        assert "(part), sending" in run(shop, *send).stdout
        assert run(shop, *send, "--sent", "1").exit_code == 2  # without --yes
        done = run(shop, *send, "--yes", "--sent", server.messages[1]["id"])
        assert done.exit_code == 0, done.output
        assert "Sent: 5 parts" in done.stdout
        assert "messages.md#already-sent" in run(shop, *send, "--yes").output
        assert "--again sends it once more" in run(shop, *send).stdout
        server.faults = ["drop"]
        run(shop, *send, "--yes", "--again")
        again = run(shop, *send, "--yes", "--resend", "--json")
        assert [part["state"] for part in json.loads(again.stdout)] == ["sent"] * 5
    assert len(server.messages) == 10
    bodies = [payload for _, _, payload in server.requests]
    assert [body.get("content") for body in bodies[:5]] == [
        p["body"].get("content") for p in planned
    ]
    for done_run in (shown, broken, done, again):
        assert discord_server.TOKEN not in done_run.output
    with open_desk(repository.find(shop).desk) as db:
        assert load_story(db, int(story)).state == "sent"


def test_settings_for_discord_are_checked(
    run: Any, shop: Path, add_span: Callable[..., int], git: Callable[..., str]
) -> None:
    story = str(add_span())
    git(shop, "config", "copydesk.discordTags", "910 911")
    git(shop, "config", "copydesk.discordChannel", "forum")
    assert '"910",' in run(shop, "export", story, "--to", "discord").stdout
    git(shop, "config", "copydesk.discordChannel", "stage")
    assert "messages.md#bad-config" in run(shop, "export", story, "--to", "discord").output


def test_a_story_whose_commits_are_gone_has_no_plots(
    run: Any, shop: Path, add_span: Callable[..., int]
) -> None:
    story = add_span(dataclasses.replace(STORY, pictures=()))
    repo = repository.find(shop)
    with open_desk(repo.desk) as db:
        stored = load_story(db, story)
        save_story(db, dataclasses.replace(stored, span=Span("f" * 40, "e" * 40, "d" * 40)))
    done = run(shop, "export", str(story), "--to", "hugo")
    assert done.exit_code == 0, done.output
    assert "![" not in done.stdout


def test_two_stories_of_one_title_do_not_get_into_each_others_way(
    run: Any, shop: Path, add_span: Callable[..., int], site: Callable[[str], Path]
) -> None:
    first, top = add_span(), site("jekyll")
    with open_desk(repository.find(shop).desk) as db:
        stored = load_story(db, first)
        draft = db.drafts.get(first)
        other = dataclasses.replace(stored.story, hook=SENTENCE)
        second = save_story(db, dataclasses.replace(stored, id=0, draft_id=0, story=other), draft)
    words = ["--to", "jekyll", "--into", str(top)]
    assert run(shop, "export", str(first), *words).exit_code == 0
    done = run(shop, "export", str(second.draft_id), *words)
    assert "messages.md#changed-since-export" in done.output
    for story in (first, second.draft_id):
        assert run(shop, "accept", str(story)).exit_code == 0
    folders = {path.name for path in (repository.find(shop).desk / "outbox").iterdir()}
    name = "2026-11-24-prices-free-at-last"
    assert folders == {name, f"{name}-{second.draft_id}"}
